"""The trend of a pool's load: a straight line through counts of busy workers, and how certain it is.

Below saturation the mean number of busy workers is the offered load (Little's law), so counts that rise along a line
show a load that does. Counts near to each other in time show the same tasks: they are joined to blocks of at least two
holding times, whose means hardly depend on each other. The line is a Poisson regression with an identity link: weights
are the reciprocals of the means, and the spread is that of Poisson counts or the one seen, whichever is larger
(Wedderburn 1974, quasi-likelihood; Cox and Lewis 1966, trends of events in time). What neighbours still share widens
the interval further (Bartlett 1935). Before a line is trusted, it is tested against a step and against a bend at each
place (Chow 1960, at the worst place); where one fits better, only what came after it counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing import special

Floats = NDArray[np.float64]

#: Blocks that a line needs, and the most that are made; fewer and longer ones where the holding time is unknown.
FEWEST: Final = 6
_MOST: Final = 48
_MOST_UNKNOWN: Final = 16
#: A block is at least so many holding times long.
_BLOCK: Final = 2.0
#: A count of nothing is not certain: no block's mean is taken as smaller than this.
_LEAST_MEAN: Final = 0.25
#: How seldom a straight line is taken for a broken one.
_BROKEN: Final = 0.05
#: A slope of so many standard errors claims a trend.
_CLAIMED: Final = 2.0
#: Blocks on each side of a step or bend.
_SIDE: Final = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """Busy workers at a time, in seconds from any origin; or their mean over ``lasting_seconds``, of which it is the
    middle."""

    at_seconds: float
    busy: float
    lasting_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the load over time: ``value`` at ``at_seconds`` (the middle of the readings), ``slope`` a second,
    and the variances of both, which are independent. ``freedom`` is that of Student's t. What it was
    fitted to begins at ``first_seconds``."""

    at_seconds: float
    value: float
    slope: float
    value_variance: float
    slope_variance: float
    freedom: int
    first_seconds: float

    def load(self, at_seconds: float) -> float:
        """The load at a time, in erlangs."""
        return self.value + self.slope * (at_seconds - self.at_seconds)

    def off(self, level: float, at_seconds: float) -> float:
        """How far the line is above a level at a time, in standard errors."""
        away = at_seconds - self.at_seconds
        return (self.load(at_seconds) - level) / math.sqrt(self.value_variance + away * away * self.slope_variance)

    def probability_above(self, level: float, at_seconds: float) -> float:
        """How certain it is that the line is above a level at a time, 0 to 1."""
        return special.stdtr(self.freedom, self.off(level, at_seconds))

    @property
    def probability_rising(self) -> float:
        """How certain it is that the slope is above 0, 0 to 1."""
        return special.stdtr(self.freedom, self.slope / math.sqrt(self.slope_variance))

    def reaches(self, level: float, sure: float, *, since_seconds: float, until_seconds: float) -> float | None:
        """The first time from ``since_seconds`` at which it is so certain that the line has reached the level; None:
        not until ``until_seconds``. This is an end of Fieller's interval (1954), one-sided."""
        wanted = special.stdtrit(self.freedom, sure)
        if self.off(level, since_seconds) >= wanted:
            return since_seconds
        if self.off(level, until_seconds) < wanted:
            return None
        low, high = since_seconds, until_seconds
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.off(level, middle) < wanted else (low, middle)
        return high


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Means of blocks: their times, the means, and the variance of each at a load of 1 erlang."""

    at: Floats
    mean: Floats
    spread: Floats

    def since(self, place: int) -> _Blocks:
        return _Blocks(self.at[place:], self.mean[place:], self.spread[place:])


def line_of(readings: Sequence[Reading], *, holding_seconds: float | None) -> tuple[Line | None, float | None]:
    """The line through the readings since they last broke with one (None: too few for a line), and when that was, in
    seconds (None: they did not).

    ``readings`` are in the order of time. ``holding_seconds`` is how long a task holds a worker (None: unknown; then
    each reading counts as independent until they show that they are not).
    """
    blocks, changed = _blocks(readings, holding_seconds), None
    while len(blocks.at) >= FEWEST:
        line, left = _fit(blocks)
        place = _break(blocks, left)
        if place is None:
            return line, changed
        changed, blocks = float(blocks.at[place - 1]), blocks.since(place)
    return None, changed


def _blocks(readings: Sequence[Reading], holding: float | None) -> _Blocks:
    """Readings joined to blocks. One that is a mean over a long time is a block by itself."""
    if not readings:
        return _Blocks(np.empty(0), np.empty(0), np.empty(0))
    span = readings[-1].at_seconds - readings[0].at_seconds
    length = span / _MOST_UNKNOWN if holding is None else max(_BLOCK * holding, span / _MOST)
    found: list[tuple[float, float, float]] = []
    group: list[Reading] = []
    for reading in readings:
        alone = reading.lasting_seconds > 0
        if group and (alone or reading.at_seconds - group[0].at_seconds >= length * (1 - 1e-9)):
            found.append(_joined(group, holding))
            group = []
        if alone:
            found.append((reading.at_seconds, reading.busy, min(1.0, (holding or 0.0) / reading.lasting_seconds)))
        else:
            group.append(reading)
    if group:
        found.append(_joined(group, holding))
    at, mean, spread = (np.array(column, dtype=np.float64) for column in zip(*found, strict=True))
    return _Blocks(at, mean, np.maximum(spread, 1e-3))


def _joined(group: Sequence[Reading], holding: float | None) -> tuple[float, float, float]:
    """The middle of a block, its mean, and the mean's variance at 1 erlang: two counts of tasks that last D share the
    part ``1 - t/D`` of them when they are t apart."""
    times = np.array([one.at_seconds for one in group])
    shared = np.eye(len(group))
    if holding:
        shared = np.maximum(0.0, 1 - np.abs(times[:, None] - times[None, :]) / holding)
    return float(times.mean()), sum(one.busy for one in group) / len(group), float(shared.mean())


@dataclass(frozen=True, slots=True)
class _Left:
    """What a line leaves: standardised residuals, the weights' roots, the regressors, all scaled by these roots."""

    residuals: Floats
    roots: Floats
    basis: NDArray[np.float64]


def _fit(blocks: _Blocks) -> tuple[Line, _Left]:
    mean = np.full(len(blocks.at), max(float(blocks.mean.mean()), _LEAST_MEAN))
    for _ in range(3):  # weights from the line, and the line from the weights; the third changes nothing that shows
        weights = 1 / (mean * blocks.spread)
        middle = float(weights @ blocks.at / weights.sum())
        value = float(weights @ blocks.mean / weights.sum())
        away = blocks.at - middle
        across = float(weights @ (away * away))
        slope = float(weights @ (away * blocks.mean)) / across
        mean = np.maximum(value + slope * away, _LEAST_MEAN)
    roots = np.sqrt(weights)
    residuals = roots * (blocks.mean - value - slope * away)
    basis = np.stack([roots / math.sqrt(weights.sum()), roots * away / math.sqrt(across)])
    freedom = len(blocks.at) - 2
    spread = max(1.0, float(residuals @ residuals) / freedom) * _memory(residuals)
    line = Line(
        at_seconds=middle,
        value=value,
        slope=slope,
        value_variance=spread / float(weights.sum()),
        slope_variance=spread / across,
        freedom=freedom,
        first_seconds=float(blocks.at[0]),
    )
    return line, _Left(residuals, roots, basis)


def _memory(residuals: Floats) -> float:
    """By how much what neighbours share widens a variance: ``(1 + r) / (1 - r)``, with r their correlation.

    Residuals of a line are correlated by about ``-1 / n`` when nothing is shared; that is added.
    """
    squares = float(residuals @ residuals)
    if not squares:
        return 1.0
    r = float(residuals[1:] @ residuals[:-1]) / squares + 1 / len(residuals)
    r = min(max(r, 0.0), 0.8)
    return (1 + r) / (1 - r)


def _break(blocks: _Blocks, left: _Left) -> int | None:
    """The first block after a step or bend that fits so much better than the line that chance is no reason; None:
    there is none. The block in which it happened is not among those after it."""
    count = len(blocks.at)
    places = np.arange(_SIDE, count - _SIDE + 1)
    if len(blocks.at) <= FEWEST or not len(places):
        return None
    after = np.arange(count)[None, :] >= places[:, None]
    starts = (blocks.at[places - 1] + blocks.at[np.minimum(places, count - 1)]) / 2
    shapes = np.concatenate([after.astype(np.float64), np.maximum(blocks.at[None, :] - starts[:, None], 0.0)])
    shapes = shapes * left.roots
    gains = _gains(shapes, left.basis, left.residuals)
    best = int(np.argmax(gains))
    squares = float(left.residuals @ left.residuals)
    spread = max(1.0, (squares - float(gains[best])) / (count - 3))
    level = special.stdtrit(count - 3, 1 - _BROKEN / (2 * len(shapes))) ** 2  # Bonferroni: the worst of many
    if gains[best] > level * spread:
        return int(places[best % len(places)]) + 1
    sloped = left.roots * blocks.mean @ left.basis[1]  # what the line gains over no change at all
    if sloped * sloped < _CLAIMED**2 * spread:  # no trend is claimed
        return None
    level_only = left.residuals + sloped * left.basis[1]
    steps = _gains(shapes[: len(places)], left.basis[:1], level_only)
    best = int(np.argmax(steps))
    return int(places[best]) + 1 if steps[best] > sloped * sloped else None  # a step alone fits better


def _gains(shapes: NDArray[np.float64], basis: NDArray[np.float64], residuals: Floats) -> Floats:
    """By how much the sum of squares falls when each of the shapes is fitted, too."""
    shapes = shapes - (shapes @ basis.T) @ basis  # what is fitted already can take of it
    sizes = np.einsum("ij,ij->i", shapes, shapes)
    sound = sizes > 1e-9 * max(float(sizes.max()), 1e-300)
    found: Floats = np.where(sound, (shapes @ residuals) ** 2 / np.where(sound, sizes, 1.0), 0.0)
    return found
