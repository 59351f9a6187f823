"""``stackscan pool replay``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options import option
from stackscan.cli.options.output import Open, OutputFile
from stackscan.cli.options.pool import DEADLINE, SERVICE, PoolFormat, part, time


def command(
    workers: Annotated[int, typer.Option(help="Workers of the pool.")] = 12,
    tasks: Annotated[int, typer.Option(help="Tasks that wait in the queue at t = 0.")] = 200,
    silent_fraction: Annotated[float | None, part("Probability that a task is silent [default: 0.1].")] = None,
    silent_every: Annotated[int | None, option("Every N-th task is silent.", metavar="N")] = None,
    silent_count: Annotated[int | None, option("Exactly N tasks are silent, at random places.", metavar="N")] = None,
    close_deadline: Annotated[float, DEADLINE] = 10.0,
    budget: Annotated[float, time("The time that the pool has.", default="20s")] = 20.0,
    service_time: Annotated[float, SERVICE] = 300e-6,
    replications: Annotated[int, typer.Option(help="Random runs.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the random runs.")] = 1,
    output_format: PoolFormat = "text",
    output: OutputFile = None,
    open_page: Open = False,
) -> None:
    """Play a batch through, as the program of boxo #1142 does: how much is done before the budget is over.

    What ends with the budget is counted apart from what ends before it: a real run counts some of these, and not
    others.

    \b
      stackscan pool replay
      stackscan pool replay --silent-every 10
      stackscan pool replay --silent-count 18 --workers 8 --format json
    """
    from stackscan.cli.terminal.output import page_file, written
    from stackscan.queueing.batches import Batch, replay_chosen
    from stackscan.render import renderer

    batch = Batch(workers, tasks, close_deadline, budget, service_time)
    outcomes = replay_chosen(
        batch,
        silent_fraction=silent_fraction,
        silent_every=silent_every,
        silent_count=silent_count,
        replications=replications,
        seed=seed,
    )
    with page_file(output, output_format, show=open_page) as place, written(place) as out:
        renderer("batch", output_format)(batch, outcomes, out)
