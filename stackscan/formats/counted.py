"""Turns counts of stacks into rows of a snapshot: the part that debug=1 text and protobuf share.

A counted profile has the stack, labels and number of goroutines; id, wait reason, creator and wait time are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from stackscan.model.snapshot import Frame, Stack
from stackscan.model.table import Table
from stackscan.sources import limits

#: Goroutines that the profiles of one text may claim together.
MOST_GOROUTINES: Final = limits.MAX_GOROUTINES
#: Frames that the runtime keeps of a stack, the innermost: 32 up to Go 1.22, 128 since (GODEBUG=profstackdepth).
DEPTH_LIMITS: Final = (32, 128)


@dataclass(frozen=True, slots=True)
class Record:
    """``count`` equal goroutines of a profile. None: not in the profile."""

    count: int
    stack_id: int
    labels: str | None = None
    line: int | None = None
    leaked: bool | None = None
    goroutine_id: int | None = None
    creator_id: int | None = None
    wait_reason: str | None = None
    wait_minutes: int | None = None
    locked: bool | None = None
    attributes: str | None = None
    thread: str | None = None


class Stacks:
    """The distinct stacks of one profile, in the order of first use.

    Frames must be interned (one object for equal ones): stacks are compared by identity of frames, since hashing them
    would cost more than all else.
    """

    def __init__(self) -> None:
        self._stacks: list[Stack] = []
        self._ids: dict[tuple[int, ...], int] = {}

    def id_of(self, frames: Sequence[Frame], *, partial: bool = False, created_by: Frame | None = None) -> int:
        """The id of the stack of these frames, innermost first; ``partial``: an unknown number is missing."""
        key = (partial, id(created_by), *map(id, frames))
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._stacks)
            self._stacks.append(Stack(tuple(frames), created_by, elided=None if partial else 0))
        return found

    def all(self) -> tuple[Stack, ...]:
        """The stacks by id."""
        return tuple(self._stacks)


def rows(records: Sequence[Record]) -> tuple[Table, tuple[int, ...] | None]:
    """The rows of a snapshot, one a record, and how many goroutines each stands for (None: one each)."""
    columns = [field.name for field in fields(Record) if field.name != "count"]
    table = Table.of_lists({name: list(map(attrgetter(name), records)) for name in columns})
    if all(record.count == 1 for record in records):
        return table, None
    return table, tuple(record.count for record in records)


def depth_limit(depths: Iterable[int]) -> int | None:
    """The most frames that this profile keeps of a stack, by its deepest: 32, 128, or None when none was cut."""
    deepest = max(depths, default=0)
    return deepest if deepest in DEPTH_LIMITS else None


def dialect(evidence: Iterable[str]) -> str | None:
    """``["1.15", "1.9"]`` → ``"Go 1.15 or later"``: the newest of the oldest versions that print what was seen."""
    versions = sorted(evidence, key=lambda version: tuple(map(int, version.split("."))))
    return f"Go {versions[-1]} or later" if versions else None
