"""When a process is asked again: at its interval, a little earlier or later, and seldom while it is slow or silent."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

#: So much of the interval, at most, a request comes earlier or later: many watchers do not ask in step.
_JITTER: Final = 0.1
#: Two requests that take this part of the interval make the process slow: it is asked half as often.
_SLOW: Final = 0.5
#: The longest interval, as a multiple of the one given, and in seconds for short ones.
_MOST_TIMES: Final = 16
_MOST_SECONDS: Final = 300.0


@dataclass(slots=True)
class Pace:
    """The pace of one process. ``interval_seconds`` is what was asked for; ``times`` by how much it is stretched."""

    interval_seconds: float
    chance: random.Random = field(default_factory=random.Random)
    times: int = 1
    _slow_before: bool = False

    def after(self, seconds: float, *, failed: bool) -> float:
        """Seconds from the beginning of a request to that of the next one; it took ``seconds``."""
        slow = failed or seconds > _SLOW * self.interval_seconds * self.times
        most = max(1, min(_MOST_TIMES, int(_MOST_SECONDS / self.interval_seconds)))
        if not slow:
            self.times = max(1, self.times // 2)
        elif self._slow_before:  # once may be chance: a moment in which the machine was busy
            self.times = min(self.times * 2, most)
        self._slow_before = slow
        shift = 1 + _JITTER * self.chance.uniform(-1, 1)
        return max(self.interval_seconds * self.times * shift, seconds)
