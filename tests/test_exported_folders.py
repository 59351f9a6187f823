"""Folders of exports: of one whole export or refused, whatever was killed, damaged, or written by another version."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from helpers import DUMP, FIXTURES, ROOT, assert_refused, command, goroutine, run
from stackscan.errors import SourceError
from stackscan.export.sql.query import joined
from stackscan.export.sql.query import run as run_sql
from stackscan.export.tables import manifest
from stackscan.export.tables.build import build
from stackscan.export.tables.identity import identify, identify_as_before
from stackscan.export.tables.load import exported
from stackscan.export.tables.rows import rows_of
from stackscan.export.tables.schema import TABLES
from stackscan.export.tables.write import Written, export
from stackscan.model.capture import Taken
from stackscan.pipeline import examine
from stackscan.redaction import Redaction
from stackscan.report import CaptureReport

COUNT = "SELECT count(*) AS n FROM goroutines"
OLD, NEW = 2, 3  # goroutines of the two captures


@pytest.fixture
def dumps(tmp_path: Path) -> tuple[Path, Path]:
    """Two small dumps, of two and of three goroutines."""
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text(DUMP, encoding="utf-8")
    new.write_text("\n".join(goroutine(number, ["main.work"]) for number in range(1, NEW + 1)), encoding="utf-8")
    return old, new


def write(folder: Path, *sources: Path, partition: bool = False, host: str | None = None) -> Written:
    """An export, in this process."""
    told = Taken(host=host)
    with export(folder, "parquet") as under_way:
        for source in sources:
            for examined in examine(str(source))[0]:
                under_way.add(build(examined, told), also=identify_as_before(examined, told))
        return under_way.finish_partitioned() if partition else under_way.finish()


def asked(folder: Path, sql: str = COUNT) -> list[tuple[object, ...]]:
    """The rows of an answer."""
    with exported(folder) as tables:
        return run_sql(sql, tables).rows()


def goroutines(folder: Path) -> object:
    """How many goroutines a folder holds."""
    return asked(folder)[0][0]


def killed(at: int, *arguments: Path | str) -> None:
    """Run stackscan and kill it before its rename or link of this number."""
    words = [sys.executable, ROOT / "benchmarks" / "kills.py", "run", f"--at={at}", "--", *map(str, arguments)]
    assert -9 == subprocess.run(words, capture_output=True, check=False).returncode


def parts_in(folder: Path) -> list[str]:
    """What a listing shows of files that were under way."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


# -- killed exports --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "left"), [(1, OLD), (2, OLD), (3, None), (6, None), (9, None)])
def test_tables_of_two_exports_are_never_mixed(
    tmp_path: Path, dumps: tuple[Path, Path], at: int, left: int | None
) -> None:
    """Killed before the export is sealed, before the manifest, before the first, a middle and the last table."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    killed(at, "export", dumps[1], "--output", folder)
    if left is None:
        assert_refused(
            run("query", COUNT, "--tables", folder), "stopped before all its tables", "into this folder again"
        )
    else:
        assert left == goroutines(folder)
    write(folder, dumps[1])
    assert (NEW, []) == (goroutines(folder), parts_in(folder))


def test_the_next_export_finishes_a_killed_one_first(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """Even when its own source cannot be read: what was whole on the disk is not lost."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    killed(4, "export", dumps[1], "--output", folder)
    assert_refused(run("export", tmp_path / "nothing", "--output", folder), "does not exist")
    assert (NEW, []) == (goroutines(folder), parts_in(folder))


def test_a_mix_over_the_tables_of_an_earlier_release_is_refused(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """Whose folder has no manifest; also when somebody then removes what the killed run left."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    (folder / "manifest-parquet.json").unlink()
    killed(4, "export", dumps[1], "--output", folder)
    for part in parts_in(folder):
        shutil.rmtree(folder / part)
    with pytest.raises(SourceError, match=r"has [\d,]+ bytes, not [\d,]+: the tables in") as told:
        goroutines(folder)
    assert "Export again" in told.value.hint


@pytest.mark.parametrize("at", [2, 4, 8])
def test_the_parts_of_a_capture_count_together_or_not_at_all(tmp_path: Path, dumps: tuple[Path, Path], at: int) -> None:
    """A partitioned export that is killed as it adds files; the next one, of whatever, adds the rest."""
    folder = tmp_path / "tables"
    write(folder, dumps[0], partition=True)
    killed(at, "export", "--partition", dumps[1], "--output", folder)
    assert OLD == goroutines(folder)
    assert at - 2 == len(list(folder.glob("*/*/*/*.parquet"))) - len(TABLES)
    write(folder, dumps[0], partition=True)
    assert (OLD + NEW, []) == (goroutines(folder), parts_in(folder))


@pytest.mark.parametrize("extra", [[], ["--partition"]], ids=["plain", "partition"])
def test_exports_at_once_leave_whole_tables(tmp_path: Path, dumps: tuple[Path, Path], extra: list[str]) -> None:
    """Two processes and one folder: one export's tables, or, partitioned, those of both."""
    folder = tmp_path / "tables"
    together = [
        subprocess.Popen(command("export", *extra, dump, "--output", folder), stdout=subprocess.DEVNULL)
        for dump in dumps
    ]
    assert [0, 0] == [process.wait() for process in together]
    assert goroutines(folder) in ({OLD + NEW} if extra else {OLD, NEW})
    assert [] == parts_in(folder)


def test_an_export_while_the_tables_are_read_is_noticed(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """The answer may be of both; nobody gets it."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])

    def read() -> Iterator[object]:
        with exported(folder) as tables:
            yield tables["snapshots"].collect()
            yield tables["goroutines"].collect()

    reading = read()
    next(reading)
    write(folder, dumps[1])
    next(reading)
    with pytest.raises(SourceError, match="replaced the tables"):
        next(reading)


def test_a_table_keeps_its_mode(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """A folder of tables is closed to others; one that is read-only is left alone, and so are the others."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    (folder / "goroutines.parquet").chmod(0o600)
    write(folder, dumps[1])
    assert 0o600 == (folder / "goroutines.parquet").stat().st_mode & 0o777
    (folder / "stacks.parquet").chmod(0o444)
    assert_refused(run("export", dumps[0], "--output", folder), "stacks.parquet", "read-only")
    assert (NEW, []) == (goroutines(folder), parts_in(folder))


# -- earlier and later versions --------------------------------------------------------------------------------------


def test_a_folder_of_the_release_without_manifest_is_read(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """When all its tables are there."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    (folder / "manifest-parquet.json").unlink()
    assert OLD == goroutines(folder)
    (folder / "pools.parquet").unlink()
    with pytest.raises(SourceError, match="has no table 'pools'"):
        goroutines(folder)


@pytest.mark.parametrize("older_first", [True, False])
def test_columns_that_one_version_lacks_are_null(
    tmp_path: Path, dumps: tuple[Path, Path], *, older_first: bool
) -> None:
    """In whatever order the files come: a column that is not known any more, or not yet, is left out."""
    folder = tmp_path / "tables"
    for dump, host in zip(dumps, ("a", "b") if older_first else ("b", "a"), strict=True):
        write(folder, dump, partition=True, host=host)
    for host, change in (
        ("a" if older_first else "b", lambda table: table.drop("labels")),
        ("b" if older_first else "a", lambda table: table.with_columns(pl.lit(1).alias("of_next_year")).reverse()),
    ):
        (path,) = folder.glob(f"goroutines/*/captured_host={host}/*.parquet")
        change(pl.read_parquet(path)).write_parquet(path)
    assert [(None, OLD + NEW)] == asked(folder, "SELECT labels, count(*) AS n FROM goroutines GROUP BY labels")
    with exported(folder) as tables:
        assert list(TABLES["goroutines"].schema) == tables["goroutines"].collect_schema().names()


def test_a_column_of_another_type_names_its_file(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """Which of a thousand files is it?"""
    folder = tmp_path / "tables"
    for dump, host in zip(dumps, ("a", "b"), strict=True):
        write(folder, dump, partition=True, host=host)
    (path,) = folder.glob("goroutines/*/captured_host=b/*.parquet")
    pl.read_parquet(path).cast({"line": pl.String}).write_parquet(path)
    assert_refused(run("query", "SELECT sum(line) FROM goroutines", "--tables", folder), str(path), "'line'", "String")


DAMAGE = {
    "empty": lambda _: b"",
    "text": lambda _: b"no table\n",
    "cut": lambda data: data[: len(data) // 2],
    "footer": lambda data: data[:-12] + b"\xff" * 4 + data[-8:],
    "tail": lambda data: data[:-1],
}


@pytest.mark.parametrize("partition", [False, True], ids=["plain", "partition"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named(tmp_path: Path, dumps: tuple[Path, Path], kind: str, *, partition: bool) -> None:
    """And what to do about it."""
    folder = tmp_path / "tables"
    write(folder, *dumps, partition=partition)
    path = next(path for path in folder.rglob("*.parquet") if "goroutines" in str(path.relative_to(folder)))
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    with pytest.raises(SourceError) as told:
        asked(folder, "SELECT sum(line) FROM goroutines")
    assert str(path) in str(told.value)
    assert "xport" in told.value.hint


def test_any_flipped_bit_of_a_plain_export_is_noticed(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """Parquet itself does not notice all of them; the manifest's checksums do."""
    folder = tmp_path / "tables"
    write(folder, *dumps)
    path = folder / "frames.parquet"
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(SourceError, match=r"frames\.parquet has another checksum"):
            goroutines(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other"}', '{"schema": "stackscan.export", "files": 1}'])
def test_a_broken_manifest_is_said(tmp_path: Path, dumps: tuple[Path, Path], text: str) -> None:
    """It is named, and how to mend it."""
    folder = tmp_path / "tables"
    write(folder, dumps[0])
    (folder / "manifest-parquet.json").write_text(text)
    with pytest.raises(SourceError, match=r"manifest-parquet\.json is not a manifest") as told:
        goroutines(folder)
    assert "Export again" in told.value.hint


def test_a_missing_part_of_a_capture_is_named(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """Its snapshot says that it was there."""
    folder = tmp_path / "tables"
    write(folder, dumps[0], partition=True)
    (path,) = folder.glob("frames/*/*/*.parquet")
    path.unlink()
    with pytest.raises(SourceError, match="is missing, but its snapshot exists") as told:
        goroutines(folder)
    assert str(path) in str(told.value)


def test_a_wrong_query_is_not_blamed_on_files(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """What is wrong with the SQL is said as ever."""
    write(tmp_path / "tables", dumps[0])
    assert_refused(run("query", "SELECT nothing FROM goroutines", "--tables", tmp_path / "tables"), "nothing", "query")


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv", "ndjson"])
def test_a_manifest_describes_what_stands_there(tmp_path: Path, dumps: tuple[Path, Path], kind: str) -> None:
    """For each format: every file, its rows, size and checksum."""
    with export(tmp_path / "tables", kind) as under_way:
        for examined in examine(str(dumps[0]))[0]:
            under_way.add(build(examined))
        rows = under_way.finish().rows
    described = manifest.read(tmp_path / "tables" / f"manifest-{kind}.json")
    assert described == {
        f"{name}.{kind}": manifest.describe(tmp_path / "tables" / f"{name}.{kind}", rows[name]) for name in TABLES
    }


# -- the same capture twice ------------------------------------------------------------------------------------------


@pytest.fixture
def spellings(tmp_path: Path) -> list[Path]:
    """One dump: by its path, by another, as a copy, compressed, and inside a bundle."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    shutil.copy(path, tmp_path / "copy.txt")
    (tmp_path / "dump.txt.gz").write_bytes(gzip.compress(path.read_bytes()))
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.write(path, "goroutines.stacks")
    relative = Path(os.path.relpath(path))
    return [path, relative, *(tmp_path / name for name in ("copy.txt", "dump.txt.gz", "bundle.zip"))]


@pytest.mark.parametrize("partition", [False, True], ids=["plain", "partition"])
def test_one_capture_counts_once_however_it_is_spelt(tmp_path: Path, spellings: list[Path], *, partition: bool) -> None:
    """Within one call."""
    done = write(tmp_path / "tables", *spellings, partition=partition)
    assert (1, len(spellings) - 1) == (done.snapshots, done.skipped)
    assert [(str(spellings[0]), OLD)] == asked(
        tmp_path / "tables", "SELECT source, count(*) AS n FROM goroutines GROUP BY source"
    )


def test_one_capture_counts_once_over_several_exports(tmp_path: Path, spellings: list[Path]) -> None:
    """In one partitioned folder; the first spelling stays."""
    done = [write(tmp_path / "tables", each, partition=True) for each in spellings]
    assert [1, 0, 0, 0, 0] == [each.snapshots for each in done]
    assert [(str(spellings[0]),)] == asked(tmp_path / "tables", "SELECT source FROM snapshots")


def test_query_counts_a_capture_once(spellings: list[Path]) -> None:
    """As an export of the same sources does."""
    tables = joined(rows_of(each) for source in spellings for each in examine(str(source))[0])
    assert [(OLD,)] == run_sql(COUNT, tables).rows()


def test_what_else_is_known_makes_another_capture(tmp_path: Path, spellings: list[Path]) -> None:
    """Two hosts may print the same bytes."""
    for host in ("a", "b", "a"):
        write(tmp_path / "tables", spellings[0], partition=True, host=host)
    assert 2 * OLD == goroutines(tmp_path / "tables")


def test_captures_that_differ_in_one_argument_are_two(tmp_path: Path) -> None:
    """Though their goroutines, stacks and lines are the same."""
    paths = [tmp_path / f"{number}.txt" for number in (1, 2)]
    for path, argument in zip(paths, ("0xc000012345", "0xc000054321"), strict=True):
        path.write_text(goroutine(1, ["main.work"], argument=argument))
    assert 2 == write(tmp_path / "tables", *paths).snapshots


def test_what_an_earlier_release_exported_is_known_again(tmp_path: Path, dumps: tuple[Path, Path]) -> None:
    """It named snapshots by their source: a fleet that exports its folder anew after an upgrade doubles nothing."""
    (examined,) = examine(str(dumps[0]))[0]
    tables = build(examined)
    former = identify_as_before(examined, Taken())
    with export(tmp_path / "tables", "parquet") as under_way:
        under_way.add({name: table.with_columns(snapshot_id=pl.lit(former)) for name, table in tables.items()})
        under_way.finish_partitioned()
    assert (0, 1) == ((done := write(tmp_path / "tables", dumps[0], partition=True)).snapshots, done.skipped)
    assert OLD == goroutines(tmp_path / "tables")


def test_a_redacted_capture_is_known_by_its_key(dumps: tuple[Path, Path]) -> None:
    """And only by it: the id tells nobody without the key which file it was."""

    def one(key: bytes | None) -> CaptureReport:
        redaction = None if key is None else Redaction(key)
        return examine(str(dumps[0]), redaction=redaction)[0][0]

    ids = [identify(one(key), Taken()) for key in (None, b"1" * 32, b"1" * 32, b"2" * 32)]
    assert ids[1] == ids[2]
    assert 3 == len(set(ids))


def test_a_real_bundle_renamed_is_the_same_capture(tmp_path: Path) -> None:
    """Its name says no time, the profile in it does."""
    bundle = min((FIXTURES / "kubo" / "v0.40.1-mixed").glob("ipfs-profile-*.zip"))
    shutil.copy(bundle, tmp_path / "renamed.zip")
    assert (2, 2) == ((done := write(tmp_path / "t", bundle, tmp_path / "renamed.zip")).snapshots, done.skipped)
