"""What the debugger Delve prints about goroutines: lists, stacks, and the answers of its JSON API.

``grammars/delve.lark`` is the authority on the lines of its terminal. A list without stacks has one place for each
goroutine; runtime frames are left out where Go's own traceback does so, so that stacks equal those of a dump.
"""

from __future__ import annotations

from stackscan.formats.delve.find import MARKS, NAME, spans
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

__all__ = ["MARKS", "NAME", "read", "spans"]


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of one span, at least one; one for each time that the program stood still."""
    from stackscan.formats.delve import lines, rpc, snapshots
    from stackscan.formats.goroutine_text.normalise import normalise

    text, problems = normalise(data)
    if progress is not None:
        progress(len(data) // 2, len(data))
    is_json = any(mark in text for mark in (b'"Goroutines"', b'"Locations"', b'"userCurrentLoc"'))
    moments = rpc.read_answers(text.decode()) if is_json else lines.read_lines(text.decode())
    if progress is not None:
        progress(len(data), len(data))
    return snapshots.build_all(moments, problems)
