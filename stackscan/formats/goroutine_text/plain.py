"""Reads a small text goroutine by goroutine: a start of polars and numpy would take longer.

As in lines.py a goroutine is *regular* when header, call and location lines alternate, perhaps with a creator and a
blank line at the end. What distinguishes stacks (signatures.py) is noted first, then the frames of all new ones are
read at once. Other goroutines, and the text around them, go to the line-by-line reader (careful.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import Final, cast

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import header
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.reading import Reading, ScatteredCalls, Span
from stackscan.formats.goroutine_text.rows import Rows
from stackscan.formats.goroutine_text.signatures import Signatures
from stackscan.formats.goroutine_text.surroundings import HEADER_BELOW_BYTES, HEADER_LIKE_BYTES
from stackscan.sources import limits

_HEADER: Final = b"goroutine "
_BLANKS: Final = b" \t\r\n\0"
_NEWLINE: Final = ord("\n")
#: Digits of an id from which on it may be too big: the careful reader knows.
_MANY_DIGITS: Final = 19
#: Bytes of a text from which on its argument lists are read with numpy: one by one takes 3 ms a megabyte.
_MANY_CALLS: Final = 1 << 20


@dataclass(slots=True)
class _Found:
    """Columns of regular goroutines: where each begins and ends, its first line's number, its id, the header's text
    behind it, its signature and its creator's id; and what is left to the reader of irregular ones."""

    low: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    goroutine_id: list[int | None] = field(default_factory=list)
    tail: list[bytes] = field(default_factory=list)
    signature: list[int] = field(default_factory=list)
    creator_id: list[int | None] = field(default_factory=list)
    left: list[Span] = field(default_factory=list)


def read(data: bytes, reading: Reading, *, unterminated: bool) -> Rows:
    """The goroutines of a normalised text; what else it says goes to ``reading``."""
    reading.note_counted(data)
    signatures = Signatures()
    found = _scan(data, signatures, unterminated=unterminated)
    stacks = signatures.stacks(reading.interned)
    entries = {tail: _entry(tail, reading.interned) for tail in dict.fromkeys(found.tail)}
    if None in entries.values() or None in stacks:
        _leave_unreadable(found, entries, stacks)
    rows = Rows(
        found.line,
        found.goroutine_id,
        cast("list[int]", list(map(entries.__getitem__, found.tail))),  # none is left that cannot be read
        cast("list[int]", list(map(stacks.__getitem__, found.signature))),
        found.creator_id,
        [low < 2 or data[low - 2] == _NEWLINE for low in found.low],
    )
    depths = [0 if stack is None else len(reading.interned.stacks[stack].frames) for stack in stacks]
    _note_calls(data, found, [depths[signature] for signature in found.signature], reading)
    if not found.left:
        return rows
    from stackscan.formats.goroutine_text import irregular  # a whole dump does not need it

    return Rows.of([*rows.each(), *irregular.read_all(data, found.left, reading, unterminated=unterminated)])


def _note_calls(data: bytes, found: _Found, depths: Sequence[int], reading: Reading) -> None:
    """Note where the argument lists of the regular goroutines stand, which have so many frames."""
    if len(data) >= _MANY_CALLS:
        from stackscan.formats.goroutine_text import late_calls  # no small dump needs it

        reading.calls += late_calls.of_goroutines(data, found.low, found.high, found.line, depths)
        return
    calls = [range(line + 1, line + 2 * depth, 2) for line, depth in zip(found.line, depths, strict=True)]
    reading.scattered_calls += map(ScatteredCalls, found.line, calls, found.low, found.line)


def _scan(data: bytes, signatures: Signatures, *, unterminated: bool) -> _Found:
    """The goroutines that are regular as far as their form tells, and the others."""
    found = _Found()
    places = [*_headers(data), len(data)]
    if len(places) - 1 > limits.MAX_GOROUTINES:
        raise limits.too_many_goroutines()
    line = 1 + data.count(b"\n", 0, places[0])
    if data[: places[0]].strip(_BLANKS):
        found.left.append((0, places[0], 1))
    for low, high in pairwise(places):
        text = data[low:high]
        lines = text.count(b"\n")
        head, _, body = text.partition(b"\n")
        digits, _, tail = head[len(_HEADER) :].partition(b" ")
        doubtful = len(digits) >= _MANY_DIGITS or (high == len(data) and (unterminated or _may_be_cut(text)))
        signature, parent = (-1, b"") if doubtful else signatures.of(body, lines - 1)
        if signature < 0 or len(parent) >= _MANY_DIGITS:
            found.left.append((low, high, line))
        else:
            found.low.append(low)
            found.high.append(high)
            found.line.append(line)
            found.goroutine_id.append(int(digits))
            found.tail.append(tail)
            found.signature.append(signature)
            found.creator_id.append(int(parent) if parent else None)
        line += lines
    return found


def _leave_unreadable(found: _Found, entries: Mapping[bytes, int | None], stacks: Sequence[int | None]) -> None:
    """Leave the goroutines to the careful reader whose header or stack is not what it seems."""
    readable = [
        entries[tail] is not None and stacks[signature] is not None
        for tail, signature in zip(found.tail, found.signature, strict=True)
    ]
    left = zip(found.low, found.high, found.line, readable, strict=True)
    found.left = sorted([*found.left, *((low, high, line) for low, high, line, whole in left if not whole)])
    for name in ("low", "high", "line", "goroutine_id", "tail", "signature", "creator_id"):
        setattr(found, name, list(compress(getattr(found, name), readable)))


def _headers(data: bytes) -> list[int]:
    """Where the lines begin that look like headers."""
    first = [0] if HEADER_LIKE_BYTES.match(data) else []
    return first + [found.start() + 1 for found in HEADER_BELOW_BYTES.finditer(data)]


def _may_be_cut(text: bytes) -> bool:
    """Whether the last line of the text may say that more was cut off."""
    last = text.decode().rstrip().rpartition("\n")[2].lower()
    return "truncated" in last or "cut off" in last


def _entry(tail: bytes, interned: Interned) -> int | None:
    """The entry of a header; None where the careful reader has to say what is wrong with it."""
    value = header.read_tail(tail.decode())
    return None if value is None or bounds.are_long(value.labels) else interned.header_id(value)
