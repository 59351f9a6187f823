"""Reads a small text goroutine by goroutine: a start of polars and numpy would take longer.

As in lines.py a goroutine is *regular* when header, call and location lines alternate, perhaps with a creator and a
blank line at the end. What distinguishes stacks (signatures.py) is noted first, then the frames of all new ones are
read at once. Other goroutines, and the text around them, go to the line-by-line reader (careful.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import header
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.reading import Reading, ScatteredCalls
from stackscan.formats.goroutine_text.rows import Row, Rows
from stackscan.formats.goroutine_text.signatures import Signatures
from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES

_HEADER: Final = b"goroutine "
_HEADER_BELOW: Final = b"\ngoroutine "
_BLANKS: Final = b" \t\r\n\0"
#: Digits of an id from which on it may be too big: the careful reader knows.
_MANY_DIGITS: Final = 19


class _Block(NamedTuple):
    """The text from a header up to the next: bytes ``low`` to ``high``, ``line`` is the number of its first line.

    A regular one has its id, the header's text behind it, its signature, and its creator's id. Others have signature
    -1.
    """

    low: int
    high: int
    line: int
    goroutine_id: int = 0
    tail: str = ""
    signature: int = -1
    creator_id: int | None = None


def read(data: bytes, reading: Reading, *, unterminated: bool) -> Rows:
    """The goroutines of a normalised text; what else it says goes to ``reading``."""
    interned = reading.interned
    signatures = Signatures()
    blocks = list(_blocks(data, signatures, unterminated=unterminated))
    stacks = signatures.stacks(interned)
    depths = [len(interned.stacks[stack].frames) if stack is not None else 0 for stack in stacks]
    entries: dict[str, int | None] = {}
    found: list[Row] = []
    for block in blocks:
        low, _, line, goroutine_id, tail, signature, creator_id = block
        stack = stacks[signature] if signature >= 0 else None
        entry = None if stack is None else entries.get(tail, -1)
        if entry == -1:
            entry = _entry(tail, entries, interned)
        if stack is None or entry is None:
            found += _read_with_care(data, block, reading, unterminated=unterminated)
            continue
        calls = range(line + 1, line + 1 + 2 * depths[signature], 2)
        reading.scattered_calls.append(ScatteredCalls(line, calls, low, line))
        after_blank = low < 2 or data[low - 2] == _HEADER_BELOW[0]
        found.append((line, goroutine_id, entry, stack, creator_id, after_blank))
    return Rows.of(found)


def _blocks(data: bytes, signatures: Signatures, *, unterminated: bool) -> Iterator[_Block]:
    """The text before the first header, if it says anything, and the goroutines."""
    places = [*_headers(data), len(data)]
    line = 1
    if data[: places[0]].strip(_BLANKS):
        yield _Block(0, places[0], line)
    line += data.count(b"\n", 0, places[0])
    for low, high in pairwise(places):
        text = data[low:high].decode()
        lines = text.count("\n")
        head, _, body = text.partition("\n")
        digits, _, tail = head[len(_HEADER) :].partition(" ")
        doubtful = len(digits) >= _MANY_DIGITS or (high == len(data) and (unterminated or _may_be_cut(text)))
        signature, parent = (-1, "") if doubtful else signatures.of(body, lines - 1)
        if signature < 0 or len(parent) >= _MANY_DIGITS:
            yield _Block(low, high, line)
        else:
            yield _Block(low, high, line, int(digits), tail, signature, int(parent) if parent else None)
        line += lines


def _headers(data: bytes) -> Iterator[int]:
    """Where the lines begin that look like headers."""
    at = 0 if data.startswith(_HEADER) else data.find(_HEADER_BELOW) + 1 or -1
    while at >= 0:
        if HEADER_LIKE_BYTES.match(data, at):
            yield at
        at = data.find(_HEADER_BELOW, at) + 1 or -1


def _may_be_cut(text: str) -> bool:
    """Whether the last line of the text may say that more was cut off."""
    last = text.rstrip().rpartition("\n")[2].lower()
    return "truncated" in last or "cut off" in last


def _entry(tail: str, known: dict[str, int | None], interned: Interned) -> int | None:
    """The entry of a header; None where the careful reader has to say what is wrong with it."""
    value = header.read_tail(tail)
    entry = None if value is None or bounds.are_long(value.labels) else interned.header_id(value)
    if value is None or value.labels is None:  # labels hardly ever repeat
        known[tail] = entry
    return entry


def _read_with_care(data: bytes, block: _Block, reading: Reading, *, unterminated: bool) -> list[Row]:
    from stackscan.formats.goroutine_text import irregular  # a whole dump does not need it

    return irregular.read_rows(data, block.low, block.high, block.line, reading, unterminated=unterminated)
