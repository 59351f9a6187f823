"""What of a capture the judgement over several needs: counts and ids by place, and what tells its process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from stackscan.model.snapshot import Frame, Snapshot
from stackscan.report.growth.stacks import Ids, Stacks, same
from stackscan.report.model import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, place_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Indices: TypeAlias = "npt.NDArray[np.uint32]"
_WORD: Final = (1 << 64) - 1
#: An odd number that spreads small ones over 64 bits.
_SPREAD: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Observation:
    """One capture, small enough to keep many of them.

    ``places`` are where its goroutines are; of each, ``counts`` says how many, ``longest_minutes`` how long the oldest
    waits, ``largest`` the largest stack. ``started`` maps each goroutine id, sorted, to what its goroutine was started
    by, for life (a hash; 0: not told); ``place_indices`` has the place of each id (``len(places)``: none). Both are
    empty where the format has no ids. ``leaked`` counts goroutines that Go's detector marked, by deciding function.
    ``code`` are the code positions on its stacks, as hashes; it and ``addresses`` are sorted.
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
    places: tuple[CodePlace, ...]
    counts: tuple[int, ...]
    longest_minutes: tuple[int, ...]
    largest: Stacks
    started: tuple[Ids, Ids]
    place_indices: Indices = field(repr=False)
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
        return not self.total or any(by is not None for _, by, _ in self.places)

    @property
    def tells_reasons(self) -> bool:
        """Whether the format has wait reasons (a dump without goroutines hides none)."""
        return not self.total or any(reason is not None for _, _, reason in self.places)

    def ids(self, narrow: Callable[[CodePlace], CodePlace]) -> dict[CodePlace, Ids]:
        """The goroutine ids in each place, sorted; ``narrow`` says of a place which one it counts as."""
        import numpy as np

        narrowed = [narrow(place) for place in self.places]
        indices = {place: at for at, place in enumerate(dict.fromkeys(narrowed))}
        where = np.array([*map(indices.__getitem__, narrowed), len(indices)], dtype=np.intp)[self.place_indices]
        order = np.argsort(where, kind="stable")
        ends = np.searchsorted(where[order], np.arange(len(indices) + 1)).tolist()
        return {place: self.started[0][order[ends[at] : ends[at + 1]]] for place, at in indices.items()}


def observe(
    report: SnapshotReport, snapshot: Snapshot, captured_at: datetime | None = None, host: str | None = None
) -> Observation:
    """The observation of one capture; its report must have all buckets."""
    stacks: dict[CodePlace, list[StackReport]] = {}
    places: dict[tuple[int, str | None], CodePlace] = {}
    for found in report.buckets:
        place = same(place_of(found))
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
        places=tuple(stacks),
        counts=tuple(sum(found.bucket.count for found in each) for each in stacks.values()),
        longest_minutes=tuple(max(found.bucket.max_wait_minutes for found in each) for each in stacks.values()),
        largest=Stacks.of(each[0] for each in stacks.values()),  # buckets are sorted
        started=(numbers, _started(snapshot, rows)),
        place_indices=_place_indices(snapshot, rows, places, {place: at for at, place in enumerate(stacks)}),
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


def _place_indices(
    snapshot: Snapshot,
    rows: Sequence[int],
    places: Mapping[tuple[int, str | None], CodePlace],
    indices: Mapping[CodePlace, int],
) -> Indices:
    """For each of these rows the index of its place; of a row without one, the number of places."""
    import numpy as np

    stacks, stack_ids, reasons = snapshot.stacks, snapshot.column("stack_id"), snapshot.column("wait_reason")
    known: dict[tuple[int, str | None], int] = {}
    found = np.empty(len(rows), dtype=np.uint32)
    for at, row in enumerate(rows):
        key = (stack_ids[row], reasons[row])
        index = known.get(key)
        if index is None:
            place = places.get((id(stacks[key[0]]), key[1]))
            index = known[key] = len(indices) if place is None else indices[place]
        found[at] = index
    return found


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
