"""The oldest wait that nothing explains, and what began to wait in the same minute."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final

from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import MOVING, Waiting
from stackscan.analysis.finding import Finding, Step
from stackscan.knowledge.rule import Rule

#: The rule that says why such a wait matters.
UNEXPLAINED: Final = "unexplained-wait"
#: Minutes from which on nobody waits so in a program that works.
_LONG: Final = 5
#: An excerpt is what somebody thought worth showing: a shorter wait, and more kinds of waits, matter there.
_LONG_IN_EXCERPT: Final = 3
_BLOCKED: Final = frozenset({
    "chan send", "chan send (nil chan)", "chan receive (nil chan)", "sync.Mutex.Lock", "sync.RWMutex.Lock",
    "sync.RWMutex.RLock",
})  # fmt: skip
#: What even an excerpt may show of a healthy program: somebody waits for time or for the network.
_PASSIVE: Final = frozenset({"sleep", "IO wait", "finalizer wait", "GC worker (idle)", "force gc (idle)"})
#: How the main goroutine of a daemon waits: <-context.Background().Done(), select {}.
_FOR_EVER: Final = frozenset({"chan receive (nil chan)", "select (no cases)"})
#: How idle workers wait, too.
_ANYBODY: Final = frozenset({"select", "chan receive"})
#: Go's minutes are cut, and its clock starts at the first collection after parking.
_SAME: Final = 1
#: Others of the same minute that are named.
_NAMED: Final = 3


def unexplained(scene: Scene, findings: Iterable[Finding], rule: Rule) -> Finding | None:
    """A finding about the oldest blocked wait that no finding explains; None where there is none."""
    if not any(scene.snapshot.column("wait_minutes")):
        return None
    least = _LONG if scene.is_whole else _LONG_IN_EXCERPT
    left = [wait for wait in scene.waits if not (scene.is_main(wait) and wait.reasons & _FOR_EVER)]
    old = [wait for wait in left if _is_blocked(wait, whole=scene.is_whole) and _is_old(wait, least)]
    if not old:
        return None
    known = frozenset(chain.from_iterable(finding.rows for finding in findings))
    old = [wait for wait in old if not known.issuperset(wait.rows)]
    if not old:
        return None
    left = [wait for wait in left if not known.issuperset(wait.rows)]
    oldest = max(old, key=lambda wait: (wait.minutes, bool(wait.reasons & _BLOCKED), wait.count))
    same = [
        wait
        for wait in left
        if wait is not oldest and abs(wait.minutes - oldest.minutes) <= _SAME and not wait.reasons & MOVING
    ]
    return _finding(oldest, sorted(same, key=lambda wait: (-wait.minutes, -wait.count)), rule, scene)


def _is_old(wait: Waiting, least: int) -> bool:
    return wait.minutes >= (_LONG if wait.reasons & _ANYBODY else least)


def _is_blocked(wait: Waiting, *, whole: bool) -> bool:
    if wait.reasons & _BLOCKED:
        return True
    return not whole and not wait.moving and not wait.reasons & _PASSIVE


def _is_generator(wait: Waiting) -> bool:
    """Whether it looks like a loop that sends what somebody will want next: one goroutine, in its first function."""
    return wait.count == 1 and "chan send" in wait.reasons and wait.own == len(wait.frames) - 1


def _finding(oldest: Waiting, same: list[Waiting], rule: Rule, scene: Scene) -> Finding:
    from stackscan.analysis.causes.words import ids_of, place_of  # most dumps have no such wait

    waits = "has waited" if oldest.count == 1 else "have waited"
    title = f"{ids_of(oldest)} {waits} {oldest.minutes:,} min in {place_of(oldest)} ({_reason(oldest)})"
    title += ", and nothing here explains it"
    if same:
        others = ", ".join(f"{ids_of(wait)} in {place_of(wait)} ({_reason(wait)})" for wait in same[:_NAMED])
        more = f" and {len(same) - _NAMED:,} more places" if len(same) > _NAMED else ""
        title += f"; in the same minute began to wait: {others}{more}"
    parts = [oldest, *same]
    return Finding(
        rule=rule,
        severity="info" if oldest.reasons & _ANYBODY or (scene.is_whole and _is_generator(oldest)) else "warning",
        title=title,
        verdict=title,
        count=oldest.count,
        goroutine_ids=oldest.ids,
        evidence={
            "goroutines": oldest.count,
            "in the same minute": sum(wait.count for wait in same),
            "longest_wait_minutes": oldest.minutes,
        },
        stack_ids=tuple(dict.fromkeys(wait.stack_id for wait in parts)),
        deciding={wait.stack_id: wait.place or 0 for wait in parts},
        rows=sorted(row for wait in parts for row in wait.rows),
        steps=tuple(
            Step(wait.ids, wait.count, f"waits {wait.minutes:,} min ({_reason(wait)})", wait.where)
            for wait in parts[: _NAMED + 1]
        ),
    )


def _reason(wait: Waiting) -> str:
    return min(wait.reasons, default="unknown")
