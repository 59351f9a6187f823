"""The words of a snapshot's argument lists beside the frames that they stand in, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackscan.model.snapshot import Frame, Snapshot, Stack

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Addresses = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Places:
    """All frames of all stacks in one row, stack behind stack: what is true of frames becomes an array over them."""

    stacks: Sequence[Stack]
    first: Integers  # where each stack's frames begin

    @classmethod
    def of(cls, stacks: Sequence[Stack]) -> Places:
        """The frames of some stacks."""
        return cls(stacks, np.cumsum([0, *(len(stack.frames) for stack in stacks)]))

    def numbers(self, of: Callable[[Frame], int]) -> Integers:
        """One number a frame; each distinct frame is asked once."""
        known: dict[Frame, int] = {}
        for stack in self.stacks:
            for frame in stack.frames:
                if frame not in known:
                    known[frame] = of(frame)
        return np.array([known[frame] for stack in self.stacks for frame in stack.frames], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class WordTable:
    """Words with their goroutine (a row of the snapshot), stack, frame, position, and whether they are reliable.

    ``place`` is the frame as an index into arrays over :class:`Places`.
    """

    goroutine: Integers
    stack: Integers
    place: Integers
    frame: Integers
    position: Integers
    word: Addresses
    reliable: Flags

    @classmethod
    def of(cls, snapshot: Snapshot, places: Places, frames: Collection[Frame]) -> WordTable | None:
        """The words of these frames; None where the format prints none."""
        table = snapshot.arguments(frames)
        if table is None:
            return None
        goroutine = table["goroutine"].to_numpy().astype(np.int64)
        stack = snapshot.rows["stack_id"].to_numpy().astype(np.int64)[goroutine]
        frame = table["frame"].to_numpy().astype(np.int64)
        position = table["position"].to_numpy().astype(np.int64)
        place = places.first[stack] + frame
        return cls(goroutine, stack, place, frame, position, table["word"].to_numpy(), table["reliable"].to_numpy())

    def take(self, which: Flags | Integers) -> WordTable:
        """Some of the words."""
        return WordTable(*(getattr(self, name)[which] for name in self.__dataclass_fields__))
