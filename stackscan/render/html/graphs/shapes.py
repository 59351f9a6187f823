"""What a layout is made of. Lengths are CSS pixels; x grows to the right and y downward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """A point."""

    x: float
    y: float


class Size(NamedTuple):
    """Width and height of a box."""

    width: float
    height: float


class Box(NamedTuple):
    """A box by its centre."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        """The middle of its left side."""
        return Point(self.x - self.width / 2, self.y)

    @property
    def right(self) -> Point:
        """The middle of its right side."""
        return Point(self.x + self.width / 2, self.y)

    @property
    def top(self) -> Point:
        """The middle of its upper side."""
        return Point(self.x, self.y - self.height / 2)

    @property
    def bottom(self) -> Point:
        """The middle of its lower side."""
        return Point(self.x, self.y + self.height / 2)

    def moved(self, by: Point) -> Box:
        """The box elsewhere."""
        return Box(self.x + by.x, self.y + by.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow: its first point, then three for each piece (cubic Bézier curves). ``label`` is where a word about it
    has room (None: nowhere), which begins there, or ends there where ``ends``."""

    points: tuple[Point, ...]
    label: Point | None = None
    ends: bool = False

    def moved(self, by: Point) -> Route:
        """The route elsewhere."""
        label = None if self.label is None else Point(self.label.x + by.x, self.label.y + by.y)
        return Route(tuple(Point(x + by.x, y + by.y) for x, y in self.points), label, self.ends)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies, from (0, 0) to the size: boxes and routes in the order in which they were given."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    size: Size


def straight(start: Point, end: Point) -> tuple[Point, ...]:
    """The points that lead straight from a point to another one, without the first."""
    third = Point((end.x - start.x) / 3, (end.y - start.y) / 3)
    return Point(start.x + third.x, start.y + third.y), Point(end.x - third.x, end.y - third.y), end


def swung(start: Point, end: Point) -> tuple[Point, ...]:
    """The points of a curve that begins and ends upright, without the first."""
    middle = (start.y + end.y) / 2
    return Point(start.x, middle), Point(end.x, middle), end
