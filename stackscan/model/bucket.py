"""Groups goroutines that are in the same place for the same reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import polars as pl

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


def signature(wait_reason: str | None, stack: Stack) -> str:
    """Twelve hex digits over the wait reason and the function names, innermost first."""
    text = "\0".join((wait_reason or "", *stack.functions))
    return hashlib.sha256(text.encode()).hexdigest()[:_SIGNATURE_DIGITS]


def group(snapshot: Snapshot) -> tuple[Bucket, ...]:
    """The buckets of a snapshot, largest first (equal counts: longest wait, then signature)."""
    minutes = pl.col("wait_minutes").fill_null(0)
    table = snapshot.counted_rows.group_by("stack_id", "wait_reason").agg(
        pl.col("count").sum().alias("count"),
        minutes.min().alias("least"),
        minutes.max().alias("most"),
        pl.col("goroutine_id").drop_nulls().head(_IDS_SHOWN).alias("ids"),
    )
    buckets = [
        Bucket(
            signature(reason, snapshot.stacks[stack_id]),
            count,
            reason,
            snapshot.stacks[stack_id],
            least,
            most,
            tuple(ids),
        )
        for stack_id, reason, count, least, most, ids in table.iter_rows()
    ]
    return tuple(sorted(buckets, key=lambda b: (-b.count, -b.max_wait_minutes, b.signature, b.goroutine_ids)))
