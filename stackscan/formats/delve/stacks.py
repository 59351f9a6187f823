"""The lines of stacks in what Delve's terminal printed: frames, their places, and what else stands among them."""

from __future__ import annotations

import re
from typing import Final, Protocol

from stackscan.formats import bounds
from stackscan.formats.delve import grammar
from stackscan.formats.delve.gathered import Goroutine, Moment, Trace
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Frame
from stackscan.sources import limits

_FRAME: Final = re.compile(r"\d{1,7}[ \t]{1,4}0x[0-9a-f]")
_LOCATION: Final = re.compile(r"at [^\n]+:-?\d{1,10}\Z")
_DEFER: Final = re.compile(r"defer \d{1,10}: ")
#: The outermost frames of whole stacks; a debugger may see the C library's below these, which have no package.
_ROOTS: Final = re.compile(r"runtime\.(?:goexit|rt0_go|mstart|mcall|asmcgocall|systemstack|sigtramp|morestack)|[^.]*\Z")


class Session(Protocol):
    """Who reads the other lines: it knows the moment and whose stack comes."""

    @property
    def moment(self) -> Moment:
        """The moment that the lines are about."""

    def owner(self) -> tuple[Goroutine | None, bool]:
        """The goroutine whose stack comes, as far as the text says, and whether that is certain."""


class StackLines:
    """Takes the lines of one stack after the other."""

    def __init__(self) -> None:
        self._trace: Trace | None = None
        self._owner: Goroutine | None = None
        self._trusted = False
        self._pending: str | None = None  # a function whose place comes on the next line
        self._skip_place = False  # the next place is a deferred call's
        self._aside = 0  # stacks of an ancestor that come: 2 before its first frame, 1 after it

    def take(self, line: str, number: int, session: Session) -> bool:
        """Take the next line that is not blank; False when it is none of a stack's."""
        if _FRAME.match(line):
            self._frame(line, number, session)
        elif line.startswith("at ") and (self._pending is not None or self._skip_place or _LOCATION.match(line)):
            self._at(line, number, session)
        elif _DEFER.match(line):
            self._skip_place = True
        elif self._trace is not None and line.startswith("error: "):
            self._damage(number, "Delve could not read a frame of this stack", line, session)
        elif line == "(truncated)":
            self._drop_pending(number, session)
            if self._trace is not None:
                self._trace.cut = True
            self.end(session)
        else:
            self._drop_pending(number, session)
            return False
        return True

    def aside(self) -> None:
        """The next stack is an ancestor's."""
        self._aside = 2

    def end(self, session: Session) -> None:
        """The stack is over: give it to its goroutine."""
        self._drop_pending(self._trace.line if self._trace else 1, session)
        trace, owner = self._trace, self._owner
        self._trace, self._owner, self._skip_place, self._aside = None, None, False, 0
        if trace is None:
            return
        if trace.frames and trace.whole and not _ROOTS.match(trace.frames[-1].function):
            trace.damaged = True
            session.moment.problem(trace.line, "the outer frames of this stack are missing")
        if owner is not None and (self._trusted or trace.fits(owner)):
            owner.take(trace)
        else:
            session.moment.loose.append(trace)

    def _frame(self, line: str, number: int, session: Session) -> None:
        self._drop_pending(number, session)
        self._skip_place = False
        found = grammar.read_frame(line)
        if found is None:
            self._begin(number, session)
            self._damage(number, "frame line is damaged; frame skipped", line, session)
            return
        index, function = found
        if self._aside and (index or self._aside == 2):
            self._aside = 1
            return
        if (self._trace is not None and index < self._trace.next_index - 1) or not index:
            self._next(index, number, line, session)
        trace = self._begin(number, session)
        if index == trace.next_index - 1:
            self._damage(number, "a frame that stands there twice", line, session)
            self._skip_place = True
            return
        if index > trace.next_index:
            self._damage(number, "frames of this stack are missing", line, session)
        trace.next_index = index + 1
        self._pending = function

    def _next(self, index: int, number: int, line: str, session: Session) -> None:
        """Another stack begins; with an index above 0, its beginning is lost, and whose it is."""
        if index == 0 and self._trace is not None and not self._trace.frames and not self._trace.next_index:
            return
        self.end(session)
        if index:
            self._trace, self._owner, self._trusted = Trace(number, next_index=index), None, False
            self._damage(number, "the beginning of this stack is missing", line, session)

    def _begin(self, number: int, session: Session) -> Trace:
        """The stack that a frame belongs to."""
        if self._trace is None:
            self._trace = Trace(number)
            self._owner, self._trusted = session.owner()
        return self._trace

    def _at(self, line: str, number: int, session: Session) -> None:
        if self._skip_place or self._aside:
            self._skip_place = False
            return
        function, self._pending = self._pending, None
        found = grammar.read_at(line)
        if function is None:
            self._damage(number, "a place without its function; frame skipped", line, session)
        elif found is None:
            self._append(Frame(function, "", 0), number, session)
            self._damage(number, "the place of this frame is damaged", line, session)
        else:
            self._append(Frame(function, *found), number, session)

    def _append(self, frame: Frame, number: int, session: Session) -> None:
        trace = self._begin(number, session)
        if len(trace.frames) < limits.MAX_FRAMES:
            trace.frames.append(frame)
        else:
            self._damage(number, bounds.too_deep(), "", session)

    def _drop_pending(self, number: int, session: Session) -> None:
        """A function whose place does not come: the frame stays, without it."""
        function, self._pending = self._pending, None
        if function is not None:
            self._append(Frame(function, "", 0), number, session)
            self._damage(number, "a frame without its place", function, session)

    def _damage(self, number: int, reason: str, line: str, session: Session) -> None:
        session.moment.problem(number, reason, line[:EXCERPT])
        if self._trace is not None:
            self._trace.damaged = True
