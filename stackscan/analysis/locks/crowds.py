"""Goroutines that may hold any of many locks alike: those inside the same Once, and those in a method of a type.

There may be thousands of locks of one type and thousands of goroutines in its methods, so what is the same for all
these locks is put together once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stackscan.analysis.locks.ground import Ground
from stackscan.analysis.locks.instances import Instance
from stackscan.analysis.locks.model import MOST_OF_A_TYPE
from stackscan.analysis.locks.places import SHOWN, Mark, Place, Places
from stackscan.model.snapshot import Frame

ONCE, TYPE = 75, 20
_SLOW: Final = "sync.(*Once).doSlow"


class Crowd:
    """Goroutines by place, for all locks for which the same speaks."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = sorted(places, key=Place.order)
        self._place_of = {row: place for place in self._places for row in place.rows}
        self.stacks = frozenset(place.stack for place in self._places)

    def of(self, lock: int, marks: dict[int, Mark], beside: frozenset[int] = frozenset()) -> list[Place]:
        """The first places for a lock, without goroutines that wait for it, those in the stacks ``beside``, and those
        for which as much speaks already (``marks``); of others the weaker marks are taken away."""
        better: dict[int, set[int]] = defaultdict(set)
        touched: dict[int, Place] = {}
        for row in [row for row in marks if row in self._place_of]:
            place = self._place_of[row]
            if marks[row][0] >= place.mark[0]:
                better[id(place)].add(row)
                touched[id(place)] = place
            elif place.stack not in beside:
                del marks[row]
        found: list[Place] = []
        for place in self._places:
            if len(found) == SHOWN:
                break
            if place.waits_for != lock and place.stack not in beside and id(place) not in touched:
                found.append(place)
        for key, place in touched.items():
            left = place.without(better[key])
            if left.rows and place.waits_for != lock and place.stack not in beside:
                found.append(left)
        return found


class Crowds:
    """The crowds for locks of which no word says who holds them."""

    def __init__(self, instances: Sequence[Instance], rest: Sequence[int], ground: Ground) -> None:
        self._instances = instances
        self._ground = ground
        self._rest = frozenset(rest)
        self._places = Places(ground)
        by_type: dict[str, int] = defaultdict(int)
        for number in rest:
            by_type[instances[number].owner_type or ""] += 1
        self._types = _by_type(
            {name for name, count in by_type.items() if count <= MOST_OF_A_TYPE}, ground, self._places
        )
        self._inside = list(_inside_once(ground)) if any(instances[n].kind == "sync.Once" for n in rest) else []
        self._rows_inside = ground.rows_of(stack for stack, *_ in self._inside)
        self._once: dict[frozenset[Frame], Crowd] = {}

    def places(self, lock: int, marks: dict[int, Mark]) -> list[Place]:
        """The first places for a lock; the marks of goroutines for which less speaks are taken away."""
        if lock not in self._rest:
            return []
        instance = self._instances[lock]
        once = self._in_once(instance) if self._inside and instance.kind == "sync.Once" else None
        found = [] if once is None else once.of(lock, marks)
        crowd = self._types.get(instance.owner_type or "")
        return found if crowd is None else [*found, *crowd.of(lock, marks, once.stacks if once else frozenset())]

    def _in_once(self, instance: Instance) -> Crowd:
        """Goroutines that run the function of the same Once: the frame that called ``Do`` is the same."""
        ground = self._ground
        askers = [(group.stack, ground.sites[group.stack].asker) for group in instance.groups]
        callers = frozenset(ground.snapshot.stacks[stack].frames[at] for stack, at in askers if at is not None)
        if callers not in self._once:
            marks: dict[int, Mark] = {}
            for stack, at, above in self._inside:
                if above in callers:
                    marks.setdefault(stack, (ONCE, "once", False, at))
            every = ((mark, self._rows_inside[stack]) for stack, mark in marks.items())
            self._once[callers] = Crowd(place for mark, rows in every for place in self._places.alike(mark, rows))
        return self._once[callers]


def _inside_once(ground: Ground) -> Iterator[tuple[int, int, Frame]]:
    """The stacks on which a Once runs its function: stack, frame of the Once, and the frame that called it."""
    for number, stack in enumerate(ground.snapshot.stacks):
        frames = () if number in ground.sites else stack.frames
        for at in range(1, len(frames) - 1):
            if frames[at].function == _SLOW:
                above = next((frame for frame in frames[at + 1 :] if frame.function != "sync.(*Once).Do"), None)
                if above is not None:
                    yield number, at, above


def _by_type(types: set[str], ground: Ground, places: Places) -> dict[str, Crowd]:
    """By type, the goroutines in a method of an object of it whose receiver no frame shows."""
    found: dict[str, list[Place]] = defaultdict(list)
    methods = [method for method in ground.innermost_methods() if method[0] in types]
    rows_of = ground.rows_of(stack for _, stack, _ in methods)
    for name, stack, at in methods:
        rows = [row for row in rows_of[stack] if (row, at) not in ground.shown]
        found[name] += places.alike((TYPE, "type", False, at), rows)
    return {name: Crowd(of_type) for name, of_type in found.items() if of_type}
