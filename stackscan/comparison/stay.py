"""Who stayed: the same goroutine ids in the same stacks; and whether ids can be compared at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from stackscan.comparison.model import Stayed
from stackscan.model.snapshot import Snapshot, Stack

if TYPE_CHECKING:
    import polars as pl  # late elsewhere: a scan needs the data classes of comparisons only

#: Of the ids that two captures share, the part (1 in so many) that must be other goroutines to prove another process:
#: damage in a dump may give a goroutine a neighbour's creator, a restart changes most.
_PROOF: Final = 20
_LAG: Final = 5.0  # seconds by which the time of a capture may be off
_COLLECTION: Final = 2  # minutes until a garbage collection is forced


def rows(snapshot: Snapshot, signature: Callable[[str | None, Stack], str]) -> pl.DataFrame:
    """One row a goroutine whose id is told: id, signature, exact stack, creator (null: not told), minutes."""
    import polars as pl

    known = snapshot.rows.filter(pl.col("goroutine_id").is_not_null())
    pairs = known.select("stack_id", "wait_reason").unique()
    keys = pl.DataFrame(
        [(stack_id, reason, signature(reason, snapshot.stacks[stack_id])) for stack_id, reason in pairs.iter_rows()],
        schema={"stack_id": pl.UInt32, "wait_reason": pl.String, "signature": pl.String},
        orient="row",
    )
    stacks = pl.DataFrame(
        [(n, _exact(stack), _creator(stack)) for n, stack in enumerate(snapshot.stacks)],
        schema={"stack_id": pl.UInt32, "stack": pl.String, "creator": pl.String},
        orient="row",
    )
    return (
        known.join(keys, on=["stack_id", "wait_reason"], nulls_equal=True)
        .join(stacks, on="stack_id")
        .select("goroutine_id", "signature", "stack", "creator", pl.col("wait_minutes").fill_null(0).alias("minutes"))
        .unique("goroutine_id")  # a goroutine listed twice is one
    )


def _exact(stack: Stack) -> str:
    """A stack down to its lines: a goroutine that has moved within a function has moved."""
    return "\n".join(f"{frame.function} {frame.file}:{frame.line}" for frame in stack.frames)


def _creator(stack: Stack) -> str | None:
    """The ``go`` statement, with its line: another build is another process."""
    creator = stack.created_by
    return None if creator is None else f"{creator.function} {creator.file}:{creator.line}"


def broken(before: pl.DataFrame, after: pl.DataFrame) -> str | None:
    """Why two captures cannot be of one process in this order, None when they can.

    A goroutine keeps its id and its creator for life, and ids are never used again (runtime/proc.go, newproc1).
    """
    import polars as pl

    if before.is_empty() or after.is_empty():
        return None
    both = before.join(after, on="goroutine_id", suffix="_after")
    if both.is_empty():
        return "no common goroutine id: another process"
    told = both.filter(pl.col("creator").is_not_null() & pl.col("creator_after").is_not_null())
    others = told.filter(pl.col("creator") != pl.col("creator_after")).height
    if others * _PROOF > len(told):
        return f"{others:,} of {len(told):,} common ids are other goroutines: another process, or a restart"
    same = both.filter(pl.col("stack") == pl.col("stack_after"))
    going_on = same.filter((pl.col("minutes") > 0) & (pl.col("minutes_after") >= pl.col("minutes"))).height
    if going_on or not _backwards(before, after):
        return None
    return "ids and waits go backwards: a restart, or captures that are not in time order"


def _backwards(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    """Whether both the highest id and the longest wait fell."""
    tops = [(table["goroutine_id"].max(), table["minutes"].max()) for table in (before, after)]
    (id_before, wait_before), (id_after, wait_after) = tops
    return bool(id_after < id_before and wait_after < wait_before)  # type: ignore[operator]  # tables are not empty


def still(tables: Sequence[pl.DataFrame], intervals: Sequence[float] | None) -> pl.DataFrame:
    """The goroutines that are in the same stack in every table (of :func:`rows`): id, signature, minutes in each table
    (``minutes_0``, …), and whether each ``woke`` and ``advanced`` (:class:`~stackscan.comparison.model.Stayed`).

    ``intervals`` are the seconds between neighbours (None: not known).
    """
    import polars as pl

    kept = tables[0].select("goroutine_id", "signature", "stack", minutes_0="minutes")
    for place, table in enumerate(tables[1:], start=1):
        later = table.select("goroutine_id", "signature", "stack", pl.col("minutes").alias(f"minutes_{place}"))
        kept = kept.join(later, on=["goroutine_id", "signature", "stack"])
    minutes = [pl.col(f"minutes_{place}").cast(pl.Int64) for place in range(len(tables))]
    woke = pl.any_horizontal(*(later < earlier for earlier, later in pairwise(minutes)))
    return kept.with_columns(woke.alias("woke"), (_advanced(minutes, intervals) & ~woke).alias("advanced"))


def stayed(kept: pl.DataFrame) -> dict[str, Stayed]:
    """Those of :func:`still`, counted by signature."""
    import polars as pl

    last = [name for name in kept.columns if name.startswith("minutes_")][-1]
    grouped = kept.group_by("signature").agg(
        pl.len().alias("goroutines"), pl.col("woke").sum(), pl.col("advanced").sum()
    )
    told = (kept[last] > 0).any()
    return {
        signature: Stayed(count, int(back), int(advanced) if told else None)
        for signature, count, back, advanced in grouped.iter_rows()
    }


def _advanced(minutes: Sequence[pl.Expr], intervals: Sequence[float] | None) -> pl.Expr:
    """Whether a wait grew by about the time that passed, between neighbours and over all captures.

    Minutes are whole and printed from one on, and the clock starts at the first garbage collection after parking, at
    most two minutes later (runtime/proc.go, forcegcperiod): a wait that showed none may be that much behind.
    """
    import polars as pl

    grew = minutes[-1] > 0
    if intervals is None:
        return grew & (minutes[-1] > minutes[0])
    spans = [*zip(pairwise(minutes), intervals, strict=True), ((minutes[0], minutes[-1]), sum(intervals))]
    for (earlier, later), seconds in spans:
        least = max(int((seconds - _LAG) // 60), 0)
        behind = pl.when(earlier == 0).then(_COLLECTION).otherwise(0)
        grown = later - earlier
        grew &= (grown >= least - behind) & (grown <= int((seconds + _LAG) // 60) + 1)
    return grew
