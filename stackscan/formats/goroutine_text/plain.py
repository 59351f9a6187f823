"""Reads a small text goroutine by goroutine: a start of polars and numpy would take longer.

As in lines.py a goroutine is *regular* when header, call and location lines alternate, perhaps with a creator and a
blank line at the end. Its names and locations are the key of its stack; the frames of all new keys are read at once.
All other goroutines, and the text around them, go to the line-by-line reader (careful.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import header, known_frames
from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.reading import Reading, ScatteredCalls
from stackscan.formats.goroutine_text.rows import Row, Rows
from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES
from stackscan.model.snapshot import Stack

_HEADER: Final = "goroutine "
_HEADER_BELOW: Final = b"\ngoroutine "
_CREATED_BY: Final = "created by "
_IN_GOROUTINE: Final = " in goroutine "
_BLANKS: Final = b" \t\r\n\0"
#: Digits of an id from which on it may be too big: the careful reader knows.
_MANY_DIGITS: Final = 19
#: The names of the calls, perhaps the creator's behind ``created by``, then as many locations, each behind its tab.
_Key = tuple[str, ...]


class _Block(NamedTuple):
    """The text from a header up to the next one: bytes ``low`` to ``high``, ``line`` is the first line's number.

    A regular one has the goroutine's id, the header's text behind it, its key, and its creator's id.
    """

    low: int
    high: int
    line: int
    goroutine_id: int = 0
    tail: str = ""
    key: _Key | None = None
    creator_id: int | None = None


def read(data: bytes, reading: Reading, *, unterminated: bool) -> Rows:
    """The goroutines of a normalised text; what else it says goes to ``reading``."""
    blocks = list(_blocks(data, unterminated=unterminated))
    stacks = _stacks(dict.fromkeys(block.key for block in blocks if block.key), reading.interned)
    entries: dict[str, int | None] = {}
    found: list[Row] = []
    for block in blocks:
        stack = stacks[block.key] if block.key else None
        entry = None if stack is None else _entry(block.tail, entries, reading.interned)
        if stack is None or entry is None or block.key is None:
            found += _read_with_care(data, block, reading, unterminated=unterminated)
            continue
        frames = len(reading.interned.stacks[stack].frames)
        calls = range(block.line + 1, block.line + 1 + 2 * frames, 2)
        reading.scattered_calls.append(ScatteredCalls(block.line, calls, block.low, block.line))
        after_blank = block.low < 2 or data[block.low - 2 : block.low] == b"\n\n"
        found.append((block.line, block.goroutine_id, entry, stack, block.creator_id, after_blank))
    return Rows.of(found)


# -- goroutines --------------------------------------------------------------------------------------------------------


def _blocks(data: bytes, *, unterminated: bool) -> Iterator[_Block]:
    """The text before the first header, if it says anything, and the goroutines."""
    places = [*_headers(data), len(data)]
    line = 1
    if data[: places[0]].strip(_BLANKS):
        yield _Block(0, places[0], line)
    line += data.count(b"\n", 0, places[0])
    for low, high in pairwise(places):
        text = data[low:high].decode()
        doubtful = high == len(data) and (unterminated or _may_be_cut(text))
        yield (None if doubtful else _regular(text, low, high, line)) or _Block(low, high, line)
        line += text.count("\n")


def _headers(data: bytes) -> Iterator[int]:
    """Where the lines begin that look like headers."""
    at = 0 if data.startswith(_HEADER.encode()) else data.find(_HEADER_BELOW) + 1 or -1
    while at >= 0:
        if HEADER_LIKE_BYTES.match(data, at):
            yield at
        at = data.find(_HEADER_BELOW, at) + 1 or -1


def _may_be_cut(text: str) -> bool:
    """Whether the last line of the text may say that more was cut off."""
    last = text.rstrip().rpartition("\n")[2].lower()
    return "truncated" in last or "cut off" in last


def _regular(text: str, low: int, high: int, line: int) -> _Block | None:
    """A goroutine that is regular as far as its form tells; what its key holds is looked at when it is new."""
    lines = text.removesuffix("\n").split("\n")
    if not lines[-1]:
        lines.pop()
    digits, _, tail = lines[0][len(_HEADER) :].partition(" ")
    calls, places = lines[1::2], lines[2::2]
    if len(calls) != len(places) or not calls or len(digits) >= _MANY_DIGITS:
        return None
    creator, parent = "", ""
    if calls[-1].startswith(_CREATED_BY):
        creator, parent = _creator(calls.pop())
    names = [call[: call.rfind("(")] for call in calls if call.endswith(")")]
    if not names or len(names) != len(calls) or len(parent) >= _MANY_DIGITS or "" in names:
        return None
    if creator:
        names.append(creator)
    return _Block(low, high, line, int(digits), tail, (*names, *places), int(parent) if parent else None)


def _creator(text: str) -> tuple[str, str]:
    """``created by main.main in goroutine 1`` → (``created by main.main``, ``1``); without its goroutine, no digits."""
    name, _, parent = text.rpartition(_IN_GOROUTINE)
    return (name, parent) if len(name) > len(_CREATED_BY) and parent.isdecimal() and parent.isascii() else (text, "")


def _stacks(keys: dict[_Key, None], interned: Interned) -> dict[_Key, int | None]:
    """The stack of each key; None where one of its lines is not what it seems."""
    found: dict[_Key, int | None] = dict.fromkeys(keys)
    lines = {key: _lines(key) for key in keys if _is_regular(key)}
    distinct = list(dict.fromkeys(line for of_key in lines.values() for line in of_key))
    frames = dict(zip(distinct, known_frames.read_frames(distinct), strict=True))
    for key, of_key in lines.items():
        read = [frame for line in of_key if (frame := frames[line]) is not None]
        if len(read) == len(of_key):
            created_by = read.pop() if key[len(of_key) - 1].startswith(_CREATED_BY) else None
            found[key] = interned.stack_id(Stack(tuple(read), created_by))
    return found


def _is_regular(key: _Key) -> bool:
    """Whether the lines of a key are of the kinds that they are taken for."""
    *calls, last = key[: len(key) // 2]
    if last.startswith(_CREATED_BY):
        usual = len(last) > len(_CREATED_BY) and last[-1] not in " \t"
    else:
        usual, calls = True, [*calls, last]
    usual &= not any(call[0] in " \t.[" or call.startswith((_HEADER, _CREATED_BY)) for call in calls)
    return usual and all(place.startswith("\t") for place in key[len(key) // 2 :])


def _lines(key: _Key) -> list[known_frames.Line]:
    """The function and the location of each frame, the creator's last."""
    half = len(key) // 2
    return [(name.removeprefix(_CREATED_BY), place[1:]) for name, place in zip(key[:half], key[half:], strict=True)]


def _entry(tail: str, known: dict[str, int | None], interned: Interned) -> int | None:
    """The entry of a header; None where the careful reader has to say what is wrong with it."""
    if tail in known:
        return known[tail]
    value = header.read_tail(tail)
    entry = None if value is None or bounds.are_long(value.labels) else interned.header_id(value)
    if value is None or value.labels is None:  # labels hardly ever repeat
        known[tail] = entry
    return entry


def _read_with_care(data: bytes, block: _Block, reading: Reading, *, unterminated: bool) -> list[Row]:
    from stackscan.formats.goroutine_text import irregular  # a whole dump may need it for nothing

    return irregular.read_rows(data, block.low, block.high, block.line, reading, unterminated=unterminated)
