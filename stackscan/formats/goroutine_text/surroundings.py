"""The text around goroutines: what the process said as it died, and what is only noise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["cause", "thread", "text"]

#: A line that looks like a goroutine header, by the loosest reading: loss accounting counts these.
HEADER_LIKE: Final = re.compile(r"goroutine \d+ .*\[")
HEADER_LIKE_BYTES: Final = re.compile(rb"(?m)^goroutine \d+ [^\n]*\[")

#: The beginning of a counted profile, which is another format's.
COUNTED: Final = re.compile(rb"(?m)^goroutine(?:leak)? profile: total \d+\r?\n(?=\d+ @)")

#: How the runtime begins to say why it prints stacks (runtime/panic.go, runtime/signal_unix.go, testing).
_CAUSE: Final = re.compile(
    r"(?:.*\bpanic serving .*|panic: .*|fatal error: .*|SIG[A-Z0-9]+: .*|Signal \d+|Exception 0x[0-9a-f]+ .*"
    r"|runtime: out of memory.*|runtime: goroutine stack exceeds .*)\Z",
    re.DOTALL,
)
_REGISTER: Final = re.compile(r"[a-z][a-z0-9]{0,7}\s+0x[0-9a-f]*(?:\t[a-z][a-z0-9]{0,7}\s+0x[0-9a-f]*)?\Z")
_CAUSE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A line that stands between goroutines and means something: why the process died (``cause``), the rule that
    GOTRACEBACK=crash prints before it lists the next thread (``thread``), any other text (``text``)."""

    line: int
    kind: Kind
    text: str


def is_header_like(line: str) -> bool:
    """Whether the line looks like a goroutine header."""
    return HEADER_LIKE.match(line) is not None


def mark(line: str, number: int) -> Mark | None:
    """The mark that a line is, if it is one."""
    if line == "-----":
        return Mark(number, "thread", line)
    if _CAUSE.match(line):
        return Mark(number, "cause", line[:_CAUSE_LENGTH])
    return None


def is_register(line: str, *, within: bool) -> bool:
    """Whether the line belongs to the register dump that ends a crash; ``within`` one, a name alone does (a cut)."""
    return _REGISTER.match(line) is not None or (within and line.isalnum() and len(line) <= 8)


_ANY_HEADER: Final = re.compile(rb"(?m)^[ \t]*(?:<pre[^>\n]*>)?goroutine \d+ [^\n]*\[")
_CRASH: Final = re.compile(
    rb"(?m)^(?:panic: |fatal error: |runtime stack:$|\[signal |SIG(?:QUIT|ABRT|SEGV|ILL|BUS|FPE|TRAP): )"
)


def claims(data: bytes) -> bool:
    """Whether the bytes hold a goroutine header at the beginning of a line, or a crash that printed no goroutine."""
    return _ANY_HEADER.search(data) is not None or _CRASH.search(data) is not None
