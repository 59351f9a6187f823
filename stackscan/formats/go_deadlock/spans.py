"""Where the reports of go-deadlock stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from stackscan.formats import pasted
from stackscan.formats.pasted import Span

MARKS: Final = (b"POTENTIAL DEADLOCK:",)
_FIRST: Final = re.compile(rb"POTENTIAL DEADLOCK:(?: Inconsistent locking| Recursive locking| Duplicate locking|\Z)")
#: What the line below the first one begins with: words about such a report are none.
_SECOND: Final = re.compile(rb"happened before\Z|current goroutine \d|Previous place where the lock was grabbed")
_HEAD: Final = re.compile(
    rb"(?:in another goroutine: )?happened before\Z|happene?d after\Z|(?:current )?goroutine \d{1,19} lock\b"
    rb"|Previous place where the lock was grabbed|Have been trying to lock it again for more than "
    rb"|Other goroutines holding locks:|all callers to this lock in the goroutine"
)
_SITE: Final = re.compile(rb":-?\d{1,10} \S+ (?:\?\?\?|\{)|(?:\?\?\?|\})(?: <<<<<)?\Z")
_ONE: Final = re.compile(rb"Here is what goroutine \d{1,19} doing now")
_MANY: Final = b"All current goroutines:"
_HEADER: Final = re.compile(rb"goroutine \d{1,20} [^\n\[]{0,120}\[")
_STACK: Final = re.compile(rb"created by |\[originating from |\.\.\.[^\n]{0,20}frames elided|pc=0x|non-Go function")
_CALL_OR_PLACE: Final = re.compile(
    rb"\A[^\s-][^\n]*\)\Z|:-?\d{1,10}(?: \+0x[0-9a-f]{1,16})?(?: [fp][pc]=0x[^\n]{1,90})?\Z"
)
_OTHERS: Final = re.compile(rb"(?:panic|fatal error|SIGQUIT): |--- |=== |FAIL|ok  |exit status ")
_OTHER: Final = re.compile(rb"oroutine \d")


def spans(data: bytes) -> list[Span]:
    """The reports of a text; those that follow each other are one list."""
    return pasted.joined(data, _reports(data), _OTHER)


def _reports(data: bytes) -> Iterator[Span]:
    done = 0
    for begin, end in pasted.heads(data, MARKS[0]):
        if (
            begin < done
            or not _FIRST.match(pasted.look(data, begin, end))
            or not pasted.follows(data, end, _SECOND, lines=3)
        ):
            continue
        done = pasted.extent(data, end, _Own())
        yield begin, done


class _Own:
    """Whether the next line belongs to the report; goroutines do only where it says that it quotes them."""

    def __init__(self) -> None:
        self._quotes = 0  # goroutines that may still come

    def __call__(self, line: bytes) -> bool | None:
        if MARKS[0] in line or _OTHERS.match(line):
            return None
        if _ONE.match(line):
            self._quotes = 1
        elif line == _MANY:
            self._quotes = 1 << 62
        elif _HEAD.match(line):
            self._quotes = 0
        elif _HEADER.match(line):
            self._quotes -= 1
            return True if self._quotes >= 0 else None
        else:
            return any(one.search(line) for one in (_SITE, _CALL_OR_PLACE)) or _STACK.match(line) is not None
        return True
