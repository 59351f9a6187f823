"""``stackscan compare``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.sources import Timeout, named, within
from stackscan.cli.options.units import interval


class Output(StrEnum):
    """The outputs of ``compare``."""

    text = "text"
    json = "json"


_SOURCE = typer.Argument(
    metavar="SOURCE SOURCE...",
    parser=named,
    help="Dumps or bundles in time order; of a bundle the full text is compared.",
    show_default=False,
)
_INTERVAL = "Time between neighbours, like 30s or 10m [default: as the names of the captures tell]."


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
    """Compare captures in time order: what grew, what went, and which goroutines stayed.

    Stacks are matched by signature, which survives a rebuild; counts are also summed by deciding function and by
    creator, which stays right when stacks split by depth. docs/compare.md tells it all.

    \b
      stackscan compare before.stacks after.stacks
      stackscan compare --interval 10m monday.zip tuesday.zip
    """
    from stackscan.api import compare
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.output import written
    from stackscan.cli.progress import progress
    from stackscan.render import renderer

    apart = None if every is None else interval(every)
    with progress() as bar:
        found = compare(within(source, timeout), configuration=configuration(config), every=apart, progress=bar)
    with written(output) as out:
        renderer("compare", output_format.value)(found, out)
