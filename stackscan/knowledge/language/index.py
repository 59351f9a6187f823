"""A snapshot indexed for expressions: distinct functions, distinct stacks, and where goroutines are alike.

A *cell* is a stack with a wait reason: its goroutines have the same answer to all conditions on these two. A dump
of 200,000 goroutines has a few hundred cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.symbol import origin
from stackscan.knowledge.language.symbols import Functions, Mask
from stackscan.model.snapshot import Frame, Snapshot

Numbers = npt.NDArray[np.int64]

_RUNTIME: Final = ("runtime.", "internal/runtime/")
_ABSENT: Final = -1
_MOST: Final = 1 << 31  # a stranger may print any number
_INDEXES: WeakKeyDictionary[Snapshot, Index] = WeakKeyDictionary()


def index_of(snapshot: Snapshot) -> Index:
    """The index of a snapshot, made once."""
    found = _INDEXES.get(snapshot)
    if found is None:
        found = _INDEXES[snapshot] = Index(snapshot)
    return found


def significant(functions: Sequence[str]) -> tuple[int, int]:
    """Indices of the innermost frame outside the runtime, and of the outermost that is no wrapper; -1: none."""
    own = [index for index, function in enumerate(functions) if not function.startswith(_RUNTIME)]
    if not own:
        return _ABSENT, _ABSENT
    root = next((index for index in reversed(own) if ".gowrap" not in functions[index]), own[-1])
    return own[0], root


class Index:
    """What expressions need of one snapshot, each part made on first use."""

    def __init__(self, snapshot: Snapshot) -> None:
        # Not the snapshot itself: the index is kept as long as that lives, and must not keep it alive.
        self.stacks = snapshot.stacks
        self.goroutines = snapshot.rows  # one row for all that are alike, where the format counts
        self.total = snapshot.total
        self.weights = None if snapshot.counts is None else np.array(snapshot.counts, dtype=np.int64)
        self.format = snapshot.format
        self.cause = snapshot.cause
        self.read_arguments = snapshot.read_arguments
        self.answers: dict[object, object] = {}  # by condition, kept by its evaluation
        self._columns: dict[str, tuple[npt.NDArray[np.generic], Mask]] = {}
        names: dict[str, int] = {}
        flat: list[int] = []
        lengths: list[int] = []
        for stack in self.stacks:
            flat += [names.setdefault(frame.function, len(names)) for frame in stack.frames]
            lengths.append(len(stack.frames))
        creators = [stack.created_by for stack in self.stacks]
        creator_ids = [_ABSENT if c is None else names.setdefault(c.function, len(names)) for c in creators]
        self.names = tuple(names)
        self.functions = Functions(self.names)
        self.frame_function: Numbers = np.array(flat, dtype=np.int64)
        self.frame_stack: Numbers = np.repeat(np.arange(len(lengths)), lengths)
        self.first_frame: Numbers = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        self.creator_function: Numbers = np.array(creator_ids, dtype=np.int64)

    @cached_property
    def places(self) -> tuple[Numbers, Numbers]:
        """For each stack the index of its innermost frame outside the runtime and of its root; -1: none."""
        found = [significant(stack.functions) for stack in self.stacks]
        # A stack whose outer end was cut off does not show its root.
        cut = [stack.elided is None for stack in self.stacks]
        found = [(inner, _ABSENT if is_cut else root) for is_cut, (inner, root) in zip(cut, found, strict=True)]
        table = np.array(found, dtype=np.int64).reshape(len(self.stacks), 2)
        return table[:, 0], table[:, 1]

    @cached_property
    def left_out(self) -> Numbers:
        """For each stack how many frames of its middle were not printed; -1 where its outer end was cut off."""
        return np.array([_ABSENT if s.elided is None else min(s.elided, _MOST) for s in self.stacks], dtype=np.int64)

    def functions_of(self, stack_id: int) -> Numbers:
        """The function ids of a stack's frames, innermost first."""
        return self.frame_function[self.first_frame[stack_id] : self.first_frame[stack_id + 1]]

    def function_at(self, places: Numbers) -> Numbers:
        """The function id of one frame of each stack, -1 where its place is."""
        found = np.full(len(self.stacks), _ABSENT, dtype=np.int64)
        there = places >= 0
        found[there] = self.frame_function[self.first_frame[:-1][there] + places[there]]
        return found

    @cached_property
    def innermost_function(self) -> Numbers:
        """For each stack the function of its innermost frame outside the runtime; -1: none."""
        return self.function_at(self.places[0])

    @cached_property
    def root_function(self) -> Numbers:
        """For each stack the function of its root; -1: none."""
        return self.function_at(self.places[1])

    @cached_property
    def place_function(self) -> Numbers:
        """For each stack the function that waits: its innermost frame outside the standard library, where there is
        none outside the runtime; -1: none."""
        own = [next((at for at, f in enumerate(s.frames) if origin(f).kind != "std"), _ABSENT) for s in self.stacks]
        places = np.array(own, dtype=np.int64)
        return self.function_at(np.where(places >= 0, places, self.places[0]))

    @cached_property
    def creation_site(self) -> Numbers:
        """For each stack a number for its ``go`` statement (function, file, line); -1: not known."""
        sites: dict[Frame, int] = {}
        found = [_ABSENT if s.created_by is None else sites.setdefault(s.created_by, len(sites)) for s in self.stacks]
        return np.array(found, dtype=np.int64)

    def holding(self, functions: Mask) -> Mask:
        """For each stack, whether one of these functions is on it."""
        found = np.zeros(len(self.stacks), dtype=np.bool_)
        if functions.any():
            found[self.frame_stack[functions[self.frame_function]]] = True
        return found

    @cached_property
    def row_stack(self) -> Numbers:
        """The stack of each goroutine."""
        return self.goroutines["stack_id"].to_numpy().astype(np.int64)

    @cached_property
    def _cells(self) -> tuple[Numbers, Numbers, tuple[str | None, ...], Numbers]:
        reasons = self.goroutines["wait_reason"]
        distinct: list[str | None] = reasons.drop_nulls().unique(maintain_order=True).to_list()
        codes = reasons.replace_strict(distinct, list(range(len(distinct))), default=None, return_dtype=pl.Int64)
        distinct.append(None)
        width = len(distinct)
        keys = self.row_stack * width + codes.fill_null(width - 1).to_numpy()
        present = np.zeros(len(self.stacks) * width, dtype=np.bool_)
        present[keys] = True
        used = np.flatnonzero(present)
        numbers = np.cumsum(present) - 1
        return used // width, used % width, tuple(distinct), numbers[keys]

    @property
    def cell_stack(self) -> Numbers:
        """The stack of each cell."""
        return self._cells[0]

    @cached_property
    def cell_reason(self) -> tuple[str | None, ...]:
        """The wait reason of each cell, as printed."""
        return tuple(self._cells[2][code] for code in self._cells[1].tolist())

    @property
    def row_cell(self) -> Numbers:
        """The cell of each goroutine."""
        return self._cells[3]

    @cached_property
    def cell_rows(self) -> Numbers:
        """How many rows each cell has."""
        return np.bincount(self.row_cell, minlength=len(self.cell_stack)).astype(np.int64)

    def count(self, rows: Numbers | Mask) -> int:
        """How many goroutines some rows (their places, or a mask of all) stand for."""
        if self.weights is None:
            return int(rows.sum()) if rows.dtype == np.bool_ else len(rows)
        return int(self.weights[rows].sum())

    def sums(self, numbers: Numbers, rows: Numbers | Mask, *, least: int) -> Numbers:
        """How many goroutines bear each number, from 0 on, at least so many numbers; ``numbers`` are those of
        ``rows``."""
        weights = None if self.weights is None else self.weights[rows]
        return np.bincount(numbers, weights=weights, minlength=least).astype(np.int64)

    def column(self, name: str) -> tuple[npt.NDArray[np.generic], Mask]:
        """A column of the goroutine table as numbers, and where it is not null. Each is made once."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def _column(self, name: str) -> tuple[npt.NDArray[np.generic], Mask]:
        series = self.goroutines[name]
        known = series.is_not_null().to_numpy()
        filled = series.fill_null(value=False) if series.dtype == pl.Boolean else series.fill_null(0)
        return filled.to_numpy(), known
