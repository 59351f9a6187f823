"""The careful reader: reads one irregular goroutine line by line.

It handles text spliced in by other writers, lost and torn lines, doubled or missing blank lines, tabs turned into
blanks, ancestor sections, C frames and a cut end. Damage costs what it touches and is reported; the goroutine stays.
"""

from __future__ import annotations

from dataclasses import replace

from stackscan.formats import bounds
from stackscan.formats.goroutine_text import grammar, header, surroundings
from stackscan.formats.goroutine_text.familiar import KnownFrames
from stackscan.formats.goroutine_text.grammar import NON_GO
from stackscan.formats.goroutine_text.segments import (
    PATH_LIKE,
    TORN_CALL,
    TORN_HEADER,
    WRAPPED_ADDRESSES,
    Goroutine,
    Pending,
    Segment,
    SegmentResult,
    Trace,
    begins_stack,
    begins_with_fragment,
    embedded_header,
    escaped_stacks,
    header_behind_text,
    is_double_spaced,
    is_path,
    loose_header,
    shortened,
    written_between,
)
from stackscan.formats.symbol import unescape_path
from stackscan.model.snapshot import Frame


class Reader(KnownFrames):
    """Reads one goroutine, or the text before the first, into ``result``. Never raises on bad text."""

    double_spaced = False
    in_panic = False  # below a panic's first line: its message goes on, indented by a tab

    def __init__(self, segment: Segment, result: SegmentResult) -> None:
        super().__init__(segment, result)
        self.first = segment.header or (segment.lines[segment.begin] if segment.lines else "")

    def read(self) -> Segment | None:
        """Read up to the segment's end, or to a header inside it; returns what is left to read."""
        lines, begin = self.segment.lines, self.segment.begin
        first = begin + self._read_header() if lines else 0
        self.double_spaced = first > begin and is_double_spaced(lines, begin)
        offset = first
        while (offset := self._known_frames(lines, offset)) < len(lines):
            number = self.segment.first_line + offset - begin
            text = lines[offset].lstrip("\0").rstrip("\0\r \t")
            if text and (following := self._header_inside(text, offset, number)) is not None:
                return following
            if text:
                self._line(text, number)
                self.blank_before = False
            else:
                self._blank()
            offset += 1
        self._finish()
        return None

    def _header_inside(self, text: str, offset: int, number: int) -> Segment | None:
        """What is left to read from a header on, that does not look like one to the fast path."""
        if not self.tears and "oroutine" not in text:
            return None
        lines = self.segment.lines
        torn = self._torn_header(text, number)
        embedded = None if torn else embedded_header(lines, offset)
        loose = None if torn or embedded else loose_header(lines, offset)
        if not (torn or embedded or loose):
            return None
        if not loose:
            reason = "split by other output" if torn else "after other text on the same line"
            self._problem(number, f"goroutine header {reason}", text)
            self.between.clear()
        self._finish()
        at = replace(self.segment, first_line=number, begin=offset)
        if loose:
            return replace(at, header=loose.text, withheld=loose.withheld)
        return replace(at, header=torn or embedded, withheld=False)

    # -- lines -----------------------------------------------------------------------------------------------------

    def _read_header(self) -> int:
        """Read the first line if it is a header; returns how many lines that took."""
        line = self.first
        if not surroundings.HEADER_LIKE.match(line):
            return 0
        text = line.rstrip("\0\r \t")
        goroutine_id = header.goroutine_id(text)
        if goroutine_id is None or goroutine_id >= 1 << 64:
            self._problem(self.segment.first_line, "goroutine id is not a 64-bit number", text)
            self.result.lost.append(self.segment.first_line)
            return 1
        tail, reason = header.read_readable(text.split(" ", 2)[2])
        if reason:
            self._problem(self.segment.first_line, reason, text)
        self.header = (None if self.segment.withheld else goroutine_id, tail)
        self.outside = False
        self.last_kind = "header"
        return 1

    def _line(self, text: str, number: int) -> None:
        if self.skipping:
            return
        if not self.outside and bounds.is_long(text) and (short := shortened(text)) is not None:
            self._problem(number, bounds.long_name(len(text)), text)
            text = short
        if number == 1 and self.header is None and begins_with_fragment(self.segment.lines):
            self._orphan(Pending("", number, text))
            return
        stripped, indented = text.lstrip(), text[0].isspace()
        if self._location(text, number) or (not (indented and self.outside) and self._special(stripped, number)):
            return
        if not indented:
            if (mark := surroundings.mark(text, number)) is not None:
                self._mark(mark)
                return
            torn = text.startswith("goroutine ")
            self.tears |= torn
            if stacks := escaped_stacks(text):
                self._problem(number, "a stack inside a log line; not read", text)
                self.result.lost += [number] * (stacks > 1)  # one is a panic that was recovered, more are a dump
            elif not torn and self._call(text, number):
                return
        self._other(text, number)

    def _torn_header(self, text: str, number: int) -> str | None:
        """The header whose first word another writer tore off: `goroutine LOG LINE` above, `7 [select]:` here."""
        match = TORN_HEADER.match(text) if self.tears else None
        if match is None:
            return None
        if match["id"] is not None:
            return f"goroutine {text}"
        self.tears = False
        self._problem(number, "goroutine header split by other output; the goroutine is lost", text)
        self.result.lost.append(number)
        self._drop_pending()
        self.outside, self.orphan = True, Trace()  # the frames below belong to it
        return None

    def _blank(self) -> None:
        self.blank_before = True
        self.skipping = False
        if self.pending is not None and self.pending.bare:
            self.between.append((self.pending.line, self.pending.text))
            self.result.unread.append(self.pending.line)
            self.pending = None
        if not self.double_spaced and self.pending is None:
            self._leave()

    def _leave(self) -> None:
        """End the goroutine: text since its last line stands after it, and is no damage."""
        self.outside = True
        self.between.clear()
        self.orphan = None

    def _special(self, text: str, number: int) -> bool:
        """Markers that stand on a line of their own."""
        if text == "runtime stack:" and self.outside:  # the scheduler's own, up to the next blank line: no goroutine's
            self._drop_pending()
            self.skipping = True
            return True
        if self._left_out(text):
            return True
        if grammar.is_unavailable(text):
            self._current().unavailable |= not self.outside
            self.last_kind = "unavailable"
            return True
        if grammar.is_non_go(text):
            self._drop_pending()
            self._add(NON_GO, Pending("", number, text, bare=True))
            return True
        ancestor = grammar.read_ancestor(text)
        if ancestor is not None and ancestor < 1 << 64:
            if self.outside:
                self._lost_ancestor(text, number)
            else:
                if not self._current().closed:
                    self._problem(number, "ancestor section before the stack's end; outer frames may be missing", text)
                self.ancestors.append((ancestor, Trace()))
            return True
        return text.startswith("created by ") and self._creator(text, number)

    def _left_out(self, text: str) -> bool:
        """Take a line in place of frames that the runtime, or a person, left out; and a person's remark."""
        elided, count = grammar.read_elided(text)
        written = None if elided or self.outside else written_between(text)
        if not self.outside and (elided or written == "elision"):
            self._drop_pending()
            self._inside()
            self._current().elided = count
            if written and self.segment.first_line not in self.result.quoted:
                self.result.quoted.append(self.segment.first_line)
        return elided or written is not None

    def _lost_ancestor(self, text: str, number: int) -> None:
        self._drop_pending()
        self.skipping = True  # it and what follows, up to the next blank line, belong to a goroutine that is lost
        if self.orphan is None:
            self._problem(number, "ancestor section without its goroutine; skipped", text)

    def _creator(self, text: str, number: int) -> bool:
        parsed = grammar.read_creator(text)
        if parsed is None:
            return False
        parent = parsed[1] if parsed[1] is None or parsed[1] < 1 << 64 else None
        self._drop_pending()
        self.pending = Pending(parsed[0], number, text, creator=True, creator_id=parent)
        self.last_kind = "creator"
        return True

    def _call(self, text: str, number: int) -> bool:
        function = grammar.read_call(text)
        bare = torn = False
        if function is None or "(" not in text:
            bare = function is not None
            match = None if bare else TORN_CALL.match(text)
            function, torn = (unescape_path(match["name"]), True) if match else (function, False)
        if function is None or ((bare or torn) and self.pending is not None):
            return False
        self._drop_pending()
        self.pending = Pending(function, number, text, bare=bare, torn=torn)
        self.last_kind = "call"
        return True

    def _location(self, text: str, number: int) -> bool:
        if self.pending is None:
            if text[0] == "\t" and not self.outside and grammar.read_location(text) is not None:
                self._problem(number, "location without its function line", text)
                self.result.unread.append(number)
                self.result.skipped.append(number)
                return True
            return False
        location = grammar.read_location("\t" + text.lstrip())
        if (
            location is None and " fp=" in text and (wrapped := WRAPPED_ADDRESSES.search(text))
        ):  # behind all that is kept of it
            location = grammar.read_location("\t" + text[: wrapped.start()].lstrip())
        if (
            location is None
            or not (text[0].isspace() or PATH_LIKE.search(text))
            or (text[0] != "\t" and not is_path(location[0]))
        ):
            return False
        pending, self.pending = self.pending, None
        frame = Frame(pending.function, *location)
        if pending.torn:
            self._problem(pending.line, "function line split by other output", pending.text)
        self._add(frame, pending)
        self.last_kind = "location"
        return True

    def _other(self, text: str, number: int) -> None:
        self.between.append((number, text))
        self.result.unread.append(number)
        if self.outside:
            self._hidden_header(text, number)
            if not text[0].isspace():
                self.result.marks.append(surroundings.Mark(number, "text", ""))
        self.last_kind = "register" if surroundings.is_register(text, within=self.last_kind == "register") else "other"

    def _hidden_header(self, text: str, number: int) -> None:
        """Report a header behind other text, which is not read; without a frame below, it is only a mention."""
        at = number - self.segment.first_line + self.segment.begin + 1
        if header_behind_text(text) is not None and begins_stack(self.segment.lines[at : at + 2]):
            if text[0] == "\t" and self.in_panic:  # its message, which Go 1.23 and later indent
                return
            self.result.hidden.append(number)
            self.result.lost.append(number)
            self._problem(number, "a goroutine header after other text; the goroutine is not read", text)

    def _mark(self, mark: surroundings.Mark) -> None:
        self.result.marks.append(mark)
        self.in_panic = mark.text.startswith("panic: ")
        self.between.append((mark.line, mark.text))
        self.last_kind = "other"

    # -- the end ---------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        self.result.cut = self.segment.at_end and self._is_cut()
        if not self.result.cut:
            self._drop_pending()
        if self.header is None:
            return
        goroutine_id, tail = self.header
        if not self.trace.frames and not self.trace.unavailable and not self.trace.closed and not self.result.cut:
            self._problem(self.segment.first_line, "no frames below the header", self.first)
        ancestors = tuple((ancestor, trace.stack()) for ancestor, trace in self.ancestors)
        line, trace = self.segment.first_line, self.trace
        found = Goroutine(goroutine_id, line, tail, trace.stack(), trace.creator_id, ancestors, tuple(trace.call_lines))
        self.result.goroutines.append(found)

    def _is_cut(self) -> bool:
        """Whether the file ends in the middle of something."""
        if self.pending is not None and not self.outside:
            return self.segment.unterminated or not self.pending.bare
        if self.last_kind == "header":
            return not self.blank_before
        if not self.segment.unterminated or self.segment.ends_in_header:
            return self.segment.unterminated
        if self.last_kind == "location":  # the last line, which has no newline, may be only the beginning of one
            return not self._current().ends_whole()
        return self.last_kind == "register" or not self.outside
