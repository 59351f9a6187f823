"""Frames in order: where a chain of conditions stands among the frames of a stack."""

from __future__ import annotations

from collections.abc import Sequence

from stackscan.knowledge.language.syntax import Chain


def find_chain(frames: Sequence[int], bits: Sequence[int], condition: Chain) -> int | None:
    """Where the deciding frame of a chain is among frames' bits; None where they do not hold the chain.

    A run of adjacent frames is taken at its first place behind the run before it: no later place can help what follows.
    """
    at, decided = 0, 0
    for first, last in _runs(condition.adjacent):
        run = bits[first : last + 1]
        fits = (
            start
            for start in range(at, len(frames) - len(run) + 1)
            if frames[start] & run[0] and all(frames[start + step] & bit for step, bit in enumerate(run))
        )
        found = next(fits, None)
        if found is None:
            return None
        if first <= condition.deciding <= last:
            decided = found + condition.deciding - first
        at = found + len(run)
    return decided


def _runs(adjacent: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last element of each run of adjacent ones."""
    runs: list[tuple[int, int]] = []
    start = 0
    for element, is_next in enumerate((*adjacent, False)):
        if not is_next:
            runs.append((start, element))
            start = element + 1
    return runs
