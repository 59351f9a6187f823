"""``stackscan report``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import OutputFile
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.source import NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import Timeout, named, within


class Output(StrEnum):
    """The outputs of ``report``."""

    text = "text"
    json = "json"
    markdown = "markdown"


def command(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            parser=named,
            help="A dump, a log or archive or directory that holds some, its http(s) address, - for standard input.",
            show_default=False,
        ),
    ],
    output_format: Annotated[
        Output,
        typer.Option("--format", "-f", help="text for people, json for scripts, markdown to paste into an issue."),
    ] = Output.text,
    output: OutputFile = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            "-n",
            min=0,
            metavar="N",
            help="Stacks to show [default: 3; --all, markdown: 10; json: all].",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", "-w", metavar="EXPR", help="Only goroutines that match (docs/rules.md).", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", "-a", help="Show all details: idle goroutines, all pools, forecasts, files of a bundle."),
    ] = False,
    explained: Annotated[
        bool,
        typer.Option("--explain", "-e", help="Say why each finding is bad, the whole fix, and where to read more."),
    ] = False,
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    timeout: Timeout = None,
    config: Config = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
) -> None:
    """Show the verdict on a goroutine dump: what is stuck and how to fix it, pools in trouble, locks, the main stacks.

    The report fits on one screen; --all shows all details, --explain the reasons.
    Formats, detected by content, also inside logs, archives and the bundles of ipfs diag profile: goroutine-text (Go
    1.4 to 1.27: pprof's goroutine?debug=2, SIGQUIT, panics, test time-outs), goroutine-counts (debug=1),
    goroutine-pprof (debug=0); of other tools race-report, goleak, go-deadlock, delve, grouped-stacks, pprof-text,
    stack-events; and quoted-stacks, as people write them.

    \b
      stackscan report goroutines.stacks
      stackscan report --explain ipfs-profile.zip
      stackscan report --format json goroutines.stacks | jq '.snapshots[].findings'
      stackscan report --where 'waiting "sync.Mutex.Lock" and minutes >= 5' goroutines.stacks
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.pipeline import Options, scan
    from stackscan.render import renderer

    options = Options(
        configuration(config), where, top, everything, explained, reader_of(source_root, no_source, redact)
    )
    with progress() as told:
        found = scan(
            within(source, timeout), options=options, progress=told, redaction=chosen(redact, redact_keep, redact_key)
        )
    with written(output) as out:
        renderer("report", output_format.value)(found, out)
