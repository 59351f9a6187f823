"""Places of goroutines that may hold a lock: those in one stack, with the same evidence, together."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from stackscan.analysis.locks.model import Candidate, Evidence

if TYPE_CHECKING:
    from stackscan.analysis.locks.ground import Ground

#: Places of each lock that are shown.
SHOWN: Final = 5
_IDS: Final = 20

#: What speaks for a goroutine: score, evidence, whether it is reliable, and the frame that shows it.
Mark = tuple[int, Evidence, bool, int]


class Place:
    """Goroutines (``rows``, ascending) of one ``stack`` that wait for the same ``reason`` and for the same lock
    (``waits_for``, its place; None: for none that is known), and what speaks for them."""

    __slots__ = ("candidate", "mark", "reason", "rows", "stack", "waits_for")

    def __init__(self, mark: Mark, stack: int, reason: str | None, waits_for: int | None, rows: list[int]) -> None:
        self.mark = mark
        self.stack = stack
        self.reason = reason
        self.waits_for = waits_for
        self.rows = rows
        self.candidate: Candidate | None = None

    def order(self) -> tuple[int, bool, int, int, int]:
        """The likeliest first, those that wait for no lock before others, few before many."""
        return -self.mark[0], self.waits_for is not None, len(self.rows), self.stack, self.rows[0]

    def without(self, rows: Container[int]) -> Place:
        """The same place without some of its goroutines."""
        return Place(self.mark, self.stack, self.reason, self.waits_for, [row for row in self.rows if row not in rows])


class Places:
    """Puts goroutines together by place."""

    def __init__(self, ground: Ground) -> None:
        snapshot = ground.snapshot
        self._stacks = snapshot.stacks
        self._stack_of = ground.stacks
        self._waits_for = ground.waits_for
        self._reasons, self._ids, self._minutes = map(snapshot.column, ("wait_reason", "goroutine_id", "wait_minutes"))

    def of(self, marks: Mapping[int, Mark]) -> list[Place]:
        """The places of goroutines (rows), each with what speaks for it."""
        if len(marks) == 1:  # nearly always
            ((row, mark),) = marks.items()
            return [Place(mark, self._stack_of[row], self._reasons[row], self._waits_for.get(row), [row])]
        groups: dict[tuple[Mark, int, str | None, int | None], list[int]] = {}
        for row in sorted(marks):
            key = marks[row], self._stack_of[row], self._reasons[row], self._waits_for.get(row)
            groups.setdefault(key, []).append(row)
        return [Place(*key, rows) for key, rows in groups.items()]

    def alike(self, mark: Mark, rows: Iterable[int]) -> list[Place]:
        """The places of some goroutines for which the same speaks."""
        return self.of(dict.fromkeys(rows, mark))

    def candidate(self, place: Place) -> Candidate:
        """The goroutines of a place as a report shows them."""
        if place.candidate is None:
            score, evidence, reliable, frame = place.mark
            rows, ids, minutes = place.rows, self._ids, self._minutes
            place.candidate = Candidate(
                score=score,
                evidence=evidence,
                reliable=reliable,
                stack=self._stacks[place.stack],
                frame=frame,
                wait_reason=place.reason,
                count=len(rows),
                goroutine_ids=tuple([ids[row] for row in rows[:_IDS] if ids[row] is not None]),
                max_wait_minutes=max([minutes[row] or 0 for row in rows]),
                waits_for=place.waits_for,
            )
        return place.candidate
