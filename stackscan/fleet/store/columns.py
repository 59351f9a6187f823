"""The tables of a store and their columns: a contract with whatever else reads them (docs/store.md).

``captures`` has a row for each capture, and for each object that holds none: it is also the list of objects that were
read. Rows are only added: those of one object come in one commit. ``places`` says what the place of an id is; its rows
are written before the captures that name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

#: Raised when older releases would read a store wrongly. Columns may be added without it.
SCHEMA_VERSION: Final = 1

CAPTURES: Final = "captures"
PLACES: Final = "places"

#: What a row of ``captures`` is. ``other``: a file of a bundle that is no capture; ``nothing``: an object without any;
#: ``expired``: an object whose captures were deleted, so that it is not read again.
CAPTURE: Final = "capture"
UNREADABLE: Final = "unreadable"
OTHER: Final = "other"
NOTHING: Final = "nothing"
EXPIRED: Final = "expired"

#: How the mark of an object begins that has none but its content.
CONTENT_MARK: Final = "content:"


def captures_schema() -> pl.Schema:
    """The columns of ``captures``."""
    import polars as pl

    spots = pl.List(pl.Struct({"place_id": pl.Int64, "goroutines": pl.Int64, "wait_minutes": pl.Int64}))
    findings = {
        **dict.fromkeys(("rule", "cause", "severity", "title", "fix", "function", "location"), pl.String()),
        "goroutines": pl.Int64(),
        "packages": pl.List(pl.String()),
    }
    pools = {"pool": pl.String(), "known": pl.Boolean(), "workers": pl.Int64(), "busy": pl.Int64()}
    pools |= {"created_by": pl.String(), "idle_at": pl.String()}
    waits = pl.List(pl.Struct({"at": pl.String(), "goroutines": pl.Int64()}))
    crews = {"root": pl.String(), "created_by": pl.String(), "workers": pl.Int64(), "waits": waits}
    time = pl.Datetime("us", "UTC")
    return pl.Schema(
        {
            "object": pl.String(),
            "part": pl.String(),
            "mark": pl.String(),
            "pattern": pl.String(),
            "batch": pl.String(),
            "row": pl.Int64(),
            "read_at": time,
            "stackscan_version": pl.String(),
            "status": pl.String(),
            "reason": pl.String(),
            "capture": pl.String(),
            "digest": pl.Binary(),
            "service": pl.String(),
            "host": pl.String(),
            "version": pl.String(),
            "captured_at": time,
            "format": pl.String(),
            "goroutines": pl.Int64(),
            "complete": pl.Boolean(),
            "leak_profile": pl.Boolean(),
            "places": spots,
            "lines": spots,
            "findings": pl.List(pl.Struct(findings)),
            "pools": pl.List(pl.Struct(pools)),
            "crews": pl.List(pl.Struct(crews)),
        }
    )


def places_schema() -> pl.Schema:
    """The columns of ``places``."""
    import polars as pl

    return pl.Schema(
        {
            "place_id": pl.Int64(),
            "function": pl.String(),
            "created_by": pl.String(),
            "wait_reason": pl.String(),
            "location": pl.String(),
            "idle": pl.Boolean(),
            "caught": pl.Boolean(),
            "packages": pl.List(pl.String()),
            "stack": pl.String(),
        }
    )
