"""``stackscan pool replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.pool.output import Output, printed
from stackscan.cli.units import seconds, share


def command(
    workers: Annotated[int, typer.Option(help="Workers of the pool.")] = 12,
    tasks: Annotated[int, typer.Option(help="Tasks that wait in the queue at t = 0.")] = 200,
    silent_fraction: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Probability that a task is silent [default: 0.1].", show_default=False),
    ] = None,
    silent_every: Annotated[
        int | None, typer.Option(metavar="N", help="Every N-th task is silent.", show_default=False)
    ] = None,
    silent_count: Annotated[
        int | None, typer.Option(metavar="N", help="Exactly N tasks are silent, at random places.", show_default=False)
    ] = None,
    close_deadline: Annotated[str, typer.Option(metavar="TIME", help="How long a close waits for a silent peer.")] = (
        "10s"
    ),
    budget: Annotated[str, typer.Option(metavar="TIME", help="The time that the pool has.")] = "20s",
    service_time: Annotated[str, typer.Option(metavar="TIME", help="How long one write takes.")] = "300us",
    replications: Annotated[int, typer.Option(help="Random runs.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the random runs.")] = 1,
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
    """Play a batch through, as the program of boxo #1142 does: how much is done before the budget is over.

    What ends with the budget is counted apart from what ends before it: a real run counts some of these, and not
    others.

    \b
      stackscan pool replay
      stackscan pool replay --silent-every 10
      stackscan pool replay --silent-count 18 --workers 8 --format json
    """
    from stackscan.cli.output import written
    from stackscan.queueing.batches import Batch, replay_chosen
    from stackscan.reporters.batches import batch_lines, batch_values

    batch = Batch(workers, tasks, seconds(close_deadline), seconds(budget), seconds(service_time))
    outcomes = replay_chosen(
        batch,
        silent_fraction=None if silent_fraction is None else share(silent_fraction),
        silent_every=silent_every,
        silent_count=silent_count,
        replications=replications,
        seed=seed,
    )
    with written(output) as out:
        if output_format is Output.json:
            out.write(printed(batch_values(batch, outcomes)))
        else:
            out.write("\n".join(batch_lines(batch, outcomes)) + "\n")
