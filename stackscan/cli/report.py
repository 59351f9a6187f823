"""``stackscan report``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import All, By, Explain, Open, OutputFile, Top, Where
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.source import Editor, NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import Jobs, NoNetwork, Timeout, named, within

Output = Literal["text", "json", "markdown", "html", "openmetrics"]


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
        typer.Option(
            "--format",
            "-f",
            help="text for people, json, markdown for issues, html for a browser, openmetrics for Prometheus.",
        ),
    ] = "text",
    output: OutputFile = None,
    open_page: Open = False,
    top: Top = None,
    where: Where = None,
    by: By = None,
    everything: All = False,
    explained: Explain = False,
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    editor: Editor = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    config: Config = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
    jobs: Jobs = None,
) -> None:
    """Show the verdict on a goroutine dump: what is stuck and how to fix it, pools in trouble, locks, the main stacks.

    \b
    Formats, detected by content, also in logs and bundles (docs/sources.md):
      goroutine-text, goroutine-counts, goroutine-pprof: dumps of Go 1.4 to 1.27
      race-report, goleak, go-deadlock, delve, pprof-text, grouped-stacks,
      stack-events, quoted-stacks: what other tools, and people, print

    \b
      stackscan report goroutines.stacks
      stackscan report --format json goroutines.stacks | jq '.snapshots[].findings'
      stackscan report --where 'waiting "sync.Mutex.Lock" and minutes >= 5' goroutines.stacks
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import page_file, screen, written
    from stackscan.cli.terminal.progress import progress
    from stackscan.pipeline import Options, each, made
    from stackscan.render.pieces import Pieces, assemble, spool

    shared = chosen(redact, redact_keep, redact_key)
    if by is not None:
        from stackscan.cli.options.breakdown import check_by, with_label

        check_by(by, output_format, shared)
    options = Options(
        configuration(config),
        where,
        top,
        everything,
        explained,
        reader_of(source_root, no_source, redact),
        individually=output_format == "html",
        by=by,
    )
    with page_file(output, output_format, show=open_page) as place, spool() as kept:
        pieces = Pieces(output_format, screen(place, editor))
        sources = within(source, timeout, no_network)
        with (
            progress() as bar,
            each(sources, pieces, options=options, progress=bar, redaction=shared, jobs=jobs) as found,
        ):
            kept.take(made(found) if by is None else with_label(made(found), by))
        with written(place) as out:
            assemble(output_format, kept, out)
