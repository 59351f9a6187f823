"""Reads a whole text: a small one goroutine by goroutine, a large one as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.formats.goroutine_text import plain, snapshots
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reading import Reading
from stackscan.model.snapshot import Snapshot
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
    unterminated = bool(data) and not data.endswith(b"\n")
    rows: Rows | ArrayRows
    if len(data) < _LARGE:
        reading.note_counted(data)
        rows = plain.read(data, reading, unterminated=unterminated)
        if progress is not None and data:
            progress(len(data), len(data))
    else:
        from stackscan.formats.goroutine_text import chunked

        rows = chunked.read(data, reading, unterminated=unterminated, progress=progress)
    return snapshots.build(rows, reading, data, size=size, unterminated=unterminated)
