"""Brings a text to the form that the reader expects, without moving a line: line numbers stay those of the source."""

from __future__ import annotations

import html
import re
from typing import Final

from stackscan.formats.goroutine_text.surroundings import HEADER_LIKE_BYTES
from stackscan.snapshot import Problem

_BOM: Final = b"\xef\xbb\xbf"
_PROBE: Final = 1 << 16  # bytes looked at to tell line ends, escapes and order
_INDENTED_HEADER: Final = re.compile(rb"(?m)^([ \t]+)goroutine \d+ [^\n]*\[")
_MOST_PROBLEMS: Final = 20


def normalise(data: bytes) -> tuple[bytes, list[Problem]]:
    """UTF-8 without byte order mark, plain newlines, no common indentation; and what had to be replaced for it."""
    data = data.removeprefix(_BOM)
    if b"\r\n" in data[:_PROBE]:
        data = data.replace(b"\r\n", b"\n")
    data, problems = _valid_utf8(data)
    if b"&#43;0x" in data[:_PROBE]:  # html/template writes the + of an offset like this
        data = html.unescape(re.sub(r"(?m)^<pre[^>\n]*>", "", data.decode())).encode()
        problems.append(Problem(1, "HTML escapes undone"))
    return _dedent(data), problems


def _valid_utf8(data: bytes) -> tuple[bytes, list[Problem]]:
    if data.isascii():
        return data, []
    try:
        data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    else:
        return data, []
    problems = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not _valid(line):
            excerpt = line.decode("utf-8", "replace").strip()[:120]
            problems.append(Problem(number, "bytes that are not UTF-8; shown as U+FFFD", excerpt))
            if len(problems) == _MOST_PROBLEMS:
                break
    return text.encode(), problems


def _valid(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _dedent(data: bytes) -> bytes:
    """Take off the indentation that all headers share (a Markdown or YAML block), if none stands at a line's start."""
    if (data.startswith(b"goroutine ") or b"\ngoroutine " in data) and HEADER_LIKE_BYTES.search(data):
        return data
    match = _INDENTED_HEADER.search(data)
    if match is None:
        return data
    return re.sub(rb"(?m)^" + re.escape(match[1]), b"", data)
