"""The occupancy of a pool over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: Moments of a pool's occupancy that are kept: an hour at an interval of five seconds.
MOMENTS: Final = 720


@dataclass(frozen=True, slots=True)
class Moment:
    """A pool at one time: its workers, how many were busy, and how many of these were held by what its model knows."""

    at: datetime
    workers: int
    busy: int
    states: dict[str, int]
