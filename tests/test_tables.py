"""`stackscan export`: what stands in the tables, and that other programs read it."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from helpers import CORPUS, DUMP, FIXTURES, ROOT, assert_refused, golden, goroutine, json_of, run
from stackscan.export.tables import dictionary
from stackscan.export.tables.build import build
from stackscan.export.tables.rows import _projected
from stackscan.export.tables.schema import TABLES
from stackscan.export.tables.write import KINDS, export
from stackscan.model.capture import Taken
from stackscan.pipeline import examine
from stackscan.sources.names import read_name

SERIES = sorted((FIXTURES / "kubo" / "v0.40.1-mixed").glob("ipfs-profile-*.zip"))
READERS = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "ndjson": pl.read_ndjson}


def tables_of(*sources: Path | str, told: Taken | None = None) -> dict[str, pl.DataFrame]:
    """The tables of some sources, joined."""
    built = [build(found, told) for source in sources for found in examine(str(source))[0]]
    return {name: pl.concat([tables[name] for tables in built]) for name in TABLES}


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small dump in a file of its own."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    return path


def exported(tmp_path: Path, *arguments: Path | str) -> Path:
    """The folder that ``stackscan export`` wrote."""
    folder = tmp_path / "tables"
    done = run("export", *arguments, "--output", folder)
    assert 0 == done.returncode, done.stderr
    return folder


# -- what stands in them ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*SERIES[:2], FIXTURES / "go/go1.27/ancestors.txt"], ids=lambda path: path.name)
def test_every_table_has_its_declared_columns_and_types(path: Path) -> None:
    """The schemas are declared in one place, and what is built obeys them."""
    assert {name: table.schema for name, table in TABLES.items()} == {
        name: dict(table.schema) for name, table in tables_of(path).items()
    }


@pytest.mark.parametrize("path", [SERIES[0], FIXTURES / "go/go1.27/frames.txt"], ids=lambda path: path.name)
def test_only_columns_that_say_when_are_ever_null(path: Path) -> None:
    """The dictionary says of each column what null means there; the others have none."""
    for name, table in tables_of(path).items():
        never = [column.name for column in TABLES[name].columns if column.null is None]
        assert dict.fromkeys(never, 0) == {column: table[column].null_count() for column in never}


def test_an_empty_dump_gives_empty_tables_with_all_columns(tmp_path: Path) -> None:
    """GOTRACEBACK=none prints no goroutine: one snapshot and how it died, nothing else in it, no column missing."""
    folder = exported(tmp_path, FIXTURES / "go/go1.27/panic_nilderef_none.txt")
    read = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    assert {name: table.schema for name, table in TABLES.items()} == {n: dict(t.schema) for n, t in read.items()}
    rows = {name: len(table) for name, table in read.items()}
    assert {name: int(name in ("snapshots", "findings")) for name in TABLES} == rows


def test_stacks_and_frames_join() -> None:
    """From a goroutine by stack_id to its frames, innermost first, and the go statement beside them."""
    tables = tables_of(FIXTURES / "go/go1.27/pool.txt")
    one = tables["goroutines"].filter(pl.col("creator_id").is_not_null()).row(0, named=True)
    frames = tables["frames"].filter(pl.col("stack_id") == one["stack_id"]).sort("depth", nulls_last=True)
    stack = tables["stacks"].filter(pl.col("stack_id") == one["stack_id"]).row(0, named=True)
    assert [*range(stack["depth"]), None] == frames["depth"].to_list()
    assert [stack["top"], stack["root"], stack["created_by"]] == [
        frames["function"][0],
        frames["function"][-2],
        frames["function"][-1],
    ]


def test_signatures_join_goroutines_with_buckets() -> None:
    """Counting goroutines by signature gives the counts of the buckets added up by signature."""
    tables = tables_of(SERIES[0])
    by = tables["goroutines"].group_by("snapshot_id", "signature").len("count").cast({"count": pl.UInt32})
    buckets = tables["buckets"].group_by("snapshot_id", "signature").agg(pl.col("count").sum())
    order = ["snapshot_id", "signature"]
    assert by.sort(order).rows() == buckets.sort(order).rows()


def test_the_states_of_a_pool_add_up_to_its_workers() -> None:
    """Each pool has a row for each of its states; together they are its workers, the busy ones its occupancy."""
    pools = (
        tables_of(*SERIES)["pools"]
        .group_by("snapshot_id", "pool")
        .agg(
            pl.col("count").sum(),
            pl.col("workers").first(),
            (pl.col("count").filter(~pl.col("idle")).sum() / pl.col("workers").first()).alias("busy"),
            pl.col("occupancy").first(),
        )
    )
    assert pools["workers"].to_list() == pools["count"].to_list()
    assert pools["occupancy"].to_list() == pools["busy"].to_list()


def test_a_projection_becomes_columns() -> None:
    """The numbers of `pool project` that a dashboard watches; null where there is no projection."""
    synchronous = {"utilization": 0.4168, "saturated": False, "wait_probability": 0.0055, "mean_wait_seconds": 0.0062}
    projection = {"workers": 12, "stall_load_erlangs": 5.0, "synchronous": synchronous, "detached": {}}
    expected = {"stall_load_erlangs": 5.0, "utilization": 0.4168, "wait_probability": 0.0055, "saturated": False}
    assert expected == _projected(projection)
    assert dict.fromkeys(expected) == _projected({})


def test_hostile_names_are_escaped_in_every_table(tmp_path: Path) -> None:
    """What acts on a terminal stands as an escape, whoever prints the table later."""
    hostile = goroutine(1, ["main.\x08red", "main.\u202eback"], state="sele\x07ct")
    path = tmp_path / "evil\x1b.txt"
    path.write_text(hostile, encoding="utf-8")
    written = "".join(table.write_ndjson() for table in tables_of(path).values())
    assert not set(written) & {"\x1b", "\x07", "\x08", "\u202e"}
    assert not re.search(r"\\u00[01]|\\b", written)  # as JSON would write real ones
    assert r"\\x08red" in written


# -- when and where --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "moment", "host"),
    [
        ("ipfs-profile-2026-04-22T10_11_12+02_00.zip", datetime(2026, 4, 22, 8, 11, 12, tzinfo=UTC), None),
        ("ipfs-profile-2026-04-22T10:11:12.5Z.zip", datetime(2026, 4, 22, 10, 11, 12, 500000, tzinfo=UTC), None),
        ("ipfs-profile-sjc-1-2020-04-23T18_02_35+0000.tar.gz", datetime(2020, 4, 23, 18, 2, 35, tzinfo=UTC), "sjc-1"),
        ("a/ipfs-profile-x.y-2020-04-23T18:02:35-0930.tar.gz/goroutines.stacks",
         datetime(2020, 4, 24, 3, 32, 35, tzinfo=UTC), "x.y"),
        ("ipfs-profile-2026-13-22T10_11_12+02_00.zip", None, None),
        ("ipfs-profile-01.zip", None, None),
        ("dump-2026-04-22T10_11_12+02_00.txt", None, None),
    ],
)  # fmt: skip
def test_names_of_bundles_say_when_and_where(name: str, moment: datetime | None, host: str | None) -> None:
    """What kubo and collect-profiles.sh write into names; nothing is guessed from other names."""
    assert (moment, host) == (read_name(name).captured_at, read_name(name).host)


def test_a_bundles_text_has_the_time_of_its_profile() -> None:
    """A protobuf profile says when it was taken; the text beside it was taken within seconds."""
    snapshots = tables_of(SERIES[0])["snapshots"]
    (moment,) = set(snapshots["captured_at"].to_list())
    assert {"goroutine-text", "goroutine-pprof"} == set(snapshots["format"].to_list())
    assert datetime(2026, 11, 23, 9, 46, 46, tzinfo=UTC) == moment.replace(microsecond=0)


def test_the_second_view_of_a_process_is_marked() -> None:
    """A bundle's profile shows the goroutines of its text again; profiles without a text are no second view."""
    pairs = tables_of(SERIES[0])["snapshots"].select("format", "second_view").rows()
    assert [("goroutine-text", False), ("goroutine-pprof", True)] == pairs
    alone = tables_of(FIXTURES / "kubo/v0.40.1-mixed/goroutine.debug0-01.pb.gz")["snapshots"]
    assert [False] == alone["second_view"].to_list()


def test_a_folder_of_captures_lends_no_time_to_its_texts() -> None:
    """Texts of several captures lie side by side: whose profile is whose, nobody says."""
    found, _ = examine(str(FIXTURES / "kubo" / "v0.41.0-fixed-tcp"))
    loose = [each for each in found if each.report.member and each.report.member.endswith(".txt.gz")]
    assert {None} == {each.capture.taken.captured_at for each in loose}
    bundled = [each for each in found if each.report.member and ".zip/" in each.report.member]
    assert 2 == len({each.capture.taken.captured_at for each in bundled})


def test_the_command_line_says_when_and_where(tmp_path: Path, dump: Path) -> None:
    """For dumps that do not say it themselves."""
    folder = exported(tmp_path, dump, "--captured-at", "2026-11-24T09:30:00+01:00", "--host", "node-1")
    row = pl.read_parquet(folder / "snapshots.parquet").row(0, named=True)
    assert (datetime(2026, 11, 24, 8, 30, tzinfo=UTC), "node-1") == (row["captured_at"], row["host"])


@pytest.mark.parametrize("arguments", [["--captured-at", "yesterday"], ["--captured-at", "2026-11-24T09:30:00"]])
def test_a_time_without_offset_is_refused(tmp_path: Path, dump: Path, arguments: list[str]) -> None:
    """Half past nine where?"""
    assert_refused(run("export", dump, "--output", tmp_path / "o", *arguments), "offset from UTC", "2026-11-24T")
    assert not (tmp_path / "o").exists()


def test_one_time_for_several_sources_is_refused(tmp_path: Path, dump: Path) -> None:
    """They were hardly taken at the same instant."""
    done = run("export", dump, dump, "--output", tmp_path / "o", "--captured-at", "2026-11-24T09:30:00Z")
    assert_refused(done, "several inputs")


# -- files -----------------------------------------------------------------------------------------------------------


def test_duckdb_reads_the_totals_of_the_report(tmp_path: Path) -> None:
    """Goroutines, buckets, findings and workers of four bundles, counted by DuckDB, are what the report says."""
    folder = exported(tmp_path, *SERIES)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return duckdb.sql(sql.replace("$", str(folder))).fetchall()

    snapshots = json_of(*SERIES)["snapshots"]
    assert [(sum(s["goroutines"] for s in snapshots),)] == ask("SELECT count(*) FROM '$/goroutines.parquet'")
    assert [(sum(b["count"] for s in snapshots for b in s["buckets"]),)] == ask(
        "SELECT sum(count) FROM '$/buckets.parquet'"
    )
    assert sorted((f["rule"], f["count"]) for s in snapshots for f in s["findings"]) == sorted(
        ask("SELECT rule, count FROM '$/findings.parquet'")
    )
    stalled = [
        p["states"]["stalled-close"] for s in snapshots for p in s["pools"] if p["pool"] == "bitswap-task-workers"
    ]
    assert stalled == [
        count
        for (count,) in ask(
            "SELECT count FROM '$/pools.parquet' WHERE state = 'stalled-close' ORDER BY captured_at, format DESC"
        )
    ]
    assert ask("SELECT count(*) FROM '$/goroutines.parquet'") == ask(
        "SELECT count(*) FROM '$/goroutines.parquet' JOIN '$/stacks.parquet' USING (snapshot_id, stack_id)"
    )


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_of_file_holds_the_same(tmp_path: Path, kind: str) -> None:
    """Parquet and Arrow to the letter; NDJSON has no types of its own."""
    folder = exported(tmp_path, SERIES[0], "--format", kind)
    for name, table in tables_of(SERIES[0]).items():
        read = READERS[kind](folder / f"{name}.{kind}")
        if kind == "ndjson":
            moment = pl.col("captured_at").str.to_datetime("%+", time_zone="UTC", time_unit="us")
            read = read.with_columns(moment).cast(TABLES[name].schema)  # type: ignore[arg-type]  # a dict is one
        assert table.equals(read), name


def test_csv_is_read_back_by_duckdb(tmp_path: Path) -> None:
    """Quotes, commas and line ends within a cell survive; times have their offset."""
    folder = exported(
        tmp_path, FIXTURES / "go/go1.27/labels.txt", "--format", "csv", "--captured-at", "2026-11-24T09:30:00Z"
    )
    rows = duckdb.sql(
        f"SELECT labels, captured_at FROM read_csv('{folder}/goroutines.csv', all_varchar=true)"
    ).fetchall()
    table = tables_of(FIXTURES / "go/go1.27/labels.txt")["goroutines"]
    assert table["labels"].to_list() == [labels for labels, _ in rows]
    assert {"2026-11-24T09:30:00.000000+00:00"} == {moment for _, moment in rows}


def test_partitions_only_grow(tmp_path: Path) -> None:
    """A second export adds files, the same capture again adds none, and nothing that is there is touched."""
    exported(tmp_path, SERIES[0], "--partition", "--host", "node/1")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    exported(tmp_path, *SERIES[:2], "--partition", "--host", "node/1")
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert before.items() <= after.items()
    assert 2 * len(before) == len(after)
    done = run("export", *SERIES[:2], "--partition", "--host", "node/1", "--output", tmp_path / "tables")
    assert "4 of 4 snapshots existed already" in done.stderr
    assert after == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert {"captured_date=2026-11-23"} == {path.parent.parent.name for path in after}
    assert {"captured_host=node%2F1"} == {path.parent.name for path in after}


def test_partitions_are_read_by_polars_and_duckdb(tmp_path: Path, dump: Path) -> None:
    """Both understand the folders' names, also where date and host are not known."""
    exported(tmp_path, dump, "--partition")
    folder = exported(tmp_path, SERIES[0], "--partition", "--host", "node-1")
    files = f"{folder}/snapshots/**/*.parquet"
    expected = {("node-1", "2026-11-23"), (None, None)}
    assert expected == set(
        duckdb.sql(
            f"SELECT host, CAST(captured_date AS VARCHAR) FROM read_parquet('{files}', hive_partitioning=true)"
        ).fetchall()
    )
    read = pl.scan_parquet(files, hive_partitioning=True, try_parse_hive_dates=False).collect()
    assert expected == set(read.select("host", "captured_date").rows())


def test_one_unreadable_source_leaves_nothing(tmp_path: Path, dump: Path) -> None:
    """All tables appear or none does; a folder that was made for them goes too."""
    bad = tmp_path / "bad.txt"
    bad.write_text("no dump\n", encoding="utf-8")
    assert_refused(run("export", dump, bad, "--output", tmp_path / "new" / "deep"), "bad.txt")
    assert not (tmp_path / "new").exists()
    folder = exported(tmp_path, dump)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    assert_refused(run("export", dump, bad, "--output", folder))
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())


def test_a_folder_that_cannot_be_made_is_said(dump: Path) -> None:
    """A file stands in the way."""
    assert_refused(run("export", dump, "--output", dump), "cannot be written")


def test_the_same_source_twice_counts_once(tmp_path: Path, dump: Path) -> None:
    """Equal snapshot ids would multiply every join."""
    folder = exported(tmp_path, dump, dump)
    assert 2 == len(pl.read_parquet(folder / "goroutines.parquet"))


def test_parts_of_many_captures_are_joined(tmp_path: Path) -> None:
    """What is written at the end is what was added, in that order."""
    found = [each for source in SERIES[:2] for each in examine(str(source))[0]]
    with export(tmp_path / "out", "parquet") as under_way:
        for each in found:
            under_way.add(build(each))
        done = under_way.finish()
    read = pl.read_parquet(tmp_path / "out" / "goroutines.parquet")
    assert [each.report.goroutines for each in found] == read.group_by("snapshot_id", maintain_order=True).len()[
        "len"
    ].to_list()
    assert len(read) == done.rows["goroutines"]
    expected = sorted(["manifest-parquet.json", *(f"{name}.parquet" for name in TABLES)])
    assert expected == sorted(path.name for path in (tmp_path / "out").iterdir())


@pytest.mark.generated
def test_the_dictionary_is_fresh() -> None:
    """docs/columns.md is what `python -m stackscan.export.tables.dictionary` prints."""
    golden(ROOT / "docs" / "columns.md", dictionary.page())


def test_every_kind_is_documented() -> None:
    """Each format of the option stands on the page about tables."""
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert [] == [kind for kind in KINDS if f"`{kind}`" not in page]


def test_findings_keep_their_evidence() -> None:
    """As JSON, which DuckDB and polars take apart."""
    (row,) = tables_of(FIXTURES / "kubo/v0.40.1-stalled-tcp/stack-02.txt.gz")["findings"].rows(named=True)
    assert ("bitswap-close-stall", "error", 12) == (row["rule"], row["severity"], row["count"])
    assert {"yamux": 12} == json.loads(row["evidence"])["transports"]
    assert 12 == len(json.loads(row["goroutine_ids"]))


@pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")
def test_a_large_dump_is_exported_whole(tmp_path: Path) -> None:
    """14,890 goroutines in one go."""
    assert CORPUS is not None
    folder = exported(tmp_path, CORPUS / "go/go1.27/big10000.debug2.txt.gz")
    assert 14_890 == len(pl.read_parquet(folder / "goroutines.parquet"))


def test_the_page_about_tables_names_each_of_them() -> None:
    """docs/tables.md links to the columns of every table."""
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert [] == [name for name in TABLES if f"[`{name}`](columns.md#{name})" not in page]


# -- cells that a spreadsheet would run ------------------------------------------------------------------------------

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\uff1dHYPERLINK(A1)"]


@pytest.mark.parametrize("raw", [False, True])
def test_no_cell_of_csv_is_a_formula(tmp_path: Path, raw: bool) -> None:
    """Labels come from strangers, and people open tables in spreadsheets. Other formats have the text as it is."""
    dump = tmp_path / "dump.txt"
    stacks = (goroutine(n, [f"{text}.f"]) for n, text in enumerate(FORMULAS, 1))
    dump.write_text("\n".join(stacks), encoding="utf-8")
    folder = exported(tmp_path, dump, "--format", "csv", *["--csv-raw"] * raw)
    with (folder / "frames.csv").open(encoding="utf-8", newline="") as file:
        read = [row["function"] for row in csv.DictReader(file)]
    before = "" if raw else "'"
    assert sorted(f"{before}{text}.f" for text in FORMULAS) == sorted(read)
    parquet = pl.read_parquet(exported(tmp_path / "whole", dump) / "frames.parquet")
    assert sorted(f"{text}.f" for text in FORMULAS) == sorted(parquet["function"])


def test_csv_raw_is_for_csv(tmp_path: Path) -> None:
    """Beside another format it would do nothing, and nobody would notice."""
    done = run("export", SERIES[0], "--csv-raw", "--output", tmp_path / "tables")
    assert_refused(done, "--csv-raw is for --format csv")
    assert_refused(run("query", "SELECT 1 AS n", SERIES[0], "--csv-raw"), "--csv-raw is for --format csv")
