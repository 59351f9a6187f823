"""``stackscan pool plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.pool.output import Output, printed
from stackscan.cli.units import seconds, share


def command(
    rate: Annotated[float, typer.Option(metavar="PER_SECOND", help="Tasks that arrive per second.")],
    silent_fraction: Annotated[str, typer.Option(metavar="SHARE", help="Share of tasks with a silent peer.")],
    close_deadline: Annotated[str, typer.Option(metavar="TIME", help="How long a close waits for a silent peer.")] = (
        "10s"
    ),
    target_wait: Annotated[
        str, typer.Option(metavar="TIME", help="The target: the longest acceptable wait for a worker.")
    ] = ("100ms"),
    target_probability: Annotated[
        str, typer.Option(metavar="SHARE", help="The share of tasks that must meet the target.")
    ] = "0.99",
    workers: Annotated[int, typer.Option(help="The current pool, whose limits are shown too.")] = 12,
    service_time: Annotated[str, typer.Option(metavar="TIME", help="How long one write takes.")] = "300us",
    output_format: Annotated[
        Output, typer.Option("--format", "-f", help="text for people, json for scripts.")
    ] = Output.text,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there instead of to standard output.", show_default=False
        ),
    ] = None,
) -> None:
    """Say how many workers hold a target, and what the pool of now could bear.

    The target: this share of all tasks waits no longer than that for a worker.

    \b
      stackscan pool plan --rate 5 --silent-fraction 10%
      stackscan pool plan --rate 5 --silent-fraction 0.1 --target-wait 1s --target-probability 0.999 --format json
    """
    from stackscan.cli.output import written
    from stackscan.queueing.demand import Demand
    from stackscan.queueing.planning import Target, plan
    from stackscan.reporters.plans import plan_lines, plan_values

    demand = Demand(workers, rate, share(silent_fraction), seconds(close_deadline), seconds(service_time))
    target = Target(seconds(target_wait), share(target_probability))
    found = plan(demand, target)
    with written(output) as out:
        if output_format is Output.json:
            out.write(printed(plan_values(demand, target, found)))
        else:
            out.write("\n".join(plan_lines(demand, target, found)) + "\n")
