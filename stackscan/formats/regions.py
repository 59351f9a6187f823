"""Cuts a text into regions of one format each: dumps that follow each other, reports of other tools between them."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from operator import itemgetter
from typing import Final, Protocol, cast

from stackscan.formats.goroutine_counts.claim import in_message
from stackscan.formats.goroutine_text.surroundings import COUNTED
from stackscan.formats.plain import is_plain
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

#: The packages of the tools whose reports may stand anywhere in a text, those first that win where two claim a line.
#: With each the literals of which each of its reports holds one (its MARKS): without one, it is not loaded.
TOOLS: Final[dict[str, tuple[bytes, ...]]] = {
    "race_report": (b"WARNING: DATA RACE",),
    "goleak": (b" in state ", b"eaked goroutine: goroutine "),
    "go_deadlock": (b"POTENTIAL DEADLOCK:",),
    "pprof_text": (b"Samples:", b"-----------+-----", b"flat%"),
    "delve": (
        b" - User: ", b" - Runtime: ", b" - Go: ", b" - Start: ", b"Runtime: ", b"  0x0000", b'"Goroutines"',
        b'"Locations"', b'"userCurrentLoc"',
    ),
    "grouped_stacks": (
        b" times: [", b" goroutines [", b" goroutine [", b" goroutines in state [", b"]: (", b"]: x", b"]: \xc3\x97",
        b" [Created by ", b": run", b": chan ", b": IO wait", b": s",
    ),
    "stack_events": (b".go",),
}  # fmt: skip
#: Of these, the one whose mark is in every dump.
_IN_EVERY_DUMP: Final = "stack_events"
#: Of these, those whose lines may all begin like a dump's: Delve's groups by label, headers with ``820 times:``.
_LIKE_A_DUMP: Final = ("delve", "grouped_stacks")
_FULL: Final = re.compile(rb"(?m)^goroutine \d+ [^\n]{0,200}?\[[a-zA-Z?][^\n]*:\r?$")
#: Bytes that are searched for every literal: those of a paste, whose lines may begin as anything.
_SMALL: Final = 1 << 20
_NEWLINE: Final = ord("\n")
_BLOCK: Final = 1 << 18
_ANY_HEADER: Final = re.compile(rb"(?m)^goroutine \d+ |^goroutine(?:leak)? profile: ")
#: Bytes in which a report that looks like a dump shows a mark.
_BEGINNING: Final = 1 << 16

#: Words that each of them holds: without one, their packages need not be loaded.
_WORDS_OF_LISTS: Final = (b" times: [", b"]: (", b"]: x", b"]: \xc3\x97", b" [Created by ", b"Goroutine ", b"Runtime: ")

#: How the lines of a bare dump begin: with a letter of a package's name, a tab, or not at all.
_USUAL: Final = b"\n\t\r." + bytes(byte for byte in range(ord("a"), 256) if byte not in b"{|}~")

#: Bytes of a text, from the beginning of a line to the end of one.
Span = tuple[int, int]


class Tool(Protocol):
    """The format of a tool that reports about goroutines in its own words.

    ``MARKS`` are literals of which each of its reports holds one. Where its lines begin like those of a bare dump, one
    stands near the beginning of the text.
    """

    NAME: str
    MARKS: tuple[bytes, ...]

    def spans(self, data: bytes) -> list[Span]:
        """Where its reports stand: whole lines, in order, none twice."""

    def read(self, data: bytes, progress: Progress | None = None) -> list[Snapshot]:
        """The snapshots in the bytes of one span."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a text: its first line (0-based), its bytes, and the tool that printed it (None: a dump or text)."""

    first_line: int
    data: bytes
    tool: Tool | None = None


def regions(data: bytes) -> list[Region]:
    """The regions of a text, in order, at least one. Text that is no tool's stays with the dump before it."""
    if len(data) > _SMALL and _is_bare_dump(data):
        return [Region(0, data)]
    found: list[Region] = []
    at = 0
    for begin, end, tool in _reports(data):
        if data[at:begin].strip():
            found += _dumps(data, at, begin)
        found.append(Region(data.count(b"\n", 0, begin), data[begin:end], tool))
        at = end
    if not found or data[at:].strip():
        found += _dumps(data, at, len(data))
    return found


def load(package: str) -> Tool:
    """The package of a tool."""
    return cast("Tool", import_module(f"stackscan.formats.{package}"))


def _reports(data: bytes) -> Iterator[tuple[int, int, Tool]]:
    """The reports of tools, in order. Where two tools claim the same lines, the first in TOOLS has them."""
    taken: list[tuple[int, int, Tool]] = []
    plain = is_plain(data)
    if plain and data.startswith(b"goroutine "):
        return  # goroutines and nothing else: no message in front, which may be a tool's
    for package, marks in TOOLS.items():
        if any(mark in data for mark in marks) and not (plain and package == _IN_EVERY_DUMP):
            taken = sorted([*taken, *_free(load(package), data, taken)], key=itemgetter(0))
    yield from taken


def _free(tool: Tool, data: bytes, taken: Sequence[tuple[int, int, Tool]]) -> Iterator[tuple[int, int, Tool]]:
    """The reports of a tool that overlap none of those before it, which are in order."""
    for begin, end in tool.spans(data):
        after = bisect_left(taken, end, key=itemgetter(0))
        if begin < end and (not after or taken[after - 1][1] <= begin):
            yield begin, end, tool


def _is_bare_dump(data: bytes) -> bool:
    """Whether all lines begin like those of full text: a look at one byte a line, where literals would cost ten times
    as much. Records of counted text begin with a digit, or a #."""
    if _ANY_HEADER.search(data) is None or not _all_begin_usually(data):
        return False
    beginning = data[:_BEGINNING]
    if not any(word in beginning for word in _WORDS_OF_LISTS):
        return True
    return not any(mark in beginning for tool in _LIKE_A_DUMP for mark in TOOLS[tool])


def _all_begin_usually(data: bytes) -> bool:
    """Whether all lines begin like those of a bare dump. Numpy is faster, but not where it has to be loaded first."""
    if data[0] not in _USUAL:
        return False
    if "numpy" not in sys.modules:
        return re.search(rb"\n[^%b]" % re.escape(_USUAL), data) is None
    import numpy as np

    usual = np.array([byte in _USUAL for byte in range(256)])
    octets = np.frombuffer(data, dtype=np.uint8)
    for at in range(0, len(data) - 1, _BLOCK):  # masks of a block fit in a cache, and are not given back each time
        block = octets[at : at + _BLOCK + 1]
        if not usual[block[np.flatnonzero(block[:-1] == _NEWLINE) + 1]].all():
            return False
    return True


def _dumps(data: bytes, begin: int, end: int) -> Iterator[Region]:
    """The dumps of a part of a text, cut where full text and counted text follow each other.

    Text between dumps belongs to the one before it; text before the first, to the first.
    """
    first_line, text = data.count(b"\n", 0, begin), data[begin:end]
    bounds: list[int] = []
    counted, full = (_counted_from(text, 0), _FULL.search(text)) if b" profile: total " in text else (None, None)
    while counted and full:
        bounds.append(max(counted.start(), full.start()))
        if counted.start() < full.start():
            counted = _counted_from(text, full.start())
        else:
            full = _FULL.search(text, counted.start())
    for low, high in pairwise((0, *bounds, len(text))):
        yield Region(first_line + text.count(b"\n", 0, low), text[low:high])


def _counted_from(data: bytes, at: int) -> re.Match[bytes] | None:
    """The next counted profile that is not part of a panic's message."""
    profiles = COUNTED.finditer(data, at)
    return next((found for found in profiles if not in_message(data, found.start(), found.end())), None)
