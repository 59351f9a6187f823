"""The conclusions of a snapshot's tool as causes, and what of the dump's own arguments is left beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from stackscan.analysis.causes.model import Cause
from stackscan.analysis.conclusions import deadlocks, leaks, races
from stackscan.analysis.conclusions.scene import Told, tellings
from stackscan.analysis.finding import Finding
from stackscan.model.snapshot import Snapshot

_KINDS: Final[Mapping[str, Callable[[Sequence[Told]], Iterable[Cause]]]] = {
    "data-race": races.find,
    "leak": leaks.find,
    "lock-order-cycle": deadlocks.both_orders,
    "self-deadlock": deadlocks.taken_twice,
    "rwmutex-recursive-read": deadlocks.read_twice,
    "blocked-while-holding-lock": deadlocks.held,
}


def concluded(snapshot: Snapshot, shown: Snapshot) -> list[Cause]:
    """The causes that the tool names, those of each kind in the order of the text; ``shown`` is the same snapshot as it
    may be shown."""
    told = tellings(snapshot, shown)
    kinds = dict.fromkeys(one.conclusion.kind for one in told)
    return [
        replace(cause, concluded=True)
        for kind in kinds
        if kind in _KINDS
        for cause in _KINDS[kind]([one for one in told if one.conclusion.kind == kind])
    ]


def with_argued(told: Sequence[Cause], argued: Sequence[Cause]) -> list[Cause]:
    """All causes: what the tool says first; what the dump itself argues of the same goroutines as the same cause is one
    with it. The accesses of a race are moments: nobody waits there."""
    moments = _rows(told, "data-race")
    known = [(cause.name, frozenset(cause.rows)) for cause in told]
    left = (
        one
        for one in argued
        if not moments.issuperset(one.rows)
        and not any(one.name == name and rows & set(one.rows) for name, rows in known)
    )
    return [*told, *left]


def beside(findings: Iterable[Finding], told: Sequence[Cause]) -> list[Finding]:
    """The findings of rules that are true beside what a tool says: none of idle goroutines that it says should not be
    there, and none of what waits in the midst of a race."""
    alive, moments = _rows(told), _rows(told, "data-race")
    return [
        finding
        for finding in findings
        if not (alive if finding.rule.kind == "healthy" else moments).issuperset(finding.rows)
    ]


def _rows(told: Sequence[Cause], name: str | None = None) -> frozenset[int]:
    return frozenset(row for cause in told if name in (None, cause.name) for row in cause.rows)
