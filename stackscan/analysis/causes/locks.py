"""Causes among locks: locks taken twice, locks that nobody is left to release, holders that wait.

A dump shows who waits for a lock, never who holds it. Who may hold it is argued from pointers (the same object), from
elimination (nobody else is left in a method of that type), and from the order of frames (an outer frame ran before).
Source: sync/mutex.go, sync/rwmutex.go, sync/once.go; https://github.com/timmyyuan/gobench for the kinds of fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.analysis.causes.circles import circles
from stackscan.analysis.causes.held import ALONE, FIRM, PAST, HeldLock, held_locks, waits_for_lock
from stackscan.analysis.causes.model import Cause, Name
from stackscan.analysis.causes.own import Outer, once_outside, outer_frame
from stackscan.analysis.causes.scene import Scene, Waiting
from stackscan.analysis.causes.words import ids_of, place_of, several, short, waits, why_waits
from stackscan.analysis.finding import Confidence, Step
from stackscan.formats.symbol import read_symbol

#: Circles of one goroutine with itself: they need no other sign that nothing moves.
_RUNTIME: Final = "the runtime found that nobody alive can unlock it"
_CIRCLES: Final = frozenset({"self-deadlock", "rwmutex-recursive-read"})


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is wrong with one lock: ``chain`` are the goroutines that matter, the culprit first, each with what it
    ``does``; ``behind`` is what all others do that wait for the lock. ``deadlock``: none of them can ever go on."""

    name: Name
    confidence: Confidence
    argument: str
    title: str
    chain: tuple[Waiting, ...]
    does: tuple[str, ...]
    behind: str
    deadlock: bool = False


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
    found = circles(scene, locks, by_waiting)
    explained = {row for cause in found for row in cause.rows}
    single = []
    for lock in locks:
        if explained.issuperset(lock.rows):
            continue
        verdict = (
            _once_in_itself(lock, scene)
            or _read_again(lock, by_type, scene)
            or _taken_twice(lock, by_type, scene)
            or _held_by_one_that_waits(lock, scene)
            or _held_by_nobody(lock, scene)
        )
        if verdict is not None:
            single.append((lock, verdict))
    return [*found, *_together(scene, single)]


def _read_again(lock: HeldLock, by_type: Mapping[str, Sequence[HeldLock]], scene: Scene) -> _Verdict | None:
    """A reader under an outer reader of the same RWMutex, with a writer between the two."""
    if lock.kind != "sync.RWMutex" or lock.type is None or lock.has_firm_holder:
        return None
    around = [lock] if lock.writers else [o for o in by_type[lock.type] if not o.is_other_than(lock)]
    writers = [writer for each in around for writer in each.writers]
    readers = [wait for wait in lock.waiters if "sync.RWMutex.RLock" in wait.reasons]
    outer = next((found for wait in readers if (found := outer_frame(wait, lock, scene)) is not None), None)
    if not writers or outer is None:
        return None
    wait, reads = outer.wait, short(outer.shown)
    # Several that are past the first read, and nobody who waits for it: the outer frame may not read at all.
    sure = wait.count == 1 or bool(_known_to_lock(outer, lock, by_type))
    again, holds = ("again", "likely holds") if sure else ("perhaps again", "may hold")
    return _Verdict(
        "rwmutex-recursive-read",
        "likely" if sure else "possible",
        f"{reads} is an outer frame of the same stack, and a writer waits",
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} to read {lock.name} {again}, behind a writer that waits for "
        f"the first read in {reads}",
        (wait, writers[0]),
        (f"{holds} the lock for reading, waits to read again", "waits to write, behind that first read"),
        f"waits for {lock.name}",
        deadlock=True,
    )


def _once_in_itself(lock: HeldLock, scene: Scene) -> _Verdict | None:
    """The function of a sync.Once calls Do of the same Once again: one stack shows it alone."""
    if lock.kind != "sync.Once":
        return None
    outer = next((found for wait in lock.waiters if (found := once_outside(wait, scene)) is not None), None)
    if outer is None:
        return None
    wait, runs = outer.wait, short(outer.shown)
    return _Verdict(
        "self-deadlock",
        "proved" if outer.certain else "likely",
        "sync.(*Once).doSlow is twice on one stack" + (", for the same Once" if outer.certain else ""),
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name} inside that Once's own function, {runs}",
        (wait,),
        ("runs the function of the Once, waits for it to end",),
        f"waits for {lock.name}",
        deadlock=True,
    )


def _taken_twice(lock: HeldLock, by_type: Mapping[str, Sequence[HeldLock]], scene: Scene) -> _Verdict | None:
    """An outer frame is a method of the same object that locks it, or nobody else is left that could hold it."""
    if lock.has_firm_holder or lock.kind == "sync.Once":
        return None
    found = [outer for wait in lock.waiters if (outer := outer_frame(wait, lock, scene)) is not None]
    outer = next(iter(found), None)
    if outer is None or not _one_could(lock, found):
        return None
    wait, takes = outer.wait, short(outer.shown)
    reason = _known_to_lock(outer, lock, by_type)
    others = any(not waits_for_lock(other) for _, other in lock.holders)
    nobody = scene.is_whole and not others and not scene.counted and not scene.is_busy(_package(wait))
    if not reason and (others or scene.counted):
        return None
    if not reason and nobody:
        reason = "nobody else is left that could hold the lock"
    sure = nobody or (bool(reason) and not others and not scene.counted) or wait.leaked
    holds = "likely holds" if sure else "may hold"
    return _Verdict(
        "self-deadlock",
        "likely" if sure else "possible",
        f"{takes} is an outer frame of the same stack and a method of the same type"
        + (f"; {reason}" if reason else ""),
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name}, which it {holds} itself, taken in {takes}",
        (wait,),
        (f"{holds} the lock, waits for it again",),
        f"waits for {lock.name}",
        deadlock=True,
    )


def _one_could(lock: HeldLock, outers: Sequence[Outer]) -> bool:
    """Whether a single goroutine is past the outer frame: a second one would wait there, had the first taken it."""
    if not lock.known or lock.kind == "sync.RWMutex":
        return True
    return sum(len(lock.part(outer.wait)) for outer in outers) == 1


def _known_to_lock(outer: Outer, lock: HeldLock, by_type: Mapping[str, Sequence[HeldLock]]) -> str:
    """Why the outer frame is believed to hold the lock: names say so, or others wait for the lock in the function."""
    for frame, shown in outer.between:
        if read_symbol(frame.function).name.partition(".")[0].endswith("Locked"):
            return f"the name of {short(shown)} says that its caller holds the lock"
    function = outer.frame.function
    for other in by_type.get(lock.type or "", ()):
        asks = (wait for wait in other.waiters if wait.own is not None and wait is not outer.wait)
        if any(wait.frames[wait.own or 0].function == function for wait in asks):
            return f"others wait for such a lock in {short(outer.shown)}"
    return ""


def _held_by_one_that_waits(lock: HeldLock, scene: Scene) -> _Verdict | None:
    """The likeliest holders wait themselves, and for no lock."""
    best = [wait for score, wait in lock.holders if score == lock.best]
    if not best or any(wait.moving or waits_for_lock(wait) for wait in best):
        return None
    holder, firm = best[0], lock.best >= FIRM
    many = sum(wait.count for wait in best)
    if many > 1 and not (firm and lock.kind == "sync.RWMutex"):
        return _held_by_one_of(lock, best, many)
    worker = _needs_it_to_go_on(holder, lock, scene)
    what = f" ({why})" if (why := why_waits(holder)) else ""
    behind = " for goroutines that wait for that lock" if worker else ""
    certain = firm or (lock.known and lock.best > ALONE) or (lock.best == PAST and scene.is_whole and not scene.counted)
    likely: Confidence = "likely" if certain else "possible"
    holds = "may hold" if likely == "possible" else "likely holds" if holder.count == 1 else "likely hold"
    return _Verdict(
        "blocked-while-holding-lock",
        likely,
        _why_held(lock),
        ("deadlock: " if worker else "") + f"{ids_of(holder)} in {place_of(holder)} {holds} {lock.name} and "
        f"{'is' if holder.count == 1 else 'are'} blocked{what}{behind}",
        (holder,),
        (f"{holds} {lock.name} and is blocked{what}",),
        f"waits for {lock.name}",
        deadlock=worker,
    )


def _why_held(lock: HeldLock) -> str:
    """Why the likeliest holder is believed to hold a lock, in one clause."""
    asker = short(lock.asker_shown)
    if lock.has_firm_holder:
        return "it runs a method of the same object"
    if lock.best == PAST:
        return f"it is past the lock in {asker}, where the others wait"
    if lock.best == ALONE:
        return f"it is the only other goroutine that is blocked in the package of {asker}"
    if lock.type is None:
        return f"it is the only one left in the function that {asker} was written in"
    return "it is the only one left in a method of that type"


def _held_by_one_of(lock: HeldLock, best: Sequence[Waiting], many: int) -> _Verdict | None:
    """Several may hold it, all of them blocked in one place: one does."""
    places = {place_of(wait) for wait in best}
    if len(places) > 1 or lock.kind == "sync.Once" or all(map(_is_loop, best)):
        return None
    what = f" ({why})" if (why := why_waits(best[0])) else ""
    return _Verdict(
        "blocked-while-holding-lock",
        "possible",
        "they are the only ones left that could hold it",
        f"one of {many:,} goroutines blocked in {place_of(best[0])}{what} may hold {lock.name}",
        tuple(best),
        tuple(f"may hold {lock.name} and is blocked{what}" for _ in best),
        f"waits for {lock.name}",
    )


def _is_loop(wait: Waiting) -> bool:
    """Whether they wait in the function that began them: the loop of a worker, which holds nothing between tasks."""
    return "select" in wait.reasons and wait.own == len(wait.frames) - 1


def _needs_it_to_go_on(holder: Waiting, lock: HeldLock, scene: Scene) -> bool:
    """Whether the holder waits for goroutines that it started and that wait for this very lock."""
    if "sync.WaitGroup.Wait" not in holder.reasons:
        return False
    ids = set(holder.ids)
    return any(scene.creators[row] in ids for row in lock.rows)


def _held_by_nobody(lock: HeldLock, scene: Scene) -> _Verdict | None:
    """All that could hold it are gone. (A sync.Once cannot be left so: it is unlocked by a defer of its own.)"""
    if lock.holders or lock.kind == "sync.Once":
        return None
    wait = lock.waiters[0]
    if wait.own is None or not (scene.is_whole or scene.all_asleep or wait.leaked):
        return None  # of an excerpt, the holder may have been left out
    busy = scene.is_busy(_package(wait))
    if busy and not lock.known:
        return None
    # A variable's lock may be held by anybody in the package; so may any lock where no word tells objects apart.
    by_package = scene.counted or lock.type is None
    seen = scene.is_whole and not busy and not (by_package and scene.others_in(_package(wait), lock.waiters))
    sure = seen or wait.leaked
    many = sum(each.count for each in lock.waiters)
    who = ids_of(wait) if len(lock.waiters) == 1 else f"{many:,} goroutines"
    place = f"in {place_of(wait)}" if len(lock.waiters) == 1 else f"(most in {place_of(wait)})"
    return _Verdict(
        "missing-unlock",
        "likely" if sure else "possible",
        _RUNTIME if wait.leaked else "no goroutine is left that could hold it",
        f"{who} {place} {'waits' if many == 1 else 'wait'} for {lock.name}, and no goroutine is left that could unlock "
        "it",
        (),
        (),
        f"waits for {lock.name}",
    )


def _package(wait: Waiting) -> str:
    return "" if wait.own is None else read_symbol(wait.frames[wait.own].function).package


def _together(scene: Scene, found: Sequence[tuple[HeldLock, _Verdict]]) -> list[Cause]:
    """One cause for each kind of fault: the same stacks in the same parts."""
    groups: dict[tuple[str, frozenset[int]], list[tuple[HeldLock, _Verdict]]] = defaultdict(list)
    for lock, verdict in found:
        parts = verdict.chain or lock.waiters[:1]
        groups[verdict.name, frozenset(wait.stack_id for wait in parts)].append((lock, verdict))
    return [_cause(scene, same) for same in groups.values()]


def _cause(scene: Scene, same: Sequence[tuple[HeldLock, _Verdict]]) -> Cause:
    lock, verdict = same[0]
    waits = list({id(wait): wait for wait in _everybody(same)}.values())
    parts = {
        (id(wait), len(each.part(wait)) and each.part(wait)[0]): each.part(wait)
        for each, one in same
        for wait in one.chain
    }
    chain = dict.fromkeys(row for rows in parts.values() for row in rows)
    behind = dict.fromkeys(row for each, _ in same for row in each.rows if row not in chain)
    leaked = any(wait.leaked for wait in waits)
    stuck = leaked or scene.all_asleep or verdict.name in _CIRCLES or verdict.deadlock
    steps = [
        Step(scene.ids(lock.part(wait)), scene.count(lock.part(wait)), does, wait.where)
        for wait, does in zip(verdict.chain, verdict.does, strict=True)
    ]
    if behind:
        steps.append(Step(scene.ids(behind), scene.count(behind), verdict.behind, lock.waiters[0].where))
    return Cause(
        name=verdict.name,
        confidence="proved" if leaked and verdict.confidence == "likely" else verdict.confidence,
        title=verdict.title + _queue(verdict, scene.count(behind)) + several(len(same), "lock"),
        argument=verdict.argument,
        steps=tuple(steps),
        rows=tuple(chain | behind),
        waiting=scene.count(behind),
        stuck=stuck or any(wait.minutes for wait in waits),
        deciding={wait.stack_id: wait.place for wait in waits if wait.place is not None},
        culprits=tuple(lock.part(verdict.chain[0])) if verdict.chain else (),
    )


def _queue(verdict: _Verdict, waiting: int) -> str:
    """How many wait behind a holder: what makes it urgent."""
    if verdict.name != "blocked-while-holding-lock" or not waiting:
        return ""
    return f"; {waiting:,} {'goroutine waits' if waiting == 1 else 'goroutines wait'} for it"


def _chain_rows(same: Sequence[tuple[HeldLock, _Verdict]]) -> Iterator[int]:
    """The rows of those who matter, stack by stack."""
    whole: set[int] = set()
    for lock, verdict in same:
        for wait in verdict.chain:
            if id(wait) in lock.parts or id(wait) not in whole:
                yield from lock.part(wait)
                whole.add(id(wait))


def _everybody(same: Sequence[tuple[HeldLock, _Verdict]]) -> Iterator[Waiting]:
    for lock, verdict in same:
        yield from verdict.chain
        yield from lock.waiters
