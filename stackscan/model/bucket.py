"""Groups goroutines that are in the same place for the same reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import Final

from stackscan.model.snapshot import Snapshot, Stack

_IDS_SHOWN: Final = 20
_SIGNATURE_DIGITS: Final = 12
#: Signatures that are kept for the next capture of a program.
_KEPT: Final = 1 << 16
#: Of more stacks than this most will not be met again: their signatures are not kept.
_MANY: Final = 1 << 14


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


@lru_cache(maxsize=_KEPT)
def signature(wait_reason: str | None, stack: Stack) -> str:
    """Twelve hex digits over the wait reason and the function names, innermost first."""
    return _signed(wait_reason, stack)


def _signed(wait_reason: str | None, stack: Stack) -> str:
    text = "\0".join((wait_reason or "", *stack.functions))
    return hashlib.sha256(text.encode()).hexdigest()[:_SIGNATURE_DIGITS]


def group(snapshot: Snapshot) -> tuple[Bucket, ...]:
    """The buckets of a snapshot, largest first (equal counts: longest wait, then signature)."""
    minutes, ids, stacks = snapshot.column("wait_minutes"), snapshot.column("goroutine_id"), snapshot.stacks
    sign = signature if len(stacks) <= _MANY else _signed
    buckets = []
    for (stack_id, reason), rows in snapshot.cells.items():
        stack = stacks[stack_id]
        name, count = sign(reason, stack), snapshot.count(rows)
        if len(rows) == 1:
            wait, number = minutes[rows[0]] or 0, ids[rows[0]]
            known = () if number is None else (number,)
            buckets.append(Bucket(name, count, reason, stack, wait, wait, known))
            continue
        waits = [minutes[row] or 0 for row in rows]
        shown = tuple(islice((number for row in rows if (number := ids[row]) is not None), _IDS_SHOWN))
        buckets.append(Bucket(name, count, reason, stack, min(waits), max(waits), shown))
    # One order after the other, the last in rank first: most are sorted by some of them, and texts and numbers compare
    # faster than tuples of both.
    buckets.sort(key=attrgetter("goroutine_ids"))
    buckets.sort(key=attrgetter("signature"))
    buckets.sort(key=attrgetter("max_wait_minutes"), reverse=True)
    buckets.sort(key=attrgetter("count"), reverse=True)
    return tuple(buckets)
