"""A circle of boxes, clockwise: the first on top, the others down the right side and up the left one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.render.html.graphs.shapes import Box, Point, Route, Size, straight

#: Between the two sides there is so much room, and between two boxes of a side.
_INSIDE: Final = 36
_BETWEEN: Final = 40
#: How far the arrows of a circle of two swing out.
_BOW: Final = 44
#: How far from the sides arrows from outside run, and from each other.
_LANE: Final = 10
#: The share of a quarter of an ellipse that its control points lie from its ends.
_QUARTER: Final = 0.55


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle around (0, 0): ``boxes`` in their order, ``routes`` from each to the next one. ``size`` has room for
    ``lanes`` on each side, in which arrows come from outside."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    size: Size
    edge: float

    def lane(self, side: int, number: int) -> float:
        """The x of a lane: ``side`` is 1 for the right, -1 for the left, ``number`` counts from the circle outward."""
        return side * (self.edge + _LANE * (number + 1))

    def side(self, place: int) -> int:
        """On which side a box lies: 1 for the right, -1 for the left, 0 for the top or the bottom."""
        x = self.boxes[place].x
        return (x > 0) - (x < 0)

    def across(self, first: int, second: int) -> Route:
        """An arrow through the inside, between boxes that are no neighbours."""
        start, end = self._inner(first), self._inner(second)
        if self.side(first) and self.side(first) == self.side(second):  # along one side: in a bow
            bow = start.x - self.side(first) * _INSIDE / 2
            return Route((start, Point(bow, start.y), Point(bow, end.y), end))
        return Route((start, *straight(start, end)))

    def _inner(self, place: int) -> Point:
        box = self.boxes[place]
        if self.side(place):
            return box.left if self.side(place) > 0 else box.right
        return box.bottom if box.y < 0 else box.top


def ring(sizes: Sequence[Size], lanes: int = 0) -> Ring:
    """A circle of two boxes or more, with room for so many arrows from outside on each side."""
    count = len(sizes)
    width = max(size.width for size in sizes)
    aside = (width + _INSIDE) / 2 if count > 2 else width / 2 + _BOW
    on_right = (count - 1) // 2
    bottom = count % 2 == 0
    rows = [[0], *([1 + row, count - 1 - row] for row in range(on_right)), *([[count // 2]] if bottom else [])]
    places: dict[int, Point] = {}
    y = 0.0
    for row in rows:
        tall = max(sizes[place].height for place in row)
        xs = (0.0,) if len(row) == 1 else (aside, -aside)
        places.update({place: Point(x, y + tall / 2) for place, x in zip(row, xs, strict=True)})
        y += tall + _BETWEEN
    below = 0.0 if bottom else _BETWEEN  # the arrow that closes an odd circle runs under it
    height = y - _BETWEEN + below
    boxes = tuple(Box(places[n].x, places[n].y - height / 2, *sizes[n]) for n in range(count))
    edge = aside + (width / 2 if count > 2 else 0)
    routes = tuple(_route(boxes, place, (place + 1) % count, aside) for place in range(count))
    return Ring(boxes, routes, Size(2 * (edge + _LANE * (lanes + (lanes > 0))), height), edge)


def _route(boxes: Sequence[Box], place: int, after: int, aside: float) -> Route:
    """The arrow from a box to the next one, along the circle."""
    start, end = boxes[place], boxes[after]
    if start.x == end.x == 0:  # a circle of two: one arrow down the right side, one up the left side
        out, into, bow = (start.right, end.right, aside) if start.y < end.y else (start.left, end.left, -aside)
        points = (out, Point(bow, out.y), Point(bow, into.y), into)
        return Route(points, _beside(start, end, bow * 0.8), ends=bow > 0)
    if start.x == end.x:
        out, into = (start.bottom, end.top) if start.y < end.y else (start.top, end.bottom)
        return Route((out, *straight(out, into)), _label(out, into, start.x), ends=start.x > 0)
    if start.x == 0:  # from the top to the right, or from the bottom to the left
        out, into = (start.right, end.top) if end.x > 0 else (start.left, end.bottom)
        return Route((out, *_corner(out, into, level_first=True)), _beside(start, end, end.x), ends=end.x > 0)
    if end.x == 0:
        out, into = (start.bottom, end.right) if start.x > 0 else (start.top, end.left)
        return Route((out, *_corner(out, into, level_first=False)), _beside(start, end, start.x), ends=start.x > 0)
    out, into, low = start.bottom, end.bottom, max(start.bottom.y, end.bottom.y) + _BETWEEN
    return Route((out, Point(out.x, low), Point(into.x, low), into), Point(-30, low - _BETWEEN / 2))


def _corner(start: Point, end: Point, *, level_first: bool) -> tuple[Point, ...]:
    """A quarter of an ellipse."""
    dx, dy = end.x - start.x, end.y - start.y
    if level_first:
        return Point(start.x + _QUARTER * dx, start.y), Point(end.x, end.y - _QUARTER * dy), end
    return Point(start.x, start.y + _QUARTER * dy), Point(end.x - _QUARTER * dx, end.y), end


def _label(out: Point, into: Point, x: float) -> Point:
    return Point(x - (8 if x > 0 else -8), (out.y + into.y) / 2 + 4)


def _beside(start: Box, end: Box, x: float) -> Point:
    """A word beside a corner: between the rows of the two boxes, inside."""
    upper, lower = sorted((start, end), key=lambda box: box.y)
    return Point(x - (10 if x > 0 else -10), (upper.bottom.y + lower.top.y) / 2 + 4)
