"""Series of captures of one host, and whether something grows in them.

A series has one host, one version and one format, in time order, and ends where a process was started anew: where its
goroutines fall to less than half. Ids are not kept, so a leak is judged by counts (as ``compare`` judges formats
without ids) and, in a full text, by the wait of the oldest goroutine, which grows by the time that passes. A fleet has
many places on many hosts, of which some grow by chance. So the hosts of a service in which a place grows are tested
together: the growth of all must be so many standard deviations (Poisson's) that any choice of hosts in any place shows
as much by chance in at most 1 of 100 fleets (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb, log, sqrt
from statistics import median
from typing import Final

from stackscan.fleet.gather import Counted, Instance
from stackscan.fleet.model import Trend
from stackscan.model.counting import TEXT, worth
from stackscan.report.growth import grows, waits_on

#: Captures that show growth.
_FEWEST: Final = 3
#: A process with less than this part of the goroutines of a capture before is another one.
_ANEW: Final = 0.5
#: The chance that anything grows by chance.
_FALSE_ALARMS: Final = 0.01
#: In so many minutes the runtime starts the clocks of all waits.
_CLOCK_MINUTES: Final = 5.0


#: Of one capture its goroutines and the minutes that the oldest waits.
Counts = Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Series:
    """Captures of one process, as it seems; ``seconds`` are the times between them."""

    captures: tuple[int, ...]
    seconds: tuple[float, ...]
    is_text: bool

    @property
    def hours(self) -> float:
        """The time from the first to the last capture."""
        return sum(self.seconds) / 3600


@dataclass(frozen=True, slots=True)
class AllSeries:
    """The series of each host, in time order, and how many places of how many services may grow by chance."""

    by_host: Mapping[Instance, Sequence[Series]]
    tests: int

    def rates(self, hosts: Mapping[Instance, Counts], *, waits: bool = True) -> dict[Instance, float | None]:
        """How many goroutines an hour each host with series gains; None where it does not grow. ``waits``: the minutes
        are known, where the format has any."""
        judged = {
            host: _grown(self.by_host[host], counts, waits) for host, counts in hosts.items() if host in self.by_host
        }
        services: dict[str | None, list[_Grown | None]] = {}
        for (service, _, _), found in judged.items():
            services.setdefault(service, []).append(found)
        real = {service for service, found in services.items() if self._is_real(found)}
        return {host: found.rate if found and host[0] in real else None for host, found in judged.items()}

    def _is_real(self, found: Sequence[_Grown | None]) -> bool:
        """Whether so much growth on so many of these hosts is no chance. The bound is Chernoff's."""
        grown = [one for one in found if one is not None]
        if not grown:
            return False
        choices = log(max(self.tests, 1)) + log(comb(len(found), len(grown)))
        limit = sqrt(2 * (choices - log(2 * _FALSE_ALARMS)))
        return sum(one.change for one in grown) > limit * sqrt(sum(one.variance for one in grown))


@dataclass(frozen=True, slots=True)
class _Grown:
    """Growth on one host: goroutines gained, the variance of that by chance, and goroutines an hour."""

    change: int
    variance: int
    rate: float


def _grown(series: Sequence[Series], counts: Counts, waits: bool) -> _Grown | None:
    """The growth in the last series of a host that grows; None where none does."""
    for one in reversed(series):
        numbers = [counts.get(at, (0, 0)) for at in one.captures]
        goroutines = [number for number, _ in numbers]
        come_and_go = waits and _come_and_go(one, [minutes for _, minutes in numbers])
        if grows(goroutines, one.seconds) and not come_and_go:
            first, last = goroutines[0], goroutines[-1]
            return _Grown(last - first, first + last, (last - first) / one.hours)
    return None


def series_of(counted: Counted) -> AllSeries:
    """The series of each host that has captures enough."""
    by_host: dict[Instance, list[int]] = {}
    for at in counted.kept:
        one = counted.captures[at]
        if one.complete and not one.leak_profile and one.origin.host is not None and one.origin.time is not None:
            by_host.setdefault(counted.instances[at], []).append(at)
    found = {host: [*_series(counted, captures)] for host, captures in by_host.items()}
    known = {host: series for host, series in found.items() if series}
    return AllSeries(known, _tests(counted, known))


def _tests(counted: Counted, series: Mapping[Instance, Sequence[Series]]) -> int:
    """How many places of how many services may grow."""
    columns = counted.gathering.places.values()
    hosts = ({counted.instances[at] for at, *_ in counted.entries(column)} for column in columns)
    return sum(len({service for service, _, _ in each & series.keys()}) for each in hosts)


def _series(counted: Counted, captures: Sequence[int]) -> Iterable[Series]:
    """The series of one host, whose captures are in time order."""
    formats: dict[str, int] = {}
    for at in captures:
        name = counted.captures[at].format
        formats[name] = formats.get(name, 0) + 1
    best = min(formats, key=lambda name: (-formats[name], worth(name), name))
    run: list[int] = []
    for at in (at for at in captures if counted.captures[at].format == best):
        if run and _seconds(counted, run[-1], at) <= 0:
            continue
        if run and _is_anew(counted, run[-1], at):
            yield from _one(counted, run, is_text=best == TEXT)
            run = []
        run.append(at)
    yield from _one(counted, run, is_text=best == TEXT)


def _one(counted: Counted, run: Sequence[int], *, is_text: bool) -> Iterable[Series]:
    if len(run) >= _FEWEST:
        yield Series(tuple(run), tuple(_seconds(counted, a, b) for a, b in pairwise(run)), is_text)


def _seconds(counted: Counted, before: int, after: int) -> float:
    first, second = counted.captures[before].origin.time, counted.captures[after].origin.time
    return 0.0 if first is None or second is None else (second - first).total_seconds()


def _is_anew(counted: Counted, before: int, after: int) -> bool:
    first, second = counted.captures[before], counted.captures[after]
    return first.origin.version != second.origin.version or second.goroutines < _ANEW * first.goroutines


def _come_and_go(series: Series, minutes: Sequence[int]) -> bool:
    """Whether even the oldest goroutines are younger than those that stay would be."""
    passed = sum(series.seconds) / 60
    if not series.is_text or (passed < _CLOCK_MINUTES and not any(minutes)):
        return False
    return not waits_on(minutes, passed)


def trend_of(rates: Iterable[float | None]) -> Trend:
    """The trend over hosts, of each its rate (None: it does not grow)."""
    judged = list(rates)
    growing = [each for each in judged if each is not None]
    return Trend(len(judged), len(growing), median(growing) if growing else None)
