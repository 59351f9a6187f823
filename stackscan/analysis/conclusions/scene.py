"""Conclusions with their stacks and names: as they are, to argue with, and as they may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stackscan.analysis.finding import Step
from stackscan.formats.symbol import origin
from stackscan.model.conclusion import Conclusion, Role
from stackscan.model.snapshot import Frame, Snapshot, Stack


@dataclass(frozen=True)
class Part:
    """One role: its goroutine, its stack as it is and as it may be shown, and the frame to look at in both."""

    role: Role
    goroutine_id: int | None
    stack_id: int
    stack: Stack
    shown: Stack
    wait_reason: str | None

    @cached_property
    def place(self) -> int | None:
        """The index of the frame to look at: the first from the role's outward outside the standard library; None for
        no frames. Where all are inside, the role's; of a leaked goroutine the outermost, which says what it is for."""
        if self.role.frame is None or not self.stack.frames:
            return None
        frames = range(self.role.frame, len(self.stack.frames))
        instead = frames[-1] if self.role.does == "leaked" else self.role.frame
        return next((at for at in frames if origin(self.stack.frames[at]).kind != "std"), instead)

    @property
    def frame(self) -> Frame | None:
        """That frame as it may be shown."""
        return None if self.place is None else self.shown.frames[self.place]

    @property
    def real_frame(self) -> Frame | None:
        """That frame as the text has it."""
        return None if self.place is None else self.stack.frames[self.place]

    def step(self, does: str | None = None) -> Step:
        """The role as a step of a cause."""
        ids = () if self.goroutine_id is None else (self.goroutine_id,)
        return Step(ids, 1, self.role.does if does is None else does, self.frame)


@dataclass(frozen=True)
class Told:
    """One conclusion with its parts; ``shown`` is what of it may be shown."""

    conclusion: Conclusion
    shown: Conclusion
    parts: tuple[Part, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows of its goroutines, the culprit's first."""
        return tuple(dict.fromkeys(part.role.row for part in self.parts))

    @property
    def argument(self) -> str:
        """Who says so, and in which words where they may be shown."""
        return f"{self.shown.tool} says so" + (f": {self.shown.says}" if self.shown.says else "")


def tellings(snapshot: Snapshot, shown: Snapshot) -> list[Told]:
    """The conclusions of a snapshot, in the order of the text."""
    if not snapshot.conclusions:
        return []
    stack_ids = snapshot.column("stack_id")
    ids = snapshot.column("goroutine_id")
    reasons = shown.column("wait_reason")

    def part(role: Role) -> Part:
        stack_id = stack_ids[role.row] if role.stack is None else role.stack
        stack, public = snapshot.stacks[stack_id], shown.stacks[stack_id]
        return Part(role, ids[role.row], stack_id, stack, public, reasons[role.row])

    pairs = zip(snapshot.conclusions, shown.conclusions, strict=True)
    return [Told(one, public, tuple(map(part, one.roles))) for one, public in pairs]


def deciding(parts: Sequence[Part]) -> dict[int, int]:
    """The index of the frame to look at by stack, of the parts that are where their goroutine is."""
    return {part.stack_id: part.place for part in parts if part.role.stack is None and part.place is not None}
