"""The words of regular goroutines' argument lists, a chunk of the text at a time: eight digits at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text.calls import LARGEST_PLACE, SHORTEST, Calls, Wanted
from stackscan.formats.goroutine_text.lines import Mask, Positions
from stackscan.formats.goroutine_text.lines import Words as Numbers
from stackscan.formats.goroutine_text.words import MARGIN, Lists, words
from stackscan.model.arguments import Words

_MOST_THREADS: Final = 8

#: Row, frame, position, word and reliable of each word, as arrays.
_Columns = tuple[npt.NDArray[np.generic], ...]


def read_chunks(
    data: bytes, parts: Sequence[Calls], lines: Sequence[int] | Positions, stack_ids: Sequence[int], wanted: Wanted
) -> Words:
    """The wanted words of the goroutines of a snapshot, whose header lines are ``lines`` and stacks ``stack_ids``."""
    among = None if wanted.among is None else np.sort(np.fromiter(wanted.among, dtype=np.uint64))
    frames = _Frames.of(wanted, np.asarray(lines, dtype=np.int64), np.asarray(stack_ids, dtype=np.int64))
    if len(parts) < 2:
        found = [_read(data, part, frames, among, first=wanted.first) for part in parts]
    else:
        with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), len(parts), _MOST_THREADS)) as pool:
            found = list(pool.map(lambda part: _read(data, part, frames, among, first=wanted.first), parts))
    row, frame, position, word, reliable = (np.concatenate(column).data for column in zip(*found, strict=True))
    return Words(row, frame, position, word, cast("Sequence[bool]", reliable))


@dataclass(frozen=True, slots=True)
class _Frames:
    """The frames to read: ``flags`` of the frames of all stacks, each from ``first`` on (None: all frames). ``stack``
    is that of each goroutine; ``stacks`` says which stacks have a wanted frame at all."""

    lines: Positions
    stack: Positions
    flags: Mask | None = None
    first: Positions | None = None
    stacks: Mask | None = None

    @classmethod
    def of(cls, wanted: Wanted, lines: Positions, stack: Positions) -> _Frames:
        if wanted.is_all:
            return cls(lines, stack)
        lengths = wanted.lengths
        first = np.cumsum([0, *lengths])
        flags = np.zeros(first[-1] + 1, dtype=np.bool_)
        has = np.zeros(len(lengths), dtype=np.bool_)
        for number in range(len(lengths)):
            frames = wanted.frames(number)
            if frames:
                has[number] = True
                flags[first[number] + np.fromiter(frames, dtype=np.int64)] = True
        return cls(lines, stack, flags, first, has)


def _read(data: bytes, calls: Calls, frames: _Frames, among: Numbers | None, *, first: bool) -> _Columns:
    goroutine, frame, call = _calls(calls, frames)
    kept = calls.end[call] - calls.paren[call] >= SHORTEST
    kept &= frame <= LARGEST_PLACE
    goroutine, frame, call = goroutine[kept], frame[kept], call[kept]
    lists = _side_by_side(data, calls.begin, calls.paren[call], calls.end[call])
    at, position, word, reliable = words(*lists, first=first)
    right = position <= LARGEST_PLACE
    if among is not None:
        right &= _is_in(word, among)
    at = at[right]
    row, place = goroutine[at].astype(np.uint32), position[right].astype(np.uint16)  # there are many: few bytes each
    return row, frame[at].astype(np.uint16), place, word[right], reliable[right]


def _is_in(word: Numbers, among: Numbers) -> Mask:
    """Whether words are among some, which ascend."""
    if not len(among):
        return np.zeros(len(word), dtype=np.bool_)
    found: Mask = among[np.minimum(np.searchsorted(among, word), len(among) - 1)] == word
    return found


def _calls(calls: Calls, frames: _Frames) -> tuple[Positions, Positions, Positions]:
    """The calls to read: of each its goroutine (a row of the snapshot), its frame, and its place among the calls."""
    row = np.minimum(np.searchsorted(frames.lines, calls.line), len(frames.lines) - 1)
    own = frames.lines[row] == calls.line  # no header that is no goroutine of the snapshot's own
    if frames.stacks is not None:
        own &= frames.stacks[frames.stack[row]]
    row, count, begin = row[own], calls.count[own], (np.cumsum(calls.count) - calls.count)[own]
    goroutine = np.repeat(row, count)
    frame = np.arange(len(goroutine)) - np.repeat(np.cumsum(count) - count, count)
    call = np.repeat(begin, count) + frame
    if frames.flags is None or frames.first is None:
        return goroutine, frame, call
    place = np.minimum(np.repeat(frames.first[frames.stack[row]], count) + frame, len(frames.flags) - 1)
    kept = frames.flags[place]
    return goroutine[kept], frame[kept], call[kept]


def _side_by_side(data: bytes, begin: int, paren: npt.NDArray[np.int32], end: npt.NDArray[np.int32]) -> Lists:
    """The lists alone, one behind the other, so that the rest of the text is not searched."""
    length = end - paren
    ends = np.cumsum(length, dtype=np.int32)
    index = np.repeat(paren - (ends - length), length)
    index += np.arange(len(index), dtype=np.int32)
    text = np.frombuffer(data, dtype=np.uint8, offset=begin)[index].tobytes()
    return MARGIN + text, ends - length + len(MARGIN), ends + len(MARGIN)
