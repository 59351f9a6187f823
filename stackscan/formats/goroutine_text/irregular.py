"""Reads irregular goroutines: damaged ones with care, and those that a person wrote as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stackscan.formats.goroutine_text import careful, headerless
from stackscan.formats.goroutine_text.reading import Reading, ScatteredCalls, Span
from stackscan.formats.goroutine_text.rows import Row, is_after_blank
from stackscan.formats.goroutine_text.segments import FENCE, HINT, Segment, SegmentResult

#: What forms, mail programs and log viewers put where they cut a text.
_CUT_NOTE: Final = re.compile(r"(?i)\W*(?:[\w,]+:? ){0,6}(?:truncated|cut off)\b(?:\W+\w+){0,6}\W*")
_LONGEST_NOTE: Final = 100
#: Irregular goroutines from which on most are not looked at line by line.
_MANY: Final = 16


def read_segment(segment: Segment) -> SegmentResult:
    """Read one segment: the text from one header to the next. Never raises on bad text."""
    result, rest = _read_one(segment)
    while rest is not None:
        found, rest = _read_one(rest)
        _add(found, result)
    if segment.at_end and segment.first_line == 1 and not result.goroutines:
        result = headerless.read_segment(segment) or result
    result.cut |= segment.at_end and _says_cut(segment.lines)
    return result


def _read_one(segment: Segment) -> tuple[SegmentResult, Segment | None]:
    """What a segment holds up to a header inside it, and what is left to read from there on."""
    found = SegmentResult()
    rest = careful.Reader(segment, found).read()
    return _best(segment, len(segment.lines) if rest is None else rest.begin, found), rest


def _says_cut(lines: list[str]) -> bool:
    """Whether the last line of a text says that more of it was cut off: ``... (truncated)``."""
    last = next((text for line in reversed(lines) if (text := line.strip()) and not FENCE.match(text)), "")
    return len(last) < _LONGEST_NOTE and _CUT_NOTE.fullmatch(last) is not None


def _best(segment: Segment, end: int, found: SegmentResult) -> SegmentResult:
    """What was understood of one goroutine: with care, or as a quotation where that leaves fewer lines unread."""
    if not found.goroutines:
        return found
    unread = [line for line in found.unread if HINT.search(_text(segment, line))]
    goroutine = found.goroutines[0]
    if segment.withheld:
        found.quoted.append(goroutine.line)
    if not unread and (goroutine.stack.frames or goroutine.stack.unavailable):
        return found
    from stackscan.formats.goroutine_text.quotation import read  # most dumps have no such goroutine

    return read(segment, end, found) or found


def _text(segment: Segment, line: int) -> str:
    return segment.lines[segment.begin + line - segment.first_line]


def _add(found: SegmentResult, result: SegmentResult) -> None:
    result.goroutines += found.goroutines
    result.problems += found.problems
    result.marks += found.marks
    result.lost += found.lost
    result.hidden += found.hidden
    result.skipped += found.skipped
    result.quoted += found.quoted
    result.cut |= found.cut


def read_all(data: bytes, spans: Sequence[Span], reading: Reading, *, unterminated: bool) -> list[Row]:
    """The goroutines of these parts of a text, in any order; what else they hold goes to ``reading``.

    ``unterminated``: the whole text ends without a newline.
    """
    rows: list[Row] = []
    if len(spans) >= _MANY:
        from stackscan.formats.goroutine_text import mended  # to load it takes as long as to read a few with care

        rows, spans = mended.read_rows(data, spans, reading)
    for span in spans:
        rows += read_rows(data, *span, reading, unterminated=unterminated)
    return rows


def read_rows(data: bytes, low: int, high: int, line: int, reading: Reading, *, unterminated: bool) -> list[Row]:
    """The goroutines in bytes ``low`` to ``high`` of a text, of which ``line`` is the first line; what else they hold
    goes to ``reading``. ``unterminated``: the whole text ends without a newline."""
    text = data[low:high].decode().removesuffix("\n").split("\n")
    at_end = high == len(data)
    result = read_segment(Segment(text, line, at_end, at_end and unterminated))
    reading.add(result)
    reading.scattered_calls += [ScatteredCalls(g.line, g.call_lines, low, line) for g in result.goroutines]
    interned, after_blank = reading.interned, is_after_blank(data, low)
    return [
        (g.line, g.goroutine_id, interned.header_id(g.header), interned.stack_id(g.stack), g.creator_id, after_blank)
        for g in result.goroutines
    ]
