"""The counted text of goroutine and goroutineleak profiles: debug=1, and debug=0 of Go 1.7 and earlier.

``grammars/counts.lark`` is the authority on the text. Frame lines are few and pass it once each; count lines and
label lines may differ from record to record, so they are taken apart by the grammar's own terminals.
"""

from __future__ import annotations

from typing import Final

from stackscan.formats.goroutine_counts.claim import claims
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

__all__ = ["NAME", "claims", "read"]

NAME: Final = "goroutine-counts"


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The snapshots of a counted text, one for each profile in it."""
    from stackscan.formats.goroutine_counts import reader

    return reader.read(data, progress)
