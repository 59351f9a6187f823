"""Files that hold dumps of different formats one after the other, as ``curl … >> captures.txt`` makes them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from stackscan.formats.goroutine_counts.claim import in_message
from stackscan.formats.goroutine_text.surroundings import COUNTED

_FULL: Final = re.compile(rb"(?m)^goroutine \d+ [^\n]{0,200}?\[[a-zA-Z?][^\n]*:\r?$")


def parts(data: bytes) -> list[tuple[int, bytes]]:
    """The parts of a text, each of one format, with the lines (0-based) that they begin at.

    Text between dumps belongs to the part before it; text before the first, to the first.
    """
    if b" profile: total " not in data:
        return [(0, data)]
    bounds: list[int] = []
    counted, full = _counted_from(data, 0), _FULL.search(data)
    while counted and full:
        bounds.append(max(counted.start(), full.start()))
        if counted.start() < full.start():
            counted = _counted_from(data, full.start())
        else:
            full = _FULL.search(data, counted.start())
    edges = [0, *bounds, len(data)]
    return [(data.count(b"\n", 0, begin), data[begin:end]) for begin, end in pairwise(edges)]


def _counted_from(data: bytes, at: int) -> re.Match[bytes] | None:
    """The next counted profile that is not part of a panic's message."""
    profiles = COUNTED.finditer(data, at)
    return next((found for found in profiles if not in_message(data, found.start(), found.end())), None)
