"""Series of captures of one host, and whether something grows in them.

A series has one host, one version and one format, in time order, and ends where a process was started anew: where its
goroutines fall to less than half. Ids are not kept, so a leak is judged by counts (as ``compare`` judges formats
without ids) and, in a full text, by the wait of the oldest goroutine, which grows by the time that passes. A fleet has
many places on many hosts, of which some grow by chance. So the hosts of a service in which a place grows are tested
together: the growth of all must be so many standard deviations (Poisson's) that any choice of hosts in any place shows
as much by chance in at most 1 of 100 fleets (Bonferroni).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb, log, sqrt
from statistics import median
from typing import Final

from stackscan.fleet.captures import Captures, Instance
from stackscan.fleet.counted import Counted, Counts
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


@dataclass(frozen=True, slots=True)
class Series:
    """Captures of one process, as it seems; ``seconds`` are the times between them."""

    captures: array[int]
    seconds: array[float]
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
        numbers = counts.of(one.captures)
        goroutines = [number for number, _ in numbers]
        come_and_go = waits and _come_and_go(one, [minutes for _, minutes in numbers])
        if grows(goroutines, one.seconds) and not come_and_go:
            first, last = goroutines[0], goroutines[-1]
            return _Grown(last - first, first + last, (last - first) / one.hours)
    return None


def series_of(counted: Counted) -> AllSeries:
    """The series of each host that has captures enough."""
    by_host: dict[Instance, array[int]] = {}
    captures = counted.captures
    for at in counted.kept:
        is_known = captures.host(at) is not None and captures.moment(at) is not None
        if is_known and captures.complete(at) and not captures.leak_profile(at):
            host = captures.instance(at)
            if host not in by_host:
                by_host[host] = array("I")
            by_host[host].append(at)
    found = {host: [*_series(captures, own)] for host, own in by_host.items()}
    known = {host: series for host, series in found.items() if series}
    return AllSeries(known, _tests(counted, known))


def _tests(counted: Counted, series: Mapping[Instance, Sequence[Series]]) -> int:
    """How many places of how many services may grow."""
    hosts = map(counted.hosts_of, counted.gathering.places.values())
    return sum(len({service for service, _, _ in each & series.keys()}) for each in hosts)


def _series(captures: Captures, own: Sequence[int]) -> Iterable[Series]:
    """The series of one host, whose captures are in time order."""
    formats: dict[str, int] = {}
    for at in own:
        name = captures.format(at)
        formats[name] = formats.get(name, 0) + 1
    best = min(formats, key=lambda name: (-formats[name], worth(name), name))
    run = array("I")
    for at in (at for at in own if captures.format(at) == best):
        if run and _seconds(captures, run[-1], at) <= 0:
            continue
        if run and _is_anew(captures, run[-1], at):
            yield from _one(captures, run, is_text=best == TEXT)
            run = array("I")
        run.append(at)
    yield from _one(captures, run, is_text=best == TEXT)


def _one(captures: Captures, run: array[int], *, is_text: bool) -> Iterable[Series]:
    if len(run) >= _FEWEST:
        yield Series(run, array("d", (_seconds(captures, a, b) for a, b in pairwise(run))), is_text)


def _seconds(captures: Captures, before: int, after: int) -> float:
    first, second = captures.time(before), captures.time(after)
    return 0.0 if first is None or second is None else (second - first).total_seconds()


def _is_anew(captures: Captures, before: int, after: int) -> bool:
    falls = captures.goroutines(after) < _ANEW * captures.goroutines(before)
    return falls or captures.version(before) != captures.version(after)


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
