"""Raises the most precise error for bytes that hold no dump."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError
from stackscan.formats import profile_kinds
from stackscan.formats.refusals import hints, sums, texts
from stackscan.formats.refusals.programs import CONTROL, PROBE, refuse_magic

_SEARCH: Final = 16 << 20  # bytes searched for headers behind a prefix
#: Counted text of another profile than goroutine and goroutineleak: threadcreate, or a program's own.
_COUNTED: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?+(?!goroutine(?:leak)? )([^\s:]{1,80}) profile: total \d+")
_HIDDEN_HEADER: Final = re.compile(rb"(?m)^([^\n]{1,200}?)goroutine \d+ (?:gp=[^\n\[]{1,200})?\[[a-zA-Z]")
_HTML: Final = re.compile(rb"\A\s*<(?:!doctype html|html)", re.IGNORECASE)
_PANICPARSE: Final = b"maruel/panicparse"
_PPROF_INDEX: Final = b"/debug/pprof"
#: The kind that -raw and -traces of pprof name.
_PPROF_KIND: Final = re.compile(
    rb"(?m)^[ \t>]{0,40}(?:"
    rb"Type: (\w{1,40})\r?\n(?:[^\n]{0,400}\n){0,9}[ \t>]{0,40}-{11}\+-{20}|PeriodType: (\w{1,40}) \w)"
)


def _refuse_known_kinds(data: bytes, *, where: str) -> None:
    """Raise for known kinds of file; not before all formats were tried, since a log may begin like anything."""
    head = data[:PROBE]
    refuse_magic(head, where)
    counted = _COUNTED.match(head)
    if counted:
        kind = counted[1].decode("utf-8", "replace")
        raise UnsupportedFormatError(f"{where} is a {kind} profile, not a goroutine profile", hint=hints.TEXT)
    if head[257:262] == b"ustar":
        raise UnsupportedFormatError(
            f"{where} is a damaged tar archive",
            hint="Unpack it and give the goroutine dump inside (goroutines.stacks).",
        )


def refuse_unknown(data: bytes, *, where: str) -> NoReturn:
    """Raise the most precise error for bytes that no format claims."""
    _refuse_known_kinds(data, where=where)
    if _HTML.match(data[:PROBE]):
        hint = "This is a web page. " + hints.TEXT if _PPROF_INDEX in data else None
        if _PANICPARSE in data[:_SEARCH]:
            hint = "panicparse wrote this page: give the dump that it read, or what `pp -full-path` prints"
        raise UnrecognisedFormatError(f"{where} is an HTML page, not a goroutine dump", hint=hint)
    refuse_wrapped(data, where=where)
    sums.refuse(data, where=where)
    _refuse_pprof(data, where=where)
    found = texts.recognise(data)
    if found is not None:
        text, at = found
        verb = "is" if at < PROBE else "contains"
        raise UnsupportedFormatError(f"{where} {verb} {text.name}, not a goroutine dump", hint=text.hint)
    if CONTROL.search(data[:PROBE]):
        raise UnrecognisedFormatError(f"{where} is binary data, not a goroutine dump")
    raise UnrecognisedFormatError(f"{where}: no goroutine header in it (a line such as 'goroutine 7 [select]:')")


def _refuse_pprof(data: bytes, *, where: str) -> None:
    """Raise for the stacks of another profile, printed by go tool pprof -raw or -traces."""
    found = _PPROF_KIND.search(data, 0, _SEARCH)
    if found is not None:
        kind = profile_kinds.kind_of({(found[1] or found[2]).decode()})
        if kind == profile_kinds.GOROUTINES:
            raise UnrecognisedFormatError(f"{where} is what go tool pprof prints of a goroutine profile without any")
        raise UnsupportedFormatError(
            f"{where} is what go tool pprof prints of a {kind}, not of goroutines", hint=profile_kinds.hint_of(kind)
        )


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
