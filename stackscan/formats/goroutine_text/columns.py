"""The fast path: the regular goroutines of a chunk, as columns.

Names, locations, creators and header tails are interned exactly (polars categoricals over the bytes of the chunk), so
a frame is a pair of codes and a stack a run of pairs. Runs are grouped by a polynomial hash and then compared code by
code with the first of their group: two goroutines share a stack only when every name and every location agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import nanoarrow
import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text import lines as ln
from stackscan.formats.goroutine_text.lines import Lines, Mask, Positions, Words

Codes = npt.NDArray[np.uint32]

_CREATED_BY: Final = len(b"created by ")
_IN_GOROUTINE: Final = b" in goroutine "
_STRING: Final = nanoarrow.string()


class Interner:
    """Gives each distinct text a code, the same in every chunk and thread."""

    def __init__(self) -> None:
        self._categories = pl.Categories.random(physical=pl.UInt32)
        self._dtype = pl.Categorical(self._categories)
        # Categories live as long as a column uses them; this one keeps them, and makes "" code 0.
        self._anchor = pl.Series([""]).cast(self._dtype)

    def codes(self, chunk: bytes, begin: Positions, end: Positions) -> Codes:
        """The codes of the texts chunk[begin:end]; the spans must be in order and must not overlap."""
        count = len(begin)
        if count == 0:
            return np.empty(0, dtype=np.uint32)
        offsets = np.empty(2 * count + 1, dtype=np.int32)
        offsets[0:-1:2] = begin
        offsets[1::2] = end
        offsets[-1] = end[-1]
        # No copy: an Arrow string column over the chunk whose even elements are the texts, odd ones what lies between.
        column = nanoarrow.c_array_from_buffers(_STRING, 2 * count, [None, offsets, chunk])
        texts = pl.Series(column).gather_every(2)
        return texts.cast(self._dtype).to_physical().to_numpy()

    def texts(self) -> list[str]:
        """The distinct texts, by code."""
        return self._categories.to_series().to_list()


@dataclass(frozen=True, slots=True)
class Interners:
    """What is interned: function names (creators too), locations, header tails (all after the id)."""

    names: Interner
    locations: Interner
    tails: Interner

    @classmethod
    def new(cls) -> Interners:
        """Empty interners for one dump."""
        return cls(Interner(), Interner(), Interner())


@dataclass(frozen=True, slots=True)
class ChunkColumns:
    """The regular goroutines of one chunk, a row each, and where the irregular ones lie.

    Lines are 0-based in the chunk. ``header_lines`` are all headers and ``irregular`` tells which of them are left to
    the careful reader; the columns after them have one entry for each of the others. ``stack`` indexes
    ``stack_keys``, each the bytes of its frames' (name, location) codes and its creator's.
    """

    line_count: int
    header_lines: Positions
    irregular: Mask
    line: Positions
    goroutine_id: Words
    tail: Codes
    creator_id: Words
    has_creator_id: Mask
    after_blank: Mask
    stack: Positions
    stack_keys: list[bytes]


def read_chunk(chunk: bytes, interners: Interners, *, last: bool) -> ChunkColumns:
    """Read one chunk, which ends with a newline and, unless it is the file's first, starts with a header.

    The last goroutine of the file is always left to the careful reader, which knows how a cut looks.
    """
    lines = ln.split_lines(chunk)
    headers = lines.headers
    irregular = ln.irregular_headers(lines, headers)
    _, digits = ln.leading_number(lines.data, lines.begin[headers] + len(b"goroutine "))
    irregular |= digits == 19  # it may be longer: the careful reader knows big numbers
    if last and len(irregular):
        irregular[-1] = True
    return _Regular(chunk, lines, headers, irregular).columns(interners)


class _Regular:
    """The regular goroutines of one chunk; built, read once and dropped."""

    def __init__(self, chunk: bytes, lines: Lines, headers: Positions, irregular: Mask) -> None:
        self.chunk = chunk
        self.lines = lines
        self.all_headers = headers
        self.irregular = irregular
        self.headers = headers[~irregular]
        kind = lines.kind
        framed = (kind == ln.CALL) | (kind == ln.ELIDED)
        created = kind == ln.CREATOR
        if irregular.any() or len(headers) == 0 or headers[0] != 0:
            regular = self._lines_of_regular()
            framed &= regular
            created &= regular
        self.frames = np.flatnonzero(framed)
        self.creators = np.flatnonzero(created)

    def _lines_of_regular(self) -> Mask:
        owner = np.searchsorted(self.all_headers, np.arange(len(self.lines.kind)), side="right") - 1
        if len(self.all_headers) == 0:
            return np.zeros(len(owner), dtype=np.bool_)
        regular: Mask = (owner >= 0) & ~self.irregular[owner]
        return regular

    def columns(self, interners: Interners) -> ChunkColumns:
        lines, headers = self.lines, self.headers
        number_at = lines.begin[headers] + len(b"goroutine ")
        goroutine_id, digits = ln.leading_number(lines.data, number_at)
        tail = interners.tails.codes(self.chunk, number_at + digits + 1, lines.end[headers])
        creator_id, has_creator_id, creator_pair = self._creators(interners)
        first_frame = np.searchsorted(self.frames, headers)
        pairs = self._frame_pairs(interners)
        stack, keys = _group(pairs, first_frame, creator_pair)
        return ChunkColumns(
            line_count=len(lines.kind),
            header_lines=self.all_headers,
            irregular=self.irregular,
            line=headers,
            goroutine_id=goroutine_id,
            tail=tail,
            creator_id=creator_id,
            has_creator_id=has_creator_id,
            after_blank=(headers == 0) | (lines.kind[headers - 1] == ln.BLANK),
            stack=stack,
            stack_keys=keys,
        )

    def _frame_pairs(self, interners: Interners) -> Words:
        """A code for each frame: its name's in the upper half, its location's in the lower (elided markers: 0)."""
        lines, frames = self.lines, self.frames
        is_call = lines.kind[frames] == ln.CALL
        name_end = np.where(is_call, lines.last_paren[frames], lines.end[frames])
        names = interners.names.codes(self.chunk, lines.begin[frames], name_end)
        below = np.minimum(frames + 1, len(lines.kind) - 1)
        location_begin = np.where(is_call, lines.begin[below] + 1, lines.end[frames])
        location_end = np.where(is_call, lines.end[below], lines.end[frames])
        locations = interners.locations.codes(self.chunk, location_begin, location_end)
        return _pair(names, locations)

    def _creators(self, interners: Interners) -> tuple[Words, Mask, Words]:
        """For each goroutine: its creator's id, whether one is printed, and the code of the created-by frame (0: none)."""
        lines, creators = self.lines, self.creators
        end = lines.end[creators]
        number, digits = ln.trailing_number(lines.data, end)
        name_end = end - digits - len(_IN_GOROUTINE)
        words = ln.unaligned_words(self.chunk)
        names_parent = (digits > 0) & (name_end > lines.begin[creators] + _CREATED_BY)
        at = np.where(names_parent, name_end, 0)
        names_parent &= words[at] == int.from_bytes(_IN_GOROUTINE[:8], "little")
        names_parent &= words[at + 6] == int.from_bytes(_IN_GOROUTINE[-8:], "little")
        names = interners.names.codes(
            self.chunk, lines.begin[creators] + _CREATED_BY, np.where(names_parent, name_end, end)
        )
        locations = interners.locations.codes(self.chunk, lines.begin[creators + 1] + 1, lines.end[creators + 1])
        owner = np.searchsorted(self.headers, creators) - 1
        creator_id = np.zeros(len(self.headers), dtype=np.uint64)
        has_id = np.zeros(len(self.headers), dtype=np.bool_)
        pair = np.zeros(len(self.headers), dtype=np.uint64)
        creator_id[owner] = number
        has_id[owner] = names_parent
        pair[owner] = _pair(names, locations)
        return creator_id, has_id, pair


def _pair(names: Codes, locations: Codes) -> Words:
    paired: Words = (names.astype(np.uint64) << np.uint64(32)) | locations
    return paired


_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
with np.errstate(over="ignore"):
    _POWERS: Final = np.cumprod(np.full(8192, _MULTIPLIER, dtype=np.uint64))


def _group(pairs: Words, first: Positions, creator: Words) -> tuple[Positions, list[bytes]]:
    """Group equal runs of frames: for each goroutine the index of its key, and the keys.

    A hash proposes, an exact comparison decides: a goroutine that differs from the first of its group gets a key of
    its own bytes, so a collision costs time and never truth.
    """
    if len(first) == 0:
        return np.empty(0, dtype=np.int64), []
    count = np.diff(np.append(first, len(pairs)))
    depth = np.arange(len(pairs)) - np.repeat(first, count)
    mixed = pairs * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    hashed = np.add.reduceat(mixed * _POWERS[np.minimum(depth, len(_POWERS) - 1)], first)
    hashed ^= creator * _POWERS[1]
    _, representative, group = np.unique(hashed, return_index=True, return_inverse=True)
    model = representative[group]
    same_length = (count == count[model]) & (creator == creator[model])
    index = np.minimum(np.arange(len(pairs)) + np.repeat(first[model] - first, count), len(pairs) - 1)
    differing = np.add.reduceat((pairs != pairs[index]).astype(np.int64), first)

    def key(goroutine: int) -> bytes:
        begin = int(first[goroutine])
        return pairs[begin : begin + int(count[goroutine])].tobytes() + creator[goroutine].tobytes()

    order = np.argsort(representative)  # keys in the order of the dump, not of the hash
    group = np.argsort(order)[group]
    keys = [key(goroutine) for goroutine in representative[order].tolist()]
    for goroutine in np.flatnonzero(~same_length | (differing > 0)).tolist():
        group[goroutine] = len(keys)
        keys.append(key(goroutine))
    return group, keys
