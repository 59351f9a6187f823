"""Errors for input that is no goroutine dump: what it is instead, and what to do."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError

_PROBE: Final = 4096
_SEARCH: Final = 16 << 20  # bytes searched for headers behind a prefix

#: First bytes → what it is.
_MAGIC: Final = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
)
#: First bytes → a kind of capture that this version does not read, and what to take instead.
_UNSUPPORTED: Final = (
    (b"PK\x03\x04", "a zip archive", "Unpack it and give the goroutine dump inside (goroutines.stacks)."),
    (b"BZh", "a bzip2 file", "Decompress it first: bzip2 -dc FILE | stackscan report -"),
    (b"\xfd7zXZ", "an xz file", "Decompress it first: xz -dc FILE | stackscan report -"),
)
_FULL_TEXT_HINT: Final = (
    "Take the full text instead: curl -o goroutines.stacks 'http://HOST:PORT/debug/pprof/goroutine?debug=2'"
)
#: Counted text of another profile than goroutine and goroutineleak: threadcreate, or a program's own.
_COUNTED: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?+(?!goroutine(?:leak)? )([^\s:]{1,80}) profile: total \d+")
_OTHER_PROFILE: Final = re.compile(rb"\A(?:heap profile: |--- (?:contention|mutex|block|heap))")
_TRACE: Final = re.compile(rb"\Ago 1\.\d+ trace\0")
_RACE: Final = re.compile(rb"(?m)^WARNING: DATA RACE$")
_HIDDEN_HEADER: Final = re.compile(rb"(?m)^([^\n]{1,200}?)goroutine \d+ [^\n]{0,200}?\[[a-zA-Z]")
_HTML: Final = re.compile(rb"\A\s*<(?:!doctype html|html)", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a]")
_PANICPARSE: Final = b"maruel/panicparse"
_PPROF_INDEX: Final = b"/debug/pprof"


def refuse_programs(data: bytes, *, where: str) -> None:
    """Raise for an empty input and for known binary files, before any reader spends time on them."""
    head = data[:_PROBE]
    if not head.strip() and not data.strip():
        raise UnrecognisedFormatError(f"{where} is empty")
    if _CONTROL.search(head):
        _refuse_magic(head, where)


def _refuse_known_kinds(data: bytes, *, where: str) -> None:
    """Raise for known kinds of file; not before all formats were tried, since a log may begin like anything."""
    head = data[:_PROBE]
    _refuse_magic(head, where)
    counted = _COUNTED.match(head)
    if counted:
        kind = counted[1].decode("utf-8", "replace")
        raise UnsupportedFormatError(f"{where} is a {kind} profile, not a goroutine profile", hint=_FULL_TEXT_HINT)
    if _OTHER_PROFILE.match(head):
        raise UnsupportedFormatError(f"{where} is not a goroutine profile", hint=_FULL_TEXT_HINT)
    if _TRACE.match(head):
        raise UnsupportedFormatError(f"{where} is a Go execution trace", hint=_FULL_TEXT_HINT)
    if head[257:262] == b"ustar":
        raise UnsupportedFormatError(
            f"{where} is a damaged tar archive",
            hint="Unpack it and give the goroutine dump inside (goroutines.stacks).",
        )


def _refuse_magic(head: bytes, where: str) -> None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise UnrecognisedFormatError(f"{where} is {kind}, not a goroutine dump")
    for magic, kind, hint in _UNSUPPORTED:
        if head.startswith(magic):
            raise UnsupportedFormatError(f"{where} is {kind}, which stackscan does not read", hint=hint)


def refuse_unknown(data: bytes, *, where: str) -> NoReturn:
    """Raise the most precise error for bytes that no format claims."""
    _refuse_known_kinds(data, where=where)
    if _HTML.match(data[:_PROBE]):
        hint = "This is a web page. " + _FULL_TEXT_HINT if _PPROF_INDEX in data else None
        if _PANICPARSE in data[:_SEARCH]:
            hint = (
                "panicparse wrote this page: give the dump that it read, or what `pp -full-path` prints without -html"
            )
        raise UnrecognisedFormatError(f"{where} is an HTML page, not a goroutine dump", hint=hint)
    refuse_wrapped(data, where=where)
    if _RACE.search(data, 0, _SEARCH):
        raise UnsupportedFormatError(
            f"{where} contains reports of the race detector, not a goroutine dump", hint="Read them as they are."
        )
    if _CONTROL.search(data[:_PROBE]):
        raise UnrecognisedFormatError(f"{where} is binary data, not a goroutine dump")
    raise UnrecognisedFormatError(f"{where}: no goroutine header in it (a line such as 'goroutine 7 [select]:')")


def refuse_wrapped(data: bytes, *, where: str) -> None:
    """Raise for a dump whose lines a logger prefixed."""
    hidden = _HIDDEN_HEADER.search(data, 0, _SEARCH)
    if hidden is None:
        return
    count = len(_HIDDEN_HEADER.findall(data, 0, _SEARCH))
    line = data.count(b"\n", 0, hidden.start()) + 1
    prefix = hidden[1].decode("utf-8", "replace")
    excerpt = prefix if len(prefix) <= 60 else prefix[:57] + "…"
    lines = "one line looks" if count == 1 else f"{count} lines look"
    raise UnsupportedFormatError(
        f"{where}: {lines} like a goroutine header after other text (first at line {line}: {excerpt!r})",
        hint="A logger wrapped this dump. First remove what it put before each line, for example with sed or jq.",
    )
