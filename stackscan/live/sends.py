"""What a kubo node says of its sends, beside its goroutines: two scrapes of its metrics give the load between them.

The histogram counts a send when it has ended, so what lies between two scrapes was held, on average, from half a
deadline before the middle. kubo's gauges of tasks are not used: they are set at every hundredth change only, and stay
as they are while the engine is blocked (boxo peertaskqueue, ``updateMetrics``).
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from stackscan.errors import StackscanError
from stackscan.live.moments import MOMENTS

if TYPE_CHECKING:
    from stackscan.live.sample import Sample
    from stackscan.live.target import Target
    from stackscan.queueing.send_times import Scrape
    from stackscan.queueing.trend import Reading

#: The pool whose sends kubo counts.
POOL: Final = "bitswap-task-workers"
#: At most every third sample the metrics are asked for, and at most once in so many holding times.
_EVERY: Final = 3
_HOLDS: Final = 3.0
#: Bytes and seconds of an answer. kubo's metrics have about 200 kB.
_MOST_BYTES: Final = 4 << 20
_SECONDS: Final = 2.0
#: After a request that brought nothing, so many samples come before the next; twice as many each time, at most these.
_FIRST_REST: Final = 6
_MOST_REST: Final = 720


@dataclass(slots=True)
class Sends:
    """The sends of one node over time: ``readings`` are workers that they held on average."""

    readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=MOMENTS // _EVERY))
    _last: tuple[float, Scrape] | None = None
    _wait: int = 0
    _rest: int = _FIRST_REST

    def look(self, target: Target, sample: Sample) -> None:
        """Ask for the metrics of a process where they are due; that they are not served is no error."""
        holding = next(
            (p.pool.model.holding_seconds for p in sample.pools if p.pool.name == POOL and p.pool.model), None
        )
        if holding is None:
            return
        self._wait -= 1
        if self._wait >= 0 or (self._last is not None and time.time() - self._last[0] < _HOLDS * holding):
            return
        scrape = _scrape(target)
        if scrape is None:
            self._wait, self._rest = self._rest, min(2 * self._rest, _MOST_REST)
            return
        self._wait, self._rest = _EVERY - 1, _FIRST_REST
        self.take(time.time(), scrape, holding)

    def take(self, at: float, scrape: Scrape, holding_seconds: float) -> None:
        """Take note of a scrape at a time (seconds since 1970). Counters that run backwards begin anew."""
        from stackscan.queueing.trend import Reading

        before, self._last = self._last, (at, scrape)
        if before is None:
            return
        seconds, held = at - before[0], scrape.seconds - before[1].seconds
        if seconds <= 0 or held < 0 or scrape.count < before[1].count:
            self.readings.clear()
            return
        self.readings.append(Reading((at + before[0] - holding_seconds) / 2, held / seconds, seconds))


def _scrape(target: Target) -> Scrape | None:
    from stackscan.load.scrapes import read_scrape
    from stackscan.sources import compressed, http

    seconds = min(_SECONDS, target.timeout_seconds or _SECONDS)
    try:
        fetched = http.fetch(replace(target, timeout_seconds=seconds).metrics(), most_bytes=_MOST_BYTES)
        data = compressed.head(fetched.data, _MOST_BYTES) or fetched.data
        return None if fetched.cut else read_scrape(data.decode("utf-8", "replace"), where=str(target))
    except StackscanError:
        return None
