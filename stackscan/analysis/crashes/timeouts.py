"""Test time-outs: for each running test whether it hangs, is slow, or is starved by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stackscan.analysis.crashes.died import is_own, place_of
from stackscan.analysis.crashes.running_tests import TestGoroutines, TestRows, listed_tests, seconds
from stackscan.analysis.finding import Evidence, Step
from stackscan.model.snapshot import Frame, Snapshot

Judgement = Literal["hangs", "is slow", "is starved"]
_ORDER: Final[tuple[Judgement, ...]] = ("hangs", "is slow", "is starved")
_MOVING: Final = frozenset({None, "running", "runnable", "preempted", "copystack"})
#: Waits for the world outside, which may answer at any moment.
_OUTSIDE: Final = frozenset({"syscall", "IO wait", "sleep"})
#: Goroutines that are ready to run, from which on a test may lack a processor.
_CROWD: Final = 32
#: Seconds after which the runtime has told the age of a wait for sure: its clock starts at a collection, forced every
#: two minutes.
_CLOCK: Final = 300.0
_MOST_STEPS: Final = 5
_MOST_OWN: Final = 2
_IDS: Final = 20
#: Judgements of several tests.
_SEVERAL: Final = {"hangs": "hang", "is slow": "are slow", "is starved": "are starved"}


@dataclass(frozen=True, slots=True)
class TimeOut:
    """What to say of a time-out: the sentence, its evidence, the tests' goroutines as steps, and all their rows."""

    title: str
    evidence: Evidence
    steps: tuple[Step, ...]
    rows: tuple[int, ...]
    judgement: Judgement | None


@dataclass(frozen=True, slots=True)
class _Judged:
    group: TestGoroutines
    judgement: Judgement | None
    row: int | None
    does: str


def describe(snapshot: Snapshot, shown: Snapshot, timeout: str | None) -> TimeOut:
    """What a dump of tests that ran out of time shows."""
    return _TimeOuts(snapshot, shown, timeout).describe()


class _TimeOuts:
    def __init__(self, snapshot: Snapshot, shown: Snapshot, timeout: str | None) -> None:
        self.shown = shown
        self.timeout = timeout
        self.tests = TestRows(snapshot, listed_tests(snapshot.message, shown.message))
        self.stacks = snapshot.stacks
        self.states = snapshot.column("wait_reason")
        self.minutes = [minutes or 0 for minutes in snapshot.column("wait_minutes")]
        self.ready = sum(state in _MOVING for state in self.states)

    def describe(self) -> TimeOut:
        judged = sorted((self._judged(group) for group in self.tests.groups()), key=_order)
        rows = tuple(dict.fromkeys(row for found in judged for row in (*found.group.own, *found.group.started)))
        tests = {test.shown: round(test.seconds) for found in judged for test in found.group.tests}
        evidence: Evidence = {
            "running tests": len(tests),
            "seconds": tests if any(tests.values()) else None,
            "tests waiting for their turn": self.tests.waiting_for_turn,
        }
        return TimeOut(
            title=self._title(judged),
            evidence={name: value for name, value in evidence.items() if value},
            steps=tuple(step for found in judged[:_MOST_STEPS] for step in self._steps(found)),
            rows=rows,
            judgement=judged[0].judgement if judged else None,
        )

    def _title(self, judged: Sequence[_Judged]) -> str:
        after = "the tests timed out" + (f" after {self.timeout}" if self.timeout else "")
        if not judged:
            turn = self.tests.waiting_for_turn
            return f"{after}; {turn:,} tests waited for their turn" if turn else f"{after}; no test was running"
        first = judged[0]
        names = _listed([test.words for test in first.group.tests])
        text = f"{after}: {names} {_verb(first)}" + (f": {first.does}" if first.does else "")
        others = sum(len(found.group.tests) for found in judged[1:])
        if others:
            text += f"; {others:,} more {'test was' if others == 1 else 'tests were'} running"
        return text + self._earlier(judged)

    def _earlier(self, judged: Sequence[_Judged]) -> str:
        """What to add where no running test ran for long enough to be the reason."""
        longest = max((test for found in judged for test in found.group.tests), key=lambda test: test.seconds)
        if longest.elapsed is None or not self.timeout or 2 * longest.seconds >= seconds(self.timeout):
            return ""
        return f"; earlier tests took most of the time: this one ran for {longest.elapsed}"

    def _judged(self, group: TestGoroutines) -> _Judged:
        if not group.own:
            return _Judged(group, None, None, "")
        longest = max(test.seconds for test in group.tests)
        found = [(self._judgement(row, group, longest), row) for row in group.own]
        judgement, row = min(found, key=lambda pair: (_ORDER.index(pair[0]), -self.minutes[pair[1]]))
        apart = {(self.tests.stacks[other], self.states[other]): other for other in (*group.own, row)}
        does = [self._does(row), *(self._does(other) for other in apart.values() if other != row)]
        return _Judged(group, judgement, row, ", ".join(does[:_MOST_OWN]))

    def _judgement(self, row: int, group: TestGoroutines, longest: float) -> Judgement:
        state, minutes = self.states[row], self.minutes[row]
        if self.tests.waits_for_turn(row):
            return "is starved"
        if state in _MOVING:
            return "is starved" if state == "runnable" and self.ready >= _CROWD else "is slow"
        if state == "sleep" or (state in _OUTSIDE and not minutes):
            return "is slow"
        if any(self._works(other) for other in group.started):
            return "is slow"
        if not minutes and longest >= _CLOCK and any(self.minutes):
            return "is slow"  # it began to wait lately
        return "hangs"

    def _works(self, row: int) -> bool:
        """Whether a goroutine that the test started is at work."""
        return self.states[row] in _MOVING or (self.states[row] == "syscall" and not self.minutes[row])

    def _does(self, row: int) -> str:
        frame = self._frame(row)
        who = "its goroutine" if self.tests.ids[row] is None else f"goroutine {self.tests.ids[row]}"
        return f"{who} {self._state(row)}" + (f" in {place_of(frame)}" if frame is not None else "")

    def _state(self, row: int) -> str:
        state, minutes = self.states[row], self.minutes[row]
        if self.tests.waits_for_turn(row):
            return "waits for its turn (t.Parallel)"
        if state in _MOVING:
            return "waits for a processor" if state == "runnable" and self.ready >= _CROWD else "is running"
        return f"waits in {state}" + (f" for {minutes:,} min" if minutes else "")

    def _frame(self, row: int) -> Frame | None:
        stack_id = self.tests.stacks[row]
        frames = self.stacks[stack_id].frames
        at = next((at for at, frame in enumerate(frames) if is_own(frame)), 0 if frames else None)
        return None if at is None else self.shown.stacks[stack_id].frames[at]

    def _steps(self, found: _Judged) -> list[Step]:
        """The goroutines of a test, and those that it started, by what they do."""
        if found.row is None:
            return []
        names = _listed([test.words for test in found.group.tests])
        judged = f": {names} {_verb(found)}"
        own = [self._step(rows, judged) for rows in self._alike((found.row, *found.group.own))]
        started = [self._step(rows, ", started by it") for rows in self._alike(found.group.started)]
        return own[:_MOST_OWN] + started[: _MOST_STEPS - 1]

    def _alike(self, rows: Sequence[int]) -> list[list[int]]:
        """The rows by stack and state, the longest waits first."""
        alike: dict[tuple[int, str | None], list[int]] = {}
        for row in dict.fromkeys(rows):
            alike.setdefault((self.tests.stacks[row], self.states[row]), []).append(row)
        return sorted(alike.values(), key=lambda rows: -max(self.minutes[row] for row in rows))

    def _step(self, rows: Sequence[int], more: str) -> Step:
        longest = max(rows, key=lambda row: self.minutes[row])
        ids = tuple(number for row in rows if (number := self.tests.ids[row]) is not None)
        return Step(ids[:_IDS], len(rows), self._state(longest) + more, self._frame(longest))


def _verb(found: _Judged) -> str:
    if found.judgement is None:
        return "was running" if len(found.group.tests) == 1 else "were running"
    return found.judgement if len(found.group.tests) == 1 else _SEVERAL[found.judgement]


def _order(found: _Judged) -> tuple[int, float]:
    place = len(_ORDER) if found.judgement is None else _ORDER.index(found.judgement)
    return place, -max(test.seconds for test in found.group.tests)


def _listed(names: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and 3 more tests``."""
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2:,} more tests"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
