"""A snapshot indexed for expressions: its stacks as conditions see them, and where goroutines are alike.

A *cell* is a stack with a wait reason: its goroutines have the same answer to all conditions on these two. A dump
of 200,000 goroutines has a few hundred cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from operator import lt
from typing import Any
from weakref import WeakKeyDictionary

from stackscan.knowledge.language.sights import SIGHTS, Seen, Sight, sights_of
from stackscan.model.snapshot import Snapshot

#: Places of goroutines in the rows of a snapshot, ascending.
Rows = Sequence[int]

_TEXT = "goroutine-text"
_INDEXES: WeakKeyDictionary[Snapshot, Index] = WeakKeyDictionary()


def index_of(snapshot: Snapshot) -> Index:
    """The index of a snapshot, made once."""
    found = _INDEXES.get(snapshot)
    if found is None:
        found = _INDEXES[snapshot] = Index(snapshot)
    return found


class Index:
    """What expressions need of one snapshot, each part made on first use."""

    def __init__(self, snapshot: Snapshot) -> None:
        # Not the snapshot itself: the index is kept as long as that lives, and must not keep it alive.
        self.stacks = snapshot.stacks
        self.table = snapshot.table  # one row for all that are alike, where the format counts
        self.total = snapshot.total
        self.weights = snapshot.counts
        self.format = snapshot.format
        self.cause = snapshot.cause
        self.read_arguments = snapshot.read_arguments
        self._rows_of_cells = snapshot.cells
        self.creators_known = self.format == _TEXT or any(stack.created_by is not None for stack in self.stacks)
        self.answers: dict[object, Any] = {}  # by condition, kept by its evaluation
        self._looked = -1
        self._sights: list[Sight] = []
        self._alike: list[tuple[Sight, list[int]]] = []

    def _look(self) -> None:
        """Look at the stacks, and again when conditions ask for more than was looked at."""
        if self._looked == SIGHTS.generation:
            return
        self._looked = SIGHTS.generation
        looked = SIGHTS.of_stacks(self.stacks)
        cells = [(self.stacks[stack_id], looked[stack_id], reason) for stack_id, reason in self._cells]
        self._sights = sights_of(cells, creators_known=self.creators_known, cause=self.cause)
        alike: dict[Sight, list[int]] = {}
        for cell, sight in enumerate(self._sights):
            found = alike.get(sight)
            if found is None:
                alike[sight] = [cell]
            else:
                found.append(cell)
        self._alike = list(alike.items())

    def seen(self, stack_id: int) -> Seen:
        """A stack as conditions see it."""
        return SIGHTS.seen(self.stacks[stack_id])

    @property
    def sights(self) -> list[Sight]:
        """What is seen of the goroutines of each cell."""
        self._look()
        return self._sights

    @property
    def alike(self) -> list[tuple[Sight, list[int]]]:
        """Each sight with the cells that have it."""
        self._look()
        return self._alike

    def column(self, name: str) -> list[Any]:
        """A column of the goroutines; nobody writes to it."""
        return self.table.column(name)

    @property
    def row_stack(self) -> list[int]:
        """The stack of each goroutine."""
        return self.table.column("stack_id")

    @cached_property
    def _cells(self) -> list[tuple[int, str | None]]:
        ids = [stack_id for stack_id, _ in self._rows_of_cells]
        if all(map(lt, ids, ids[1:])):  # each stack has one, in the order of the dump
            return list(self._rows_of_cells)
        codes: dict[str | None, int] = {}
        for _, reason in self._rows_of_cells:
            if reason is not None:
                codes.setdefault(reason, len(codes))
        codes[None] = len(codes)
        return sorted(self._rows_of_cells, key=lambda key: (key[0], codes[key[1]]))

    @cached_property
    def cell_stack(self) -> list[int]:
        """The stack of each cell."""
        return [stack_id for stack_id, _ in self._cells]

    @cached_property
    def cell_reason(self) -> tuple[str | None, ...]:
        """The wait reason of each cell, as printed."""
        return tuple(reason for _, reason in self._cells)

    @cached_property
    def row_cell(self) -> list[int]:
        """The cell of each goroutine."""
        found = [0] * len(self.table)
        for cell, rows in enumerate(self.cell_rows):
            for row in rows:
                found[row] = cell
        return found

    @cached_property
    def cell_rows(self) -> list[list[int]]:
        """The rows of each cell."""
        return list(map(self._rows_of_cells.__getitem__, self._cells))

    def rows_of(self, cells: Collection[int]) -> list[int]:
        """The rows of some cells, in the order of the dump."""
        if len(cells) == 1:
            return self.cell_rows[next(iter(cells))]
        if len(cells) == len(self.cell_stack):
            return list(range(len(self.table)))
        return sorted(row for cell in cells for row in self.cell_rows[cell])

    @cached_property
    def cell_counts(self) -> list[int]:
        """How many goroutines each cell has."""
        return [len(rows) for rows in self.cell_rows] if self.weights is None else list(map(self.count, self.cell_rows))

    def count(self, rows: Iterable[int]) -> int:
        """How many goroutines some rows stand for."""
        weights = self.weights
        if weights is None:
            return len(rows) if isinstance(rows, Collection) else sum(1 for _ in rows)
        return sum(weights[row] for row in rows)

    @cached_property
    def first_row(self) -> dict[int, int]:
        """The first row of each goroutine id."""
        found: dict[int, int] = {}
        for row, number in enumerate(self.table.column("goroutine_id")):
            if number is not None:
                found.setdefault(number, row)
        return found

    @cached_property
    def last_row(self) -> dict[int, int]:
        """The last row of each goroutine id."""
        return {number: row for row, number in enumerate(self.table.column("goroutine_id")) if number is not None}
