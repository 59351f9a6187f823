"""`stackscan convert`: other tools open what it writes, and stackscan reads it back."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import DUMP, FIXTURES, assert_refused, goroutine, run
from stackscan import formats
from stackscan.export.convert import converter
from stackscan.formats.labels import label_text, read_labels
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import examine
from stackscan.report import CaptureReport

BUNDLE = FIXTURES / "kubo" / "v0.40.1-mixed" / "ipfs-profile-01.zip"
TEXTS = [
    "go/go1.19/panic_sigquit_all.txt", "go/go1.21/labels.txt", "go/go1.23/states.txt", "go/go1.25/synctest.txt",
    "go/go1.27/labels.txt", "go/go1.27/leak.txt", "go/go1.27/frames_system.txt", "go/go1.27/ancestors.txt",
    "go/gccgo12/states.txt", "kubo/v0.40.1-stalled-quic/stack-02.txt.gz",
]  # fmt: skip
COUNTED = ["go/go1.27/labels.debug1.txt", "go/go1.23/labels.pb.gz", "kubo/v0.40.1-mixed/goroutine.debug1-01.txt.gz"]
SPEEDSCOPE = Path(__file__).parent / "schemas" / "speedscope.schema.json"


def one(path: Path | str) -> CaptureReport:
    """The only dump of a fixture."""
    (found,) = examine(str(FIXTURES / path))[0]
    return found


def there_and_back(found: CaptureReport) -> Snapshot:
    """A dump as the reader of protobuf profiles reads what the writer wrote."""
    (snapshot,) = formats.read(gzip.decompress(converter("pprof")(found)), where="test")
    return snapshot


def told(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    """All that a profile can say of each goroutine, in order."""
    table = snapshot.goroutines.with_columns(
        pl.col("locked", "leaked").fill_null(value=False), pl.col("wait_minutes").replace(0, None)
    )
    columns = ("goroutine_id", "wait_reason", "wait_minutes", "creator_id", "locked", "leaked", "attributes", "labels")
    stacks = [snapshot.stacks[stack_id] for stack_id in table["stack_id"]]
    named = ((stack.functions, stack.created_by.function if stack.created_by else None) for stack in stacks)
    return [(*row, *names) for row, names in zip(table.select(columns).rows(), named, strict=True)]


# -- pprof -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in TEXTS if (FIXTURES / path).exists()])
def test_pprof_keeps_every_goroutine(path: str) -> None:
    """Ids, states, minutes, creators, labels and stacks come back, in the order of the dump."""
    found = one(path)
    assert told(found.capture.snapshot) == told(there_and_back(found))


@pytest.mark.parametrize("path", COUNTED)
def test_pprof_keeps_counts(path: str) -> None:
    """Goroutines without ids come back as often as they were counted."""
    found = one(path)
    assert sorted(map(repr, told(found.capture.snapshot))) == sorted(map(repr, told(there_and_back(found))))


def test_pprof_keeps_the_time() -> None:
    """To the microsecond."""
    found = one("kubo/v0.40.1-mixed/goroutine.debug0-01.pb.gz")
    assert found.capture.taken.captured_at == there_and_back(found).captured_at
    assert found.capture.taken.captured_at is not None


def test_pprof_is_the_same_each_time() -> None:
    """No time of its own gets into the file."""
    assert converter("pprof")(one(TEXTS[0])) == converter("pprof")(one(TEXTS[0]))


def test_findings_survive_pprof() -> None:
    """Rules see in the profile what they saw in the text."""
    found = one("kubo/v0.40.1-stalled-tcp/stack-02.txt.gz")
    back = run("report", "-", "--format", "json", stdin=converter("pprof")(found))
    findings = json.loads(back.stdout)["snapshots"][0]["findings"]
    assert [("bitswap-close-stall", 12)] == [(finding["rule"], finding["count"]) for finding in findings]


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_go_tool_pprof_opens_it(tmp_path: Path) -> None:
    """-top shows the functions of the goroutines that -tagfocus chose by state, or by minutes."""
    dump, profile = tmp_path / "dump.txt", tmp_path / "p.pb.gz"
    dump.write_text(
        goroutine(1, ["main.wait", "main.main"], state="chan receive, 7 minutes")
        + "\n"
        + goroutine(2, ["main.wait", "main.main"], state="chan receive")
        + "\n"
        + goroutine(3, ["main.choose", "main.main"], state="select"),
        encoding="utf-8",
    )
    assert 0 == run("convert", dump, "--format", "pprof", "--output", profile).returncode
    for focus, flat in (
        ("go::goroutine_state=chan receive", ["2 main.wait"]),
        ("go::goroutine_state=select", ["1 main.choose"]),
        ("go::goroutine_wait_minutes=5:", ["1 main.wait"]),
        ("go::goroutine=3", ["1 main.choose"]),
    ):
        done = subprocess.run(
            ["go", "tool", "pprof", "-top", "-nodefraction=0", f"-tagfocus={focus}", str(profile)],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        rows = [line.split() for line in done.stdout.split("cum%\n")[1].splitlines()]
        assert flat == [f"{row[0]} {row[5]}" for row in rows if row[0] != "0"]


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_labels_are_read_as_they_were_written(labels: dict[str, str]) -> None:
    """Any label survives the spelling of Go 1.27."""
    pairs = sorted(
        (key.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode())
        for key, value in labels.items()
    )
    text = label_text(pairs)
    assert text is not None
    assert pairs == sorted(read_labels(text))


@pytest.mark.parametrize("text", ["{a: }b}", "{a}", "a: b", '{"open: b}', "{a: b c: d}"])
def test_what_is_no_label_is_kept_whole(text: str) -> None:
    """A damaged text becomes a label of its own."""
    assert [("labels", text)] == read_labels(text)


# -- folded ----------------------------------------------------------------------------------------------------------


def test_folded_is_functions_and_a_count(tmp_path: Path) -> None:
    """Outermost first, the largest stack first; equal stacks with other lines are one."""
    dump = "\n".join(
        [
            goroutine(1, ["main.wait", "main.main"], line=3),
            goroutine(2, ["main.wait", "main.main"], line=4),
            goroutine(3, ["main.c;d\x1b", "main.main"]),
        ]
    )
    path = tmp_path / "dump.txt"
    path.write_text(dump, encoding="utf-8")
    assert b"main.main;main.wait 2\nmain.main;main.c%3Bd\\x1b 1\n" == converter("folded")(examine(str(path))[0][0])


@pytest.mark.parametrize("path", [*TEXTS[-2:], *COUNTED])
def test_folded_counts_every_goroutine(path: str) -> None:
    """As flamegraph.pl reads it: the count is what follows the last space, frames are separated by semicolons."""
    found = one(path)
    lines = converter("folded")(found).decode().splitlines()
    assert found.report.goroutines == sum(int(line.rpartition(" ")[2]) for line in lines)
    assert all(frame for line in lines for frame in line.rpartition(" ")[0].split(";"))


# -- speedscope ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*TEXTS[:3], *COUNTED])
def test_speedscope_obeys_its_schema(path: str) -> None:
    """The schema that speedscope publishes; and what the schema cannot say: indices and sums."""
    found = one(path)
    content = json.loads(converter("speedscope")(found))
    jsonschema.validate(content, json.loads(SPEEDSCOPE.read_text(encoding="utf-8")))
    (profile,) = content["profiles"]
    assert found.report.goroutines == sum(profile["weights"]) == profile["endValue"]
    assert len(profile["samples"]) == len(profile["weights"])
    used = {index for sample in profile["samples"] for index in sample}
    assert set(range(len(content["shared"]["frames"]))) == used


# -- the command -----------------------------------------------------------------------------------------------------


def test_of_a_bundle_the_text_is_converted(tmp_path: Path) -> None:
    """Unless its member is named."""
    sums = []
    for arguments in ([], ["--member", "goroutines.pprof"]):
        assert 0 == run("convert", BUNDLE, "-f", "folded", "-o", tmp_path / "f", *arguments).returncode
        sums.append(sum(int(line.rpartition(" ")[2]) for line in (tmp_path / "f").read_text().splitlines()))
    assert [each.report.goroutines for each in examine(str(BUNDLE))[0]] == sums


def test_several_dumps_must_be_told_apart(tmp_path: Path) -> None:
    """The message lists what can be chosen; nothing is written."""
    twice = FIXTURES / "derived" / "pool.twice.txt"
    found = len(examine(str(twice))[0])
    folder = FIXTURES / "kubo" / "v0.41.0-fixed-tcp"
    assert_refused(run("convert", folder, "-f", "pprof", "-o", tmp_path / "x"), "--member", "could be meant")
    assert not (tmp_path / "x").exists()
    done = run("convert", twice, "-f", "folded", "-o", tmp_path / "x", "--snapshot", str(found))
    assert 0 == done.returncode, done.stderr


def test_a_wrong_member_is_said(tmp_path: Path) -> None:
    """And which there are."""
    done = run("convert", BUNDLE, "-f", "folded", "-o", tmp_path / "x", "--member", "nope")
    assert_refused(done, "none of the 2 dumps", "goroutines.stacks")


def test_an_unreadable_source_leaves_no_file(tmp_path: Path) -> None:
    """Exit code 2."""
    assert_refused(run("convert", tmp_path / "missing", "-f", "pprof", "-o", tmp_path / "x"), "does not exist")
    assert [] == list(tmp_path.iterdir())


def test_a_profile_goes_to_standard_output(tmp_path: Path) -> None:
    """``-o -``: for a pipe, and no file of that name."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    done = run("convert", path, "--format", "folded", "-o", "-", cwd=tmp_path)
    assert 0 == done.returncode
    assert done.stdout.rstrip().endswith(" 1")
    assert ["dump.txt"] == [found.name for found in tmp_path.iterdir()]


def test_the_only_dump_is_named_when_another_is_asked_for(tmp_path: Path) -> None:
    """``--snapshot 9`` of a file with one."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    done = run("convert", path, "--format", "folded", "-o", "-", "--snapshot", "9")
    assert_refused(done, "the only dump in this source is not the one", "--snapshot 1")
