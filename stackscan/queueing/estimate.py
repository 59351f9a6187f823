"""A figure with its interval: of no width where it is exact, 90 % where it was simulated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing import special
from stackscan.queueing.projection import Intervals

Floats = NDArray[np.float64]

#: Confidence of every interval that comes from a simulation.
CONFIDENCE: Final = 0.9
#: What is cut off on each side of a 90 % interval.
TAIL: Final = 0.05
#: A narrower interval is rounding.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the ends of its 90 % interval; all three are equal where nothing was simulated."""

    value: float
    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Estimate:
        """A value that is known."""
        return cls(value, value, value)

    @property
    def is_exact(self) -> bool:
        """Whether the interval has no width."""
        return self.low == self.high

    @property
    def relative_error(self) -> float:
        """Half the interval over the value; 0 where it is exact."""
        half = (self.high - self.low) / 2
        return 0.0 if not half else half / abs(self.value) if self.value else math.inf

    def scaled(self, factor: float) -> Estimate:
        """The same, multiplied."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def within(self, least: float, most: float) -> Estimate:
        """The same, clipped to the range of the quantity."""
        return Estimate(*(min(max(v, least), most) for v in (self.value, self.low, self.high)))


def of_batches(values: Floats) -> Estimate:
    """The mean of one number a batch and its interval (Student's t); an interval of no width when all are equal."""
    return _student(values.mean(), values.std(ddof=1), len(values), fitted=1)


def controlled(values: Floats, control: Floats, expected: float) -> Estimate:
    """The mean of ``values``, a number a batch, corrected by a control variate whose mean is known.

    Both come from the same random numbers, so where the control came out too high, the values did, too. The factor
    between the two is their regression (Lavenberg and Welch 1981).
    """
    off = control - control.mean()
    spread = float(off @ off)
    if not spread:
        return of_batches(values)
    factor = float(off @ values) / spread
    left = values - values.mean() - factor * off
    center = values.mean() - factor * (control.mean() - expected)
    # the control's mean is itself known only from these batches: that widens the interval a little
    widened = 1 + len(values) * (control.mean() - expected) ** 2 / spread
    deviation = math.sqrt(float(left @ left) / (len(values) - 2) * widened)
    return _student(center, deviation, len(values), fitted=2)


def _student(center: float, deviation: float, batches: int, *, fitted: int) -> Estimate:
    half = special.stdtrit(batches - fitted, (1 + CONFIDENCE) / 2) * deviation / math.sqrt(batches)
    return Estimate(float(center), float(center - half), float(center + half))


def poisson_interval(count: float) -> tuple[float, float]:
    """The 90 % interval of the mean of a Poisson count (Garwood 1936)."""
    low = special.gammaincinv(count, TAIL) if count else 0.0
    return low, special.gammaincinv(count + 1, 1 - TAIL)


def binomial_interval(hits: int, tries: int) -> tuple[float, float]:
    """The 90 % interval of the share of which ``hits`` of ``tries`` are a sample (Clopper and Pearson 1934)."""
    low = special.betaincinv(hits, tries - hits + 1, TAIL) if hits else 0.0
    return low, special.betaincinv(hits + 1, tries - hits, 1 - TAIL) if hits < tries else 1.0


def named_intervals(**figures: Estimate | None) -> Intervals:
    """The intervals of those figures that were simulated."""
    return tuple(
        (name, (found.low, found.high))
        for name, found in figures.items()
        if found is not None and found.high - found.low > _NOTHING
    )
