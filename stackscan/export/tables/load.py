"""Opens the folders that exports wrote: only what one export wrote whole, and every file read to today's columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from stackscan.errors import SourceError, StackscanError
from stackscan.export import atomic, parts
from stackscan.export.tables import manifest
from stackscan.export.tables.schema import TABLES

_AGAIN: Final = "Export again into this folder: stackscan export SOURCE... --output DIR."
#: Errors of polars that a query's own text makes, whatever the files hold.
_OF_THE_QUERY: Final = (
    pl.exceptions.SQLSyntaxError,
    pl.exceptions.SQLInterfaceError,
    pl.exceptions.ColumnNotFoundError,
)


@dataclass(frozen=True, slots=True)
class _Folder:
    """The Parquet files of each table, and a mark that changes when an export replaces them."""

    files: Mapping[str, list[Path]]
    mark: tuple[tuple[int, int, int], ...] = ()


@contextmanager
def exported(folder: Path) -> Iterator[dict[str, pl.LazyFrame]]:
    """The tables of an export to Parquet, also a partitioned one, for as long as they are asked.

    A column that a file of another version lacks is null, one that it has more is ignored. Raises SourceError when the
    tables are not all there or are not of one export, when an export replaces them meanwhile, and, in place of the
    error of a question that fails because of a damaged file, one that names the file.
    """
    found = _find(folder)
    try:
        yield {name: _scan(name, files) for name, files in found.files.items()}
    except (StackscanError, pl.exceptions.PolarsError, OSError) as error:
        _check_unchanged(folder, found)
        if not isinstance(error.__cause__ or error, _OF_THE_QUERY):
            _check_files(found)
        raise
    _check_unchanged(folder, found)


def _scan(name: str, files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(
        files,
        schema=TABLES[name].schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )


def _find(folder: Path) -> _Folder:
    expected = manifest.read(folder / manifest.name_of("parquet"))
    plain = {name: [folder / f"{name}.parquet"] for name in TABLES}
    present = [name for name, (path,) in plain.items() if path.is_file()]
    if expected is not None:
        return _whole(folder, plain)
    if not present:
        return _Folder(_partitioned(folder))
    if len(present) < len(TABLES):
        missing = next(name for name in TABLES if name not in present)
        raise _no_table(folder, missing)
    return _Folder(plain, _mark(plain))  # of a release that wrote no manifest


def _no_table(folder: Path, name: str) -> SourceError:
    return SourceError(
        f"{folder} has no table {name!r} in Parquet", hint="Make it: stackscan export SOURCE... --output DIR"
    )


def _whole(folder: Path, plain: Mapping[str, list[Path]]) -> _Folder:
    """The files of the export that the manifest describes. Raises SourceError when they are not all of them."""
    wrong = ""
    for look in ("first", "after any running export"):
        try:
            if look != "first":
                with atomic.alone(folder):
                    pass
            expected = manifest.read(folder / manifest.name_of("parquet")) or {}
            mark = _mark(plain)
            wrong = _wrong(folder, expected)
            if not wrong and mark == _mark(plain):
                return _Folder(plain, mark)
        except OSError as error:
            raise SourceError(f"{folder} cannot be read: {error.strerror or error}", hint="") from error
    if any(atomic.is_sealed(part) for part in parts.parts(folder)):
        raise SourceError(
            f"an export into {folder} was stopped before all its tables were written: {wrong}",
            hint="Export anything into this folder again: this first finishes the stopped export.",
        )
    raise SourceError(
        f"{wrong or folder}: the tables in {folder} are not from one complete export",
        hint=f"The file was damaged, or replaced by another program. {_AGAIN}",
    )


def _wrong(folder: Path, expected: Mapping[str, manifest.File]) -> str:
    """The first file that is not the one of the manifest, and why; an empty text when all are."""
    for name in TABLES:
        path = folder / f"{name}.parquet"
        if path.name not in expected:
            return f"{folder / manifest.name_of('parquet')} does not name {path.name}"
        if (why := manifest.differs(path, expected[path.name])) is not None:
            return f"{path} {why}"
    return ""


def _partitioned(folder: Path) -> dict[str, list[Path]]:
    """The files of the snapshots that are there whole: those in `snapshots`, which is written last."""
    names = {name: _below(folder / name) for name in TABLES}
    whole = names["snapshots"]
    if not whole:
        raise _no_table(folder, "snapshots")
    for name, found in names.items():
        if missing := sorted(whole - found):
            raise SourceError(
                f"{folder / name / missing[0]} is missing, but its snapshot exists",
                hint=f"It was removed. Remove {folder / 'snapshots' / missing[0]} too, and export that capture "
                "again with --partition.",
            )
    return {name: [folder / name / file for file in sorted(whole)] for name in TABLES}


def _below(folder: Path) -> set[str]:
    """The Parquet files below a folder, by their paths in it."""
    return {
        os.path.relpath(Path(place) / file, folder)
        for place, _, files in os.walk(folder)
        for file in files
        if file.endswith(".parquet")
    }


# -- what went wrong -------------------------------------------------------------------------------------------------


def _mark(plain: Mapping[str, list[Path]]) -> tuple[tuple[int, int, int], ...]:
    """What the file system says of files that are replaced as a whole: it differs as soon as one was."""
    told = [path.stat() for files in plain.values() for path in files if path.exists()]
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in told)


def _check_unchanged(folder: Path, found: _Folder) -> None:
    if found.mark and _mark(found.files) != found.mark:
        raise SourceError(f"an export replaced the tables in {folder} while they were read", hint="Ask again.")


def _check_files(found: _Folder) -> None:
    """Raise SourceError for the first file that cannot be read, or has a column of another type."""
    everything = [(name, path) for name, files in found.files.items() for path in files]
    for name, path in everything:
        _check_columns(path, _read(path, whole=False), TABLES[name].schema)
    for _, path in everything:
        _read(path, whole=True)


def _read(path: Path, *, whole: bool) -> Mapping[str, pl.DataType]:
    """The columns of a file; ``whole``: all that it holds is read as well."""
    try:
        if whole:
            pl.read_parquet(path, glob=False, hive_partitioning=False)
        return pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, TypeError) as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise SourceError(f"{path} is damaged, or not a Parquet file: {reason}", hint=_mending(path)) from error


def _check_columns(path: Path, columns: Mapping[str, pl.DataType], expected: Mapping[str, pl.DataType]) -> None:
    for name, kind in expected.items():
        if name in columns and columns[name] != kind:
            raise SourceError(
                f"{path}: column {name!r} is of type {columns[name]}, not {kind}",
                hint=f"Another program, or another version of stackscan, wrote it. {_mending(path)}",
            )


def _mending(path: Path) -> str:
    if path.parent.name.startswith("captured_host="):
        return f"Remove {path.name} below each table's folder, and export that capture again with --partition."
    return _AGAIN
