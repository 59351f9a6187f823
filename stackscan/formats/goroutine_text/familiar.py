"""Frames of damaged goroutines that were read before, in these or in whole ones: taken two lines at a time."""

from __future__ import annotations

from typing import Final

from stackscan.formats.goroutine_text.assembly import Assembly
from stackscan.formats.goroutine_text.known_frames import known
from stackscan.formats.goroutine_text.segments import Trace
from stackscan.sources import limits

_CREATED_BY: Final = len("created by ")
_IN_GOROUTINE: Final = " in goroutine "
#: Digits of an id from which on it may be too big.
_MANY_DIGITS: Final = 19


class KnownFrames(Assembly):
    """What the careful reader takes without looking at each line."""

    skipping = False  # in a `runtime stack:` section
    tears = False  # a line began like a header and was none

    def _known_frames(self, lines: list[str], offset: int) -> int:
        """Take frames that were read before, as most of a damaged goroutine's were; returns where the next line is.

        Whatever may be more than a call with its location, or the creator with its own, goes the long way.
        """
        trace = self._current()
        if self.pending or self.outside or self.skipping or self.tears or trace.closed:
            return offset
        shift = self.segment.first_line - self.segment.begin
        last = len(lines) - 1
        while offset < last:
            call, place = lines[offset], lines[offset + 1]
            if not call.endswith(")"):
                return offset + 2 if self._known_creator(trace, call, place) else offset
            name = call[: call.rfind("(")]
            frame = known((name, place[1:]))
            if frame is None or place[0] != "\t" or " " in name or not name[0].isalpha() or name.startswith("snip"):
                return offset
            if len(name) + len(place) > limits.MAX_NAME:
                return offset
            if "oroutine" in call or "oroutine" in place or "panic" in call or "\\" in call:
                return offset  # perhaps a header, a cause of death, or a stack with its line ends escaped
            if self.between:
                self._inside()
            if reason := trace.add(frame, offset + shift):
                self._problem(offset + shift, reason, call)
            self.last_kind, self.blank_before = "location", False
            offset += 2
        return offset

    def _known_creator(self, trace: Trace, text: str, place: str) -> bool:
        """Take the creator with its location if they were read before, and its goroutine's id is usual."""
        if not text.startswith("created by ") or place[:1] != "\t" or "oroutine" in place:
            return False
        name, _, parent = text[_CREATED_BY:].rpartition(_IN_GOROUTINE)
        frame = known((name, place[1:]))
        if len(name) + len(place) > limits.MAX_NAME:
            return False
        if frame is None or " " in name or not (parent.isdecimal() and parent.isascii()) or len(parent) >= _MANY_DIGITS:
            return False
        self._inside()
        trace.created_by, trace.creator_id = frame, int(parent)
        self.last_kind, self.blank_before = "location", False
        return True
