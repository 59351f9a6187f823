"""Which rows of a store count, where an object was read more than once.

An object may have been read by two writers at once, again after it changed, or again because somebody asked for it. Of
readings with one mark the latest counts. Where an object changed, its latest mark counts, and of earlier ones only the
captures of other known times: a file that is written anew each hour keeps its history, a file that was cut when it was
first read does not count twice. Objects that are marked by their content change nothing that was read before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.fleet.store.columns import CAPTURE, CONTENT_MARK, EXPIRED

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

    every = rows.select(COLUMNS).filter(pl.col("status") != EXPIRED).collect()
    of_mark = ("object", "part", "mark")
    readings = every.select(*READING, "read_at").unique()
    latest = readings.sort("read_at", "batch").unique(of_mark, keep="last", maintain_order=True)
    has_one_mark = latest["object"].n_unique() == latest.select("object", "mark").n_unique()
    if latest.height == readings.height and has_one_mark:
        return every.select(ROW).clear()  # nothing was read twice
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
