"""``stackscan compare``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackscan.cli.configured import Config
from stackscan.cli.sources import Timeout, named, within

if TYPE_CHECKING:
    from stackscan.compare import Taken
    from stackscan.judging import Judging
    from stackscan.pipeline import Progress


class Output(StrEnum):
    """The outputs of ``compare``."""

    text = "text"
    json = "json"


_SOURCE = typer.Argument(
    metavar="SOURCE SOURCE...",
    parser=named,
    help="Dumps or bundles in time order; for a bundle, its full text is compared.",
    show_default=False,
)
_INTERVAL = "Time between captures, like 30s or 10m [default: from the names of the captures]."


def command(
    source: Annotated[list[str], _SOURCE],
    output_format: Annotated[
        Output, typer.Option("--format", "-f", help="text for people, json for scripts.")
    ] = Output.text,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there instead of to standard output.", show_default=False
        ),
    ] = None,
    every: Annotated[
        str | None, typer.Option("--interval", metavar="DURATION", help=_INTERVAL, show_default=False)
    ] = None,
    timeout: Timeout = None,
    config: Config = None,
) -> None:
    """Compare captures in time order: what grew, what is gone, and which goroutines stayed.

    Stacks are matched by signature, which survives a rebuild; counts are also summed by deciding function and by
    creator, which stays correct when stacks split by depth. See docs/compare.md.

    \b
      stackscan compare before.stacks after.stacks
      stackscan compare --interval 10m monday.zip tuesday.zip
    """
    from stackscan.cli.configured import configuration
    from stackscan.cli.output import written
    from stackscan.cli.progress import progress
    from stackscan.compare import compare, interval
    from stackscan.errors import SourceError
    from stackscan.judging import Judging
    from stackscan.reporters.compare import reporter

    seconds = None if every is None else interval(every)
    how = Judging(configuration(config))
    with progress() as told:
        taken = [capture for name in within(source, timeout) for capture in _taken(name, how, told)]
    if len(taken) < 2:
        raise SourceError(
            f"{source[0]} contains one capture; a comparison needs two",
            hint="Give two or more sources, in time order.",
        )
    with written(output) as out:
        reporter(output_format.value)(compare(taken, every=seconds), out)


def _taken(source: str, how: Judging, progress: Progress | None) -> list[Taken]:
    """The captures of one source, each with the time that its name tells."""
    from stackscan.compare import Taken, captured_at, worth_comparing
    from stackscan.pipeline import captures

    views = worth_comparing(captures(source, how=how, progress=progress))
    return [Taken(report, snapshot, captured_at(source, report.member)) for report, snapshot in views]
