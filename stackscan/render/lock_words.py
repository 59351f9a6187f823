"""Locks and creation sites in words: lines, each of some texts with their roles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from stackscan.model.snapshot import Frame
from stackscan.render.words import base_symbol, count, plain, short_location
from stackscan.report import cycle_text, worth_showing

if TYPE_CHECKING:
    from stackscan.analysis.creation_sites import Family
    from stackscan.analysis.locks import Candidate, Evidence, Lock, Locks

#: What a text is: outputs choose its colour.
Role = Literal["count", "what", "name", "place", "note", "alarm", ""]
#: A frame stands for its file and line, behind two blanks: outputs may link it.
Line = list[tuple[str | Frame, Role]]

#: What stands before a line that belongs to the one above.
_BELOW: Final[tuple[str, Role]] = (" " * 7, "")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many locks are listed, how many possible holders of each, and which possible deadlocks (from, to)."""

    locks: int
    candidates: int
    cycles: tuple[int, int]


#: What fits on one screen (the verdict has the likeliest deadlock), and the longest list.
FEW: Final = Limits(locks=2, candidates=1, cycles=(1, 2))
ALL: Final = Limits(locks=5, candidates=3, cycles=(0, 3))
_SITES: Final = 5
_STATES: Final = 4
#: Locks that a goroutine holds; the others wait for an event.
_HELD: Final = ("sync.Mutex", "sync.RWMutex", "sync.Once")
LOCKS_NOTE: Final = "who waits, and who may hold it"
SITES_NOTE: Final = "where most of these goroutines were started"
_SAYS: Final[dict[Evidence, str]] = {
    "receiver": "method of the same object",
    "address": "has the lock's address",
    "once": "runs inside the same Once",
    "argument": "has the object as an argument",
    "shared": "waits for another lock there, with a common argument",
    "type": "method of an object of the same type",
}


def has_locks(locks: Locks, *, most: Limits = ALL) -> bool:
    """Whether locks are worth a section."""
    return bool(worth_showing(locks) or locks.cycles[most.cycles[0] :])


def lock_lines(locks: Locks, *, most: Limits = ALL) -> Iterator[Line]:
    """The locks with most waiters, each with its likeliest holders, and the possible deadlocks."""
    shown = worth_showing(locks)
    for lock in shown[: most.locks]:
        yield _lock(lock)
        if not lock.candidates and lock.kind in _HELD:
            yield [_BELOW, ("no goroutine shows signs of holding it", "note")]
        for candidate in lock.candidates[: most.candidates]:
            yield _candidate(candidate)
    if len(shown) > most.locks:
        yield [_BELOW, (f"and {count(len(shown) - most.locks, 'more locks')} with two waiters or more", "note")]
    if locks.unknown:
        yield [(f"{locks.unknown:>6,} ", "count"), ("more wait for locks that their frames do not identify", "note")]
    first, last = most.cycles
    for cycle in locks.cycles[first:last]:
        text = f" (score {cycle.score}): {plain(cycle_text(cycle, locks))}"
        yield [_BELOW, ("possible deadlock", "alarm"), (text, "")]
    if len(locks.cycles) > last:
        yield [_BELOW, (f"and {count(len(locks.cycles) - last, 'more possible deadlocks')}", "note")]


def _lock(lock: Lock) -> Line:
    asker = base_symbol(lock.askers[0].function) if lock.askers else ""
    others = f" and {count(len(lock.askers) - 1, 'other functions')}" if len(lock.askers) > 1 else ""
    writers = f" ({lock.writers:,} to write)" if lock.writers else ""
    waits = f"  {lock.max_wait_minutes:,} min" if lock.max_wait_minutes else ""
    address = lock.address if lock.address is not None else lock.owner
    doubt = "" if lock.reliable else ", uncertain"
    where = f"  at {address:#x}{doubt}" if lock.address is not None else f"  in the object at {address:#x}{doubt}"
    return [
        (f"{lock.waiters:>6,} ", "count"),
        (lock.kind, "what"),
        (f"{writers}{waits}  ", ""),
        (f"in {asker}{others}" if asker else "", "name"),
        (where if address is not None else "", "place"),
    ]


def _candidate(candidate: Candidate) -> Line:
    frame = candidate.stack.frames[candidate.frame]
    who = f"goroutine {candidate.goroutine_ids[0]}" if candidate.count == 1 else count(candidate.count, "goroutines")
    doubt = "" if candidate.reliable else "; uncertain"
    return [
        _BELOW,
        (f"may be held by {who} ", ""),
        (f"[{plain(candidate.wait_reason or 'state unknown')}]", "what"),
        (" in ", ""),
        (base_symbol(frame.function), "name"),
        (frame, "place"),
        (f"  (score {candidate.score}: {_SAYS[candidate.evidence]}{doubt})", "note"),
    ]


def site_lines(families: tuple[Family, ...]) -> Iterator[Line]:
    """The largest creation sites, one line each."""
    for family in families[:_SITES]:
        creator = family.created_by
        states = [f"{number:,} {plain(state)}" for state, number in family.states]
        more = f" · {len(states) - _STATES} more" if len(states) > _STATES else ""
        yield [
            (f"{family.count:>6,} ", "count"),
            (base_symbol(creator.function), "name"),
            (creator, "place"),
            (f"  {' · '.join(states[:_STATES])}{more}", "what"),
            (_by(family), "note"),
        ]
    if len(families) > _SITES:
        yield [_BELOW, (f"and {count(len(families) - _SITES, 'more sites')} with ten goroutines or more", "note")]


def _by(family: Family) -> str:
    """The goroutines that ran the go statement."""
    who = _who(family)
    return f"  by {who}" if who else ""


def _who(family: Family, *, state: bool = True) -> str:
    if not family.creators:
        return ""
    first = family.creators[0]
    others = (family.distinct_creators or 1) - 1
    if others >= family.count // 2 and others:
        return count(others + 1, "goroutines")
    alive = f" [{plain(first.wait_reason or 'state unknown')}]" if state else ""
    shown = alive if first.alive else "" if first.alive is None else " (ended)"
    return f"goroutine {first.goroutine_id}{shown}" + (f" and {count(others, 'others')}" if others else "")


def family_text(families: tuple[Family, ...]) -> str:
    """Who started what a rule caught, where, and how many of all that were started there it caught.

    ``started by goroutine 1 at server.go:253 (12 of 12)``.
    """
    places: dict[str, list[str]] = {}
    for family in families:
        place = short_location(family.created_by) or base_symbol(family.created_by.function)
        who = f" by {_who(family, state=False)}" if family.creators else ""
        places.setdefault(who, []).append(f"{place} ({family.caught or 0:,} of {family.count:,})")
    return "; ".join(f"started{who} at {', '.join(found)}" for who, found in places.items())
