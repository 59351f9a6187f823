"""Circles of locks: each goroutine likely holds what the one before it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from stackscan.analysis.causes.held import FIRM, HeldLock, lock_name, waits_for_lock
from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.ties import held, lock_thing, party, queue
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.words import named_ids, place_of
from stackscan.analysis.finding import Step
from stackscan.analysis.locks import Cycle, Lock
from stackscan.analysis.wait_graph import Tie

#: From this score on a pointer speaks for each step of a circle.
_LIKELY: Final = 50
_KINDS: Final = frozenset({"sync.Mutex", "sync.RWMutex"})
#: Goroutines of a circle that a title names, and that its steps show.
_NAMED: Final = 4
_SHOWN: Final = 12
#: Locks of one stack's goroutines that are followed where only types tell who holds what.
_FOLLOWED: Final = 8


def circles(scene: Scene, locks: Sequence[HeldLock], by_waiting: Mapping[int, Sequence[HeldLock]]) -> list[Cause]:
    """The circles that pointers show, then those that types show, each kind of circle once."""
    found: dict[tuple[int, ...], list[Cause]] = {}
    for cycle in scene.locks.cycles:
        if not all(scene.locks.locks[step.lock].kind in _KINDS for step in cycle.steps):
            continue  # a WaitGroup in a circle: who holds the lock while it waits is the culprit
        chain = [scene.of_row[scene.row_of_id[step.goroutine_id]] for step in cycle.steps]
        found.setdefault(_kind(chain), []).append(_cause(cycle, chain, scene))
    seen = {row for same in found.values() for cause in same for row in cause.rows}
    for lock in locks:
        pair = _pair(lock, by_waiting)
        if (
            pair is not None
            and _kind(pair) not in found
            and not seen.intersection(row for wait in pair for row in wait.rows)
        ):
            found[_kind(pair)] = [_of_pair(pair, lock, by_waiting[id(pair[0])][0], scene)]
            seen.update(row for wait in pair for row in wait.rows)
    return [_together(same) for same in found.values()]


def _kind(chain: Iterable[Waiting]) -> tuple[int, ...]:
    """Circles of the same stacks are one fault."""
    return tuple(sorted({wait.stack_id for wait in chain}))


def _cause(cycle: Cycle, chain: Sequence[Waiting], scene: Scene) -> Cause:
    ids = [step.goroutine_id for step in cycle.steps]
    locks = [scene.locks.locks[step.lock] for step in cycle.steps]
    names = [_letters((place + 1) % len(locks)) for place in range(len(locks))]  # the first goroutine holds A
    steps = [
        Step((number,), 1, f"likely holds {names[place - 1]}, waits for {names[place]}", wait.where)
        for place, (number, wait) in enumerate(zip(ids, chain, strict=True))
    ]
    found = _circle(
        chain,
        ids=ids,
        rows=[scene.row_of_id[number] for number in ids],
        behind=[row for lock in locks for row in lock.rows],
        steps=steps,
        sure=cycle.score >= _LIKELY,
    )
    described = [
        f"{name}: {lock_name(lock.kind, wait)}{_at(lock) if scene.shows_addresses else ''}"
        for name, lock, wait in sorted(zip(names, locks, chain, strict=True), key=lambda part: (len(part[0]), part[0]))
    ][:_NAMED]
    argument = f"{found.argument} ({'; '.join(described)})"
    return replace(found, argument=argument, ties=(partial(_ties, cycle, chain, scene),))


def _ties(cycle: Cycle, chain: Sequence[Waiting], scene: Scene) -> Iterator[Tie]:
    """Each goroutine of a circle waits for a lock that the next one may hold; others wait for these locks, too."""
    rows = [scene.row_of_id[step.goroutine_id] for step in cycle.steps]
    ring = [party(wait, (row,)) for wait, row in zip(chain, rows, strict=True)]
    how = held("likely" if cycle.score >= _LIKELY else "possible")
    for place, step in enumerate(cycle.steps):
        after, lock = (place + 1) % len(rows), scene.locks.locks[step.lock]
        thing = lock_thing(lock.kind, chain[place], lock.rows, label=_letters(after))
        yield Tie(ring[place], "waits for", thing)
        yield Tie(thing, how, ring[after])
        yield from queue(thing, lock.rows, scene, besides=(rows[place],))


def _letters(place: int) -> str:
    """What a circle calls its locks: A, B, … Z, AA, …"""
    text = ""
    while place >= 0:
        text = chr(ord("A") + place % 26) + text
        place = place // 26 - 1
    return text


def _at(lock: Lock) -> str:
    """Where it lies, so that the locks of a circle can be told apart."""
    where = lock.owner or lock.address
    return "" if where is None else f" at {where:#x}"


def _pair(lock: HeldLock, by_waiting: Mapping[int, Sequence[HeldLock]]) -> tuple[Waiting, Waiting] | None:
    """The likely holder of this lock, which waits for one whose likely holder waits for this one."""
    for score, holder in lock.holders:
        if not waits_for_lock(holder):
            continue
        for other in by_waiting.get(id(holder), ())[:_FOLLOWED]:
            for again, second in other.holders if other.is_other_than(lock) else ():
                if second is not holder and second in lock.waiters and max(score, again) >= FIRM:
                    return holder, second
    return None


def _of_pair(pair: tuple[Waiting, Waiting], lock: HeldLock, other: HeldLock, scene: Scene) -> Cause:
    steps = [
        Step(pair[0].ids, pair[0].count, f"likely holds {lock.name}, waits for {other.name}", pair[0].where),
        Step(pair[1].ids, pair[1].count, f"likely holds {other.name}, waits for {lock.name}", pair[1].where),
    ]
    found = _circle(
        pair,
        ids=[wait.ids[0] for wait in pair if wait.ids],
        rows=[row for wait in pair for row in wait.rows],
        behind=[*lock.rows, *other.rows],
        steps=steps,
        sure=True,
    )
    return replace(found, ties=(partial(_ties_of_pair, pair, lock, other, scene),))


def _ties_of_pair(pair: tuple[Waiting, Waiting], lock: HeldLock, other: HeldLock, scene: Scene) -> Iterator[Tie]:
    """The first of the pair holds ``lock`` and waits for the other one; the second the other way round."""
    things = [lock_thing(each.kind, each.waiters[0], each.rows) for each in (lock, other)]
    for wait, holds, wants, wanted in zip(pair, things, reversed(things), (other, lock), strict=True):
        yield Tie(holds, held("likely"), party(wait))
        yield Tie(party(wait), "waits for", wants)
        yield from queue(wants, wanted.rows, scene, besides=frozenset(wait.rows))


def _circle(
    chain: Sequence[Waiting],
    *,
    ids: Sequence[int],
    rows: Sequence[int],
    behind: Sequence[int],
    steps: Sequence[Step],
    sure: bool,
) -> Cause:
    every = tuple(dict.fromkeys((*rows, *behind)))
    leaked = all(wait.leaked for wait in chain)
    places = list(dict.fromkeys(map(place_of, chain)))
    where = places[0] if len(places) == 1 else " and ".join(places[:2]) if len(places) == 2 else f"{places[0]} and more"
    if len(chain) == 2:
        title = f"{named_ids(ids)} wait for each other's locks, in {where}"
    else:
        few = named_ids(ids[:_NAMED]) if len(ids) <= _NAMED else f"{len(ids):,} goroutines"
        title = f"{few} wait for locks in a circle, in {where}"
    return Cause(
        name="lock-order-cycle",
        confidence="proved" if leaked and sure else "likely" if sure else "possible",
        title=f"deadlock: {title}" if sure else f"possible deadlock: {title}",
        argument="each runs a method of the object whose lock the one before it waits for",
        steps=tuple(steps[:_SHOWN]),
        rows=every,
        waiting=len(every),
        stuck=True,
        deciding={wait.stack_id: wait.place for wait in chain if wait.place is not None},
        culprits=tuple(rows),
    )


def _together(same: Sequence[Cause]) -> Cause:
    """One cause for all circles of a kind."""
    first = same[0]
    if len(same) == 1:
        return first
    rows = tuple(dict.fromkeys(row for cause in same for row in cause.rows))
    more = f"{len(same) - 1:,} more {'circle' if len(same) == 2 else 'circles'} of this kind"
    return replace(first.with_more(rows, more), alike=len(same))
