"""What a store holds, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackscan.fleet.store.columns import CAPTURE, EXPIRED, UNREADABLE
from stackscan.fleet.store.current import ROW, superseded
from stackscan.fleet.store.outcomes import Summary
from stackscan.fleet.store.store import Store

if TYPE_CHECKING:
    import polars as pl


def summary(store: Store) -> Summary:
    """What a store holds now."""
    import polars as pl

    table = store.rows_of_table()
    gone = superseded(table)
    columns = (
        "object",
        "part",
        "status",
        "service",
        "host",
        "version",
        "captured_at",
        "read_at",
        "stackscan_version",
        *ROW,
    )
    rows = table.select(columns).collect().join(gone, on=ROW, how="anti", nulls_equal=True)
    taken = rows.filter(pl.col("status") == CAPTURE)
    statuses = dict(rows.group_by("status").len().iter_rows())
    read = rows.filter(pl.col("status") != EXPIRED)
    expired = rows.filter(pl.col("status") == EXPIRED).join(read, on="object", how="anti")
    size = store.size()

    def names(column: str, frame: pl.DataFrame) -> tuple[str, ...]:
        return tuple(frame[column].drop_nulls().unique().sort().to_list())

    return Summary(
        url=store.url,
        captures=taken.height,
        unreadable=statuses.get(UNREADABLE, 0),
        objects=read.select("object", "part").n_unique(),
        expired=expired["object"].n_unique(),
        superseded=gone.height,
        places=len(store.known_places()),
        hosts=taken.filter(pl.col("host").is_not_null()).select("service", "host").n_unique(),
        services=names("service", taken),
        versions=names("version", taken),
        first_captured=taken["captured_at"].min(),  # type: ignore[arg-type]  # a column of times
        last_captured=taken["captured_at"].max(),  # type: ignore[arg-type]  # the same
        last_read=rows["read_at"].max(),  # type: ignore[arg-type]  # the same
        stackscan_versions=names("stackscan_version", rows),
        redacted=bool(store.settings.redaction),
        files=size.files,
        bytes=size.bytes,
    )
