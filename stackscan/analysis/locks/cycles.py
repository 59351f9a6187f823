"""Circles of waiting: A waits for what B may hold, B waits for what A may hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stackscan.analysis.components import components
from stackscan.analysis.locks.model import Candidate, Cycle, Lock, Step

_MOST_CYCLES: Final = 100

#: For each lock, the locks that its likeliest holders wait for, each with such a holder.
Edges = Mapping[int, Mapping[int, Candidate]]


def find(locks: Sequence[Lock]) -> tuple[Cycle, ...]:
    """The circles, strongest first, each lock in one of them at most.

    Only the likeliest candidates of a lock count, and only where all of these wait for a lock themselves: a goroutine
    that waits for none could hold the lock and let it go, and there is no deadlock.
    """
    edges = {number: found for number, lock in enumerate(locks) if (found := _likeliest(lock))}
    cycles: list[Cycle] = []
    for component in _components(edges):
        path = _circle(min(component), edges, component)
        if path and len(cycles) < _MOST_CYCLES:
            cycles.append(Cycle(_steps(path)))
    return tuple(sorted(cycles, key=lambda cycle: (-cycle.score, cycle.steps[0].lock)))


def _likeliest(lock: Lock) -> dict[int, Candidate]:
    """For each lock that the likeliest candidates for this one wait for: one of these candidates."""
    if lock.kind in ("sync.Cond", "channel") or not lock.candidates:
        return {}
    best = [candidate for candidate in lock.candidates if candidate.score == lock.candidates[0].score]
    if any(candidate.waits_for is None or candidate.evidence == "type" for candidate in best):
        return {}
    return {c.waits_for: c for c in reversed(best) if c.waits_for is not None and c.goroutine_ids}


def _components(edges: Edges) -> Iterator[frozenset[int]]:
    """The groups of locks in which circles lie: of more than one, or of one that waits for itself."""
    for part in reversed(components(edges)):
        if len(part) > 1 or part[0] in edges.get(part[0], ()):
            yield frozenset(part)


def _circle(start: int, edges: Edges, among: frozenset[int]) -> list[tuple[int, Candidate]]:
    """The shortest way from a lock back to itself: each lock on it with the candidate that leads to the next."""
    before: dict[int, tuple[int, Candidate]] = {}
    queue = deque([start])
    while queue:
        lock = queue.popleft()
        for following, candidate in edges.get(lock, {}).items():
            if following == start:
                path = [(lock, candidate)]
                while path[-1][0] != start:
                    path.append(before[path[-1][0]])
                return path[::-1]
            if following not in before and following in among:
                before[following] = (lock, candidate)
                queue.append(following)
    return []


def _steps(path: Sequence[tuple[int, Candidate]]) -> tuple[Step, ...]:
    """Each goroutine of the circle with the lock that it waits for; the next one is a candidate for that."""
    steps = []
    for place, (_, candidate) in enumerate(path):
        waits = candidate.waits_for
        assert waits is not None  # noqa: S101  # edges lead to locks
        following = path[(place + 1) % len(path)][1]
        function = candidate.stack.frames[candidate.frame].function
        steps.append(Step(candidate.goroutine_ids[0], function, waits, following.score))
    return tuple(steps)
