"""Event: one error that a program reported, with its stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stackscan.model.snapshot import Frame, Problem

#: Characters of a message that are kept.
LONGEST: Final = 200
#: Frames, innermost first.
Frames = tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What an event says: the error's type and message, who reported it, and whether the program panicked or died."""

    message: str = ""
    kind: str = ""
    tool: str = "a log"
    crashed: bool = False

    @property
    def words(self) -> str:
        """``*errors.errorString "no such cart"``."""
        quoted = f'"{self.message}"' if self.message else ""
        return " ".join(part for part in (self.kind, quoted) if part)


@dataclass(frozen=True, slots=True)
class Event:
    """One error with its stack; ``line`` is the 1-based line of the text that it begins in.

    ``goroutine_id`` and ``state`` are None where it does not say them. ``said`` is None for another thread of the
    program that a crash report lists.
    """

    line: int
    frames: Frames
    said: Said | None
    created_by: Frame | None = None
    goroutine_id: int | None = None
    state: str | None = None
    partial: bool = False


@dataclass(slots=True)
class Found:
    """Events in a part of a text, with the bytes in which they stand, and what could not be read."""

    begin: int
    end: int
    events: list[Event]
    problems: list[Problem] = field(default_factory=list)


def one_line(text: str) -> str:
    """The first line of a message that says something, bounded."""
    lines = (line.strip() for line in text[: 8 * LONGEST].splitlines())
    return next((line for line in lines if line), "")[:LONGEST]


def covers(frames: Frames, others: Frames) -> bool:
    """Whether a stack has all functions of another one, in their order: it is the same goroutine further out."""
    functions = iter(frame.function for frame in frames)
    return all(any(other.function == function for function in functions) for other in others)


def apart(stacks: list[Frames]) -> list[Frames]:
    """The stacks of one error without those that another covers, the deepest first."""
    kept: list[Frames] = []
    for frames in sorted(stacks, key=len, reverse=True):
        if not any(covers(other, frames) for other in kept):
            kept.append(frames)
    return kept
