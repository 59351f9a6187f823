"""The goroutines that an expression selects (``--where``)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass, replace

from stackscan.analysis.finding import Finding
from stackscan.knowledge.language import index_of, mask, parse, select
from stackscan.knowledge.pool import Pool
from stackscan.model.arguments import Words
from stackscan.model.snapshot import Frame, Snapshot

_WHERE = "--where"


@dataclass(frozen=True, slots=True)
class Selection:
    """The expression that selected goroutines, and how many the dump has in all."""

    expression: str
    goroutines: int


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """The selected goroutines: their rows, in order, and the same as a set."""

    rows: list[int]
    mask: frozenset[int]

    def only(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with only these goroutines."""
        read = snapshot.read_arguments

        def read_arguments(
            of: Collection[Frame] | None, among: Collection[int] | None = None, *, first: bool = False
        ) -> Words:
            places = {row: place for place, row in enumerate(self.rows)}
            return Words() if read is None else read(of, among, first=first).of_rows(places)

        return replace(
            snapshot,
            table=snapshot.table.take(self.rows),
            counts=None if snapshot.counts is None else [snapshot.counts[row] for row in self.rows],
            read_arguments=None if read is None else read_arguments,
        )

    def narrowed(self, finding: Finding) -> Finding:
        """The same finding with the rows that its goroutines have in the smaller snapshot."""
        return replace(finding, rows=[bisect_left(self.rows, row) for row in finding.rows])

    def has_worker(self, pool: Pool, snapshot: Snapshot) -> bool:
        """Whether a worker of this pool was selected."""
        return not self.mask.isdisjoint(mask(pool.worker, index_of(snapshot)))


def check_expression(where: str | None) -> None:
    """Raise ExpressionError if this is no expression."""
    if where is not None:
        parse(where, where=_WHERE)


def select_rows(snapshot: Snapshot, where: str) -> SelectedRows:
    """The goroutines that an expression selects. Raises ExpressionError."""
    wanted = parse(where, where=_WHERE)
    return SelectedRows(select(wanted, index_of(snapshot)), mask(wanted, index_of(snapshot)))
