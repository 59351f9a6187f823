r"""Dumps written on one line, their newlines and tabs as escapes: ``\n\t`` in quotes, ``#012#011`` by rsyslog."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from stackscan.sources.logs.wrapped import (
    Streams,
    Wrapped,
    bare_headers,
    first_header,
    headers,
    is_plain,
    line_at,
    next_line,
)

#: rsyslog's $EscapeControlCharactersOnReceive: a hash and three octal digits.
_OCTAL: Final = re.compile(rb"#(0[0-3][0-7])")
#: The tab alone, where each line is a message of its own: what else looks like an escape is text.
_OCTAL_TAB: Final = re.compile(rb"#(011)")
#: A location, or a frame line of counted text, whose tab is an octal escape.
_TAB_LOST: Final = re.compile(rb"##0110x[0-9a-f]+|#011[^\n\"]*:\d+(?: \+0x[0-9a-f]+)?(?: fp=[0-9a-fx =spc]*)?\s*$")
_ESCAPED_NEWLINE: Final = re.compile(rb"\]?:?(?: \{[^\n]{0,2000}?\}:?)?\\+[nr]")
_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE: Final = {b"n": b"\n", b"t": b"\t", b"r": b"", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_BACKSLASH: Final = ord("\\")
_QUOTE: Final = re.compile(rb"[\"'`]")


def octal(text: bytes) -> Wrapped | None:
    """``#011`` for a tab and ``#012`` for a newline, as rsyslog writes control characters."""
    if not _most(text, _followed_by_octal):
        return None
    pattern = _OCTAL if _most(text, _ends_in_octal) else _OCTAL_TAB
    streams = Streams()
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        streams.add(pattern.sub(lambda found: bytes([int(found[1], 8)]), line), number)
    return Wrapped(("octal escapes",), streams.pieces())


def escaped(text: bytes) -> Wrapped | None:
    """A dump in a quoted string (Go's %q, JSON within a line, logfmt): lines without one stay as they are."""
    if not _most(text, _follows):
        return None
    streams = Streams()
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
        at = first_header(line)
        if at is None or not _follows(line, at):
            streams.add(line, number)
            continue
        start, end = _quoted(line, at)
        for part in (line[:start], _ESCAPE.sub(_unescaped, line[start:end]), line[end:]):
            if part:
                streams.add(part, number)
    return Wrapped(("escaped newlines",), streams.pieces())


def _most(text: bytes, holds: Callable[[bytes, int], bool]) -> bool:
    """Whether a condition holds for at least half of the headers; where some begin a line, for half of those."""
    found = [holds(text, at) for _, at in bare_headers(text) or headers(text)]
    return sum(found) * 2 >= len(found) > 0


def _followed_by_octal(text: bytes, at: int) -> bool:
    """Whether a newline below the header that stands there, or the tab two lines below it, is an octal escape."""
    if _ends_in_octal(text, at):
        return True
    return _TAB_LOST.search(line_at(text, next_line(text, next_line(text, at)))) is not None


def _ends_in_octal(text: bytes, at: int) -> bool:
    return not is_plain(text, at) and b"#012" in line_at(text, at)


def _follows(text: bytes, at: int) -> bool:
    """Whether the header there ends with an escaped newline, not with its line."""
    if is_plain(text, at):
        return False
    line = line_at(text, at)
    if not line.startswith(b"goroutine"):  # another tool's: nothing in its first line closes anything
        return re.match(rb'[^\n"]{0,400}?\\+[nr]', line) is not None
    closing = line.find(b"]", 0, 400)
    if closing < 0:  # counted text: its header ends with a number
        return re.match(rb"goroutine(?:leak)? profile: total \d+\\+[nr]", line) is not None
    return _ESCAPED_NEWLINE.match(line, closing) is not None


def _quoted(line: bytes, at: int) -> tuple[int, int]:
    """The bounds of the quoted string around a place, without its quotes; the rest of the line if there is none.

    Quotes behind a backslash belong to the string.
    """
    start, quote = at, b""
    for found in _QUOTE.finditer(line, 0, at):
        if not _is_escaped(line, found.start()):
            if quote and found[0] == quote:
                quote, start = b"", at
            elif not quote:
                quote, start = found[0], found.end()
    if not quote:
        return at, len(line)
    end = line.find(quote, at)
    while end >= 0 and _is_escaped(line, end):
        end = line.find(quote, end + 1)
    return start, end if end >= 0 else len(line)


def _is_escaped(line: bytes, at: int) -> bool:
    begin = at
    while begin and line[begin - 1] == _BACKSLASH:  # without a copy of the line: it may be long
        begin -= 1
    return (at - begin) % 2 == 1


def unescape(text: bytes) -> bytes:
    """A text without the escapes of a quoted string."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[bytes]) -> bytes:
    short, long, byte, octals, simple = found.groups()
    if short or long:
        code = int(short or long, 16)
        return chr(code).encode("utf-8", "replace") if code < 0x110000 else found[0]
    if byte:
        return bytes([int(byte, 16)])
    if octals:
        return bytes([int(octals, 8) & 0xFF])
    return _SIMPLE.get(simple, simple)
