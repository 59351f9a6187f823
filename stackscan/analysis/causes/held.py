"""Locks that goroutines wait for, with the goroutines that may hold each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import LOCKS, Waiting, function_of, type_of
from stackscan.analysis.locks import Lock
from stackscan.analysis.locks.model import MOST_OF_A_TYPE
from stackscan.formats.symbol import origin, read_symbol
from stackscan.model.snapshot import Frame

#: Stacks of waiters whose callers are looked at.
_LOOKED_AT: Final = 8
_ARGUMENTS: Final = re.compile(r"\[.*\]")
#: A candidate with so much evidence (analysis/locks/candidates.py) is the holder unless something speaks against it.
FIRM: Final = 60
#: It is in the very function in which the others ask, further down its stack: that call has the lock behind it.
PAST: Final = 40
TYPE: Final = 20
#: It is past the call in which the others wait, in a function that calls it too.
SHARED: Final = 15
#: It is the only other goroutine that is blocked in the package.
ALONE: Final = 10
#: Objects of one type lie in one heap: their addresses are about as long, in bits.
_ALIKE: Final = 3


@dataclass(slots=True, eq=False)  # not frozen: there may be a hundred thousand
class HeldLock:
    """One lock: the goroutines that wait for it (``rows`` in the snapshot) and those that may hold it, each with how
    much speaks for it (1 to 100, most first). ``parts`` has the rows of these by the waiting (its ``id``) that they are
    of. ``type`` is the type of the object that it belongs to; ``known``: its
    ``address`` or that of its object (``owner``) is known."""

    kind: str
    type: str | None
    waiters: tuple[Waiting, ...]
    holders: tuple[tuple[int, Waiting], ...]
    rows: tuple[int, ...]
    parts: dict[int, list[int]]
    known: bool
    address: int | None = None
    owner: int | None = None

    def part(self, wait: Waiting) -> list[int]:
        """The rows of a waiting that matter for this lock: of those in the same stack, the ones that wait for it, or
        that may hold it."""
        return self.parts.get(id(wait), wait.rows)

    @property
    def best(self) -> int:
        """How much speaks for the likeliest holder; 0: there is none."""
        return self.holders[0][0] if self.holders else 0

    @property
    def has_firm_holder(self) -> bool:
        """Whether a pointer says who holds it."""
        return self.best >= FIRM

    @property
    def name(self) -> str:
        """How people call it: ``the Mutex of a store.(*Cache)``."""
        return lock_name(self.kind, self.waiters[0]) if self.type is not None else _one(self.kind)

    @property
    def asker(self) -> str:
        """The function in which most of its waiters ask."""
        wait = self.waiters[0]
        return wait.frames[wait.own or 0].function

    @property
    def asker_shown(self) -> Frame:
        """The frame in which most of its waiters ask, as it may be shown."""
        wait = self.waiters[0]
        return wait.shown.frames[wait.own or 0]

    @property
    def writers(self) -> list[Waiting]:
        """Those who wait to write, of an RWMutex."""
        return [wait for wait in self.waiters if "sync.RWMutex.Lock" in wait.reasons]

    def is_other_than(self, other: HeldLock) -> bool:
        """Whether the two are two locks for certain: waiters of one RWMutex may show its address, or its object's, or
        neither."""
        if self.kind != other.kind or self.type != other.type:
            return True
        if self.address is not None and other.address is not None:
            return self.address != other.address
        if self.owner is None or other.owner is None or self.owner == other.owner:
            return False
        # A word far from all others is no object, but a length or a duration that stood where the receiver is shown.
        return abs(self.owner.bit_length() - other.owner.bit_length()) <= _ALIKE


def lock_name(kind: str, wait: Waiting) -> str:
    """What one of its waiters says of a lock: ``the Mutex of a store.(*Cache)``, ``a Mutex``."""
    shown = None if wait.own is None else type_of(wait.shown.frames[wait.own].function)
    return _one(kind) if shown is None else f"the {bare(kind)} of a {shown.rpartition('/')[2]}"


def _one(kind: str) -> str:
    """``a Mutex``, ``an RWMutex``."""
    return f"{'an' if bare(kind).startswith('R') else 'a'} {bare(kind)}"


def bare(kind: str) -> str:
    """``Mutex`` of ``sync.Mutex``."""
    return kind.removeprefix("sync.")


def waits_for_lock(wait: Waiting) -> bool:
    """Whether they wait for a lock themselves."""
    return wait.kind.wants_lock


def held_locks(scene: Scene) -> list[HeldLock]:
    """The locks that goroutines wait for: each one whose address or object is known, the others by type."""
    found = []
    seen: set[int] = set()
    for lock in scene.locks.locks:
        if lock.kind not in LOCKS:
            continue
        seen.update(lock.rows)
        if not lock.aside:
            found.append(_known(lock, scene))
    return [*found, *_unknown(scene, seen)]


def _known(lock: Lock, scene: Scene) -> HeldLock:
    parts: dict[int, list[int]] = {}
    of_row = scene.of_row
    for row in lock.rows:
        parts.setdefault(id(of_row[row]), []).append(row)
    largest = sorted(parts.values(), key=len, reverse=True) if len(parts) > 1 else parts.values()
    waiters = tuple([of_row[same[0]] for same in largest])
    kind_type = _bare_type(lock.owner_type) or _type(waiters[0])
    holders = _candidates(lock, scene, parts)
    hidden = lock.owner is None or scene.locks_of_type[lock.owner_type] > MOST_OF_A_TYPE
    if not holders and hidden:
        holders = _by_elimination(kind_type, waiters, scene)
    holders = holders or _past_the_call(waiters, scene)
    owner = lock.owner if lock.reliable else None
    return HeldLock(
        lock.kind, kind_type, waiters, holders, lock.rows, parts, known=True, address=lock.address, owner=owner
    )


@lru_cache(maxsize=4096)
def _bare_type(owner_type: str | None) -> str | None:
    """A type without its type arguments: ``main.(*box)`` of ``main.(*box[...])``."""
    return None if owner_type is None else _ARGUMENTS.sub("", owner_type)


def _candidates(lock: Lock, scene: Scene, parts: dict[int, list[int]]) -> tuple[tuple[int, Waiting], ...]:
    """The candidates of a lock; their rows are added to ``parts``."""
    found: dict[int, tuple[int, Waiting]] = {}
    waiting = frozenset(parts)
    kind_type = _bare_type(lock.owner_type)
    for candidate in lock.candidates:
        for number in candidate.goroutine_ids:
            row = scene.row_of_id[number]
            wait = scene.of_row[row]
            if _gave_back(wait, kind_type) or _rests(wait, scene):
                continue
            score, _ = found.setdefault(id(wait), (candidate.score, wait))
            if score == candidate.score and id(wait) not in waiting:
                parts.setdefault(id(wait), []).append(row)
    return tuple(found.values() if len(found) < 2 else sorted(found.values(), key=lambda pair: -pair[0]))


def _by_elimination(kind_type: str | None, waiters: Sequence[Waiting], scene: Scene) -> tuple[tuple[int, Waiting], ...]:
    """Who may hold a lock of which no frame shows the object: goroutines that went on in a function in which others ask
    for it, then those in any method of its type. They do not wait for the lock themselves."""
    past = [
        wait
        for function in _askers(waiters)
        for wait in scene.by_function.get(function, ())
        if not _is_before(wait, function, waiters)
    ]
    alike: Sequence[Waiting] = scene.by_type.get(kind_type, ()) if kind_type is not None else ()
    if kind_type is None:  # a lock in a variable: of the function in which the closures that ask were written
        every = [wait for function in _writers(waiters) for wait in scene.by_enclosing.get(function, ())]
        # Who has started the closures and waits for them to end holds their lock in no sane program.
        alike = [wait for wait in every if "sync.WaitGroup.Wait" not in wait.reasons]
    mine = set(map(id, waiters))
    best: dict[int, tuple[int, Waiting]] = {}
    for score, wait in [*((PAST, wait) for wait in past), *((TYPE, wait) for wait in alike)]:
        if id(wait) not in mine and not _rests(wait, scene) and not _gave_back(wait, kind_type):
            best.setdefault(id(wait), (score, wait))
    if kind_type is None and not best:
        best = {id(wait): (ALONE, wait) for wait in _alone_in_package(waiters, scene)}
    return tuple(sorted(best.values(), key=lambda pair: -pair[0]))


def _is_before(wait: Waiting, function: str, waiters: Sequence[Waiting]) -> bool:
    """Whether they are in a function above all lines in which the others ask for a lock there: they have not come to
    it yet."""
    asks = [other.frames[other.own].line for other in waiters if other.own is not None and _asks_in(other, function)]
    lines = [frame.line for frame in wait.frames if frame.function == function]
    return bool(asks) and bool(lines) and 0 < max(lines) < min(asks)


def _asks_in(wait: Waiting, function: str) -> bool:
    return wait.own is not None and wait.frames[wait.own].function == function


def _rests(wait: Waiting, scene: Scene) -> bool:
    """Whether they are idle between tasks. Who sleeps may hold a lock meanwhile."""
    return scene.is_idle(wait) and "sleep" not in wait.reasons


def _past_the_call(waiters: Sequence[Waiting], scene: Scene) -> tuple[tuple[int, Waiting], ...]:
    """Goroutines in a function that calls the one in which the others wait, past that call: a lock that is handed out
    (Begin, Acquire, Lock(key)) is held by the caller."""
    mine = set(map(id, waiters))
    callers = dict.fromkeys(
        frame.function
        for wait in waiters[:_LOOKED_AT]
        for frame in wait.frames[(wait.own or 0) + 1 :]
        if origin(frame).kind != "std" and frame.function != "main.main"
    )
    found = {
        id(wait): (SHARED, wait)
        for function in callers
        for wait in scene.by_function.get(function, ())
        if id(wait) not in mine and not _rests(wait, scene) and not waits_for_lock(wait)
    }
    return tuple(found.values())


def _askers(waiters: Sequence[Waiting]) -> dict[str, None]:
    """The functions that ask for a lock; main.main and the like are on stacks for other reasons, too."""
    return dict.fromkeys(
        wait.frames[wait.own].function for wait in waiters if wait.own is not None and wait.own < len(wait.frames) - 1
    )


def _writers(waiters: Sequence[Waiting]) -> dict[str, None]:
    """The functions in which closures that ask for a lock were written."""
    asks = (wait.frames[wait.own].function for wait in waiters if wait.own is not None)
    return dict.fromkeys(function_of(function) for function in asks if function_of(function) != function)


def _alone_in_package(waiters: Sequence[Waiting], scene: Scene) -> Iterator[Waiting]:
    """The only other goroutine that is blocked in the package of the functions that ask: a package's own lock is held
    by code of the package."""
    asks = waiters[0]
    if asks.own is None:
        return
    package = read_symbol(asks.frames[asks.own].function).package
    mine = set(map(id, waiters))
    others = [w for w in scene.in_package.get(package, ()) if id(w) not in mine and not scene.is_main(w)]
    if len(others) == 1 and others[0].count == 1:
        yield others[0]


def waits_in_cond(lock: HeldLock, scene: Scene) -> bool:
    """Whether somebody waits in a Cond of the lock's type: it released the Cond's lock, and may hold another one of the
    same object."""
    return any(_gave_back(wait, lock.type) for wait in scene.by_type.get(lock.type or "", ()))


def _gave_back(wait: Waiting, kind_type: str | None) -> bool:
    """Whether they wait in a Cond of this very type: Wait has released its lock."""
    asks = kind_type is not None and wait.own is not None and type_of(wait.frames[wait.own].function) == kind_type
    return asks and "sync.Cond.Wait" in wait.reasons


def _unknown(scene: Scene, seen: set[int]) -> Iterator[HeldLock]:
    """Waiters whose lock no frame shows: together by type, or by the function that asked."""
    groups: dict[tuple[str, str], list[Waiting]] = defaultdict(list)
    for wait in scene.waits:
        if wait.site is None or wait.site.kind not in LOCKS or wait.own is None or scene.is_idle(wait):
            continue
        if not seen.issuperset(wait.rows):
            groups[wait.site.kind, _type(wait) or wait.frames[wait.own].function].append(wait)
    for (kind, name), waiters in groups.items():
        rows = tuple(row for wait in waiters for row in wait.rows)
        kind_type = name if "(*" in name else None
        holders = _by_elimination(kind_type, waiters, scene) or _past_the_call(waiters, scene)
        yield HeldLock(kind, kind_type, tuple(waiters), holders, rows, {}, known=False)


def _type(wait: Waiting) -> str | None:
    return None if wait.own is None else type_of(wait.frames[wait.own].function)
