"""``stackscan pool``: the pool model on given numbers, and on captures."""

from __future__ import annotations

import typer

from stackscan.cli.lazily import SETTINGS
from stackscan.cli.pool import plan, project, replay
from stackscan.cli.pool.lists import Lists

app = typer.Typer(
    name="pool",
    no_args_is_help=True,
    **SETTINGS,
    help="""The pool model: how close a pool of workers is to saturation, and what would change it.

    A task is written for the service time; then its stream is closed: in the worker (synchronous), or beside it
    (detached). A silent peer makes the close last until its deadline. Durations are like 10s, 300ms, 300us; rates are
    per second; shares from 0 to 1, or like 10%.
    """,
)
app.command("project", cls=Lists, short_help="How close to saturation a pool is: from numbers or captures.")(
    project.command
)
app.command("replay", short_help="How much of a batch is done within a time budget.")(replay.command)
app.command("plan", short_help="How many workers meet a target wait.")(plan.command)
