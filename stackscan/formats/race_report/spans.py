"""Where the reports of the race detector stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stackscan.formats import pasted
from stackscan.formats.pasted import Span

MARKS: Final = (b"WARNING: DATA RACE",)
_RULE: Final = re.compile(rb"={10,80}\Z")
_HEAD: Final = rb"(?i:(?:previous )?(?:atomic )?(?:read|write)(?: at [0-9a-fx]{1,20})? by (?:main )?goroutine\b)"
_ACCESS: Final = re.compile(_HEAD)
_OWN: Final = re.compile(
    _HEAD + rb"|Goroutine \d{1,20} \(|\[failed to restore the stack\]|Global var |Heap block of size |={10}"
)
_FRAME: Final = re.compile(rb"\A\S.*\(\)\Z|:-?\d{1,10}(?: \+0x[0-9a-f]{1,16})?\Z", re.DOTALL)
#: What no report of a race holds, and other texts about goroutines do.
_OTHER: Final = re.compile(rb"oroutine \d")
_DUMP: Final = re.compile(rb"goroutine \d{1,20} [^\n]{0,80}\[|goroutine profile: total")


def spans(data: bytes) -> list[Span]:
    """The reports of a text; those that follow each other are one list."""
    return pasted.joined(data, _reports(data), _OTHER)


def _reports(data: bytes) -> Iterator[Span]:
    done = 0
    for begin, end in pasted.heads(data, MARKS[0]):
        # words about a race are no report
        if begin < done or not pasted.follows(data, end, _ACCESS, lines=4):
            continue
        done = pasted.extent(data, end, _End())
        yield _with_rule(data, begin), done


class _End:
    """Whether the next line belongs to the report, up to the line of equal signs that ends it."""

    def __init__(self) -> None:
        self._ended = False

    def __call__(self, line: bytes) -> bool | None:
        if self._ended or MARKS[0] in line or _DUMP.match(line):
            return None
        self._ended = _RULE.match(line) is not None
        return _OWN.match(line) is not None or _FRAME.search(line) is not None


def _with_rule(data: bytes, begin: int) -> int:
    """Where the report begins: at the line of equal signs before its first line, where there is one."""
    above = pasted.line_before(data, begin)
    return above if above is not None and _RULE.match(pasted.look(data, above, begin)) else begin
