"""Protobuf profiles of goroutines (debug=0, Go 1.8 and later), gzip already taken off by the source.

profile.proto describes the wire format. Also CockroachDB's debug=3: one sample a goroutine, with its id and state.
"""

from __future__ import annotations

from typing import Final

from stackscan.formats.goroutine_pprof.claim import claims
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Progress

__all__ = ["NAME", "claims", "read"]

NAME: Final = "goroutine-pprof"


def read(data: bytes, progress: Progress | None = None) -> list[Snapshot]:
    """The one snapshot of a profile."""
    from stackscan.formats.goroutine_pprof import reader

    return reader.read(data, progress)
