"""Errgroups whose members wait for places that only members give back.

With SetLimit, Go sends to a semaphore before it starts a goroutine, and that goroutine receives from it as it ends
(golang.org/x/sync/errgroup/errgroup.go). So when every member of every group in the process waits in Go, none ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from stackscan.analysis.causes.model import Cause
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.ties import party, thing_of
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.causes.words import ids_of
from stackscan.analysis.finding import Step
from stackscan.analysis.wait_graph import Tie
from stackscan.model.snapshot import Frame

_GROUP: Final = "golang.org/x/sync/errgroup.(*Group)."
_GO: Final = f"{_GROUP}Go"
_WAIT: Final = f"{_GROUP}Wait"
_STARTS: Final = frozenset({_GO, f"{_GROUP}TryGo"})
_BODIES: Final = frozenset(f"{start}.func1" for start in _STARTS)
_CHANGE: Final = (
    "Do not call Go of a limited group in its own goroutines: call TryGo, and do the work in place when that says no; "
    "or use one group for each level."
)


def find(scene: Scene) -> list[Cause]:
    """The deadlock of members that all wait to add one more; nothing where one of them may still end."""
    if scene.counted or not scene.is_whole:
        return []
    members = [wait for wait in scene.waits if _is_member(wait)]
    if not members or not all(map(_adds, members)):
        return []
    behind = [wait for wait in scene.waits if wait not in members and (_adds(wait) or _WAIT in wait.stack.functions)]
    count = sum(wait.count for wait in members)
    callers = [_caller(wait) for wait in members]
    first, at = members[0], callers[0]
    who = ids_of(first) if len(members) == 1 else f"{count:,} goroutines"
    where = "" if at is None else f" in {first.shown.frames[at].function.rpartition('/')[2]}"
    rows = [row for wait in (*members, *behind) for row in wait.rows]
    waits = [
        *((wait, "waits for a place in a full errgroup") for wait in members),
        *((b, "waits behind them") for b in behind),
    ]
    return [
        Cause(
            name="channel-never-served",
            confidence="proved",
            title=f"deadlock: {who}{where} {'waits' if count == 1 else 'wait'} to add to a full errgroup, and only "
            f"{'it' if count == 1 else 'they'} could give a place back",
            argument="all goroutines that errgroups started wait in Go, so none ends",
            steps=tuple(Step(w.ids, w.count, does, _frame(w)) for w, does in waits),
            rows=tuple(rows),
            waiting=sum(wait.count for wait in behind),
            stuck=True,
            deciding={wait.stack_id: at for wait, at in zip(members, callers, strict=True) if at is not None},
            culprits=tuple(row for wait in members for row in wait.rows),
            change=_CHANGE,
            ties=(partial(_ties, members, behind),),
        )
    ]


def _is_member(wait: Waiting) -> bool:
    """Whether a group started them."""
    created = wait.stack.created_by
    return (created is not None and created.function in _STARTS) or not _BODIES.isdisjoint(wait.stack.functions)


def _adds(wait: Waiting) -> bool:
    """Whether they wait for a place in a group."""
    return "chan send" in wait.reasons and wait.own is not None and wait.frames[wait.own].function == _GO


def _caller(wait: Waiting) -> int | None:
    """The index of the frame that calls Go."""
    at = (wait.own or 0) + 1
    return at if at < len(wait.frames) and wait.frames[at].function not in _BODIES else None


def _frame(wait: Waiting) -> Frame | None:
    at = _caller(wait)
    return wait.where if at is None or not _adds(wait) else wait.shown.frames[at]


def _ties(members: Sequence[Waiting], behind: Sequence[Waiting]) -> list[Tie]:
    """Each waits for a place, and a place must come from one of them."""
    found = []
    for wait in (*members, *behind):
        place = thing_of(wait, wait.rows)
        found += [Tie(party(wait), "waits for", place), Tie(place, "must be served by", party(members[0]))]
    return found
