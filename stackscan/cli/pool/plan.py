"""``stackscan pool plan``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options.output import Open, OutputFile
from stackscan.cli.options.pool import DEADLINE, RATE, SERVICE, SILENT, PoolFormat, part, time


def command(
    rate: Annotated[float, RATE],
    silent_fraction: Annotated[float, SILENT],
    close_deadline: Annotated[float, DEADLINE] = 10.0,
    target_wait: Annotated[float, time("The target: the longest acceptable wait for a worker.", default="100ms")] = 0.1,
    target_probability: Annotated[float, part("Share of tasks that must meet the target [default: 0.99].")] = 0.99,
    workers: Annotated[int, typer.Option(help="The current pool, whose limits are shown too.")] = 12,
    service_time: Annotated[float, SERVICE] = 300e-6,
    output_format: PoolFormat = "text",
    output: OutputFile = None,
    open_page: Open = False,
) -> None:
    """Say how many workers hold a target, and what the pool of now could bear.

    The target: this share of all tasks waits no longer than that for a worker.

    \b
      stackscan pool plan --rate 5 --silent-fraction 10%
      stackscan pool plan --rate 5 --silent-fraction 0.1 --target-wait 1s --target-probability 0.999 --format json
    """
    from stackscan.cli.terminal.output import page_file, written
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.planning import Target, plan
    from stackscan.render import renderer

    demand = Demand(workers, rate, silent_fraction, close_deadline, service_time)
    target = Target(target_wait, target_probability)
    found = plan(demand, target)
    with page_file(output, output_format, show=open_page) as place, written(place) as out:
        renderer("plan", output_format)(demand, target, found, out)
