"""docs/tables.md, made of the schemas: ``python -m stackscan.tables.dictionary > docs/tables.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from stackscan.tables.schema import SHARED, TABLES, Column

_HEAD: Final = """\
# Tables

`stackscan export SOURCE... --output DIR` writes captures as tables; `stackscan query 'SQL' SOURCE...` asks the same
tables. Names and types are kept from version to version and only added to.

| `--format` | files |
|---|---|
| `parquet` (default) | Parquet, compressed with zstd |
| `arrow` | Arrow IPC, uncompressed |
| `csv` | RFC 4180 with a header line; null is an empty cell |
| `ndjson` | a JSON object a line |

Either all tables appear or none does; a dump without goroutines gives empty tables with all their columns.
`DIR/TABLE.parquet` replaces what an earlier export left there. For a fleet, `--partition` only ever adds files:
`DIR/TABLE/captured_date=2026-11-24/captured_host=NAME/SNAPSHOT_ID.parquet`. A snapshot that is there already is left
alone, so exporting one capture twice counts nothing twice. `snapshots` is written last: where a snapshot stands in it,
its other tables are complete. `stackscan query --tables DIR` asks either kind of folder.

**When and where.** `captured_at` is `--captured-at`, else the time in a protobuf profile, else the one in the name of
a bundle (`ipfs-profile-2026-04-22T10_11_12+02_00.zip`), else that of the profile beside the text in its bundle. `host`
is `--host`, else the one that collect-profiles puts into the name of its archives. No other clock is believed: the time
of a file says when it was copied.

**One process, two views.** A bundle holds the text and the protobuf profile of one process, seconds apart, and both are
here. `WHERE NOT second_view` leaves the profile out, which tells less.

**Strings.** Names in a dump come from strangers. Characters that act on a terminal or hide from the eye are written as
escapes (`\\x1b`) in every table. A CSV cell may still begin with `=`, `+`, `-` or `@`: tell a spreadsheet that columns
are text.

"""

_JOINS: Final = """\
## Joins

Within a snapshot, `snapshot_id` and `stack_id` join `goroutines`, `stacks`, `frames` and `buckets`; `snapshot_id` alone
joins `snapshots`, `findings` and `pools`. Across snapshots, hosts and rebuilds, `signature` joins buckets.
`stack_id` and `frame_id` mean nothing outside their snapshot.

"""


_QUERY: Final = """\
## SQL

`stackscan query` takes one SELECT in [polars' dialect](https://docs.pola.rs/api/python/stable/reference/sql/): joins,
subqueries, `WITH` (also `RECURSIVE`), `UNION`, `INTERSECT` and `EXCEPT`, window functions. Whatever else is asked ends
with exit code 2 and a message that says why:

* Only the tables on this page can be asked, and the parts that `WITH` names. Functions that read files or addresses
  (`read_csv`, `read_parquet`, …), file names in the place of tables, and statements that define or change something
  (`CREATE`, `DROP`, `COPY`, …) are refused before anything runs; so are `SHOW` and `EXPLAIN`.
* A query has at most 20,000 words and signs, 48 brackets inside each other, and 250 operators in a row
  (`a + b + c …`, `OR`, `UNION`). `IN (…)` takes long lists.
* It runs in a process of its own, for at most 120 seconds (`--max-seconds N`) and with at most 4,096 MiB of memory, or
  half of the machine's when that is less (`--max-memory MIB`, the least is 64). Its result may take a quarter of that.

In Python, `stackscan.tables.query.run(sql, tables, bounds=Bounds(seconds=120, mib=4096))` holds to the same, and
raises `UsageError`.

"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + _JOINS + _QUERY + "\n".join(_sections())


def _sections() -> Iterator[str]:
    yield "## Columns of every table\n\n" + _table(SHARED)
    for table in sorted(TABLES.values(), key=lambda table: table.name):
        yield f"## `{table.name}`\n\nOne row is {table.row}.\n\n" + _table(table.own)


def _table(columns: Iterable[Column]) -> str:
    rows = [f"| `{c.name}` | {_type(c)} | {c.says} | {c.null or ''} |" for c in columns]
    return "\n".join(["| column | type | says | null when |", "|---|---|---|---|", *rows]) + "\n"


def _type(column: Column) -> str:
    """``UInt32``; a moment without its Python spelling."""
    return "Datetime, microseconds, UTC" if column.type.is_temporal() else str(column.type)


if __name__ == "__main__":
    sys.stdout.write(page())
