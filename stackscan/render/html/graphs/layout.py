"""Where the boxes and arrows of a graph lie: in layers, along the arrows, with its circles drawn as circles.

K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical System Structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981): layers, then an order in each by the middle of the neighbours,
then places. Each circle takes part as one large box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from stackscan.render.html.graphs.circles import circles_of
from stackscan.render.html.graphs.layers import Link, arranged, layers_of
from stackscan.render.html.graphs.ring import Ring, ring
from stackscan.render.html.graphs.shapes import Box, Layout, Point, Route, Size, straight, swung

#: A graph that is wider is laid on its side where that makes it narrower.
_WIDE: Final = 360
#: Between two layers, and between two boxes of a layer: upright, and lying on the side.
_GAP, _APART = 46, 24
_GAP_LYING, _APART_LYING = 56, 12
_MARGIN: Final = 2
#: The longest word at an arrow.
_WORD: Final = 84
#: Where an arrow turns from a lane into a box.
_TURN: Final = 12


def lay_out(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> Layout:
    """Boxes of these sizes, and an arrow for each pair of two of them: from the first to the second.

    No two boxes overlap, and no arrow runs through a box. What others wait for is below them; of a wide graph without
    circles it is on their right. No pair may be twice in ``edges``, nor a box with itself.
    """
    upright = _Drawing(sizes, edges, circles_of(len(sizes), edges), _GAP, _APART).layout()
    if upright.size.width <= _WIDE or circles_of(len(sizes), edges):
        return upright
    turned = [Size(size.height, size.width) for size in sizes]
    lying = _turned(_Drawing(turned, edges, [], _GAP_LYING, _APART_LYING).layout())
    return lying if lying.size.width < upright.size.width else upright


def _turned(layout: Layout) -> Layout:
    """The layout mirrored at its diagonal, without words, which have no room now."""
    boxes = tuple(Box(box.y, box.x, box.height, box.width) for box in layout.boxes)
    routes = tuple(Route(tuple(Point(y, x) for x, y in route.points)) for route in layout.routes)
    return Layout(boxes, routes, Size(layout.size.height, layout.size.width))


class _Drawing:
    def __init__(
        self,
        sizes: Sequence[Size],
        edges: Sequence[tuple[int, int]],
        circles: Sequence[list[int]],
        gap: int,
        apart: int,
    ) -> None:
        self._sizes = sizes
        self._edges = edges
        self._gap = gap
        inside = {place for circle in circles for place in circle}
        self._members = [*circles, *([place] for place in range(len(sizes)) if place not in inside)]
        self._block = {place: block for block, members in enumerate(self._members) for place in members}
        between = [(self._block[a], self._block[b]) for a, b in edges]
        self._layers = layers_of(len(self._members), between)
        self._lanes = self._find_lanes()
        self._shapes = [self._shape(block) for block in range(len(self._members))]
        self._links = [self._link(n) for n, (a, b) in enumerate(between) if a != b]
        widths = [ring_or_size.size.width if isinstance(ring_or_size, Ring) else ring_or_size.width
                  for ring_or_size in self._shapes]  # fmt: skip
        self._parts, self._ways = arranged(widths, self._layers, self._links, apart)

    # -- circles and the arrows that come to them ----------------------------------------------------------------------

    def _is_above(self, edge: int, place: int) -> bool:
        """Whether the other end of an arrow is in a layer above a box."""
        first, second = self._edges[edge]
        other = second if first == place else first
        return self._layers[self._block[other]] < self._layers[self._block[place]]

    def _find_lanes(self) -> dict[tuple[int, int], tuple[int, int]]:
        """The lane of each arrow from outside to a box of a circle: by arrow and box, its side and its number. Arrows
        to the same box share one, arrows from it another one."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        known: dict[tuple[int, bool], tuple[int, int]] = {}
        used: Counter[tuple[int, int]] = Counter()
        for edge, ends in enumerate(self._edges):
            for place in ends if self._block[ends[0]] != self._block[ends[1]] else ():
                block, members = self._block[place], self._members[self._block[place]]
                at, count = members.index(place), len(members)
                above = self._is_above(edge, place)
                if count == 1 or (above and at == 0) or (not above and 2 * at == count):
                    continue  # straight from above or below
                key = place, place == ends[0]
                if key not in known:
                    side = (
                        1
                        if 0 < 2 * at < count
                        else -1
                        if 2 * at > count
                        else 1 - 2 * (used[block, 1] > used[block, -1])
                    )
                    known[key] = side, used[block, side]
                    used[block, side] += 1
                found[edge, place] = known[key]
        self._used = used
        return found

    def _shape(self, block: int) -> Ring | Size:
        members = self._members[block]
        if len(members) == 1:
            return self._sizes[members[0]]
        return ring([self._sizes[place] for place in members], max(self._used[block, 1], self._used[block, -1]))

    def _link(self, edge: int) -> Link:
        """An arrow between two blocks, the upper one first."""
        ends = [(self._block[place], self._port(edge, place)) for place in self._edges[edge]]
        upper, lower = sorted(ends, key=lambda end: self._layers[end[0]])
        return Link(edge, upper[0], lower[0], upper[1], lower[1])

    def _port(self, edge: int, place: int) -> float:
        """Where an arrow leaves the block of a box, from the middle of the block."""
        shape = self._shapes[self._block[place]]
        lane = self._lanes.get((edge, place))
        return shape.lane(*lane) if lane is not None and isinstance(shape, Ring) else 0.0

    # -- places --------------------------------------------------------------------------------------------------------

    def layout(self) -> Layout:
        """Boxes and routes, moved so that all of it begins at (0, 0)."""
        heights = [0.0] * (1 + max(self._layers, default=0))
        for block, shape in enumerate(self._shapes):
            tall = shape.size.height if isinstance(shape, Ring) else shape.height
            heights[self._layers[block]] = max(heights[self._layers[block]], tall)
        self._tops = [sum(heights[:n]) + n * self._gap for n in range(len(heights))]
        self._bottoms = [top + height for top, height in zip(self._tops, heights, strict=True)]
        boxes: dict[int, Box] = {}
        routes: dict[int, Route] = {}
        for block in range(len(self._members)):
            self._put(block, boxes, routes)
        crowded = Counter(layer for way in self._ways.values() for layer in way.layers)
        for link in self._links:
            alone = all(crowded[layer] == 1 for layer in self._ways[link.edge].layers)
            routes[link.edge] = self._route(link, boxes, alone=alone)
        return _framed([boxes[n] for n in range(len(boxes))], [routes[n] for n in range(len(self._edges))])

    def _put(self, block: int, boxes: dict[int, Box], routes: dict[int, Route]) -> None:
        """The boxes of a block, and the arrows inside of it."""
        layer, shape, members = self._layers[block], self._shapes[block], self._members[block]
        middle = Point(self._parts[block], (self._tops[layer] + self._bottoms[layer]) / 2)
        if not isinstance(shape, Ring):
            boxes[members[0]] = Box(middle.x, middle.y, *shape)
            return
        boxes.update({place: box.moved(middle) for place, box in zip(members, shape.boxes, strict=True)})
        at = {place: n for n, place in enumerate(members)}
        for edge, (first, second) in enumerate(self._edges):
            if first in at and second in at:
                along = at[second] == (at[first] + 1) % len(members)
                route = shape.routes[at[first]] if along else shape.across(at[first], at[second])
                routes[edge] = route.moved(middle)

    def _route(self, link: Link, boxes: dict[int, Box], *, alone: bool) -> Route:
        """An arrow between two blocks: through the gaps in curves, past the layers between them upright."""
        first, second = self._edges[link.edge]
        upper, lower = (first, second) if self._block[first] == link.upper else (second, first)
        begin, end = self._out(link.edge, upper, boxes), self._out(link.edge, lower, boxes)
        points = list(begin)
        at = self._layers[link.upper]
        for x in self._ways[link.edge].xs:
            at += 1
            points += swung(points[-1], Point(x, self._tops[at]))
            points += straight(points[-1], Point(x, self._bottoms[at]))
        points += [*swung(points[-1], end[-1]), *reversed(end[:-1])]
        label = None
        if alone and abs(begin[-1].x - end[-1].x) < 1:
            label = Point(begin[-1].x + 8, (begin[-1].y + end[-1].y) / 2 + 4)
        return Route(tuple(points if upper == first else reversed(points)), label)

    def _out(self, edge: int, place: int, boxes: dict[int, Box]) -> list[Point]:
        """The way from the border of a box to where its block ends, in the direction of the arrow's other end."""
        box, block = boxes[place], self._block[place]
        above = self._is_above(edge, place)
        lane = self._lanes.get((edge, place))
        shape = self._shapes[block]
        layer = self._layers[block]
        if lane is None or not isinstance(shape, Ring):
            border = box.top if above else box.bottom
            y = self._tops[layer] if above else self._bottoms[layer]
            through = isinstance(shape, Ring) or len(self._members[block]) > 1
            return (
                [border] if not through and abs(border.y - y) < 1 else [border, *straight(border, Point(border.x, y))]
            )
        x = self._parts[block] + shape.lane(*lane)
        up = -1 if above else 1
        aside = shape.side(self._members[block].index(place)) == 0  # its own arrows are at the middle of its sides
        border = Point((box.right if lane[0] > 0 else box.left).x, box.y + (up * box.height / 4 if aside else 0))
        turn = Point(x, border.y + up * _TURN)
        end = Point(x, self._tops[layer] if above else self._bottoms[layer])
        bend = (Point((border.x + x) / 2, border.y), Point(x, border.y), turn)
        return [border, *bend, *straight(turn, end)]


def _framed(boxes: Sequence[Box], routes: Sequence[Route]) -> Layout:
    """Everything moved so that it begins at (0, 0)."""
    xs = [x for box in boxes for x in (box.left.x, box.right.x)] + [p.x for route in routes for p in route.points]
    labels = [(route.label.x, -1 if route.ends else 1) for route in routes if route.label is not None]
    xs += [x + way * _WORD for x, way in labels]

    ys = [y for box in boxes for y in (box.top.y, box.bottom.y)] + [p.y for route in routes for p in route.points]
    by = Point(_MARGIN - min(xs), _MARGIN - min(ys))
    size = Size(max(xs) - min(xs) + 2 * _MARGIN, max(ys) - min(ys) + 2 * _MARGIN)
    return Layout(tuple(box.moved(by) for box in boxes), tuple(route.moved(by) for route in routes), size)
