"""Reads a whole text: a small one goroutine by goroutine, a large one as columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from stackscan.formats.goroutine_text import plain, snapshots
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reading import Reading
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

if TYPE_CHECKING:
    from stackscan.formats.goroutine_text.arrays import ArrayRows
    from stackscan.formats.goroutine_text.rows import Rows

#: Bytes from which on columns are faster where polars and numpy are loaded already ...
_LARGE: Final = 1 << 20
#: ... and where they have to be loaded first, which also takes 50 MB of memory.
_VERY_LARGE: Final = 16 << 20


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a text, at least one. Damage is in their problems."""
    size = len(data)
    large = size >= (_LARGE if "polars" in sys.modules else _VERY_LARGE)
    data, problems = normalise(data, clean=large and _is_clean(data))
    reading = Reading(problems=problems)
    unterminated = bool(data) and not data.endswith(b"\n")
    rows: Rows | ArrayRows
    if large:
        from stackscan.formats.goroutine_text import chunked

        rows = chunked.read(data, reading, unterminated=unterminated, progress=progress)
    else:
        rows = plain.read(data, reading, unterminated=unterminated)
        if progress is not None and data:
            progress(len(data), len(data))
    return snapshots.build(rows, reading, data, size=size, unterminated=unterminated)


def _is_clean(data: bytes) -> bool:
    """Whether all bytes are ASCII and none is a NUL: numpy tells both in one look at them."""
    import numpy as np

    return not data or bool(np.frombuffer(data, dtype=np.int8).min() > 0)
