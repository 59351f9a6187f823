"""Locks and families in words, for the outputs for people: lines, each of some texts with what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from stackscan.analysis.creation_sites import Family
from stackscan.analysis.locks import Candidate, Evidence, Lock, Locks
from stackscan.render.words import count, plain, short_location
from stackscan.report import SnapshotReport, told, worth_showing

#: What a text is, for who colours it.
Role = Literal["count", "what", "name", "place", "note", "alarm", ""]
Line = list[tuple[str, Role]]

_LOCKS: Final = 5
_CANDIDATES: Final = 3
_CYCLES: Final = 3
_SITES: Final = 5
_STATES: Final = 4
#: What somebody holds; of the others one waits for somebody to act.
_HELD: Final = ("sync.Mutex", "sync.RWMutex", "sync.Once")
LOCKS_NOTE: Final = "who waits, and who may hold it; a dump never says who does"
SITES_NOTE: Final = "which go statements started most of what is not set aside"
_SAYS: Final[dict[Evidence, str]] = {
    "receiver": "runs on that object",
    "address": "has the lock's address",
    "once": "runs inside the same Once",
    "argument": "has that object as an argument",
    "shared": "waits for another lock there, with an argument in common",
    "type": "runs on some object of that type",
}


def has_locks(snapshot: SnapshotReport) -> bool:
    """Whether locks are worth a section."""
    return bool(worth_showing(snapshot.locks) or snapshot.locks.cycles)


def lock_lines(locks: Locks) -> Iterator[Line]:
    """The locks with most waiters, each with its likeliest holders, and the circles."""
    shown = worth_showing(locks)
    for lock in shown[:_LOCKS]:
        yield _lock(lock)
        if not lock.candidates and lock.kind in _HELD:
            yield [("         nobody shows that it may hold it", "note")]
        for candidate in lock.candidates[:_CANDIDATES]:
            yield _candidate(candidate)
    if len(shown) > _LOCKS:
        yield [(f"         and {count(len(shown) - _LOCKS, 'locks')} more with two waiters or more", "note")]
    if locks.unknown:
        yield [(f"{locks.unknown:>8,} ", "count"), ("more wait for locks that no frame tells", "note")]
    for cycle in locks.cycles[:_CYCLES]:
        yield [("suspected deadlock", "alarm"), (f" ({cycle.score}): {plain(told(cycle, locks))}", "")]
    if len(locks.cycles) > _CYCLES:
        yield [(f"and {count(len(locks.cycles) - _CYCLES, 'suspected deadlocks')} more", "note")]


_VERSION: Final = re.compile(r"v\d+\.")


def _tail(function: str) -> str:
    """``example.com/acme/store.(*Cache).Get`` → ``store.(*Cache).Get``: these lines are long enough."""
    path, bracket, arguments = function.partition("[")
    folders, _, last = path.rpartition("/")
    if _VERSION.match(last):  # …/go-yamux/v5.newSession
        last = f"{folders.rpartition('/')[2]}/{last}"
    return plain(last + bracket + arguments)


def _lock(lock: Lock) -> Line:
    asker = _tail(lock.askers[0].function) if lock.askers else ""
    others = f" and {count(len(lock.askers) - 1, 'other functions')}" if len(lock.askers) > 1 else ""
    writers = f", {lock.writers:,} to write" if lock.writers else ""
    waits = f"  {lock.max_wait_minutes:,} min" if lock.max_wait_minutes else ""
    address = lock.address if lock.address is not None else lock.owner
    doubt = "" if lock.reliable else ", doubtful"
    where = f"  at {address:#x}{doubt}" if lock.address is not None else f"  in the object at {address:#x}{doubt}"
    return [
        (f"{lock.waiters:>8,} ", "count"),
        (lock.kind, "what"),
        (f"{writers}{waits}  ", ""),
        (f"in {asker}{others}" if asker else "", "name"),
        (where if address is not None else "", "place"),
    ]


def _candidate(candidate: Candidate) -> Line:
    frame = candidate.stack.frames[candidate.frame]
    who = f"goroutine {candidate.goroutine_ids[0]}" if candidate.count == 1 else count(candidate.count, "goroutines")
    doubt = "" if candidate.reliable else "; doubtful"
    return [
        (f"         maybe {who} in ", ""),
        (_tail(frame.function), "name"),
        (f"  {short_location(frame)}", "place"),
        (f"  {plain(candidate.wait_reason or 'state unknown')}", "what"),
        (f"  {candidate.score}: {_SAYS[candidate.evidence]}{doubt}", "note"),
    ]


def site_lines(families: tuple[Family, ...]) -> Iterator[Line]:
    """The largest creation sites, one line each."""
    for family in families[:_SITES]:
        creator = family.created_by
        states = [f"{number:,} {plain(state)}" for state, number in family.states]
        more = f" · {len(states) - _STATES} more" if len(states) > _STATES else ""
        yield [
            (f"{family.count:>8,} ", "count"),
            (_tail(creator.function), "name"),
            (f"  {short_location(creator)}", "place"),
            (f"  {' · '.join(states[:_STATES])}{more}", "what"),
            (_by(family), "note"),
        ]
    if len(families) > _SITES:
        yield [(f"         and {count(len(families) - _SITES, 'sites')} more with ten goroutines or more", "note")]


def _by(family: Family) -> str:
    """Who ran the go statement."""
    who = _who(family)
    return f"  by {who}" if who else ""


def _who(family: Family) -> str:
    if not family.creators:
        return ""
    first = family.creators[0]
    others = (family.distinct_creators or 1) - 1
    if others >= family.count // 2 and others:
        return count(others + 1, "goroutines")
    state = f" [{plain(first.wait_reason or 'state unknown')}]" if first.alive else ", which is gone"
    return f"goroutine {first.goroutine_id}{state}" + (f" and {count(others, 'others')}" if others else "")


def family_text(families: tuple[Family, ...]) -> str:
    """The family of what a rule caught, as a sentence: who started them, and how many siblings there are."""
    parts = []
    for family in families:
        creator = f"{_tail(family.created_by.function)} ({short_location(family.created_by)})"
        who = f"that {_who(family)} started in" if family.creators else "started in"
        share = f"{family.caught:,} of the {count(family.count, 'goroutines')}" if family.count > 1 else "the only one"
        parts.append(f"{share} {who} {creator}")
    return "; ".join(parts)
