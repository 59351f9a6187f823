"""Causes among locks: locks taken twice, locks that nobody is left to release, holders that wait.

A dump shows who waits for a lock, never who holds it. Who may hold it is argued from pointers (the same object), from
elimination (nobody else is left in a method of that type), and from the order of frames (an outer frame ran before).
Source: sync/mutex.go, sync/rwmutex.go, sync/once.go; https://github.com/timmyyuan/gobench for the kinds of fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain as chain_
from typing import TYPE_CHECKING, Final

from stackscan.analysis.causes.circles import circles
from stackscan.analysis.causes.fault import Fault
from stackscan.analysis.causes.held import HeldLock, held_locks
from stackscan.analysis.causes.holders import held_by_nobody, held_by_one_that_waits
from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.ties import of_fault
from stackscan.analysis.causes.transit import is_in_transit
from stackscan.analysis.causes.twice import once_in_itself, read_again, taken_twice
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.words import several
from stackscan.analysis.finding import Step

if TYPE_CHECKING:
    from stackscan.analysis.causes.code import Code, Want

#: Circles of one goroutine with itself: they need no other sign that nothing moves.
_CIRCLES: Final = frozenset({"self-deadlock", "rwmutex-recursive-read"})


def find(scene: Scene, explained: frozenset[int] = frozenset(), code: Code | None = None) -> list[Cause]:
    """The causes among locks, each kind of fault once in however many objects it stands; ``explained`` are rows whose
    cause is known already; ``code`` is the source, which may say that somebody does not hold a lock."""
    locks = [
        _not_denied(lock, code)
        for lock in held_locks(scene)
        if not explained.issuperset(lock.rows) and not is_in_transit(lock, scene)
    ]
    by_waiting: dict[int, list[HeldLock]] = defaultdict(list)
    by_type: dict[str, list[HeldLock]] = defaultdict(list)
    for lock in locks:
        for wait in lock.waiters:
            by_waiting[id(wait)].append(lock)
        if lock.type is not None:
            by_type[lock.type].append(lock)
    found = circles(scene, locks, by_waiting)
    in_circle = {row for cause in found for row in cause.rows}
    single = []
    for lock in locks:
        if in_circle.issuperset(lock.rows):
            continue
        verdict = (
            once_in_itself(lock, scene)
            or read_again(lock, by_type, scene)
            or taken_twice(lock, by_type, scene)
            or held_by_one_that_waits(lock, scene)
            or held_by_nobody(lock, scene)
        )
        if verdict is not None and not _is_denied(verdict, lock, scene, code):
            single.append((lock, verdict))
    return [*found, *_together(scene, single)]


def _not_denied(lock: HeldLock, code: Code | None) -> HeldLock:
    """The lock without candidates of which the source shows that they do not hold it."""
    want = None if code is None or not lock.holders else code.wanted(lock.waiters[0])
    if code is None or want is None:
        return lock
    left = tuple(
        (score, wait)
        for score, wait in lock.holders
        if wait.moving or not code.is_read(wait) or want.key in code.held(wait) or _is_next_writer(wait, want, code)
    )
    return lock if len(left) == len(lock.holders) else replace(lock, holders=left)


def _is_denied(verdict: Fault, lock: HeldLock, scene: Scene, code: Code | None) -> bool:
    """Whether the source was read and does not bear out what is argued without it: the goroutine that is said to wait
    for itself holds nothing, or one that runs holds what nobody is said to hold."""
    want = None if code is None else code.wanted(lock.waiters[0])
    if code is None or want is None:
        return False
    if verdict.name in _CIRCLES and verdict.chain:
        wait = verdict.chain[0]
        return code.is_read(wait) and want.key not in code.held(wait)
    if verdict.name != "missing-unlock" or scene.all_asleep or any(wait.leaked for wait in lock.waiters):
        return False
    return any(_may_hold(wait, want, lock, scene, code) for wait in scene.waits if wait.moving)


def _is_next_writer(wait: Waiting, want: Want, code: Code) -> bool:
    """Whether goroutines are next to write: they wait for readers, and other writers wait for them."""
    return "sync.RWMutex.Lock" in wait.reasons and code.wanted(wait) == want


def _may_hold(wait: Waiting, want: Want, lock: HeldLock, scene: Scene, code: Code) -> bool:
    """Whether the source says that goroutines hold a lock, and no word says that it is another one of its type."""
    held = code.held(wait).get(want.key)
    if held is None or wait.is_writer:
        return False
    instance = scene.lock_of(lock.rows[0])
    words = (code.word(row, held.frame, wait, held.key) for row in wait.rows)
    return any(code.is_object(word, instance, held.key) is not False for word in words)


def _together(scene: Scene, found: Sequence[tuple[HeldLock, Fault]]) -> list[Cause]:
    """One cause for each kind of fault: the same stacks in the same parts."""
    groups: dict[tuple[str, frozenset[int]], list[tuple[HeldLock, Fault]]] = defaultdict(list)
    for lock, verdict in found:
        parts = verdict.chain or lock.waiters[:1]
        groups[verdict.name, frozenset(wait.stack_id for wait in parts)].append((lock, verdict))
    return [_cause(scene, same) for same in groups.values()]


def _cause(scene: Scene, same: Sequence[tuple[HeldLock, Fault]]) -> Cause:
    lock, verdict = same[0]
    told = verdict.tell()
    waits = list({id(wait): wait for wait in _everybody(same)}.values())
    of_chain = ((wait, each.part(wait)) for each, one in same for wait in one.chain)
    parts = {(id(wait), rows[0]): rows for wait, rows in of_chain}
    chain = dict.fromkeys(chain_.from_iterable(parts.values()))
    behind = dict.fromkeys(row for each, _ in same for row in each.rows if row not in chain)
    leaked = any(wait.leaked for wait in waits)
    stuck = leaked or scene.all_asleep or verdict.name in _CIRCLES or verdict.deadlock
    steps = [
        Step(scene.ids(lock.part(wait)), scene.count(lock.part(wait)), does, wait.where)
        for wait, does in zip(verdict.chain, told.does, strict=True)
    ]
    if behind:
        steps.append(Step(scene.ids(behind), scene.count(behind), told.behind, lock.waiters[0].where))
    return Cause(
        name=verdict.name,
        confidence="proved" if leaked and verdict.confidence == "likely" else verdict.confidence,
        title=told.title + _queue(verdict, scene.count(behind)) + several(len(same), "lock"),
        argument=told.argument,
        steps=tuple(steps),
        rows=tuple(chain | behind),
        waiting=scene.count(behind),
        stuck=stuck or any(wait.minutes for wait in waits),
        deciding={wait.stack_id: wait.place for wait in waits if wait.place is not None},
        culprits=tuple(lock.part(verdict.chain[0])) if verdict.chain else (),
        ties=(partial(of_fault, lock, verdict, scene),),
        alike=len(same),
    )


def _queue(verdict: Fault, waiting: int) -> str:
    """How many wait behind a holder: what makes it urgent."""
    if verdict.name != "blocked-while-holding-lock" or not waiting:
        return ""
    return f"; {waiting:,} {'goroutine waits' if waiting == 1 else 'goroutines wait'} for it"


def _everybody(same: Sequence[tuple[HeldLock, Fault]]) -> Iterator[Waiting]:
    for lock, verdict in same:
        yield from verdict.chain
        yield from lock.waiters
