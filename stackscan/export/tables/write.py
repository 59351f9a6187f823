"""Writes tables to a folder: all of an export appears, or nothing does (publish.py).

Each capture's rows go to a part file as soon as they are made, so memory holds one capture at a time; parts are joined
by polars' streaming engine. Partitioned exports only ever add files.
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
from stackscan.export.tables import manifest
from stackscan.export.tables.publish import READY, check, commit, files, mend, publish
from stackscan.export.tables.schema import TABLES

_MOMENT: Final = "%Y-%m-%dT%H:%M:%S%.6f%:z"
#: What readers of partitioned folders (Hive, Spark, DuckDB, polars) take for null.
_NOBODY_KNOWS: Final = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: how its names end, and how a lazy table is written as one."""

    suffix: str
    sink: Callable[[pl.LazyFrame, Path], Any]


KINDS: Final = {
    "parquet": Kind("parquet", lambda table, path: table.sink_parquet(path, compression="zstd")),
    "arrow": Kind("arrow", lambda table, path: table.sink_ipc(path, compression="uncompressed")),
    "csv": Kind("csv", lambda table, path: table.sink_csv(path, datetime_format=_MOMENT)),
    "ndjson": Kind("ndjson", lambda table, path: table.sink_ndjson(path)),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What an export did: rows by table, and how many snapshots were there already and stayed as they were."""

    rows: dict[str, int]
    snapshots: int
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A snapshot to be written: the number of its parts, where an earlier release may have put it, rows by table."""

    number: int
    former: tuple[Path, ...]
    rows: dict[str, int]


class Export:
    """An export under way: give it the tables of one snapshot after the other, then finish it."""

    def __init__(self, folder: Path, workspace: Path, kind: Kind) -> None:
        self._folder, self._workspace, self._kind = folder, workspace, kind
        self._snapshots: dict[Path, _Snapshot] = {}
        self._repeated = 0
        self._ready = workspace / READY
        self._ready.mkdir()

    def add(self, tables: dict[str, pl.DataFrame], *, also: str | None = None) -> None:
        """Keep the tables of one snapshot on disk until all are there.

        ``also`` is another id under which a partitioned folder may hold the snapshot already.
        """
        shared = tables["snapshots"].row(0, named=True)
        partition = _partition(shared)
        place = partition / shared["snapshot_id"]
        former = () if also is None else (partition / also,)
        if place in self._snapshots:  # the same capture given twice
            self._repeated += 1
            return
        number = len(self._snapshots)
        self._snapshots[place] = _Snapshot(number, former, {name: len(table) for name, table in tables.items()})
        for name, table in tables.items():
            table.write_ipc(self._part(name, number))

    def finish(self) -> Written:
        """Write one file a table, and a manifest of them, in place of those of an earlier export."""
        found = list(self._snapshots.values())
        rows = {name: sum(snapshot.rows[name] for snapshot in found) for name in TABLES}
        described = {}
        for name in TABLES:
            whole = self._ready / f"{name}.{self._kind.suffix}"
            self._sink([self._part(name, snapshot.number) for snapshot in found], whole)
            described[whole.name] = manifest.describe(whole, rows[name])
        manifest.write(self._ready / manifest.name_of(self._kind.suffix), self._kind.suffix, described)
        self._commit()
        return Written(rows, len(found), self._repeated)

    def finish_partitioned(self) -> Written:
        """Add one file a table and snapshot below folders of date and host; what is there stays as it is."""
        for place, snapshot in self._snapshots.items():
            if not any(self._final("snapshots", each).exists() for each in (place, *snapshot.former)):
                for name in TABLES:
                    whole = self._ready / self._file(name, place)
                    whole.parent.mkdir(parents=True, exist_ok=True)
                    self._sink([self._part(name, snapshot.number)], whole)
        added = self._commit()
        rows = {
            name: sum(s.rows[name] for place, s in self._snapshots.items() if self._file(name, place) in added)
            for name in TABLES
        }
        new = sum(self._file("snapshots", place) in added for place in self._snapshots)
        return Written(rows, new, len(self._snapshots) - new + self._repeated)

    def _commit(self) -> set[Path]:
        with commit(self._workspace):
            check(self._workspace)
            atomic.seal(self._workspace, files(self._workspace))
            return atomic.surely(lambda: publish(self._workspace))

    def _part(self, name: str, number: int) -> Path:
        return self._workspace / f"{name}-{number}"

    def _file(self, name: str, place: Path) -> Path:
        return Path(name) / f"{place}.{self._kind.suffix}"

    def _final(self, name: str, place: Path) -> Path:
        return self._folder / self._file(name, place)

    def _sink(self, parts: list[Path], whole: Path) -> None:
        self._kind.sink(pl.scan_ipc(parts), whole)


@contextmanager
def export(folder: Path, file_format: str) -> Iterator[Export]:
    """An export to a folder, which is made if need be. What fails leaves no file and no folder behind.

    Raises OutputError when the folder cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mend(folder)
        with atomic.workspace(folder) as workspace:
            yield Export(folder, workspace, KINDS[file_format])
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
    date = _NOBODY_KNOWS if moment is None else moment.date().isoformat()
    return Path(f"captured_date={date}") / f"captured_host={_escaped(host) if host else _NOBODY_KNOWS}"


def _escaped(name: str) -> str:
    escaped = quote(name, safe="")
    return escaped.replace(".", "%2E") if set(name) == {"."} else escaped
