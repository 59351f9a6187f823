"""The text around goroutines: causes of death, thread separators, register dumps, other text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["cause", "thread", "text"]

#: A line that looks like a goroutine header, by the loosest reading: loss accounting counts these.
HEADER_LIKE: Final = re.compile(r"goroutine \d+ .*\[")
HEADER_LIKE_BYTES: Final = re.compile(rb"(?m)^goroutine \d+ [^\n]*\[")

#: The same below another line: an expression that begins with a literal is found several times as fast.
HEADER_BELOW_BYTES: Final = re.compile(rb"\ngoroutine \d+ [^\n]*\[")

#: The beginning of a counted profile, which is another format's.
COUNTED: Final = re.compile(rb"(?m)^goroutine(?:leak)? profile: total \d+\r?\n(?=\d+ @)")

#: How the runtime begins to say why it prints stacks (runtime/panic.go, runtime/signal_unix.go, testing).
_CAUSE: Final = re.compile(
    r"(?:.*\bpanic serving .*|panic: .*|fatal error: .*|SIG[A-Z0-9]+: .*|Signal \d+|Exception 0x[0-9a-f]+ .*"
    r"|runtime: out of memory.*|runtime: goroutine stack exceeds .*)\Z",
    re.DOTALL,
)
#: How each but the first of these begins: most lines are none, and finding that out is dear for an expression.
_CAUSES: Final = ("panic: ", "fatal error: ", "SIG", "Signal ", "Exception 0x", "runtime: ")
#: What people and wrappers leave in front of a pasted message.
_BEFORE: Final = re.compile(r"(?:[`'\">]{1,8} ?|[Ee]rror: |[\w.-]{1,100}\.exe : )(?=(?:panic|fatal error): )")
_REGISTER: Final = re.compile(r"[a-z][a-z0-9]{0,7}\s+0x[0-9a-f]*(?:\t[a-z][a-z0-9]{0,7}\s+0x[0-9a-f]*)?\Z")
_CAUSE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """A line between goroutines: why the process died (``cause``), the separator that GOTRACEBACK=crash prints between
    threads (``thread``), any other text (``text``)."""

    line: int
    kind: Kind
    text: str


def mark(line: str, number: int) -> Mark | None:
    """The mark in a line, if it is a separator or a cause."""
    if line == "-----":
        return Mark(number, "thread", line)
    text = without_lead(line)
    if not text.startswith(_CAUSES) and "panic serving " not in text:
        return None
    return Mark(number, "cause", text[:_CAUSE_LENGTH]) if _CAUSE.match(text) else None


def without_lead(line: str) -> str:
    """A line without a quote or ``Error: `` in front of the runtime's message."""
    found = _BEFORE.match(line) if "panic: " in line or "fatal error: " in line else None
    return line if found is None else line[found.end() :]


def is_register(line: str, *, within: bool) -> bool:
    """Whether the line belongs to the register dump that ends a crash; ``within`` one, a name alone does (a cut)."""
    return _REGISTER.match(line) is not None or (within and line.isalnum() and len(line) <= 8)


_ANY_HEADER: Final = rb"(?m)^[ \t]*(?:<pre[^>\n]*>)?goroutine \d+ [^\n]*\["
_CRASH: Final = rb"(?m)^(?:panic: |fatal error: |runtime stack:$|\[signal |SIG(?:QUIT|ABRT|SEGV|ILL|BUS|FPE|TRAP): )"


#: A header that somebody retyped, with a frame below: without one it is prose about a goroutine.
_RETYPED: Final = (
    rb"(?mi)^[ \t>*_`#+-]{0,20}(?:\d{1,3}[.)][ \t])?[*_`]{0,3}goroutine[ \t]*#?"
    rb"(?:\d{1,20}|[a-z?#*_]{1,12}|<[^>\n]{1,20}>)?[ \t]*(?:[\[(]|:[ \t]*|-[ \t]+)"
    rb"(?:chan |select|sync\.|IO wait|semacquire|sleep|running|runnable|syscall)"
    rb"(?![^\n]{0,400}created at)[^\n]{0,400}\n"
    rb"(?:[ \t>]*(?:[`~]{3,8}[\w-]{0,20}[ \t]*)?\n){0,2}[^\n]{0,40}?[\w)]\.[\w(]"
)
#: A whole stack below a header that other text began: ``log.Printf("stack: %s", debug.Stack())``.
_BEHIND_TEXT: Final = (
    rb"(?m)[ \t:=]goroutine \d{1,20} \[[^\[\]\n]{1,200}\]:[ \t\r]*\n[^\s\n][^\n]{0,1000}\)[ \t\r]*\n"
    rb"[ \t]+[^\n]{1,1000}:\d{1,10}(?: \+0x[0-9a-f]{1,16})?[ \t\r]*$"
)


def claims(data: bytes) -> bool:
    """Whether the bytes hold a goroutine header at the beginning of a line, or a crash that printed no goroutine."""
    # A dump has a header: the others are compiled where none is found.
    return any(re.search(pattern, data) for pattern in (_ANY_HEADER, _CRASH, _RETYPED, _BEHIND_TEXT))
