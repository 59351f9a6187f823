"""Finds lists of grouped stacks in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stackscan.formats import pasted

NAME: Final = "grouped-stacks"
#: Literals of which each list holds one: headers of groups, or the state that panicparse prints of a main goroutine.
MARKS: Final[tuple[bytes, ...]] = (
    b" times: [", b" goroutines [", b" goroutine [", b" goroutines in state [", b"]: (", b"]: x", b"]: \xc3\x97",
    b" [Created by ", b": run", b": chan ", b": IO wait", b": s",
)  # fmt: skip
#: What may stand before a line: quotation marks, a tag of HTML, the mark of a list.
BEFORE: Final = r"[ \t>|]{0,40}(?:<(?:pre|code)[^>\n]{0,80}>){0,2}(?:[*+-][ \t]{1,40})?"
_LEAD: Final = b"^" + BEFORE.encode()
_COLOUR: Final = rb"(?:\x1b\[[0-9;]{0,20}m){0,4}"
_BRACKET: Final = rb" \[[^\]\n]{1,999}\]"
#: The header of a group, in goroutine-inspect's form or a person's.
GROUP: Final = re.compile(
    rb"(?m)" + _LEAD + rb"(?:goroutine \d{1,20}" + _BRACKET + rb":(?: \d{1,9} times: \[| \(?(?:x ?|\xc3\x97 ?)?\d{1,9}"
    rb"(?: times|x)?\)?[ \t\r|]*$)|\d{1,9} goroutines?(?: in state)?" + _BRACKET + rb":?[ \t\r|]*$)"
)
#: The header of a bucket of panicparse, and the first of its calls.
BUCKET: Final = re.compile(
    rb"(?m)" + _LEAD + _COLOUR + rb"\d{1,20}: [a-zA-Z?][^\n]{0,4096}\n" + _LEAD + rb"(?:[ \t]" + _COLOUR
    + rb"[^\s\x1b]{1,999}[ \t]{1,200}" + _COLOUR + rb"[^\s\x1b][^\n]{0,4096}?:\d{1,10}[ \t]{1,999}" + _COLOUR
    + rb"[^\s\x1b][^\n]{0,4096}\(|[ \t]\(\.\.\.\))"
)  # fmt: skip
#: Lines that may stand in a list: headers, calls, places, creators, elisions, blank ones.
_LINE: Final = re.compile(
    BEFORE.encode()
    + _COLOUR
    + rb"(?:goroutine \d{1,20} |\d{1,20}: |\d{1,9} goroutines?\b|created by |\.\.\."
    rb"|\(\.\.\.\)|\[originating |[^\s(][^\n]{0,65536}\([^()\n]{0,65536}\)" + _COLOUR + rb"[ \t\r|]*$"
    rb"|[^\n]{0,65536}:\d{1,10}(?: \+0x[0-9a-f]{1,16})?" + _COLOUR + rb"[ \t\r|]*$|[ \t\r|]*$)"
)  # fmt: skip
#: Why the process died, above the stacks; panicparse lets such lines through.
_CAUSE: Final = re.compile(rb"(?m)^[ \t>|]{0,40}(?:panic: |fatal error: |SIG[A-Z]{2,6}: )")
_MOST_ABOVE: Final = 4096


def spans(data: bytes) -> list[tuple[int, int]]:
    """Where lists stand: whole lines, ascending."""
    return [*_spans(data)]


def is_panicparse(data: bytes) -> bool:
    """Whether the list is panicparse's."""
    return BUCKET.search(data) is not None and GROUP.search(data) is None


def _spans(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    headers = iter(sorted({*(found.start() for found in (*GROUP.finditer(data), *BUCKET.finditer(data)))}))
    for begin in headers:
        if begin < at:
            continue
        end = _end(data, begin)
        yield _with_cause(data, at, begin), end
        at = end


def _end(data: bytes, begin: int) -> int:
    """Behind the last line of a list that is not blank."""
    at = end = begin
    while at < len(data):
        newline = data.find(b"\n", at)
        stop = newline if newline >= 0 else len(data)
        if not _LINE.match(data, at, stop):
            break
        if data[at:stop].strip():
            end = min(stop + 1, len(data))
        at = stop + 1
    return pasted.with_torn(data, end)


def _with_cause(data: bytes, at: int, begin: int) -> int:
    """The beginning with the cause of death above it."""
    low = max(at, begin - _MOST_ABOVE)
    found = _CAUSE.search(data, low, begin)
    if found is None or (found.start() and data[found.start() - 1 : found.start()] != b"\n"):
        return begin
    return found.start()
