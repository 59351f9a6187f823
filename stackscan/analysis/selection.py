"""The goroutines that an expression selects (``--where``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from stackscan.analysis.finding import Finding
from stackscan.knowledge.language import index_of, mask, parse, select
from stackscan.knowledge.language.index import Numbers
from stackscan.knowledge.language.symbols import Mask
from stackscan.knowledge.pool import Pool
from stackscan.model.snapshot import Frame, Snapshot

_WHERE = "--where"


@dataclass(frozen=True, slots=True)
class Selection:
    """The expression that selected goroutines, and how many the dump has in all."""

    expression: str
    goroutines: int


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """The selected goroutines: their rows, in order, and the same as a mask."""

    rows: Numbers
    mask: Mask

    def only(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with only these goroutines."""
        read = snapshot.read_arguments

        def read_arguments(of: Collection[Frame] | None) -> pl.DataFrame:
            table = pl.DataFrame() if read is None else read(of)
            places = {"goroutine": self.rows, "place": range(len(self.rows))}
            kept = pl.DataFrame(places, schema={"goroutine": pl.UInt32, "place": pl.UInt32})
            return table.join(kept, on="goroutine").with_columns(goroutine="place").select(table.columns)

        return replace(
            snapshot,
            table=snapshot.table.take(self.rows.tolist()),
            counts=None if snapshot.counts is None else [snapshot.counts[row] for row in self.rows.tolist()],
            read_arguments=None if read is None else read_arguments,
        )

    def narrowed(self, finding: Finding) -> Finding:
        """The same finding with the rows that its goroutines have in the smaller snapshot."""
        return replace(finding, rows=np.searchsorted(self.rows, finding.rows))

    def has_worker(self, pool: Pool, snapshot: Snapshot) -> bool:
        """Whether a worker of this pool was selected."""
        return bool((mask(pool.worker, index_of(snapshot)) & self.mask).any())


def check_expression(where: str | None) -> None:
    """Raise ExpressionError if this is no expression."""
    if where is not None:
        parse(where, where=_WHERE)


def select_rows(snapshot: Snapshot, where: str) -> SelectedRows:
    """The goroutines that an expression selects. Raises ExpressionError."""
    wanted = parse(where, where=_WHERE)
    return SelectedRows(select(wanted, index_of(snapshot)), mask(wanted, index_of(snapshot)))
