"""Turns the codes of the fast path into headers and stacks."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, chain
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar, header, known_frames, label_columns
from stackscan.formats.goroutine_text.arrays import ArrayRows
from stackscan.formats.goroutine_text.columns import ChunkColumns, Interner
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.known_frames import Line
from stackscan.model.snapshot import Frame, Stack
from stackscan.sources import limits

_UNREADABLE: Final = -1
_UNSEEN: Final = -2
#: The half of a frame's code that is its location's.
_LOCATION: Final = 0xFFFFFFFF


class Resolver:
    """Turns the codes of the fast path into headers and stacks; the grammar reads each distinct line once.

    To be made after all chunks are interned: the texts must not be read while threads add some.
    """

    def __init__(self, interner: Interner, interned: Interned) -> None:
        self._column = interner.texts()
        self._texts: list[str] = self._column.to_list()
        self._interned = interned
        self._frames: dict[Line, Frame | None] = {}
        self._stacks: dict[bytes, int] = {}
        self._headers = np.full(len(self._texts), _UNSEEN, dtype=np.int64)

    def headers(self, codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The header entries of tail codes; -1 where the grammar refuses the header."""
        found = self._headers[codes]
        if (found != _UNSEEN).all():
            return found
        used = np.zeros(len(self._texts), dtype=np.bool_)
        used[codes] = True
        new = np.flatnonzero(used & (self._headers == _UNSEEN))
        tails = self._column.gather(new)
        rest = self._with_labels(new, tails) if tails.str.contains("{", literal=True).any() else new
        self._headers[rest] = [self._header(self._texts[code]) for code in rest.tolist()]
        return self._headers[codes]

    def _with_labels(self, codes: npt.NDArray[np.int64], tails: pl.Series) -> npt.NDArray[np.int64]:
        """Read headers with labels as a column; returns the codes of those that are left to read one by one."""
        parts = label_columns.split_labels(tails)
        brackets = parts["bracket"].drop_nulls().unique(maintain_order=True)
        plain = [self._plain(bracket) for bracket in brackets]
        of_row = parts["bracket"].replace_strict(brackets, plain, default=_UNREADABLE, return_dtype=pl.Int64)
        is_simple = of_row >= 0
        found = of_row.filter(is_simple).to_list()
        first = self._interned.add(found, parts["labels"].filter(is_simple))
        simple = is_simple.to_numpy()
        self._headers[codes[simple]] = np.arange(first, first + len(found))
        left: npt.NDArray[np.int64] = codes[~simple]
        return left

    def _plain(self, bracket: str) -> int:
        """The index of the header that a bracket alone makes; -1 where it has labels or attributes."""
        value = header.read_tail(bracket)
        usual = value is not None and value.labels is None and value.attributes is None
        return self._interned.plain_id(value) if value is not None and usual else _UNREADABLE

    def _header(self, tail: str) -> int:
        value = header.read_tail(tail)
        return _UNREADABLE if value is None or bounds.are_long(value.labels) else self._interned.header_id(value)

    def stacks(self, keys: list[bytes]) -> npt.NDArray[np.int64]:
        """The stack indices of keys of the fast path; -1 where the grammar refuses one of its lines."""
        new = [key for key in keys if key not in self._stacks]
        codes: list[int] = np.frombuffer(b"".join(new), dtype=np.uint64).tolist()
        ends = list(accumulate(len(key) // 8 for key in new))
        frames = [self._lines(codes[low : end - 1]) for low, end in zip([0, *ends], ends, strict=False)]
        creators = [self._line(codes[end - 1]) for end in ends]
        self._learn_frames(chain(*frames, creators))
        self._stacks.update(zip(new, map(self._stack, frames, creators), strict=True))
        return np.array([self._stacks[key] for key in keys], dtype=np.int64)

    def _line(self, pair: int) -> Line:
        return self._texts[pair >> 32], self._texts[pair & _LOCATION]

    def _lines(self, pairs: list[int]) -> list[Line]:
        """The function and the location of each frame. A function without a code stands below the location before it;
        one without a location is no frame, but a line that says how many were elided."""
        lines = []
        below = ""
        for function, location in map(self._line, pairs):
            place, _, name = location.partition("\n")
            lines.append((function or below, place))
            below = name
        return lines

    def _learn_frames(self, lines: Iterable[Line]) -> None:
        """Read the frames that have not been seen yet, all at once."""
        new = [line for line in dict.fromkeys(lines) if line[1] and line not in self._frames]
        self._frames.update(zip(new, known_frames.read_frames(new), strict=True))

    def _stack(self, lines: list[Line], creator: Line) -> int:
        if len(lines) > limits.MAX_FRAMES:
            return _UNREADABLE  # the careful reader leaves out the outer frames
        frames = list(map(self._frames.get, lines))
        elided: int | None = 0
        if not all(frames):
            for (function, place), frame in zip(lines, frames, strict=True):
                is_elided, count = grammar.read_elided(function) if frame is None else (False, None)
                if frame is None and (place or not is_elided):
                    return _UNREADABLE
                elided = count if is_elided else elided
        read = tuple(filter(None, frames))
        created_by = self._frames.get(creator)  # none for one without location
        if created_by is None and any(creator):
            return _UNREADABLE
        return self._interned.stack_id(Stack(read, created_by, elided))


def from_chunk(chunk: ChunkColumns, first_line: int, resolver: Resolver) -> ArrayRows:
    """The rows of one chunk; unreadable headers and stacks are -1 (the careful reader must take them)."""
    stacks = resolver.stacks(chunk.stack_keys)
    return ArrayRows(
        line=chunk.line + first_line,
        goroutine_id=chunk.goroutine_id,
        has_id=np.ones(len(chunk.line), dtype=np.bool_),
        header=resolver.headers(chunk.tail),
        stack=stacks[chunk.stack] if len(stacks) else np.empty(0, dtype=np.int64),
        creator_id=chunk.creator_id,
        has_creator_id=chunk.has_creator_id,
        after_blank=chunk.after_blank,
    )
