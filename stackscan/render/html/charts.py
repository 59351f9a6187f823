"""Places of a chart's parts, for templates that draw SVG: scales, ticks, paths, and where labels have room.

Lengths are in units of the drawing, which is 400 wide; y runs downward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 400
LEFT: Final = 46
RIGHT: Final = 384
TOP: Final = 34
_TICKS: Final = 5
#: A label needs so much room above and below, and for each letter.
_LINE: Final = 16
_LETTER: Final = 7.6


@dataclass(frozen=True, slots=True)
class Scale:
    """From values between ``low`` and ``high`` to lengths between ``begin`` and ``end``; others to the nearer end."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """The length of a value."""
        part = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.begin + min(max(part, 0.0), 1.0) * (self.end - self.begin), 1)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: ``name`` is its CSS class, and its label stands at its right end."""

    name: str
    path: str
    label: str
    label_at: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A vertical line with a label above the drawing, around ``label_at``."""

    name: str
    at: float
    label: str
    label_at: float


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with a label at its left end."""

    name: str
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A range of x."""

    name: str
    at: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the axis upward, with what it says."""

    name: str
    at: float
    top: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All parts of one drawing. ``says`` has its numbers in words, for readers who do not see it."""

    title: str
    says: str
    x_label: str
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()
    levels: tuple[Level, ...] = ()
    bands: tuple[Band, ...] = ()
    bars: tuple[Bar, ...] = ()
    dots: tuple[tuple[str, float, float], ...] = ()

    @property
    def height(self) -> float:
        """Of the drawing, with the labels of its axis."""
        return self.bottom + 34

    @property
    def sides(self) -> tuple[int, int, int]:
        """Of the plot: left, right and top."""
        return LEFT, RIGHT, TOP


def ticks(scale: Scale, text: Callable[[float], str], *, most: int = _TICKS, whole: bool = False) -> tuple[Tick, ...]:
    """About ``most`` round numbers along a scale: steps of 1, 2 or 5 times a power of ten. ``whole``: of integers."""
    span = scale.high - scale.low
    if span <= 0:
        return (Tick(scale.at(scale.low), text(scale.low)),)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * n for n in (1, 2, 5, 10) if power * n * most >= span * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return tuple(Tick(scale.at(n * step), text(n * step)) for n in range(first, last + 1))


def path(x: Scale, y: Scale, points: Iterable[tuple[float, float]]) -> str:
    """The path through points; of a flat run only its ends."""
    kept: list[tuple[float, float]] = []
    for point in ((x.at(across), y.at(up)) for across, up in points):
        if len(kept) > 1 and kept[-1][1] == kept[-2][1] == point[1]:
            kept.pop()
        kept.append(point)
    return "M" + " ".join(f"{across:g},{up:g}" for across, up in kept)


def label_heights(first: float, second: float, *, bottom: float) -> tuple[float, float]:
    """The baselines of the labels of two curves that end at these heights: of the upper one above it, of the lower one
    below it, or where the axis is too near above it too."""
    upper, lower = min(first, second) - 6, max(first, second) + _LINE - 3
    lower = lower if lower + 4 < bottom else max(first, second) - 6
    return (upper, lower) if first <= second else (lower, upper)


def rule(name: str, at: float, label: str) -> Rule:
    """A vertical line whose label stays in the drawing."""
    room = min(_LETTER * len(label) / 2, WIDTH / 2)
    return Rule(name, at, label, round(min(max(at, room), WIDTH - room), 1))


def band(name: str, low: float, high: float) -> Band:
    """The range between two lengths."""
    return Band(name, low, round(high - low, 1))
