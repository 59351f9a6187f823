"""Texts in other encodings, with terminal colours, or with their lines the other way round."""

from __future__ import annotations

import codecs
import re
from typing import Final

from stackscan.sources.logs.wrapped import (
    HEADER,
    Piece,
    Wrapped,
    bare_headers,
    headers,
    is_bare,
    is_hidden,
    line_at,
    next_line,
)

_PROBE: Final = 4096
#: A header whose blanks a page, or a mail program, made ones that break no line.
_NO_BREAK: Final = re.compile(rb"goroutine(?:\xc2\xa0| )(?:profile:\xc2\xa0total|\d{1,20}\xc2\xa0\[)")
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
#: Which bytes of each group are zero in ASCII text without a byte order mark.
_ZEROS: Final = (
    ((1, 2, 3), 4, "utf-32-le", "UTF-32"),
    ((0, 1, 2), 4, "utf-32-be", "UTF-32"),
    ((1,), 2, "utf-16-le", "UTF-16"),
    ((0,), 2, "utf-16-be", "UTF-16"),
)
#: A header in text whose marks somebody, or a page, escaped for Markdown.
_MARKDOWN: Final = re.compile(rb"goroutine \d{1,20} \\\[[a-zA-Z]")
_MARKDOWN_ESCAPE: Final = re.compile(rb"\\([\\`*_{}\[\]()<>#+.!|~-])")
#: Control sequences of terminals (ECMA-48): CSI, OSC, and two-byte ones.
_ANSI: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\-_])")
#: Colours and weights alone (Select Graphic Rendition).
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;:]*m")
#: A record's first line in counted text, which stands below the dump's first line, or above it when turned round.
_RECORD: Final = re.compile(rb"\d+ @(?: 0x[0-9a-f]+)*\s*")
#: A location line right below a header: the frames of the goroutine above, bottom up.
_BELOW_HEADER: Final = re.compile(
    rb"\s*(?:(?:/|\.{1,3}/|[A-Za-z]:[\\/])[^\n]+|\S+)\.(?:go|s):\d+(?: \+0x[0-9a-f]+)?\s*"
)


def encoding(data: bytes) -> Wrapped | None:
    """UTF-16 and UTF-32, with or without byte order mark; line ends of Windows, and lone carriage returns; blanks and
    marks as pages write them."""
    codec, name, skip = _codec(data[:_PROBE])
    if codec and not skip and is_bare(data):  # zeros in a panic message or a log line
        codec = ""
    names = (name,) if codec else ()
    if codec:
        data = data[skip:].decode(codec, "replace").encode("utf-8", "replace")
    ends, name = _line_ends(data[:_PROBE], data)
    if ends:
        data, names = data.replace(ends, b"\n"), (*names, name)
    if HEADER.search(data):  # at once in a dump, however long
        return Wrapped(names, (Piece("", data),)) if names else None
    if _NO_BREAK.search(data):
        data, names = data.replace(b"\xc2\xa0", b" "), (*names, "no-break spaces")
    if _MARKDOWN.search(data):
        data, names = _MARKDOWN_ESCAPE.sub(rb"\1", data), (*names, "Markdown escapes")
    return Wrapped(names, (Piece("", data),)) if names else None


def _codec(head: bytes) -> tuple[str, str, int]:
    for bom, codec, name in _BOMS:
        if head.startswith(bom):
            return codec, name, len(bom)
    for zeros, width, codec, name in _ZEROS:
        shares = [head[place::width].count(0) / max(len(head[place::width]), 1) for place in range(width)]
        others = [share for place, share in enumerate(shares) if place not in zeros]
        if len(head) >= 32 and min(shares[place] for place in zeros) > 0.6 and max(others) < 0.05:
            return codec, name, 0
    return "", "", 0


def _line_ends(head: bytes, data: bytes) -> tuple[bytes, str]:
    """The line end and its name; empty for plain newlines, or where the text holds no dump."""
    if b"\r" not in head or not is_hidden(data):
        return b"", ""
    if b"\r\n" in head:
        return b"\r\n", "CRLF line endings"
    return (b"\r", "CR line endings") if b"\n" not in data else (b"", "")


def colours(text: bytes) -> Wrapped | None:
    """Colours and other control sequences in the lines of headers."""
    coloured = any(b"\x1b" in line_at(text, line) for line, _ in headers(text))
    return _without_colours(text) if coloured else None


def coloured_frames(text: bytes) -> Wrapped | None:
    """Colours within a dump whose headers have none: in more than every tenth line."""
    if b"\x1b" not in text or len(_COLOUR.findall(text)) <= text.count(b"\n") / 10:
        return None
    return _without_colours(text)


def _without_colours(text: bytes) -> Wrapped:
    return Wrapped(("ANSI colours",), (Piece("", _ANSI.sub(b"", text)),))


def reversed_lines(text: bytes) -> Wrapped | None:
    """The newest line first, as some log viewers export."""
    if not (_is_counted_upside_down(text) or _are_frames_above(text)):
        return None
    lines = text.removesuffix(b"\n").split(b"\n")
    numbers = range(len(lines), 0, -1)
    return Wrapped(("lines in reverse order",), (Piece("", b"\n".join(reversed(lines)) + b"\n", numbers),))


def _are_frames_above(text: bytes) -> bool:
    """Whether most headers have a location line right below: the frames of the goroutine above, bottom up."""
    below = [
        line_at(text, next_line(text, at)) or line_at(text, next_line(text, next_line(text, at)))
        for _, at in bare_headers(text)
    ]
    return len(below) > 1 and sum(_BELOW_HEADER.fullmatch(line) is not None for line in below) > len(below) // 2


def _is_counted_upside_down(text: bytes) -> bool:
    """Whether the first line of counted text has a record's first line above it and none below."""
    for line, at in bare_headers(text):
        if line == at and text.startswith((b"goroutine profile:", b"goroutineleak profile:"), at):
            above = text[text.rfind(b"\n", 0, max(line - 1, 0)) + 1 : max(line - 1, 0)]
            return bool(_RECORD.fullmatch(above)) and not _RECORD.fullmatch(line_at(text, next_line(text, at)))
    return False
