"""What reads the source of frames: for most dumps there is none, so that what understands Go is loaded for the first
frame that has some."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stackscan.formats.symbol import origin
from stackscan.golang.roots import Sources
from stackscan.model.snapshot import Frame

if TYPE_CHECKING:
    from stackscan.golang.program import Program
    from stackscan.golang.reading import FrameReader, Reading


class Reader:
    """Reads frames with the source that a finder finds. ``told`` are the notes that were said."""

    def __init__(self, finder: Sources) -> None:
        self._finder = finder
        self.told: set[str] = set()
        self.has = lru_cache(maxsize=65536)(self._has)

    @cached_property
    def _frames(self) -> FrameReader:
        from stackscan.golang.reading import FrameReader

        return FrameReader(self._finder)

    def _has(self, frame: Frame) -> bool:
        """Whether a file is at hand that may hold the source of a frame. The library's own locks are right, and its
        release is rarely the one at hand."""
        if frame.line < 1 or origin(frame).kind == "std":
            return False
        return next(self._finder.candidates(frame), None) is not None

    def path(self, frame: Frame) -> Path | None:
        """The path of a frame's file on this machine; None where there is none, and for files in archives."""
        return self._finder.path(frame)

    def frame(self, frame: Frame, callee: str = "", reason: str = "") -> Reading | None:
        """The source of a frame; ``callee`` is the function of the next inner frame, ``reason`` why the innermost one
        waits. None where no source is found, or where it is of another version."""
        return self._frames.frame(frame, callee, reason) if self.has(frame) else None

    def program(self, reading: Reading) -> Program | None:
        """The package of a reading as a whole: who does what with which objects; None where it nests too deep to be
        read, or where so much was read already."""
        return self._frames.program(reading)

    def begin_input(self) -> None:
        """Another input: what may be read for it does not depend on those before it."""
        if "_frames" in self.__dict__:
            self._frames.begin_input()

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it: one that has read nothing yet, and searches in the same places."""
        return Reader, (self._finder,)

    @property
    def mismatched(self) -> Mapping[str, str]:
        """Files that are of another version: the line of a frame lies in another function there."""
        return self._frames.mismatched if "_frames" in self.__dict__ else {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read or is of another version, in words."""
        return (*self._finder.notes, *(self._frames.notes if "_frames" in self.__dict__ else ()))

    def new_notes(self) -> tuple[str, ...]:
        """The notes that were not asked for before: each is said once."""
        new = tuple(note for note in self.notes if note not in self.told)
        self.told.update(new)
        return new
