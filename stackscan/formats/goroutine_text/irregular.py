"""Reads irregular goroutines: damaged ones with care, and those that a person wrote as people write them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from stackscan.formats import quoted_stacks
from stackscan.formats.goroutine_text import careful, grammar, headerless
from stackscan.formats.goroutine_text.segments import FENCE, Goroutine, Segment, SegmentResult, is_path
from stackscan.formats.quoted_stacks import Quoted
from stackscan.formats.quoted_stacks.grammar import Call, Line

#: What a line that is part of a stack holds, however it is written: a dotted name, or a file with a line number.
_HINT: Final = re.compile(r"\w\.[\w(]|[\w)]\.\w")
#: What forms, mail programs and log viewers put where they cut a text.
_CUT_NOTE: Final = re.compile(r"(?i)\W*(?:[\w,]+:? ){0,6}(?:truncated|cut off)\b(?:\W+\w+){0,6}\W*")
_LONGEST_NOTE: Final = 100


def read_segment(segment: Segment) -> SegmentResult:
    """Read one segment: the text from one header to the next. Never raises on bad text."""
    result = SegmentResult()
    rest: Segment | None = segment
    while rest is not None:
        here, found = rest, SegmentResult()
        rest = careful.Reader(here, found).read()
        end = len(here.lines) if rest is None else rest.begin
        _add(_best(here, end, found), result)
    if segment.at_end and segment.first_line == 1 and not result.goroutines:
        result = headerless.read_segment(segment) or result
    result.cut |= segment.at_end and _says_cut(segment.lines)
    return result


def _says_cut(lines: list[str]) -> bool:
    """Whether the last line of a text says that more of it was cut off: ``... (truncated)``."""
    last = next((text for line in reversed(lines) if (text := line.strip()) and not FENCE.match(text)), "")
    return len(last) < _LONGEST_NOTE and _CUT_NOTE.fullmatch(last) is not None


def _best(segment: Segment, end: int, found: SegmentResult) -> SegmentResult:
    """What was understood of one goroutine: with care, or as a quotation where that leaves fewer lines unread."""
    if not found.goroutines:
        return found
    unread = [line for line in found.unread if _HINT.search(_text(segment, line))]
    goroutine = found.goroutines[0]
    if segment.withheld:
        found.quoted.append(goroutine.line)
    if not unread and (goroutine.stack.frames or goroutine.stack.unavailable):
        return found
    below = segment.lines[segment.begin + 1 : end]
    body = quoted_stacks.read_body(below, segment.first_line + 1, _printed, goroutine.header.attributes or "")
    last = segment.first_line + body.length
    left = len([line for line in found.unread if line <= last])
    if not goroutine.stack.frames and body.stack.frames and not found.cut:
        return _quoted(segment, end, found, body)  # indented frames
    if not (body.sure if found.cut else body.retyped or body.used_first):
        return found
    if body.stack.frames and (len(body.missed), -len(body.stack.frames)) < (left, -len(goroutine.stack.frames)):
        return _quoted(segment, end, found, body)
    return found


def _quoted(segment: Segment, end: int, found: SegmentResult, body: Quoted) -> SegmentResult:
    """The result of a quotation; what stands below it is read with care."""
    result = SegmentResult()
    below = replace(
        segment, lines=segment.lines[:end], begin=segment.begin + 1 + body.length,
        first_line=segment.first_line + 1 + body.length, header="",
    )  # fmt: skip
    if below.begin < end:
        careful.Reader(below, result).read()
    goroutine = found.goroutines[0]
    header = goroutine.header
    if header.attributes and body.used_first:
        header = replace(header, attributes=None)
    result.goroutines = [
        Goroutine(
            goroutine.goroutine_id, goroutine.line, header, body.stack, body.creator_id, goroutine.ancestors,
            body.call_lines,
        )
    ]  # fmt: skip
    result.problems = [
        *(problem for problem in found.problems if problem.line == goroutine.line and "frames" not in problem.reason),
        *body.problems, *result.problems,
    ]  # fmt: skip
    result.skipped += body.missed
    result.quoted = [goroutine.line]
    return result


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


def _printed(text: str, raw: str) -> Line | None:
    """A line as the runtime prints it; its location may hold blanks."""
    if raw[:1].isspace():
        place = grammar.read_location("\t" + text)
        if place is not None and is_path(place[0]):
            return Line("place", place=place)
    is_elided, count = grammar.read_elided(text)
    if is_elided:
        return Line("elision", elided=count)
    if text.startswith("created by "):
        creator = grammar.read_creator(text)
        return None if creator is None or " /" in creator[0] else _creator(*creator)
    function = grammar.read_call(text) if text.endswith(")") and "(" in text else None
    if function is None or " " in function or "." not in function:
        return None
    return Line("frames", (Call(function, has_arguments=True),))


def _creator(function: str, parent: int | None) -> Line | None:
    if " " in function:
        return None
    return Line("creator", (Call(function),), creator_id=parent if parent is None or parent < 1 << 64 else None)
