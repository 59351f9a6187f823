"""Writes tables to a folder: all of an export appears, or nothing does.

Each capture's rows go to a part file as soon as they are made, so memory holds one capture at a time; parts are joined
by polars' streaming engine. Partitioned exports only ever add files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from stackscan.errors import OutputError
from stackscan.tables.schema import TABLES

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


class Export:
    """An export under way: give it the tables of one snapshot after the other, then finish it."""

    def __init__(self, folder: Path, workspace: Path, kind: Kind) -> None:
        self._folder, self._workspace, self._kind = folder, workspace, kind
        self._parts: dict[str, list[Path]] = {name: [] for name in TABLES}
        self._rows = dict.fromkeys(TABLES, 0)
        self._places: list[Path] = []
        self._repeated = 0

    def add(self, tables: dict[str, pl.DataFrame]) -> None:
        """Keep the tables of one snapshot on disk until all are there."""
        shared = tables["snapshots"].row(0, named=True)
        place = _partition(shared) / shared["snapshot_id"]
        if place in self._places:  # the same source given twice
            self._repeated += 1
            return
        self._places.append(place)
        for name, table in tables.items():
            part = self._workspace / f"{name}-{len(self._parts[name])}"
            table.write_ipc(part)
            self._parts[name].append(part)
            self._rows[name] += len(table)

    def finish(self) -> Written:
        """Write one file a table, in place of those of an earlier export."""
        for name, parts in self._parts.items():
            self._sink(parts, self._workspace / f"{name}.{self._kind.suffix}")
        for name in TABLES:
            whole = self._workspace / f"{name}.{self._kind.suffix}"
            whole.replace(self._folder / whole.name)
        return Written(self._rows, len(self._places), self._repeated)

    def finish_partitioned(self) -> Written:
        """Add one file a table and snapshot below folders of date and host; what is there stays as it is."""
        rows, skipped = dict.fromkeys(TABLES, 0), 0
        for number, place in enumerate(self._places):
            added = {name: self._add_file(name, number, place) for name in TABLES}
            skipped += not added["snapshots"]
            for name, is_new in added.items():
                rows[name] += pl.scan_ipc(self._parts[name][number]).select(pl.len()).collect().item() if is_new else 0
        return Written(rows, len(self._places) - skipped, skipped + self._repeated)

    def _add_file(self, name: str, number: int, place: Path) -> bool:
        """Whether a file was added: one that has the name already holds the same snapshot."""
        final = self._folder / name / f"{place}.{self._kind.suffix}"
        if final.exists():
            return False
        whole = self._workspace / f"{name}-{number}.{self._kind.suffix}"
        self._sink([self._parts[name][number]], whole)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(whole, final)  # unlike a rename it never replaces what another export has just written
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            whole.replace(final)
        return True

    def _sink(self, parts: list[Path], whole: Path) -> None:
        self._kind.sink(pl.scan_ipc(parts), whole)


@contextmanager
def export(folder: Path, file_format: str) -> Iterator[Export]:
    """An export to a folder, which is made if need be. What fails leaves no file and no folder behind.

    Raises OutputError when the folder cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=".stackscan-", dir=folder))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from error
    done = False
    try:
        yield Export(folder, workspace, KINDS[file_format])
        done = True
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OutputError(f"{folder} cannot be written: {error}") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
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
