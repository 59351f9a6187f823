"""Every goroutine over the captures: where it was in each, and which of them stand still."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, get_args

from stackscan.comparison.model import Companions, Course, Crowd, Matrix
from stackscan.model.snapshot import Snapshot, Stack
from stackscan.report import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, creator_of, function_at, place_of

#: Wait reasons of goroutines that others must serve; who waits for a timer or the network serves itself.
BLOCKED: Final = ("sync.", "semacquire", "chan send", "select (no cases)", "chan receive (nil chan)")
_ORDER: Final[tuple[Course, ...]] = get_args(Course)
#: For each capture the place of a goroutine's stack (None: it is not there).
_At = tuple[int | None, ...]


def build_matrix(
    captures: Sequence[tuple[SnapshotReport, Snapshot]],
    *,
    waiting: Collection[int],
    growing: Collection[CodePlace],
    reasons: bool,
) -> Matrix:
    """All goroutines with ids, which must be comparable.

    ``waiting`` are the ids of those that stood still for all the time; ``growing`` the places of leaks, which nobody
    takes for idle; ``reasons``: all captures tell why goroutines wait.
    """
    seen = _Seen(len(captures), reasons)
    for place, (report, snapshot) in enumerate(captures):
        seen.look(place, report, snapshot)
    idle = frozenset(n for n, found in enumerate(seen.stacks) if found.aside and place_of(found) not in growing)
    together: dict[tuple[Course, _At], list[int]] = {}
    for number in sorted(seen.at):
        at = tuple(seen.at[number])
        course = "waiting" if number in waiting and seen.stands(at) else seen.course(at)
        known = {n for n in at if n is not None}
        together.setdefault(("idle" if known <= idle else course, at), []).append(number)
    crowds: dict[tuple[Course, tuple[object, ...]], list[Companions]] = {}
    for (course, at), ids in together.items():
        minutes = tuple(
            () if n is None else tuple(seen.minutes[number][place] for number in ids) for place, n in enumerate(at)
        )
        crowds.setdefault((course, seen.places(at)), []).append(Companions(at, tuple(ids), minutes))
    made = [Crowd(key[0], tuple(sorted(each, key=lambda c: -len(c.ids)))) for key, each in crowds.items()]
    return Matrix(tuple(seen.stacks), tuple(sorted(made, key=lambda crowd: _suspicion(crowd, seen.stacks))))


class _Seen:
    """What the captures show of each goroutine, by its id: the place of its stack and its minutes in each capture."""

    def __init__(self, captures: int, reasons: bool) -> None:
        self._captures = captures
        self._reasons = reasons
        self._places: dict[tuple[Stack, str | None], int] = {}
        self._spots: list[object] = []
        self.stacks: list[StackReport] = []
        self.at: dict[int, list[int | None]] = {}
        self.minutes: dict[int, list[int]] = {}

    def look(self, capture: int, report: SnapshotReport, snapshot: Snapshot) -> None:
        """Add a capture."""
        ids, minutes = snapshot.column("goroutine_id"), snapshot.column("wait_minutes")
        shown = {(found.bucket.stack, found.bucket.wait_reason): found for found in report.buckets}
        for (stack_id, reason), rows in snapshot.cells.items():
            place = self._place(shown[snapshot.stacks[stack_id], reason])
            for row in rows:
                number = ids[row]
                if number is None:
                    continue
                if number not in self.at:
                    self.at[number], self.minutes[number] = [None] * self._captures, [0] * self._captures
                if self.at[number][capture] is None:  # a goroutine listed twice is one
                    self.at[number][capture], self.minutes[number][capture] = place, minutes[row] or 0

    def _place(self, found: StackReport) -> int:
        """The place of a stack with a state, as the last capture that has it shows it."""
        key = found.bucket.stack, found.bucket.wait_reason
        place = self._places.setdefault(key, len(self.stacks))
        if place == len(self.stacks):
            lines = tuple((frame.function, frame.file, frame.line) for frame in found.bucket.stack.frames)
            self._spots.append((lines, found.bucket.wait_reason if self._reasons else None))
            self.stacks.append(found)
        self.stacks[place] = found
        return place

    def stands(self, at: _At) -> bool:
        """Whether a goroutine is in one stack, down to the line, for one reason, in all of these captures."""
        return None not in at and len({self._spots[n] for n in at if n is not None}) == 1

    def course(self, at: _At) -> Course:
        """What a goroutine did, by its stacks alone."""
        if at[-1] is None:
            return "gone"
        if self.stands(at):
            return "stayed"
        first = next(place for place, n in enumerate(at) if n is not None)
        if first == len(at) - 1:
            return "new"
        return "appeared" if first and self.stands(at[first:]) else "moved"

    def places(self, at: _At) -> tuple[object, ...]:
        """Where a goroutine was in the code, and its states."""
        found = (None if n is None else self.stacks[n] for n in at)
        return tuple(None if one is None else (function_at(one), creator_of(one), one.state) for one in found)


def _suspicion(crowd: Crowd, stacks: Sequence[StackReport]) -> tuple[int, bool, bool, int, int, int]:
    """By course; then what rules caught, what others must serve, the largest, the longest wait."""
    first = crowd.companions[0]
    last = next(stacks[n] for n in reversed(first.at) if n is not None)
    blocked = (last.bucket.wait_reason or "").startswith(BLOCKED)
    longest = max(minutes for each in crowd.companions for minutes in each.minutes[-1] or (0,))
    return _ORDER.index(crowd.course), not last.rules, not blocked, -crowd.count, -longest, first.ids[0]
