"""The occupancy of a pool over time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, overload

#: Moments of a pool's occupancy that are kept: an hour at an interval of five seconds.
MOMENTS: Final = 720


@dataclass(frozen=True, slots=True)
class Moment:
    """A pool at one time: its workers, and how many were busy."""

    at: datetime
    workers: int
    busy: int


def _empty() -> array[float]:
    return array("d", bytes(8 * MOMENTS))


@dataclass(slots=True)
class Moments(Sequence[Moment]):
    """The last MOMENTS moments of a pool, the oldest first, as columns of which each takes all its room at once: what a
    watcher of many processes holds does not grow for an hour."""

    _seconds: array[float] = field(default_factory=_empty)
    _workers: array[float] = field(default_factory=_empty)
    _busy: array[float] = field(default_factory=_empty)
    _added: int = 0

    def append(self, one: Moment) -> None:
        """Add one; the oldest goes where there is no room."""
        at = self._added % MOMENTS
        self._seconds[at], self._workers[at], self._busy[at] = one.at.timestamp(), one.workers, one.busy
        self._added += 1

    def __len__(self) -> int:
        return min(self._added, MOMENTS)

    @overload
    def __getitem__(self, place: int) -> Moment: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Moment]: ...
    def __getitem__(self, place: int | slice) -> Moment | Sequence[Moment]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        at = (self._added - len(self) + range(len(self))[place]) % MOMENTS
        moment = datetime.fromtimestamp(self._seconds[at], UTC)
        return Moment(moment, int(self._workers[at]), int(self._busy[at]))
