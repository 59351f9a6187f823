"""The process's last message: the lines between the cause of its death and its first goroutine."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from stackscan.formats.goroutine_text.reading import Text
from stackscan.formats.goroutine_text.surroundings import without_lead

#: Lines of a message that are kept, and characters of each.
MOST_LINES: Final = 64
LONGEST: Final = 200
#: Lines between two causes, or above the first, that may still be one message.
_REACH: Final = 80
#: Lines that a message may have, kept or not.
_FARTHEST: Final = 10_000
#: Lines of other writers that may stand between a message and its goroutines. The runtime stops all goroutines before
#: it prints: more text means that the process went on, and the dump has another reason.
_FOREIGN: Final = 8

#: What the runtime prints before the cause itself (runtime/panic.go, stack.go, malloc.go, proc.go, mbitmap.go, cgo).
_LEAD: Final = re.compile(r"runtime: |runtime/cgo: |unexpected fault address |fatal: |acquirep: |span set block ")
#: What it prints after the cause, also below a blank line.
_GOES_ON: Final = re.compile(
    r"\t|\[signal |PC=0x|signal arrived during |instruction bytes: |panic: |fatal error: |panic during panic"
    r"|[ ]*running tests:\Z|[ ]*Test\S* \([0-9.hmsµn]+\)\Z|\[recovered"
)
#: What says something of its own inside the section of the scheduler's stack.
_IN_RUNTIME: Final = re.compile(r"runtime: unexpected return pc for ")
#: Frames of the scheduler's stack without that section's heading, and lines of GODEBUG=schedtrace and gctrace.
_NOISE: Final = re.compile(r"[\w./*()]+\(.*\)\Z|SCHED |\s+[PMG]\d+: |gc \d+ @|scvg|exit status |0x[0-9a-f]{8,}: ")


def read_message(text: Text, causes: Sequence[int], header: int | None) -> tuple[int, tuple[str, ...]]:
    """The message that ends in front of a dump's first goroutine, and the line of its cause.

    ``causes`` are the 1-based lines of all causes in the dump's part of the text, ``header`` is the line of its first
    goroutine (None: it has none). Without a message of its own, the line is 0 and the message empty.
    """
    above = causes if header is None else causes[: bisect_left(causes, header)]
    if not above:
        return 0, ()
    low = max(above[-1] - _REACH, 1)
    lines = _lines(text, low, above[-1] + 2 * _REACH if header is None else min(header, above[-1] + _FARTHEST))
    if header is not None and low + len(lines) < header:
        return 0, ()
    first = _first_cause(lines, [line - low for line in above if line >= low])
    lines[first] = without_lead(lines[first])
    body = lines[first:]
    if header is not None and _foreign(body) > _FOREIGN:
        return 0, ()
    lead = _lead(lines, first)
    return low + first, tuple(line[:LONGEST] for line in [*lead, *_own(body)][:MOST_LINES])


def _first_cause(lines: Sequence[str], causes: Sequence[int]) -> int:
    """The first of the causes that stand together in front of the goroutines (by index into ``lines``)."""
    first = causes[-1]
    for cause in reversed(causes[:-1]):
        if not all(_belongs(line) for line in lines[cause:first]):
            break
        first = cause
    return first


def _belongs(line: str) -> bool:
    return not line or _GOES_ON.match(line) is not None or _LEAD.match(line) is not None


def _lead(lines: Sequence[str], first: int) -> list[str]:
    """The runtime's lines directly above a cause; a stack of the scheduler may stand between them."""
    found: list[str] = []
    for line in reversed(lines[:first]):
        if _LEAD.match(line):
            found.insert(0, line)
        elif not (line.startswith("\t") or line.endswith(")")):
            break
    return found


def _own(lines: Sequence[str]) -> Iterator[str]:
    """The lines of the message among those from its cause on."""
    going, skipping = True, False
    for line in lines:
        text = line.rstrip()
        if not text:
            going &= line.startswith("\t")  # an empty line of a message keeps its tab
            skipping = False
        elif text == "runtime stack:":
            going, skipping = False, True
        elif _IN_RUNTIME.match(text) or (not skipping and (going or _GOES_ON.match(text))):
            yield text


def _foreign(lines: Sequence[str]) -> int:
    """How many lines below the message are another writer's."""
    count, going, skipping = 0, True, False
    for line in lines:
        if not line.strip():
            going &= line.startswith("\t")
            skipping = False
        elif line == "runtime stack:":
            skipping, going = True, False
        else:
            count += not (going or skipping or _belongs(line) or _NOISE.match(line))
    return count


def _lines(text: Text, first: int, end: int) -> list[str]:
    """The lines from ``first`` up to before ``end`` (1-based), as far as there are any."""
    data, at = text.data, text.offset(first)
    found: list[str] = []
    while len(found) < end - first and at < len(data):
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        found.append(data[at : min(stop, at + 4 * LONGEST)].decode(errors="replace").rstrip("\r\0"))
        at = stop + 1
    return found
