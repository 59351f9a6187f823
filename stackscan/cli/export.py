"""``stackscan export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import CsvRaw
from stackscan.cli.options.redaction import Redact, RedactKeep, RedactKey, chosen
from stackscan.cli.options.sources import Jobs, NoNetwork, Timeout, source_argument, within

Output = Literal["parquet", "arrow", "csv", "ndjson"]

_PARTITION = "Add files below TABLE/captured_date=…/captured_host=…/ and keep the existing ones: for a fleet."
_CAPTURED_AT = "When the dump was taken, with its offset (2026-11-24T09:30:00Z), if it has no time; for one SOURCE."


def command(
    source: Annotated[list[str], source_argument("Goroutine dumps, bundles, directories.")],
    output: Annotated[Path, option("The folder to write to; created if missing.", "--output", "-o", metavar="DIR")],
    output_format: Annotated[Output, typer.Option("--format", "-f", help="The file format of all tables.")] = "parquet",
    csv_raw: CsvRaw = False,
    partition: Annotated[bool, typer.Option("--partition", help=_PARTITION)] = False,
    captured_at: Annotated[str | None, option(_CAPTURED_AT, metavar="TIME")] = None,
    host: Annotated[str | None, option("The host where the dumps were taken.", metavar="NAME")] = None,
    redact: Redact = False,
    redact_keep: RedactKeep = None,
    redact_key: RedactKey = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    jobs: Jobs = None,
    config: Config = None,
) -> None:
    """Write captures as tables: goroutines, stacks, frames, buckets, findings, pools, snapshots.

    docs/columns.md lists every column. Either all tables appear or none does; a capture that is there already,
    under whatever name, is not added again.

    \b
      stackscan export ipfs-profile-*.zip --output tables
      stackscan export --partition --host "$(hostname)" goroutines.stacks --output /srv/stacks
      duckdb -c "SELECT * FROM 'tables/pools.parquet'"
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.progress import progress
    from stackscan.export.formulas import check_csv_raw
    from stackscan.export.tables.identity import override
    from stackscan.export.tables.rows import MakeRows
    from stackscan.export.tables.write import export
    from stackscan.pipeline import Options, each, made

    check_csv_raw(csv_raw, output_format)
    redaction = chosen(redact, redact_keep, redact_key)
    options = Options(configuration(config))
    taken = override(captured_at=captured_at, host=host, sources=len(source), redaction=redaction)
    make, sources = MakeRows(taken, formerly=partition), within(source, timeout, no_network)
    with (
        progress() as bar,
        export(output, output_format, csv_raw=csv_raw) as under_way,
        each(sources, make, options=options, progress=bar, redaction=redaction, jobs=jobs) as found,
    ):
        for captures in made(found):
            for capture in captures:
                under_way.take(capture)
        done = under_way.finish_partitioned() if partition else under_way.finish()
    for name, rows in done.rows.items():
        typer.echo(f"{rows:>12,}  {name}")
    if done.skipped:
        typer.echo(f"{done.skipped:,} of {done.snapshots + done.skipped:,} snapshots existed already", err=True)
