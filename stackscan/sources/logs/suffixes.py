"""Texts that put something behind each line: a closing quote or code mark, a table's edge, a line break of HTML."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Final

from stackscan.sources.logs.escapes import unescape
from stackscan.sources.logs.wrapped import Piece, Wrapped, bare_headers, header_end, headers, line_at, next_line

#: What may stand behind a line: marks that nothing in a dump ends with, and tags.
_SUFFIX: Final = re.compile(rb"(?:[ \t]{0,200}(?:[`\"'|,;}]|\xe2\x94\x82|<[a-zA-Z/][^<>\n]{0,40}>)){1,8}")
#: Lines of a sample that must carry it.
_MOST: Final = 0.6
#: The line below a header: a call, that there is no stack, or a counted profile's first record.
_BELOW: Final = re.compile(rb"\)\s*$|stack unavailable|\d+ @")
_BLANKS: Final = b" \t\r"


def common_suffix(text: bytes) -> Wrapped | None:
    """The same marks behind most headers and the lines that follow them.

    What is in quotes is unescaped where tabs are escaped, and HTML where lines end with one of its tags.
    """
    suffix = _suffix(text)
    if not suffix:
        return None
    lines = [_without(line, suffix) for line in text.split(b"\n")]
    left = b"\n".join(lines)
    if suffix.endswith(b">"):
        left = html.unescape(left.decode("utf-8", "replace")).replace("\xa0", " ").encode()
    elif suffix.startswith(b'"') and b'"\\t' in left:
        left = unescape(left)
    return Wrapped((f"suffix {suffix.decode('utf-8', 'replace')!r}",), (Piece("", left),))


def _suffix(text: bytes) -> bytes:
    """What stands behind most headers, and behind the line below; empty where there is no such thing."""
    found: Counter[bytes] = Counter()
    sample = bare_headers(text) or headers(text)
    for _, at in sample:
        end = header_end(text, at)
        behind = _SUFFIX.fullmatch(line_at(text, end).rstrip(_BLANKS)) if end is not None else None
        suffix = behind[0].strip(_BLANKS) if behind else b""
        below = line_at(text, next_line(text, at)).rstrip(_BLANKS)
        if suffix and below.endswith(suffix) and _BELOW.search(below.removesuffix(suffix)):
            found[suffix] += 1
    suffix, count = found.most_common(1)[0] if found else (b"", 0)
    return suffix if count >= _MOST * len(sample) else b""


def _without(line: bytes, suffix: bytes) -> bytes:
    bare = line.rstrip(_BLANKS)
    return bare.removesuffix(suffix).rstrip(_BLANKS) if bare.endswith(suffix) else line
