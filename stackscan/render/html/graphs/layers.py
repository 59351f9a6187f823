"""Layers of a graph: which box is in which, in which order, and how far from the left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import copysign
from typing import Final, NamedTuple

from stackscan.analysis.components import components

_SWEEPS: Final = 6
#: An arrow that passes a layer takes so much of its width, and is kept as straight as so many others.
_PASSING, _STRAIGHT = 16, 4
#: A pixel, where points are counted: it tells the order of arrows to one block.
_FINE: Final = 1e-4


class Link(NamedTuple):
    """An arrow between two blocks, whatever its direction, and where it leaves each: from the block's middle."""

    edge: int
    upper: int
    lower: int
    port_upper: float
    port_lower: float


class _Near(NamedTuple):
    """A neighbour: where the arrow ends at it, and at the point itself, each from the middle."""

    point: int
    port: float
    own: float


@dataclass(frozen=True, slots=True)
class Way:
    """Which gaps an arrow crosses (the layer above each), and its x in the layers that it passes between its ends."""

    layers: tuple[int, ...]
    xs: tuple[float, ...]


def layers_of(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """The layer of each block, 0 on top: everything is right above what it leads to. The arrows that close a circle
    count as if they led the other way; no two blocks with an arrow between them are in one layer."""
    ahead: dict[int, list[int]] = {block: [] for block in range(count)}
    for source, target in _without_circles(count, [(a, b) for a, b in edges if a != b]):
        ahead[source].append(target)
    height = [0] * count
    for (block,) in components(ahead):  # what a block leads to comes before it
        height[block] = max((height[other] + 1 for other in ahead[block]), default=0)
    return [max(height) - one for one in height] if height else []


def _without_circles(count: int, edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The arrows, those turned round that lead back to where a walk along arrows came from."""
    ahead: dict[int, list[int]] = {block: [] for block in range(count)}
    for source, target in edges:
        ahead[source].append(target)
    done: set[int] = set()
    back: set[tuple[int, int]] = set()
    for start in range(count):
        path: dict[int, None] = {}
        todo = [] if start in done else [(start, iter(ahead[start]))]
        path.update({start: None} if todo else {})
        while todo:
            block, left = todo[-1]
            following = next(left, None)
            if following is None:
                todo.pop()
                del path[block]
                done.add(block)
            elif following in path:
                back.add((block, following))
            elif following not in done:
                path[following] = None
                todo.append((following, iter(ahead[following])))
    return [(b, a) if (a, b) in back else (a, b) for a, b in edges]


def arranged(
    widths: Sequence[float], layers: Sequence[int], links: Sequence[Link], apart: float
) -> tuple[list[float], dict[int, Way]]:
    """The x of the middle of each block, and the way of each arrow (by its number)."""
    net = _Net(list(widths), list(layers), links, apart)
    net.order()
    net.place()
    ways = {
        link.edge: Way(
            tuple(range(layers[link.upper], layers[link.lower])), tuple(net.xs[n] for n in net.passing[link.edge])
        )
        for link in links
    }
    return net.xs[: len(widths)], ways


class _Net:
    """Blocks and, behind them, a point for each layer that an arrow passes; links lead from layer to layer."""

    def __init__(self, widths: list[float], layers: list[int], links: Sequence[Link], apart: float) -> None:
        self._widths, self._layer, self._apart = widths, layers, apart
        self.passing: dict[int, list[int]] = {}
        self._below: dict[int, list[_Near]] = defaultdict(list)
        self._above: dict[int, list[_Near]] = defaultdict(list)
        self._blocks = len(widths)
        for link in links:
            self._add(link)
        self._rows: list[list[int]] = [[] for _ in range(1 + max(layers, default=0))]
        for point, layer in enumerate(layers):
            self._rows[layer].append(point)
        self.xs = [0.0] * len(widths)

    def _add(self, link: Link) -> None:
        chain = [link.upper]
        for layer in range(self._layer[link.upper] + 1, self._layer[link.lower]):
            chain.append(len(self._widths))
            self._widths.append(_PASSING)
            self._layer.append(layer)
        chain.append(link.lower)
        self.passing[link.edge] = chain[1:-1]
        for place, (upper, lower) in enumerate(pairwise(chain)):
            above = 0.0 if place else link.port_upper
            below = link.port_lower if lower == link.lower else 0.0
            self._below[upper].append(_Near(lower, below, above))
            self._above[lower].append(_Near(upper, above, below))

    # -- order ---------------------------------------------------------------------------------------------------------

    def order(self) -> None:
        """Order each layer by the middle of the neighbours, down and up again, and keep the order with the fewest
        crossings."""
        best, fewest = [list(row) for row in self._rows], self._crossings()
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for row in self._rows if down else reversed(self._rows):
                self._sort(row, self._above if down else self._below)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self._rows], crossings
        self._rows = best

    def _sort(self, row: list[int], near: Mapping[int, Sequence[_Near]]) -> None:
        at = {point: place for each in self._rows for place, point in enumerate(each)}
        middle = {
            point: sum(at[n.point] + n.port * _FINE for n in near[point]) / len(near[point])
            if near.get(point)
            else at[point]
            for point in row
        }
        row.sort(key=middle.__getitem__)

    def _crossings(self) -> int:
        at = {point: place for each in self._rows for place, point in enumerate(each)}
        total = 0
        for row in self._rows:
            links = sorted((at[u] + n.own * _FINE, at[n.point] + n.port * _FINE) for u in row for n in self._below[u])
            total += sum(b[1] < a[1] for n, a in enumerate(links) for b in links[n + 1 :] if b[0] > a[0])
        return total

    # -- places --------------------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Place every point as near to the middle of its neighbours as the order and the widths allow."""
        for row in self._rows:
            self._fit(row, [0.0] * len(row))
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for row in self._rows if down else reversed(self._rows):
                first, second = (self._above, self._below) if down else (self._below, self._above)
                self._fit(row, [self._wish(point, first.get(point) or second.get(point) or ()) for point in row])

    def _wish(self, point: int, near: Sequence[_Near]) -> float:
        """The middle of the neighbours; what leads to the side of a circle keeps within its breadth."""
        within = self._widths[point] / 2 if point < self._blocks else 0.0
        ports = [n.port - copysign(within, n.port) if abs(n.port) > within else n.port for n in near]
        wishes = [self.xs[n.point] + port - n.own for n, port in zip(near, ports, strict=True)]
        return sum(wishes) / len(wishes) if wishes else self.xs[point]

    def _fit(self, row: Sequence[int], wishes: Sequence[float]) -> None:
        """The places nearest to the wishes, by least squares, with the points in order and apart from each other: pools
        of adjacent points that want to be where others are (isotonic regression)."""
        offsets, offset = [], 0.0
        for before, point in zip([None, *row], row, strict=False):
            if before is not None:
                offset += (self._widths[before] + self._widths[point]) / 2 + self._apart
            offsets.append(offset)
        pools: list[tuple[float, float, int]] = []  # sum of wishes by weight, weight, number of points
        for point, wish, away in zip(row, wishes, offsets, strict=True):
            weight = 1.0 if point < self._blocks else float(_STRAIGHT)
            pool = ((wish - away) * weight, weight, 1)
            while pools and pools[-1][0] / pools[-1][1] >= pool[0] / pool[1]:
                last = pools.pop()
                pool = (last[0] + pool[0], last[1] + pool[1], last[2] + pool[2])
            pools.append(pool)
        starts = [total / weight for total, weight, number in pools for _ in range(number)]
        for point, start, away in zip(row, starts, offsets, strict=True):
            self.xs[point] = start + away
