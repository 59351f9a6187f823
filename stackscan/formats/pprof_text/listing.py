"""Reads the tables of ``go tool pprof``: ``-top`` has sums by function, ``-tree`` and ``-peek`` callers and callees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats.pprof_text import grammar, times
from stackscan.formats.pprof_text.grammar import Call
from stackscan.formats.pprof_text.raw import CHANGES
from stackscan.formats.pprof_text.tables import Mapping, Tables
from stackscan.formats.problems import EXCERPT

#: The names of the columns, without blanks: those of a tree go on.
COLUMNS: Final = re.compile(r"\s*flat +flat% +sum% +cum +cum%(?P<tree> +calls)?")
_SEPARATOR: Final = re.compile(r"-{40,}\+-{10,}\Z")
_EDGE: Final = re.compile(r"\s*-?\d\S* +[\d.e+-]+% \|")
_HEADER: Final = re.compile(r"(?:\(pprof\) )?(Build ID|Type): *(\S+)")
_TOTAL: Final = re.compile(
    r"Showing nodes accounting for \S+, +[\d.e+-]+% of (\d{1,18}) total|\A\d+ of (\d{1,18}) total"
)
#: pprof says what it left out; calls that it left out of a tree, of less than 0.1 %, it does not mention.
_LEFT_OUT: Final = re.compile(r"Dropped \d+ (?:node|edge)s?\b|Showing top \d+ nodes out of \d+|Active filters:")


@dataclass(slots=True)
class Node:
    """A function: the line of its row, how many goroutines are in it now, and on how many stacks it is."""

    line: int
    flat: int = 0
    cum: int | None = None


@dataclass(slots=True)
class Listing:
    """The functions and calls of one table; ``tables`` has what is damaged, the binary and the time.

    ``left_out`` is the line by which pprof says that functions are missing, with its number.
    """

    tables: Tables
    is_tree: bool = False
    kind: str = "goroutine"
    total: int | None = None
    left_out: tuple[int, str] | None = None
    nodes: dict[Call, Node] = field(default_factory=dict)
    as_callee: dict[tuple[Call, Call], int] = field(default_factory=dict)
    as_caller: dict[tuple[Call, Call], int] = field(default_factory=dict)

    @property
    def calls(self) -> dict[tuple[Call, Call], int]:
        """How many goroutines are in a call of one function by another. A tree has each call twice."""
        pairs = self.as_callee | self.as_caller
        return {pair: max(self.as_callee.get(pair, 0), self.as_caller.get(pair, 0)) for pair in pairs}


def read(lines: Sequence[str]) -> Listing:
    """The table in the lines of one report."""
    reader = _Reader(Listing(Tables()))
    for number, line in enumerate(lines, start=1):
        if line:
            reader.take(line, number)
    reader.end_block()
    reader.listing.tables.count(reader.listing.kind)
    return reader.listing


class _Reader:
    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.begun = False  # behind the names of the columns
        self.callers: list[tuple[int, int, Call]] = []  # line, weight, function
        self.node: Call | None = None
        self.skipped = False  # the function of this block is not counted

    def take(self, line: str, number: int) -> None:
        """Take the next line."""
        columns = COLUMNS.match(line)
        if columns is not None:
            self.begun = True
            self.listing.is_tree |= columns["tree"] is not None
        elif _SEPARATOR.match(line.strip()):
            self.end_block()
        elif not self.begun and not _EDGE.match(line):
            self._header(line, number)
        elif _EDGE.match(line):
            self._edge(line, number)
        else:
            self._row(line, number)

    def end_block(self) -> None:
        """Take the end of what is said of one function."""
        if self.callers and self.node is None and not self.skipped:
            self._damage(self.callers[0][0], "the function of these callers is lost", "")
        self.callers, self.node, self.skipped = [], None, False

    def _header(self, line: str, number: int) -> None:
        listing = self.listing
        total, named = _TOTAL.search(line), _HEADER.match(line)
        if total is not None:
            listing.total = int(total[1] or total[2])
        elif _LEFT_OUT.search(line):
            listing.left_out = listing.left_out or (number, line.strip())
        elif named is not None and named[1] == "Type":
            listing.kind = named[2]
        elif named is not None:
            listing.tables.mapping.append(Mapping(0, listing.tables.text(named[2])))
        else:
            listing.tables.time_nanos = times.nanoseconds(line) or listing.tables.time_nanos

    def _row(self, line: str, number: int) -> None:
        read = grammar.read_row(line)
        if read is None or min(read[:2]) < 0:
            self._damage(number, "row is damaged; skipped" if read is None else f"row {CHANGES}", line)
            self.skipped = True
            return
        flat, cum, call = read
        node = self.listing.nodes.setdefault(call, Node(number))
        node.flat += flat  # two functions of one name are one here, as in their callers
        node.cum = cum + (node.cum or 0)
        for _, weight, caller in self.callers:
            self._call(self.listing.as_caller, caller, call, weight)
        self.callers, self.node = [], call if self.listing.is_tree else None

    def _edge(self, line: str, number: int) -> None:
        read = grammar.read_edge(line)
        if read is None or read[0] < 0:
            self._damage(number, "call is damaged; skipped" if read is None else f"call {CHANGES}", line)
        elif self.node is not None:
            self._call(self.listing.as_callee, self.node, read[1], read[0])
        elif not self.skipped:
            self.callers.append((number, *read))

    def _call(self, calls: dict[tuple[Call, Call], int], caller: Call, callee: Call, weight: int) -> None:
        if weight > 0 and caller != callee:
            calls[caller, callee] = calls.get((caller, callee), 0) + weight

    def _damage(self, line: int, reason: str, text: str) -> None:
        self.listing.tables.damage(line, reason, text[:EXCERPT])
