"""Assembles one goroutine from lines whose kind is known: frames, orphans, and what stands between."""

from __future__ import annotations

from collections.abc import Sequence

from stackscan.formats.goroutine_text.grammar import Header
from stackscan.formats.goroutine_text.segments import Pending, Segment, SegmentResult, Trace, is_symbol, may_be_frame
from stackscan.formats.problems import EXCERPT
from stackscan.model.snapshot import Frame, Problem


class Assembly:
    """The goroutine of a segment while its lines come in; problems go to ``result`` at once."""

    header: tuple[int | None, Header] | None = None
    pending: Pending | None = None
    outside = True  # past the goroutine's end, or before its header
    blank_before = False
    orphan: Trace | None = None
    last_kind = ""

    def __init__(self, segment: Segment, result: SegmentResult) -> None:
        self.segment = segment
        self.result = result
        self.trace = Trace()
        self.ancestors: list[tuple[int, Trace]] = []
        self.between: list[tuple[int, str]] = []  # text since the last line of the stack, not yet known to be inside it

    def _current(self) -> Trace:
        return self.ancestors[-1][1] if self.ancestors else self.trace

    def _add(self, frame: Frame, pending: Pending) -> None:
        trace = self._current()
        if self.header is not None and not self.outside and not trace.closed:
            self._inside()
        elif pending.bare:
            return  # a library's own stack trace, or prose that happens to be followed by a path
        else:
            trace = self._orphan(pending)
        if pending.creator:
            trace.created_by, trace.creator_id = frame, pending.creator_id
        elif reason := trace.add(frame, pending.call_line):
            self._problem(pending.line, reason, pending.text)

    def _orphan(self, pending: Pending) -> Trace:
        """Frames that no header announces: the goroutine they belong to is lost."""
        if self.orphan is None or self.orphan.closed:
            self.orphan = Trace()
            self.result.lost.append(pending.line)
            reason = "frames without a goroutine header: the goroutine is lost"
            if self.segment.first_line == 1 and self.header is None:
                reason = "the text begins inside a goroutine, which is lost"
            self._problem(pending.line, reason, pending.text)
        return self.orphan

    def _inside(self) -> None:
        """A line of the stack came: what stood before it since the last one was spliced in."""
        if self.between:
            first, _ = self.between[0]
            self.result.problems.append(spliced(self.between))
            if any(may_be_frame(text) for _, text in self.between):
                self.result.skipped.append(first)  # where the problem stands
            self.between.clear()

    def _drop_pending(self) -> None:
        pending, self.pending = self.pending, None
        if pending is None:
            return
        if pending.bare or self.outside:
            self.result.unread.append(pending.line)
            self.between.append((pending.line, pending.text))
            return
        self._problem(pending.line, "function line without its location", pending.text)
        if self._current().closed or not is_symbol(pending.function):
            self.result.unread.append(pending.line)
            self.result.skipped.append(pending.line)
            return
        self._inside()
        self._current().keep(pending)

    def _problem(self, number: int, reason: str, text: str) -> None:
        self.result.problems.append(Problem(number, reason, text.strip()[:EXCERPT]))


def spliced(between: Sequence[tuple[int, str]]) -> Problem:
    """The problem of lines (their numbers and texts) that stand inside a stack."""
    first, text = between[0]
    more = f" ({len(between)} lines)" if len(between) > 1 else ""
    return Problem(first, f"other text inside the stack{more}", text.strip()[:EXCERPT])
