"""Locks whose likely holder is blocked itself, and locks that nobody is left to unlock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from stackscan.analysis.causes.fault import Fault, Told
from stackscan.analysis.causes.held import ALONE, FIRM, PAST, SHARED, TYPE, HeldLock, waits_for_lock, waits_in_cond
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.words import ids_of, package_of, package_of_caller, place_of, short, why_waits
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
    alone = lock.best == PAST and scene.is_whole
    certain = (firm and not _is_its_loop(holder)) or (lock.known and not firm and lock.best >= TYPE) or alone
    likely: Confidence = "likely" if certain and not scene.counted else "possible"
    told = partial(_told, lock, holder, likely, worker=worker)
    return Fault("blocked-while-holding-lock", likely, (holder,), told, deadlock=worker)


def _told(lock: HeldLock, holder: Waiting, likely: Confidence, *, worker: bool) -> Told:
    holds = "may hold" if likely == "possible" else "likely holds" if holder.count == 1 else "likely hold"
    blocked = _blocked(holder, lock)
    behind = " for goroutines that wait for that lock" if worker else ""
    are = "is" if holder.count == 1 else "are"
    return Told(
        _why_held(lock),
        ("deadlock: " if worker else "")
        + f"{ids_of(holder)} in {_method(holder, lock)} {holds} {lock.name} and {are} {blocked}{behind}",
        (f"{holds} {lock.name} and {are} {blocked}",),
        f"waits for {lock.name}",
    )


def _method(holder: Waiting, lock: HeldLock) -> str:
    """The method of the lock's type that a holder is in; where it is in none, the function to look at."""
    at = holder.types.get(lock.type or "")
    return place_of(holder) if at is None else short(holder.shown.frames[at])


def _blocked(holder: Waiting, lock: HeldLock) -> str:
    """``blocked in app.fetch (IO wait)``; a format without states cannot tell who is."""
    if not holder.reasons:
        return "perhaps blocked there (the format shows no state)"
    place, why = place_of(holder), why_waits(holder)
    inner = f" in {place}" if place != _method(holder, lock) else ""
    return f"blocked{inner} ({why})" if why else f"blocked{inner}"


def _why_held(lock: HeldLock) -> str:
    """Why the likeliest holder is believed to hold a lock, in one clause."""
    asker = short(lock.asker_shown)
    if lock.has_firm_holder:
        return "it runs a method of the same object"
    if lock.best == PAST:
        return f"it is past the lock in {asker}, where the others wait"
    if lock.best == SHARED:
        return f"it is past the call of {asker} in a function that the others are in, too"
    if lock.best == ALONE:
        return f"it is the only other goroutine that is blocked in the package of {asker}"
    if lock.type is None:
        return f"it is the only one left in the function that {asker} was written in"
    return "it is the only one left in a method of that type"


def _held_by_one_of(lock: HeldLock, best: Sequence[Waiting], many: int) -> Fault | None:
    """Several may hold it, all of them blocked in one place: one does."""
    if (len(best) > 1 and len(set(map(place_of, best))) > 1) or lock.kind == "sync.Once" or all(map(_is_loop, best)):
        return None
    return Fault("blocked-while-holding-lock", "possible", tuple(best), partial(_told_of_one, lock, best, many))


def _told_of_one(lock: HeldLock, best: Sequence[Waiting], many: int) -> Told:
    what = f" ({why})" if (why := why_waits(best[0])) else ""
    return Told(
        "they are the only ones left that could hold it",
        f"one of {many:,} goroutines blocked in {place_of(best[0])}{what} may hold {lock.name}",
        tuple(f"may hold {lock.name} and is blocked{what}" for _ in best),
        f"waits for {lock.name}",
    )


def _is_recursive(wait: Waiting) -> bool:
    """Whether the function that asks is on the stack again, further out: it goes from object to object."""
    own = wait.own or 0
    return any(frame.function == wait.frames[own].function for frame in wait.frames[own + 1 :])


def _is_loop(wait: Waiting) -> bool:
    """Whether they wait in the function that began them: the loop of a worker, which holds nothing between tasks."""
    return "select" in wait.reasons and wait.own == len(wait.frames) - 1


def _is_its_loop(wait: Waiting) -> bool:
    """Whether they wait in the very function that began them, for the network or a message: a loop that serves its
    object, and that hardly holds its lock meanwhile."""
    return wait.place == len(wait.frames) - 1 and bool(wait.reasons & {"IO wait", "select", "chan receive"})


def _needs_it_to_go_on(holder: Waiting, lock: HeldLock, scene: Scene) -> bool:
    """Whether the holder waits for goroutines that it started and that wait for this very lock."""
    if "sync.WaitGroup.Wait" not in holder.reasons:
        return False
    ids = set(holder.ids)
    return any(scene.creators[row] in ids for row in lock.rows)


def held_by_nobody(lock: HeldLock, scene: Scene) -> Fault | None:
    """All that could hold it are gone. (A sync.Once cannot be left so: it is unlocked by a defer of its own.)"""
    if lock.best > SHARED or lock.best == ALONE or lock.kind == "sync.Once":
        return None
    wait = lock.waiters[0]
    if wait.own is None or not (scene.is_whole or scene.all_asleep or wait.leaked):
        return None  # of an excerpt, the holder may have been left out
    busy = scene.is_busy(package_of(wait))
    if busy and (not lock.known or lock.type is None):
        return None  # who runs shows its object at best, as the receiver of a method
    if scene.counted and (_is_recursive(wait) or any(map(scene.has_others, lock.waiters))):
        return None  # nothing tells objects apart, nor who runs: anybody in the package may hold it
    # A lock may be handed out to the caller, or lie in a variable: anybody in these packages may hold it.
    packages = {package_of(wait), package_of_caller(wait)}
    seen = scene.is_whole and not busy and not any(scene.others_in(package, lock.waiters) for package in packages)
    in_cond = waits_in_cond(lock, scene)
    sure = (seen and not in_cond and not lock.holders) or wait.leaked
    told = partial(_told_of_nobody, lock, in_cond=in_cond)
    return Fault("missing-unlock", "likely" if sure else "possible", (), told)


def _told_of_nobody(lock: HeldLock, *, in_cond: bool) -> Told:
    wait = lock.waiters[0]
    nobody = _RUNTIME if wait.leaked else _IN_COND if in_cond else _NOBODY
    many = sum(each.count for each in lock.waiters)
    who = ids_of(wait) if len(lock.waiters) == 1 else f"{many:,} goroutines"
    place = f"in {place_of(wait)}" if len(lock.waiters) == 1 else f"(most in {place_of(wait)})"
    return Told(
        nobody + (_ITSELF if many == 1 else ""),
        f"{who} {place} {'waits' if many == 1 else 'wait'} for {lock.name}, and no goroutine is left that could unlock "
        "it",
        (),
        f"waits for {lock.name}",
    )
