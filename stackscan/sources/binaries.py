"""Detects binary files that hold no dump by their first bytes, so that a core file of many GB is refused unread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError

#: Bytes at the beginning of a file that are enough to detect it.
PEEK: Final = 512

_DELVE: Final = "--allow-non-terminal-interactive=true > goroutines.txt"
_CORE_HINT: Final = (
    f"Let Delve print its goroutines: echo 'goroutines -t 100' | TERM=dumb dlv core ./BINARY CORE {_DELVE}"
)
_ATTACH_HINT: Final = f"Ask the running process: echo 'goroutines -t 100' | TERM=dumb dlv attach PID {_DELVE}"
_PROGRAM_HINT: Final = (
    "A program on disk has no goroutines. Ask the running process: curl -o goroutines.stacks "
    "'http://HOST:PORT/debug/pprof/goroutine?debug=2', or send it SIGQUIT and keep what it prints."
)
_TEXT_HINT: Final = (
    "Take the full text instead: curl -o goroutines.stacks 'http://HOST:PORT/debug/pprof/goroutine?debug=2'"
)
_GO_ONLY: Final = "stackscan reads goroutine dumps of Go programs. " + _TEXT_HINT


@dataclass(frozen=True, slots=True)
class Binary:
    """A kind of binary file: its name, what a list of members says where it is skipped
    unread, and what to do.

    ``known``: it is a capture of a process, of a kind that is not read. ``large``: it may have many GB, and is refused
    by its first bytes alone.
    """

    name: str
    note: str = ""
    hint: str | None = None
    known: bool = False
    large: bool = False


def _core(name: str, hint: str = _CORE_HINT) -> Binary:
    return Binary(name, "a core file", hint, known=True, large=True)


def _program(name: str) -> Binary:
    return Binary(name, "a program", _PROGRAM_HINT, large=True)


def _capture(name: str, hint: str) -> Binary:
    return Binary(name, hint=hint, known=True, large=True)


#: First bytes → what it is.
_MAGIC: Final[tuple[tuple[bytes, Binary], ...]] = (
    (b"MZ", _program("a Windows program")),
    (b"\xca\xfe\xba\xbe", _program("a macOS program")),
    (b"MDMP", _core("a Windows minidump", _CORE_HINT.replace("./BINARY CORE", "PROGRAM.exe FILE"))),
    (b"PERFILE2", _capture("a recording of Linux perf", "It has samples of CPU use. " + _TEXT_HINT)),
    (b"FLR\0", _capture("a recording of the Java Flight Recorder", _GO_ONLY)),
    (b"JAVA PROFILE 1.0", _capture("a heap dump of Java", _GO_ONLY)),
    (b"Nettrace", _capture("a trace of .NET", _GO_ONLY)),
    (b"\x89PNG", Binary("a PNG picture")),
    (b"\xff\xd8\xff", Binary("a JPEG picture")),
    (b"GIF8", Binary("a GIF picture")),
    (b"%PDF", Binary("a PDF document")),
    (b"SQLite format 3", Binary("an SQLite database")),
    (b"PAR1", Binary("a Parquet file")),
    (b"ARROW1", Binary("an Arrow file")),
)
_TRACE: Final = re.compile(rb"go 1\.\d{1,3} trace\0")
_EXECUTION_TRACE: Final = Binary(
    "a Go execution trace",
    hint="It has events over a time, not stacks at one moment; go tool trace FILE shows it. " + _TEXT_HINT,
    known=True,
    large=True,
)
_ELF: Final = b"\x7fELF"
_MACH_O: Final = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
#: e_type of ELF: relocatable, executable, shared (also position-independent programs), core.
_ELF_KINDS: Final = {1: _program("an ELF object file"), 4: _core("a core file (ELF)")}
_MACH_O_CORE: Final = 4


def recognise(head: bytes) -> Binary | None:
    """What a file is that begins with these bytes; None for texts, profiles, archives and what is not known."""
    if head.startswith(_ELF):
        kind = int.from_bytes(head[16:18], "big" if head[5:6] == b"\2" else "little")
        return _ELF_KINDS.get(kind, _program("an ELF program"))
    if head.startswith(_MACH_O):
        kind = int.from_bytes(head[12:16], "little")
        return _core("a core file of macOS", _ATTACH_HINT) if kind == _MACH_O_CORE else _program("a macOS program")
    if _TRACE.match(head):
        return _EXECUTION_TRACE
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def large(head: bytes) -> Binary | None:
    """The same for what is not read to its end. It holds zeros, unlike a text that begins with the same letters."""
    found = recognise(head) if b"\0" in head else None
    return found if found is not None and found.large else None


def refuse(kind: Binary, *, where: str) -> None:
    """Raise the error for a binary file."""
    error = UnsupportedFormatError if kind.known else UnrecognisedFormatError
    raise error(f"{where} is {kind.name}, not a goroutine dump", hint=kind.hint)


def refuse_large(head: bytes, *, where: str) -> None:
    """Raise for what is no dump by its first bytes and may be large."""
    found = large(head)
    if found is not None:
        refuse(found, where=where)
