"""What is known of watched processes as metrics. Watching goes on meanwhile: each value is read once, and no lock is
taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from stackscan.live.history import History
from stackscan.live.sample import Sample
from stackscan.render.openmetrics.families import Row, Samples, label
from stackscan.render.openmetrics.rows import MOST_POOLS, Found, build, findings, goroutines, pools

if TYPE_CHECKING:
    from stackscan.live.standing import Standing


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """Processes as a collector of prometheus_client. ``ages``: with the age of each capture, which is right only for
    who reads it at once."""

    histories: Sequence[History]
    ages: bool = True

    def collect(self) -> Iterator[Metric]:
        """All metrics, as of now."""
        now = datetime.now(UTC) if self.ages else None
        samples = Samples()
        samples.add({}, build())
        for name, history in zip(_names(self.histories), self.histories, strict=True):
            samples.add({"target": name}, _rows(history, now))
        return samples.collect()


def _names(histories: Iterable[History]) -> list[str]:
    """The masked address of each process; what tells two addresses apart may be a secret."""
    seen: dict[str, int] = {}
    names = []
    for history in histories:
        name = label(str(history.target))
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return names


def _rows(history: History, now: datetime | None) -> Iterator[Row]:
    polls, failures, last = history.polls, history.failures, history.last
    yield "stackscan_polls_total", {"result": "ok"}, max(0, polls - failures)
    yield "stackscan_polls_total", {"result": "failed"}, failures
    if polls:
        yield "stackscan_up", {}, int(history.failure is None)
    if last is None:
        return
    yield from goroutines(last.states, last.goroutines)
    yield from findings(map(_found, history.standing.values()))
    yield from pools(last.pools, last.projections)
    yield from _forecasts(history)
    yield from _leak(history)
    yield from _capture(last, now)


def _found(standing: Standing) -> Found:
    values = standing.values
    return Found(values["rule"], values["severity"], values["cause"] or "", values["count"], standing.since.timestamp())


def _forecasts(history: History) -> Iterator[Row]:
    """When pools will be full, where that is known; the first ones, of many."""
    known = [(pool, found) for pool in tuple(history.pools) if (found := history.forecast(pool)) is not None]
    full = [(found.full_in_seconds, pool, found) for pool, found in known if found.full_in_seconds is not None]
    for seconds, pool, found in sorted(full, key=itemgetter(0, 1))[:MOST_POOLS]:
        labels = {"pool": pool}
        yield "stackscan_pool_full_in_seconds", labels, seconds
        yield "stackscan_pool_full_in_low_seconds", labels, found.full_low or 0.0
        yield "stackscan_pool_full_in_high_seconds", labels, math.inf if found.full_high is None else found.full_high


def _leak(history: History) -> Iterator[Row]:
    """The growth of all leaks together, where the times are known."""
    growth = history.growth
    if growth is None:
        return
    places = [place for leak in growth.leaks for place in leak.places]
    rates = [place.rate_per_second for place in places if place.rate_per_second is not None]
    if rates or not places:
        yield "stackscan_leak_goroutines_per_second", {}, sum(rates)


def _capture(last: Sample, now: datetime | None) -> Iterator[Row]:
    """The last capture: when it was taken, and what it cost."""
    yield "stackscan_capture_complete", {}, int(last.complete)
    yield "stackscan_capture_timestamp_seconds", {}, last.at.timestamp()
    if now is not None:
        yield "stackscan_capture_age_seconds", {}, max(0.0, (now - last.at).total_seconds())
    yield "stackscan_capture_duration_seconds", {}, last.cost.request_seconds
    yield "stackscan_capture_size_bytes", {}, last.cost.sent_bytes
    yield "stackscan_capture_judging_seconds", {}, last.cost.judging_seconds
