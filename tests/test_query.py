"""`stackscan query`: SQL over the export tables."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from helpers import DUMP, FIXTURES, assert_refused, goroutine, json_of, run, run_on_terminal
from stackscan.errors import UsageError
from stackscan.export.sql.query import joined
from stackscan.export.sql.query import run as run_sql
from stackscan.export.tables.rows import rows_of
from stackscan.pipeline import examine

BUNDLE = FIXTURES / "kubo" / "v0.40.1-mixed" / "ipfs-profile-01.zip"
EVERY_TABLE = ("goroutines", "stacks", "frames", "buckets", "findings", "pools", "snapshots")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small dump in a file of its own."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    return path


def test_text_is_aligned(dump: Path) -> None:
    """Names over their columns, numbers to the right, nothing for null."""
    done = run(
        "query", "SELECT goroutine_id, wait_reason, wait_minutes FROM goroutines ORDER BY goroutine_id DESC", dump
    )
    assert (
        "goroutine_id  wait_reason   wait_minutes\n"
        "           7  select                   3\n"
        "           1  chan receive\n"
    ) == done.stdout


def test_a_wide_result_is_shown_record_by_record(dump: Path) -> None:
    """On a terminal that it does not fit; in a pipe every row is a line."""
    sql = "SELECT goroutine_id, wait_reason, labels FROM goroutines"
    code, shown = run_on_terminal("query", sql, dump, columns=30)
    records = "goroutine_id  1\nwait_reason   chan receive\nlabels\n\ngoroutine_id  7\nwait_reason   select\nlabels\n"
    assert (0, records) == (code, shown)
    code, shown = run_on_terminal("query", sql, dump, columns=80)
    assert "goroutine_id  wait_reason   labels\n" in shown


def test_json_is_a_list_of_objects(dump: Path) -> None:
    """Numbers stay numbers, null is null, times are written as RFC 3339 does, lists stay lists."""
    sql = (
        "SELECT captured_at, count(*) AS n, array_agg(goroutine_id) AS ids, CAST(1 AS DOUBLE) / 0 AS x, 1.5 AS y "
        "FROM goroutines GROUP BY captured_at"
    )
    done = run("query", sql, dump, "--format", "json")
    assert [{"captured_at": None, "n": 2, "ids": [1, 7], "x": None, "y": 1.5}] == json.loads(done.stdout)


def test_csv_is_read_back(dump: Path) -> None:
    """A header and a line a row."""
    done = run("query", "SELECT function, file, line FROM frames WHERE stack_id = 1 ORDER BY depth", dump, "-f", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert ["function", "file", "line"] == rows[0]
    assert ["net/http.(*conn).serve", "/usr/local/go/src/net/http/server.go", "2092"] in rows


def test_every_table_can_be_asked(dump: Path) -> None:
    """Also those that hold nothing here."""
    tables = joined(rows_of(found) for found in examine(str(dump))[0])
    rows = {name: run_sql(f"SELECT count(*) AS n FROM {name}", tables)["n"][0] for name in EVERY_TABLE}
    assert {"goroutines": 2, "stacks": 2, "frames": 3, "buckets": 2, "findings": 0, "pools": 0, "snapshots": 1} == rows


def test_an_export_is_asked_like_sources(tmp_path: Path) -> None:
    """One question to dumps, to the tables made of them, and to a fleet's folder gives one answer."""
    sql = "SELECT format, state, count FROM pools WHERE pool = 'bitswap-task-workers' ORDER BY format, state"
    answers = [run("query", sql, BUNDLE).stdout]
    for extra in ([], ["--partition"]):
        folder = tmp_path / f"tables{len(extra)}"
        run("export", BUNDLE, "--output", folder, *extra)
        answers.append(run("query", sql, "--tables", folder).stdout)
    assert [answers[0]] * 3 == answers
    pools = {s["format"]: p["states"] for s in json_of(BUNDLE)["snapshots"] for p in s["pools"] if "task" in p["pool"]}
    assert f"goroutine-text   stalled-close  {pools['goroutine-text']['stalled-close']:>5}" in answers[0]


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELEC x", "SELEC"),
        ("SELECT nothing FROM goroutines", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("", "query"),
        ("SELECT 'open", "query"),
        ("SELECT sum(wait_reason) FROM goroutines; DROP TABLE goroutines", "query"),
        ("SELECT no_such_function(1) FROM goroutines", "no_such_function"),
    ],
)
def test_wrong_sql_is_an_error(sql: str, word: str) -> None:
    """Whatever polars says becomes one line."""
    with pytest.raises(UsageError, match=f"the query failed: .*{word}|{word}.*failed: ") as error:
        run_sql(sql, joined([]))
    assert "\n" not in str(error.value)
    assert "goroutines" in error.value.hint


def test_wrong_sql_is_said(dump: Path) -> None:
    """Exit code 2, what is wrong, and which tables there are; no traceback."""
    assert_refused(
        run("query", "SELECT nothing FROM goroutines", dump), "the query failed", "nothing", "docs/columns.md"
    )


def test_nothing_to_ask_is_said(tmp_path: Path, dump: Path) -> None:
    """Neither sources nor tables, both, or a folder without tables."""
    assert_refused(run("query", "SELECT 1"), "--tables")
    assert_refused(run("query", "SELECT 1", dump, "--tables", tmp_path), "not both")
    assert_refused(run("query", "SELECT 1", "--tables", tmp_path), "no table", "stackscan export")


@pytest.mark.parametrize("output", ["text", "json", "csv"])
def test_hostile_strings_are_escaped(tmp_path: Path, output: str) -> None:
    """Names from the dump, and those that the query itself makes."""
    path = tmp_path / "evil.txt"
    path.write_text(goroutine(1, ["main.\x08back"]), encoding="utf-8")
    done = run("query", "SELECT function AS \"a\x1b[0mb\", 'x\x1b]0;owned\x07' AS made FROM frames", path, "-f", output)
    assert 0 == done.returncode, done.stderr
    assert not set(done.stdout) & {"\x1b", "\x07", "\x08"}
    assert "8back" in done.stdout


def test_a_closed_pipe_is_no_failure(dump: Path) -> None:
    """`| head` ends the reader first."""
    assert 0 == run("query", "SELECT * FROM goroutines", dump, "--output", "/dev/null").returncode


@pytest.mark.parametrize("sql", ["DROP TABLE pools", " delete FROM goroutines", "CREATE TABLE x AS SELECT 1"])
def test_what_asks_nothing_is_refused(tmp_path: Path, sql: str) -> None:
    """Polars would do it to tables that nobody sees again, and print nothing."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    assert_refused(run("query", sql, path), "is not a query", "use SELECT")


def test_no_cell_of_a_result_is_a_formula(dump: Path) -> None:
    """Neither a text nor a column's name; numbers below zero, lists and times stay as they are."""
    sql = "SELECT '=1+1' AS \"@a\", '\t=2' AS b, -1 AS c, CAST(-1.5 AS DOUBLE) AS d, 'x=1' AS e, [-1] AS f"
    safe = list(csv.reader(io.StringIO(run("query", sql, dump, "-f", "csv").stdout)))
    raw = list(csv.reader(io.StringIO(run("query", sql, dump, "-f", "csv", "--csv-raw").stdout)))
    assert [["'@a", "b", "c", "d", "e", "f"], ["'=1+1", "'\\t=2", "-1", "-1.5", "x=1", "[-1]"]] == safe
    assert [["@a", "b", "c", "d", "e", "f"], ["=1+1", "\\t=2", "-1", "-1.5", "x=1", "[-1]"]] == raw
