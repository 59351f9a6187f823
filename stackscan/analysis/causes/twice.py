"""Locks that a goroutine takes twice: a Mutex, a read lock behind a writer, a Once inside itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackscan.analysis.causes.fault import Fault, Told
from stackscan.analysis.causes.held import HeldLock, waits_for_lock
from stackscan.analysis.causes.own import Outer, once_outside, outer_frame
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.words import ids_of, package_of, place_of, short, waits
from stackscan.analysis.finding import Confidence
from stackscan.formats.symbol import read_symbol


def read_again(lock: HeldLock, by_type: Mapping[str, Sequence[HeldLock]], scene: Scene) -> Fault | None:
    """A reader under an outer reader of the same RWMutex, with a writer between the two."""
    if lock.kind != "sync.RWMutex" or lock.type is None or lock.has_firm_holder:
        return None
    around = [lock] if lock.writers else [o for o in by_type[lock.type] if not o.is_other_than(lock)]
    writers = [writer for each in around for writer in each.writers]
    readers = [wait for wait in lock.waiters if "sync.RWMutex.RLock" in wait.reasons]
    outer = next((found for wait in readers if (found := outer_frame(wait, lock, scene)) is not None), None)
    if not writers or outer is None or (scene.counted and outer.frame.function == lock.asker):
        return None  # in counted text, a function that calls itself goes from object to object
    wait, reads = outer.wait, short(outer.shown)
    # Several that are past the first read, and nobody who waits for it: the outer frame may not read at all.
    sure = wait.count == 1 or bool(_known_to_lock(outer, lock, by_type))
    again, holds = ("again", "likely holds") if sure else ("perhaps again", "may hold")
    told = Told(
        f"{reads} is an outer frame of the same stack, and a writer waits",
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} to read {lock.name} {again}, behind a writer that waits for "
        f"the first read in {reads}",
        (f"{holds} the lock for reading, waits to read again", "waits to write, behind that first read"),
        f"waits for {lock.name}",
    )
    likely: Confidence = "likely" if sure else "possible"
    return Fault("rwmutex-recursive-read", likely, (wait, writers[0]), lambda: told, deadlock=True)


def once_in_itself(lock: HeldLock, scene: Scene) -> Fault | None:
    """The function of a sync.Once calls Do of the same Once again: one stack shows it alone."""
    if lock.kind != "sync.Once":
        return None
    outer = next((found for wait in lock.waiters if (found := once_outside(wait, scene)) is not None), None)
    if outer is None:
        return None
    wait, runs = outer.wait, short(outer.shown)
    told = Told(
        "sync.(*Once).doSlow is twice on one stack" + (", for the same Once" if outer.certain else ""),
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name} inside that Once's own function, {runs}",
        ("runs the function of the Once, waits for it to end",),
        f"waits for {lock.name}",
    )
    return Fault("self-deadlock", "proved" if outer.certain else "likely", (wait,), lambda: told, deadlock=True)


def taken_twice(lock: HeldLock, by_type: Mapping[str, Sequence[HeldLock]], scene: Scene) -> Fault | None:
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
    nobody = scene.is_whole and not others and not scene.counted and not scene.is_busy(package_of(wait))
    if not reason and (others or (scene.counted and wait.count > 1)):
        return None
    if not reason and nobody:
        reason = "nobody else is left that could hold the lock"
    sure = nobody or (bool(reason) and not others and not scene.counted) or wait.leaked
    holds = "likely holds" if sure else "may hold"
    told = Told(
        f"{takes} is an outer frame of the same stack and a method of the same type"
        + (f"; {reason}" if reason else ""),
        f"{ids_of(wait)} in {place_of(wait)} {waits(wait)} for {lock.name}, which it {holds} itself, taken in {takes}",
        (f"{holds} the lock, waits for it again",),
        f"waits for {lock.name}",
    )
    return Fault("self-deadlock", "likely" if sure else "possible", (wait,), lambda: told, deadlock=True)


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
