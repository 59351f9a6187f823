"""Groups goroutines that are in the same place for the same reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from typing import Final

from stackscan.model.snapshot import Snapshot, Stack

_IDS_SHOWN: Final = 20
_SIGNATURE_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Bucket:
    """Goroutines with the same stack and wait reason.

    ``signature`` is the same for the same functions and wait reason, whatever the lines and arguments: it survives a
    rebuild. Waits are in whole minutes, 0 for less than one; ``goroutine_ids`` holds the first 20.
    """

    signature: str
    count: int
    wait_reason: str | None
    stack: Stack
    min_wait_minutes: int
    max_wait_minutes: int
    goroutine_ids: tuple[int, ...]


@dataclass(slots=True)
class _Group:
    least: int
    most: int
    count: int = 0
    ids: list[int] = field(default_factory=list)


@lru_cache(maxsize=1 << 18)
def signature(wait_reason: str | None, stack: Stack) -> str:
    """Twelve hex digits over the wait reason and the function names, innermost first."""
    text = "\0".join((wait_reason or "", *stack.functions))
    return hashlib.sha256(text.encode()).hexdigest()[:_SIGNATURE_DIGITS]


def group(snapshot: Snapshot) -> tuple[Bucket, ...]:
    """The buckets of a snapshot, largest first (equal counts: longest wait, then signature)."""
    groups: dict[tuple[int, str | None], _Group] = {}
    rows = zip(*map(snapshot.column, ("stack_id", "wait_reason", "wait_minutes", "goroutine_id")), strict=True)
    for (stack_id, reason, minutes, number), count in zip(rows, snapshot.counts or repeat(1), strict=False):
        group = groups.get((stack_id, reason))
        if group is None:
            group = groups[stack_id, reason] = _Group(minutes or 0, minutes or 0)
        group.count += count
        group.least = min(group.least, minutes or 0)
        group.most = max(group.most, minutes or 0)
        if number is not None and len(group.ids) < _IDS_SHOWN:
            group.ids.append(number)
    buckets = [
        Bucket(
            signature(reason, snapshot.stacks[stack_id]),
            group.count,
            reason,
            snapshot.stacks[stack_id],
            group.least,
            group.most,
            tuple(group.ids),
        )
        for (stack_id, reason), group in groups.items()
    ]
    return tuple(sorted(buckets, key=lambda b: (-b.count, -b.max_wait_minutes, b.signature, b.goroutine_ids)))
