"""Where goroutines stand, told so that sums stay right when their stacks differ in depth.

A stack splits in two when one goroutine is a frame deeper than the next (in the standard library, say). A standing is
what such stacks share: the deciding function, the creator, the wait reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from stackscan.report.folding import deciding_frame
from stackscan.report.model import SnapshotReport, StackReport

#: Goroutines that run, or are about to, are in a place for a moment: their state tells nothing of what they wait for.
_PASSING: Final = frozenset({None, "running", "runnable", "syscall", "copystack", "preempted"})
#: Deciding function, creator, wait reason; None: not told, or any.
Standing = tuple[str | None, str | None, str | None]


def standing_of(found: StackReport, *, counted: bool = False) -> Standing:
    """Where a stack's goroutines stand. ``counted``: without what counted formats do not tell."""
    if counted:
        return stands_at(found), None, None
    reason = found.bucket.wait_reason
    return stands_at(found), creator_of(found), None if reason in _PASSING else reason


def stands_at(found: StackReport) -> str | None:
    """The function that decides where a stack stands: the innermost outside the standard library.

    It does not depend on rules, so that what is written down today can be compared after the rules have changed.
    """
    stack = found.bucket.stack
    return stack.frames[deciding_frame(stack)].function if stack.frames else None


def creator_of(found: StackReport) -> str | None:
    """The function whose ``go`` statement began the goroutines of a stack."""
    creator = found.bucket.stack.created_by
    return None if creator is None else creator.function


def sums_of(snapshot: SnapshotReport) -> Counter[Standing]:
    """Goroutines by standing, and by the wider ones that each lies in (None stands for any)."""
    return sums(
        ((stands_at(found), creator_of(found), found.bucket.wait_reason), found.bucket.count)
        for found in snapshot.buckets
    )


def sums(counts: Iterable[tuple[Standing, int]]) -> Counter[Standing]:
    """The same of any counts."""
    found: Counter[Standing] = Counter()
    for (at, created_by, reason), count in counts:
        for standing in {(at, created_by, reason), (at, created_by, None), (at, None, None)}:
            found[standing] += count
    return found
