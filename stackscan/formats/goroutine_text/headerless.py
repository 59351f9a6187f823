"""Stacks without any header above: somebody pasted the frames alone, or a log viewer shows the end of a text."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stackscan.formats.goroutine_text import careful, grammar
from stackscan.formats.goroutine_text.segments import Segment, SegmentResult, is_path, is_symbol
from stackscan.model.snapshot import Problem

#: A header of which nothing is known.
_UNKNOWN: Final = "goroutine 0 []:"
_REASON: Final = "frames without a goroutine header: id and state are unknown, inner frames may be missing"
#: Above frames of the scheduler, which are no goroutine's.
_SCHEDULERS: Final = "runtime stack:"
_OFFSET: Final = b" +0x"
#: Places with an offset that are looked at: more stand in a dump, which has headers.
_MOST_PLACES: Final = 1000


def holds_stack(data: bytes) -> bool:
    """Whether the bytes hold two frames that the runtime printed, one of them with its offset."""
    at = -1
    for _ in range(_MOST_PLACES):
        at = data.find(_OFFSET, at + 1)
        if at < 0:
            return False
        begin = at
        for _ in range(4):  # the place may be the second one
            begin = data.rfind(b"\n", 0, max(begin, 0)) if begin > 0 else -1
        lines = data[begin + 1 : at + 4096].decode("utf-8", "replace").split("\n")[:8]
        if any(_begins(lines, offset) for offset in range(4)):
            return True
    return False


def read_segment(segment: Segment) -> SegmentResult | None:
    """The goroutine of a text that has no header but a stack; None for any other text, and below `runtime stack:`."""
    lines = segment.lines
    first = next((offset for offset in range(len(lines)) if _begins(lines, offset)), None)
    if first is None or _SCHEDULERS in map(str.strip, lines[:first]):
        return None
    below = [_dedented(line) for line in lines[first:]]
    result = SegmentResult()
    above = replace(segment, lines=lines[:first], at_end=False)
    careful.Reader(above, result).read()
    said = len(result.problems)
    stack = replace(
        segment, lines=["", *below], first_line=segment.first_line + first - 1, header=_UNKNOWN, withheld=True
    )
    careful.Reader(stack, result).read()
    line = segment.first_line + first
    result.goroutines = [replace(goroutine, line=line) for goroutine in result.goroutines]
    of_stack = [problem for problem in result.problems[said:] if problem.line != line - 1]  # that header is ours
    result.problems[said:] = of_stack
    result.problems.append(Problem(line, _REASON, lines[first].strip()[:80]))
    result.lost.append(line)
    return result


def _begins(lines: list[str], offset: int) -> bool:
    """Whether two frames, or one and its creator, stand in four lines, one of them with its offset."""
    four = lines[offset : offset + 4]
    if len(four) < 4 or not four[0].rstrip().endswith(")"):
        return False
    places = [grammar.read_location("\t" + line.strip()) for line in four[1::2]]
    if not all(place is not None and is_path(place[0]) for place in places):
        return False
    calls = _is_call(four[0].strip()), _is_call(four[2].strip()) or four[2].strip().startswith("created by ")
    return all(calls) and any(place is not None and place[2] is not None for place in places)


def _is_call(text: str) -> bool:
    function = grammar.read_call(text) if text.endswith(")") and "(" in text else None
    return function is not None and is_symbol(function)


def _dedented(line: str) -> str:
    """A line as the runtime prints it: a tab before its location."""
    text = line.strip()
    place = grammar.read_location("\t" + text) if text and not text.endswith(")") else None
    return f"\t{text}" if place is not None and is_path(place[0]) else text
