"""The state of reading one text, from either reader."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from stackscan.formats.goroutine_text.interned import Interned
from stackscan.formats.goroutine_text.surroundings import COUNTED, Mark
from stackscan.model.snapshot import Problem

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.calls import Calls
    from stackscan.formats.goroutine_text.late_calls import LateCalls
    from stackscan.formats.goroutine_text.segments import SegmentResult

_BLOCK: Final = 4096  # bytes
#: First byte, end, and the number of the first line of a part of a text.
Span = tuple[int, int, int]


class Text:
    """The bytes of a text, and where its lines begin: newlines are counted once, a block after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._before = [0]  # newlines before each block that was counted, and before the next

    def offset(self, line: int) -> int:
        """Where a line (1-based) begins; the end of the text where there are not so many."""
        newlines = line - 1
        while self._before[-1] < newlines and (at := (len(self._before) - 1) * _BLOCK) < len(self.data):
            self._before.append(self._before[-1] + self.data.count(b"\n", at, at + _BLOCK))
        if newlines <= 0 or self._before[-1] < newlines:
            return 0 if newlines <= 0 else len(self.data)
        block = bisect_left(self._before, newlines) - 1
        at = block * _BLOCK
        for _ in range(newlines - self._before[block]):
            at = self.data.index(b"\n", at) + 1
        return at


class ScatteredCalls(NamedTuple):
    """The argument lists of one goroutine: its header line, and of each frame the line that holds its list (0: none).
    Line ``first_line`` begins at byte ``begin`` of the text."""

    line: int
    call_lines: Sequence[int]
    begin: int
    first_line: int


@dataclass(slots=True)
class Reading:
    """What has been read of one text so far, in line order."""

    interned: Interned = field(default_factory=Interned)
    problems: list[Problem] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    ancestors: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # line, id, depth, ancestor, stack
    lost_lines: list[int] = field(default_factory=list)
    hidden_lines: list[int] = field(default_factory=list)
    skipped_lines: list[int] = field(default_factory=list)  # perhaps frames
    quoted_lines: list[int] = field(default_factory=list)  # headers of stacks that a person wrote
    calls: list[Calls | LateCalls] = field(default_factory=list)
    scattered_calls: list[ScatteredCalls] = field(default_factory=list)
    cut: bool = False

    def add(self, result: SegmentResult) -> None:
        """Add what was read with care, but for the goroutines themselves."""
        self.problems += result.problems
        self.marks += result.marks
        self.lost_lines += result.lost
        self.hidden_lines += result.hidden
        self.skipped_lines += result.skipped
        self.quoted_lines += result.quoted
        self.cut |= result.cut
        for goroutine in result.goroutines:
            for depth, (ancestor, stack) in enumerate(goroutine.ancestors, start=1):
                stack_id = self.interned.stack_id(stack)
                self.ancestors.append((goroutine.line, goroutine.goroutine_id or 0, depth, ancestor, stack_id))

    def note_counted(self, data: bytes) -> None:
        """Report counted profiles between goroutines: they are not read, since a panic's message may quote them."""
        line, at = 1, 0
        for found in COUNTED.finditer(data) if b" profile: total " in data else ():
            line, at = line + data.count(b"\n", at, found.start()), found.start()
            reason = "a counted profile after a panic's first line, perhaps part of its message; not read"
            self.problems.append(Problem(line, reason, found[0].split(b"\n")[0].decode()))
            self.lost_lines.append(line)

    def sort(self) -> None:
        """Bring everything in line order."""
        self.problems.sort(key=lambda problem: problem.line)
        self.marks.sort(key=lambda mark: mark.line)
        for numbers in (self.lost_lines, self.hidden_lines, self.skipped_lines, self.quoted_lines):
            numbers.sort()
        self.ancestors.sort()
        self.scattered_calls.sort(key=lambda calls: calls.line)
