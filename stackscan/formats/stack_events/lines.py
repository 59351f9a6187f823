"""Stacks in lines of text: a function and its place on two lines, or a place with its address and a line of source."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final

from stackscan.formats import bounds
from stackscan.formats.goroutine_text.grammar import read_creator
from stackscan.formats.problems import EXCERPT
from stackscan.formats.stack_events import grammar
from stackscan.formats.stack_events.event import Frames
from stackscan.model.snapshot import Frame, Problem
from stackscan.sources import limits

#: Pairs of lines that make a stack in a text in which anything may stand.
LEAST: Final = 2
#: Bytes of a line that can be a frame; longer ones are no names.
_LONGEST: Final = 2 * limits.MAX_NAME
#: What chi's Recoverer puts before the frame that panicked, which stands apart from the others.
ARROW: Final = "-> "
NEWLINE: Final = ord("\n")
CLOSING: Final = ord(")")
DIGITS: Final = b"0123456789"
_LINE_END: Final = re.compile(rb"\n")
#: A goroutine's header or the heading of a scheduler's stack: what stands below it is a dump's.
_OF_DUMP: Final = re.compile(rb"goroutine \d+ [^\n]*\[|runtime stack:|\[originating from goroutine \d")
#: Lines below a stack that say who started the goroutine.
CREATED_BY: Final = b"created by "
_CREATED: Final = re.compile(r"created by (?!\d)")


@dataclass(slots=True)
class Run:
    """One stack in a text: its first line and the line after its last (0-based), and its frames, innermost first."""

    first: int
    after: int
    frames: Frames
    created_by: Frame | None = None
    creator_id: int | None = None
    partial: bool = False
    problems: list[Problem] = field(default_factory=list)


class Text:
    """The lines of a text without the blanks around them, read when they are asked for.

    A large text is a :class:`stackscan.formats.stack_events.wide_lines.WideText`.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.starts, self.ends = self._bounds()

    def _bounds(self) -> tuple[Sequence[int], Sequence[int]]:
        """Where each line begins, and where it ends."""
        ends = [found.start() for found in _LINE_END.finditer(self.data)]
        if not self.data.endswith(b"\n"):
            ends.append(len(self.data))
        return [0, *(end + 1 for end in ends[:-1])], ends

    def __len__(self) -> int:
        return len(self.ends)

    def raw(self, number: int) -> bytes:
        """The bytes of a line, a longer one than any name cut."""
        return self.data[self.starts[number] : min(self.ends[number], self.starts[number] + _LONGEST)]

    def line(self, number: int) -> str:
        """A line (0-based) as text, without an arrow before it; empty beyond the last."""
        return (
            self.raw(number).decode("utf-8", "replace").strip().removeprefix(ARROW).lstrip()
            if number < len(self)
            else ""
        )

    @cached_property
    def headers(self) -> Sequence[int]:
        """The lines that begin a part of a dump."""
        return [bisect_left(self.ends, found.start()) for found in _OF_DUMP.finditer(self.data)]

    @cached_property
    def blanks(self) -> Sequence[int]:
        """The empty lines."""
        return [number for number in self._short() if not self.raw(number).strip()]

    def _short(self) -> Iterable[int]:
        """Lines that may be empty."""
        return range(len(self))

    @cached_property
    def _finals(self) -> list[int]:
        """The last letter of each line, a newline for an empty one; before a blank and a carriage return."""
        found = []
        for start, end in zip(self.starts, self.ends, strict=True):
            last = end - 1
            for _ in range(2):
                last -= last > start and self.data[last] in b" \t\r"
            found.append(NEWLINE if last < start else self.data[last])
        return found

    def ending_in(self, letters: bytes) -> list[int]:
        """The lines whose last letter is one of these."""
        return [number for number, final in enumerate(self._finals) if final in letters]

    def candidates(self) -> list[int]:
        """Lines that may be a function's: the next one ends in a digit, and it has no arguments."""
        return [
            number
            for number, (final, below) in enumerate(pairwise(self._finals))
            if below in DIGITS and final not in (NEWLINE, CLOSING) and not self._of_creator(number)
        ]

    def _of_creator(self, number: int) -> bool:
        return any(self.data.startswith(CREATED_BY, self.starts[at]) for at in (number, number + 1))


def runs(text: Text, *, least: int = LEAST) -> Iterator[Run]:
    """The stacks of a text, in order. Those of a dump, below a goroutine's header, are left out."""
    found = [*_pair_runs(text, least), *_address_runs(text, least)]
    of_go = (run for run in found if any(frame.file.endswith(".go") for frame in run.frames))
    yield from sorted(of_go, key=lambda run: run.first)


def _pair_runs(text: Text, least: int) -> Iterator[Run]:
    done = 0
    for number in text.candidates():
        if number < done:
            continue
        run = _read_pairs(text, number)
        if run is not None:
            done = run.after
            if len(run.frames) >= least and not _of_dump(text, number):
                yield run


def _of_dump(text: Text, number: int) -> bool:
    """Whether a goroutine's header stands above a line, with no empty line between."""
    headers, blanks = text.headers, text.blanks
    above = bisect_left(headers, number) - 1
    if above < 0:
        return False
    between = bisect_left(blanks, number) - 1
    return between < 0 or blanks[between] < headers[above]


def _pair(text: Text, number: int) -> Frame | None:
    function = grammar.read_function(text.line(number))
    place = grammar.read_place(text.line(number + 1)) if function is not None else None
    return None if function is None or place is None else grammar.frame(function, *place)


def _is_apart(text: Text, number: int) -> bool:
    """Whether a blank line follows the frame that chi marked with arrows, and then the other frames."""
    return number > 0 and not text.line(number) and text.raw(number - 1).strip().startswith(ARROW.encode())


def _read_pairs(text: Text, first: int) -> Run | None:
    """The stack that begins in a line; None where no frame does."""
    frames: list[Frame] = []
    run = Run(first, first, ())
    while run.after < len(text):
        pair = _pair(text, run.after)
        if pair is not None:
            run.after += 2
            frames.append(pair)
        elif frames and _is_apart(text, run.after) and _pair(text, run.after + 1) is not None:
            run.after += 1
        elif not frames or not _goes_on(text, run):
            break
    run.frames = _bounded(frames, run)
    return run if frames else None


def _goes_on(text: Text, run: Run) -> bool:
    """Take a line of a stack that is no pair: its creator, a place whose function is lost, the end of a cut text."""
    line = text.line(run.after)
    if _CREATED.match(line) and (place := grammar.read_place(text.line(run.after + 1))) is not None:
        creator = read_creator(line)
        if creator is not None:
            run.created_by, run.creator_id = grammar.frame(creator[0], *place), creator[1]
            run.after += 2
            return True
    if line and grammar.read_place(line) is not None:
        run.problems.append(Problem(run.after + 1, "a place without its function; frame skipped", line[:EXCERPT]))
        run.partial = True
        run.after += 1
        return True
    if _is_cut(text, run.after, line):
        reason = "the text ends in the middle of this stack: it was cut"
        run.problems.append(Problem(run.after + 1, reason, line[:EXCERPT]))
        run.partial = True
        run.after = len(text)
    return False


def _is_cut(text: Text, number: int, line: str) -> bool:
    """Whether a text ends, without a newline, in the function or the place of the next frame."""
    rest = len(text) - number
    if not 0 < rest <= 2 or text.data.endswith(b"\n") or not line:
        return False
    return grammar.read_function(line) is not None or (rest == 1 and "." in line and " " not in line)


def _address_runs(text: Text, least: int) -> Iterator[Run]:
    """Stacks of places with addresses, a line of source below each where the program had its source at hand."""
    at, done = 0, 0
    while (at := text.data.find(b" (0x", at)) >= 0:
        number = bisect_left(text.ends, at)
        if number >= done and grammar.read_address(text.line(number)) is not None:
            run = _read_addresses(text, number)
            done = run.after
            if len(run.frames) >= least:
                yield run
        at = text.ends[max(number, done - 1)]


def _read_addresses(text: Text, first: int) -> Run:
    frames: list[Frame] = []
    run = Run(first, first, ())
    while run.after < len(text) and (found := grammar.read_address(text.line(run.after))) is not None:
        file, line, address = found
        below = text.raw(run.after + 1) if run.after + 1 < len(text) else b""
        function = grammar.read_source(text.line(run.after + 1)) if below[:1] in (b"\t", b" ") else None
        run.after += 1 if function is None else 2
        frames.append(grammar.frame(function or address, file, line))
    run.frames = _bounded(frames, run)
    return run


def _bounded(frames: list[Frame], run: Run) -> Frames:
    if len(frames) > limits.MAX_FRAMES:
        run.partial = True
        run.problems.append(Problem(run.first + 1, bounds.too_deep()))
    return tuple(frames[: limits.MAX_FRAMES])
