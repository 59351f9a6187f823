"""Lines of a text around a fixed one: those that follow it, and those before it that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

#: Bytes of a text, from the beginning of a line to the end of one.
Span = tuple[int, int]

#: What may stand before every line of a report: blanks of a list or a Markdown block, ``> `` of an answer.
QUOTE: Final = rb"(?:[ \t]|> ?){0,16}"
#: Lines before a report's first fixed line that may belong to it: comments of the profile, times, the binary.
_MOST_HEADER: Final = 12


def lines(data: bytes, at: int, limit: int) -> Iterator[Span]:
    """The lines between two places."""
    while at < limit:
        newline = data.find(b"\n", at, limit)
        stop = limit if newline < 0 else newline + 1
        yield at, stop
        at = stop


def back(data: bytes, at: int, least: int, quote: bytes, *shapes: re.Pattern[bytes], most: int = _MOST_HEADER) -> int:
    """Where the first of the lines directly before a place begins that are of these shapes."""
    for _ in range(most):
        if at <= least:
            break
        begin = data.rfind(b"\n", least, at - 1) + 1 or least
        begin = max(begin, least)
        line = data[begin:at].rstrip(b"\r\n").removeprefix(quote)
        if not any(shape.match(line) for shape in shapes):
            break
        at = begin
    return at
