"""SQL over the export tables, and how its result is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from decimal import Decimal
from itertools import chain
from typing import Any, Final, TextIO

import polars as pl

from stackscan.export.formulas import without_formulas
from stackscan.export.sql.bounded import Bounds, Runner
from stackscan.export.sql.statement import understood
from stackscan.export.tables.build import frames_of
from stackscan.export.tables.rows import CaptureRows
from stackscan.export.tables.schema import TABLES
from stackscan.render.words import fit, plain, plain_json

_WIDEST: Final = 60  # characters of a cell on a terminal
#: Rows that are spelt out at a time.
_AT_ONCE: Final = 10_000


def joined(captures: Iterable[CaptureRows]) -> dict[str, pl.LazyFrame]:
    """The tables of several snapshots as one of each kind; of none, empty ones with all columns.

    A capture that comes twice, under whatever name, counts once.
    """
    parts = {name: [pl.DataFrame(schema=table.schema)] for name, table in TABLES.items()}
    for tables in _batches(captures):
        for name, table in tables.items():
            parts[name].append(table)
    return {name: pl.concat(found).lazy() for name, found in parts.items()}


def _batches(captures: Iterable[CaptureRows]) -> Iterator[dict[str, pl.DataFrame]]:
    """The tables of some captures at a time."""
    seen: set[str] = set()
    waiting: list[CaptureRows] = []
    rows = 0
    for capture in captures:
        if capture.shared["snapshot_id"] in seen:
            continue
        seen.add(capture.shared["snapshot_id"])
        waiting.append(capture)
        rows += capture.tables["goroutines"].total
        if rows > _AT_ONCE:
            yield frames_of(waiting)
            waiting, rows = [], 0
    if waiting:
        yield frames_of(waiting)


def run(
    sql: str, tables: Mapping[str, pl.LazyFrame], *, bounds: Bounds | None = None, runner: Runner | None = None
) -> pl.DataFrame:
    """The result of one SELECT over the tables, and over nothing else.

    It runs in a separate process (``runner``, when one waits already) and takes no more than ``bounds``. Raises
    UsageError for SQL that is no such SELECT or that polars does not understand, and when it takes more than it may.
    """
    statement = understood(sql, tables)
    with nullcontext(runner) if runner else Runner(bounds) as process:
        return _writable(process.answer(statement, tables))


def _writable(table: pl.DataFrame) -> pl.DataFrame:
    """The table with null for NaN and infinity, which JSON has not."""
    floats = [name for name, kind in table.schema.items() if kind.is_float()]
    return table.with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).otherwise(None).alias(name) for name in floats
    )


def as_text(table: pl.DataFrame, out: TextIO) -> None:
    """Aligned columns under their names, numbers to the right. On a terminal, cells are cut, and a table that is wider
    than it is shown record by record."""
    on_terminal = out.isatty()
    most = _WIDEST if on_terminal else 1 << 20
    names = [plain(name) for name in table.columns]
    rights = [kind.is_numeric() for kind in table.dtypes]
    widths = list(map(len, names))
    for row in _rows(table, most):
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
    if on_terminal and sum(widths) + 2 * (len(widths) - 1) > shutil.get_terminal_size().columns:
        _records(names, _rows(table, most), out)
        return
    for row in chain([names], _rows(table, most)):
        cells = zip(row, widths, rights, strict=True)
        out.write("  ".join(f"{c:>{w}}" if right else f"{c:<{w}}" for c, w, right in cells).rstrip() + "\n")


def _rows(table: pl.DataFrame, most: int) -> Iterator[list[str]]:
    """The cells of each row as text, few rows at a time: a result may have millions."""
    for part in table.iter_slices(_AT_ONCE):
        yield from zip(*([fit(_cell(value), most) for value in column] for column in part), strict=True)


def _records(names: list[str], rows: Iterable[Iterable[str]], out: TextIO) -> None:
    """A line a cell, an empty line between two rows."""
    width = max(map(len, names))
    for place, row in enumerate(rows):
        out.write("\n" if place else "")
        out.writelines(f"{name:<{width}}  {cell}".rstrip() + "\n" for name, cell in zip(names, row, strict=True))


def as_json(table: pl.DataFrame, out: TextIO) -> None:
    """A list of objects, one a row."""
    if table.is_empty():
        out.write("[]\n")
        return
    before = "[\n"
    for part in table.iter_slices(_AT_ONCE):
        text = json.dumps(part.to_dicts(), ensure_ascii=False, allow_nan=False, indent=1, default=_json)
        out.write(before + plain_json(text)[2:-2])  # without the brackets around the list
        before = ",\n"
    out.write("\n]\n")


def as_csv(table: pl.DataFrame, out: TextIO, *, raw: bool = False) -> None:
    """Comma-separated values under the columns' names (RFC 4180); null is an empty cell. Texts that a spreadsheet would
    take for formulas begin with ``'``, unless they shall be ``raw``."""
    names = [plain(name) for name in table.columns]
    if not raw:
        names = without_formulas(pl.DataFrame({"name": names})).to_series().to_list()
        table = without_formulas(table)
    header = True
    for part in table.iter_slices(_AT_ONCE) if len(table) else (table,):
        cells = pl.DataFrame(
            {
                name: pl.Series([None if v is None else _cell(v) for v in column], dtype=pl.String)
                for name, column in zip(names, part, strict=True)
            }
        )
        out.write(cells.write_csv(include_header=header))
        header = False


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


def as_value(value: Any) -> Any:
    """A cell as a JSON value; what JSON has no form for as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {name: as_value(each) for name, each in value.items()}
    return [as_value(each) for each in value] if isinstance(value, list) else as_value(_json(value))


def _json(value: Any) -> Any:
    if isinstance(value, pl.Series):
        return value.to_list()
    if isinstance(value, Decimal):  # what polars makes of 1.5 in a query
        return float(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, list | dict) else str(value)
