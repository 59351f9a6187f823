"""What keeps a store small: compaction and retention. Writers and readers may be at work meanwhile.

Each step leaves a store that says the same as before, so that one that is killed is simply begun again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from stackscan import __version__
from stackscan.fleet.store.columns import CAPTURE, EXPIRED, captures_schema, places_schema
from stackscan.fleet.store.current import ROW, superseded
from stackscan.fleet.store.outcomes import Compaction, Expiry
from stackscan.fleet.store.store import Store

if TYPE_CHECKING:
    import polars as pl

#: What a row says of what was read.
_KNOWN: Final = ("object", "part", "mark", "pattern")
#: Rows that one deletion names.
_NAMED: Final = 2_000


def compact(store: Store, *, keep: timedelta) -> Compaction:
    """Delete what counts no more, and make few large files of many small ones.

    Files that are no longer part of the store are removed once they have been so for as long as ``keep``: a reader that
    began before may need them.
    """
    before = store.size()
    rows = _delete_superseded(store)
    places = _delete_equal_places(store)
    store.captures.compact()
    _vacuum(store, keep)
    after = store.size()
    return Compaction(
        rows=rows,
        places=places,
        files_before=before.files,
        files=after.files,
        bytes_before=before.bytes,
        bytes=after.bytes,
    )


def expire(store: Store, *, older_than: timedelta, keep: timedelta, now: datetime | None = None) -> Expiry:
    """Delete the captures that were taken, or where that is unknown read, longer ago than ``older_than``.

    What they were read from stays known, so that it is not read again. ``keep`` as for :func:`compact`.
    """
    import polars as pl

    before = (now or datetime.now(UTC)) - older_than
    old = (pl.col("status") != EXPIRED) & (pl.coalesce("captured_at", "read_at") < before)
    rows = store.rows_of_table().filter(old).select(*_KNOWN, "status").collect()
    if not rows.is_empty():
        known = rows.select(_KNOWN).unique()
        _mark_expired(store, known)
        moment = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        store.captures.delete(f"status <> '{EXPIRED}' AND coalesce(captured_at, read_at) < TIMESTAMP '{moment}'")
    _vacuum(store, keep)
    captures = rows.filter(pl.col("status") == CAPTURE).height
    return Expiry(before=before, captures=captures, objects=rows.select("object").n_unique())


def _mark_expired(store: Store, known: pl.DataFrame) -> None:
    """Note what is about to be deleted as read. If nothing is deleted then, nothing else has changed."""
    import polars as pl

    rows = known.select(
        *_KNOWN,
        pl.lit(os.urandom(8).hex()).alias("batch"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        pl.lit(datetime.now(UTC)).alias("read_at"),
        pl.lit(__version__).alias("stackscan_version"),
        pl.lit(EXPIRED).alias("status"),
        pl.col("object").alias("capture"),
    )
    schema = captures_schema()
    whole = rows.with_columns(pl.lit(None).alias(name) for name in schema.names() if name not in rows.columns)
    store.captures.append(lambda: whole.select(schema.names()).cast(schema))


def _delete_superseded(store: Store) -> int:
    gone = superseded(store.rows_of_table())
    return sum(store.captures.delete(condition) for condition in _conditions(gone))


def _conditions(gone: pl.DataFrame) -> Iterator[str]:
    """Conditions that these rows meet, and no others. They are simple: deltalake cannot read others again when another
    writer comes first."""
    rows = gone.sort(ROW).rows()
    for first in range(0, len(rows), _NAMED):
        batches = groupby(rows[first : first + _NAMED], key=itemgetter(0))
        yield " OR ".join(
            f"(batch = '{batch}' AND row IN ({', '.join(str(row) for _, row in found)}))" for batch, found in batches
        )


def _delete_equal_places(store: Store) -> int:
    """Keep each place once: two writers that saw it for the first time wrote it twice."""
    import polars as pl

    def attempt() -> int:
        table = store.places.open()
        rows = pl.scan_delta(table).select(places_schema().names()).collect()
        distinct = rows.unique("place_id").sort("function", "created_by", "wait_reason", "location", nulls_last=True)
        if len(table.file_uris()) > 1:
            store.places.overwrite(distinct, table)
        return rows.height - distinct.height

    return store.places.retried(attempt)


def _vacuum(store: Store, keep: timedelta) -> None:
    hours = ceil(keep.total_seconds() / 3600)
    for table in (store.places, store.captures):
        table.vacuum(hours)
