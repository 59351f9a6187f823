"""What is known of each goroutine while a session with Delve is read: a list, and stacks that come later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stackscan.model.snapshot import Frame, Problem

#: Why goroutines of a group have neither id nor place.
GROUP_NOT_LISTED: Final = "Delve lists only a few goroutines of a group and counts the others"


@dataclass(slots=True)
class Trace:
    """One stack as it was printed: all frames, innermost first.

    ``cut``: Delve says that it goes on. ``damaged``: frames of it are lost from the text. ``next_index`` is the number
    that its next frame should have.
    """

    line: int
    frames: list[Frame] = field(default_factory=list)
    cut: bool = False
    damaged: bool = False
    next_index: int = 0

    @property
    def whole(self) -> bool:
        """Whether no frame of it is missing."""
        return not self.cut and not self.damaged

    def fits(self, goroutine: Goroutine) -> bool:
        """Whether it can be this goroutine's, by the places that are known of it."""
        inner, user = goroutine.places.get("Runtime"), goroutine.places.get("User")
        if inner is not None and self.frames and not self.damaged and not _same(self.frames[0], inner):
            return False
        return user is None or not self.whole or any(_same(frame, user) for frame in self.frames)


def _same(frame: Frame, place: Frame) -> bool:
    """Whether both are one place in a file; a place names the function around inlined ones."""
    return (frame.file, frame.line) == (place.file, place.line)


@dataclass(slots=True)
class Goroutine:
    """One goroutine. ``places`` are its single places by kind (``User``, ``Runtime``, ``Go``, ``Start``), ``number`` is
    its wait reason in JSON, ``state`` what JSON says of it otherwise, ``count`` more than 1 for the rest of a group."""

    line: int
    goroutine_id: int | None = None
    places: dict[str, Frame] = field(default_factory=dict)
    trace: Trace | None = None
    thread: str | None = None
    wait_reason: str | None = None
    since: str | None = None
    labels: str | None = None
    number: int | None = None
    state: str | None = None
    count: int = 1

    def take(self, trace: Trace) -> None:
        """Keep a stack, if it says more than the one that is known."""
        known = self.trace
        if known is None or (trace.whole, len(trace.frames)) > (known.whole, len(known.frames)):
            self.trace = trace

    def agrees(self, other: Goroutine) -> bool:
        """Whether both can be the same goroutine at the same moment."""
        same_places = all(other.places.get(kind, place) == place for kind, place in self.places.items())
        return same_places and (self.wait_reason, self.since) == (other.wait_reason, other.since)

    def add(self, other: Goroutine) -> None:
        """Take what a second mention says more."""
        self.places = {**other.places, **self.places}
        self.labels = self.labels or other.labels
        self.thread = self.thread or other.thread


@dataclass(slots=True)
class Moment:
    """The program as it stood once: between two times that it ran.

    ``lost``: goroutines or frames are missing; ``listed``: all goroutines were listed; ``loose``: stacks of which the
    text does not say whose they are.
    """

    line: int
    goroutines: list[Goroutine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lost: bool = False
    listed: bool = False
    by_id: dict[int, Goroutine] = field(default_factory=dict)
    loose: list[Trace] = field(default_factory=list)

    def problem(self, line: int, reason: str, excerpt: str = "", *, lost: bool = True) -> None:
        """Note a damaged place; ``lost``: something is missing because of it."""
        self.problems.append(Problem(line, reason, excerpt))
        self.lost |= lost

    def add(self, goroutine: Goroutine) -> Goroutine:
        """The goroutine that this one is: a known one with the same id, or itself."""
        if goroutine.goroutine_id is None:
            self.goroutines.append(goroutine)
            return goroutine
        known = self.by_id.get(goroutine.goroutine_id)
        if known is None:
            self.goroutines.append(goroutine)
            self.by_id[goroutine.goroutine_id] = goroutine
            return goroutine
        known.add(goroutine)
        return known

    def settle(self) -> None:
        """Give each loose stack to the one goroutine whose it can be; otherwise it is one of its own."""
        without = [each for each in self.goroutines if each.trace is None and each.places]
        for trace in self.loose:
            fitting = [each for each in without if trace.fits(each)]
            if len(fitting) == 1:
                fitting[0].take(trace)
                without.remove(fitting[0])
            elif self.listed:
                self.problem(
                    trace.line, "a stack of one of the listed goroutines, the text does not say which; skipped"
                )
            else:
                self.add(Goroutine(trace.line)).take(trace)
        self.loose.clear()
