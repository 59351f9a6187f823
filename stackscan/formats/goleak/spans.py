"""Where lists of leaked goroutines stand in a text."""

from __future__ import annotations

import re
from typing import Final

from stackscan.formats import pasted
from stackscan.formats.pasted import Span

MARKS: Final = (b" in state ", b"eaked goroutine: goroutine ")
_LISTED: Final = re.compile(rb"\[?Goroutine \d{1,20} in state \S")
_CHECKED: Final = re.compile(rb"[^\n]{0,300}?[Ll]eaked goroutine: goroutine \d{1,20} [^\n\[]{0,120}\[")
_HEADER: Final = re.compile(rb"goroutine \d{1,20} [^\n\[]{0,120}\[")
_STACK: Final = re.compile(
    rb"created by |\[originating from |\.\.\.[^\n]{0,20}frames elided|\]\Z|pc=0x|non-Go function"
)
_CALL: Final = re.compile(rb"\A[^\s-][^\n]*\)\Z")
_PLACE: Final = re.compile(rb":-?\d{1,10}(?: \+0x[0-9a-f]{1,16})?(?: fp=0x[^\n]{1,80})?(?: pc=0x[0-9a-f]{1,16})?\Z")
#: What belongs above a list: its first line, and the test that printed it.
_ABOVE: Final = re.compile(
    rb"[^\n]*found unexpected goroutines:\Z|[^\n]*leaktest: |--- FAIL: |=== (?:RUN|NAME|CONT) "
    rb"|Error(?: Trace)?:[ \t]|[\w./-]{1,200}\.go:\d{1,9}:\Z"  # as testify prints an error
)
_FAILED: Final = re.compile(rb"--- FAIL: ")
_MOST_ABOVE: Final = 6
_MOST_BELOW: Final = 3
#: Bytes in which the line stands that only `go test -v` prints.
_LOOK_BACK: Final = 1 << 16


def spans(data: bytes) -> list[Span]:
    """The lists of a text, each with the name of its test above or below it."""
    found: list[Span] = []
    for begin, end in sorted({span for mark in MARKS for span in pasted.heads(data, mark)}):
        least = found[-1][1] if found else 0
        if begin < least or not is_head(pasted.look(data, begin, end)):
            continue
        after = pasted.extent(data, end, _Own())
        if after > end:
            found.append((_above(data, begin, least), _below(data, after)))
    return found


def is_head(line: bytes) -> bool:
    """Whether a bare line heads a leaked goroutine."""
    return _is_listed(line) or (_CHECKED.match(line) is not None and line.endswith(b":"))


def _is_listed(line: bytes) -> bool:
    return _LISTED.match(line) is not None and line.endswith(b" on top of the stack:")


class _Own:
    """Whether the next line belongs to the list; older versions of goleak repeat the header."""

    def __init__(self) -> None:
        self._repeats = True  # the line before is goleak's, and the runtime's header may follow
        self._ended = False

    def __call__(self, line: bytes) -> bool | None:
        if is_head(line):
            self._repeats, self._ended = _is_listed(line), False
            return True
        repeats, self._repeats = self._repeats, False
        if _HEADER.match(line):
            return True if repeats else None
        if self._ended or line.startswith((b"--- ", b"=== ", b"FAIL", b"ok  ", b"panic: ", b"WARNING: DATA RACE")):
            return None
        self._ended = line == b"]"
        return any(pattern.search(line) for pattern in (_CALL, _PLACE)) or _STACK.match(line) is not None


def _above(data: bytes, begin: int, least: int) -> int:
    for _ in range(_MOST_ABOVE):
        above = pasted.line_before(data, begin)
        if above is None or above < least or not _ABOVE.match(line := pasted.look(data, above, begin)):
            break
        begin = above
        if _FAILED.match(line):
            break  # what stands above it is another test's
    return begin


def _below(data: bytes, end: int) -> int:
    """Behind the line that says which test failed: go test -v prints it below."""
    if b"=== RUN " not in data[max(0, end - _LOOK_BACK) : end]:
        return end
    at = end
    for _ in range(_MOST_BELOW):
        after = pasted.line_end(data, at)
        line = pasted.look(data, at, after)
        if _FAILED.match(line):
            return after
        if is_head(line) or line.startswith(b"=== "):
            break
        at = after
    return end
