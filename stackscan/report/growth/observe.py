"""What of a capture the judgement over several needs: counts and ids by place, and what tells its process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from stackscan.model.snapshot import Frame, Snapshot
from stackscan.report.model import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, place_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Ids: TypeAlias = "npt.NDArray[np.uint64]"
_WORD: Final = (1 << 64) - 1
#: An odd number that spreads small ones over 64 bits.
_SPREAD: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Observation:
    """One capture, small enough to keep many of them.

    ``stacks`` are its stacks by place, largest first. ``ids`` are the goroutine ids in each place, sorted; ``started``
    maps each id to what its goroutine was started by, for life (a hash; 0: not told). Both are empty where the format
    has no ids. ``leaked`` counts goroutines that Go's detector marked, by deciding function. ``code`` are the code
    positions on its stacks, as hashes; it and ``addresses`` are sorted.
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
    addresses: Ids = field(repr=False)
    code: Ids = field(repr=False)
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
    numbers, rows = _numbered(snapshot)
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
        ids=_ids(snapshot, numbers, rows, places),
        started=(numbers, _started(snapshot, rows)),
        build_id=snapshot.build_id,
        addresses=_distinct(address & _WORD for address in snapshot.addresses),
        code=_distinct({_position(frame) for stack in snapshot.stacks for frame in stack.frames}),
        leaked=_leaked(snapshot, places),
        leak_profile=report.leak_profile,
    )


def _distinct(numbers: Iterable[int]) -> Ids:
    import numpy as np

    return np.unique(np.fromiter(numbers, dtype=np.uint64))


@lru_cache(maxsize=1 << 15)
def _position(frame: Frame) -> int:
    """A number for a line of a function."""
    return _number(f"{frame.function}:{frame.line}")


def _leaked(snapshot: Snapshot, places: Mapping[tuple[int, str | None], CodePlace]) -> Counter[str | None]:
    """The goroutines that are marked as leaked, by deciding function."""
    found: Counter[str | None] = Counter()
    for (stack_id, reason, leaked), count in snapshot.counts_by("stack_id", "wait_reason", "leaked").items():
        place = places.get((id(snapshot.stacks[stack_id]), reason)) if leaked else None
        if place is not None:
            found[place[0]] += count
    return found


def _numbered(snapshot: Snapshot) -> tuple[Ids, Sequence[int]]:
    """The goroutine ids, sorted, each once, and a row of each."""
    import numpy as np

    numbers = snapshot.column("goroutine_id")
    rows = [row for row, number in enumerate(numbers) if number is not None]
    found, first = np.unique(np.array([numbers[row] for row in rows], dtype=np.uint64), return_index=True)
    return found, [rows[place] for place in first.tolist()]


def _ids(
    snapshot: Snapshot, numbers: Ids, rows: Sequence[int], places: Mapping[tuple[int, str | None], CodePlace]
) -> dict[CodePlace, Ids]:
    """The ids of the goroutines in each place, sorted."""
    stack_ids, reasons = snapshot.column("stack_id"), snapshot.column("wait_reason")
    found: dict[tuple[int, str | None], list[int]] = {}
    for at, row in enumerate(rows):
        found.setdefault((stack_ids[row], reasons[row]), []).append(at)
    joined: dict[CodePlace, list[int]] = {}
    for (stack_id, reason), held in found.items():
        place = places.get((id(snapshot.stacks[stack_id]), reason))
        if place is not None:
            joined.setdefault(place, []).extend(held)
    return {place: numbers[sorted(held)] for place, held in joined.items()}


def _started(snapshot: Snapshot, rows: Sequence[int]) -> Ids:
    """For each goroutine a hash of the ``go`` statement, its line, and the goroutine that ran it; 0: not told. The same
    in every process."""
    import numpy as np

    stack_ids, creators = snapshot.column("stack_id"), snapshot.column("creator_id")
    by = np.array([_hash(stack.created_by) for stack in snapshot.stacks], dtype=np.uint64)
    hashed: Ids = by[np.array([stack_ids[row] for row in rows], dtype=np.intp)] if rows else np.zeros(0, np.uint64)
    known = np.array([creators[row] is not None for row in rows], dtype=np.uint64)
    creator = np.array([creators[row] or 0 for row in rows], dtype=np.uint64)
    return np.where(hashed == 0, hashed, (hashed ^ (creator * np.uint64(_SPREAD)) ^ known) | np.uint64(1 << 63))


@lru_cache(maxsize=1 << 14)
def _hash(creator: Frame | None) -> int:
    """A number for a ``go`` statement, not 0; 0 for none."""
    if creator is None:
        return 0
    return _number(f"{creator.function} {creator.file}:{creator.line}") | 1


def _number(text: str) -> int:
    """A hash of 64 bits, the same in every process."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
