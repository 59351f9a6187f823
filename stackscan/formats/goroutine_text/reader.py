"""Reads a whole text: a small one goroutine by goroutine, a large one as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.formats.goroutine_text import plain, snapshots
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reading import Reading
from stackscan.formats.goroutine_text.surroundings import COUNTED
from stackscan.model.snapshot import Problem, Snapshot
from stackscan.sources import Progress

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.arrays import ArrayRows
    from stackscan.formats.goroutine_text.rows import Rows

#: Bytes from which on columns are faster, loading polars and numpy included.
_LARGE: Final = 2 << 20


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a text, at least one. Damage is in their problems."""
    size = len(data)
    data, problems = normalise(data)
    reading = Reading(problems=problems)
    _note_counted(data, reading)
    unterminated = bool(data) and not data.endswith(b"\n")
    rows: Rows | ArrayRows
    if len(data) < _LARGE:
        rows = plain.read(data, reading, unterminated=unterminated)
        if progress is not None and data:
            progress(len(data), len(data))
    else:
        from stackscan.formats.goroutine_text import chunked

        rows = chunked.read(data, reading, unterminated=unterminated, progress=progress)
    return snapshots.build(rows, reading, data, size=size, unterminated=unterminated)


def _note_counted(data: bytes, reading: Reading) -> None:
    """Report counted profiles between goroutines: they are not read, since a panic's message may quote them."""
    line, at = 1, 0
    for found in COUNTED.finditer(data) if b" profile: total " in data else ():
        line, at = line + data.count(b"\n", at, found.start()), found.start()
        reason = "a counted profile after a panic's first line, perhaps part of its message; not read"
        reading.problems.append(Problem(line, reason, found[0].split(b"\n")[0].decode()))
        reading.lost_lines.append(line)
