"""Builds polars tables of captures' rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

import numpy as np
import polars as pl

from stackscan.export.tables.rows import CaptureRows, Rows, rows_of
from stackscan.export.tables.schema import SHARED, TABLES
from stackscan.model.capture import Taken
from stackscan.report import CaptureReport


def build(examined: CaptureReport, override: Taken | None = None) -> dict[str, pl.DataFrame]:
    """Every table of one capture, by name, with all its declared columns; characters that act on a terminal become
    escapes.

    ``override`` replaces the capture's own time and host.
    """
    return frames_of([rows_of(examined, override)])


def frames_of(captures: Sequence[CaptureRows]) -> dict[str, pl.DataFrame]:
    """Every table of some captures, one below the other."""
    kinds = {column.name: column.type for column in SHARED}
    shared = pl.DataFrame([list(capture.shared.values()) for capture in captures], kinds, orient="row")
    tables = {}
    for name in TABLES:
        rows = [capture.tables[name] for capture in captures]
        own = _own(name, rows)
        places = np.repeat(np.arange(len(rows), dtype=np.uint32), [each.total for each in rows])
        tables[name] = shared[places].hstack(own)
    return tables


def _own(name: str, rows: Sequence[Rows]) -> pl.DataFrame:
    """The own columns of one table."""
    if any(isinstance(each.columns, pl.DataFrame) for each in rows) and len(rows) > 1:
        return pl.concat([_own(name, [each]) for each in rows])
    columns = [column.name for column in TABLES[name].own]
    if isinstance(rows[0].columns, pl.DataFrame):
        table = rows[0].columns.select(columns)
    else:
        listed = [each.columns for each in rows if each.height]
        table = pl.DataFrame(
            pl.Series(
                column.name,
                list(chain.from_iterable(each[column.name] for each in listed)),
                column.type,
                strict=name
                != "goroutines",  # what a dump claims may fit no column: then it is null, as in the snapshot
            )
            for column in TABLES[name].own
        )
    if all(each.counts is None for each in rows):
        return table
    # late: until here the table is as small as the dump
    counts = chain.from_iterable(each.counts or repeat(1, each.height) for each in rows)
    times = np.fromiter(counts, dtype=np.int64, count=len(table))
    return table[np.repeat(np.arange(len(table), dtype=np.uint32), times)]
