"""``stackscan check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.checking import Also, Format, OutputFile, distinct, wants_whole
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Open
from stackscan.cli.options.source import Editor, NoSource, SourceRoot, reader_of
from stackscan.cli.options.sources import Jobs, NoNetwork, Timeout, source_argument, within
from stackscan.cli.terminal.checked import write_result
from stackscan.cli.terminal.endings import say
from stackscan.cli.terminal.output import page_file, written

FailOn = Literal["error", "warning", "info"]  # as rules have it, whose module only a check loads

_POLICY = "The policy [default: the [check] table of stackscan.toml]."
_BASELINE = "Known goroutines: only what is new or has grown fails."
_WRITE = "Write a baseline of these captures, and check against it."
_FAIL_ON = "The lowest severity that fails [default: from the policy, else error]."


def command(
    source: Annotated[list[str], source_argument("A dump or bundle, as for report.")],
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help=_POLICY)] = None,
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help=_BASELINE)] = None,
    write_baseline: Annotated[Path | None, typer.Option(metavar="FILE", help=_WRITE)] = None,
    fail_on: Annotated[FailOn | None, option(_FAIL_ON)] = None,
    output_format: Format = "text",
    output: OutputFile = None,
    also: Also = None,
    open_page: Open = False,
    source_root: SourceRoot = None,
    no_source: NoSource = False,
    editor: Editor = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    jobs: Jobs = None,
    config: Config = None,
) -> None:
    """Check captured dumps in a pipeline. Exit code: 0 they pass, 1 something fails, 2 they cannot be checked.

    Captures that are empty, cut or unreadable never pass. See docs/ci.md.

    \b
      stackscan check --format junit --output stackscan.xml --also sarif=stackscan.sarif dumps/*.stacks
      stackscan check --write-baseline goroutines.baseline.json goroutines.stacks
      stackscan check --baseline goroutines.baseline.json goroutines.stacks
    """
    from stackscan.api import check
    from stackscan.checks import write_baseline as write
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.progress import progress

    beside, reader = distinct(output, also), reader_of(source_root, no_source)
    with page_file(output, output_format, show=open_page) as place:
        with progress() as bar:
            result, new = check(
                within(source, timeout, no_network),
                configuration=configuration(config),
                policy=policy,
                baseline=baseline,
                accept=write_baseline is not None,
                fail_on=fail_on,
                progress=bar,
                reader=reader,
                whole=wants_whole(output_format, place, beside),
                jobs=jobs,
            )
        if write_baseline is not None and result.exit_code != 2:
            with written(write_baseline) as out:
                write(new, out)
            say(f"{write_baseline}: {len(new.stacks):,} stacks written; review the file and commit it")
        write_result(result, output_format, place, beside, editor=editor, find=None if reader is None else reader.path)
    for checked in result.sources:
        if checked.trouble is not None:
            say(f"stackscan: {checked.trouble}", checked.hint)
    raise typer.Exit(result.exit_code)
