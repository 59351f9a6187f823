"""The goroutines of a large text as numpy arrays: a goroutine costs a few bytes in each, and polars takes them as they
are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.rows import OF_HEADER, Rows
from stackscan.model.schemas import GOROUTINE_SCHEMA
from stackscan.model.table import Table

_NO_ID: Final = pl.Series([None], dtype=pl.UInt64)
_Index = npt.NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """:class:`Rows` as arrays. ``has_id`` and ``has_creator_id`` say where the ids are none."""

    line: npt.NDArray[np.int64]
    goroutine_id: npt.NDArray[np.uint64]
    has_id: npt.NDArray[np.bool_]
    header: npt.NDArray[np.int64]
    stack: npt.NDArray[np.int64]
    creator_id: npt.NDArray[np.uint64]
    has_creator_id: npt.NDArray[np.bool_]
    after_blank: npt.NDArray[np.bool_]

    @classmethod
    def of_rows(cls, rows: Rows) -> ArrayRows:
        """Rows as arrays."""
        return cls(
            line=np.array(rows.line, dtype=np.int64),
            goroutine_id=np.array([found or 0 for found in rows.goroutine_id], dtype=np.uint64),
            has_id=np.array([found is not None for found in rows.goroutine_id], dtype=np.bool_),
            header=np.array(rows.header, dtype=np.int64),
            stack=np.array(rows.stack, dtype=np.int64),
            creator_id=np.array([found or 0 for found in rows.creator_id], dtype=np.uint64),
            has_creator_id=np.array([found is not None for found in rows.creator_id], dtype=np.bool_),
            after_blank=np.array(rows.after_blank, dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.line)

    def take(self, index: _Index) -> ArrayRows:
        """The rows at the given places."""
        return ArrayRows(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def repeats(self) -> bool:
        """Whether an id occurs twice."""
        ids = self.goroutine_id if self.has_id.all() else self.goroutine_id[self.has_id]
        return pl.Series(ids).n_unique() < len(ids)

    def as_lists(self) -> Rows:
        """The same as lists."""
        return Rows(
            self.line.tolist(),
            _with_none(self.goroutine_id, self.has_id),
            self.header.tolist(),
            self.stack.tolist(),
            _with_none(self.creator_id, self.has_creator_id),
            self.after_blank.tolist(),
        )

    # -- what a snapshot is made of ---------------------------------------------------------------------------------

    def lines(self) -> list[int]:
        """The header lines."""
        lines: list[int] = self.line.tolist()
        return lines

    def stack_order(self) -> Iterable[int]:
        """The distinct stacks in the order in which they first occur."""
        ordered: list[int] = pl.Series(self.stack).unique(maintain_order=True).to_list()
        return ordered

    def entries(self) -> Iterable[int]:
        """The distinct headers."""
        used: list[int] = np.flatnonzero(np.bincount(self.header)).tolist()
        return used

    def has_creators(self) -> bool:
        """Whether a goroutine names the one that created it."""
        return bool(self.has_creator_id.any())

    def has_labels(self, interned: Interned) -> bool:
        """Whether a goroutine has labels."""
        return interned.labelled and interned.label_column().gather(self.header).null_count() < len(self)

    def table(self, interned: Interned, stack_ids: dict[int, int]) -> Table:
        """The table of a snapshot in which the stacks have new ids."""
        new_stack = np.zeros(len(interned.stacks), dtype=np.uint32)
        new_stack[list(stack_ids)] = list(stack_ids.values())
        columns = {
            "goroutine_id": _ids(self.goroutine_id, self.has_id),
            "stack_id": pl.Series(new_stack[self.stack], dtype=pl.UInt32),
            "creator_id": _ids(self.creator_id, self.has_creator_id),
            "line": pl.Series(self.line.astype(np.uint32), dtype=pl.UInt32),
        }
        plain = pl.Series(np.array(interned.plain, dtype=np.uint32)[self.header])
        for name in OF_HEADER:
            values = list(map(attrgetter(name), interned.headers))
            kind = GOROUTINE_SCHEMA[name]
            if len(set(values)) == 1:
                columns[name] = pl.repeat(values[0], len(self), dtype=kind, eager=True)
            else:
                columns[name] = pl.Series(values, dtype=kind).gather(plain)
        if interned.labelled:
            columns["labels"] = interned.label_column().gather(self.header)
        else:
            columns["labels"] = pl.repeat(None, len(self), dtype=pl.String, eager=True)
        return Table.of_frame(pl.DataFrame({name: columns[name] for name in GOROUTINE_SCHEMA}))


def merge(parts: Sequence[ArrayRows]) -> ArrayRows:
    """The rows of all parts in line order."""
    if not parts:
        return ArrayRows.of_rows(Rows.of([]))
    joined = ArrayRows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ArrayRows.__dataclass_fields__)
    )
    if np.all(joined.line[:-1] <= joined.line[1:]):
        return joined
    return joined.take(np.argsort(joined.line, kind="stable"))


def _ids(values: npt.NDArray[np.uint64], known: npt.NDArray[np.bool_]) -> pl.Series:
    ids = pl.Series(values, dtype=pl.UInt64)
    return ids if known.all() else ids.zip_with(pl.Series(known, dtype=pl.Boolean), _NO_ID)


def _with_none(values: npt.NDArray[np.uint64], known: npt.NDArray[np.bool_]) -> list[int | None]:
    found: list[int | None] = values.tolist()
    if not known.all():
        for place in np.flatnonzero(~known).tolist():
            found[place] = None
    return found
