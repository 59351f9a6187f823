"""Groups goroutines that are in the same place for the same reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
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


@lru_cache(maxsize=1 << 18)
def signature(wait_reason: str | None, stack: Stack) -> str:
    """Twelve hex digits over the wait reason and the function names, innermost first."""
    text = "\0".join((wait_reason or "", *stack.functions))
    return hashlib.sha256(text.encode()).hexdigest()[:_SIGNATURE_DIGITS]


def group(snapshot: Snapshot) -> tuple[Bucket, ...]:
    """The buckets of a snapshot, largest first (equal counts: longest wait, then signature)."""
    minutes, ids = snapshot.column("wait_minutes"), snapshot.column("goroutine_id")
    buckets = []
    for (stack_id, reason), rows in snapshot.cells.items():
        waits = [minutes[row] or 0 for row in rows]
        known = (ids[row] for row in rows if ids[row] is not None)
        stack = snapshot.stacks[stack_id]
        buckets.append(
            Bucket(
                signature(reason, stack),
                snapshot.count(rows),
                reason,
                stack,
                min(waits),
                max(waits),
                tuple(islice(known, _IDS_SHOWN)),
            )
        )
    return tuple(sorted(buckets, key=lambda b: (-b.count, -b.max_wait_minutes, b.signature, b.goroutine_ids)))
