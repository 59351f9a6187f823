"""Public names and texts: Go's standard library, well-known modules, the runtime's own messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
#: Functions without a package that the runtime and cgo have in every program.
BARE: Final = frozenset({"panic", "goexit", "gopanic", "crosscall2", "asmcgocall", "cgocallback", "kickoff"})
#: Names of members that kubo's `ipfs diag profile` and collect-profiles.sh write.
_MEMBERS: Final = re.compile(
    r"\(end\)|version\.json|ipfs|trace"
    r"|(?:goroutines?|heap|allocs|mutex|block|cpu|threadcreate)\.(?:stacks(?:\.full)?|pprof|txt|svg|pb\.gz)"
    r"|goroutine\.debug[0-2](?:-\d+)?\.(?:txt(?:\.gz)?|pb\.gz)|stack(?:-\d+)?\.txt(?:\.gz)?"
)
#: Why a process died, in words that hold nothing of the program's own.
_CAUSES: Final = re.compile(
    r"SIG[A-Z0-9]+: [a-z /]+"
    r"|fatal error: (?:all goroutines are asleep - deadlock!|concurrent map (?:writes|read and map write"
    r"|iteration and map write)|sync: [a-zA-Z ]+|unexpected signal during runtime execution|fault|stack overflow"
    r"|out of memory|no goroutines \(main called runtime\.Goexit\) - deadlock!)"
    r"|panic: (?:close of closed channel|close of nil channel|send on closed channel|assignment to entry in nil map"
    r"|test timed out after [0-9hms.]+|sync: negative WaitGroup counter"
    r"|runtime error: (?:invalid memory address or nil pointer dereference|integer divide by zero"
    r"|index out of range(?: \[-?\d+\](?: with length \d+)?)?|slice bounds out of range[ \[\]:\d]*))"
)
#: Of a cause that may hold anything: what kind it is (the verdict depends on it).
_KINDS: Final = re.compile(
    r"SIG[A-Z0-9]+(?=:)|panic(?=:)|fatal error(?=:)|runtime: out of memory|runtime: goroutine stack exceeds|Signal \d+"
    r"|Exception 0x[0-9a-f]+"
)
_ATTRIBUTES: Final = re.compile(r"\((?:durable|scan|leaked)\)|synctest (?:bubble|group) \d+")
#: A kubo release as releases are called; a build of one's own may be called anything.
_VERSION: Final = re.compile(r"v?\d+\.\d+\.\d+(?:-rc\d+|-dev)?|go\d+\.\d+(?:\.\d+)?(?:rc\d+)?|[a-z0-9]+/[a-z0-9]+|\d+")


@cache
def _lines(name: str) -> frozenset[str]:
    text = (_HERE / f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_standard(package: str) -> bool:
    """Whether the package is the standard library's, by its whole path: ``internal/billing`` is not."""
    return package in _lines("standard-library")


def is_public(package: str, kept: Iterable[str] = ()) -> bool:
    """Whether anyone can read the package's source: a well-known module's, or one below the prefixes to be kept."""
    return _below(package, _lines("public-modules")) or _below(package, frozenset(kept))


def _below(package: str, prefixes: frozenset[str]) -> bool:
    parts = package.split("/")
    return any("/".join(parts[:length]) in prefixes for length in range(len(parts), 0, -1))


def wait_reason(text: str | None) -> str | None:
    """A wait reason that the runtime has; any other text is ``other``."""
    return text if text is None or text in _lines("wait-reasons") else "other"


def attributes(text: str | None) -> str | None:
    """What is known of the rest of a goroutine's header."""
    kept = [part for part in (text or "").split(", ") if _ATTRIBUTES.fullmatch(part)]
    return ", ".join(kept) or None


def cause(text: str | None) -> str | None:
    """Why the process died, without words of its own: ``panic: (redacted)``."""
    if text is None or _CAUSES.fullmatch(text):
        return text
    if "panic serving" in text:  # net/http writes a time and an address before, and the value behind
        return "http: panic serving (redacted)"
    kind = _KINDS.match(text)
    return f"{kind[0] if kind else 'cause'}: (redacted)"


def member(name: str) -> bool:
    """Whether a file's name is one that everybody's bundle has."""
    return _MEMBERS.fullmatch(name) is not None


def version(text: str) -> bool:
    """Whether a word of version.json is a release, a platform or a number."""
    return _VERSION.fullmatch(text) is not None


def release(text: str) -> str | None:
    """``0.41.0-acme`` → ``0.41.0``."""
    match = re.match(r"v?\d+\.\d+\.\d+(?:-rc\d+|-dev)?", text)
    return match[0] if match else None
