"""Causes among locks that the source shows: who holds what is read, not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from stackscan.analysis.causes.advice import call_unlocked, move_out, one_order
from stackscan.analysis.causes.code import Code, Held, Want
from stackscan.analysis.causes.held import waits_for_lock
from stackscan.analysis.causes.model import Cause, Name
from stackscan.analysis.causes.ties import of_circle, of_holder, of_left_locked
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.wanted import Holder, Wanted
from stackscan.analysis.causes.words import ids_of, place_of, why_waits
from stackscan.analysis.finding import Confidence, Step

#: Goroutines of a circle that its steps show.
_SHOWN = 12


def find(code: Code, wanted: Sequence[Wanted]) -> list[Cause]:
    """The causes among the locks that goroutines want which the source shows, each kind of fault once."""
    found: dict[tuple[str, frozenset[int]], Cause] = {}
    in_circle: set[int] = set()
    for circle in _circles(wanted, code):
        in_circle.update(id(lock) for lock, _ in circle)
        _add(found, replace(_circle(circle, code), change=one_order(circle, code)))
    for lock in wanted:
        if id(lock) in in_circle:
            continue
        cause = _taken_twice(lock, wanted, code) or _held_by_one_that_waits(lock, code) or _left_locked(lock, code)
        if cause is not None:
            _add(found, cause)
    return list(found.values())


def _add(found: dict[tuple[str, frozenset[int]], Cause], cause: Cause) -> None:
    """One cause for all faults of a kind: the same culprits' stacks."""
    key = cause.name, frozenset(cause.deciding)
    known = found.get(key)
    if known is None:
        found[key] = cause
        return
    more = "; and so with other locks of this kind"
    title = known.title if known.title.endswith(more) else known.title + more
    found[key] = replace(known.with_more(cause.rows), title=title)


def _circles(wanted: Sequence[Wanted], code: Code) -> Iterator[list[tuple[Wanted, Holder]]]:
    """Locks whose only holder waits for the next one, back to the first."""
    by_row = {row: lock for lock in wanted for row in lock.all_rows}
    following: dict[int, tuple[Wanted, Wanted, Holder]] = {}
    for lock in wanted:
        held = [h for h in lock.holders if h.held.must]
        held = held if len(held) == 1 and len(held[0].rows) == 1 else list(_besides_waiters(lock, code))
        if len(held) == 1 and len(held[0].rows) == 1 and held[0].rows[0] in by_row:
            ahead = by_row[held[0].rows[0]]
            if ahead is not lock:
                following[id(lock)] = lock, ahead, held[0]
    seen: set[int] = set()
    for start in list(following):
        path: list[int] = []
        at = start
        while at in following and at not in seen:
            seen.add(at)
            path.append(at)
            at = id(following[at][1])
        if at in path:
            yield [(following[one][0], following[one][2]) for one in path[path.index(at) :]]


def _besides_waiters(lock: Wanted, code: Code) -> Iterator[Holder]:
    """Of goroutines that hold a lock of this kind, those that do not wait for this one: ``from.mu.Lock()`` before
    ``to.mu.Lock()`` took another object's. Nobody, where one that was not read, or that runs, may hold it as well, or
    where it may have been left locked."""
    scene, package = code.scene, lock.key[0]
    if not scene.is_whole or scene.moving_in_locks or scene.is_busy(package):
        return
    if not all(code.is_read(wait) for wait in scene.in_package.get(package, ()) if not scene.is_main(wait)):
        return
    if code.leaving_locked(lock.key, lock.waiters) or not all(holder.held.must for holder in lock.holders):
        return
    for holder in lock.holders:
        want = code.wanted(holder.wait)
        takes_two = want is not None and _is_same_object(holder, want, code) is False
        waiting = frozenset(lock.rows.get(id(holder.wait), ())) if takes_two else frozenset()
        rows = [row for row in holder.rows if row not in waiting]
        if rows:
            yield replace(holder, rows=rows)


def _circle(circle: Sequence[tuple[Wanted, Holder]], code: Code) -> Cause:
    """Each holds a lock and waits for the one that the next one holds."""
    holders = [holder for _, holder in circle]
    names = _distinct([lock for lock, _ in circle])
    ids = [holder.wait.ids[0] if len(holder.wait.ids) == 1 else _id(holder) for holder in holders]
    steps = []
    for place, holder in enumerate(holders):
        ahead = names[(place + 1) % len(names)]
        does = f"holds {names[place]} (since {holder.since}), waits for {ahead}"
        steps.append(Step((ids[place],) if ids[place] else (), 1, does, holder.wait.where))
    rows = tuple(dict.fromkeys([h.rows[0] for h in holders] + [row for lock, _ in circle for row in lock.all_rows]))
    sure = all(holder.confidence == "proved" for holder in holders)
    who = f"goroutines {', '.join(map(str, ids[:-1]))} and {ids[-1]}" if len(ids) <= 4 else f"{len(ids):,} goroutines"
    what = "wait for each other's locks" if len(ids) == 2 else "wait for locks in a circle"
    return Cause(
        name="lock-order-cycle",
        confidence="proved" if sure else "likely",
        title=f"deadlock: {who} {what}: {', '.join(dict.fromkeys(lock.name for lock, _ in circle))}",
        argument="the source shows that each took its lock before the line in which it waits",
        steps=tuple(steps[:_SHOWN]),
        rows=rows,
        waiting=len(rows),
        stuck=True,
        deciding={h.wait.stack_id: h.wait.place for h in holders if h.wait.place is not None},
        culprits=tuple(h.rows[0] for h in holders),
        ties=(partial(of_circle, circle, names, code.scene),),
    )


def _distinct(locks: Sequence[Wanted]) -> list[str]:
    """The names of locks; those of several objects of a type with the object's address."""
    counts = Counter(lock.name for lock in locks)
    return [
        f"{lock.name} of {lock.lock.owner or lock.lock.address or 0:#x}"
        if counts[lock.name] > 1 and lock.lock is not None
        else lock.name
        for lock in locks
    ]


def _id(holder: Holder) -> int:
    """The id of a holder that is one of several in its stack."""
    place = holder.wait.rows.index(holder.rows[0])
    return holder.wait.ids[place] if place < len(holder.wait.ids) else 0


def _taken_twice(lock: Wanted, wanted: Sequence[Wanted], code: Code) -> Cause | None:
    """A waiter holds the lock itself: for writing, or for reading while a writer waits."""
    for holder in lock.holders:
        rows = [row for row in holder.rows if row in set(lock.rows.get(id(holder.wait), ()))]
        if not rows:
            continue
        want = code.wanted(holder.wait)
        reads = want is not None and not want.writing and not holder.held.hold.writing
        writer = any(other.writers for other in wanted if other.key == lock.key)
        if want is None or (reads and not writer):
            continue
        same = _is_same_object(holder, want, code)
        if same is False:
            continue
        name: Name = "rwmutex-recursive-read" if reads else "self-deadlock"
        change = call_unlocked(holder, lock, code)
        again = "to read it again, behind a writer" if reads else "for it again"
        holds = "holds" if holder.held.must else "may hold"
        who, one = _who(rows, code)
        found = _cause(
            name,
            holder.confidence if same else "likely" if holder.held.must else "possible",
            f"{who} {_plural(holds, one)} {lock.name}, taken in {_function(holder)} ({holder.since}), and "
            f"{'waits' if one else 'wait'} in {place_of(holder.wait)} {again}",
            f"the source takes {lock.name} in {holder.since} and has not released it where it waits",
            lock,
            holder,
            rows,
            f"{holds} {lock.name} since {holder.since}, waits {again}",
        )
        return replace(found, change=change, ties=(partial(of_holder, lock, holder, rows, code.scene),))
    return None


def _is_same_object(holder: Holder, want: Want, code: Code) -> bool | None:
    """Whether the frame that took the lock and the one that waits run on one object; None where nothing tells."""
    wait, held = holder.wait, holder.held
    if wait.own is None or not held.key[1].scope:
        return wait.own is not None
    if held.frame == wait.own:
        roots = held.key[1].root, want.key[1].root
        return roots[0] == roots[1] if all(roots) else None
    words = [code.word(holder.rows[0], at, wait, key) for at, key in ((held.frame, held.key), (wait.own, want.key))]
    if None not in words:
        return words[0] == words[1]
    return _is_handed_on(wait, held, want, code)


def _is_handed_on(wait: Waiting, held: Held, want: Want, code: Code) -> bool | None:
    """Whether each method on the way calls the next one on its own receiver: then it is one object. A call on anything
    else of the type is one on another object."""
    readings, name = code.readings(wait), want.key[1].root
    for at in range(wait.own or 0, held.frame):
        inner, outer = readings.get(at), readings.get(at + 1)
        if inner is None or outer is None or not name or inner.function.outer is not None:
            return None
        if name != inner.receiver:
            return None
        name = outer.called_on
        if at + 1 < held.frame and name != outer.receiver:
            return None if name.isidentifier() else False
    return name == held.key[1].root if name and held.key[1].root else None


def _held_by_one_that_waits(lock: Wanted, code: Code) -> Cause | None:
    """The holder is blocked, and not by a lock."""
    holders = [h for h in lock.holders if h.held.must] or lock.holders
    waiting = set(lock.all_rows)
    holders = [h for h in holders if not waiting.intersection(h.rows)]
    if not holders or any(h.wait.moving or waits_for_lock(h.wait) for h in holders):
        return None
    holder = holders[0]
    who, one = _who(holder.rows, code)
    holds = "holds" if holder.held.must else "may hold"
    what = _blocked(holder, code, "is" if one else "are")
    circle = _needs_it_to_go_on(holder, lock, code)
    found = _cause(
        "blocked-while-holding-lock",
        holder.confidence if len(holders) == 1 else "likely",
        f"{'deadlock: ' if circle else ''}{who} in {_function(holder)} {_plural(holds, one)} {lock.name} and {what}",
        f"the source takes {lock.name} in {_function(holder)} ({holder.since}) and has not released it there",
        lock,
        holder,
        holder.rows,
        f"{holds} {lock.name} since {holder.since} and {what}",
    )
    ties = (partial(of_holder, lock, holder, holder.rows, code.scene, worker=circle),)
    found = replace(found, change=move_out(holder, lock, code), ties=ties)
    return replace(found, stuck=True) if circle else found


def _who(rows: Sequence[int], code: Code) -> tuple[str, bool]:
    """``goroutine 7``, ``80 goroutines``; and whether it is one."""
    count, ids = code.scene.count(rows), code.scene.ids(rows)
    if count != 1:
        return f"{count:,} goroutines", False
    return (f"goroutine {ids[0]}" if ids else "a goroutine"), True


def _plural(holds: str, one: bool) -> str:
    return "hold" if holds == "holds" and not one else holds


def _blocked(holder: Holder, code: Code, are: str) -> str:
    """``is blocked in `results <- i```, ``is blocked in app.fetch (IO wait)``."""
    line = code.waits_for(holder.wait)
    if line:
        return f"{are} blocked in `{line}`"
    place, why = place_of(holder.wait), why_waits(holder.wait)
    inner = f" in {place}" if place != _function(holder) else ""
    return f"{are} blocked{inner} ({why})" if why else f"{are} blocked{inner}"


def _needs_it_to_go_on(holder: Holder, lock: Wanted, code: Code) -> bool:
    """Whether the holder waits for goroutines that it started and that wait for this very lock."""
    ids = set(holder.wait.ids)
    waits_for_all = "sync.WaitGroup.Wait" in holder.wait.reasons
    return waits_for_all and any(code.scene.creators[row] in ids for row in lock.all_rows)


def _left_locked(lock: Wanted, code: Code) -> Cause | None:
    """Nobody holds it, and all that could have been read."""
    scene = code.scene
    if lock.holders or not scene.is_whole or scene.is_busy(lock.key[0]) or code.is_handed_out(lock.key, lock.waiters):
        return None
    if not all(code.is_read(wait) for wait in scene.in_package.get(lock.key[0], ()) if not scene.is_main(wait)):
        return None
    where = code.leaving_locked(lock.key, lock.waiters)
    change = f"Unlock by defer, or on every way out: {where}." if where else ""
    wait = lock.waiters[0]
    rows = lock.all_rows
    who = ids_of(wait) if len(rows) == 1 else f"{scene.count(rows):,} goroutines"
    return Cause(
        name="missing-unlock",
        confidence="likely",
        title=f"{who} in {place_of(wait)} {'waits' if len(rows) == 1 else 'wait'} for {lock.name}, "
        "which no goroutine holds" + (f": {where}" if where else ""),
        argument="the source of all goroutines in the package was read, and none of them holds it",
        steps=(Step(scene.ids(rows), scene.count(rows), f"waits for {lock.name}", wait.where),),
        rows=tuple(rows),
        waiting=scene.count(rows),
        stuck=any(one.minutes or one.leaked for one in lock.waiters) or bool(where),
        deciding={one.stack_id: one.place for one in lock.waiters if one.place is not None},
        change=change,
        ties=(partial(of_left_locked, lock, scene),),
    )


def _function(holder: Holder) -> str:
    """The function that took the lock."""
    return holder.wait.shown.frames[holder.held.frame].function.rpartition("/")[2]


def _cause(
    name: Name,
    confidence: Confidence,
    title: str,
    argument: str,
    lock: Wanted,
    holder: Holder,
    culprits: Sequence[int],
    does: str,
) -> Cause:
    behind = [row for row in lock.all_rows if row not in set(culprits)]
    ids = _ids(holder, culprits)
    steps = [Step(ids, len(culprits), does, holder.wait.where)]
    if behind:
        steps.append(Step((), len(behind), f"waits for {lock.name}", lock.waiters[0].where))
    queue = f"; {len(behind):,} {'goroutine waits' if len(behind) == 1 else 'goroutines wait'} for it" if behind else ""
    alone = name != "blocked-while-holding-lock"
    deciding: Mapping[int, int | None] = {w.stack_id: w.place for w in (holder.wait, *lock.waiters)}
    return Cause(
        name=name,
        confidence=confidence,
        title=title + ("" if alone else queue),
        argument=argument,
        steps=tuple(steps),
        rows=tuple(dict.fromkeys([*culprits, *lock.all_rows])),
        waiting=len(behind),
        stuck=alone or any(wait.minutes or wait.leaked for wait in (holder.wait, *lock.waiters)),
        deciding={stack: place for stack, place in deciding.items() if place is not None},
        culprits=tuple(culprits),
    )


def _ids(holder: Holder, rows: Sequence[int]) -> tuple[int, ...]:
    every = holder.wait.rows
    places = (every.index(row) for row in rows[:20])
    return tuple(holder.wait.ids[place] for place in places if place < len(holder.wait.ids))
