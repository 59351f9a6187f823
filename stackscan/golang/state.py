"""Which locks are held at one point of a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as data_field

from stackscan.golang.names import Place
from stackscan.golang.tree import Node


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that is held: since which line, whether for writing, and whether a function that was called took it."""

    line: int
    writing: bool
    by_callee: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The locks at one point: those that must be held, those that may be (all of the former among them), those that the
    caller held and this function released, and those that deferred calls will release."""

    must: Mapping[Place, Hold] = data_field(default_factory=dict)
    may: Mapping[Place, Hold] = data_field(default_factory=dict)
    released: frozenset[Place] = frozenset()
    deferred: frozenset[Place] = frozenset()

    def locked(self, place: Place, hold: Hold) -> State:
        """The state after a lock was taken."""
        return replace(
            self, must={**self.must, place: hold}, may={**self.may, place: hold}, released=self.released - {place}
        )

    def maybe_locked(self, place: Place, hold: Hold) -> State:
        """The state after a lock was taken on some way."""
        return replace(self, may={**self.may, place: hold})

    def unlocked(self, place: Place) -> State:
        """The state after a lock was released."""
        released = self.released if place in self.may else self.released | {place}
        return replace(self, must=_without(self.must, place), may=_without(self.may, place), released=released)


def _without(holds: Mapping[Place, Hold], place: Place) -> dict[Place, Hold]:
    return {one: hold for one, hold in holds.items() if one != place}


def join(one: State | None, other: State | None) -> State | None:
    """Two ways that meet; None is a way that leaves."""
    if one is None or other is None:
        return one or other
    return State(
        must={place: hold for place, hold in one.must.items() if place in other.must},
        may={**other.may, **one.may},
        released=one.released | other.released,
        deferred=one.deferred | other.deferred,
    )


@dataclass(frozen=True, slots=True)
class Event:
    """What a traceback may point at, with the state before it: a call, a send, a receive, a select, a range."""

    node: Node
    line: int
    state: State
