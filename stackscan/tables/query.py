"""SQL over the export tables, and how its result is written."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TextIO

import polars as pl

from stackscan.errors import UsageError
from stackscan.reporters.words import fit, plain, plain_json
from stackscan.tables.schema import TABLES

_WIDEST: Final = 60  # characters of a cell on a terminal
#: What would change tables, were they not copies: polars does it to them, and says nothing.
_CHANGING: Final = re.compile(r"\s*(drop|delete|truncate|create|insert|update|alter)\b", re.IGNORECASE)
_HINT: Final = f"The tables: {', '.join(sorted(TABLES))}. docs/tables.md lists their columns."


def joined(captures: Iterable[Mapping[str, pl.DataFrame]]) -> dict[str, pl.LazyFrame]:
    """The tables of several snapshots as one of each kind; of none, empty ones with all columns.

    A capture that comes twice, under whatever name, counts once.
    """
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    seen = set()
    for tables in captures:
        snapshot = tables["snapshots"]["snapshot_id"][0]
        if snapshot in seen:
            continue
        seen.add(snapshot)
        for name, table in tables.items():
            parts[name].append(table)
    return {name: pl.concat([pl.DataFrame(schema=TABLES[name].schema), *found]).lazy() for name, found in parts.items()}


def run(sql: str, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """The result of one SELECT. Raises UsageError for SQL that polars does not understand, or that asks nothing."""
    if changing := _CHANGING.match(sql):
        raise UsageError(f"{changing[1].upper()} asks nothing, and captures are not changed: give a SELECT", hint=_HINT)
    try:
        with pl.SQLContext(dict(tables), eager=True) as context:
            return _writable(context.execute(sql))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError) as error:
        raise UsageError(f"the query failed: {str(error).splitlines()[0]}", hint=_HINT) from error


def _writable(table: pl.DataFrame) -> pl.DataFrame:
    """The table with nothing in it that JSON cannot say: no NaN, no infinity."""
    floats = [name for name, kind in table.schema.items() if kind.is_float()]
    return table.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).otherwise(None).alias(name) for name in floats
    )


def as_text(table: pl.DataFrame, out: TextIO) -> None:
    """Aligned columns under their names, numbers to the right. On a terminal, cells are cut, and a table that is wider
    than it is shown record by record."""
    on_terminal = out.isatty()
    most = _WIDEST if on_terminal else 1 << 20
    columns = [[plain(name), *(fit(_cell(value), most) for value in table[name])] for name in table.columns]
    rights = [table[name].dtype.is_numeric() for name in table.columns]
    widths = [max(map(len, column)) for column in columns]
    if on_terminal and sum(widths) + 2 * (len(widths) - 1) > shutil.get_terminal_size().columns:
        _records(columns, out)
        return
    for row in zip(*columns, strict=True):
        cells = zip(row, widths, rights, strict=True)
        out.write("  ".join(f"{c:>{w}}" if right else f"{c:<{w}}" for c, w, right in cells).rstrip() + "\n")


def _records(columns: list[list[str]], out: TextIO) -> None:
    """A line a cell, an empty line between two rows."""
    names = [column[0] for column in columns]
    width = max(map(len, names))
    for place, row in enumerate(zip(*(column[1:] for column in columns), strict=True)):
        out.write("\n" if place else "")
        out.writelines(f"{name:<{width}}  {cell}".rstrip() + "\n" for name, cell in zip(names, row, strict=True))


def as_json(table: pl.DataFrame, out: TextIO) -> None:
    """A list of objects, one a row."""
    text = json.dumps(table.to_dicts(), ensure_ascii=False, allow_nan=False, indent=1, default=_json)
    out.write(plain_json(text) + "\n")


def as_csv(table: pl.DataFrame, out: TextIO) -> None:
    """Comma-separated values under the columns' names (RFC 4180); null is an empty cell."""
    cells = pl.DataFrame(
        {
            plain(name): pl.Series([None if v is None else _cell(v) for v in table[name]], dtype=pl.String)
            for name in table.columns
        }
    )
    kept = io.StringIO()
    cells.write_csv(kept)
    out.write(kept.getvalue())


#: Output name → how a result is written.
OUTPUTS: Final[dict[str, Callable[[pl.DataFrame, TextIO], None]]] = {"text": as_text, "json": as_json, "csv": as_csv}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict | pl.Series):
        return plain(json.dumps(_json(value), ensure_ascii=False, default=_json))
    return plain(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _json(value: Any) -> Any:
    if isinstance(value, pl.Series):
        return value.to_list()
    if isinstance(value, Decimal):  # what polars makes of 1.5 in a query
        return float(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, list | dict) else str(value)
