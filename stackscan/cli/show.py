"""``stackscan show``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Format, OutputFile
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.source import Editor, NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import NoNetwork, Timeout, named, one_within

_SOURCE = "A goroutine dump, or a log, archive or directory that holds one; its address; - for standard input."


def command(
    number: Annotated[int, typer.Argument(metavar="ID", min=0, help="The goroutine's number.", show_default=False)],
    source: Annotated[str, typer.Argument(metavar="SOURCE", parser=named, help=_SOURCE, show_default=False)],
    output_format: Format = "text",
    output: OutputFile = None,
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    editor: Editor = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    config: Config = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
) -> None:
    """Show one goroutine: its whole stack, who started it, whom it started, what it waits for, who waits for it.

    \b
      stackscan show 19 goroutines.stacks
      stackscan show --format json 19 goroutines.stacks | jq '.captures[].waits_for'
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.pipeline import Options, show
    from stackscan.render import renderer

    options = Options(configuration(config), reader=reader_of(source_root, no_source, redact))
    with progress() as told:
        limited = one_within(source, timeout, no_network)
        found = show(limited, number, options=options, progress=told, redaction=chosen(redact, redact_keep, redact_key))
    with written(output) as out:
        renderer("goroutine", output_format)(found, out, editor=editor)
