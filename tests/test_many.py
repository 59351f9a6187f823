"""Many inputs: the same results by several processes as by one, and nothing kept that nobody asked for."""

from __future__ import annotations

import gc
import json
import re
import shutil
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import DUMP, FIXTURES, ROOT, assert_refused, command, environment, run, run_on_terminal
from stackscan import api
from stackscan.analysis.analyse import analyse
from stackscan.checks import Policy, judge
from stackscan.checks.evidence import Collect, Evidence
from stackscan.checks.gathering import Gathering
from stackscan.cli.terminal import progress
from stackscan.export.tables.build import build, frames_of
from stackscan.export.tables.identity import identify_as_before
from stackscan.export.tables.rows import rows_of
from stackscan.formats import contents
from stackscan.formats.goroutine_counts import grammar
from stackscan.formats.plain import is_contention
from stackscan.golang.reading import FrameReader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.load.projections import project_samples
from stackscan.model.capture import Taken
from stackscan.pipeline import examine
from stackscan.render.json.write import text
from stackscan.render.pieces import Piece, spool
from stackscan.render.words import plain_json
from stackscan.report import Report

KUBO = FIXTURES / "kubo"
BUNDLES = sorted(KUBO.glob("v0.40.1-*/ipfs-profile-01.zip"))
INPUTS = [*BUNDLES, FIXTURES / "go" / "go1.21" / "locks_deadlock.txt", KUBO / "v0.40.1-quiet" / "stack-01.txt.gz"]
#: Ties are ordered by how Python hashes texts.
SAME = environment(PYTHONHASHSEED="0")


# -- the same, whoever reads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
@pytest.mark.parametrize("more", [[], ["--all", "--explain"]], ids=["short", "all"])
def test_a_report_is_the_same_by_several_processes(output: str, more: list[str]) -> None:
    """Pieces that other processes render make the document that one makes; and so does one that holds all."""
    words = ["report", "--format", output, *more, *INPUTS]
    one, several = (run(*words, "--jobs", number, env=SAME) for number in ("1", "3"))
    assert (0, "") == (one.returncode, one.stderr)
    assert (one.returncode, one.stdout, one.stderr) == (several.returncode, several.stdout, several.stderr)


def test_threads_that_tell_of_progress_share_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one would stay, and rich would write what follows: there is a thread for each process that works."""
    started = []

    def start(**_: bool) -> MagicMock:
        time.sleep(0.05)
        started.append(MagicMock(task_ids=[0]))
        return started[-1]

    monkeypatch.setattr(progress, "_start", start)
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr", MagicMock())
    with progress.progress() as tell, ThreadPoolExecutor(4) as threads:
        assert tell is not None
        assert [None] * 8 == list(threads.map(lambda number: tell("x", number, 8), range(8)))
    (bar,) = started
    assert bar.update.call_count == 8
    bar.stop.assert_called_once()


def test_a_name_in_the_progress_bar_cannot_write_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = MagicMock(task_ids=[0])
    monkeypatch.setattr(progress, "_start", lambda **_: bar)
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr", MagicMock())
    with progress.progress() as tell:
        assert tell is not None
        tell("a\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}.txt", 1, 8)
    assert "reading a\\x1b[2J\\u202e.txt" == bar.update.call_args.kwargs["description"]


def test_the_bar_of_many_files_counts_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten thousand captures the bytes of one say nothing."""
    bar = MagicMock(task_ids=[0])
    monkeypatch.setattr(progress, "_start", lambda **_: bar)
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr", MagicMock())
    with progress.progress_of_many() as (tell, count):
        assert tell is not None
        assert count is not None
        tell("a.txt", 1, 8)
        count(3, 7, 1_200)
        tell("b.txt", 1, 8)
    bar.update.assert_any_call(0, completed=3, total=7)
    bar.update.assert_called_with(0, description="1,200 captures, reading b.txt")


def test_a_fleet_counts_its_parts() -> None:
    told: list[tuple[int, int, int]] = []
    inputs = [str(path) for path in INPUTS if path.is_file()]
    fleet = api.fleet(inputs, count=lambda *numbers: told.append(numbers))
    (total,) = {total for _, total, _ in told}
    assert list(range(1, total + 1)) == [done for done, _, _ in told]
    assert len(inputs) <= total
    assert fleet.captures <= told[-1][2]


def test_a_report_on_a_terminal_is_the_same_by_several_processes() -> None:
    """Its colours and its width, of which the other processes see nothing."""
    shown = [run_on_terminal("report", *INPUTS, "--jobs", number, columns=90, env=SAME)[1] for number in ("1", "2")]
    verdict = re.compile(r"\x1b\[[\d;]*m[✗!i✓] ")  # before it there may be a bar of progress, as time goes
    one, several = (text[found.start() :] for text in shown if (found := verdict.search(text)) is not None)
    assert one == several
    assert "\x1b[32m" in one


def test_standard_input_is_read_here() -> None:
    """Among others that are not, in its place."""
    words = ["report", "--format", "json", INPUTS[-1], "-", INPUTS[-2]]
    one, several = (run(*words, "--jobs", number, stdin=DUMP.encode(), env=SAME) for number in ("1", "2"))
    assert [str(INPUTS[-1]), "-", str(INPUTS[-2])] == [s["source"] for s in json.loads(several.stdout)["snapshots"]]
    assert one.stdout == several.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_first_input_that_cannot_be_read_ends_a_report(tmp_path: Path, jobs: str) -> None:
    """The first in their order, whichever is found out first; nothing is written."""
    out = tmp_path / "report.json"
    words = ["report", "--format", "json", *INPUTS, tmp_path / "first", tmp_path / "second", *INPUTS]
    assert_refused(run(*words, "--jobs", jobs, "--output", out), f"{tmp_path / 'first'} does not exist")
    assert not out.exists()


@pytest.mark.parametrize("output", ["text", "json", "junit", "sarif", "github"])
def test_a_check_is_the_same_by_several_processes(tmp_path: Path, output: str) -> None:
    """Also of inputs that cannot be read, against a baseline, and with the leaks that several captures show."""
    baseline = tmp_path / "known.json"
    assert run("check", INPUTS[-1], "--write-baseline", baseline).returncode == 0
    growing = sorted((FIXTURES / "growth" / "leak").glob("*.txt*"))
    words = ["check", "--format", output, *INPUTS, tmp_path / "nothing", *growing, "--baseline", baseline]
    one, several = (run(*words, "--jobs", number, env=SAME) for number in ("1", "3"))
    assert 2 == one.returncode
    assert (one.returncode, one.stdout, one.stderr) == (several.returncode, several.stdout, several.stderr)


@pytest.mark.parametrize("option", ["--write-baseline", "--output"])
def test_what_a_check_writes_is_the_same_by_several_processes(tmp_path: Path, option: str) -> None:
    """The long form shows whole reports."""
    for number in ("1", "3"):
        run("check", *INPUTS, option, tmp_path / number, "--jobs", number, env=SAME)
    assert (tmp_path / "1").read_text(encoding="utf-8") == (tmp_path / "3").read_text(encoding="utf-8")


@pytest.mark.parametrize("partition", [[], ["--partition"]], ids=["whole", "partitioned"])
def test_an_export_is_the_same_by_several_processes(tmp_path: Path, partition: list[str]) -> None:
    """Every table, and what it says of captures that come twice."""
    words = [*partition, "--host", "node-1", *INPUTS, INPUTS[0]]
    one, several = (
        run("export", *words, "--output", tmp_path / number, "--jobs", number, env=SAME) for number in ("1", "3")
    )
    assert (0, one.stdout, one.stderr) == (several.returncode, several.stdout, several.stderr)
    assert "2 of 14 snapshots existed already" in one.stderr
    names = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.parquet"))
    assert names == sorted(path.relative_to(tmp_path / "3") for path in (tmp_path / "3").rglob("*.parquet"))
    for name in names:
        assert _table(tmp_path / "1" / name).equals(_table(tmp_path / "3" / name)), name


def _table(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, hive_partitioning=False)


def test_a_query_is_the_same_by_several_processes() -> None:
    """Its tables are those of an export."""
    sql = "SELECT source, pool, state, count FROM pools ORDER BY source, pool, state"
    one, several = (run("query", sql, *INPUTS, "--jobs", number, env=SAME) for number in ("1", "2"))
    assert (0, one.stdout) == (several.returncode, several.stdout)


def test_names_are_hashed_alike_by_several_processes() -> None:
    """With the random key of one run."""
    done = run("report", "--redact", "--format", "json", INPUTS[-1], INPUTS[-1], "--jobs", "2", env=SAME)
    first, second = json.loads(done.stdout)["snapshots"]
    assert first == second


def test_a_note_on_source_is_said_once(tmp_path: Path) -> None:
    """Also when two processes find the same thing out."""
    module = tmp_path / "programs"
    shutil.copytree(FIXTURES / "programs", module)
    for source in module.rglob("*.go"):
        source.write_text("package main\n\n// another version\n" + "func f() {}\n" * 400)
    dumps = sorted((FIXTURES / "go").glob("go1.2[1-7]/locks_*.txt"))
    words = ["report", "--format", "json", "--source-root", module, *dumps]
    one, several = (run(*words, "--jobs", number, env=SAME) for number in ("1", "2"))
    notes = [note for each in json.loads(one.stdout)["snapshots"] for note in each["source_notes"]]
    assert notes
    assert len(set(notes)) == len(notes)
    assert one.stdout == several.stdout


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes a request and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/debug/pprof/goroutine?debug=2"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
@pytest.mark.parametrize("asked", [["export", "--output"], ["report", "--output"]], ids=lambda asked: asked[0])
def test_a_signal_ends_all_processes(tmp_path: Path, silent: str, asked: list[str], number: int, code: int) -> None:
    """With the exit code of one process, nothing written, and nobody left; what is killed clears nothing up."""
    out = tmp_path / "out"
    words = command(*asked, out, silent, silent, silent, "--jobs", "2")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        while len(children := _workers(process.pid)) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(number)
        shown, said = process.communicate(timeout=60)
    assert (code, b"", b"") == (process.returncode, shown, said)
    assert number == signal.SIGKILL or not out.exists()
    for _ in range(500):
        if not any(Path(f"/proc/{child}").exists() for child in children):
            return
        time.sleep(0.02)
    pytest.fail("a process is left")


def _workers(process: int) -> list[int]:
    """The processes below, from all threads of one."""
    found = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text().split())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
def test_the_process_of_a_query_ends_with_its_parent(silent: str) -> None:
    """It waits for tables that never come."""
    words = command("query", "SELECT 1 AS n FROM pools", silent)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        while not (children := _workers(process.pid)):
            time.sleep(0.02)
        time.sleep(1.0)
        process.kill()
        process.wait()
    for _ in range(500):
        if not any(Path(f"/proc/{child}").exists() for child in children):
            return
        time.sleep(0.02)
    pytest.fail("the process of the query is left")


# -- what is kept, and what is not computed ---------------------------------------------------------------------------


def test_what_is_read_of_source_is_bounded_for_an_input() -> None:
    """What one input used up, the next one has again; and it does not matter which were read before."""
    reader = FrameReader(Sources())
    large, larger = (cast("Any", SimpleNamespace(files=[(SimpleNamespace(end_byte=n << 20), "")])) for n in (4, 5))
    assert [True, False, True, False] == [reader._is_within(each) for each in (large, larger, large, larger)]
    reader.begin_input()
    assert [True, False] == [reader._is_within(each) for each in (larger, large)]


def test_what_was_read_goes_when_nobody_holds_it() -> None:
    """At once, though a member that is no dump was refused on the way: not when Python next looks for circles."""
    gc.disable()
    try:
        captures, _ = examine(str(BUNDLES[0]))
        seen = [weakref.ref(one.capture.snapshot) for one in captures]
        del captures
        assert [None] * len(seen) == [one() for one in seen]
    finally:
        gc.enable()


@pytest.mark.parametrize(("whole", "most"), [(False, 1), (True, len(BUNDLES))], ids=["short", "long"])
def test_a_check_keeps_only_the_reports_that_it_shows(whole: bool, most: int) -> None:
    """Each input is judged as it comes; while the next one is read, only its own report is still there."""
    before = len(_reports())
    alive = []

    def found() -> Iterator[tuple[str, Evidence]]:
        for bundle in BUNDLES:
            alive.append(len(_reports()) - before)
            yield bundle.name, cast("Evidence", Collect(whole, growing=True)(str(bundle), *examine(str(bundle))))

    gathering = Gathering()
    result = judge(gathering.reports(found()), Policy(), rules=(), leaks=gathering.leaks, whole=whole)
    assert [min(n, most) for n in range(len(BUNDLES))] == alive
    assert (len(BUNDLES), whole * len(BUNDLES)) == (len(result.sources), len(result.reports))


def _reports() -> list[Report]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, Report)]


def test_equal_loads_share_a_projection() -> None:
    """Two captures of pools that are held alike."""
    paths = [KUBO / "v0.40.1-quiet" / f"ipfs-profile-0{n}.zip" for n in (1, 2)]
    first, second = (project_samples(analyse(_capture(path), shipped())) for path in paths)
    assert first
    assert all(one is other for (_, one), (_, other) in zip(first, second, strict=True))


def _capture(path: Path) -> Any:
    return contents.read_source(str(path)).captures[0]


def test_a_check_asks_the_pool_model_only_for_a_limit_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would happen at other loads is of no use to it."""
    from stackscan import api

    asked: list[object] = []
    monkeypatch.setattr("stackscan.load.projections.project_samples", lambda analysis: asked.append(analysis) or ())
    api.check([str(INPUTS[0])], whole=False)
    assert [] == asked
    policy = tmp_path / "policy.toml"
    policy.write_text('[[pool]]\npool = "bitswap-task-workers"\nmax_wait_probability = 0.5\n')
    api.check([str(INPUTS[0])], whole=False, policy=policy)
    assert asked


def test_the_rows_of_large_captures_are_those_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars keeps their columns; several captures at once are each by itself."""
    captures = [one for path in (INPUTS[0], INPUTS[-2]) for one in examine(str(path))[0]]
    alone = [build(one) for one in captures]
    monkeypatch.setattr("stackscan.export.tables.rows._LARGE", 10)
    mixed = frames_of([rows_of(one) for one in captures])
    for name, table in mixed.items():
        assert pl.concat([each[name] for each in alone]).equals(table), name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("fixtures/go/go1.21/locks_deadlock.txt", ["a5eed41e84e77bff"]),
        ("fixtures/kubo/v0.40.1-mixed/ipfs-profile-01.zip", ["1e5238a00f9506c4", "2c9060ca1c3dda3d"]),
        ("fixtures/kubo/v0.40.1-mixed/goroutine.debug1-01.txt.gz", ["84b5b66f3e4df53f"]),
    ],
)
def test_the_ids_of_earlier_releases_stay(path: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that those wrote hold them."""
    monkeypatch.chdir(ROOT)
    assert expected == [identify_as_before(one, Taken()) for one in examine(path)[0]]


def test_pieces_go_to_the_disk_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they came, whatever characters they have; a bundle is where there is one."""
    monkeypatch.setattr("stackscan.render.pieces._IN_MEMORY", 10)
    pieces = [Piece("one", ""), Piece("zwölf \ud800", "its bundle"), Piece("\r\n", ""), Piece("", "last")]
    with spool() as kept:
        kept.take(pieces)
        assert kept._on_disk
        assert [piece.captures for piece in pieces] == list(kept.captures())
        assert ["its bundle", "last"] == list(kept.bundles())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
)


@given(JSON)
def test_json_is_spelt_as_pythons_own_spells_it(value: object) -> None:
    """To the byte, and with what acts on a terminal escaped."""
    expected = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    assert plain_json(expected) == text(value)
    assert plain_json(expected).replace("\n", "\n   ") == text(value, indent=3)
    assert value is None or json.loads(text(value)) == json.loads(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_no_json_has_a_number_that_json_has_not(value: object) -> None:
    """Nobody could read it."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        text(value)


def test_whole_contention_profiles_are_read_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for in them; what is damaged, or goes on with something else, is searched."""
    bundle = BUNDLES[0]
    found = contents.read_source(str(bundle))
    monkeypatch.setattr("stackscan.formats.contents.is_contention", lambda _: False)
    assert found.entries == contents.read_source(str(bundle)).entries
    profile = (
        b"--- contention:\ncycles/second=2400000000\n12 3 @ 0x4ea2ad 0x4ea2ae\n"
        b"#\t0x4ea2ac\tsync.(*Mutex).Unlock+0x4c\t\t/usr/lib/go/src/sync/mutex.go:223\n\n"
    )
    assert is_contention(profile)
    assert not is_contention(profile[:-9])
    assert not is_contention(profile + DUMP.encode())
    assert not is_contention(b"log: " + profile)


def test_frame_lines_are_read_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captures of one program share them, and not more are kept than there is room for."""
    lines = [f"#\t0x{n:x}\tmain.f{n}+0x1\t\t/src/app/x.go:{n}" for n in range(1, 9)]
    monkeypatch.setattr(grammar, "_KNOWN", {})
    monkeypatch.setattr(grammar, "_MOST_KNOWN", 10)
    first = grammar.read_frames(lines)
    with monkeypatch.context() as without_grammar:
        without_grammar.setattr(grammar, "parse", lambda *_: pytest.fail("read again"))
        assert first == grammar.read_frames(lines)
    grammar.read_frames([line.replace("main", "other") for line in lines])
    assert 8 == len(grammar._KNOWN)
    assert [f"main.f{n}" for n in range(1, 9)] == [read.frame.function for read in first.values() if read is not None]
