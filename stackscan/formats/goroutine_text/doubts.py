"""One dump of a text, and what of it is no goroutine of the process: listed twice, or a stranger's words in a panic's
message. What nobody can tell apart is counted, and the report says so."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, overload

import numpy as np
import numpy.typing as npt
import polars as pl

from stackscan.formats.goroutine_text.rows import Rows
from stackscan.formats.goroutine_text.surroundings import Mark
from stackscan.model.snapshot import Problem

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.reading import Reading

_MAIN_FRAMES: Final = frozenset({"main.main", "runtime.main", "runtime.goexit", "runtime.mstart", "testing.tRunner"})


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one snapshot, its lines (first, end), and what was found about it on the way: problems, and how many
    headers are no goroutine of their own."""

    rows: Rows
    first_line: int
    end_line: float
    problems: tuple[Problem, ...] = ()
    not_counted: int = 0
    doubtful: bool = False  # what is the dump's own and what a stranger's cannot be told

    def slice(self, lines: Sequence[int]) -> range:
        """Which of some ascending line numbers lie in this snapshot."""
        return range(bisect_left(lines, self.first_line), bisect_left(lines, self.end_line))


class Lines(Sequence[int]):
    """The lines of things that have one, without copying them: what bisect needs."""

    def __init__(self, things: Sequence[Problem | Mark]) -> None:
        self._things = things

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [thing.line for thing in self._things[index]]
        return self._things[index].line


def note(
    part: Part, line: int, reason: str, excerpt: str = "", *, not_counted: int = 0, doubtful: bool = False
) -> Part:
    """The same with one more problem; with so many headers that are no goroutine, or that nobody can be sure of."""
    problems = (*part.problems, Problem(line, reason, excerpt))
    doubtful |= part.doubtful
    return replace(part, problems=problems, not_counted=part.not_counted + not_counted, doubtful=doubtful)


def repeats(found: Rows) -> bool:
    """Whether an id occurs twice."""
    return pl.Series(found.goroutine_id).n_unique() < len(found)


def running_with_stack(found: Rows, reading: Reading) -> npt.NDArray[np.bool_]:
    """Which goroutines run and have frames: the one that the runtime prints first."""
    running = np.array([header.wait_reason == "running" for header in reading.interned.headers])[reading.interned.plain]
    shown = np.array([bool(stack.frames) for stack in reading.interned.stacks])
    both: npt.NDArray[np.bool_] = running[found.header] & shown[found.stack]
    return both


def without_repeats(part: Part, reading: Reading) -> Part:
    """GOTRACEBACK=crash lists running goroutines again with their thread: keep the listing that has a stack."""
    if not repeats(part.rows):
        return part
    ids = part.rows.goroutine_id
    best: dict[int, int] = {}
    dropped: list[int] = []
    doubts: list[int] = []
    for place, goroutine_id in enumerate(ids.tolist()):
        first = best.get(goroutine_id)
        if first is None or goroutine_id == 0:  # each thread has a goroutine 0 of its own
            best[goroutine_id] = place
            continue
        kept, again = (reading.interned.stacks[part.rows.stack[row]] for row in (first, place))
        has_frames = bool(kept.frames)
        if has_frames and again.frames and kept != again:  # neither hides the other: one may be a stranger's text
            doubts.append(place)
            continue
        dropped.append(place if has_frames else first)
        best[goroutine_id] = first if has_frames else place
    for place in dropped:
        reason = "goroutine listed twice (GOTRACEBACK=crash); counted once"
        part = note(part, int(part.rows.line[place]), reason, f"goroutine {ids[place]}", not_counted=1)
    for place in doubts:
        reason = "goroutine listed twice with different stacks; both are counted"
        part = note(part, int(part.rows.line[place]), reason, f"goroutine {ids[place]}", doubtful=True)
    return replace(part, rows=part.rows.take(np.setdiff1d(np.arange(len(ids)), dropped)))


def without_fake(part: Part, reading: Reading) -> Part:
    """A panic message of several lines may hold text that looks like a goroutine (printed raw up to Go 1.22).

    The real one is the goroutine that panicked: it comes right after the message, is running, and no other running one
    with a stack can follow. A message's goroutine stands before it and has neither creator nor main frame.
    """
    dropped = 0
    while dropped + 1 < len(part.rows) and _is_fake(part.rows, dropped, part.first_line, reading):
        line = int(part.rows.line[dropped])
        reason = "looks like a goroutine header, but is part of the panic message; not counted"
        part = note(part, line, reason, not_counted=1)
        dropped += 1
    return replace(part, rows=part.rows.take(np.arange(dropped, len(part.rows)))) if dropped else part


def with_doubts(part: Part, reading: Reading) -> Part:
    """Say so where goroutines below a panic may be text of its message, and nothing tells whether they are.

    The goroutine that panicked comes first, and is the only running one with a stack: what stands above the last such
    one may have been written by a stranger.
    """
    found = part.rows
    if not len(found) or not _panics(part.first_line, int(found.line[0]), reading):
        return part
    if len(part.slice([mark.line for mark in reading.marks if mark.kind == "thread"])):
        return part  # GOTRACEBACK=crash: each thread has a running goroutine
    running = np.flatnonzero(running_with_stack(found, reading))
    if not len(running) or not running[-1]:
        return part
    reason = f"the first {running[-1]:,} goroutines after the panic may be part of its message; all are counted"
    return note(part, int(found.line[0]), reason, doubtful=True)


def with_follower(part: Part, following: Part | None, reading: Reading) -> Part:
    """Say so where a second dump follows a panic's without a cause of its own: a process that dies prints one."""
    if following is None or not len(part.rows) or not len(following.rows):
        return part
    line, own = int(part.rows.line[0]), int(following.rows.line[0])
    caused = any(
        mark.kind == "cause" for k in following.slice(Lines(reading.marks)) if (mark := reading.marks[k]).line < own
    )
    if caused or not _panics(part.first_line, line, reading):
        return part
    return note(part, line, "these goroutines may be part of the panic message: a second dump follows", doubtful=True)


def _panics(first_line: int, line: int, reading: Reading) -> bool:
    """Whether a panic is told of between two lines."""
    above = range(bisect_left(Lines(reading.marks), first_line), bisect_left(Lines(reading.marks), line))
    return any(reading.marks[k].text.startswith("panic: ") for k in above)


def _is_fake(found: Rows, place: int, first_line: int, reading: Reading) -> bool:
    panics = _panics(first_line, int(found.line[place]), reading)
    if not panics or not (_runs(found, place, reading) and _runs(found, place + 1, reading)):
        return False
    stack, following = (reading.interned.stacks[found.stack[k]] for k in (place, place + 1))
    is_whole = stack.created_by is not None or (bool(stack.frames) and stack.frames[-1].function in _MAIN_FRAMES)
    return not is_whole and bool(following.frames)


def _runs(found: Rows, place: int, reading: Reading) -> bool:
    header = reading.interned.header(int(found.header[place]))
    return header.wait_reason == "running"
