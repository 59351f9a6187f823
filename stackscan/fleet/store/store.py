"""A store: which objects are new to it, rows that go into it, and all rows that count.

Rows are committed in batches, all rows of an object in one commit: a writer that is killed leaves what it committed,
and goes on from there the next time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stackscan import __version__
from stackscan.errors import StoreError
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.store.columns import (
    CAPTURE,
    CAPTURES,
    NOTHING,
    OTHER,
    PLACES,
    SCHEMA_VERSION,
    UNREADABLE,
    captures_schema,
    places_schema,
)
from stackscan.fleet.store.current import ROW, superseded
from stackscan.fleet.store.delta import Size, Table
from stackscan.fleet.store.objects import Reading, content_mark
from stackscan.fleet.store.records import Place, PlaceIds, Record, record, restored
from stackscan.fleet.store.slices import slices
from stackscan.sources import network
from stackscan.sources.address import masked

if TYPE_CHECKING:
    import polars as pl

#: A commit has so many captures, or those of so many seconds.
_BATCH: Final = 500
_BATCH_SECONDS: Final = 5.0
#: Rows that are objects at a time when all are read.
_AS_OBJECTS: Final = 100
#: Lines with so many goroutines are kept, so that a store may be asked with any larger threshold.
LINES_FROM: Final = 1_000

#: Columns of ``places`` that an answer needs.
_OF_PLACE: Final = ("place_id", "function", "created_by", "wait_reason", "location", "idle", "caught", "packages")
_VERSION_KEY: Final = "stackscan.schemaVersion"
_REDACTION_KEY: Final = "stackscan.redaction"
_LINES_KEY: Final = "stackscan.linesFrom"


@dataclass(frozen=True, slots=True)
class Settings:
    """What all rows of a store have in common: under which key private names are hidden (empty: none are), and from how
    many goroutines on lines are kept."""

    redaction: str = ""
    lines_from: int = LINES_FROM


@dataclass(slots=True)
class Store:
    """A store that exists. Make it with :func:`open_store`."""

    url: str
    settings: Settings
    captures: Table
    places: Table
    batch: int = _BATCH
    _ids: PlaceIds | None = None
    _waiting: list[Record] = field(default_factory=list)
    _since: float = 0.0

    def unknown(self, readings: Iterable[Reading], *, again: frozenset[str] = frozenset()) -> list[int]:
        """The places in ``readings`` of what the store has not read yet; of what has a status in ``again``, too."""
        import polars as pl

        columns = ("object", "part", "mark", "pattern")
        asked = pl.DataFrame(
            [(one.object, one.part, one.mark, one.pattern) for one in readings],
            schema=dict.fromkeys(columns, pl.String()),
            orient="row",
        ).with_row_index("place")
        for rows in slices(self.rows_of_table()) if not again else [self._settled(again)]:
            known = rows.select(columns).unique().collect()
            asked = asked.join(known, on=columns, how="anti")
        return asked.sort("place")["place"].to_list()

    def _settled(self, again: frozenset[str]) -> pl.LazyFrame:
        """The rows of what was read, but not of what has a status in ``again``."""
        import polars as pl

        of_reading = ("object", "part", "mark", "pattern")
        latest = pl.col("read_at") == pl.col("read_at").max().over(*of_reading)
        rows = self.rows_of_table().filter(latest)
        return rows.filter((~pl.col("status").is_in(list(again))).all().over(*of_reading))

    def add(self, reading: Reading, rows: Sequence[Row | Unread]) -> None:
        """Add what an object holds. It is committed with the batch that it belongs to."""
        ids = self._place_ids()
        common = {
            "object": reading.object,
            "part": reading.part,
            "mark": content_mark(rows) if reading.mark is None else reading.mark,
            "pattern": reading.pattern,
            "read_at": datetime.now(UTC),
            "stackscan_version": __version__,
        }
        self._since = self._since or time.monotonic()
        found = [common | record(row, ids) for row in rows]
        self._waiting += found or [common | {"status": NOTHING, "capture": reading.object}]
        if len(self._waiting) >= self.batch or time.monotonic() - self._since > _BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what waits: new places, then the captures, in one commit."""
        if not self._waiting:
            return
        import polars as pl

        ids = self._place_ids()
        new = ids.unwritten()
        if new:
            schema = places_schema()
            frame = pl.DataFrame(new, schema=schema, orient="row")
            self.places.append(lambda: frame)
            ids.wrote()
        rows = pl.DataFrame(self._waiting, schema=captures_schema())
        rows = rows.sort("service", "host", "captured_at", "object", nulls_last=True)
        rows = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
        # A commit that failed may still have been made: rows of another attempt are another reading.
        self.captures.append(lambda: rows.with_columns(pl.lit(os.urandom(8).hex()).alias("batch")))
        self._waiting.clear()
        self._since = 0.0

    def rows_of_table(self) -> pl.LazyFrame:
        """The table ``captures`` as it is now."""
        import polars as pl

        return pl.scan_delta(self.captures.open())

    def rows(self, since: datetime | None = None) -> Iterator[Row | Unread]:
        """The rows that count, in no order; ``since``: only those of captures that were taken, or where that is unknown
        read, at this time or later."""
        import polars as pl

        table = self.rows_of_table()
        places = self.known_places()  # after the captures: those that they name are there
        gone = superseded(table)
        for rows in slices(table):
            wanted = rows.filter(pl.col("status").is_in([CAPTURE, UNREADABLE, OTHER]))
            if since is not None:
                wanted = wanted.filter(pl.coalesce("captured_at", "read_at") >= since)
            if not gone.is_empty():
                wanted = wanted.join(gone.lazy(), on=ROW, how="anti", nulls_equal=True)
            for few in _without_structs(wanted).collect().iter_slices(_AS_OBJECTS):
                for columns in few.iter_rows(named=True):
                    yield restored(columns, places)

    def known_places(self) -> dict[int, Place]:
        """What the table ``places`` says, by id."""
        import polars as pl

        frame = pl.scan_delta(self.places.open()).select(_OF_PLACE).collect()
        return {number: (*place, tuple(packages)) for number, *place, packages in frame.iter_rows()}

    def size(self) -> Size:
        """How large both tables are."""
        return self.captures.size() + self.places.size()

    def _place_ids(self) -> PlaceIds:
        if self._ids is None:
            self._ids = PlaceIds(set(self.known_places()))
        return self._ids


def _without_structs(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The same with lists of numbers for lists of spots, which are read much faster."""
    import polars as pl

    numbers = [
        pl.col(name).list.eval(pl.element().struct.field(each)).alias(f"{name}.{each}")
        for name in ("places", "lines")
        for each in ("place_id", "goroutines", "wait_minutes")
    ]
    return rows.with_columns(numbers).drop("places", "lines")


def open_store(url: str, *, create: Settings | None = None) -> Store:
    """The store at a path or an address of object storage; ``create``: made so where there is none yet.

    Raises StoreError for a folder that holds other things, for a store of a later release, and where there is none.
    """
    network.check(url)
    root = _root(url)
    captures, places = Table(f"{root}/{CAPTURES}"), Table(f"{root}/{PLACES}")
    if not captures.exists():
        if create is None:
            raise StoreError(f"{url}: there is no store", hint="Make one: stackscan fleet SOURCE... --store URL")
        _check_free(url)
        settings = {
            _VERSION_KEY: str(SCHEMA_VERSION),
            _REDACTION_KEY: create.redaction,
            _LINES_KEY: str(create.lines_from),
        }
        places.create(places_schema(), settings)
        captures.create(captures_schema(), settings)
    return Store(url, _settings(url, captures.settings()), captures, places)


def _root(url: str) -> str:
    if not url.strip("/"):
        raise StoreError("--store needs a folder, or an address like s3://BUCKET/PREFIX")
    if url.lower().startswith(("http://", "https://")):
        raise StoreError(
            f"{masked(url)}: a web address cannot hold a store",
            hint="Give a folder, or an address like s3://BUCKET/PREFIX; AWS_ENDPOINT_URL names the server.",
        )
    if "://" in url:
        return url.rstrip("/")
    return str(Path(url).absolute())


def _check_free(url: str) -> None:
    """Raises StoreError for a path where no store can be made. In object storage nothing is overwritten anyway."""
    if "://" in url:
        return
    path = Path(url)
    try:
        others = {each.name for each in path.iterdir()} - {CAPTURES, PLACES} if path.exists() else set()
    except NotADirectoryError:
        raise StoreError(f"{url}: it is a file, not a store", hint="Give a folder that is new or empty.") from None
    except OSError as error:
        raise StoreError(f"{url}: {error.strerror}") from None
    if others:
        raise StoreError(
            f"{url}: the folder holds other files ({min(others)}) and no store",
            hint="Give a folder that is new or empty.",
        )


def _settings(url: str, found: dict[str, Any]) -> Settings:
    version = found.get(_VERSION_KEY)
    if version is None:
        raise StoreError(f"{url}: its table {CAPTURES} was not made by stackscan", hint="Give another folder.")
    if int(version) > SCHEMA_VERSION:
        raise StoreError(
            f"{url}: a later release of stackscan made this store (schema {version}; this one knows {SCHEMA_VERSION})",
            hint="Upgrade stackscan.",
        )
    return Settings(found.get(_REDACTION_KEY, ""), int(found.get(_LINES_KEY, LINES_FROM)))
