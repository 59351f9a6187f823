"""One goroutine read as a quotation: where a person wrote its stack, and care alone leaves lines unread."""

from __future__ import annotations

from dataclasses import replace

from stackscan.formats import quoted_stacks
from stackscan.formats.goroutine_text import careful, grammar
from stackscan.formats.goroutine_text.segments import Goroutine, Segment, SegmentResult, is_path
from stackscan.formats.quoted_stacks import Quoted
from stackscan.formats.quoted_stacks.grammar import Call, Line


def read(segment: Segment, end: int, found: SegmentResult) -> SegmentResult | None:
    """The goroutine as a quotation; None where that understands no more than ``found``, which was read with care.

    ``end`` is the line of the segment at which the next goroutine begins.
    """
    goroutine = found.goroutines[0]
    below = segment.lines[segment.begin + 1 : end]
    if not goroutine.header.attributes and not any(below):
        return None
    body = quoted_stacks.read_body(below, segment.first_line + 1, _printed, goroutine.header.attributes or "")
    last = segment.first_line + body.length
    left = len([line for line in found.unread if line <= last])
    if not goroutine.stack.frames and body.stack.frames and not found.cut:
        return _quoted(segment, end, found, body)  # indented frames
    if not (body.sure if found.cut else body.retyped or body.used_first):
        return None
    if body.stack.frames and (len(body.missed), -len(body.stack.frames)) < (left, -len(goroutine.stack.frames)):
        return _quoted(segment, end, found, body)
    return None


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
