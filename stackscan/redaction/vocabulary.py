"""Public names and texts: Go's standard library, well-known modules, the runtime's own messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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
_FATAL: Final = (
    r"all goroutines are asleep - deadlock!|concurrent map (?:writes|(?:read|iteration|clone) and map write)"
    r"|sync: [a-zA-Z ]+|unexpected signal during runtime execution|fault|stack overflow|out of memory|newosproc"
    r"|thread exhaustion|unknown caller pc|found bad pointer in Go heap[a-zA-Z ?()]*"
    r"|no goroutines \(main called runtime\.Goexit\) - deadlock!"
)
_RUNTIME_ERROR: Final = (
    r"invalid memory address or nil pointer dereference|integer divide by zero|negative shift amount"
    r"|make(?:slice|chan): [a-z ]+ out of range|growslice: len out of range"
    r"|index out of range(?: \[-?\d+\](?: with length \d+)?)?"
    r"|slice bounds out of range(?: \[[\d:-]+\](?: with (?:length|capacity) \d+)?)?"
)
_PANIC: Final = (
    r"close of (?:closed|nil) channel|send on closed channel|assignment to entry in nil map|nil"
    r"|test timed out after [0-9hms.]+|sync: (?:negative WaitGroup counter|WaitGroup [a-zA-Z :]+)"
    r"|panic called with nil argument(?: \(use GODEBUG=panicnil=1 to disable\))?|unaligned 64-bit atomic operation"
    r"|deadlock: (?:all goroutines in bubble are blocked"
    r"|main bubble goroutine has exited but blocked goroutines remain)"
    rf"|runtime error: (?:{_RUNTIME_ERROR})"
)
_CAUSES: Final = re.compile(
    rf"SIG[A-Z0-9]+: [a-z /]+|fatal error: (?:{_FATAL})|panic: (?:{_PANIC})(?: \[recovered(?:, repanicked)?\])?"
)
#: Other lines of a message that the runtime writes itself. Addresses of code are left out: they identify a build.
_SAYINGS: Final = re.compile(
    r"\[signal SIG[A-Z0-9]+: [a-z /]+ code=0x[0-9a-f]+ addr=0x[0-9a-f]+\]|m=\d+ sigcode=\d+(?: addr=0x[0-9a-f]+)?"
    r"|signal arrived during (?:cgo|external code) execution|[ \t]+running tests:|unexpected fault address 0x[0-9a-f]+"
    r"|runtime: (?:goroutine stack exceeds \d+-byte limit|program exceeds \d+-thread limit|morestack on g0"
    r"|out of memory: cannot allocate \d+-byte block \(\d+ in use\)"
    r"|failed to create new OS thread \(have \d+ already; errno=\d+\))"
    r"|\*\*\* Test killed with quit: ran too long \([0-9hms.]+\)\."
)
_CODE_ADDRESS: Final = re.compile(r" pc=0x[0-9a-f]+(?=\])|^PC=0x[0-9a-f]+ ")
_LISTED_TEST: Final = re.compile(r"([ \t]+)(\S.*?)( \([0-9.hmsµn]+\))")
_NESTED: Final = re.compile(r"([ \t]+)(panic: .*)")
_SERVING: Final = re.compile(r".*\bpanic serving \S+: (.*)")
#: Of a cause that may hold anything: what kind it is (the verdict depends on it).
_KINDS: Final = re.compile(
    r"SIG[A-Z0-9]+(?=:)|panic: (?:interface conversion|runtime error)|panic(?=:)|fatal error(?=:)"
    r"|runtime: (?:out of memory|goroutine stack exceeds)|Signal \d+|Exception 0x[0-9a-f]+"
)
_ATTRIBUTES: Final = re.compile(r"\((?:durable|scan|leaked)\)|synctest (?:bubble|group) \d+")
_SERVED: Final = "http: panic serving (redacted)"
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
    if text is None or _CAUSES.fullmatch(text) or _SAYINGS.fullmatch(text):
        return text
    if "panic serving" in text:  # net/http writes a time and an address before, and the value behind
        value = _SERVING.match(text)
        said = None if value is None else cause(f"panic: {value[1]}")
        known = said is not None and not said.endswith("(redacted)")
        return f"http: panic serving (redacted){said.removeprefix('panic')}" if said and known else _SERVED
    kind = _KINDS.match(text)
    return f"{kind[0] if kind else 'cause'}: (redacted)"


def message(lines: Iterable[str], name: Callable[[str], str]) -> tuple[str, ...]:
    """The lines of a process's last message, each without words of the program's own; ``name`` hides the name of a
    test."""
    return tuple(_message_line(line, name) for line in lines)


def _message_line(line: str, name: Callable[[str], str]) -> str:
    plain = _CODE_ADDRESS.sub(lambda match: "PC=0x0 " if match[0].startswith("PC") else "", line)
    if _SAYINGS.fullmatch(plain.removeprefix("PC=0x0 ")):
        return plain
    if (test := _LISTED_TEST.fullmatch(line)) is not None:
        return f"{test[1]}{name(test[2])}{test[3]}"
    if (nested := _NESTED.fullmatch(line)) is not None:
        return f"{nested[1]}{cause(nested[2])}"
    if _CAUSES.fullmatch(line) or _KINDS.match(line) or "panic serving" in line:
        return cause(line) or ""
    return "(redacted)"


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
