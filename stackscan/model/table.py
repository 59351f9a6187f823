"""Rows of a snapshot: columns as Python lists or as a polars table, each made of the other when it is first asked for.

A small dump stays lists: loading polars would take longer than all that is done with them. A large one is read into
polars, and what runs over distinct stacks asks for a few of its columns as lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import polars as pl

Kind: TypeAlias = Literal["goroutines", "ancestors"]
Lists: TypeAlias = Mapping[str, list[Any]]

#: Columns of a table of goroutines, in their order; the data types and meanings are in :mod:`stackscan.model.schemas`.
GOROUTINE_COLUMNS: Final = tuple(
    "goroutine_id stack_id wait_reason wait_minutes creator_id locked leaked attributes thread labels line".split()
)
#: The same of ancestors.
ANCESTOR_COLUMNS: Final = ("goroutine_id", "depth", "ancestor_id", "stack_id")
_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {"goroutines": GOROUTINE_COLUMNS, "ancestors": ANCESTOR_COLUMNS}


class Table:
    """A table of a snapshot. It never changes: nobody writes to the lists that :meth:`column` gives."""

    __slots__ = ("_frame", "_height", "_lists", "kind")

    def __init__(self, kind: Kind, height: int, lists: dict[str, list[Any]], frame: pl.DataFrame | None) -> None:
        self.kind: Kind = kind
        self._height = height
        self._lists = lists
        self._frame = frame

    @classmethod
    def of_lists(cls, lists: Lists, kind: Kind = "goroutines") -> Table:
        """A table of columns of equal length; one that is left out is null everywhere.

        Raises ValueError for a column that the kind has not, and for unequal lengths.
        """
        columns = dict(lists)
        unknown = columns.keys() - set(_COLUMNS[kind])
        lengths = set(map(len, columns.values()))
        if unknown or len(lengths) > 1:
            raise ValueError(f"{kind}: columns {sorted(unknown)} are not known, or lengths {sorted(lengths)} differ")
        return cls(kind, lengths.pop() if lengths else 0, columns, None)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, kind: Kind = "goroutines") -> Table:
        """A table that polars holds; :meth:`check_valid` says whether it has the columns of its kind."""
        return cls(kind, len(frame), {}, frame)

    @classmethod
    def empty(cls, kind: Kind = "goroutines") -> Table:
        """A table without rows."""
        return cls(kind, 0, {}, None)

    def __len__(self) -> int:
        return self._height

    def __reduce__(self) -> tuple[object, ...]:
        return Table, (self.kind, self._height, {} if self._frame is not None else self._lists, self._frame)

    def column(self, name: str) -> list[Any]:
        """The values of a column, in the order of the dump; None where the dump does not say."""
        found = self._lists.get(name)
        if found is None:
            found = [None] * self._height if self._frame is None else self._frame[name].to_list()
            self._lists[name] = found
        return found

    @property
    def frame(self) -> pl.DataFrame:
        """The table as polars has it, with all columns of its kind and their data types."""
        if self._frame is None:
            from stackscan.model.schemas import frame_of  # loads polars

            self._frame = frame_of(self.kind, {name: self.column(name) for name in _COLUMNS[self.kind]})
        return self._frame

    def check_valid(self) -> None:
        """Raise ValueError where polars holds other columns or data types than those of the kind. Lists have what
        :meth:`of_lists` lets pass."""
        if self._frame is None:
            return
        from stackscan.model.schemas import SCHEMAS

        found, declared = dict(self._frame.schema), SCHEMAS[self.kind]
        if found != declared:
            raise ValueError(f"{self.kind}: columns {found} are not the declared {declared}")

    def take(self, rows: Sequence[int]) -> Table:
        """The rows at these places, in this order."""
        if self._frame is not None:
            return Table.of_frame(self._frame[list(rows)], self.kind)
        lists = {name: [values[row] for row in rows] for name, values in self._lists.items()}
        return Table(self.kind, len(rows), lists, None)

    def with_column(self, name: str, values: list[Any]) -> Table:
        """The table with another column in the place of one."""
        if self._frame is None:
            return Table(self.kind, self._height, {**self._lists, name: values}, None)
        from stackscan.model.schemas import frame_of

        return Table.of_frame(self._frame.with_columns(frame_of(self.kind, {name: values})[name]), self.kind)
