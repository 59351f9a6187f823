"""The words of argument lists, read when somebody asks for them: ``main.(*T).run(0xc000012345, {0x1?, ...})``.

Reading a dump needs no arguments, and most commands never look at them; so the readers only note where the lists lie,
and the text is kept. What may be a pointer is then found and decoded a whole chunk at a time, eight digits at once.
A word is read where it stands whole between its separators: inside a list that other output spoilt, the words that are
whole remain. Functions of inlined calls and ancestors print no words (``(...)``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text.columns import ChunkColumns
from stackscan.formats.goroutine_text.lines import Bytes, Mask, Positions, Words, unaligned_words
from stackscan.snapshot import ARGUMENT_SCHEMA, empty_arguments

#: Words below this are no pointers: lengths, flags, small numbers.
LEAST_POINTER: Final = 0x1000
_MOST_DIGITS: Final = 16
_MOST_THREADS: Final = 8
#: Bytes before a list that the decoder may touch: no word is longer.
_MARGIN: Final = b" " * _MOST_DIGITS
_LARGEST_PLACE: Final = np.iinfo(np.uint16).max
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


@dataclass(frozen=True, slots=True)
class ScatteredCalls:
    """The argument lists of one goroutine of the careful reader: its header line, and of each frame the line that holds
    its list (0: none). Line ``first_line`` begins at byte ``begin`` of the text."""

    line: int
    call_lines: tuple[int, ...]
    begin: int
    first_line: int


def reader(
    data: bytes, rows: Positions, calls: Sequence[Calls], scattered: Sequence[ScatteredCalls]
) -> Callable[[], pl.DataFrame]:
    """What reads the arguments of one snapshot, once: ``rows`` are the header lines of its goroutines, ascending."""

    @cache
    def read() -> pl.DataFrame:
        if not len(rows):
            return empty_arguments()
        first, last = int(rows[0]), int(rows[-1])
        mine = [part for whole in calls if len((part := whole.within(first, last)).paren)]
        others = [goroutine for goroutine in scattered if first <= goroutine.line <= last]
        return _table([*_in_threads(data, mine, rows), _read_scattered(data, others, rows)])

    return read


@dataclass(frozen=True, slots=True)
class _Found:
    """Words as columns of the table; those of no goroutine of the snapshot have row _NONE."""

    goroutine: npt.NDArray[np.uint32]
    frame: npt.NDArray[np.uint16]
    position: npt.NDArray[np.uint16]
    word: Words
    reliable: Mask

    @classmethod
    def of(cls, goroutine: npt.NDArray[np.uint32], frame: Positions, found: _Words) -> _Found:
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


# -- where the lists lie ---------------------------------------------------------------------------------------------


def _in_threads(data: bytes, parts: Sequence[Calls], rows: Positions) -> list[_Found]:
    if len(parts) < 2:
        return [_read_calls(data, part, rows) for part in parts]
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), len(parts), _MOST_THREADS)) as pool:
        return list(pool.map(lambda part: _read_calls(data, part, rows), parts))


def _read_calls(data: bytes, calls: Calls, rows: Positions) -> _Found:
    # A header stands above every call, so there is a margin before the first.
    low = max(calls.begin + int(calls.paren[0]) - len(_MARGIN), 0)
    high = calls.begin + int(calls.end[-1]) + 1
    shift = calls.begin - low
    found = words(data[low:high], calls.paren + shift, calls.end + shift)
    call = found[0]
    goroutine = np.repeat(_rows_of(calls.line, rows), calls.count)
    frame = np.arange(len(goroutine)) - np.repeat(np.cumsum(calls.count) - calls.count, calls.count)
    return _Found.of(goroutine[call], frame[call], found)


def _read_scattered(data: bytes, goroutines: Iterable[ScatteredCalls], rows: Positions) -> _Found:
    """The words of lists that lie anywhere: they are put side by side first."""
    texts: list[bytes] = []
    places: list[tuple[int, int]] = []
    for goroutine in goroutines:
        for frame, text in _lists(data, goroutine):
            texts.append(_MARGIN + text)
            places.append((goroutine.line, frame))
    ends = np.fromiter(accumulate(map(len, texts)), dtype=np.int64, count=len(texts))
    begins = ends - np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + len(_MARGIN)
    found = words(b"".join(texts), begins, ends)
    line, frame_of = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return _Found.of(_rows_of(line, rows)[found[0]], frame_of[found[0]], found)


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


# -- what stands in them ---------------------------------------------------------------------------------------------

_EMPTY: Final = int.from_bytes(b"{}", "little")
_CLOSED_TWICE: Final = int.from_bytes(b"}}", "little")
_X, _COMMA, _OPEN, _CLOSE, _QUESTION, _ZERO, _SPACE, _PAREN = b"x,{}?0 ("
#: Of each word: its list, its position in it, its value, and whether it is reliable.
_Words = tuple[Positions, Positions, Words, Mask]
_NO_WORDS: Final[_Words] = (
    np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.bool_)
)  # fmt: skip


def words(text: bytes, paren: npt.NDArray[np.signedinteger], end: npt.NDArray[np.signedinteger]) -> _Words:
    """The words of at least LEAST_POINTER in argument lists: of each its list, its position in it, its value, and
    whether it is reliable.

    List k is ``text[paren[k]:end[k]]`` with its parentheses; lists ascend, and len(_MARGIN) bytes stand before the
    first.
    """
    if not len(paren):
        return _NO_WORDS
    data = np.frombuffer(text, dtype=np.uint8)
    marks = _marks(data)
    is_comma = data[marks] == _COMMA
    before = np.searchsorted(marks, paren)  # marks before each list
    begun = np.cumsum(np.bincount(before, minlength=len(marks) + 1))  # lists that begin before each mark
    index = np.flatnonzero(~is_comma & (begun[:-1] > 0))
    index = index[_may_be_long(text, marks[index])]
    call = begun[index] - 1
    begin = marks[index] + 1  # of the digits
    inside = (begin < end[call]) & _separates(data[begin - 3])
    index, call, begin = index[inside], call[inside], begin[inside]
    limit = np.minimum(np.append(marks, len(text))[index + 1], end[call] - 1)
    stop, reliable = _digits_end(data, limit)
    word, sound = _decode(text, begin, stop)
    sound &= data[limit] != _X
    commas = np.flatnonzero(is_comma)
    is_comma[commas[_behind_empty(text, data, marks[commas])]] = False
    places = np.append(0, np.cumsum(is_comma))  # words that end before each mark
    position = places[index] - places[before[call]]
    kept = sound & (word >= LEAST_POINTER)
    return call[kept], position[kept], word[kept], reliable[kept]


def _marks(data: Bytes) -> Positions:
    """Where each ``x`` behind a zero stands, and each comma."""
    marked = data == _X
    marked[1:] &= data[:-1] == _ZERO
    marked |= data == _COMMA
    return np.flatnonzero(marked)


def _may_be_long(text: bytes, at: Positions) -> Mask:
    """Whether four bytes that may be digits follow each x: a first sieve, which lets too many through."""
    four = _fours(text)[np.minimum(at + 1, len(text) - 4)]
    four |= four >> np.uint32(2)
    four &= np.uint32(0x10101010)
    may: Mask = four == 0x10101010
    return may


def _fours(text: bytes) -> npt.NDArray[np.uint32]:
    """The text as overlapping 4-byte little-endian words."""
    return np.ndarray(shape=(len(text) - 3,), dtype="<u4", buffer=text, strides=(1,))


def _separates(byte: Bytes) -> Mask:
    separates: Mask = (byte == _PAREN) | (byte == _SPACE) | (byte == _OPEN)
    return separates


def _digits_end(data: Bytes, end: Positions) -> tuple[Positions, Mask]:
    """Where the digits of words end that stand before a comma or the last parenthesis, and which have no ``?``."""
    end = end.copy()
    braced = np.flatnonzero(data[end - 1] == _CLOSE)
    while len(braced):
        end[braced] -= 1
        braced = braced[data[end[braced] - 1] == _CLOSE]
    doubtful = data[end - 1] == _QUESTION
    return end - doubtful, ~doubtful


def _behind_empty(text: bytes, data: Bytes, commas: Positions) -> Positions:
    """Which commas (their indices) stand behind an empty aggregate, ``{}`` or ``{{}}``, and so behind no word."""
    twos = np.ndarray(shape=(len(text) - 1,), dtype="<u2", buffer=text, strides=(1,))[commas - 2]
    braced = np.flatnonzero((twos == _EMPTY) | (twos == _CLOSED_TWICE))
    at = commas[braced] - 1
    while (closing := data[at] == _CLOSE).any():
        at -= closing
    empty: Positions = braced[data[at] == _OPEN]
    return empty


def _last(digits: int, of: int) -> int:
    """A mask over the last ``digits`` bytes of ``of``, as a little-endian number."""
    return (1 << 8 * of) - (1 << 8 * (of - min(max(digits, 0), of)))


#: Masks by the number of a word's digits: over its last eight, the four before these, and the four before those.
_EIGHT: Final = np.array([_last(n, 8) for n in range(_MOST_DIGITS + 1)], dtype=np.uint64)
_TWELVE: Final = np.array([_last(n - 8, 4) for n in range(_MOST_DIGITS + 1)], dtype=np.uint32)
_SIXTEEN: Final = np.array([_last(n - 12, 4) for n in range(_MOST_DIGITS + 1)], dtype=np.uint32)


def _decode(text: bytes, begin: Positions, stop: Positions) -> tuple[Words, Mask]:
    """The hexadecimal numbers text[begin:stop], and which of them are such numbers."""
    length = stop - begin
    sound = (length > 0) & (length <= _MOST_DIGITS)
    if not sound.all():
        length = np.where(sound, length, 0)
    eights, fours = unaligned_words(text), _fours(text)
    digit, exact = _digits(eights[stop - 8], _EIGHT[length])
    sound &= exact
    for shift, pairs in ((4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF), (16, 0xFFFFFFFF)):
        digit = ((digit << np.uint64(shift)) | (digit >> np.uint64(2 * shift))) & np.uint64(pairs)
    word = digit
    longest = int(length.max(initial=0))
    for digits, mask in ((12, _TWELVE), (16, _SIXTEEN)):
        if longest > digits - 4:  # no address needs more than twelve
            four, exact = _digits(fours[stop - digits], mask[length])
            sound &= exact
            four = ((four << np.uint32(4)) | (four >> np.uint32(8))) & np.uint32(0x00FF00FF)
            four = ((four << np.uint32(8)) | (four >> np.uint32(16))) & np.uint32(0xFFFF)
            word |= four.astype(np.uint64) << np.uint64(4 * (digits - 4))
    return word, sound


_Digits = TypeVar("_Digits", npt.NDArray[np.uint64], npt.NDArray[np.uint32])


def _digits(text: _Digits, mask: _Digits) -> tuple[_Digits, Mask]:
    """The values of the hexadecimal digits that the masked bytes spell, and whether all of these are digits."""
    kind = text.dtype.type
    every = 0x0101010101010101 & int(np.iinfo(text.dtype).max)  # 1 in each byte
    text = text & mask
    digit = text >> kind(6)
    digit &= kind(every)  # letters
    digit *= kind(9)
    digit += text & kind(every * 0x0F)
    # Spelt again, the digits must give the text, so no other byte passes; "g" to "o" would spell themselves.
    spelt = digit + kind(every * 6)
    spelt >>= kind(4)
    spelt &= kind(every)
    spelt *= kind(0x27)
    spelt += digit
    spelt += kind(every * 0x30)
    spelt &= mask
    return digit, (spelt == text) & (digit & kind(every * 0x10) == 0)
