"""Reads a member of a source into snapshots: log wrappers removed, line numbers those of the log."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from stackscan import formats
from stackscan.errors import UnrecognisedFormatError
from stackscan.formats.plain import is_plain
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Member, Progress

if TYPE_CHECKING:
    from stackscan.sources.logs import Note, Wrapped
    from stackscan.sources.logs.wrapped import Lines


def read_member(member: Member, progress: Progress | None = None) -> list[tuple[Member, list[Snapshot]]]:
    """The snapshots of a member, at least one; those of a log for each of its streams that holds any.

    The members that come back carry no data. Raises UnrecognisedFormatError for one that holds no dump.
    """
    data = member.data or b""
    bare = replace(member, data=None)
    if formats.is_binary(data):  # its strings may look like a log
        return [(bare, formats.read(data, where=member.where, progress=progress))]
    wrapped = None if is_plain(data) else _unwrapped(data)
    found = _streams(bare, wrapped, progress) if wrapped else []
    if wrapped and len(wrapped.pieces) == 1 and not wrapped.is_document:
        data = wrapped.pieces[0].text  # without a dump in it, the error describes this text
    return found or [(bare, _read(data, None, member, progress))]


def _unwrapped(data: bytes) -> Wrapped | None:
    """The log without its wrappers; None for a text without."""
    from stackscan.sources import logs

    return logs.unwrap(data)


def _read(text: bytes, lines: Lines | None, member: Member, progress: Progress | None) -> list[Snapshot]:
    """The snapshots of one text, whose dumps may be of several formats, with the line numbers of the log; ``lines``:
    those of the text's lines (None: their own)."""
    found = []
    for part in formats.read_parts(text, where=member.where, progress=progress):
        numbers = lines if part.lines is None else _lines_of(part.first_line, part.lines, lines)
        found += [_renumber(snapshot, numbers) for snapshot in part.snapshots]
    return found


def _lines_of(first: int, count: int, lines: Lines | None) -> Lines:
    """The numbers of so many lines from the ``first`` (0-based) on; the last one where there are fewer."""
    if lines is None or not len(lines):
        return range(first + 1, first + count + 1)
    return lines[min(first, len(lines) - 1) : first + count]


def _streams(member: Member, wrapped: Wrapped, progress: Progress | None) -> list[tuple[Member, list[Snapshot]]]:
    found = []
    for piece in wrapped.pieces:
        try:
            snapshots = _read(piece.text, piece.lines, member, progress)
        except UnrecognisedFormatError:
            continue  # a line that only speaks of a goroutine
        if any(len(snapshot.table) for snapshot in snapshots):
            named = replace(member, wrapper=wrapped.names, stream=piece.stream)
            found.append((named, _with_notes(snapshots, wrapped.notes)))
    return found


def _renumber(snapshot: Snapshot, numbers: Lines | None) -> Snapshot:
    """The same snapshot with the line numbers of the log."""
    if numbers is None or not len(numbers):
        return snapshot
    last = len(numbers)
    problems = tuple(
        replace(problem, line=int(numbers[min(max(problem.line, 1), last) - 1])) for problem in snapshot.problems
    )
    lines = [None if line is None else int(numbers[min(max(line, 1), last) - 1]) for line in snapshot.column("line")]
    return replace(snapshot, problems=problems, table=snapshot.table.with_column("line", lines))


def _with_notes(snapshots: list[Snapshot], notes: tuple[Note, ...]) -> list[Snapshot]:
    """The snapshots, each with what the log says it left out below its first line as a problem."""
    if not notes:
        return snapshots
    starts = [_first_line(snapshot) for snapshot in snapshots]
    told: dict[int, list[Problem]] = {}
    for note in notes:
        place = bisect_left(starts, note.line) - 1
        if place >= 0 and note.line not in starts[place + 1 : place + 2]:
            told.setdefault(place, []).append(Problem(note.line, note.reason, note.excerpt))
    return [
        replace(snapshot, problems=(*snapshot.problems, *told[place]), complete=False) if place in told else snapshot
        for place, snapshot in enumerate(snapshots)
    ]


def _first_line(snapshot: Snapshot) -> int:
    return min((line for line in snapshot.column("line") if line is not None), default=0)
