"""A figure with its interval: of no width where it is exact, 90 % where it was simulated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stackscan.queueing.projection import Intervals

Floats = NDArray[np.float64]

#: Confidence of every interval that comes from a simulation.
CONFIDENCE: Final = 0.9
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

    def within(self, least: float, most: float) -> Estimate:
        """The same, kept between what the quantity can be at all."""
        return Estimate(*(min(max(v, least), most) for v in (self.value, self.low, self.high)))


def of_batches(values: Floats) -> Estimate:
    """One number a batch → their mean and its interval (Student's t). All equal: an interval of no width."""
    return Estimate(*(float(end) for end in _with_half(values.mean(), values.std(ddof=1), len(values), 1)))


def controlled(values: Floats, control: Floats, expected: float) -> Estimate:
    """The mean of ``values``, a number a batch, less what chance added to ``control``, whose mean is known.

    A control variate: both come from the same random numbers, so where the control came out too high, the values did,
    too. The factor between the two is their regression (Lavenberg and Welch 1981).
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
    return Estimate(*(float(end) for end in _with_half(center, deviation, len(values), 2)))


def _with_half(center: float, deviation: float, batches: int, fitted: int) -> tuple[float, float, float]:
    half = float(special.stdtrit(batches - fitted, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(batches)
    return center, center - half, center + half


def named_intervals(**figures: Estimate | None) -> Intervals:
    """The intervals of those figures that were simulated."""
    return tuple(
        (name, (found.low, found.high))
        for name, found in figures.items()
        if found is not None and found.high - found.low > _NOTHING
    )
