"""``stackscan fleet``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import OutputFile
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.sources import Jobs, Timeout, source_argument, within
from stackscan.cli.options.units import moment

Output = Literal["text", "json", "markdown"]
FailOn = Literal["error", "warning", "info"]  # as rules have it, whose module only a run loads

_SOURCE = "Captures, and folders, archives and debug zips of them."
_PATTERN = "What the path below SOURCE names, like {service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz."
_SINCE = "Mark what is new since this time, of a deploy for example (2026-04-22T10:00:00Z)."
_THRESHOLD = "So many goroutines at one line are a finding, even without a rule."
_FAIL_ON = "Exit with 1 when a finding has this severity or a worse one; with --since, a new one."
_TOP = "Entries of each list [default: what fits on a screen; markdown: 10; json: all]."
_ALL = "Show all entries of all lists."
_FORMAT = "text for people, json for scripts, markdown for an issue."


def command(
    source: Annotated[list[str], source_argument(_SOURCE, metavar="SOURCE...")],
    pattern: Annotated[str | None, option(_PATTERN, "--pattern", "-p", metavar="PATTERN")] = None,
    output_format: Annotated[Output, typer.Option("--format", "-f", help=_FORMAT)] = "text",
    output: OutputFile = None,
    since: Annotated[datetime | None, option(_SINCE, metavar="TIME", parser=moment)] = None,
    threshold: Annotated[int, typer.Option(min=1, metavar="N", help=_THRESHOLD)] = 10_000,
    fail_on: Annotated[FailOn | None, option(_FAIL_ON)] = None,
    top: Annotated[int | None, option(_TOP, "--top", "-n", min=0, metavar="N")] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help=_ALL)] = False,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
    timeout: Timeout = None,
    jobs: Jobs = None,
    config: Config = None,
) -> None:
    """Answer over many captures of many hosts: each finding, cause and growing place once, with all hosts that have it.

    Also: which hosts differ from their siblings, which pools are near saturation, and which captures could not be read;
    those do not end the run. Equal captures count once. See docs/fleet.md.

    \b
      stackscan fleet dumps/
      stackscan fleet --pattern '{service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz' dumps/
      stackscan fleet --since 2026-04-22T10:00:00Z --fail-on error debug.zip
    """
    from stackscan.api import fleet
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.render import renderer

    with progress() as bar:
        found = fleet(
            within(source, timeout),
            configuration=configuration(config),
            pattern=pattern,
            threshold=threshold,
            since=since,
            progress=bar,
            redaction=chosen(redact, redact_keep, redact_key),
            jobs=jobs,
        )
    with written(output) as out:
        renderer("fleet", output_format)(found, out, top=top, everything=everything)
    if fail_on is not None and found.fails(fail_on):
        raise typer.Exit(1)
