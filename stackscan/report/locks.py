"""Which locks and creation sites a report shows, and their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from stackscan.report.model import Level, Verdict

if TYPE_CHECKING:
    from stackscan.analysis.creation_sites import Family
    from stackscan.analysis.finding import Finding
    from stackscan.analysis.locks import Candidate, Cycle, Lock, Locks
    from stackscan.model.snapshot import Frame

#: Locks and circles that the JSON holds.
MOST: Final = 20
#: So many waiters make a lock worth a line of the verdict.
CONVOY: Final = 10
#: Circles below this score rest on weak evidence.
FIRM: Final = 50


def worth_showing(locks: Locks) -> tuple[Lock, ...]:
    """The locks with two waiters or more, not all idle as expected; one with a single waiter matters only in a
    circle."""
    return tuple(lock for lock in locks.locks if lock.waiters > 1 and not lock.aside)


def without_cause(locks: Locks, findings: Sequence[Finding]) -> Locks:
    """The locks and circles that no root cause explains: those have a finding of their own."""
    explained = {row for finding in findings if finding.cause is not None for row in finding.rows}
    if not explained:
        return locks
    marked = tuple(replace(lock, aside=True) if explained.issuperset(lock.rows) else lock for lock in locks.locks)
    cycles = tuple(c for c in locks.cycles if not all(marked[step.lock].aside for step in c.steps))
    return replace(locks, locks=marked, cycles=cycles)


def verdicts(locks: Locks) -> list[Verdict]:
    """Possible deadlocks as a line of the verdict; where there is none, who may hold the lock with most waiters."""
    if not locks.cycles:
        return _convoy(locks)
    best, count = locks.cycles[0], len(locks.cycles)
    level: Level = "warning" if best.score >= FIRM else "info"
    what = "possible deadlock" if count == 1 else f"{count} possible deadlocks, the likeliest"
    weak = "" if level == "warning" else " (weak evidence)"
    lines = [Verdict(level, f"{what}: {cycle_text(best, locks)}{weak}")]
    return lines if best.score >= FIRM else [*_convoy(locks), *lines]


def _convoy(locks: Locks) -> list[Verdict]:
    lock = max(locks.locks, key=lambda lock: lock.waiters, default=None)
    if lock is None or lock.waiters < CONVOY or not lock.candidates or lock.kind not in ("sync.Mutex", "sync.RWMutex"):
        return []
    best = lock.candidates[0]
    if best.score < FIRM or best.count > 1:
        return []
    where = best.stack.frames[best.frame].function
    state = f" [{best.wait_reason}]" if best.wait_reason else ""
    who = f"goroutine {best.goroutine_ids[0]} in {where}{state}"
    return [Verdict("info", f"{lock.waiters:,} goroutines wait for one {lock.kind}, which {who} may hold")]


def cycle_text(cycle: Cycle, locks: Locks) -> str:
    """Who waits for whom in a circle.

    ``goroutines 18 and 19 each wait for a sync.Mutex that the other may hold, both in (*Account).Transfer``.
    """
    kinds = [locks.locks[step.lock].kind for step in cycle.steps]
    ids = [step.goroutine_id for step in cycle.steps]
    functions = [step.function for step in cycle.steps]
    same = len(set(functions)) == 1
    if len(set(kinds)) == 1 and len(ids) > 1:
        holder = "the other" if len(ids) == 2 else "the next"
        who = f"goroutines {', '.join(map(str, ids[:-1]))} and {ids[-1]}"
        who += f" each wait for a {kinds[0]} that {holder} may hold"
        if same:
            return f"{who}, {'both' if len(ids) == 2 else 'all'} in {functions[0]}"
        return f"{who}: " + ", ".join(f"{n} in {function}" for n, function in zip(ids, functions, strict=True))
    steps = zip(ids, functions, kinds, [*ids[1:], ids[0]], strict=True)
    return "; ".join(f"goroutine {n} in {f} waits for a {kind} that {by} may hold" for n, f, kind, by in steps)


# -- JSON ------------------------------------------------------------------------------------------------------------


def _kept(locks: Locks) -> list[int]:
    """The places of the locks that the JSON holds: those with two waiters or more and those of circles."""
    kept = [n for n, lock in enumerate(locks.locks) if lock.waiters > 1][:MOST]
    return kept + sorted({step.lock for cycle in locks.cycles[:MOST] for step in cycle.steps} - set(kept))


def instances(locks: Locks) -> tuple[Lock, ...]:
    """The locks that the JSON holds, in its order."""
    return tuple(locks.locks[number] for number in _kept(locks))


def locks_json(locks: Locks) -> dict[str, Any]:
    """The locks with two waiters or more and those of circles, at most MOST of each; addresses as Go prints them."""
    cycles, kept = locks.cycles[:MOST], _kept(locks)
    place = {number: at for at, number in enumerate(kept)}
    return {
        "waiters": locks.waiters,
        "unknown": locks.unknown,
        "distinct": locks.distinct,
        "instances": [_lock(locks.locks[number], place) for number in kept],
        "suspected_deadlocks": len(locks.cycles),
        "cycles": [_cycle(cycle, place) for cycle in cycles],
    }


def _lock(lock: Lock, place: dict[int, int]) -> dict[str, Any]:
    return {
        "kind": lock.kind,
        "address": _hex(lock.address),
        "owner": _hex(lock.owner),
        "owner_type": lock.owner_type,
        "offset": lock.offset,
        "reliable": lock.reliable,
        "waiters": lock.waiters,
        "writers": lock.writers,
        "set_aside": lock.aside,
        "max_wait_minutes": lock.max_wait_minutes,
        "goroutine_ids": list(lock.goroutine_ids),
        "asked_by": [{"function": asker.function, "count": asker.count} for asker in lock.askers],
        "candidates": [_candidate(candidate, place) for candidate in lock.candidates],
    }


def _candidate(candidate: Candidate, place: dict[int, int]) -> dict[str, Any]:
    return {
        "score": candidate.score,
        "evidence": candidate.evidence,
        "reliable": candidate.reliable,
        "count": candidate.count,
        "wait_reason": candidate.wait_reason,
        "max_wait_minutes": candidate.max_wait_minutes,
        "goroutine_ids": list(candidate.goroutine_ids),
        "waits_for": None if candidate.waits_for is None else place.get(candidate.waits_for),
        "evidence_frame": candidate.frame,
        "frames": [_frame(frame) for frame in candidate.stack.frames],
    }


def _cycle(cycle: Cycle, place: dict[int, int]) -> dict[str, Any]:
    steps = [
        {
            "goroutine_id": step.goroutine_id,
            "function": step.function,
            "waits_for": place[step.lock],
            "score": step.score,
        }
        for step in cycle.steps
    ]
    return {"score": cycle.score, "steps": steps}


def families_json(families: Sequence[Family]) -> list[dict[str, Any]]:
    """Creation sites, most goroutines first."""
    return [
        {
            "created_by": _frame(family.created_by),
            "count": family.count,
            "caught": family.caught,
            "max_wait_minutes": family.max_wait_minutes,
            "states": dict(family.states),
            "distinct_creators": family.distinct_creators,
            "creators": [
                {
                    "goroutine_id": creator.goroutine_id,
                    "count": creator.count,
                    "alive": creator.alive,
                    "function": creator.function,
                    "wait_reason": creator.wait_reason,
                }
                for creator in family.creators
            ],
            "ancestry": list(family.ancestry),
        }
        for family in families
    ]


def _frame(frame: Frame) -> dict[str, Any]:
    return {"function": frame.function, "file": frame.file, "line": frame.line}


def _hex(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"
