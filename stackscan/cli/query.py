"""``stackscan query``."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.bounds import MaxMemory, MaxSeconds
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import CsvRaw, OutputFile
from stackscan.cli.options.sources import Jobs, NoNetwork, Timeout, source_argument, within
from stackscan.errors import UsageError

Output = Literal["text", "json", "csv"]

_TABLES = "Query the tables that `stackscan export` wrote there (Parquet), instead of SOURCE."


def command(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT over the tables, in polars' dialect.", show_default=False)
    ],
    source: Annotated[list[str] | None, source_argument("Goroutine dumps, bundles, directories.")] = None,
    output_format: Annotated[
        Output, typer.Option("--format", "-f", help="text for people, json and csv for programs.")
    ] = "text",
    csv_raw: CsvRaw = False,
    output: OutputFile = None,
    tables: Annotated[Path | None, option(_TABLES, metavar="DIR")] = None,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    jobs: Jobs = None,
    max_seconds: MaxSeconds = 120.0,
    max_memory: MaxMemory = None,
    config: Config = None,
) -> None:
    """Query captures with SQL. The tables are those of `stackscan export`; docs/columns.md lists their columns.

    SQL is one SELECT (WITH, UNION, joins, subqueries) over these tables. It cannot read files or addresses, changes
    nothing, and runs in a separate process with limited time and memory.

    \b
      stackscan query "SELECT wait_reason, count(*) AS n FROM goroutines GROUP BY wait_reason ORDER BY n DESC" dump.txt
      stackscan query --tables /srv/stacks "SELECT host, max(occupancy) FROM pools GROUP BY host"
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.cli.terminal.progress import progress
    from stackscan.export.formulas import check_csv_raw
    from stackscan.export.sql.bounded import Bounds, Runner
    from stackscan.export.sql.query import OUTPUTS, as_csv, joined, run
    from stackscan.export.sql.statement import understood
    from stackscan.export.tables.load import exported
    from stackscan.export.tables.rows import MakeRows
    from stackscan.export.tables.schema import TABLES
    from stackscan.pipeline import Options, each, made

    check_csv_raw(csv_raw, output_format)
    if (tables is None) == (not source):
        raise UsageError(
            "nothing to query: give SOURCE, or --tables DIR" if tables is None else "give SOURCE or --tables, not both",
            hint="stackscan query 'SELECT * FROM pools' SOURCE",
        )
    understood(sql, TABLES)  # what is wrong is said before anything is read
    with Runner(Bounds(seconds=max_seconds, mib=max_memory)) as runner:
        if tables is not None:
            with exported(tables) as loaded:
                result = run(sql, loaded, runner=runner)
        else:
            options = Options(configuration(config))
            sources = within(source or (), timeout, no_network)
            with progress() as bar, each(sources, MakeRows(), options=options, progress=bar, jobs=jobs) as found:
                built = joined(chain.from_iterable(made(found)))
            result = run(sql, built, runner=runner)
    with written(output) as out:
        as_csv(result, out, raw=True) if csv_raw else OUTPUTS[output_format](result, out)
