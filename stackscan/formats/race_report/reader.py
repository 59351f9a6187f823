"""Reads race reports line by line: accesses with their stacks, and where their goroutines were created."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from stackscan.formats import bounds, pasted
from stackscan.formats.problems import EXCERPT
from stackscan.formats.race_report import grammar, snapshots
from stackscan.formats.race_report.snapshots import NAME, Race, Section
from stackscan.formats.race_report.spans import MARKS
from stackscan.model.snapshot import Frame, Problem, Snapshot
from stackscan.sources import Progress, limits

__all__ = ["NAME", "read"]

_MARK: Final = MARKS[0].decode()
_RULE: Final = re.compile(r"={10,80}\Z")
#: A call that lost its end.
_TORN_CALL: Final = re.compile(r"\S{1,4096}\(\S{0,80}\Z")
_UNKNOWN: Final = "[failed to restore the stack]"
_STEP: Final = 1 << 16  # lines between two reports of progress


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshot of a text of race reports: two rows a race, and a conclusion for each."""
    lines, problems = pasted.lines_of(data)
    reader = _Reader(problems)
    for number, line in enumerate(lines, start=1):
        reader.take(line, number)
        if progress is not None and not number % _STEP:
            progress(len(data) * number // len(lines), len(data))
    reader.end(len(lines), cut=True)
    if progress is not None:
        progress(len(data), len(data))
    return [snapshots.build(reader.races, reader.problems, complete=not reader.lossy)]


@dataclass
class _Reader:
    problems: list[Problem]
    races: list[Race] = field(default_factory=list)
    lossy: bool = False
    inside: bool = False  # a report, whose last line was not seen yet
    section: Section | None = None
    call: tuple[str, int] | None = None  # a function whose place comes next
    frames: dict[Frame, Frame] = field(default_factory=dict)

    def take(self, line: str, number: int) -> None:
        """Take the next line, without what stands before it."""
        if _MARK in line:
            self.end(number, cut=True)
            self.races.append(Race(number))
            self.inside = True
        elif not self.inside:
            self._lost_place()
        elif not line:
            return  # a paste may have a blank line behind each
        elif _RULE.match(line):
            self.end(number, cut=False)
        elif not self._head(line, number) and not self._frame(line, number):
            self._other(line, number)

    def end(self, number: int, *, cut: bool) -> None:
        """The report ends here; ``cut``: without the line of equal signs."""
        self._lost_place()
        if self.inside and cut and self.races[-1].is_cut:
            self._problem(number, "the report is cut: a goroutine or its creation is missing", "", lossy=True)
        self.inside, self.section = False, None

    def _head(self, line: str, number: int) -> bool:
        """Take a line that begins a part of the report."""
        race = self.races[-1]
        access, created = grammar.read_access(line), grammar.read_created(line)
        variable = grammar.read_global(line)
        if access is not None:
            self.section = Section(number)
            race.accesses.append((access, self.section))
        elif created is not None:
            self.section = Section(number)
            race.created[created[0]] = created[1], self.section
        elif grammar.is_heap(line):
            self.section = race.allocated = Section(number)
        elif variable is not None:
            race.variable, self.section = variable, None
        elif line == _UNKNOWN and self.section is not None:
            self.section.unknown = True
        else:
            return False
        self._lost_place()
        return True

    def _frame(self, line: str, number: int) -> bool:
        """Take a call, or the place of the call before it."""
        function = grammar.read_function(line)
        if function is not None:
            self._lost_place()
            self.call = function, number
            return True
        place = grammar.read_place(line) if pasted.is_location(line) else None
        if place is None or (self.call is None and (" " in place[0] or self.section is None)):
            return False  # what a test prints ends like a place, too
        if self.call is None:
            self._problem(number, "a place without its function; frame skipped", line, lossy=True)
            return True
        self._add(Frame(self._short(self.call[0]), self._short(place[0]), place[1], place[2]), number, line)
        self.call = None
        return True

    def _add(self, frame: Frame, number: int, line: str) -> None:
        if self.section is None:
            self._problem(number, "a frame outside of any part of the report; skipped", line, lossy=True)
        elif len(self.section.frames) < limits.MAX_FRAMES:
            self.section.frames.append(self.frames.setdefault(frame, frame))
        elif not self.section.partial:
            self.section.partial = True
            self._problem(number, bounds.too_deep(), line, lossy=True)

    def _lost_place(self) -> None:
        """A function whose place did not follow keeps its name."""
        if self.call is not None:
            function, number = self.call
            self.call = None
            self._add(Frame(self._short(function), "", 0), number, function)
            self._problem(number, "a function without its place", function, lossy=True)

    def _short(self, name: str) -> str:
        return bounds.shortened(name) if bounds.is_long(name) else name

    def _other(self, line: str, number: int) -> None:
        """A line that is not the report's: what else a program prints, or damage."""
        torn = "goroutine " in line.lower() or " +0x" in line or _TORN_CALL.match(line) is not None
        self._lost_place()
        reason = "line of a race report is damaged; skipped" if torn else "other text inside a race report"
        self._problem(number, reason, line, lossy=torn)

    def _problem(self, number: int, reason: str, line: str, *, lossy: bool) -> None:
        self.problems.append(Problem(number, reason, line[:EXCERPT]))
        self.lossy |= lossy
