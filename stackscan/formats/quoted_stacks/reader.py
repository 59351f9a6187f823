"""Reads one goroutine that somebody quoted: whatever stands below its header, until text follows that is no stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.problems import EXCERPT
from stackscan.formats.quoted_stacks.grammar import Call, Line, Place, read_line, without_markdown
from stackscan.model.counting import QUOTED
from stackscan.model.snapshot import Frame, Problem, Stack
from stackscan.sources import limits

NAME: Final = QUOTED
#: A goroutine that somebody quoted has fewer lines.
MOST_LINES: Final = 2000
#: What ends a block of code: a fence, a closing tag, a rule.
_FENCE: Final = re.compile(r"(?:`{3,}|~{3,})[\w-]*\Z|</(?:pre|details|code|div)>|-{3,}\Z|={3,}\Z")
#: A frame behind an arrow, on a separate line: it may be called by the one above, or call it.
_ARROW: Final = re.compile(r"(?:-+>|=+>|→|⟶|⇒|↳)[ \t]*[\w(][^\s]*\.\w")
#: Lines that are no frames, one after the other, where a stack is not yet over: what was written between its frames.
_MOST_UNKNOWN: Final = 3
#: Reads a line, given without and with its indentation, that the runtime prints; None for others.
Printed = Callable[[str, str], Line | None]
_NOWHERE: Final[Place] = ("", 0, None)


@dataclass(slots=True)
class Quoted:
    """What was read below a header.

    ``call_lines`` has of each frame the line that ends with its argument list (0: none), ``missed`` the numbers of
    lines inside the stack that were not understood, and ``length`` lines belong to it. ``used_first``: frames stood
    behind the header. ``retyped``: a line is one that no runtime prints; ``sure``: not because its end is cut off.
    """

    stack: Stack
    creator_id: int | None
    call_lines: tuple[int, ...]
    problems: list[Problem]
    missed: list[int]
    length: int
    used_first: bool = False
    retyped: bool = False
    sure: bool = False


def read_body(lines: Sequence[str], first_line: int, printed: Printed, first: str = "") -> Quoted:
    """The stack in the lines below a header; the first of them has number ``first_line``.

    ``printed`` reads what the runtime itself prints; ``first`` is text behind the header that may hold frames, too.
    """
    body = _Body(printed, spaced=_is_spaced(lines))
    chain = read_line(first) if first else None
    if chain is not None and chain.kind == "frames" and (len(chain.calls) > 1 or chain.calls[0].place):
        body.take(chain, first, first_line - 1)
        body.used_first = True
    for offset, raw in enumerate(lines[:MOST_LINES]):
        text = without_markdown(raw)
        if not text:
            body.blank = True
        elif not body.read(text, raw, first_line + offset):
            break
    return body.finish()


def _is_spaced(lines: Sequence[str]) -> bool:
    """Whether blank lines stand between frames, as in text that was copied from a page: they end nothing there."""
    gaps = filled = 0
    for above, line in pairwise(lines):
        if line.strip():
            filled += 1
            gaps += not above.strip()
        if filled == 8:
            break
    return gaps >= 2 and gaps * 3 >= filled


@dataclass(slots=True)
class _Body:
    """A stack while its lines come in."""

    printed: Printed
    spaced: bool
    blank: bool = False
    calls: list[tuple[Call, int]] = field(default_factory=list)
    open: bool = False  # the last call has no place yet
    creator: Call | None = None
    creator_id: int | None = None
    elided: int | None = 0
    unknown: list[tuple[int, str]] = field(default_factory=list)  # perhaps inside the stack: known when it goes on
    missed: list[tuple[int, str]] = field(default_factory=list)
    last_line: int = 0
    first_line: int = 0
    used_first: bool = False
    retyped: bool = False  # a line above the last is one that no runtime prints
    last_retyped: bool = False
    last_noted: bool = False

    def read(self, text: str, raw: str, number: int) -> bool:
        """Take one line that is not blank; False where the stack has ended above it."""
        self.first_line = self.first_line or number
        if _FENCE.match(text):
            return not (self.calls or self.creator)
        printed = self.printed(text, raw)
        found = printed or read_line(text)
        begun = self.last_line > 0
        ended = self.creator is not None and not (found is not None and found.kind in ("place", "remark"))
        if begun and ((self.blank and not self.spaced and not self._awaits(found)) or ended):
            return False
        self.blank = False
        if found is None:
            self.unknown.append((number, text))
            return len(self.unknown) < _MOST_UNKNOWN
        self.missed += self.unknown
        self.unknown = []
        self.take(found, text, number)
        self.retyped |= self.last_retyped
        self.last_retyped = printed is None
        self.last_noted = found.noted
        self.last_line = number
        return True

    def _awaits(self, found: Line | None) -> bool:
        """Whether a line behind a blank one belongs to the call above it."""
        return found is not None and found.kind == "place" and self.open

    def take(self, line: Line, text: str, number: int) -> None:
        """Add what a line says."""
        if line.kind == "frames":
            # ``f(...) ← mu.Lock()`` is a remark; a chain has more calls, or stands alone.
            calls = line.calls[:1] if len(line.calls) == 2 and self.calls else line.calls
            self.retyped |= self.open  # the call above has no place
            self.calls += [(call, number if text.endswith(")") and len(calls) == 1 else 0) for call in calls]
            self.open = self.calls[-1][0].place is None
        elif line.kind == "creator":
            self.creator, self.creator_id = line.calls[0], line.creator_id
            self.open = self.creator.place is None
        elif line.kind == "place":
            self._place(line.place or _NOWHERE, text, number)
        elif line.kind == "elision":
            self.elided = line.elided
            self.open = False

    def _place(self, place: Place, text: str, number: int) -> None:
        if not self.open:
            self.missed.append((number, text))
        elif self.creator is not None:
            self.creator = Call(self.creator.function, place)
        else:
            call, line = self.calls[-1]
            self.calls[-1] = Call(call.function, place, call.has_arguments), line
        self.open = False

    def finish(self) -> Quoted:
        """The stack, when it has ended."""
        self.missed += [part for part in self.unknown if _ARROW.match(part[1])]
        kept = self.calls[: limits.MAX_FRAMES]
        problems = [Problem(number, "not understood as a frame", text[:EXCERPT]) for number, text in self.missed]
        if len(kept) < len(self.calls):
            problems.append(Problem(self.calls[len(kept)][1] or self.last_line, bounds.too_deep()))
            self.elided = None
        stack = Stack(
            tuple(_frame(call) for call, _ in kept),
            None if self.creator is None else _frame(self.creator),
            self.elided,
        )
        length = self.last_line - self.first_line + 1 if self.last_line else 0
        return Quoted(
            stack,
            self.creator_id,
            tuple(line for _, line in kept),
            problems,
            [number for number, _ in self.missed],
            length,
            self.used_first,
            self.retyped or self.last_retyped or self.spaced,
            self.retyped or self.last_noted or self.spaced,
        )


def _frame(call: Call) -> Frame:
    return Frame(call.function, *(call.place or _NOWHERE))
