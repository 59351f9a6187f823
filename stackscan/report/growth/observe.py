"""What of a capture the judgement over several needs: counts and ids by place, and what tells its process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.model.snapshot import Snapshot, Stack
from stackscan.report.model import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, place_of

Ids = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Observation:
    """One capture, small enough to keep many of them.

    ``stacks`` are its stacks by place, largest first. ``ids`` are the goroutine ids in each place, sorted; ``started``
    maps each id to what its goroutine was started by, for life (a hash; 0: not told). Both are empty where the format
    has no ids. ``leaked`` counts goroutines that Go's detector marked, by deciding function. ``code`` are the code
    positions on its stacks.
    """

    source: str
    member: str | None
    position: int
    stream: str
    format: str
    total: int
    complete: bool
    captured_at: datetime | None
    host: str | None
    stacks: Mapping[CodePlace, tuple[StackReport, ...]]
    ids: Mapping[CodePlace, Ids]
    started: tuple[Ids, Ids]
    build_id: str | None
    addresses: frozenset[int] = field(repr=False)
    code: frozenset[tuple[str, int]] = field(repr=False)
    leaked: Mapping[str | None, int]
    leak_profile: bool

    @property
    def has_ids(self) -> bool:
        """Whether every goroutine has an id."""
        return len(self.started[0]) > 0 or not self.total

    @property
    def tells_creators(self) -> bool:
        """Whether the format has creators (a dump without goroutines hides none)."""
        return not self.total or any(by is not None for _, by, _ in self.stacks)

    @property
    def tells_reasons(self) -> bool:
        """Whether the format has wait reasons (a dump without goroutines hides none)."""
        return not self.total or any(reason is not None for _, _, reason in self.stacks)


def observe(
    report: SnapshotReport, snapshot: Snapshot, captured_at: datetime | None = None, host: str | None = None
) -> Observation:
    """The observation of one capture; its report must have all buckets."""
    stacks: dict[CodePlace, list[StackReport]] = {}
    places: dict[tuple[int, str | None], CodePlace] = {}
    for found in report.buckets:
        place = place_of(found)
        stacks.setdefault(place, []).append(found)
        places[id(found.bucket.stack), found.bucket.wait_reason] = place
    known = snapshot.rows.filter(pl.col("goroutine_id").is_not_null()).unique("goroutine_id").sort("goroutine_id")
    return Observation(
        source=report.source,
        member=report.member,
        position=report.position,
        stream=report.stream,
        format=report.format,
        total=report.goroutines,
        complete=report.complete,
        captured_at=captured_at or snapshot.captured_at,
        host=host,
        stacks={place: tuple(each) for place, each in stacks.items()},
        ids=_ids(known, snapshot.stacks, places),
        started=(known["goroutine_id"].to_numpy(), _started(known, snapshot.stacks)),
        build_id=snapshot.build_id,
        addresses=snapshot.addresses,
        code=frozenset((frame.function, frame.line) for stack in snapshot.stacks for frame in stack.frames),
        leaked=_leaked(snapshot, places),
        leak_profile=report.leak_profile,
    )


def _leaked(snapshot: Snapshot, places: Mapping[tuple[int, str | None], CodePlace]) -> Counter[str | None]:
    """The goroutines that are marked as leaked, by deciding function."""
    found: Counter[str | None] = Counter()
    for (stack_id, reason, leaked), count in snapshot.counts_by("stack_id", "wait_reason", "leaked").items():
        place = places.get((id(snapshot.stacks[stack_id]), reason)) if leaked else None
        if place is not None:
            found[place[0]] += count
    return found


def _ids(
    known: pl.DataFrame, stacks: tuple[Stack, ...], places: Mapping[tuple[int, str | None], CodePlace]
) -> dict[CodePlace, Ids]:
    """The ids of the goroutines in each place, sorted."""
    found: dict[CodePlace, list[Ids]] = {}
    grouped = known.group_by("stack_id", "wait_reason").agg("goroutine_id")
    for stack_id, reason, ids in grouped.iter_rows():
        place = places.get((id(stacks[stack_id]), reason))
        if place is not None:
            found.setdefault(place, []).append(np.array(ids, dtype=np.uint64))
    return {place: np.sort(np.concatenate(each)) for place, each in found.items()}


def _started(known: pl.DataFrame, stacks: tuple[Stack, ...]) -> Ids:
    """For each goroutine a hash of the ``go`` statement, its line, and the goroutine that ran it; 0: not told."""
    creators = [None if (by := stack.created_by) is None else f"{by.function} {by.file}:{by.line}" for stack in stacks]
    table = pl.DataFrame(
        {"stack_id": range(len(stacks)), "by": creators}, schema={"stack_id": pl.UInt32, "by": pl.String}
    )
    joined = known.join(table, on="stack_id", how="left", maintain_order="left").select("by", "creator_id")
    hashed = pl.when(pl.col("by").is_null()).then(0).otherwise(pl.struct("by", "creator_id").hash())
    return joined.select(hashed.cast(pl.UInt64).alias("hash"))["hash"].to_numpy()
