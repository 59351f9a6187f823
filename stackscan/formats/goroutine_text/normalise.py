"""Normalises encoding, line ends and indentation of a text; line numbers stay those of the source."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Problem
from stackscan.sources import limits

_BOM: Final = b"\xef\xbb\xbf"
_PROBE: Final = 1 << 16  # bytes in which line ends and escapes are detected
_INDENTED_HEADER: Final = re.compile(rb"(?m)^([ \t]+)goroutine \d+ [^\n]*\[")
_OFFSET_ESCAPED: Final = re.compile(rb"(?m):\d+ &#43;0x[0-9a-f]+[ \t]*$|^#[ \t]+0x[0-9a-f]+[ \t]+[^\n]*&#43;0x")
_OFFSET: Final = re.compile(rb"(?m):\d+ \+0x[0-9a-f]+|^#[ \t]+0x[0-9a-f]+[ \t]+[^\n]*\+0x")
_MOST_PROBLEMS: Final = 20
_BLOCK: Final = 1 << 20  # bytes that are decoded at once
_BEGINNING: Final = 4096  # bytes that are kept of a line that is too long
_HIDDEN_HEADER: Final = re.compile(rb"goroutine \d+ \[[a-z]")


def normalise(data: bytes, *, clean: bool = False) -> tuple[bytes, list[Problem]]:
    """UTF-8 without byte order mark and NULs, plain newlines, no common indentation; and the problems on the way.

    ``clean``: all bytes are known to be ASCII, none a NUL.
    """
    if not clean:
        data = data.removeprefix(_BOM).replace(b"\0", b"")  # logs truncated while they are written hold NULs
    if b"\r\n" in data[:_PROBE]:
        data = data.replace(b"\r\n", b"\n")
    data, too_long = _shorten_lines(data)
    data, problems = (data, []) if clean else _valid_utf8(data)
    problems += too_long
    if b"&#43;0x" in data[:_PROBE] and _is_html(data):
        import html

        data = html.unescape(re.sub(r"(?m)^<pre[^>\n]*>", "", data.decode())).encode()
        problems.append(Problem(1, "HTML escapes undone"))
    return dedented(data, _indents(data)), problems


def _is_html(data: bytes) -> bool:
    """Whether html/template wrote the text: it escapes the + of every offset, also in frames, where no label is."""
    return _OFFSET_ESCAPED.search(data) is not None and _OFFSET.search(data) is None


def _shorten_lines(data: bytes) -> tuple[bytes, list[Problem]]:
    """The text with only the beginning of lines that are longer than any that Go prints."""
    kept: list[bytes] = []
    problems: list[Problem] = []
    done = at = 0
    line, counted = 1, 0
    while at + limits.MAX_LINE_BYTES < len(data):
        newline = data.rfind(b"\n", at, at + limits.MAX_LINE_BYTES + 1)
        if newline >= at:  # each line in between is short enough
            at = newline + 1
            continue
        end = data.find(b"\n", at + limits.MAX_LINE_BYTES)
        end = end if end >= 0 else len(data)
        line += data.count(b"\n", counted, at)
        begins = data[at : at + _BEGINNING].decode("utf-8", "ignore")
        problems.append(Problem(line, _too_long(data, at, end), begins.strip()[:EXCERPT]))
        kept += data[done:at], begins.encode()
        done = at = counted = end
    return (b"".join([*kept, data[done:]]), problems) if kept else (data, problems)


def _too_long(data: bytes, begin: int, end: int) -> str:
    hidden = len(_HIDDEN_HEADER.findall(data, begin + _BEGINNING, end))
    inside = f", with {hidden:,} goroutine headers that are not read" if hidden else ""
    return f"a line of {end - begin:,} bytes{inside}: only its beginning is read (the limit is 1 MiB)"


def _valid_utf8(data: bytes) -> tuple[bytes, list[Problem]]:
    if data.isascii() or _is_utf8(data):
        return data, []
    problems = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not _is_utf8(line):
            excerpt = line.decode("utf-8", "replace").strip()[:EXCERPT]
            problems.append(Problem(number, "bytes that are not UTF-8; shown as U+FFFD", excerpt))
            if len(problems) == _MOST_PROBLEMS:
                break
    return data.decode("utf-8", "replace").encode(), problems


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), _BLOCK):  # the whole of a large text would take two to five times its memory
            decoder.decode(data[at : at + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _indents(data: bytes) -> Iterator[bytes]:
    """The blanks before each header; none where a header stands at a line's start."""
    if not ((data.startswith(b"goroutine ") or b"\ngoroutine " in data) and HEADER_LIKE_BYTES.search(data)):
        yield from (header[1] for header in _INDENTED_HEADER.finditer(data))


def dedented(data: bytes, indents: Iterable[bytes]) -> bytes:
    """The text without the shortest of some indentations (a Markdown or YAML block); quoted dumps have longer ones."""
    indent = min(indents, key=len, default=b"")
    return re.sub(rb"(?m)^" + re.escape(indent), b"", data) if indent else data
