"""From what captures show to the load that made it.

A capture shows how many workers are held. Below saturation the mean of that is the load in erlangs (Little's law), so
captures estimate a load, never a rate. One capture is one draw; several taken more than a holding time apart are nearly
independent. The interval is exact for the law of what was observed: the sum of the counts is compared with its own law
at every load, and those loads are kept that would show so few, or so many, in one of twenty cases (Garwood 1936 does
this for Poisson counts; here each count is ``min(N, c)`` of M/D/c). A full pool is censored: it shows only that the
load is not small, and when all captures are full there is no upper end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.halving import sign_change

Floats = NDArray[np.float64]

#: Of each interval: 90 %, so 5 % are cut off on each side.
TAIL: Final = 0.05
#: The most workers whose law is built, and captures taken into account.
MOST_WORKERS: Final = 2_000
MOST_CAPTURES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Load:
    """A load in erlangs: the estimate (None: every capture was full, only a lower bound exists), the ends of its 90 %
    interval (``high`` None: without bound), and what it was made of."""

    erlangs: float | None
    low: float
    high: float | None
    held: tuple[int, ...]
    full: int

    @property
    def captures(self) -> int:
        """How many counts it was made of."""
        return len(self.held)


def load_of_workers(held: Iterable[int], *, workers: int) -> Load:
    """The load of a pool of ``workers`` of which these many were held in each capture."""
    counts = _checked(held)
    checks.whole(workers, "workers", least=1, most=MOST_WORKERS)
    if max(counts) > workers:
        raise ModelError(f"{max(counts)} held of {workers} workers: more than there are")
    total, most = sum(counts), workers * len(counts)

    def law(load: float) -> Floats:
        one = DeterministicQueue(workers, load, 1.0).in_system_law()
        return _power(one, len(counts))

    low = 0.0 if not total else _where(lambda load: float(law(load)[total:].sum()) - TAIL, workers)
    high = None if total == most else _where(lambda load: float(law(load)[: total + 1].sum()) - TAIL, workers)
    return Load(None if total == most else total / len(counts), low, high, counts, counts.count(workers))


def load_of_closers(held: Iterable[int]) -> Load:
    """The load that detached closes carry: nothing bounds them, their number is Poisson (Garwood's interval)."""
    counts = _checked(held)
    total, captures = sum(counts), len(counts)
    low = float(special.gammaincinv(total, TAIL)) / captures if total else 0.0
    high = float(special.gammaincinv(total + 1, 1 - TAIL)) / captures
    return Load(total / captures, low, high, counts, 0)


def _checked(held: Iterable[int]) -> tuple[int, ...]:
    counts = tuple(checks.whole(k, "held workers", least=0, most=checks.MOST_WORKERS) for k in held)
    checks.whole(len(counts), "captures", least=1, most=MOST_CAPTURES)
    return counts


def _power(law: Floats, times: int) -> Floats:
    """The law of a sum of ``times`` independent counts."""
    powers, left, square = [], times, law
    while left:
        if left & 1:
            powers.append(square)
        left >>= 1
        square = np.convolve(square, square) if left else square
    return reduce(np.convolve, powers)


def _where(difference: Callable[[float], float], workers: int) -> float:
    """The load at which a tail is TAIL. It is monotone: a larger load shows more held workers. Loads near saturation
    cost most, so it is approached from below, by half of what is left each time; within half a per cent nothing tells
    loads apart, and saturation itself is the end."""
    low, high = 1e-9, workers / 2
    first = difference(low)
    while first * difference(high) > 0:
        low, high = high, (high + workers) / 2
        if high > 0.995 * workers:
            return float(workers)
    return sign_change(difference, low, high, tolerance=1e-5)
