"""How often the forecast of a pool is right: loads that are known, simulated and sampled as `stackscan watch` does.

    python benchmarks/forecast.py [RUNS]

A pool of 12 workers, holds of 10 s, a sample every 5 s. Each run draws its arrivals anew, serves them first come, first
served, and asks for one forecast at the end. "in interval" is how many of the 90 % intervals hold the time at which the
load reaches the workers; "middle / true" compares the median with that time. "wrong" is how many of all forecasts say
that the pool fills while the load does not rise, or that it will not be full within a time in which it will.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stackscan.queueing.filling import Forecast, forecast
from stackscan.queueing.trend import Reading

WORKERS = 12
HOLD = 10.0
EVERY = 5.0
WARM = 100.0
KINDS = ("full", "filling", "steady", "falling", "unclear")

Load = Callable[[float], float]


@dataclass(frozen=True)
class Case:
    """A load over ``lasting`` seconds, and when it reaches the workers, in seconds from its end (None: never)."""

    name: str
    lasting: float
    load: Load
    full_in: float | None = None
    rises: bool = False
    random_holds: bool = False  # exponential ones, of an unknown mean
    scrapes: bool = False
    endless: bool = False
    every: float = EVERY

    @property
    def scrape_every(self) -> float:
        """Seconds between two scrapes: every third sample, and three holds at least."""
        return max(3 * self.every, 3 * HOLD)


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("| load | " + " | ".join(KINDS) + " | in interval | middle / true | wrong |")
    print("|---|" + "---:|" * (len(KINDS) + 3))
    for place, case in enumerate(cases()):
        random = np.random.default_rng(place)
        found = [once(case, random) for _ in range(runs)]
        print(row(case, found), flush=True)


def cases() -> Iterator[Case]:
    """Loads of all kinds."""
    yield Case("steady, 2 erlangs, 30 s", 30, lambda _: 2.0)
    for lasting in (300.0, 1800.0):
        for load in (1.0, 4.0, 8.0):
            yield Case(f"steady, {load:g} erlangs, {minutes(lasting)}", lasting, lambda _, load=load: load)
    for lasting in (150.0, 300.0, 600.0, 1800.0):
        yield rising(f"rising from 1 to 6, {minutes(lasting)}", 1, 6, lasting)
    yield rising("rising from 4 to 8, 10 min", 4, 8, 600.0)
    yield rising("rising from 4 to 8, 30 min", 4, 8, 1800.0)
    yield rising("rising from 4 to 8, 30 min, every 60 s", 4, 8, 1800.0, every=60.0)
    yield rising("rising from 4 to 8, 30 min, every 60 s, metrics too", 4, 8, 1800.0, every=60.0, scrapes=True)
    yield rising("rising from 1 to 6, 10 min, random holds", 1, 6, 600.0, random_holds=True)
    for before, after in ((300.0, 60.0), (300.0, 180.0), (900.0, 600.0)):
        name = f"step from 2 to 6 after {minutes(before)}, {minutes(after)} ago"
        yield Case(name, before + after, lambda at, before=before: 6.0 if at > before else 2.0)
    yield Case("bursts of 11 for 40 s every 5 min, else 2; 30 min", 1800, lambda at: 11.0 if at % 300 < 40 else 2.0)
    yield Case("falling from 10 to 1, 10 min", 600, lambda at: 10 - at * 9 / 600)
    yield Case("above the workers: 15, 2 min", 120, lambda _: 15.0, full_in=0.0, rises=True)
    yield Case("one taken for good every 2 min, 10 min", 600, lambda _: HOLD / 120, rises=True, endless=True)
    yield Case("steady, 4 erlangs, 30 min, metrics too", 1800, lambda _: 4.0, scrapes=True)
    yield Case("steady, 4 erlangs, 30 min, random holds", 1800, lambda _: 4.0, random_holds=True)


def rising(name: str, low: float, high: float, lasting: float, **rest: Any) -> Case:
    """A load along a line; counts follow it by half a hold."""
    slope = (high - low) / lasting
    full_in = (WORKERS - high) / slope + HOLD / 2
    return Case(name, lasting, lambda at: max(0.0, low + slope * at), full_in, rises=True, **rest)


def once(case: Case, random: np.random.Generator) -> tuple[Forecast, float | None]:
    """One run: what the forecast says, and when the pool is full."""
    arrivals = drawn(case.load, case.lasting, random)
    at = np.arange(0.0, case.lasting + 1e-9, case.every)
    if case.endless:
        taken = np.cumsum(random.exponential(120.0, WORKERS))
        busy = np.searchsorted(taken, at, "right")
        found = forecast(readings(at, busy), workers=WORKERS, holding_seconds=HOLD, endless=True)
        return found, float(taken[-1]) - case.lasting
    holds = random.exponential(HOLD, len(arrivals)) if case.random_holds else np.full(len(arrivals), HOLD)
    starts, ends = served(arrivals, holds)
    busy = np.searchsorted(np.sort(starts), at, "right") - np.searchsorted(np.sort(ends), at, "right")
    known = None if case.random_holds else HOLD
    sends = scraped(np.sort(ends), case) if case.scrapes else ()
    return forecast(readings(at, busy), workers=WORKERS, holding_seconds=known, sends=sends), case.full_in


def drawn(load: Load, lasting: float, random: np.random.Generator) -> np.ndarray:
    """Poisson arrivals at this load, by thinning (Lewis and Shedler 1979)."""
    most = max(load(at) for at in np.linspace(0, lasting, 500)) / HOLD
    times = np.sort(random.uniform(-WARM, lasting, random.poisson(most * (lasting + WARM))))
    kept = [load(max(at, 0.0)) / HOLD / most for at in times]
    return times[random.random(len(times)) < kept]


def served(arrivals: np.ndarray, holds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When each task gets a worker, and when it gives it back: the earliest worker that is free."""
    free = [-math.inf] * WORKERS
    starts, ends = np.empty(len(arrivals)), np.empty(len(arrivals))
    for place, (at, hold) in enumerate(zip(arrivals, holds, strict=True)):
        starts[place] = max(at, free.pop(0))
        ends[place] = starts[place] + hold
        free.insert(bisect_right(free, ends[place]), ends[place])
    return starts, ends


def readings(at: np.ndarray, busy: np.ndarray) -> list[Reading]:
    """Counts as readings."""
    return [Reading(float(when), float(min(count, WORKERS))) for when, count in zip(at, busy, strict=True)]


def scraped(ends: np.ndarray, case: Case) -> list[Reading]:
    """What the node's counter of seconds says between two scrapes."""
    apart = case.scrape_every
    at = np.arange(0.0, case.lasting + 1e-9, apart)
    held = np.diff(np.searchsorted(ends, at, "right")) * HOLD
    return [
        Reading(float(end - apart / 2 - HOLD / 2), float(seconds) / apart, apart)
        for end, seconds in zip(at[1:], held, strict=True)
    ]


def row(case: Case, found: list[tuple[Forecast, float | None]]) -> str:
    """A row of the table."""
    kinds = Counter(one.kind for one, _ in found)
    told = [(one, truth) for one, truth in found if one.kind == "filling" and truth is not None and truth > 0]
    hits = sum((one.full_low or 0.0) <= truth <= (one.full_high or math.inf) for one, truth in told)
    middle = np.median([(one.full_in_seconds or math.inf) / truth for one, truth in told]) if told else math.nan
    wrong = sum(is_wrong(case, one, truth) for one, truth in found)
    cells = [f"{kinds[kind] / len(found):.0%}" if kinds[kind] else "" for kind in KINDS]
    right = f"{hits / len(told):.0%}" if len(told) >= 20 else ""
    ratio = f"{middle:.2f}" if right else ""
    return f"| {case.name} | " + " | ".join([*cells, right, ratio, f"{wrong / len(found):.1%}"]) + " |"


def is_wrong(case: Case, one: Forecast, truth: float | None) -> bool:
    """Whether a forecast says what is not so."""
    if one.kind == "filling":
        return not case.rises
    return one.kind in ("steady", "falling") and truth is not None and truth <= one.horizon_seconds


def minutes(seconds: float) -> str:
    """``2.5 min``."""
    return f"{seconds / 60:g} min"


if __name__ == "__main__":
    main()
