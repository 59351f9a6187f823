"""Stacks with their numbers of goroutines, for flame graphs."""

from __future__ import annotations

from collections.abc import Iterator

from stackscan.model.snapshot import Frame, Snapshot

#: Stands for a stack without frames: its goroutine was running on another thread.
UNAVAILABLE = Frame("(stack unavailable)", "", 0)


def counted(snapshot: Snapshot) -> Iterator[tuple[tuple[Frame, ...], int]]:
    """Each stack, outermost frame first, with its number of goroutines; the largest come first."""
    counts = snapshot.counts_by("stack_id").items()
    for (stack_id,), count in sorted(counts, key=lambda each: (-each[1], each[0])):
        yield tuple(reversed(snapshot.stacks[stack_id].frames)) or (UNAVAILABLE,), count
