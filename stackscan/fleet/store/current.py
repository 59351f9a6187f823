"""Which rows of a store count, where an object was read more than once.

An object may have been read by two writers at once, again after it changed, or again because somebody asked for it. Of
readings with one mark the latest counts. Where an object changed, its latest mark counts, and of earlier ones only the
captures of other known times: a file that is written anew each hour keeps its history, a file that was cut when it was
first read does not count twice. Objects that are marked by their content change nothing that was read before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.fleet.store.columns import CAPTURE, CONTENT_MARK, EXPIRED
from stackscan.fleet.store.slices import slices

if TYPE_CHECKING:
    import polars as pl

#: What names a reading, and a row of it.
READING: Final = ("object", "part", "mark", "batch")
ROW: Final = ("batch", "row")
#: The columns that decide.
COLUMNS: Final = (*READING, "row", "read_at", "status", "captured_at")


def superseded(rows: pl.LazyFrame) -> pl.DataFrame:
    """The rows of ``captures`` that count no more, by the columns ``ROW``."""
    import polars as pl

    read = pl.col("status") != EXPIRED
    again = _read_again(rows, read)
    if again.is_empty():
        return rows.select(ROW).clear().collect()
    every = rows.select(COLUMNS).filter(read & pl.col("object").hash().is_in(again.implode())).collect()
    latest = (
        every.select(*READING, "read_at")
        .unique()
        .sort("read_at", "batch")
        .unique(("object", "part", "mark"), keep="last", maintain_order=True)
    )
    counting = every.join(latest, on=READING, how="semi").with_columns(
        pl.col("read_at").max().over("object", "mark").alias("marked_at")
    )
    has_time = (pl.col("status") == CAPTURE) & pl.col("captured_at").is_not_null()
    is_latest = pl.col("marked_at") == pl.col("marked_at").max().over("object")
    is_latest_of_time = pl.col("marked_at") == pl.col("marked_at").max().over("object", "captured_at")
    counting = counting.filter(
        is_latest | (has_time & is_latest_of_time) | pl.col("mark").str.starts_with(CONTENT_MARK)
    )
    return every.join(counting, on=ROW, how="anti", nulls_equal=True).select(ROW)


def _read_again(rows: pl.LazyFrame, read: pl.Expr) -> pl.Series:
    """The hashes of the objects that were read more than once, or have more than one mark; perhaps of others, too.

    Most objects were read once. Only the others are looked at by name, so that the names of all are never in memory.
    """
    import polars as pl

    hashes = (
        pl.col("object").hash(),
        pl.struct("object", "part", "mark").hash().alias("marked"),
        pl.col("mark").hash(),
        pl.struct("object", "part", "mark", "batch").hash().alias("reading"),
    )
    columns = rows.select(*READING, "status")
    parts = [each.filter(read).select(hashes).unique().collect() for each in slices(columns)]
    found = pl.concat([columns.filter(read).select(hashes).clear().collect(), *parts]).unique()
    marked = found.unique(("object", "mark"))
    doubles = (
        found.filter(found.select("object", "marked").is_duplicated())["object"],
        marked.filter(marked["object"].is_duplicated())["object"],
    )
    return pl.concat(doubles).unique()
