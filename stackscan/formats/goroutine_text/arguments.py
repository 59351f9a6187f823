"""The words of argument lists, read on demand: ``main.(*T).run(0xc000012345, {0x1?, ...})``.

Most commands need no arguments, so the readers only note the places of the lists and keep the text. Words that may be
pointers are found and decoded a chunk at a time, eight digits at once. In a damaged list, words that are whole between
their separators are read. Inlined calls and ancestors print no words (``(...)``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text.columns import ChunkColumns
from stackscan.formats.goroutine_text.lines import Mask, Positions, Words
from stackscan.formats.goroutine_text.reading import ScatteredCalls
from stackscan.formats.goroutine_text.words import MARGIN, FoundWords, Lists, words
from stackscan.model.schemas import ARGUMENT_SCHEMA
from stackscan.model.snapshot import Frame, Stack
from stackscan.model.table import Table

_MOST_THREADS: Final = 8
_LARGEST_PLACE: Final = np.iinfo(np.uint16).max
#: Bytes of the shortest list that holds a pointer: "(0x1000)".
_SHORTEST: Final = 8
_NONE: Final = np.iinfo(np.uint32).max


@dataclass(frozen=True, slots=True)
class Calls:
    """The argument lists of the regular goroutines of one chunk, which begins at byte ``begin`` of the text.

    ``line`` are the goroutines' header lines (1-based, ascending) and ``count`` their calls; call k of one is its frame
    k. ``paren`` and ``end`` are where each list begins and its line ends, relative to ``begin``.
    """

    begin: int
    line: Positions
    count: Positions
    paren: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]

    @classmethod
    def of_chunk(cls, chunk: ChunkColumns, lines: Positions, begin: int, readable: Mask) -> Calls:
        """The calls of a chunk's goroutines that were ``readable``, whose header lines are ``lines``."""
        if readable.all():
            return cls(begin, lines, chunk.calls, chunk.call_paren, chunk.call_end)
        kept = np.repeat(readable, chunk.calls)
        return cls(begin, lines, chunk.calls[readable], chunk.call_paren[kept], chunk.call_end[kept])

    def within(self, first_line: int, last_line: int) -> Calls:
        """The part whose goroutines' headers stand on these lines."""
        low, high = np.searchsorted(self.line, (first_line, last_line + 1))
        if low == 0 and high == len(self.line):
            return self
        ends = np.append(0, np.cumsum(self.count))
        calls = slice(ends[low], ends[high])
        return Calls(self.begin, self.line[low:high], self.count[low:high], self.paren[calls], self.end[calls])


def reader(
    data: bytes,
    header_lines: Sequence[int] | Positions,
    table: Table,
    stacks: Sequence[Stack],
    calls: Sequence[Calls],
    scattered: Sequence[ScatteredCalls],
) -> Callable[[Collection[Frame] | None], pl.DataFrame]:
    """What reads the arguments of one snapshot: ``header_lines`` are those of its goroutines, ascending."""
    lines = np.asarray(header_lines, dtype=np.int64)
    stack_ids = table.frame.get_column("stack_id")

    def read(wanted: _Wanted | None) -> pl.DataFrame:
        if not len(lines):
            return pl.DataFrame(schema=ARGUMENT_SCHEMA)
        first, last = int(lines[0]), int(lines[-1])
        mine = [part for whole in calls if len((part := whole.within(first, last)).paren)]
        others = [goroutine for goroutine in scattered if first <= goroutine.line <= last]
        return _table([*_in_threads(data, mine, lines, wanted), _read_scattered(data, others, lines, wanted)])

    @cache
    def read_all() -> pl.DataFrame:
        return read(None)

    return lambda of: read_all() if of is None else read(_Wanted.of(of, stacks, stack_ids))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The frames to read: ``flags`` of the frames of all stacks, each from ``first`` on; ``stack`` of each goroutine
    (the last, without frames: of none)."""

    flags: Mask
    first: Positions
    stack: Positions

    @classmethod
    def of(cls, frames: Collection[Frame], stacks: Sequence[Stack], stack_ids: pl.Series) -> _Wanted:
        frames = frozenset(frames)
        flags = [frame in frames for stack in stacks for frame in stack.frames]
        first = np.cumsum([0, *(len(stack.frames) for stack in stacks)])
        return cls(np.array([*flags, False]), first, np.append(stack_ids.to_numpy().astype(np.int64), len(stacks)))

    def has(self, goroutine: npt.NDArray[np.uint32], frame: Positions) -> Mask:
        """Whether frames of goroutines (rows of the snapshot, or _NONE) are wanted."""
        place = self.first[self.stack[np.minimum(goroutine, len(self.stack) - 1)]] + frame
        has: Mask = self.flags[np.minimum(place, len(self.flags) - 1)]
        return has


@dataclass(frozen=True, slots=True)
class _Found:
    """Words as columns of the table; those of no goroutine of the snapshot have row _NONE."""

    goroutine: npt.NDArray[np.uint32]
    frame: npt.NDArray[np.uint16]
    position: npt.NDArray[np.uint16]
    word: Words
    reliable: Mask

    @classmethod
    def of(cls, goroutine: npt.NDArray[np.uint32], frame: Positions, found: FoundWords) -> _Found:
        """The columns of some words; what no column can hold (frame 70,000 of a hostile text) has no row."""
        _, position, word, reliable = found
        if max(frame.max(initial=0), position.max(initial=0)) > _LARGEST_PLACE:
            goroutine = np.where((frame > _LARGEST_PLACE) | (position > _LARGEST_PLACE), _NONE, goroutine)
        return cls(goroutine, frame.astype(np.uint16), position.astype(np.uint16), word, reliable)


def _rows_of(lines: Positions, rows: Positions) -> npt.NDArray[np.uint32]:
    """The row of each header line; _NONE for a header that is no goroutine of the snapshot's own."""
    row = np.minimum(np.searchsorted(rows, lines), len(rows) - 1)
    return np.where(rows[row] == lines, row, _NONE).astype(np.uint32)


def _table(parts: Sequence[_Found]) -> pl.DataFrame:
    columns = {name: [getattr(part, name) for part in parts] for name in _Found.__dataclass_fields__}
    table = pl.DataFrame({name: np.concatenate(arrays) for name, arrays in columns.items()}, schema=ARGUMENT_SCHEMA)
    if table["goroutine"].max() == _NONE:
        table = table.filter(pl.col("goroutine") != _NONE)
    return table if table["goroutine"].is_sorted() else table.sort("goroutine", maintain_order=True)


def _in_threads(data: bytes, parts: Sequence[Calls], lines: Positions, wanted: _Wanted | None) -> list[_Found]:
    if len(parts) < 2:
        return [_read_calls(data, part, lines, wanted) for part in parts]
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), len(parts), _MOST_THREADS)) as pool:
        return list(pool.map(lambda part: _read_calls(data, part, lines, wanted), parts))


def _read_calls(data: bytes, calls: Calls, lines: Positions, wanted: _Wanted | None) -> _Found:
    goroutine = np.repeat(_rows_of(calls.line, lines), calls.count)
    frame = np.arange(len(goroutine)) - np.repeat(np.cumsum(calls.count) - calls.count, calls.count)
    kept = calls.end - calls.paren >= _SHORTEST
    if wanted is not None:
        kept &= wanted.has(goroutine, frame)
    goroutine, frame, paren, end = goroutine[kept], frame[kept], calls.paren[kept], calls.end[kept]
    found = words(*_side_by_side(data, calls.begin, paren, end))
    return _Found.of(goroutine[found[0]], frame[found[0]], found)


def _side_by_side(data: bytes, begin: int, paren: npt.NDArray[np.int32], end: npt.NDArray[np.int32]) -> Lists:
    """The lists alone, one behind the other, so that the rest of the text is not searched."""
    length = end - paren
    ends = np.cumsum(length, dtype=np.int32)
    index = np.repeat(paren - (ends - length), length)
    index += np.arange(len(index), dtype=np.int32)
    text = np.frombuffer(data, dtype=np.uint8, offset=begin)[index].tobytes()
    return MARGIN + text, ends - length + len(MARGIN), ends + len(MARGIN)


def _read_scattered(
    data: bytes, goroutines: Iterable[ScatteredCalls], lines: Positions, wanted: _Wanted | None
) -> _Found:
    """The words of the lists of irregular goroutines."""
    texts: list[bytes] = []
    places: list[tuple[int, int]] = []
    for goroutine in goroutines:
        for frame, text in _lists(data, goroutine):
            texts.append(text)
            places.append((goroutine.line, frame))
    ends = np.array([len(MARGIN), *map(len, texts)], dtype=np.int64).cumsum()
    found = words(b"".join((MARGIN, *texts)), ends[:-1], ends[1:])
    line, frame_of = np.array(places, dtype=np.int64).reshape(-1, 2).T
    row = _rows_of(line, lines)
    if wanted is not None:
        row = np.where(wanted.has(row, frame_of), row, np.uint32(_NONE))
    return _Found.of(row[found[0]], frame_of[found[0]], found)


def _lists(data: bytes, goroutine: ScatteredCalls) -> Iterator[tuple[int, bytes]]:
    """The argument lists of a goroutine with their frames. Its lines ascend, so each is found from the last one."""
    at, number = goroutine.begin, goroutine.first_line
    for frame, line in enumerate(goroutine.call_lines):
        if not line:
            continue
        for _ in range(line - number):
            at = data.index(b"\n", at) + 1
        number = line
        end = data.find(b"\n", at)
        text = data[at : end if end >= 0 else len(data)].rstrip(b"\0\r \t")
        begin = text.rfind(b"(")
        if begin >= 0 and text.endswith(b")"):
            yield frame, text[begin:]
