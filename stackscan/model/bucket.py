"""Groups goroutines that are in the same place for the same reason."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, starmap
from operator import itemgetter
from typing import Final, overload

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


#: The fields of a bucket.
_Row = tuple[str, int, str | None, Stack, int, int, tuple[int, ...]]
_SIGNATURE, _COUNT, _REASON, _STACK, _LONGEST, _IDS = 0, 1, 2, 3, 5, 6


class Buckets(Sequence[Bucket]):
    """Buckets that are made when somebody looks at them: of 100,000, most reports show ten."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self._rows = rows

    @overload
    def __getitem__(self, place: int) -> Bucket: ...
    @overload
    def __getitem__(self, place: slice) -> Buckets: ...
    def __getitem__(self, place: int | slice) -> Bucket | Buckets:
        return Buckets(self._rows[place]) if isinstance(place, slice) else Bucket(*self._rows[place])

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Bucket]:
        return starmap(Bucket, self._rows)

    def without(self, left_out: Collection[tuple[Stack, str | None]]) -> Buckets:
        """Those with other stacks and wait reasons, in the same order."""
        if not left_out:
            return self
        return Buckets([row for row in self._rows if (row[_STACK], row[_REASON]) not in left_out])

    def with_first(self, stacks: Collection[Stack]) -> Buckets:
        """The same, those of some stacks before the others."""
        return Buckets(sorted(self._rows, key=lambda row: row[_STACK] not in stacks)) if stacks else self


def group(snapshot: Snapshot) -> Buckets:
    """The buckets of a snapshot, largest first (equal counts: longest wait, then signature)."""
    minutes, ids, stacks = snapshot.column("wait_minutes"), snapshot.column("goroutine_id"), snapshot.stacks
    sign = signature if len(stacks) <= _MANY else _signed
    counts = snapshot.counts
    found: list[_Row] = []
    for (stack_id, reason), rows in snapshot.cells.items():
        stack = stacks[stack_id]
        name = sign(reason, stack)
        if len(rows) == 1:
            row = rows[0]
            wait, number = minutes[row] or 0, ids[row]
            known = () if number is None else (number,)
            found.append((name, 1 if counts is None else counts[row], reason, stack, wait, wait, known))
            continue
        waits = [minutes[row] or 0 for row in rows]
        shown = tuple(islice((number for row in rows if (number := ids[row]) is not None), _IDS_SHOWN))
        found.append((name, snapshot.count(rows), reason, stack, min(waits), max(waits), shown))
    # One order after the other, the last in rank first: most are sorted by some of them, and texts and numbers compare
    # faster than tuples of both.
    found.sort(key=itemgetter(_IDS))
    found.sort(key=itemgetter(_SIGNATURE))
    found.sort(key=itemgetter(_LONGEST), reverse=True)
    found.sort(key=itemgetter(_COUNT), reverse=True)
    return Buckets(found)
