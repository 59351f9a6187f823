"""Writes tables to a folder: all of an export appears, or nothing does (publish.py).

Rows go to part files as soon as they are many, so memory does not grow with the number of captures; parts are joined by
polars' streaming engine. Partitioned exports only ever add files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from stackscan.errors import OutputError
from stackscan.export import atomic
from stackscan.export.formulas import without_formulas, without_lists
from stackscan.export.tables import manifest
from stackscan.export.tables.build import frames_of
from stackscan.export.tables.publish import READY, check, files, publish, publishing
from stackscan.export.tables.rows import CaptureRows
from stackscan.export.tables.schema import TABLES

_MOMENT: Final = "%Y-%m-%dT%H:%M:%S%.6f%:z"
#: Readers of partitioned folders (Hive, Spark, DuckDB, polars) take this for null.
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
#: Rows of all tables that are kept in memory.
_AT_ONCE: Final = 1 << 15


def _write_csv(table: pl.LazyFrame, path: Path) -> None:
    without_lists(table).sink_csv(path, datetime_format=_MOMENT)


#: Formats of files, which are also their suffixes, and how each writes a lazy table.
KINDS: Final[dict[str, Callable[[pl.LazyFrame, Path], Any]]] = {
    "parquet": lambda table, path: table.sink_parquet(path, compression="zstd"),
    "arrow": lambda table, path: table.sink_ipc(path, compression="uncompressed"),
    "csv": lambda table, path: _write_csv(without_formulas(table), path),
    "ndjson": lambda table, path: table.sink_ndjson(path),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What an export did: rows by table, and how many snapshots were there already and stayed as they were."""

    rows: dict[str, int]
    snapshots: int
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A snapshot to be written: the number of the parts that hold it, from which row on in each and how many, by table,
    and where an earlier release may have put it."""

    part: int
    first: dict[str, int]
    rows: dict[str, int]
    former: tuple[Path, ...]


class Export:
    """An export under way: give it the tables of one snapshot after the other, then finish it."""

    def __init__(self, folder: Path, workspace: Path, file_format: str, *, csv_raw: bool = False) -> None:
        self._folder, self._workspace, self._format = folder, workspace, file_format
        self._write = _write_csv if csv_raw else KINDS[file_format]
        self._snapshots: dict[Path, _Snapshot] = {}
        self._repeated = self._parts = 0
        self._waiting: list[CaptureRows] = []
        self._rows = dict.fromkeys(TABLES, 0)  # of those that wait
        self._ready = workspace / READY
        self._ready.mkdir()

    def take(self, capture: CaptureRows) -> None:
        """Keep the rows of one snapshot, in memory while they and those before them are few, else on disk."""
        totals = {name: rows.total for name, rows in capture.tables.items()}
        if self._is_new(capture.shared, totals, capture.former_id):
            self._waiting.append(capture)
            if sum(self._rows.values()) > _AT_ONCE:
                self._settle()

    def add(self, tables: dict[str, pl.DataFrame], *, also: str | None = None) -> None:
        """Keep the tables of one snapshot on disk until all are there; ``also`` as for ``take``."""
        self._settle()
        if self._is_new(
            tables["snapshots"].row(0, named=True), {name: len(table) for name, table in tables.items()}, also
        ):
            self._write_part(tables)

    def _is_new(self, shared: dict[str, Any], rows: dict[str, int], also: str | None) -> bool:
        """Whether a snapshot was not given before; if so, its place behind those that wait is noted."""
        partition = _partition(shared)
        place = partition / shared["snapshot_id"]
        if place in self._snapshots:
            self._repeated += 1
            return False
        former = () if also is None else (partition / also,)
        self._snapshots[place] = _Snapshot(self._parts, dict(self._rows), rows, former)
        for name, count in rows.items():
            self._rows[name] += count
        return True

    def _settle(self) -> None:
        """Bring what waits to the disk."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._write_part(frames_of(waiting))

    def _write_part(self, tables: dict[str, pl.DataFrame]) -> None:
        for name, table in tables.items():
            table.write_ipc(self._part(name, self._parts))
        self._parts += 1
        self._rows = dict.fromkeys(TABLES, 0)

    def finish(self) -> Written:
        """Write one file a table, and a manifest of them, in place of those of an earlier export."""
        self._settle()
        found = list(self._snapshots.values())
        rows = {name: sum(snapshot.rows[name] for snapshot in found) for name in TABLES}
        described = {}
        for name in TABLES:
            whole = self._ready / f"{name}.{self._format}"
            self._write(pl.scan_ipc([self._part(name, part) for part in range(self._parts)]), whole)
            described[whole.name] = manifest.describe(whole, rows[name])
        manifest.write(self._ready / manifest.name_of(self._format), self._format, described)
        self._commit()
        return Written(rows, len(found), self._repeated)

    def finish_partitioned(self) -> Written:
        """Add one file a table and snapshot below folders of date and host; what is there stays as it is."""
        self._settle()
        for place, snapshot in self._snapshots.items():
            places = (place, *snapshot.former)
            if not any((self._folder / self._file("snapshots", each)).exists() for each in places):
                for name in TABLES:
                    whole = self._ready / self._file(name, place)
                    whole.parent.mkdir(parents=True, exist_ok=True)
                    part = pl.scan_ipc(self._part(name, snapshot.part))
                    self._write(part.slice(snapshot.first[name], snapshot.rows[name]), whole)
        added = self._commit()
        rows = {
            name: sum(s.rows[name] for place, s in self._snapshots.items() if self._file(name, place) in added)
            for name in TABLES
        }
        new = sum(self._file("snapshots", place) in added for place in self._snapshots)
        return Written(rows, new, len(self._snapshots) - new + self._repeated)

    def _commit(self) -> set[Path]:
        with publishing(self._folder):
            check(self._workspace)
            atomic.seal(self._workspace, files(self._workspace))
            return atomic.surely(lambda: publish(self._workspace))

    def _part(self, name: str, number: int) -> Path:
        return self._workspace / f"{name}-{number}"

    def _file(self, name: str, place: Path) -> Path:
        return Path(name) / f"{place}.{self._format}"


@contextmanager
def export(folder: Path, file_format: str, *, csv_raw: bool = False) -> Iterator[Export]:
    """An export to a folder, which is made if need be. What fails leaves no file and no folder behind.
    ``csv_raw`` leaves texts in CSV as they are.

    Raises OutputError when the folder cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with publishing(folder):
            pass
        with atomic.workspace(folder) as workspace:
            yield Export(folder, workspace, file_format, csv_raw=csv_raw)
        done = True
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError(f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    finally:
        for path in () if done else made:
            with suppress(OSError):  # another export may have begun to write there
                path.rmdir()


def _partition(shared: dict[str, Any]) -> Path:
    """``captured_date=2026-11-23/captured_host=node-1``, names escaped as Hive escapes them."""
    moment, host = shared["captured_at"], shared["host"]
    date = _NULL if moment is None else moment.date().isoformat()
    name = quote(host or "", safe="") or _NULL
    name = name.replace(".", "%2E") if set(name) == {"."} else name  # . and .. are no names of folders
    return Path(f"captured_date={date}") / f"captured_host={name}"
