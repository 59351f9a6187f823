"""Locks whose likely holder is blocked itself, and locks that nobody is left to unlock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stackscan.analysis.causes.fault import Fault
from stackscan.analysis.causes.held import ALONE, FIRM, PAST, HeldLock, waits_for_lock, waits_in_cond
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.words import ids_of, package_of, place_of, short, why_waits
from stackscan.analysis.finding import Confidence

_NOBODY: Final = "no goroutine is left that could hold it"
_IN_COND: Final = "the only ones left that could hold it wait in Cond.Wait, which has released the lock of the Cond"
_ITSELF: Final = ", unless it took the lock itself, earlier in the same function"
_RUNTIME: Final = "the runtime found that nobody alive can unlock it"


def held_by_one_that_waits(lock: HeldLock, scene: Scene) -> Fault | None:
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
    return Fault(
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


def _held_by_one_of(lock: HeldLock, best: Sequence[Waiting], many: int) -> Fault | None:
    """Several may hold it, all of them blocked in one place: one does."""
    places = {place_of(wait) for wait in best}
    if len(places) > 1 or lock.kind == "sync.Once" or all(map(_is_loop, best)):
        return None
    what = f" ({why})" if (why := why_waits(best[0])) else ""
    return Fault(
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


def held_by_nobody(lock: HeldLock, scene: Scene) -> Fault | None:
    """All that could hold it are gone. (A sync.Once cannot be left so: it is unlocked by a defer of its own.)"""
    if lock.holders or lock.kind == "sync.Once":
        return None
    wait = lock.waiters[0]
    if wait.own is None or not (scene.is_whole or scene.all_asleep or wait.leaked):
        return None  # of an excerpt, the holder may have been left out
    busy = scene.is_busy(package_of(wait))
    if busy and not lock.known:
        return None
    # A variable's lock may be held by anybody in the package; so may any lock where no word tells objects apart.
    by_package = scene.counted or lock.type is None
    seen = scene.is_whole and not busy and not (by_package and scene.others_in(package_of(wait), lock.waiters))
    in_cond = waits_in_cond(lock, scene)
    sure = (seen and not in_cond) or wait.leaked
    nobody = _RUNTIME if wait.leaked else _IN_COND if in_cond else _NOBODY
    many = sum(each.count for each in lock.waiters)
    who = ids_of(wait) if len(lock.waiters) == 1 else f"{many:,} goroutines"
    place = f"in {place_of(wait)}" if len(lock.waiters) == 1 else f"(most in {place_of(wait)})"
    return Fault(
        "missing-unlock",
        "likely" if sure else "possible",
        nobody + (_ITSELF if many == 1 else ""),
        f"{who} {place} {'waits' if many == 1 else 'wait'} for {lock.name}, and no goroutine is left that could unlock "
        "it",
        (),
        (),
        f"waits for {lock.name}",
    )
