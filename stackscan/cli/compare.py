"""``stackscan compare``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Format, OutputFile, TextOrJson
from stackscan.cli.options.sources import Timeout, named, within
from stackscan.cli.options.units import interval

_SOURCE = typer.Argument(
    metavar="SOURCE SOURCE...",
    parser=named,
    help="Dumps or bundles in time order; for a bundle, its full text is compared.",
    show_default=False,
)
_INTERVAL = typer.Option(
    "--interval",
    metavar="DURATION",
    parser=interval,
    help="Time between captures, like 30s or 10m [default: from the names of the captures].",
    show_default=False,
)


def command(
    source: Annotated[list[str], _SOURCE],
    output_format: Format = TextOrJson.text,
    output: OutputFile = None,
    every: Annotated[timedelta | None, _INTERVAL] = None,
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
    from stackscan.api import compare
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.render import renderer

    with progress() as bar:
        found = compare(within(source, timeout), configuration=configuration(config), every=every, progress=bar)
    with written(output) as out:
        renderer("compare", output_format.value)(found, out)
