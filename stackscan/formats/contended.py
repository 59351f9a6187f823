"""The content of a mutex or block profile, for both of its forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stackscan.model.snapshot import Frame, Problem

Kind = Literal["mutex", "block"]


@dataclass(frozen=True, slots=True)
class ContentionRecord:
    """Waits that began or ended in one place: ``cycles`` of the processor's clock in all, ``count`` waits.

    Mutex profiles name the place that unlocked (Go 1.8 and later), block profiles the place that waited. Both numbers
    are estimates, already scaled up by the sampling (runtime/mprof.go saveBlockEventStack).
    """

    cycles: int
    count: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class ContentionProfile:
    """One profile: records in the order of the text, which is most cycles first.

    ``cycles_per_second`` is 0 where it could not be read; ``sampling_period`` is known for mutex profiles: one event
    in so many was recorded, 0 or less: none.
    """

    kind: Kind
    cycles_per_second: int
    sampling_period: int | None
    records: tuple[ContentionRecord, ...]
    problems: tuple[Problem, ...] = ()

    def delay_seconds(self, record: ContentionRecord) -> float | None:
        """How long the waits of a record took together, in seconds; None where the clock's rate is not known."""
        return record.cycles / self.cycles_per_second if self.cycles_per_second > 0 else None
