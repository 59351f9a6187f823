"""Parts of a graph in which each point leads to each other one: circles, and what has none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping


def components(edges: Mapping[int, Collection[int]]) -> list[list[int]]:
    """The strongly connected components of a graph in linear time, each behind all that it leads to.

    R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1 (1972), without recursion.
    """
    walk = _Walk(edges)
    for start in edges:
        walk.begin(start)
    return walk.found


class _Walk:
    def __init__(self, edges: Mapping[int, Collection[int]]) -> None:
        self.found: list[list[int]] = []
        self._edges = edges
        self._number: dict[int, int] = {}
        self._low: dict[int, int] = {}
        self._open: dict[int, None] = {}
        self._todo: list[tuple[int, Iterator[int]]] = []

    def begin(self, start: int) -> None:
        if start not in self._number:
            self._enter(start)
        while self._todo:
            point, ahead = self._todo[-1]
            new = self._next(point, ahead)
            if new is None:
                self._leave()
            else:
                self._enter(new)

    def _enter(self, point: int) -> None:
        self._number[point] = self._low[point] = len(self._number)
        self._open[point] = None
        self._todo.append((point, iter(self._edges.get(point, ()))))

    def _next(self, point: int, ahead: Iterator[int]) -> int | None:
        """The next point that was not seen; those that were may close a circle."""
        for other in ahead:
            if other not in self._number:
                return other
            if other in self._open:
                self._low[point] = min(self._low[point], self._number[other])
        return None

    def _leave(self) -> None:
        point, _ = self._todo.pop()
        if self._todo:
            above = self._todo[-1][0]
            self._low[above] = min(self._low[above], self._low[point])
        if self._low[point] == self._number[point]:
            part: list[int] = []
            while not part or part[-1] != point:
                part.append(self._open.popitem()[0])
            self.found.append(part[::-1])
