"""Listings in a dump that may be no goroutines of the process: repeated ones, and text of a panic's message.

Those that cannot be distinguished are counted, and the report says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from stackscan.formats.goroutine_text.rows import Rows
from stackscan.model.snapshot import Problem

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.reading import Reading

T = TypeVar("T")
R = TypeVar("R")

_MAIN_FRAMES: Final = frozenset({"main.main", "runtime.main", "runtime.goexit", "runtime.mstart", "testing.tRunner"})


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """The rows of one snapshot, its lines (first, end), its problems, and how many headers are not counted."""

    rows: R
    first_line: int
    end_line: float
    problems: tuple[Problem, ...] = ()
    not_counted: int = 0
    doubtful: bool = False  # it may hold text of a panic's message

    def within(self, things: Sequence[T], line: Callable[[T], int] = attrgetter("line")) -> Sequence[T]:
        """The part of ``things``, which are sorted by line, in this snapshot."""
        return _between(things, self.first_line, self.end_line, line)


def _between(things: Sequence[T], first: int, end: float, line: Callable[[T], int] = attrgetter("line")) -> Sequence[T]:
    return things[bisect_left(things, first, key=line) : bisect_left(things, end, key=line)]


def note(part: Part[R], *problems: Problem, not_counted: int = 0, doubtful: bool = False) -> Part[R]:
    """The part with more problems, more headers that are not counted, or doubt about its goroutines."""
    return replace(
        part,
        problems=(*part.problems, *problems),
        not_counted=part.not_counted + not_counted,
        doubtful=part.doubtful or doubtful,
    )


def repeats(found: Rows) -> bool:
    """Whether an id occurs twice."""
    ids = [goroutine_id for goroutine_id in found.goroutine_id if goroutine_id is not None]
    return len(set(ids)) < len(ids)


def running_with_stack(found: Rows, reading: Reading) -> list[int]:
    """The places of the goroutines that run and have frames: the runtime prints one, first."""
    interned = reading.interned
    running = {entry for entry in set(found.header) if interned.header(entry).wait_reason == "running"}
    stacks = interned.stacks
    return [
        place
        for place, (entry, stack) in enumerate(zip(found.header, found.stack, strict=True))
        if entry in running and stacks[stack].frames
    ]


def without_repeats(part: Part[Rows], reading: Reading) -> Part[Rows]:
    """The part without repeated listings (GOTRACEBACK=crash): those with a stack stay."""
    best: dict[int, int] = {}
    dropped: list[int] = []
    doubts: list[int] = []
    for place, goroutine_id in enumerate(part.rows.goroutine_id):
        first = best.get(goroutine_id) if goroutine_id else None  # each thread has a goroutine 0
        if first is None:
            if goroutine_id:
                best[goroutine_id] = place
            continue
        kept, again = (reading.interned.stacks[part.rows.stack[row]] for row in (first, place))
        has_frames = bool(kept.frames)
        if has_frames and again.frames and kept != again:  # one of them may be text of a message
            doubts.append(place)
            continue
        dropped.append(place if has_frames else first)
        best[goroutine_id or 0] = first if has_frames else place
    if not dropped and not doubts:
        return part

    def problem(place: int, reason: str) -> Problem:
        return Problem(part.rows.line[place], reason, f"goroutine {part.rows.goroutine_id[place]}")

    once = [problem(place, "goroutine listed twice (GOTRACEBACK=crash); counted once") for place in dropped]
    both = [problem(place, "goroutine listed twice with different stacks; both are counted") for place in doubts]
    noted = note(part, *once, *both, not_counted=len(dropped), doubtful=bool(doubts))
    return replace(noted, rows=part.rows.without(dropped))


def without_fake(part: Part[Rows], reading: Reading) -> Part[Rows]:
    """The part without goroutines that a panic's message holds (printed raw up to Go 1.22).

    The goroutine that panicked comes right after the message, is running, and no other running one with a stack
    follows. A message's goroutine stands before it and has neither creator nor main frame.
    """
    dropped = 0
    problems = []
    while dropped + 1 < len(part.rows) and _is_fake(part.rows, dropped, part.first_line, reading):
        reason = "looks like a goroutine header, but is part of the panic message; not counted"
        problems.append(Problem(part.rows.line[dropped], reason))
        dropped += 1
    if not dropped:
        return part
    noted = note(part, *problems, not_counted=dropped)
    return replace(noted, rows=part.rows.between(dropped, len(part.rows)))


def with_doubts(part: Part[Rows], reading: Reading) -> Part[Rows]:
    """The part, with a problem where goroutines below a panic may be text of its message.

    The goroutine that panicked is listed first and is the only running one with a stack, so all above the last such
    one is doubtful.
    """
    found = part.rows
    if not len(found) or not _panics(part.first_line, found.line[0], reading):
        return part
    if any(mark.kind == "thread" for mark in part.within(reading.marks)):
        return part  # GOTRACEBACK=crash: each thread has a running goroutine
    running = running_with_stack(found, reading)
    if not running or not running[-1]:
        return part
    reason = f"the first {running[-1]:,} goroutines after the panic may be part of its message; all are counted"
    return note(part, Problem(found.line[0], reason), doubtful=True)


def with_follower(part: Part[Rows], following: Part[Rows] | None, reading: Reading) -> Part[Rows]:
    """The part, with a problem where a second dump without a cause follows a panic's: a dying process prints one."""
    if following is None or not len(part.rows) or not len(following.rows):
        return part
    line, own = part.rows.line[0], following.rows.line[0]
    caused = any(mark.kind == "cause" and mark.line < own for mark in following.within(reading.marks))
    if caused or not _panics(part.first_line, line, reading):
        return part
    reason = "these goroutines may be part of the panic message: a second dump follows"
    return note(part, Problem(line, reason), doubtful=True)


def _panics(first_line: int, line: int, reading: Reading) -> bool:
    """Whether a panic is announced between two lines."""
    return any(mark.text.startswith("panic: ") for mark in _between(reading.marks, first_line, line))


def _is_fake(found: Rows, place: int, first_line: int, reading: Reading) -> bool:
    panics = _panics(first_line, found.line[place], reading)
    if not panics or not (_runs(found, place, reading) and _runs(found, place + 1, reading)):
        return False
    stack, following = (reading.interned.stacks[found.stack[k]] for k in (place, place + 1))
    is_whole = stack.created_by is not None or (bool(stack.frames) and stack.frames[-1].function in _MAIN_FRAMES)
    return not is_whole and bool(following.frames)


def _runs(found: Rows, place: int, reading: Reading) -> bool:
    header = reading.interned.header(found.header[place])
    return header.wait_reason == "running"
