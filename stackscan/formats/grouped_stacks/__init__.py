"""Lists in which one stack stands for many goroutines: goroutine-inspect's, panicparse's, and people's own.

``grammars/grouped.lark`` is the authority on their headers. The frames below ``48 goroutines [select]:`` are those of a
full-text dump and are read by its readers; panicparse has lines of its own.
"""

from __future__ import annotations

from stackscan.formats.grouped_stacks.find import MARKS, NAME, spans
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

__all__ = ["MARKS", "NAME", "read", "spans"]


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of one span, at least one."""
    from stackscan.formats.grouped_stacks import find, groups, panicparse

    found = panicparse.read(data) if find.is_panicparse(data) else groups.read(data)
    if progress is not None:
        progress(len(data), len(data))
    return found
