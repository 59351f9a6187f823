"""Where goroutines are in the code, so that counts stay comparable when their stacks differ in depth.

One goroutine may be a frame deeper in the standard library than the next: two stacks. Both share a place in the code:
the deciding function, the creator and the wait reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from stackscan.formats.symbol import deciding_frame
from stackscan.report.model import SnapshotReport, StackReport

#: States of goroutines that run or are about to: they wait for nothing.
_PASSING: Final = frozenset({None, "running", "runnable", "syscall", "copystack", "preempted"})
#: Deciding function, creator, wait reason; None: unknown, or any.
CodePlace = tuple[str | None, str | None, str | None]


def place_of(found: StackReport, *, counted: bool = False) -> CodePlace:
    """Where a stack's goroutines are. ``counted``: without what counted formats do not contain."""
    if counted:
        return function_at(found), None, None
    reason = found.bucket.wait_reason
    return function_at(found), creator_of(found), None if reason in _PASSING else reason


def function_at(found: StackReport) -> str | None:
    """The deciding function of a stack: the innermost outside the standard library.

    It does not depend on rules, so that a baseline stays comparable after the rules have changed.
    """
    stack = found.bucket.stack
    return stack.frames[deciding_frame(stack)].function if stack.frames else None


def creator_of(found: StackReport) -> str | None:
    """The function whose ``go`` statement began the goroutines of a stack."""
    creator = found.bucket.stack.created_by
    return None if creator is None else creator.function


def counts_by_place(snapshot: SnapshotReport) -> Counter[CodePlace]:
    """Goroutines by place, and by the wider places that contain it (None: any)."""
    return add_up(
        ((function_at(found), creator_of(found), found.bucket.wait_reason), found.bucket.count)
        for found in snapshot.buckets
    )


def add_up(counts: Iterable[tuple[CodePlace, int]]) -> Counter[CodePlace]:
    """The same of any counts."""
    found: Counter[CodePlace] = Counter()
    for (at, created_by, reason), count in counts:
        for place in {(at, created_by, reason), (at, created_by, None), (at, None, None)}:
            found[place] += count
    return found
