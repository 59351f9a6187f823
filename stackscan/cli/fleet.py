"""``stackscan fleet``."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.fleet import (
    SOURCES,
    All,
    CompareVersion,
    Dask,
    FailOn,
    Format,
    Owner,
    Owners,
    Pattern,
    Since,
    Threshold,
    Top,
)
from stackscan.cli.options.output import Open, OutputFile
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.sources import Jobs, NoNetwork, Timeout, source_argument, within
from stackscan.cli.options.store import Again, StoreURL, Window, has_no_key, store_options


def command(
    source: Annotated[list[str] | None, source_argument(SOURCES, metavar="[SOURCE...]")] = None,
    pattern: Pattern = None,
    output_format: Format = "text",
    output: OutputFile = None,
    open_page: Open = False,
    since: Since = None,
    compare_version: CompareVersion = None,
    owners: Owners = None,
    owner: Owner = None,
    threshold: Threshold = 10_000,
    fail_on: FailOn = None,
    store: StoreURL = None,
    window: Window = None,
    reread: Again = None,
    top: Top = None,
    everything: All = False,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    jobs: Jobs = None,
    dask: Dask = None,
    config: Config = None,
) -> None:
    """Answer over many captures of many hosts: each finding, cause and growing place once, with all hosts that have it.

    Also: which hosts differ from their siblings, which pools are near saturation, and which captures could not be read;
    those do not end the run. Equal captures count once. See docs/fleet.md.

    \b
      stackscan fleet dumps/
      stackscan fleet --pattern '{service}/{host}/{time:%Y%m%dT%H%M%S}.pb.gz' dumps/
      stackscan fleet --store s3://stacks/fleet --window 7d /var/captures
      stackscan fleet --since 2026-04-22T10:00:00Z --fail-on error debug.zip
      stackscan fleet 's3://bucket/prod/*/2026-04-*/*.pb.gz'
    """
    from stackscan.api import fleet
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.endings import say
    from stackscan.cli.terminal.output import page_file, written
    from stackscan.cli.terminal.progress import progress_of_many
    from stackscan.render import renderer

    is_random = has_no_key(redact, redact_keep, redact_key)
    kept = store_options(store, window, reread, source or (), is_random=is_random)
    with page_file(output, output_format, show=open_page) as place:
        with progress_of_many() as (bar, count):
            found = fleet(
                within(source or (), timeout, no_network),
                configuration=configuration(config),
                pattern=pattern,
                threshold=threshold,
                since=since,
                compared=compare_version,
                owners=owners,
                owner=owner,
                progress=bar,
                count=count,
                redaction=chosen(redact, redact_keep, redact_key),
                jobs=jobs,
                dask=dask,
                store=kept,
                tell=None if kept is None else say,
            )
        with written(place) as out:
            renderer("fleet", output_format)(found, out, top=top, everything=everything)
    if fail_on is not None and found.fails(fail_on):
        raise typer.Exit(1)
