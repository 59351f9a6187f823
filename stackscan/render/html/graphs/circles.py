"""The circles of a graph that are drawn as circles: at most one in each part whose boxes all lead to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stackscan.analysis.components import components

#: Steps after which the longest circle found is good enough.
_STEPS: Final = 2000


def circles_of(count: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The circles, each in the direction of its arrows: from the box on to which others lead, where that is one; else
    from its first box on."""
    ahead: dict[int, list[int]] = {place: [] for place in range(count)}
    for source, target in edges:
        ahead[source].append(target)
    found = [_longest(sorted(part), ahead) for part in components(ahead) if len(part) > 1]
    return [_turned(circle, edges) for circle in found]


def _turned(circle: list[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    among = frozenset(circle)
    led_to = {target for source, target in edges if target in among and source not in among}
    at = circle.index(min(led_to)) if len(led_to) == 1 else 0
    return circle[at:] + circle[:at]


def _longest(part: Sequence[int], ahead: Mapping[int, Sequence[int]]) -> list[int]:
    """The longest circle of a part that a search of bounded length finds from its first box on."""
    among, start = frozenset(part), part[0]
    best: list[int] = []
    path = [start]
    todo = [iter(ahead[start])]
    for _ in range(_STEPS + len(part)):
        following = next(todo[-1], None)
        if following is None:
            todo.pop()
            path.pop()
            if not todo:
                break
        elif following == start and len(path) > max(len(best), 1):
            best = list(path)
        elif following in among and following not in path:
            path.append(following)
            todo.append(iter(ahead[following]))
    return best or _shortest(start, among, ahead)


def _shortest(start: int, among: frozenset[int], ahead: Mapping[int, Sequence[int]]) -> list[int]:
    """The shortest circle through a box."""
    before = {start: start}
    queue = [start]
    for place in queue:
        for following in ahead[place]:
            if following == start:
                path = [place]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return path[::-1]
            if following in among and following not in before:
                before[following] = place
                queue.append(following)
    return []
