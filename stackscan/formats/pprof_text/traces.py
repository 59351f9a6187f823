"""Reads ``go tool pprof -traces``: one stack after the other, between lines of dashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stackscan.formats.pprof_text import grammar, times
from stackscan.formats.pprof_text.grammar import Call
from stackscan.formats.pprof_text.raw import CHANGES
from stackscan.formats.pprof_text.tables import Mapping, Tables
from stackscan.formats.problems import EXCERPT
from stackscan.sources import limits

_SEPARATOR: Final = re.compile(r"\s*-{11}\+-{20,}\Z")
_WEIGHT: Final = re.compile(r"\s*-?\d+ {2,3}\S")
#: A value with a unit (``1.20k``, ``10ms``): no count of goroutines.
_OTHER_WEIGHT: Final = re.compile(r"\s*-?\d\S*\s{2,3}\S")
_HEADER: Final = re.compile(r"(File|Build ID|Type|Time|Duration|Doc|Active filters): ?(.*)\Z")
NO_COUNT: Final = "the count of these frames is lost; its goroutines are skipped"


def read(lines: Sequence[str]) -> Tables:
    """The tables in the lines of one report."""
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        if line or reader.tags:
            reader.take(line, number)
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self.tables = Tables()
        self.kind = "goroutine"
        self.begun = False  # behind the first line of dashes
        self.head: tuple[int, int] | None = None  # line and count
        self.calls: list[Call] = []
        self.tags: list[tuple[int, str]] = []
        self.orphan = False  # inside a stack whose count is lost

    def take(self, line: str, number: int) -> None:
        """Take the next line."""
        if _SEPARATOR.match(line):
            self._end()
            self.begun = True
        elif not self.begun and (found := _HEADER.match(line)):
            self._header(found[1], found[2], line)
        elif self.head is None and _OTHER_WEIGHT.match(line) and not grammar.read_tag(line):
            self._weight(line, number)
        elif self.head is not None or (not self.begun and not self.tags):
            self._frame(line, number)
        else:
            self.tags.append((number, line))

    def finish(self) -> Tables:
        """The tables, when all lines were taken."""
        self._end()
        self.tables.count(self.kind)
        return self.tables

    def _header(self, name: str, value: str, line: str) -> None:
        if name == "Type":
            self.kind = value.strip()
        elif name == "Build ID":
            self.tables.mapping.append(Mapping(0, self.tables.text(value.strip())))
        elif name == "Time":
            self.tables.time_nanos = times.nanoseconds(line) or 0

    def _weight(self, line: str, number: int) -> None:
        read = grammar.read_weight(line) if _WEIGHT.match(line) else None
        if read is None:
            self.tables.damage(number, "count line is damaged; its goroutines are skipped", line[:EXCERPT])
            self.head, self.calls, self.orphan = (number, 0), [], True
            return
        count, call = read
        if count < 0:
            self.tables.damage(number, f"stack {CHANGES}", line[:EXCERPT])
        self.head, self.calls, self.orphan = (number, count), [call], count < 0

    def _frame(self, line: str, number: int) -> None:
        call = grammar.read_frame(line) if line else None
        if self.head is None and not self.orphan:
            self.tables.damage(number, NO_COUNT, line[:EXCERPT])
            self.orphan = True
        elif call is None:
            if line:
                self.tables.damage(number, "frame line is damaged; frame skipped", line[:EXCERPT])
        else:
            self.calls.append(call)

    def _end(self) -> None:
        """Take the stack whose lines are all there."""
        if self.head is not None and not self.orphan:
            locations = [self.tables.place_of((call,)) for call in self.calls]
            self.tables.take(self.head[0], (self.head[1],), locations, self._labels())
        elif self.tags and self.head is None:
            number, text = self.tags[0]
            self.tables.damage(number, "labels without a stack; skipped", text[:EXCERPT], loses=False)
        self.head, self.orphan = None, False
        self.calls, self.tags = [], []

    def _labels(self) -> list[tuple[str, str]]:
        """The labels of a stack. A line that is none goes on with the value above it, which held a line break."""
        pairs: list[tuple[str, str]] = []
        size = 0
        for number, line in self.tags:
            size += len(line)
            read = grammar.read_tag(line) if size <= 2 * limits.MAX_LABEL_BYTES else None
            if read is not None:
                pairs.append(read)
            elif pairs and size <= 2 * limits.MAX_LABEL_BYTES:
                pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}\n{line}")
            elif line:
                self.tables.damage(number, "label line is damaged; skipped", line[:EXCERPT], loses=False)
        return pairs
