"""Finds the functions that call each other in circles (Tarjan's strongly connected components)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_NONE: Final = -1


def loops_of(size: int, edges: Iterable[tuple[int, int]]) -> list[int | None]:
    """The number of the circle that each of so many functions is in; None: none of its callees comes back to it."""
    callees: list[list[int]] = [[] for _ in range(size)]
    for source, target in edges:
        callees[source].append(target)
    loop: list[int | None] = [None] * size
    order = [_NONE] * size
    low = [0] * size
    kept: list[int] = []
    done = [False] * size
    clock = 0
    for root in range(size):
        if order[root] != _NONE:
            continue
        work = [(root, iter(callees[root]))]
        order[root] = low[root] = clock
        clock += 1
        kept.append(root)
        while work:
            node, ways = work[-1]
            target = next(ways, _NONE)
            if target == _NONE:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    _close(node, kept, done, loop)
            elif order[target] == _NONE:
                order[target] = low[target] = clock
                clock += 1
                kept.append(target)
                work.append((target, iter(callees[target])))
            elif not done[target]:
                low[node] = min(low[node], order[target])
    return loop


def _close(node: int, kept: list[int], done: list[bool], loop: list[int | None]) -> None:
    """Take a component, which ends the list of those that are open."""
    place = len(kept) - 1
    while kept[place] != node:
        place -= 1
    members = kept[place:]
    del kept[place:]
    for member in members:
        done[member] = True
        loop[member] = node if len(members) > 1 else None
