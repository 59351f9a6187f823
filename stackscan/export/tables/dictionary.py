"""docs/columns.md, made of the schemas: ``python -m stackscan.export.tables.dictionary > docs/columns.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from stackscan.export.tables.schema import SHARED, TABLES, Column

_HEAD: Final = """\
# Table columns

This page is generated from the declared schemas. [Tables and SQL](tables.md) explains the tables and their joins. Names
and types stay the same from version to version; new ones may be added.

"""


def page() -> str:
    """The whole page, in Markdown."""
    return _HEAD + "\n".join(_sections())


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
