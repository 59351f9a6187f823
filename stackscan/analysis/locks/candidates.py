"""Who may hold a lock: goroutines that know it or its object, and do not wait for it. Ranked, not certain.

| evidence | says | score |
|---|---|---|
| receiver | runs a method of the object that the lock lies in, on that very object | 90; 70 where that method began the goroutine (a loop that owns the object) |
| address | has the lock's own address among its arguments | 80 |
| once | runs inside the same ``sync.Once.Do`` | 75 |
| argument | has the object among its arguments | 50 |
| shared | waits for another lock in the same function, with an argument that hardly anybody else has | 35 |
| type | runs a method of an object of the same type; which one, no frame shows | 20 |

A doubtful word (``?``) counts half. A goroutine in ``Cond.Wait`` gave its lock back: it counts half too. What stands in
the frame that asks for a lock is evidence only before that lock: in ``transfer(from, to)``, who waits for ``from`` has
not got to ``to`` yet.
"""  # noqa: E501  # a table

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stackscan.analysis.locks.crowds import Crowds
from stackscan.analysis.locks.ground import Ground
from stackscan.analysis.locks.instances import Instance
from stackscan.analysis.locks.model import Candidate
from stackscan.analysis.locks.places import SHOWN, Mark, Place, Places

RECEIVER, LOOP, ADDRESS, ARGUMENT, SHARED = 90, 70, 80, 50, 35
#: From this score on, weaker kinds of evidence are not looked for.
_ENOUGH: Final = ARGUMENT // 2
#: An object that holds more locks than this is no evidence for any of them.
_MOST_LOCKS: Final = 8

#: Behind every word of a frame.
_LAST: Final = 1 << 16

#: What speaks for each goroutine (row) that may hold a lock.
_Marks = dict[int, Mark]


def find(instances: Sequence[Instance], ground: Ground) -> list[tuple[Candidate, ...]]:
    """The candidates for each lock, the likeliest first, at most SHOWN places of each."""
    marks = _by_words(instances, ground)
    rest = [number for number, found in enumerate(marks) if all(mark[0] < _ENOUGH for mark in found.values())]
    crowds = Crowds(instances, rest, ground) if rest else None
    if rest:
        _add_shared(marks, frozenset(rest), instances, ground)
    places = Places(ground)
    found = []
    for number, known in enumerate(marks):
        more = [] if crowds is None else crowds.places(number, known)
        some = places.of(known)
        best = sorted([*some, *more], key=Place.order)[:SHOWN] if len(some) + len(more) > 1 else [*some, *more]
        found.append(tuple(map(places.candidate, best)))
    return found


# -- words -----------------------------------------------------------------------------------------------------------


def _pointers(instances: Sequence[Instance]) -> dict[int, list[tuple[int, bool]]]:
    """Addresses and objects of locks: of each the locks, and whether it is their own address."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for number, instance in enumerate(instances):
        if instance.address is not None:
            found.setdefault(instance.address, []).append((number, True))
        if instance.owner is not None:
            found.setdefault(instance.owner, []).append((number, False))
    return {word: locks for word, locks in found.items() if len(locks) <= 2 * _MOST_LOCKS}


def _by_words(instances: Sequence[Instance], ground: Ground) -> list[_Marks]:
    """Goroutines that carry a lock's address, or its object's."""
    hits = list(_hits(instances, ground))
    loops = {(row, lock) for row, lock, frame, *_, receiver, _ in hits if receiver and _is_root(row, frame, ground)}
    in_cond = {number for number, site in ground.sites.items() if site.kind == "sync.Cond"}
    found: list[_Marks] = [{} for _ in instances]
    position_of: dict[tuple[int, int], int] = {}
    for row, lock, frame, position, reliable, receiver, own in hits:
        score = (LOOP if (row, lock) in loops else RECEIVER) if receiver else ADDRESS if own else ARGUMENT
        if not reliable:
            score //= 2
        if in_cond and ground.stacks[row] in in_cond:
            score //= 2
        known = found[lock].get(row)
        if known is None or (-score, frame, position) < (-known[0], known[3], position_of[row, lock]):
            position_of[row, lock] = position
            found[lock][row] = score, "receiver" if receiver else "address" if own else "argument", reliable, frame
    return found


#: Row, lock, frame, position, whether the word is certain, whether it is the object that the frame is a method of, and
#: whether it is the lock's own address.
_Hit = tuple[int, int, int, int, bool, bool, bool]


def _hits(instances: Sequence[Instance], ground: Ground) -> Iterator[_Hit]:
    """Where a lock's address or object stands."""
    pointers = _pointers(instances)
    stacks, waits_for, first_own = ground.stacks, ground.waits_for, ground.first_own
    every = list(ground.pointers(pointers))
    asked = _asked_at(every, pointers, ground)
    for row, frame, position, word, reliable in every:
        stack = stacks[row]
        if frame < first_own.get(stack, 0):
            continue
        waits = waits_for.get(row)
        for lock, own in pointers[word]:
            if waits != lock:
                kind = None if own or position else ground.methods(stack).get(frame)
                receiver = kind is not None and kind == instances[lock].owner_type
                if not receiver and position > asked.get((row, frame), _LAST):
                    continue  # it may take this one next
                yield row, lock, frame, position, reliable, receiver, own


def _asked_at(
    every: Sequence[tuple[int, int, int, int, bool]], pointers: Mapping[int, list[tuple[int, bool]]], ground: Ground
) -> dict[tuple[int, int], int]:
    """Where the lock that a goroutine waits for stands among the words of the frame that asks for it, by row and frame;
    before all of them where it does not."""
    found: dict[tuple[int, int], int] = {}
    for row, frame, position, word, _ in every:
        wanted, site = ground.waits_for.get(row), ground.sites.get(ground.stacks[row])
        if wanted is not None and site is not None and site.asker == frame:
            stands = any(lock == wanted for lock, _ in pointers[word])
            found[row, frame] = max(found.get((row, frame), -1), position if stands else -1)
    return found


def _is_root(row: int, frame: int, ground: Ground) -> bool:
    return ground.root(ground.stacks[row]) == frame


def _add_shared(marks: Sequence[_Marks], rest: frozenset[int], instances: Sequence[Instance], ground: Ground) -> None:
    """Add pairs of goroutines that wait for different locks in one function and alone share a pointer."""
    addresses = {instance.address for instance in instances}
    shared: dict[tuple[int, str], dict[int, int]] = {}
    for row, frame, _, word, reliable in ground.asking:
        stack = ground.stacks[row]
        site = ground.sites.get(stack)
        if site is None or site.asker != frame or site.kind != "sync.Mutex":
            continue
        if reliable and row in ground.waits_for and word not in addresses:
            function = ground.snapshot.stacks[stack].frames[frame].function
            shared.setdefault((word, function), {}).setdefault(row, frame)
    for rows in shared.values():
        if len(rows) == 2:
            _add_pair(marks, rest, rows, ground.waits_for)


def _add_pair(
    marks: Sequence[_Marks], rest: frozenset[int], pair: Mapping[int, int], waits_for: Mapping[int, int]
) -> None:
    """Two goroutines (rows with their frames), each of which may hold what the other one waits for."""
    (one, _), (other, _) = pair.items()
    for mine, theirs in ((one, other), (other, one)):
        lock = waits_for[mine]
        if lock != waits_for[theirs] and lock in rest:
            known = marks[lock].get(theirs)
            if known is None or known[0] < SHARED:
                marks[lock][theirs] = SHARED, "shared", True, pair[theirs]
