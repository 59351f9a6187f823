"""Causes among locks: circles, locks taken twice, locks that nobody is left to release, holders that wait.

A dump shows who waits for a lock, never who holds it. Who may hold it is argued from pointers (the same object), from
elimination (nobody else is left in a method of that type), and from the order of frames (an outer frame ran before).
Source: sync/mutex.go, sync/rwmutex.go, sync/once.go; https://github.com/timmyyuan/gobench for the kinds of fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.analysis.causes.held import FIRM, HeldLock, held_locks, waits_for_lock
from stackscan.analysis.causes.model import Cause, Name
from stackscan.analysis.causes.scene import Scene, Waiting, type_of
from stackscan.analysis.causes.words import ids_of, place_of, several, short, waits, why_waits
from stackscan.analysis.finding import Confidence, Step
from stackscan.formats.symbol import read_symbol

#: Circles, also of one goroutine with itself: they need no other sign that nothing moves.
_CIRCLES: Final = frozenset({"lock-order-cycle", "self-deadlock", "rwmutex-recursive-read"})


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is wrong with one lock: ``chain`` are the goroutines that matter, the culprit first, each with what it
    ``does``; ``title`` has a place for how many wait behind them."""

    name: Name
    confidence: Confidence
    argument: str
    title: str
    chain: tuple[Waiting, ...]
    does: tuple[str, ...]


def find(scene: Scene) -> list[Cause]:
    """The causes among locks, each kind of fault once in however many objects it stands."""
    locks = held_locks(scene)
    by_waiting: dict[int, list[HeldLock]] = defaultdict(list)
    by_type: dict[str, list[HeldLock]] = defaultdict(list)
    for lock in locks:
        for wait in lock.waiters:
            by_waiting[id(wait)].append(lock)
        if lock.type is not None:
            by_type[lock.type].append(lock)
    found = []
    for lock in locks:
        verdict = (
            _circle(lock, by_waiting)
            or _read_again(lock, by_type)
            or _taken_twice(lock, scene)
            or _held_by_one_that_waits(lock)
            or _held_by_nobody(lock, scene)
        )
        if verdict is not None:
            found.append((lock, verdict))
    return _together(scene, found)


def _circle(lock: HeldLock, by_waiting: dict[int, list[HeldLock]]) -> _Verdict | None:
    """The likely holder of this lock waits for one whose likely holder waits for this one."""
    for score, holder in lock.holders:
        for other in by_waiting.get(id(holder), ()) if waits_for_lock(holder) else ():
            for again, second in other.holders if other is not lock else ():
                if second is not holder and second in lock.waiters and max(score, again) >= FIRM:
                    return _Verdict(
                        "lock-order-cycle",
                        "likely",
                        "each runs a method of the object whose lock the other waits for",
                        f"{ids_of(holder, second)} likely wait for each other's locks, in {place_of(holder)} and "
                        f"{place_of(second)}",
                        (holder, second),
                        (
                            f"likely holds {lock.name}, waits for {other.name}",
                            f"likely holds {other.name}, waits for {lock.name}",
                        ),
                    )
    return None


def _holds(held: HeldLock, wanted: HeldLock) -> str:
    return f"likely holds {held.name}, waits for {wanted.name}"


def _read_again(lock: HeldLock, by_type: dict[str, list[HeldLock]]) -> _Verdict | None:
    """A reader under an outer reader of the same RWMutex, with a writer between the two."""
    if lock.kind != "sync.RWMutex" or lock.type is None or lock.has_firm_holder:
        return None
    writers = [w for other in by_type[lock.type] for w in other.waiters if "sync.RWMutex.Lock" in w.reasons]
    readers = [
        (w, at) for w in lock.waiters if "sync.RWMutex.RLock" in w.reasons and (at := _outer(w, lock)) is not None
    ]
    if not writers or not readers:
        return None
    wait, at = readers[0]
    return _Verdict(
        "rwmutex-recursive-read",
        "likely",
        f"{short(wait.shown.frames[at])} is an outer frame of the same stack, and a writer waits between the two",
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} to read {lock.name} again, behind a writer that waits for "
        f"its first read in {short(wait.shown.frames[at])}",
        (wait, writers[0]),
        ("likely holds the lock for reading, waits to read again", "waits to write"),
    )


def _taken_twice(lock: HeldLock, scene: Scene) -> _Verdict | None:
    """An outer frame is a method of the same object, and nobody else is left that could hold the lock."""
    outer = [(w, at) for w in lock.waiters if (at := _outer(w, lock)) is not None]
    if not outer or lock.has_firm_holder:
        return None
    others = [wait for _, wait in lock.holders if not waits_for_lock(wait)]
    wait, at = outer[0]
    sure = scene.is_whole and not others and not scene.busy(_package(wait))
    return _Verdict(
        "self-deadlock",
        "likely" if sure or wait.leaked else "possible",
        f"{short(wait.shown.frames[at])} is an outer frame of the same stack and a method of the same type"
        + ("; nobody else is left that could hold the lock" if sure else ""),
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name}, which it likely holds itself, taken in "
        f"{short(wait.shown.frames[at])}",
        (wait,),
        ("likely holds the lock, waits for it again",),
    )


def _held_by_one_that_waits(lock: HeldLock) -> _Verdict | None:
    """The likeliest holders wait themselves, and for no lock."""
    best = [wait for score, wait in lock.holders if score == lock.best]
    if not best or any(wait.moving or waits_for_lock(wait) for wait in best):
        return None
    holder = best[0]
    firm = lock.best >= FIRM
    hold, are = ("holds", "is") if holder.count == 1 else ("hold", "are")
    reason = "it runs a method of the same object" if firm else "it is the only one left in a method of that type"
    return _Verdict(
        "blocked-while-holding-lock",
        "likely" if firm or (len(best) == 1 and lock.known) else "possible",
        reason,
        f"{ids_of(holder)} in {place_of(holder)} likely {hold} {lock.name} and {are} blocked ({why_waits(holder)})",
        (holder, *lock.waiters[:1]),
        (f"likely holds {lock.name}, waits: {why_waits(holder)}", f"waits for {lock.name}"),
    )


def _held_by_nobody(lock: HeldLock, scene: Scene) -> _Verdict | None:
    if lock.holders:
        return None
    wait = lock.waiters[0]
    busy = scene.busy(_package(wait))
    if busy and not lock.known:
        return None
    return _Verdict(
        "missing-unlock",
        "likely" if scene.is_whole and not busy else "possible",
        "no goroutine is left that could hold it" if scene.is_whole else "none of these goroutines can hold it",
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name}, and no goroutine is left that could unlock "
        "it",
        (wait,),
        (f"waits for {lock.name}",),
    )


def _outer(wait: Waiting, lock: HeldLock) -> int | None:
    """The frame outside the one that asked in which a method of the same type runs."""
    if wait.own is None or lock.type is None:
        return None
    asker = wait.frames[wait.own].function
    for at in range(wait.own + 1, len(wait.frames)):
        function = wait.frames[at].function
        if type_of(function) == lock.type and not asker.startswith(function + ".func"):
            return at
    return None


def _package(wait: Waiting) -> str:
    return "" if wait.own is None else read_symbol(wait.frames[wait.own].function).package


def _together(scene: Scene, found: Sequence[tuple[HeldLock, _Verdict]]) -> list[Cause]:
    """One cause for each kind of fault: the same stacks in the same parts."""
    groups: dict[tuple[str, frozenset[int]], list[tuple[HeldLock, _Verdict]]] = defaultdict(list)
    for lock, verdict in found:
        groups[verdict.name, frozenset(wait.stack_id for wait in verdict.chain)].append((lock, verdict))
    return [_cause(scene, same) for same in groups.values()]


def _cause(scene: Scene, same: Sequence[tuple[HeldLock, _Verdict]]) -> Cause:
    verdict = same[0][1]
    waits = list({id(wait): wait for wait in _everybody(same)}.values())
    rows = dict.fromkeys(row for _, each in same for wait in each.chain for row in wait.rows.tolist())
    waiting = dict.fromkeys(row for lock, _ in same for row in lock.rows)
    leaked = any(wait.leaked for wait in waits)
    stuck = (
        leaked or scene.all_asleep or verdict.name in ("lock-order-cycle", "self-deadlock", "rwmutex-recursive-read")
    )
    return Cause(
        name=verdict.name,
        confidence="proved" if leaked and verdict.confidence == "likely" else verdict.confidence,
        title=verdict.title + several(len(same), "lock"),
        argument=verdict.argument,
        steps=tuple(
            Step(wait.ids, wait.count, does, wait.where) for wait, does in zip(verdict.chain, verdict.does, strict=True)
        ),
        rows=tuple(rows | waiting),
        waiting=scene.count(waiting),
        stuck=stuck or any(wait.minutes for wait in waits),
        deciding={wait.stack_id: wait.place for wait in waits if wait.place is not None},
    )


def _everybody(same: Sequence[tuple[HeldLock, _Verdict]]) -> Iterator[Waiting]:
    for lock, verdict in same:
        yield from verdict.chain
        yield from lock.waiters
