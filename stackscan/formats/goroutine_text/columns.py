"""The fast path: the regular goroutines of a chunk, as columns.

The essential part of each line (function, location, creator, tail of a header) is interned by a polars categorical over
the bytes of the chunk: one code a line, none for a function whose name goes with the location above it. A frame is a
pair of codes, a stack a run of pairs. Runs are grouped by a polynomial hash and then compared code by code, so equal
stacks agree in every name and location.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, TypeVar

import nanoarrow  # type: ignore[import-untyped]  # ships no annotations
import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text import lines as ln
from stackscan.formats.goroutine_text.lines import Lines, Mask, Positions, Words

Codes = npt.NDArray[np.uint32]
_Value = TypeVar("_Value", bound=np.generic)

_CREATED_BY: Final = len(b"created by ")
_IN_GOROUTINE: Final = b" in goroutine "
_STRING: Final = nanoarrow.string()


class Interner:
    """Gives each distinct text a code, the same in every chunk and thread. The empty text is code 0."""

    def __init__(self) -> None:
        self._categories = pl.Categories.random(physical=pl.UInt32)
        self._dtype = pl.Categorical(self._categories)
        # Categories live only as long as a column uses them: this one keeps them.
        self._anchor = pl.Series([""]).cast(self._dtype)
        self._highest = [0]  # code of each chunk; threads append

    def codes(self, chunk: memoryview, begin: Positions, end: Positions) -> Codes:
        """The codes of the texts chunk[begin:end]; the spans must be in order and must not overlap."""
        count = len(begin)
        offsets = np.empty(2 * count + 1, dtype=np.int32)
        offsets[0:-1:2] = begin
        offsets[1::2] = end
        offsets[-1] = len(chunk)
        # No copy: an Arrow string column over the chunk whose even elements are the texts, odd ones what lies between.
        column = nanoarrow.c_array_from_buffers(_STRING, 2 * count, [None, offsets, chunk])
        texts = pl.Series(column).gather_every(2)
        codes: Codes = texts.cast(self._dtype).to_physical().to_numpy()
        if count:
            self._highest.append(int(codes.max()))
        return codes

    def texts(self) -> pl.Series:
        """The distinct texts by code. To be called when no thread interns: a code might have no text yet."""
        every = pl.Series(np.arange(max(self._highest) + 1, dtype=np.uint32))
        return every.cat.to(self._dtype).cast(pl.String)  # faster than Categories.to_series


@dataclass(frozen=True, slots=True)
class ChunkColumns:
    """The regular goroutines of one chunk, a row each, and the places of the irregular ones.

    Lines are 0-based in the chunk. ``header_lines`` are all headers, ``header_bytes`` their places, and ``irregular``
    those left to the careful reader; later columns have an entry for each of the others. ``tail`` is the code of the
    text behind the id; ``stack`` indexes ``stack_keys``, each the bytes of its frames' (name, location) codes and its
    creator's. A name without a code is the second line of the text of the location before it. ``may_count``: a counted
    profile may stand in the chunk. ``calls`` counts the call lines of each goroutine, whose argument lists begin at
    byte ``call_paren`` of the chunk and end at ``call_end`` (32 bits: they are kept for long).
    """

    line_count: int
    header_lines: Positions
    header_bytes: Positions
    irregular: Mask
    line: Positions
    goroutine_id: Words
    tail: Codes
    creator_id: Words
    has_creator_id: Mask
    after_blank: Mask
    stack: Positions
    stack_keys: list[bytes]
    may_count: bool
    calls: npt.NDArray[np.int64]
    call_paren: npt.NDArray[np.int32]
    call_end: npt.NDArray[np.int32]


def read_chunk(chunk: memoryview, interner: Interner, *, last: bool) -> ChunkColumns:
    """Read one chunk, which ends with a newline and, unless it is the file's first, starts with a header.

    The last goroutine of the file is always left to the careful reader, which knows how a cut looks.
    """
    lines = ln.split_lines(chunk)
    irregular = ln.irregular_headers(lines)
    irregular |= lines.id_digits == ln.MOST_DIGITS  # the number may go on: the careful reader knows big ones
    irregular[ln.with_long_parent(lines)] = True
    if last and len(irregular):
        irregular[-1] = True
    regular = ~irregular
    headers = lines.headers[regular]
    creators, framed = _framed(lines, irregular)
    creator_id, has_creator_id, creator_name_end = _creator_ids(chunk, lines, creators)
    code = _codes(chunk, lines, interner, creators, creator_name_end)
    owner = np.searchsorted(headers, creators) - 1
    creator_pair = _scatter(_pair(code[creators], code[creators + 1]), owner, len(headers))
    frames = np.flatnonzero(framed)
    below = np.minimum(frames + 1, len(code) - 1)
    is_call = lines.kind[frames] == ln.CALL
    location = np.where(is_call, code[below], 0)
    calls = frames if is_call.all() else frames[is_call]
    stack, keys = _group(_pair(code[frames], location), np.searchsorted(frames, headers), creator_pair)
    return ChunkColumns(
        line_count=len(lines.kind),
        header_lines=lines.headers,
        header_bytes=lines.begin[lines.headers],
        irregular=irregular,
        line=headers,
        goroutine_id=lines.goroutine_id[regular],
        tail=code[headers],
        creator_id=_scatter(creator_id, owner, len(headers)),
        has_creator_id=_scatter(has_creator_id, owner, len(headers)),
        after_blank=(headers == 0) | (lines.kind[headers - 1] == ln.BLANK),
        stack=stack,
        stack_keys=keys,
        may_count=lines.like_headers > len(lines.headers),
        calls=np.diff(np.append(np.searchsorted(calls, headers), len(calls))),
        call_paren=lines.last_paren[calls].astype(np.int32),
        call_end=lines.end[calls].astype(np.int32),
    )


def _framed(lines: Lines, irregular: Mask) -> tuple[Positions, Mask]:
    """The creator lines, and which lines are frames, of the regular goroutines."""
    framed = (lines.kind == ln.CALL) | (lines.kind == ln.ELIDED)
    created = lines.kind == ln.CREATOR
    if irregular.any() or len(lines.headers) == 0 or lines.headers[0] != 0:
        regular = np.zeros(len(lines.kind), dtype=np.bool_)
        if len(lines.headers):
            lengths = np.diff(np.append(lines.headers, len(lines.kind)))
            regular[lines.headers[0] :] = np.repeat(~irregular, lengths)
        framed &= regular
        created &= regular
    return np.flatnonzero(created), framed


def _creator_ids(chunk: memoryview, lines: Lines, creators: Positions) -> tuple[Words, Mask, Positions]:
    """For each creator line: the goroutine it names, whether it names one, and where the function's name ends."""
    end = lines.end[creators]
    parent, digits = ln.number(lines.data, end, backwards=True)
    name_end = end - digits - len(_IN_GOROUTINE)
    named = (digits > 0) & (name_end > lines.begin[creators] + _CREATED_BY)
    words = ln.unaligned_words(chunk)
    at = np.where(named, name_end, 0)
    named &= words[at] == int.from_bytes(_IN_GOROUTINE[:8], "little")
    named &= words[at + 6] == int.from_bytes(_IN_GOROUTINE[-8:], "little")
    return parent, named, np.where(named, name_end, end)


def _codes(
    chunk: memoryview, lines: Lines, interner: Interner, creators: Positions, creator_name_end: Positions
) -> Codes:
    """One code a line: of the text that distinguishes frames, creators and headers (0: none).

    That of a location goes on with the name of the call in the line below, if there is one, which then has no code:
    half as many texts are looked up.
    """
    kind = lines.kind
    located = kind == ln.LOCATION
    is_call = kind == ln.CALL
    joined = np.flatnonzero(located[:-1] & is_call[1:])
    located |= kind == ln.CREATOR_LOCATION
    begin = lines.begin + located  # the tab
    end = np.where(is_call, lines.last_paren, lines.end)
    begin[lines.headers] += len(b"goroutine ") + lines.id_digits + 1
    begin[creators] += _CREATED_BY
    end[creators] = creator_name_end
    end[joined] = end[joined + 1]
    spoken = (kind != ln.BLANK) & (kind != ln.OTHER) & (begin < end)
    spoken[joined + 1] = False
    texts = np.flatnonzero(spoken)
    code = np.zeros(len(kind), dtype=np.uint32)
    code[texts] = interner.codes(chunk, begin[texts], end[texts])
    return code


def _scatter(values: npt.NDArray[_Value], owner: Positions, count: int) -> npt.NDArray[_Value]:
    """One entry a goroutine: the value of its creator line, 0 where it has none."""
    spread = np.zeros(count, dtype=values.dtype)
    spread[owner] = values
    return spread


def _pair(names: Codes, locations: npt.NDArray[np.unsignedinteger]) -> Words:
    paired: Words = (names.astype(np.uint64) << np.uint64(32)) | locations.astype(np.uint64)
    return paired


_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
with np.errstate(over="ignore"):
    _POWERS: Final = np.cumprod(np.full(8192, _MULTIPLIER, dtype=np.uint64))
_SLOT_BITS: Final = 18


class _Slots(threading.local):
    """The first goroutine of each slot: kept by each thread, since fresh memory costs more than all else here."""

    def __init__(self) -> None:
        self.first = np.empty(1 << _SLOT_BITS, dtype=np.int32)


_SLOTS: Final = _Slots()


def _group(pairs: Words, first: Positions, creator: Words) -> tuple[Positions, list[bytes]]:
    """Group equal runs of frames: for each goroutine the index of its key, and the keys in the order of the dump.

    After a collision of hashes, an exact comparison gives the goroutine its own key.
    """
    if len(first) == 0:
        return np.empty(0, dtype=np.int64), []
    count = np.diff(np.append(first, len(pairs)))
    depth = np.arange(len(pairs)) - np.repeat(first, count)
    mixed = pairs * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    hashed = np.add.reduceat(mixed * _POWERS[np.minimum(depth, len(_POWERS) - 1)], first)
    hashed ^= creator * _POWERS[1]
    slot = (hashed * _MULTIPLIER) >> np.uint64(64 - _SLOT_BITS)
    table = _SLOTS.first  # of which only the slots written below are read
    table[slot[::-1]] = np.arange(len(first), dtype=np.int32)[::-1]  # the first goroutine of each slot stays
    model = table[slot]
    index = np.minimum(np.arange(len(pairs)) + np.repeat(first[model] - first, count), len(pairs) - 1)
    differs = np.add.reduceat(pairs != pairs[index], first, dtype=np.int64) > 0
    differs |= (count != count[model]) | (creator != creator[model])

    model = np.where(differs, np.arange(len(first)), model)
    is_model = np.zeros(len(first), dtype=np.bool_)
    is_model[model] = True
    models = np.flatnonzero(is_model)
    group = (np.cumsum(is_model) - 1)[model]
    return group, _keys(pairs, first[models], count[models], creator[models])


def _keys(pairs: Words, first: Positions, count: Positions, creator: Words) -> list[bytes]:
    """The keys of some goroutines: the bytes of the frames' codes, then those of the creator's."""
    ends = np.cumsum(count + 1)
    codes = np.empty(ends[-1], dtype=np.uint64)
    is_frame = np.ones(len(codes), dtype=np.bool_)
    is_frame[ends - 1] = False
    codes[ends - 1] = creator
    places = ends - 1 - count  # of each goroutine's first frame among the keys, its creators counted
    codes[is_frame] = pairs[np.arange(int(count.sum())) + np.repeat(first - places + np.arange(len(count)), count)]
    text = codes.tobytes()
    bounds = (8 * ends).tolist()
    return [text[low:high] for low, high in zip([0, *bounds], bounds, strict=False)]
