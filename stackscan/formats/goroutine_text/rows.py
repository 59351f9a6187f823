"""The goroutines of one text, or of a part of it, as columns in line order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from stackscan.model.table import Table

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.interned import Interned

#: Columns of a snapshot's table that a header gives, its labels aside.
OF_HEADER: Final = ("wait_reason", "wait_minutes", "locked", "leaked", "attributes", "thread")


#: Line, id, header, stack, creator's id, whether a blank line stands before it: the columns of Rows.
Row = tuple[int, int | None, int, int, int | None, bool]


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry a goroutine: its header line (1-based), id (None: withheld), header and stack (indices), its creator's
    id, and whether a blank line stands before it."""

    line: list[int]
    goroutine_id: list[int | None]
    header: list[int]
    stack: list[int]
    creator_id: list[int | None]
    after_blank: list[bool]

    @classmethod
    def of(cls, found: Iterable[Row]) -> Rows:
        """The columns of rows, which may come in any order."""
        columns = list(map(list, zip(*sorted(found, key=lambda row: row[0]), strict=True)))
        return cls(*columns) if columns else cls([], [], [], [], [], [])

    def each(self) -> Iterator[Row]:
        """The rows one by one."""
        return zip(
            self.line, self.goroutine_id, self.header, self.stack, self.creator_id, self.after_blank, strict=True
        )

    def __len__(self) -> int:
        return len(self.line)

    def between(self, low: int, high: int) -> Rows:
        """The rows at the places from ``low`` to before ``high``."""
        return Rows(*(getattr(self, name)[low:high] for name in self.__dataclass_fields__))

    def without(self, dropped: Iterable[int]) -> Rows:
        """The rows but for those at some places."""
        left = set(dropped)
        kept = [place for place in range(len(self)) if place not in left]
        return Rows(*([getattr(self, name)[place] for place in kept] for name in self.__dataclass_fields__))

    # -- what a snapshot is made of ---------------------------------------------------------------------------------

    def lines(self) -> list[int]:
        """The header lines."""
        return self.line

    def stack_order(self) -> Iterable[int]:
        """The distinct stacks in the order in which they first occur."""
        return dict.fromkeys(self.stack)

    def entries(self) -> Iterable[int]:
        """The distinct headers."""
        return set(self.header)

    def has_creators(self) -> bool:
        """Whether a goroutine names the one that created it."""
        return any(found is not None for found in self.creator_id)

    def has_labels(self, interned: Interned) -> bool:
        """Whether a goroutine has labels."""
        labels = interned.label_list()
        return labels is not None and any(labels[entry] is not None for entry in set(self.header))

    def table(self, interned: Interned, stack_ids: dict[int, int]) -> Table:
        """The table of a snapshot in which the stacks have new ids."""
        columns: dict[str, list[Any]] = {
            "goroutine_id": self.goroutine_id,
            "stack_id": [stack_ids[stack] for stack in self.stack],
            "creator_id": self.creator_id,
            "line": self.line,
        }
        distinct = {entry: interned.header(entry) for entry in self.entries()}
        headers = list(map(distinct.__getitem__, self.header))
        columns |= {name: list(map(attrgetter(name), headers)) for name in OF_HEADER}
        labels = interned.label_list()
        if labels is not None:
            columns["labels"] = [labels[entry] for entry in self.header]
        return Table.of_lists(columns)


def is_after_blank(data: bytes, at: int) -> bool:
    """Whether a blank line stands before a place, or nothing at all."""
    return at == 0 or data[max(at - 4, 0) : at].endswith((b"\n\n", b"\n\r\n"))
