"""``stackscan reproduce pool``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options import option
from stackscan.cli.options.output import Format
from stackscan.cli.options.reproduce import lasting, share, stoppable

_SILENT = "Probability that a task has a silent peer, drawn with --seed [default: 0.1]."


def command(
    workers: Annotated[int, typer.Option(help="Workers of the pool, 1 to 1,000.")] = 12,
    tasks: Annotated[int, typer.Option(help="Messages to send, all at once, 1 to 10,000.")] = 200,
    silent_fraction: Annotated[float | None, option(_SILENT, parser=share, metavar="SHARE")] = None,
    silent_count: Annotated[int | None, option("Exactly N tasks are silent, at random places.", metavar="N")] = None,
    silent_every: Annotated[int | None, option("Every N-th task is silent.", metavar="N")] = None,
    close_deadline: Annotated[float, lasting(default="10s", tells="The read deadline of each Close.")] = 10.0,
    budget: Annotated[
        float, lasting("--budget", "--cap", default="20s", tells="The longest time of each run; at most 1 h.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="Seed of the random draw.")] = 1,
    service_time: Annotated[float, lasting(default="300us", tells="Time of one write, for the prediction.")] = 300e-6,
    output_format: Format = "text",
) -> None:
    """Show what silent peers do to a pool of workers that close in the worker, and to one that closes beside it.

    The defaults are those of boxo #1142. The same draw of silent tasks is run twice: each worker closes its stream
    itself (boxo to v0.38.0), then a separate thread does (boxo v0.39.0). Beside each stands what the pool model
    predicts of this draw: the tasks that end before the budget, and those that end with it and race it.

    Two open files a task and two threads a silent task are needed; more than 5,000 threads are refused.
    Ctrl-C stops within a second, prints what had happened until then, and leaves with exit code 130.

    \b
      stackscan reproduce pool                       as in the issue, 20 s
      stackscan reproduce pool --silent-count 18     explains its 194 of 200
      stackscan reproduce pool --close-deadline 1s --budget 2s --format json
    """
    with stoppable() as interrupt:
        from stackscan.cli.reproduce.watching import watching
        from stackscan.cli.terminal.output import written
        from stackscan.render import rendering
        from stackscan.reproduce import draw
        from stackscan.reproduce.pool import PoolSetup, run_pool
        from stackscan.reproduce.prediction import predict

        shown = rendering("reproduce", output_format)  # loaded now, so that a stopped run is shown at once
        if sum(way is not None for way in (silent_fraction, silent_count, silent_every)) > 1:
            raise typer.BadParameter("give one of --silent-fraction, --silent-count and --silent-every")
        if silent_every is not None:
            silent = draw.every(silent_every, tasks)
        elif silent_count is not None:
            silent = draw.by_count(tasks, silent_count, seed=seed)
        else:
            silent = draw.by_share(tasks, 0.1 if silent_fraction is None else silent_fraction, seed=seed)
        setup = PoolSetup(silent, workers, close_deadline, budget, seed=None if silent_every else seed)
        prediction = predict(setup, service_seconds=service_time)
        with watching(budget) as display:
            result = run_pool(setup, interrupt=interrupt, progress=display)
        with written(None) as out:
            shown.render_pool(result, prediction, out)
