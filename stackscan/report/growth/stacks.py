"""The largest stack of each place, as columns: many captures are kept, and few of their stacks are asked for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from stackscan.model.bucket import Bucket
from stackscan.model.snapshot import Stack
from stackscan.report.model import Fold, FrameReport, StackReport

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Ids: TypeAlias = "npt.NDArray[np.uint64]"
Value = TypeVar("Value", bound=Hashable)


def same(value: Value) -> Value:
    """The first value that was equal to this one: captures of a program then share it."""
    return cast("Value", _first(value))


@lru_cache(maxsize=1 << 15)
def _first(value: Hashable) -> Hashable:
    return value


@dataclass(frozen=True, slots=True)
class Shape:
    """What the reports of a stack have in common in all captures: all but the numbers."""

    signature: str
    wait_reason: str | None
    stack: Stack
    lines: tuple[FrameReport | Fold, ...]
    rules: tuple[str, ...]
    aside: bool

    @classmethod
    def of(cls, found: StackReport) -> Shape:
        """The shape of a report; of equal ones the same object."""
        bucket = found.bucket
        return same(cls(bucket.signature, bucket.wait_reason, bucket.stack, found.lines, found.rules, found.aside))


@dataclass(frozen=True, slots=True)
class Stacks:
    """Stacks by their place in the columns: shapes, goroutines, shortest and longest wait in minutes, and ids, all in
    one array, ``shown`` so many of each stack."""

    shapes: tuple[Shape, ...]
    counts: tuple[int, ...]
    least_minutes: tuple[int, ...]
    most_minutes: tuple[int, ...]
    ids: Ids
    shown: tuple[int, ...]

    @classmethod
    def of(cls, reports: Iterable[StackReport]) -> Stacks:
        """The columns of some reports."""
        import numpy as np

        given = tuple(reports)
        buckets = [found.bucket for found in given]
        return cls(
            shapes=tuple(map(Shape.of, given)),
            counts=tuple(bucket.count for bucket in buckets),
            least_minutes=tuple(bucket.min_wait_minutes for bucket in buckets),
            most_minutes=tuple(bucket.max_wait_minutes for bucket in buckets),
            ids=np.fromiter(chain.from_iterable(bucket.goroutine_ids for bucket in buckets), dtype=np.uint64),
            shown=tuple(len(bucket.goroutine_ids) for bucket in buckets),
        )

    def report(self, place: int) -> StackReport:
        """The report of one stack again."""
        shape, first = self.shapes[place], sum(self.shown[:place])
        bucket = Bucket(
            shape.signature,
            self.counts[place],
            shape.wait_reason,
            shape.stack,
            self.least_minutes[place],
            self.most_minutes[place],
            tuple(self.ids[first : first + self.shown[place]].tolist()),
        )
        return StackReport(bucket, shape.lines, shape.rules, shape.aside)
