"""Series of captures of one host, and whether something grows in them.

A series has one host, one version and one format, in time order, and ends where a process was started anew: where its
goroutines fall to less than half. Ids are not kept, so a leak is judged by counts (as ``compare`` judges formats
without ids) and, in a full text, by the wait of the oldest goroutine, which grows by the time that passes. A fleet has
many places on many hosts, of which some grow by chance: what grows must grow by so much that all of them together show
one by chance in 1 of 100 fleets (Bonferroni; counts vary as Poisson's).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import NormalDist, median
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
    """The series of each host, in time order, and by how many standard deviations a place must grow."""

    by_host: Mapping[Instance, Sequence[Series]]
    deviations: float

    def rate(self, host: Instance, counts: Counts, *, waits: bool = True) -> float | None:
        """How many goroutines an hour the last series of a host that grows gains; None where none grows. ``waits``: the
        minutes are known, where the format has any."""
        for one in reversed(self.by_host[host]):
            numbers = [counts.get(at, (0, 0)) for at in one.captures]
            goroutines = [number for number, _ in numbers]
            change = goroutines[-1] - goroutines[0]
            if change <= self.deviations * sqrt(goroutines[0] + goroutines[-1]) or not grows(goroutines, one.seconds):
                continue
            if not (waits and _come_and_go(one, [minutes for _, minutes in numbers])):
                return change / one.hours
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
    return AllSeries(known, NormalDist().inv_cdf(1 - _FALSE_ALARMS / max(_tests(counted, known), 1)))


def _tests(counted: Counted, series: Mapping[Instance, Sequence[Series]]) -> int:
    """How many places on how many hosts may grow."""
    columns = counted.gathering.places.values()
    hosts = ({counted.instances[at] for at, *_ in counted.entries(column)} for column in columns)
    return sum(len(each & series.keys()) for each in hosts)


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
