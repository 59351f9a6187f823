"""The history of one process: what was seen lately, and enough of what was before to see what grows slowly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from stackscan.knowledge.rule import Severity
from stackscan.live.moments import Moment, Moments
from stackscan.live.sample import Failure, Sample
from stackscan.live.sends import POOL, Sends
from stackscan.live.standing import Change, Key, Standing, Values, changes, of_sample, stand
from stackscan.live.target import Depth, Target
from stackscan.report.growth import Growth, Packed, judge_series, unpacked

if TYPE_CHECKING:
    from stackscan.queueing.filling import Forecast

T = TypeVar("T")

#: Samples that growth is judged by: the last ones, and some that reach far back. Each takes 3 to 6 kB for a program of
#: some hundred goroutines, and there may be a thousand processes.
_RECENT: Final = 6
_SPREAD: Final = 8
#: Samples of a depth that is seldom asked for, of each of these two kinds.
_SELDOM: Final = 3
#: Samples that may show a leak.
_TREND: Final = 3
#: What stands with a process: the worst severity of its findings, or that it does not answer.
Level = Literal["error", "warning", "info", "ok", "lost"]
_SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
#: Samples without the full text after which information that only it showed is forgotten.
_REMEMBERED: Final = 60
#: Counts of goroutines that are kept, for a curve.
COUNTS: Final = 60


class Spread:
    """A bounded list of samples that reaches as far back as possible: where it is full, the one goes whose neighbours
    are nearest to each other in time. The first and the last stay."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[datetime, Packed]] = []

    def add(self, at: datetime, one: Packed) -> None:
        """Keep one more, of this time."""
        self._kept.append((at, one))
        self.thin(self._most)

    def thin(self, most: int) -> None:
        """Keep at most so many."""
        while len(self._kept) > most:
            gaps = [(self._gap(place), place) for place in range(1, len(self._kept) - 1)]
            del self._kept[min(gaps)[1]]

    def _gap(self, place: int) -> float:
        return (self._kept[place + 1][0] - self._kept[place - 1][0]).total_seconds()

    def __iter__(self) -> Iterator[Packed]:
        return (one for _, one in self._kept)

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(slots=True)
class History:
    """What is known of one process. ``last`` is the last sample, ``failure`` why the last request brought nothing
    (None: it did), ``failing_since`` when that began; ``standing`` are the findings that stand; ``growth`` is the
    verdict over time; ``pools`` the occupancy of each pool lately, ``counts`` the goroutines; ``polls`` counts
    requests; ``sends`` is what a kubo node counts itself; ``next_at`` is when it is asked again (None: it is being
    asked, or has not been)."""

    target: Target
    last: Sample | None = None
    failure: Failure | None = None
    failing_since: datetime | None = None
    standing: dict[Key, Standing] = field(default_factory=dict)
    growth: Growth | None = None
    pools: dict[str, Moments] = field(default_factory=dict)
    counts: deque[int] = field(default_factory=lambda: deque(maxlen=COUNTS))
    polls: int = 0
    failures: int = 0
    next_at: datetime | None = None
    sends: Sends = field(default_factory=Sends)
    _forecasts: dict[str, tuple[tuple[int, int], Forecast | None]] = field(default_factory=dict)
    _depths: deque[Depth] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _counted: set[Key] = field(default_factory=set)
    _since_full: int = 0
    _lately: deque[Packed] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _recent: dict[Depth, deque[Packed]] = field(default_factory=dict)
    _spread: dict[Depth, Spread] = field(default_factory=dict)

    def failed(self, failure: Failure) -> bool:
        """Take note of a request that brought nothing; whether that is news."""
        self.polls += 1
        self.failures += 1
        news = self.failure is None
        self.failing_since = failure.at if news else self.failing_since
        self.failure = failure
        return news

    def take(self, sample: Sample) -> tuple[Change, ...]:
        """Take note of a sample, and say what changed."""
        self.polls += 1
        self.failure = self.failing_since = None
        if self.last is not None and sample.at < self.last.at:
            self._begin_anew()
        self._judge(sample)
        found = of_sample(sample, self.growth)
        now = stand(self.standing, found | self._unseen(sample, found), sample.at)
        told = changes(self.standing, now)
        self.standing, self.last = now, sample
        self.counts.append(sample.goroutines)
        for pool in sample.pools:
            idle = sum(number for state, number in pool.states.items() if state in pool.idle_states)
            if pool.pool.name not in self.pools:
                self.pools[pool.pool.name] = Moments()
            self.pools[pool.pool.name].append(Moment(sample.at, pool.workers, pool.workers - idle))
        return told

    def _begin_anew(self) -> None:
        """Forget what was before: the clock was set back, and in the order of the times the past would follow now."""
        self.growth = None
        for kept in (self._depths, self._lately, self._recent, self._spread, self.pools, self.sends.readings):
            kept.clear()

    def forecast(self, pool: str) -> Forecast | None:
        """When this pool will be full, if the trend of its load goes on; None: not known, or it has no fixed size."""
        from stackscan.live.forecast import forecast_of

        last, moments = self.last, self.pools.get(pool)
        sample = None if last is None else next((found for found in last.pools if found.pool.name == pool), None)
        if last is None or sample is None or moments is None:
            return None
        key = (self.polls, len(self.sends.readings))
        known = self._forecasts.get(pool)
        if known is None or known[0] != key:
            endless = pool in last.projections and last.projections[pool].endless
            sends = tuple(self.sends.readings) if pool == POOL else ()
            known = self._forecasts[pool] = key, forecast_of(sample, tuple(moments), endless=endless, sends=sends)
        return known[1]

    def _unseen(self, sample: Sample, found: Mapping[Key, Values]) -> dict[Key, Values]:
        """What stood before and this sample cannot take back: it lost goroutines, or it counts, and the finding was
        only ever seen in the full text. Without this a finding would go and come with the depth of a request."""
        if sample.depth == "full":
            self._since_full = 0
        else:
            self._since_full += 1
            self._counted |= found.keys()
        if sample.depth == "full" and sample.complete:
            return {}
        return {
            key: one.values
            for key, one in self.standing.items()
            if key not in found and one.values["cause"] != "leak" and self._is_unseen(key, one, sample)
        }

    def _is_unseen(self, key: Key, one: Standing, sample: Sample) -> bool:
        if not sample.complete:
            return True
        return key not in self._counted and (one.severity != "info" or self._since_full <= _REMEMBERED)

    def _judge(self, sample: Sample) -> None:
        """The verdict over samples of one depth, which is the one of most samples lately: a full text now and then
        does not end a leak that counts show. Where there are too few of one depth, all are judged together."""
        self._depths.append(sample.depth)
        packed = Packed.of(sample.observation)
        self._lately.append(packed)
        recent = self._recent.setdefault(sample.depth, deque(maxlen=_RECENT))
        spread = self._spread.setdefault(sample.depth, Spread(_SPREAD))
        recent.append(packed)
        spread.add(sample.at, packed)
        if not self._is_usual(sample.depth) and any(map(self._is_usual, self._recent)):
            spread.thin(_SELDOM)  # so many are enough to begin with, where the others stop coming
            while len(recent) > _SELDOM:
                recent.popleft()
        if len(recent) >= 2 and self._is_usual(sample.depth):
            self.growth = judge_series(unpacked(recent))
            if not self.growth.leaks and len(spread) > len(recent):
                longer = judge_series(unpacked(spread))
                self.growth = longer if longer.leaks else self.growth
        if len(self._lately) >= _TREND and len(recent) < _TREND and not (self.growth and self.growth.leaks):
            self.growth = judge_series(unpacked(self._lately))

    def _is_usual(self, depth: Depth) -> bool:
        """Whether most samples lately are of this depth."""
        return self._depths.count(depth) * 2 > len(self._depths)

    @property
    def level(self) -> Level:
        """The worst of what stands: error, warning, info or ok; ``lost`` where the process does not answer."""
        if self.failure is not None:
            return "lost"
        severities = {one.severity for one in self.standing.values()}
        return next((name for name in _SEVERITIES if name in severities), "ok")

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        if self.failure is not None:
            return self.failure.reason
        if self.last is None:
            return "not asked yet"
        level, line = self.level, self.last.verdicts[0]
        worst = [one for one in self.standing.values() if one.severity == level]
        if worst and (line.level != level or any(one.values["cause"] == "leak" for one in worst)):
            leaks = [one for one in worst if one.values["cause"] == "leak"]
            return str((leaks or worst)[0].values["title"])
        return line.text
