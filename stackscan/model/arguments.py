"""The words of a snapshot's argument lists: what stood in registers and on the stack, of which some are pointers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import polars as pl

#: A goroutine (its row in the snapshot), the index of the frame in its stack, the position of the word in the list
#: (braces undone, words left out here counted), the word, and whether it is reliable.
Word: TypeAlias = tuple[int, int, int, int, bool]
#: The order of the columns.
COLUMNS: Final = ("row", "frame", "position", "word", "reliable")
#: Words that are made objects at once.
_BLOCK: Final = 1 << 14


class Words:
    """Words that may be pointers (0x1000 or more), by goroutine, frame and position, as columns of equal length: lists,
    or views of arrays where there are many.

    A word is not ``reliable`` behind a ``?``: the register may hold something else by now (Go 1.18 and later).
    """

    __slots__ = COLUMNS

    def __init__(
        self,
        row: Sequence[int] = (),
        frame: Sequence[int] = (),
        position: Sequence[int] = (),
        word: Sequence[int] = (),
        reliable: Sequence[bool] = (),
    ) -> None:
        self.row = row
        self.frame = frame
        self.position = position
        self.word = word
        self.reliable = reliable

    @classmethod
    def of(cls, words: Iterable[Word]) -> Words:
        """Words that come one by one."""
        return cls(*map(list, zip(*words, strict=True)))

    def __len__(self) -> int:
        return len(self.row)

    def __iter__(self) -> Iterator[Word]:
        blocks = range(0, len(self), _BLOCK)  # a million words need not all be objects at once
        return chain.from_iterable(
            zip(*(_values(getattr(self, name)[at : at + _BLOCK]) for name in COLUMNS), strict=True) for at in blocks
        )

    def joined(self, other: Words) -> Words:
        """These words and those of other goroutines, in the order of the goroutines."""
        if not len(other):
            return self
        if not len(self):
            return other
        parts: list[tuple[Words, slice]] = []
        at = begin = 0
        while begin < len(other):  # run by run: the others are few, as a rule
            place = bisect_left(self.row, other.row[begin], at)
            end = bisect_left(other.row, self.row[place], begin + 1) if place < len(self) else len(other)
            parts += [(self, slice(at, place)), (other, slice(begin, end))]
            at, begin = place, end
        parts.append((self, slice(at, None)))
        return Words(*(list(chain.from_iterable(getattr(w, name)[run] for w, run in parts)) for name in COLUMNS))

    def of_rows(self, places: Mapping[int, int]) -> Words:
        """The words of some goroutines, each with another row: its place."""
        return Words.of((places[word[0]], *word[1:]) for word in self if word[0] in places)

    @property
    def table(self) -> pl.DataFrame:
        """The words as polars has them (:data:`~stackscan.model.schemas.ARGUMENT_SCHEMA`)."""
        from stackscan.model.schemas import words_of  # loads polars

        return words_of([_values(getattr(self, name)) for name in COLUMNS])


def _values(column: Sequence[int]) -> Sequence[int]:
    return column.tolist() if isinstance(column, memoryview) else column
