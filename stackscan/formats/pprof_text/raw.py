"""Reads ``go tool pprof -raw``: the tables of a profile, printed one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stackscan.formats.pprof_text import grammar, times
from stackscan.formats.pprof_text.grammar import Call
from stackscan.formats.pprof_text.tables import Mapping, Tables
from stackscan.formats.problems import EXCERPT
from stackscan.sources import limits

_TYPES: Final = re.compile(r"[^\s/]+/[^\s/\[]*(?:\[dflt\])?")
_LABEL_INDENT: Final = " " * 16
_NO_SAMPLE: Final = "sample is damaged; its goroutines are skipped"
#: A count stands at its beginning; labels never begin so far to the left.
_SAMPLE_DAMAGED: Final = re.compile(r" {0,12}-?\d+:")
_SAMPLE_LIKE: Final = re.compile(r" {0,12}-?\d[\d -]*:(?: \d|\Z)")
_LOCATION_LIKE: Final = re.compile(r"\s*\d+: ")
_BUILD_ID: Final = re.compile(r"(?:\A|.* )([0-9a-f]{16,}|[\w-]+/[\w-]+/[\w-]+/[\w-]+)(?: \[|\Z)")
#: The samples of diffs that -base makes may count less than nothing.
CHANGES: Final = "counts a change between two profiles (-base), not goroutines; skipped"


def read(lines: Sequence[str]) -> Tables:
    """The tables in the lines of one report."""
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        if line or reader.part == "samples":
            reader.take(line, number)
    return reader.finish(len(lines))


class _Reader:
    def __init__(self) -> None:
        self.tables = Tables()
        self.part = "header"
        self.sample: tuple[int, tuple[int, ...], tuple[int, ...]] | None = None
        self.labels: list[str] = []  # the lines of the sample's labels
        self.place: tuple[int, int] | None = None
        self.calls: list[Call] = []

    def take(self, line: str, number: int) -> None:
        """Take the next line."""
        if line in ("Samples:", "Locations", "Mappings") and not (line == "Samples:" and self.part == "samples"):
            self._end_sample()
            self._end_place()
            self.part = {"Samples:": "types"}.get(line, line.lower())
        elif self.part == "header":
            self.tables.time_nanos = times.nanoseconds(line) or self.tables.time_nanos
        elif self.part == "types":
            self._types(line)
        elif self.part == "samples":
            self._sample(line, number)
        elif self.part == "locations":
            self._location(line, number)
        else:
            self._mapping(line, number)

    def finish(self, last: int) -> Tables:
        """The tables, when all lines were taken."""
        self._end_sample()
        self._end_place()
        if self.part in ("samples", "types"):
            self.tables.damage(last, "the report is cut before its list of locations: no frame can be named", "")
        elif self.part == "locations":
            self.tables.damage(last, "the report is cut in its list of locations", "", loses=False)
        return self.tables

    def _types(self, line: str) -> None:
        for each in _TYPES.findall(line):
            kind, _, unit = each.removesuffix("[dflt]").partition("/")
            self.tables.count(kind, unit)
        self.part = "samples"

    def _sample(self, line: str, number: int) -> None:
        if not _SAMPLE_LIKE.match(line):
            if self.sample is not None and (self.labels or line.startswith(_LABEL_INDENT)):
                self.labels.append(line)
            elif line:
                damaged = _SAMPLE_DAMAGED.match(line) is not None
                reason = _NO_SAMPLE if damaged else "not a line of pprof -raw; skipped"
                self.tables.damage(number, reason, line[:EXCERPT], loses=damaged)
            return
        self._end_sample()
        read = grammar.read_sample(line)
        if read is None or len(read[0]) != len(self.tables.sample_type):
            self.tables.damage(number, _NO_SAMPLE, line[:EXCERPT])
        elif min(read[0]) < 0:
            self.tables.damage(number, f"sample {CHANGES}", line[:EXCERPT])
        else:
            self.sample = (number, *read)

    def _end_sample(self) -> None:
        """Take the sample whose lines are all there. Labels may hold line breaks: nothing in them is escaped."""
        if self.sample is None:
            return
        line, values, locations = self.sample
        pairs: list[tuple[str, str]] = []
        for offset, text in enumerate(self._label_texts(), start=1):
            read = grammar.read_labels(text) if len(text) <= 2 * limits.MAX_LABEL_BYTES else None
            if read is None:
                self.tables.damage(line + offset, "labels are damaged; skipped", _one_line(text), loses=False)
            pairs += read or ()
        self.tables.take(line, values, locations, pairs)
        self.sample = None
        self.labels = []

    def _label_texts(self) -> list[str]:
        """The labels that are texts and those that are numbers: pprof prints a line for each."""
        while self.labels and not self.labels[-1]:
            self.labels.pop()
        found: list[list[str]] = []
        for line in self.labels:
            if not found or (found[-1][-1].endswith("]") and line.startswith(_LABEL_INDENT)):
                found.append([line[len(_LABEL_INDENT) :]])
            else:
                found[-1].append(line)
        return ["\n".join(lines) for lines in found]

    def _location(self, line: str, number: int) -> None:
        if _LOCATION_LIKE.match(line):
            self._end_place()
            read = grammar.read_location(line)
            if read is None:
                self.tables.damage(number, "location is damaged; its frames are skipped", line[:EXCERPT])
                return
            self.place = (read.id, read.address)
            self.calls = [] if read.call is None else [read.call]
            return
        call = grammar.read_inlined(line)
        if call is None or self.place is None:
            self.tables.damage(number, "frame line is damaged; frame skipped", line[:EXCERPT])
        else:
            self.calls.append(call)

    def _end_place(self) -> None:
        if self.place is not None:
            self.tables.place(*self.place, self.calls)
        self.place = None

    def _mapping(self, line: str, number: int) -> None:
        rest = grammar.read_mapping(line)
        if rest is None:
            self.tables.damage(number, "not a line of pprof -raw; skipped", line[:EXCERPT], loses=False)
            return
        found = _BUILD_ID.match(rest)
        self.tables.mapping.append(Mapping(0, self.tables.text(found[1]) if found else 0))


def _one_line(text: str) -> str:
    return text.replace("\n", " ")[:EXCERPT]
