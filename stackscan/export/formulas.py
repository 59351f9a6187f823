"""Text cells that a spreadsheet would run as a formula, made harmless.

Excel, LibreOffice and Google Sheets read a CSV cell that begins with one of a few characters as a formula, which may
send other cells to a server. Names in a dump come from strangers (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

from typing import Final, TypeVar

import polars as pl

from stackscan.errors import UsageError

#: Also in full width, which spreadsheets of some languages take for the same.
_BEGINS: Final = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_Table = TypeVar("_Table", pl.DataFrame, pl.LazyFrame)


def without_formulas(table: _Table) -> _Table:
    """The table with ``'`` before each text that begins like a formula; numbers stay as they are."""
    kinds = table.collect_schema()
    names = [name for name, kind in kinds.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    return table.with_columns(pl.col(names).cast(pl.String).str.replace(_BEGINS, "'${0}"))


def without_lists(table: pl.LazyFrame) -> pl.LazyFrame:
    """The table with lists of pairs as JSON text: CSV has no lists."""
    names = [name for name, kind in table.collect_schema().items() if isinstance(kind, pl.List)]
    return table.with_columns(map(_as_json, names))


def _as_json(name: str) -> pl.Expr:
    items = pl.col(name).list.eval(pl.element().struct.json_encode()).list.join(",")
    return pl.concat_str(pl.lit("["), items, pl.lit("]")).alias(name)


def check_csv_raw(raw: bool, output_format: str) -> None:
    """Raise UsageError for ``--csv-raw`` beside another format."""
    if raw and output_format != "csv":
        raise UsageError("--csv-raw is for --format csv", hint="Other formats always hold the text as it is.")
