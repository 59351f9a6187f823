"""Detects counted text by a search for a few bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_MARK: Final = b" profile: total "
_HEADER: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*goroutine(?:leak)? profile: total \d+[ \t\r]*")
_RECORD: Final = re.compile(
    rb"(?m)^[ \t]*\d+ @(?: 0x|(?: 0)?[ \t\r]*$| (?:\.\.\.|\xe2\x80\xa6))"
    rb"|^[ \t]*\d{1,9}(?: @)?:?[ \t\r]*\n[ \t\r\n]{0,8}(?:\\?#{0,6}[ \t]+)?0x[0-9a-f]+[ \t]+[^\n]{0,4096}?\+0x"
)
#: A record without its profile's header: the tail of a file. The address line alone could be any profile's.
_HEADLESS: Final = re.compile(
    rb"(?m)^\d+ @(?: 0x[0-9a-f]+)+\r?\n(?:# labels: [^\n]*\n)?#[ \t]+0x[0-9a-f]+[ \t]+[^\s][^\n]*\+0x[0-9a-f]+[ \t]"
)
#: Bytes after the header within which the first record must begin.
_NEAR: Final = 1 << 16
#: A goroutine of the full text: header, call, location. Lengths are bounded, since lines may be very long.
FULL_TEXT: Final = re.compile(
    rb"(?m)^[ \t]*goroutine \d{1,20} [^\n\[]{0,99}\[[^\n]{1,999}:\r?\n(?:\r?\n)?[^\s#][^\n]*\n(?:\r?\n)?"
    rb"[ \t]*[^\s][^\n]{0,4095}:\d"
)

#: How the runtime begins to say why a process dies.
CRASH: Final = re.compile(rb"(?m)^(?:panic: |fatal error: )")


def claims(data: bytes) -> bool:
    """Whether the bytes hold a counted goroutine profile, with no goroutine of the full text before it.

    A record must follow the profile's first line, which must not be part of a panic's message.
    """
    if FULL_TEXT.match(data):  # which stands before all else: to look for that takes long in a large dump
        return False
    for start, end in _headers(data):
        if in_message(data, start, end):
            continue
        is_empty = not data[end : end + _NEAR].strip()  # or cut right here
        if is_empty or _RECORD.search(data, end, end + _NEAR):
            return FULL_TEXT.search(data, 0, start) is None
    return _is_tail(data)


def in_message(data: bytes, start: int, end: int) -> bool:
    """Whether the line there is part of a panic's message.

    Go 1.23 and later indent all lines of a message but the first by a tab. Before, only the goroutines that follow end
    a message: a profile between them and the panic counts as part of it.
    """
    if data.startswith(b"\t", start):
        begin = start
        while begin and data.startswith(b"\t", begin):
            begin = data.rfind(b"\n", 0, begin - 1) + 1
        if CRASH.match(data, begin):
            return True
    crash = max((found.start() for found in CRASH.finditer(data, 0, start)), default=-1)
    if crash < 0:
        return False
    return FULL_TEXT.search(data, crash, start) is None and FULL_TEXT.search(data, end) is not None


def _headers(data: bytes) -> Iterator[tuple[int, int]]:
    """Where lines that are a profile's header begin and end."""
    at = data.find(_MARK)
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if _HEADER.fullmatch(data, start, end):
            yield start, end
        at = data.find(_MARK, end)


def indents(data: bytes) -> Iterator[bytes]:
    """The blanks before each header."""
    for start, end in _headers(data):
        line = data[start:end]
        yield line[: len(line) - len(line.lstrip(b" \t"))]


def _is_tail(data: bytes) -> bool:
    """Whether this is the rest of a profile whose beginning is cut off."""
    if _MARK in data or b" @ 0x" not in data:
        return False
    found = _HEADLESS.search(data)
    return found is not None and FULL_TEXT.search(data, 0, found.start()) is None
