"""docs/tables.md, made of the schemas: ``python -m stackscan.tables.dictionary > docs/tables.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from stackscan.export.tables.schema import SHARED, TABLES, Column

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

`DIR/TABLE.parquet` replaces what an earlier export left there. For a fleet, `--partition` only ever adds files:
`DIR/TABLE/captured_date=2026-11-24/captured_host=NAME/SNAPSHOT_ID.parquet`. A dump without goroutines gives empty
tables with all their columns. `stackscan query --tables DIR` asks either kind of folder.

**All or nothing.** Either all tables appear or none does, also when the export is killed. All files are made in a
hidden folder beside them (`.stackscan-part-…`) and then put in place by renames or links, one after the other. An
export that fails, or is ended by Ctrl-C, SIGTERM or SIGHUP, leaves nothing behind. After `kill -9` the hidden folder
stays. The next export into DIR removes it; if its files were whole already, it first puts the rest of them in place.
The hidden folder of a run that is alive is never touched.

A reader that knows nothing of this (DuckDB, pandas) may look while the seven files are put in place (milliseconds), or
after a kill in just that moment: it then sees tables of two exports side by side. How to detect that:

* `manifest-parquet.json` (`manifest-csv.json`, …) stands beside the tables and names them: rows, bytes, SHA-256. It is
  replaced before the tables are: files that are not the ones that it names do not belong together, or are damaged.
* With `--partition` there is no manifest; `snapshots` is put in place last: where a snapshot stands in it, its other
  tables are there. Rows of other tables without a snapshot are of an export under way, or of one that was killed:
  `… JOIN snapshots USING (snapshot_id)` leaves them out.

`stackscan query --tables` checks both. It refuses a folder whose tables are not of one whole export (exit code 2, and
how to mend it), and leaves out rows without a snapshot. A folder that release 0.1 wrote has no manifest: it is read
when all its tables are there.

**Several versions.** In a folder with files of several versions of stackscan, a column that a file lacks is null, and
one that this version does not know is ignored. A column of another type is an error that names the file, and so is a
file that cannot be read. Files of `--partition` have no checksum: a flipped bit that leaves Parquet readable is not
noticed there, beside a manifest it is.

**Twice is once.** A capture is known by its bytes, decompressed, with its time and host as far as they are known.
However it is spelt (`dump.txt`, `./dump.txt`, `/srv/dump.txt.gz`, inside a bundle), exporting it again counts nothing
twice: within one call, and with `--partition` within one folder. The first one stays, with `source` and `member` as
they were given. With another `--captured-at` or `--host`, or under a bundle's name with another time in it, it is
another capture: an idle program may print the same bytes an hour later. A redacted capture is known again only with
the same `--redact-key`.

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
* It runs in a separate process, for at most 120 seconds (`--max-seconds N`) and with at most 4,096 MiB of memory, or
  half of the machine's when that is less (`--max-memory MIB`, the least is 64). Its result may take a quarter of that.

In Python, `stackscan.export.sql.query.run(sql, tables, bounds=Bounds(seconds=120, mib=4096))` holds to the same, and
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
