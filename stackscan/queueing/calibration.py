"""From what captures show to the load that made it.

A capture shows how many workers are held. Below saturation the mean of that is the load in erlangs (Little's law), so
captures estimate a load, never a rate. Every capture counts, also several within one holding time, which show the same
sends again: leaving such out would leave out the busy ones. Their weight depends on when they were
taken. The interval keeps those loads at which captures taken at these very times would show so few, or so many, in one
of twenty cases (Garwood 1936 does this for one Poisson count; here the counts are drawn, occupancy_draws.py, or for one
capture known exactly). A full pool is censored: it shows only that the load is not small, and when all captures are
full there is no upper end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.errors import ModelError
from stackscan.queueing import checks, special
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import TAIL, poisson_interval
from stackscan.queueing.halving import sign_change
from stackscan.queueing.occupancy_draws import Counts, draws

#: The most workers whose law is built, and captures taken into account.
MOST_WORKERS: Final = 2_000
MOST_CAPTURES: Final = 1_000
_REPLICATIONS: Final = 3_000
_SEED: Final = 1
#: How near the ends of drawn intervals are found, of themselves: nearer, chance decides.
_DRAWN: Final = 5e-3
_LOOKS: Final = 12
#: Nearer to saturation loads cannot be distinguished.
_NEAREST: Final = 0.995


@dataclass(frozen=True, slots=True)
class Load:
    """A load in erlangs: the estimate (None: every capture was full, only a lower bound exists), the ends of its 90 %
    interval (``high`` None: without bound), and what it was made of. ``independent``: the number of captures
    far apart with the same information."""

    erlangs: float | None
    low: float
    high: float | None
    held: tuple[int, ...]
    full: int
    independent: float

    @property
    def captures(self) -> int:
        """How many counts it was made of."""
        return len(self.held)


@dataclass(frozen=True, slots=True)
class Series:
    """Captures of one process: workers held in each, and when each was taken, in holding times from any origin. ``at``
    None: unknown; then all together count as one."""

    held: tuple[int, ...]
    at: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for count in self.held:
            checks.whole(count, "held workers", least=0, most=checks.MOST_WORKERS)
        if self.at is not None and (len(self.at) != len(self.held) or not all(map(math.isfinite, self.at))):
            raise ModelError("each capture needs one time")


def load_of_workers(series: Iterable[Series], *, workers: int) -> Load:
    """The load of a pool of ``workers`` of which these many were held in each capture."""
    given = _checked(series)
    checks.whole(workers, "workers", least=1, most=MOST_WORKERS)
    counts = [count for one in given for count in one.held]
    if max(counts) > workers:
        raise ModelError(f"{max(counts)} blocked of {workers} workers: more than there are")
    total, mean = sum(counts), sum(counts) / len(counts)
    full = total == workers * len(counts)
    if len(counts) == 1 or (len(given) == 1 and given[0].at is None):
        low, high = _of_one(mean, workers)
    else:
        sums = _Sums(given, workers)
        low = _drawn_where(lambda load: sums.at_least(load, total), workers, begin=mean) if total else 0.0
        high = math.inf if full else _drawn_where(lambda load: sums.at_most(load, total), workers, begin=mean)
    independent = _independent(given, workers, low if full else mean)
    estimate, end = (None, None) if full else (mean, high)
    return Load(estimate, low, end, tuple(counts), counts.count(workers), independent)


def load_of_closers(series: Iterable[Series]) -> Load:
    """The load that detached closes carry: nothing bounds them, their number is Poisson (Garwood's interval, of as many
    captures as are independent)."""
    given = _checked(series)
    counts = [count for one in given for count in one.held]
    mean = sum(counts) / len(counts)
    independent = _independent(given, None, max(mean, 1.0))
    low, high = poisson_interval(mean * independent)
    return Load(mean, low / independent, high / independent, tuple(counts), 0, independent)


def _checked(series: Iterable[Series]) -> tuple[Series, ...]:
    given = tuple(one for one in series if one.held)
    checks.whole(sum(len(one.held) for one in given), "captures", least=1, most=MOST_CAPTURES)
    return given


def _of_one(held: float, workers: int) -> tuple[float, float]:
    """The interval of one capture, exactly; of a mean that counts as one, rounded away from its middle."""

    def law(load: float) -> NDArray[np.float64]:
        return DeterministicQueue(workers, load, 1.0).in_system_law()

    low = 0.0 if held < 1 else _where(lambda load: float(law(load)[math.floor(held) :].sum()) - TAIL, workers)
    high = _where(lambda load: float(law(load)[: math.ceil(held) + 1].sum()) - TAIL, workers)
    return low, high


class _Sums:
    """The sum over all captures, drawn at any load; a series without times counts as one capture as often as it has
    members, and as one worker more or less, whichever is safe."""

    def __init__(self, series: Sequence[Series], workers: int) -> None:
        self._series, self._workers = series, workers

    def at_least(self, load: float, total: int) -> float:
        """P(the captures show so many, or more)."""
        sums, loose = self._drawn(load)
        return float((sums + loose > total - (not loose)).mean())

    def at_most(self, load: float, total: int) -> float:
        """P(the captures show so few, or fewer)."""
        sums, loose = self._drawn(load)
        return float((sums - loose < total + (not loose)).mean())

    def _drawn(self, load: float) -> tuple[Counts, int]:
        sums, loose = np.zeros(_REPLICATIONS, dtype=np.int64), 0
        for place, one in enumerate(self._series):
            at = one.at if one.at is not None else (0.0,)
            counts = draws(self._workers, load, at, replications=_REPLICATIONS, seed=_SEED + place)
            if one.at is None and len(one.held) > 1:
                sums, loose = sums + counts[0] * len(one.held), loose + len(one.held)
            else:
                sums = sums + counts.sum(axis=0)
        return sums, loose


def _drawn_where(tail: Callable[[float], float], workers: int, *, begin: float) -> float:
    """The load at which a drawn tail is TAIL, by the rule of false position.

    In normal quantiles tails are nearly straight lines; a drawing costs too much for halving.
    """
    target = special.ndtri(TAIL)

    def off(load: float) -> float:
        return special.ndtri(min(max(tail(load), 1e-4), 1 - 1e-4)) - target

    low, high = 1e-6 * workers, _NEAREST * workers
    off_low, off_high = off(low), off(high)
    if off_low * off_high > 0:  # not even saturation shows it so rarely
        return float(workers) if abs(off_high) < abs(off_low) else 0.0
    at = min(max(begin, low), high)
    for _ in range(_LOOKS):
        here = off(at)
        if here * off_low > 0:
            low, off_low, off_high = at, here, off_high / 2  # "Illinois": so that both ends move
        else:
            high, off_high, off_low = at, here, off_low / 2
        before, at = at, low - off_low * (high - low) / (off_high - off_low)
        if abs(at - before) <= _DRAWN * at:
            break
    return at


def _independent(series: Sequence[Series], workers: int | None, load: float) -> float:
    """The number of captures far apart with the same information: variance of one count over that of the mean."""
    if workers is not None:
        load = min(max(load, 0.01 * workers), _NEAREST * workers)
    found = 0.0
    for place, one in enumerate(series):
        if one.at is None or len(one.held) == 1:
            found += 1.0
            continue
        counts = draws(workers, load, one.at, replications=_REPLICATIONS, seed=_SEED + place)
        spread = float(counts.mean(axis=0).var())
        found += min(float(counts.var(axis=1).mean()) / spread, len(one.held)) if spread else 1.0
    return max(found, 1.0)


def _where(difference: Callable[[float], float], workers: int) -> float:
    """The load at which a tail is TAIL. It is monotone: a larger load shows more held workers. Loads near saturation
    cost most, so it is approached from below, by half of what is left each time; within half a per cent nothing tells
    loads apart, and saturation itself is the end."""
    low, high = 1e-9, workers / 2
    first = difference(low)
    while first * difference(high) > 0:
        low, high = high, (high + workers) / 2
        if high > _NEAREST * workers:
            return float(workers)
    return sign_change(difference, low, high, tolerance=1e-5)
