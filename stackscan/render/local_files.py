"""Files of frames on this machine, as terminals and editors open them: paths below the current folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stackscan.model.snapshot import Frame

#: Finds the file of a frame on this machine; None where there is none.
Find = Callable[[Frame], Path | None]


def local_path(frame: Frame, find: Find | None) -> str | None:
    """``store/cache.go``: a frame's file from the current folder; None where it is not below that."""
    found = None if find is None else find(frame)
    if found is None:
        return None
    here = Path.cwd().resolve()
    path = found.resolve()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else None
