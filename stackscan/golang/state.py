"""Which locks are held at one point of a function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as data_field
from typing import Final

from stackscan.golang.names import Place
from stackscan.golang.tree import Node

#: One lock for one function: where it lies, and the expression through which it is reached there (``a`` of ``a.mu``;
#: empty: no expression reaches it any more).
Object = tuple[Place, str]
_NAMES: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock that is held: since which line, whether for writing, and whether a function that was called took it.
    ``others`` are more lines that may be the one; ``either``: it may be held for reading or for writing."""

    line: int
    writing: bool
    by_callee: bool = False
    others: frozenset[int] = frozenset()
    either: bool = False

    @property
    def lines(self) -> tuple[int, ...]:
        """All lines in which it may have been taken last."""
        return tuple(sorted({self.line, *self.others}))

    def joined(self, other: Hold) -> Hold:
        """What is known where two ways meet."""
        if self == other:
            return self
        return Hold(
            self.line,
            self.writing and other.writing,
            self.by_callee or other.by_callee,
            frozenset({*self.lines, *other.lines} - {self.line}),
            self.either or other.either or self.writing != other.writing,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """A lock that may be held (``sure``: is, on every way); ``place`` with the root through which it was taken."""

    place: Place
    hold: Hold
    sure: bool


@dataclass(frozen=True, slots=True)
class Deferred:
    """A call that runs when the function ends; ``sure``: on every way."""

    call: Node
    sure: bool = True

    @property
    def order(self) -> int:
        """Those that stand further down run earlier."""
        return self.call.start_byte


@dataclass(frozen=True, slots=True)
class State:
    """The locks at one point: those that may be held, those of the caller that this function released, and the calls
    that are deferred, in the order of the code. What may give back ``loose`` locks is not known: they are never held
    for certain; where all are ``vague``, none is. ``unsure``: any lock of the caller may have been released. ``tried``
    are variables that say whether a TryLock got its lock."""

    taken: Mapping[Object, Taken] = data_field(default_factory=dict)
    released: frozenset[Place] = frozenset()
    deferred: tuple[Deferred, ...] = ()
    loose: frozenset[Place] = frozenset()
    unsure: bool = False
    vague: bool = False
    tried: Mapping[str, tuple[Object, Taken]] = data_field(default_factory=dict)

    def objects(self) -> Iterator[tuple[Place, Hold, bool]]:
        """The locks by place, each object of a type by itself: since when, and whether it must be held."""
        for one in self.taken.values():
            yield one.place, one.hold, one.sure and not self.vague and one.place not in self.loose

    @property
    def must(self) -> dict[Place, Hold]:
        """The locks that are held on every way; those that have no name outside of the function are left out."""
        return {place: hold for place, hold, sure in self.objects() if sure and place.is_known}

    @property
    def may(self) -> dict[Place, Hold]:
        """The locks that may be held; those that must be are among them."""
        return {**{place: hold for place, hold, _ in self.objects() if place.is_known}, **self.must}

    @property
    def kept(self) -> frozenset[Place]:
        """The locks that were taken on every way, also those that something else may give back."""
        return frozenset(one.place for one in self.taken.values() if one.sure)

    def holds(self, place: Place) -> bool:
        """Whether some lock of a place may be held."""
        return any(one.place == place for one in self.taken.values())

    def locked(self, place: Place, path: str, hold: Hold, *, sure: bool = True) -> State:
        """The state after a lock was taken; not ``sure``: on some way."""
        key = (place, path)
        known = self.taken.get(key)
        if not sure and known is not None:
            hold, sure = known.hold.joined(hold), known.sure
        taken = {one: each for one, each in self.taken.items() if one != key}
        return replace(
            self,
            taken={**taken, key: Taken(place, hold, sure)},
            released=self.released - {place} if sure else self.released,
        )

    def unlocked(self, place: Place, path: str) -> State:
        """The state after a lock was released: the one that this expression took; else the only one of its place; of
        several one, and nothing tells which."""
        if (place, path) in self.taken:
            return replace(self, taken={key: one for key, one in self.taken.items() if key != (place, path)})
        same = [key for key in self.taken if key[0] == place]
        if len(same) > 1:
            weak = {key: replace(one, sure=one.sure and key not in same) for key, one in self.taken.items()}
            return replace(self, taken=weak, released=self.released | {place})
        released = self.released if same else self.released | {place}
        return replace(self, taken={key: one for key, one in self.taken.items() if key not in same}, released=released)

    def weakened(self) -> State:
        """The state after something unknown was released: any lock may be it."""
        return replace(self, loose=self.loose | {one.place for one in self.taken.values()}, unsure=True)

    def assigned(self, target: str) -> State:
        """The state after an assignment: what was reached through the old value is not reached by its name any more."""
        tried = {name: one for name, one in self.tried.items() if name != target}
        state = self if len(tried) == len(self.tried) else replace(self, tried=tried)
        if not any(_goes_through(path, target) for _, path in self.taken):
            return state
        taken = {key: one for key, one in self.taken.items() if not _goes_through(key[1], target)}
        for key, one in self.taken.items():
            if key not in taken:
                lost = (replace(one.place, root=""), "")
                known = taken.get(lost)
                hold = one.hold if known is None else known.hold.joined(one.hold)
                taken[lost] = Taken(lost[0], hold, one.sure or (known is not None and known.sure))
        return replace(state, taken=taken)


def _goes_through(path: str, target: str) -> bool:
    """Whether an expression means something else once a variable, or a field, has another value."""
    if target.isidentifier():
        return target in _NAMES.findall(path)
    return path.startswith(target)


def join(one: State | None, other: State | None) -> State | None:
    """Two ways that meet; None is a way that leaves."""
    if one is None or other is None:
        return one or other
    if one == other:
        return one
    return State(
        taken=_join_taken(one.taken, other.taken),
        released=one.released | other.released,
        deferred=_join_deferred(one.deferred, other.deferred),
        loose=one.loose | other.loose,
        unsure=one.unsure or other.unsure,
        vague=one.vague or other.vague,
        tried={name: each for name, each in one.tried.items() if other.tried.get(name) == each},
    )


def _join_taken(one: Mapping[Object, Taken], other: Mapping[Object, Taken]) -> dict[Object, Taken]:
    found: dict[Object, Taken] = {}
    left: tuple[dict[Place, list[Object]], ...] = ({}, {})
    for mine, theirs, alone in ((one, other, left[0]), (other, one, left[1])):
        for key, each in mine.items():
            same = theirs.get(key)
            if same is None:
                found[key] = replace(each, sure=False)
                if each.sure:
                    alone.setdefault(key[0], []).append(key)
            elif key not in found:
                found[key] = Taken(each.place, each.hold.joined(same.hold), each.sure and same.sure)
    for place, keys in left[0].items():
        others = left[1].get(place, [])
        if len(keys) == len(others) == 1:  # each way holds one of the place, reached in its own way
            first, second = one[keys[0]], other[others[0]]
            del found[keys[0]], found[others[0]]
            found[place, ""] = Taken(replace(place, root=""), first.hold.joined(second.hold), sure=True)
    return found


def _join_deferred(one: tuple[Deferred, ...], other: tuple[Deferred, ...]) -> tuple[Deferred, ...]:
    if one == other:
        return one
    both = {each.call.id for each in one} & {each.call.id for each in other}
    found = {each.call.id: each for each in (*one, *other)}
    for each in (*one, *other):
        if not each.sure or each.call.id not in both:
            found[each.call.id] = replace(each, sure=False)
    return tuple(sorted(found.values(), key=lambda each: each.order))


@dataclass(frozen=True, slots=True)
class Event:
    """What a traceback may point at, with the state before it: a call, a send, a receive, a select, a range."""

    node: Node
    line: int
    state: State
