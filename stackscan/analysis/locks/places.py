"""Places of goroutines that may hold a lock: those in one stack, with the same evidence, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
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

    def __init__(
        self, mark: Mark, stack: int, reason: str | None, waits_for: int | None, rows: list[int], ground: Ground
    ) -> None:
        self.mark = mark
        self.stack = stack
        self.reason = reason
        self.waits_for = waits_for
        self.rows = rows
        self._ground = ground

    def order(self) -> tuple[int, bool, int, int, int]:
        """The likeliest first, those that wait for no lock before others, few before many."""
        return -self.mark[0], self.waits_for is not None, len(self.rows), self.stack, self.rows[0]

    def without(self, rows: frozenset[int]) -> Place:
        """The same place without some of its goroutines."""
        left = [row for row in self.rows if row not in rows]
        return Place(self.mark, self.stack, self.reason, self.waits_for, left, self._ground)

    @cached_property
    def candidate(self) -> Candidate:
        """The goroutines as a report shows them."""
        snapshot = self._ground.snapshot
        score, evidence, reliable, frame = self.mark
        ids, minutes = snapshot.column("goroutine_id"), snapshot.column("wait_minutes")
        return Candidate(
            score=score,
            evidence=evidence,
            reliable=reliable,
            stack=snapshot.stacks[self.stack],
            frame=frame,
            wait_reason=self.reason,
            count=len(self.rows),
            goroutine_ids=tuple(number for row in self.rows[:_IDS] if (number := ids[row]) is not None),
            max_wait_minutes=max(minutes[row] or 0 for row in self.rows),
            waits_for=self.waits_for,
        )


def places_of(marks: Mapping[int, Mark], ground: Ground) -> list[Place]:
    """The places of goroutines (rows), each with what speaks for it."""
    if len(marks) == 1:  # nearly always
        ((row, mark),) = marks.items()
        return [Place(mark, *_alike(row, ground), [row], ground)]
    groups: dict[tuple[Mark, int, str | None, int | None], list[int]] = {}
    for row in sorted(marks):
        groups.setdefault((marks[row], *_alike(row, ground)), []).append(row)
    return [Place(*key, rows, ground) for key, rows in groups.items()]


def places_in(mark: Mark, rows: Sequence[int], ground: Ground) -> list[Place]:
    """The places of some goroutines for which the same speaks."""
    return places_of(dict.fromkeys(rows, mark), ground)


def _alike(row: int, ground: Ground) -> tuple[int, str | None, int | None]:
    """What goroutines of one place have in common: stack, wait reason, and the lock that they wait for."""
    return ground.stacks[row], ground.snapshot.column("wait_reason")[row], ground.waits_for.get(row)
