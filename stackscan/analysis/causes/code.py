"""What the source says of goroutines: which locks each holds, which it wants, and in which lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.causes.waiting import Waiting
from stackscan.analysis.locks import Lock
from stackscan.analysis.locks.model import LARGEST_OBJECT
from stackscan.formats.symbol import origin
from stackscan.golang.moment import COND_WAIT, UNWINDING
from stackscan.golang.names import Place
from stackscan.golang.reader import Reader
from stackscan.golang.reading import Reading, held
from stackscan.golang.state import Hold
from stackscan.model.snapshot import Frame

#: One lock in the code: the package, and where in it the lock lies.
Key = tuple[str, Place]


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that goroutines hold: in which frame of theirs, since which line, whether on every way there. ``more`` are
    other objects of the same type that they hold, too."""

    key: Key
    frame: int
    hold: Hold
    must: bool
    more: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """A lock that goroutines ask for, and whether for writing."""

    key: Key
    writing: bool


class Code:
    """The source of a scene's goroutines, read when asked for."""

    def __init__(self, scene: Scene, reader: Reader) -> None:
        self.scene = scene
        self.reader = reader
        self._readings: dict[int, dict[int, Reading]] = {}
        self._single: dict[tuple[int, int], Reading | None] = {}

    def reading(self, wait: Waiting, at: int) -> Reading | None:
        """The reading of one frame; None where its source is not known, or is the standard library's."""
        key = id(wait), at
        if key not in self._single:
            frame, inner = wait.frames[at], [each.function for each in wait.frames[:at]]
            callee = next((name for name in inner if name in UNWINDING), inner[-1] if inner else "")
            std = origin(frame).kind == "std"
            reason = "" if at else min(wait.reasons, default="")
            self._single[key] = None if std else self.reader.frame(frame, callee, reason)
        return self._single[key]

    def readings(self, wait: Waiting) -> dict[int, Reading]:
        """The readings of the frames outside the standard library, by index."""
        key = id(wait)
        if key not in self._readings:
            every = ((at, self.reading(wait, at)) for at in range(len(wait.frames)))
            self._readings[key] = {at: reading for at, reading in every if reading is not None}
        return self._readings[key]

    def is_read(self, wait: Waiting) -> bool:
        """Whether the source of all frames outside the standard library is known."""
        own = sum(origin(frame).kind != "std" for frame in wait.frames)
        return bool(own) and own == len(self.readings(wait))

    def place(self, wait: Waiting, held: Held) -> str:
        """Where a lock was taken: ``cache.go:83``; ``cache.go:83 or cache.go:90`` where it may be either."""
        file = self.readings(wait)[held.frame].excerpt.file.rpartition("/")[2]
        return " or ".join(f"{file}:{line}" for line in held.hold.lines)

    def held(self, wait: Waiting) -> dict[Key, Held]:
        """The locks that goroutines of a stack hold."""
        readings = self.readings(wait)
        hidden = self._waits_in_hidden_cond(wait, readings)
        found = {}
        for key, holds in held(readings).items():
            first, *more = (Held(key, at, hold, must and not hidden) for at, hold, must in holds)
            found[key] = replace(first, more=tuple(more))
        return found

    def _waits_in_hidden_cond(self, wait: Waiting, readings: Mapping[int, Reading]) -> bool:
        """Whether a Cond.Wait on the stack was called by code that was not read: it has released any lock."""
        return any(
            frame.function == COND_WAIT and at + 1 < len(wait.frames) and at + 1 not in readings
            for at, frame in enumerate(wait.frames)
        )

    def wanted(self, wait: Waiting) -> Want | None:
        """The lock that they ask for; None where the line takes none, or its source is not known."""
        reading = None if wait.own is None else self.readings(wait).get(wait.own)
        caller = None if wait.own is None else self.readings(wait).get(wait.own + 1)
        found = None if reading is None else reading.lock_wanted(caller)
        return None if found is None or reading is None else Want((reading.package, found[0]), found[1])

    def waits_for(self, wait: Waiting) -> str:
        """What the line of the program's own waits for, as the code calls it; empty where nothing tells."""
        if wait.place is None:
            return ""
        reading = self.readings(wait).get(wait.place)
        return "" if reading is None else reading.waits_for()

    # -- which object ------------------------------------------------------------------------------------------------

    @cached_property
    def _words(self) -> dict[tuple[int, int], int]:
        """The first word of every frame that was read, where it is certain, by row and frame."""
        frames: set[Frame] = set()
        for wait in self.scene.waits:
            frames.update(wait.frames[at] for at in self.readings(wait))
        return self.scene.words(frames)

    def word(self, row: int, at: int, wait: Waiting, key: Key) -> int | None:
        """The address of the object through which a frame reaches a lock; None where it shows none."""
        reading = self.readings(wait).get(at)
        if reading is None or not key[1].root or key[1].root != reading.receiver or reading.function.outer is not None:
            return None
        return self._words.get((row, at))

    def is_object(self, word: int | None, lock: Lock | None, key: Key) -> bool | None:
        """Whether a lock that is waited for lies in the object of a word; None where nothing tells."""
        if key[1].is_element:
            return None  # one of several
        if not key[1].scope:
            return True  # a variable of the package is one
        if word is None or lock is None:
            return None
        if lock.owner is not None and lock.reliable:
            return lock.owner == word  # the nearest object before the lock: objects of one type lie side by side
        return None if lock.address is None else 0 <= lock.address - word < LARGEST_OBJECT

    def is_handed_out(self, key: Key, waits: Iterator[Waiting] | list[Waiting]) -> bool:
        """Whether a function of the lock's package returns with it held, on purpose."""
        readings = (reading for wait in waits for reading in self.readings(wait).values())
        return any(reading.is_handed_out(key[1]) for reading in readings if reading.package == key[0])

    def leaving_locked(self, key: Key, waits: Iterator[Waiting] | list[Waiting]) -> str:
        """A function of the package that may return with a lock still held, in words; empty where there is none."""
        for wait in waits:
            for reading in self.readings(wait).values():
                if reading.package == key[0]:
                    return reading.leaving_locked(key[1])
        return ""
