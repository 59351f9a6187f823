"""Long sequences in little memory: all but what was added last is compressed, without loss, block by block.

A fleet has numbers for each place of each capture, and names of captures, and most of them are like those before them:
such a number takes about a byte, such a name some twenty.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import Final, Generic, TypeVar, overload

Item = TypeVar("Item")
#: Rows or items of a block.
_BLOCK: Final = 256
_BYTES: Final = 8
#: The fastest: what slower levels save is a tenth.
_LEVEL: Final = 1


class Numbers:
    """Rows of ``width`` whole numbers from 0 to 2^64 - 1. The first number of a row is not less than that of the row
    before. They are read from the first row to the last."""

    __slots__ = ("_blocks", "_last", "_width")

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks: list[bytes] = []
        self._last = array("Q")

    def append(self, *row: int) -> None:
        """Add a row."""
        self._last.extend(row)
        if len(self._last) == self._width * _BLOCK:
            self._blocks.append(_compressed(self._last, self._width))
            self._last = array("Q")

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        for block in self._blocks:
            yield from _expanded(block, self._width)
        yield from zip(*(self._last[each :: self._width] for each in range(self._width)), strict=True)


def _compressed(rows: array[int], width: int) -> bytes:
    """A block: the steps of the first column, then the other columns; of all of them the bytes of one rank together."""
    first = rows[::width]
    steps = array("Q", chain(first[:1], (after - before for before, after in pairwise(first))))
    raw = b"".join(column.tobytes() for column in (steps, *(rows[each::width] for each in range(1, width))))
    return zlib.compress(b"".join(raw[rank::_BYTES] for rank in range(_BYTES)), _LEVEL)


def _expanded(block: bytes, width: int) -> Iterator[tuple[int, ...]]:
    """The rows of a block."""
    ranks = zlib.decompress(block)
    raw = bytearray(len(ranks))
    each = len(ranks) // _BYTES
    for rank in range(_BYTES):
        raw[rank::_BYTES] = ranks[rank * each : (rank + 1) * each]
    columns = array("Q", bytes(raw))
    steps, *others = (columns[at : at + _BLOCK] for at in range(0, width * _BLOCK, _BLOCK))
    return zip(accumulate(steps), *others, strict=True)


class Packed(Sequence[Item], Generic[Item]):
    """A sequence of what can be pickled, to be read mostly in order: the block that was read last stays at hand."""

    __slots__ = ("_blocks", "_last", "_read")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._blocks: list[bytes] = []
        self._last: list[Item] = []
        self._read: tuple[int, list[Item]] = -1, []
        for item in items:
            self.append(item)

    def append(self, item: Item) -> None:
        """Add one at the end."""
        self._last.append(item)
        if len(self._last) == _BLOCK:
            self._blocks.append(zlib.compress(pickle.dumps(self._last), _LEVEL))
            self._last = []

    def __len__(self) -> int:
        return len(self._blocks) * _BLOCK + len(self._last)

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        block, inner = divmod(range(len(self))[place], _BLOCK)
        return self._block(block)[inner]

    def __iter__(self) -> Iterator[Item]:
        for block in range(len(self._blocks)):
            yield from self._block(block)
        yield from self._last

    def _block(self, number: int) -> list[Item]:
        """The items of a block. Threads may read at the same time."""
        if number == len(self._blocks):
            return self._last
        known, items = self._read
        if known != number:
            items = pickle.loads(zlib.decompress(self._blocks[number]))  # noqa: S301 - of this process
            self._read = number, items
        return items
