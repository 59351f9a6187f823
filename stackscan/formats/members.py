"""Reads a member of a source into snapshots: log wrappers removed, line numbers those of the log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stackscan import formats
from stackscan.errors import UnrecognisedFormatError
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Member, Progress
from stackscan.sources import logs as wrappers
from stackscan.sources.logs import Note, Piece, Wrapped


def read_member(member: Member, progress: Progress | None = None) -> list[tuple[Member, list[Snapshot]]]:
    """The snapshots of a member, at least one; those of a log for each of its streams that holds any.

    The members that come back carry no data. Raises UnrecognisedFormatError for one that holds no dump.
    """
    data = member.data or b""
    bare = replace(member, data=None)
    if formats.is_binary(data):  # its strings may look like a log
        return [(bare, formats.read(data, where=member.where, progress=progress))]
    wrapped = wrappers.unwrap(data)
    found = _streams(bare, wrapped, progress) if wrapped else []
    if wrapped and len(wrapped.pieces) == 1 and not wrapped.is_document:
        data = wrapped.pieces[0].text  # without a dump in it, the error describes this text
    return found or [(bare, _read(Piece("", data), member, progress))]


def _read(piece: Piece, member: Member, progress: Progress | None) -> list[Snapshot]:
    """The snapshots of one text, whose dumps may be of several formats, with the line numbers of the log."""
    found = []
    for part in formats.read_parts(piece.text, where=member.where, progress=progress):
        inner = piece
        if part.lines is not None:
            inner = Piece("", b"", np.arange(part.first_line + 1, part.first_line + part.lines + 1)).within(piece)
        found += [_renumber(snapshot, inner) for snapshot in part.snapshots]
    return found


def _streams(member: Member, wrapped: Wrapped, progress: Progress | None) -> list[tuple[Member, list[Snapshot]]]:
    found = []
    for piece in wrapped.pieces:
        try:
            snapshots = _read(piece, member, progress)
        except UnrecognisedFormatError:
            continue  # a line that only speaks of a goroutine
        if any(len(snapshot.table) for snapshot in snapshots):
            named = replace(member, wrapper=wrapped.names, stream=piece.stream)
            found.append((named, _with_notes(snapshots, wrapped.notes)))
    return found


def _renumber(snapshot: Snapshot, piece: Piece) -> Snapshot:
    """The same snapshot with the line numbers of the log."""
    if piece.lines is None or not len(piece.lines):
        return snapshot
    last = len(piece.lines)
    problems = tuple(
        replace(problem, line=int(piece.lines[min(max(problem.line, 1), last) - 1])) for problem in snapshot.problems
    )
    lines = [
        None if line is None else int(piece.lines[min(max(line, 1), last) - 1]) for line in snapshot.column("line")
    ]
    return replace(snapshot, problems=problems, table=snapshot.table.with_column("line", lines))


def _with_notes(snapshots: list[Snapshot], notes: tuple[Note, ...]) -> list[Snapshot]:
    """The snapshots, each with what the log says it left out below its first line as a problem."""
    starts = [_first_line(snapshot) for snapshot in snapshots]
    noted = []
    for place, snapshot in enumerate(snapshots):
        end = starts[place + 1] if place + 1 < len(starts) else None
        problems = tuple(
            Problem(note.line, note.reason, note.excerpt)
            for note in notes
            if note.line > starts[place] and (end is None or note.line < end)
        )
        whole = snapshot.complete and not problems
        noted.append(replace(snapshot, problems=(*snapshot.problems, *problems), complete=whole))
    return noted


def _first_line(snapshot: Snapshot) -> int:
    return min((line for line in snapshot.column("line") if line is not None), default=0)
