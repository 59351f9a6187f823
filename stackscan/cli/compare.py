"""``stackscan compare``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Open, OutputFile
from stackscan.cli.options.source import Editor, NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import NoNetwork, Timeout, source_argument, within
from stackscan.cli.options.units import interval

Output = Literal["text", "json", "html"]
FailOn = Literal["error", "warning", "info"]  # as rules have it, whose module only a comparison loads

_SOURCE = "Dumps or bundles in time order; for a bundle, its full text is compared."
_FAIL_ON = "Exit with 1 when a finding has this severity or a worse one; a leak is an error."
_FORMAT = "text for people, json for scripts, html for a page for a browser."
_INTERVAL = "Time between captures, like 30s or 10m [default: from the names of the captures]."


def command(
    source: Annotated[list[str], source_argument(_SOURCE, metavar="SOURCE SOURCE...")],
    output_format: Annotated[Output, typer.Option("--format", "-f", help=_FORMAT)] = "text",
    output: OutputFile = None,
    open_page: Open = False,
    every: Annotated[timedelta | None, option(_INTERVAL, "--interval", metavar="DURATION", parser=interval)] = None,
    fail_on: Annotated[FailOn | None, option(_FAIL_ON)] = None,
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    editor: Editor = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    config: Config = None,
) -> None:
    """Compare captures in time order: do goroutines leak, what grew, what is gone, and which goroutines stayed.

    The first line is the verdict: leak, steady, sawtooth or unclear. A leak needs three captures of one process.
    Stacks are matched by signature, which survives a rebuild; counts are also summed by deciding function and by
    creator, which stays correct when stacks split by depth. See docs/compare.md.

    \b
      stackscan compare before.stacks after.stacks
      stackscan compare --fail-on error goroutines-*.pb.gz
      stackscan compare --interval 10m monday.zip tuesday.zip
    """
    from stackscan.api import compare
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import page_file, written
    from stackscan.cli.terminal.progress import progress
    from stackscan.render import renderer

    with page_file(output, output_format, show=open_page) as place:
        with progress() as bar:
            reader = reader_of(source_root, no_source)
            found = compare(
                within(source, timeout, no_network),
                configuration=configuration(config),
                every=every,
                progress=bar,
                reader=reader,
                individually=output_format == "html",
            )
        with written(place) as out:
            text = (
                {"editor": editor, "find": None if reader is None else reader.path} if output_format == "text" else {}
            )
            renderer("compare", output_format)(found, out, **text)
    if fail_on is not None and found.fails(fail_on):
        raise typer.Exit(1)
