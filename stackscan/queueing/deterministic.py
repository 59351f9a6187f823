"""M/D/c, solved exactly: Poisson arrivals, equal holding times, one queue, first come first served.

Seen one holding time apart, the number in system is a Markov chain, ``N' = max(N - c, 0) + Poisson(a)`` (Crommelin
1932): all who were held have left, those who queued are held, ``a`` have come. Its queue ``Q = max(N - c, 0)`` is the
maximum of a random walk with steps ``Poisson(a) - c``, so Spitzer's identity (1956; for this queue: Janssen and van
Leeuwaarden, Back to the roots of the M/D/s queue, 2008) gives P(wait) and the mean queue as sums over incomplete gamma
functions, exact for any number of workers up to 10^9 and at any load below saturation. The whole law of Q comes from
the same identity by fast Fourier transforms, and waiting times from it (Franx 2001):
``P(W > x) = P(Q + Poisson(a·(k - x/D)) >= k·c)`` for ``(k-1)·D <= x < k·D``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing import checks, special
from stackscan.queueing.halving import sign_change

Floats = NDArray[np.float64]
_Part = Callable[[Floats, Floats | float], Floats]

#: Terms of the sums that are added one by one; the smooth rest is integrated.
_TERMS: Final = 4096
#: Terms below e^-_NEGLIGIBLE do not show in a double.
_NEGLIGIBLE: Final = 40.0
#: The longest transform for the law of the queue. Beyond (within about half a per cent of saturation) its tail is taken
#: as exponential, which it nearly is there.
_LONGEST: Final = 1 << 18
#: Beyond so many workers the whole law is long and no use: waits are short, and their tail is enough.
_MOST_WORKERS_BY_FOURIER: Final = 2_000


@dataclass(frozen=True)
class DeterministicQueue:
    """An M/D/c queue below saturation. ``workers`` is c, ``load_erlangs`` is a (0 <= a < c)."""

    workers: int
    load_erlangs: float
    holding_seconds: float

    def __post_init__(self) -> None:
        checks.whole(self.workers, "workers", least=1, most=checks.MOST_WORKERS)
        checks.between(self.load_erlangs, "load (erlangs)", least=0, most=checks.below_saturation(self.workers))
        checks.positive(self.holding_seconds, "holding time (seconds)", most=3 * checks.MOST_SECONDS)

    @cached_property
    def wait_probability(self) -> float:
        """P(an arrival finds all workers held), 0 to 1."""
        return -math.expm1(-_spitzer(self.workers, self.load_erlangs, _at_least))

    @cached_property
    def mean_queue(self) -> float:
        """The mean number that waits for a worker."""
        return _spitzer(self.workers, self.load_erlangs, _excess)

    @property
    def mean_wait_seconds(self) -> float:
        """The mean wait over all arrivals, those who do not wait included, by Little's law."""
        if not self.load_erlangs:
            return 0.0
        return self.mean_queue * self.holding_seconds / self.load_erlangs

    @cached_property
    def is_exact(self) -> bool:
        """Whether waiting times come from the whole law of the queue, not from its exponential tail."""
        return (
            self.workers <= _MOST_WORKERS_BY_FOURIER and _transform_length(self.workers, self.load_erlangs) <= _LONGEST
        )

    @cached_property
    def queue_law(self) -> Floats:
        """P(Q = 0), P(Q = 1), …: how many wait, as long as it shows in a double. Only where ``is_exact``."""
        return _queue_law(self.workers, self.load_erlangs)

    def in_system_law(self) -> Floats:
        """P(0 workers held), …, P(c - 1 held), P(all held): c + 1 numbers that sum to 1. For at most 10,000 workers."""
        c = checks.whole(self.workers, "workers", least=1, most=10_000)
        arrivals = np.exp(special.log_poisson(np.arange(c, dtype=np.float64), self.load_erlangs))
        below = np.clip(np.convolve(self.queue_law[:c], arrivals)[:c], 0, 1)
        return np.append(below, max(0.0, 1 - below.sum()))

    def exceeds(self, seconds: float) -> float:
        """P(an arrival waits longer than ``seconds``), 0 to 1."""
        if seconds < 0:
            return 1.0
        if not self.mean_queue:
            return 0.0
        if not self.is_exact:
            return self.wait_probability * math.exp(-seconds * self.wait_probability / self.mean_wait_seconds)
        periods = seconds / self.holding_seconds
        k = math.floor(periods) + 1
        missing = k * self.workers - np.arange(len(self.queue_law), dtype=np.float64)
        come = _at_least(np.maximum(missing, 0), self.load_erlangs * (k - periods))
        return min(1.0, float(np.where(missing > 0, come, 1.0) @ self.queue_law))

    def quantile_seconds(self, share: float) -> float:
        """The wait that ``share`` of all arrivals do not exceed; 0 for most, where few wait."""
        checks.between(share, "share", least=0, most=1 - 1e-12)
        if self.wait_probability <= 1 - share:
            return 0.0
        high = max(self.mean_wait_seconds / self.wait_probability, 1e-9 * self.holding_seconds)
        while self.exceeds(high) > 1 - share:
            high *= 2
        return sign_change(lambda x: self.exceeds(x) - (1 - share), 0.0, high, tolerance=1e-9)


def _at_least(k: Floats, mean: Floats | float) -> Floats:
    """P(Poisson(mean) >= k)."""
    return np.where(k > 0, special.gammainc(np.maximum(k, 1), mean), 1.0)


def _excess(k: Floats, mean: Floats | float) -> Floats:
    """E[max(Poisson(mean) - k, 0)]."""
    at = np.exp(special.log_poisson(k, mean))
    found: Floats = np.maximum((mean - k) * special.gammainc(k + 1, mean) + mean * at, 0.0)
    return found


def _spitzer(c: int, a: float, part: _Part) -> float:
    """``Σ part(l·c, l·a) / l`` over l = 1, 2, …; the summand is smooth in l, so the far part is an integral."""
    rate = _decay(c, a)
    if rate > _NEGLIGIBLE * 18:  # nothing of it shows in a double
        return 0.0
    last = math.ceil(_NEGLIGIBLE / rate)
    steps = np.arange(1, min(last, _TERMS) + 1, dtype=np.float64)
    total = float(np.sum(part(steps * c, steps * a) / steps))
    if last > _TERMS:  # midpoints: from l - 1/2; in log l, Gauss-Legendre over pieces
        edges = np.linspace(math.log(_TERMS + 0.5), math.log(last + 1.0), 41)
        nodes, weights = np.polynomial.legendre.leggauss(20)
        for low, high in pairwise(edges):
            x = np.exp((high - low) / 2 * nodes + (high + low) / 2)
            total += float(np.sum(weights * part(x * c, x * a)) * (high - low) / 2)
    return total


def _decay(c: int, a: float) -> float:
    """How fast the summands fall: ``c·ln(c/a) - c + a`` for each step (Cramér)."""
    if a < c * 1e-300:
        return math.inf
    off = (a - c) / c
    if abs(off) < 1e-4:  # where the difference would lose its digits
        return c * off * off * (1 / 2 - off / 3)
    return c * math.log(c / a) - (c - a)


def _transform_length(c: int, a: float) -> int:
    """A power of two with room for the walk, tilted so that it goes nowhere: it spreads as the root of its steps."""
    rate = _decay(c, a)
    if rate > _NEGLIGIBLE * 18:
        return 2
    spread = 9 * math.sqrt(c * (1 + _NEGLIGIBLE / rate)) + 60 / max(math.log(c / a), 1e-12)
    return 1 << math.ceil(math.log2(4 * spread + 64))


def _queue_law(c: int, a: float) -> Floats:
    """Wiener-Hopf by Fourier: of ``-log(1 - E z^step)`` the positive powers of z are the queue's."""
    if _decay(c, a) > _NEGLIGIBLE * 18:
        return np.ones(1)
    length = _transform_length(c, a)
    turn = 2 * np.pi * np.arange(length) / length
    tilt = c / a  # the radius where the walk has no drift and its summands are smallest
    step = np.exp(-_decay(c, a) + c * np.expm1(1j * turn) - 1j * np.remainder(c * turn, 2 * np.pi))
    powers = np.fft.fft(-np.log1p(-step)).real / length
    n = np.arange(1, length // 2)
    jumps = np.maximum(powers[1 : length // 2], 0) * np.exp(-n * math.log(tilt))
    jumps[powers[1 : length // 2] < 1e-15 * powers.max()] = 0  # rounding, not probability
    spectrum = np.zeros(length)
    spectrum[1 : length // 2] = jumps
    law = np.fft.ifft(np.exp(np.fft.fft(spectrum) - jumps.sum())).real
    law = np.maximum(law[: length // 2], 0)
    seen = np.flatnonzero(law > 1e-16 * law.max())  # below is rounding
    found: Floats = law[: seen[-1] + 1] / law[: seen[-1] + 1].sum()
    return found
