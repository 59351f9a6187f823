"""Splits a chunk into lines with numpy, and finds the kind of each.

The kind depends on a line's first bytes and its last parenthesis only: the grammar still reads every distinct line. A
goroutine is *regular* when header, call and location lines alternate, perhaps with a creator and a blank line at the
end. Any other (text in between, a lost line, an ancestor section) is left to the line-by-line reader (careful.py).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

HEADER, CALL, LOCATION, CREATOR, CREATOR_LOCATION, ELIDED, BLANK, OTHER = range(8)
_KINDS: Final = 8

#: What may follow what inside regular goroutines. A header may follow anything: it always starts a new goroutine.
_MAY_FOLLOW: Final = {
    HEADER: (CALL,),
    CALL: (LOCATION,),
    LOCATION: (CALL, ELIDED, CREATOR, BLANK),
    ELIDED: (CALL, CREATOR, BLANK),
    CREATOR: (CREATOR_LOCATION,),
    CREATOR_LOCATION: (BLANK,),
}
_NEWLINE, _PAREN, _CLOSE, _TAB, _DOT, _BRACKET, _SPACE = b"\n()\t.[ "


#: Bytes that are searched for the ends of lines at once.
_BLOCK: Final = 1 << 20


def _transitions() -> Mask:
    allowed = np.zeros((_KINDS, _KINDS), dtype=np.bool_)
    for before, followers in _MAY_FOLLOW.items():
        allowed[before, list(followers)] = True
    allowed[:, HEADER] = True
    return allowed.ravel()


_ALLOWED: Final = _transitions()
#: Kinds by a line's first byte; an empty line begins with its newline.
_BY_FIRST_BYTE: Final = np.full(256, OTHER, dtype=np.uint8)
_BY_FIRST_BYTE[[_TAB, _NEWLINE, _DOT]] = LOCATION, BLANK, ELIDED


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one chunk: byte positions of ``begin``, ``end`` (newline) and ``last_paren`` (of a call), and their
    ``kind``. ``headers`` indexes the header lines, whose ``goroutine_id`` has ``id_digits`` digits. ``like_headers``
    counts all lines that begin like one, as that of a counted profile does."""

    data: Bytes
    begin: Positions
    end: Positions
    last_paren: Positions
    kind: Bytes
    headers: Positions
    goroutine_id: Words
    id_digits: Positions
    like_headers: int


def split_lines(chunk: memoryview) -> Lines:
    """The lines of a chunk that ends with a newline."""
    data = np.frombuffer(chunk, dtype=np.uint8)
    end, last_paren = ends_and_parens(data)
    begin = np.empty_like(end)
    begin[0] = 0
    begin[1:] = end[:-1] + 1
    kind, like_headers = _kinds(chunk, data, begin, end, last_paren)
    headers, goroutine_id, digits = _headers(chunk, data, begin, end, kind)
    return Lines(data, begin, end, last_paren, kind, headers, goroutine_id, digits, like_headers)


class _Masks(threading.local):
    """Two masks over a block. Each thread keeps its own: fresh memory takes longer than to fill them."""

    def __init__(self) -> None:
        self.both = np.empty((2, _BLOCK), dtype=np.bool_)


_MASKS: Final = _Masks()


def ends_and_parens(data: Bytes) -> tuple[Positions, Positions]:
    """Where each line ends, and the last opening parenthesis before that, which may be of a line above."""
    found = []
    for at in range(0, len(data), _BLOCK):
        block = data[at : at + _BLOCK]
        newlines, marked = _MASKS.both[:, : len(block)]
        np.equal(block, _NEWLINE, out=newlines)
        np.equal(block, _PAREN, out=marked)
        places = np.flatnonzero(np.logical_or(newlines, marked, out=marked))
        places += at
        found.append(places)
    marks = np.concatenate(found)
    at_newline = np.flatnonzero(data[marks] == _NEWLINE)
    return marks[at_newline], marks[np.maximum(at_newline - 1, 0)]


def _kinds(
    chunk: memoryview, data: Bytes, begin: Positions, end: Positions, last_paren: Positions
) -> tuple[Bytes, int]:
    """The kind of each line, and how many begin with ``goroutine``."""
    first = data[begin]
    kind = _BY_FIRST_BYTE[first]
    is_call = (data[end - 1] == _CLOSE) & (kind == OTHER) & (last_paren > begin) & (last_paren < end)
    np.putmask(kind, is_call & (first != _BRACKET) & (first != _SPACE), CALL)
    like_headers = _starting_with(b"goroutine", chunk, first, begin, end)
    at = begin[like_headers] + len(b"goroutine")
    kind[like_headers[(data[at] == _SPACE) & (at + 1 < end[like_headers])]] = HEADER
    creators = _starting_with(b"created by ", chunk, first, begin, end)
    last = data[end[creators] - 1]
    creators = creators[(last != _SPACE) & (last != _TAB)]  # blanks at the end are no part of a name: read with care
    kind[creators] = CREATOR
    after = creators[creators + 1 < len(kind)] + 1
    kind[after[kind[after] == LOCATION]] = CREATOR_LOCATION
    return kind, len(like_headers)


def _starting_with(literal: bytes, chunk: memoryview, first: Bytes, begin: Positions, end: Positions) -> Positions:
    """Indices of the lines that start with a literal of 9 to 16 bytes and go on after it."""
    lines: Positions = np.flatnonzero(first == literal[0])
    lines = lines[end[lines] - begin[lines] > len(literal)]
    words = unaligned_words(chunk)
    head = int.from_bytes(literal[:8], "little")
    tail = int.from_bytes(literal[-8:], "little")
    at = begin[lines]
    starting: Positions = lines[(words[at] == head) & (words[at + len(literal) - 8] == tail)]
    return starting


def unaligned_words(chunk: bytes | memoryview) -> Words:
    """The chunk as overlapping 8-byte little-endian words, one at each byte position: literals compare in one go."""
    return np.ndarray(shape=(max(len(chunk) - 7, 0),), dtype="<u8", buffer=chunk, strides=(1,))


def _headers(
    chunk: memoryview, data: Bytes, begin: Positions, end: Positions, kind: Bytes
) -> tuple[Positions, Words, Positions]:
    """The header lines, their ids and the ids' digits; lines without an id or a bracket become OTHER."""
    headers = np.flatnonzero(kind == HEADER)
    after_id = begin[headers] + len(b"goroutine ")
    ids, digits = number(data, after_id)
    at = np.minimum(after_id + digits, end[headers])
    is_header = (digits > 0) & (data[at] == _SPACE) & (data[np.minimum(at + 1, end[headers])] == _BRACKET)
    for place in np.flatnonzero(~is_header & (digits > 0)).tolist():
        line = headers[place]
        is_header[place] = HEADER_LIKE_BYTES.match(chunk, int(begin[line]), int(end[line])) is not None
    if not is_header.all():
        kind[headers[~is_header]] = OTHER
        headers, ids, digits = headers[is_header], ids[is_header], digits[is_header]
    return headers, ids, digits


#: Digits of a number that are read; 19 always fit in 64 bits.
MOST_DIGITS: Final = 19
#: 1 in each byte of a word.
_EACH: Final = 0x0101010101010101


def number(data: Bytes, at: Positions, *, backwards: bool = False) -> tuple[Words, Positions]:
    """The decimal numbers that begin at the given positions, and their digits (0: none; at most MOST_DIGITS).

    ``backwards``: the numbers that end just before the positions.
    """
    if len(data) < 8:  # no word
        return _digit_by_digit(data, at, backwards=backwards)
    begin = at - 8 if backwards else at
    words = unaligned_words(data.data)
    inside = (begin >= 0) & (begin < len(words))
    text = words[np.where(inside, begin, 0)] ^ np.uint64(_EACH * ord("0"))
    other = ((text & np.uint64(_EACH * 0x7F)) + np.uint64(_EACH * 0x76)) | text  # the high bit of what is no digit
    other &= np.uint64(_EACH * 0x80)
    if backwards:
        other = other.byteswap()
    digits = ((other & -other) >> np.uint64(7)) - np.uint64(1)  # all bits below the first of these
    digits = ((digits & np.uint64(_EACH)) * np.uint64(_EACH)) >> np.uint64(56)
    length, unread = digits.astype(np.int64), (np.uint64(8) - digits) << np.uint64(3)
    text = (text >> unread) << unread if backwards else text << unread
    for tens, shift, pairs in ((10, 8, 0x00FF00FF00FF00FF), (100, 16, 0x0000FFFF0000FFFF), (10_000, 32, 0xFFFFFFFF)):
        text = (text * np.uint64(tens) + (text >> np.uint64(shift))) & np.uint64(pairs)
    longer = np.flatnonzero(~inside | (length == 8))
    if len(longer):
        text[longer], length[longer] = _digit_by_digit(data, at[longer], backwards=backwards)
    return text, length


def _digit_by_digit(data: Bytes, at: Positions, *, backwards: bool) -> tuple[Words, Positions]:
    value = np.zeros(len(at), dtype=np.uint64)
    length = np.zeros(len(at), dtype=np.int64)
    active = np.ones(len(at), dtype=np.bool_)
    scale = np.uint64(1)
    for _ in range(MOST_DIGITS):
        digit = data[at - 1 - length if backwards else at + length] - np.uint8(ord("0"))
        active &= digit < 10
        if not active.any():
            break
        value = np.where(active, value + digit * scale if backwards else value * np.uint64(10) + digit, value)
        length += active
        scale *= np.uint64(10)
    return value, length


def irregular_headers(lines: Lines) -> Mask:
    """A mask of the goroutines (by index into ``lines.headers``) with a line out of order."""
    kind, headers = lines.kind, lines.headers
    wrong = np.flatnonzero(~_ALLOWED[kind[:-1] * np.uint8(_KINDS) + kind[1:]]) + 1
    irregular = np.zeros(len(headers), dtype=np.bool_)
    owner = np.searchsorted(headers, wrong, side="right") - 1
    irregular[owner[owner >= 0]] = True
    # A header that nothing regular follows (another header, the end of the chunk) has no frames.
    bare = headers + 1 >= len(kind)
    bare[~bare] = kind[headers[~bare] + 1] != CALL
    # A goroutine must not stop short before the next header: after a call or creator line without its location.
    last = np.append(headers[1:], len(kind)) - 1
    short = (kind[last] == CALL) | (kind[last] == CREATOR) | (kind[last] == OTHER)
    irregular |= bare | short
    return irregular


def with_long_parent(lines: Lines) -> Positions:
    """The goroutines (indices into ``lines.headers``) whose creator's id may have MOST_DIGITS or more, and go on."""
    creators = np.flatnonzero(lines.kind == CREATOR)
    end = lines.end[creators]
    is_long = np.ones(len(creators), dtype=np.bool_)
    for place in (1, MOST_DIGITS // 2, MOST_DIGITS):
        is_long &= lines.data[np.maximum(end - place, 0)] - np.uint8(ord("0")) < 10
    owner: Positions = np.searchsorted(lines.headers, creators[is_long], side="right") - 1
    return owner[owner >= 0]
