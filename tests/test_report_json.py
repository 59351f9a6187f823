"""The JSON report: what scripts, CI jobs and dashboards rely on, held against its schema and against the dumps.

The schema is the one that ships (``stackscan schema report``), without its room for new fields.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from helpers import DUMP, FIXTURES, captures, goroutine, index, json_of, rendered, report_of, run
from stackscan import __version__
from strict import misses

_SEVERITIES = ["error", "warning", "info"]


def _sample() -> list[Path]:
    """Every kubo capture, and of the Go fixtures all of the oldest, a middle and the newest version and gccgo."""
    go = [
        FIXTURES / "go" / name
        for name, entry in index("go").items()
        if entry["format"] == "goroutine-text" and name.split("/")[0] in ("go1.19", "go1.24", "go1.27", "gccgo12")
    ]
    derived = [FIXTURES / "derived" / name for name in index("derived") if name.startswith("pool.")]
    return [*(capture.path for capture in captures()), *sorted(go), *sorted(derived)]


_PATHS = _sample()


@cache
def _report(path: Path) -> dict[str, Any]:
    return json_of(path)


def _snapshots(path: Path) -> Iterator[dict[str, Any]]:
    yield from _report(path)["snapshots"]


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", _PATHS, ids=_name)
def test_a_report_keeps_the_contract(path: Path) -> None:
    """Every report has the fields, types and bounds of the contract."""
    report = _report(path)
    assert [] == misses("report", report)
    assert ("stackscan.report", 1, __version__) == (
        report["schema"],
        report["schema_version"],
        report["stackscan_version"],
    )


@pytest.mark.parametrize("path", _PATHS, ids=_name)
def test_numbers_add_up(path: Path) -> None:
    """Buckets hold all goroutines, by wait reason too; distinct stacks are theirs; waits are within bounds."""
    for snapshot in _snapshots(path):
        buckets = snapshot["buckets"]
        assert snapshot["goroutines"] == sum(bucket["count"] for bucket in buckets)
        reasons: dict[str, int] = {}
        for bucket in buckets:
            if bucket["wait_reason"] is not None:
                reasons[bucket["wait_reason"]] = reasons.get(bucket["wait_reason"], 0) + bucket["count"]
        assert reasons == snapshot["wait_reasons"]
        assert sum(snapshot["wait_reasons"].values()) <= snapshot["goroutines"]
        assert 0 <= snapshot["distinct_stacks"] <= len(buckets) == snapshot["distinct_buckets"]
        assert snapshot["longest_wait_minutes"] == max((b["max_wait_minutes"] for b in buckets), default=0)
        assert all(bucket["min_wait_minutes"] <= bucket["max_wait_minutes"] for bucket in buckets)
        for pool in snapshot["pools"]:
            assert pool["workers"] == sum(pool["states"].values())
            assert all(sum(finer.values()) <= pool["states"][state] for state, finer in pool["detail"].items())


@pytest.mark.parametrize("path", _PATHS, ids=_name)
def test_lists_are_sorted_and_ids_limited(path: Path) -> None:
    """Buckets stand by count, findings by severity then count, wait reasons by count; at most twenty ids are named."""
    for snapshot in _snapshots(path):
        counts = [bucket["count"] for bucket in snapshot["buckets"]]
        assert sorted(counts, reverse=True) == counts
        keys = [(_SEVERITIES.index(finding["severity"]), -finding["count"]) for finding in snapshot["findings"]]
        assert sorted(keys) == keys
        reasons = list(snapshot["wait_reasons"].values())
        assert sorted(reasons, reverse=True) == reasons
        for group in (*snapshot["buckets"], *snapshot["findings"]):
            assert min(group["count"], 20) == len(group["goroutine_ids"])
        for problem, following in zip(snapshot["problems"], snapshot["problems"][1:], strict=False):
            assert problem["line"] <= following["line"] or " more: " in following["reason"]


@pytest.mark.parametrize("path", _PATHS, ids=_name)
def test_goroutines_are_those_of_the_index(path: Path) -> None:
    """The goroutines of all snapshots are those that a careful reader finds; header lines say what was passed over."""
    folder = "derived" if path.parent.name == "derived" else "go"
    name = path.name if folder == "derived" else f"{path.parent.name}/{path.name}"
    entry = index(folder).get(name)
    if entry is None:  # a kubo capture
        (snapshot,) = _snapshots(path)
        (hand,) = (capture.hand for capture in captures() if capture.path == path)
        assert (hand["goroutines"], hand["goroutines"], True) == (
            snapshot["goroutines"], snapshot["header_lines"], snapshot["complete"],
        )  # fmt: skip
        return
    snapshots = list(_snapshots(path))
    found = sum(snapshot["goroutines"] for snapshot in snapshots)
    if folder == "go":
        assert entry["goroutines"] == found
        # The index counts the lines of the file that begin like a header: none where a log wrapper hides them.
        headers = entry["headers"] or (found if snapshots[0]["wrapper"] else 0)
        assert headers == sum(snapshot["header_lines"] for snapshot in snapshots)
    else:
        assert entry["goroutines"] <= found <= max(entry["original"], entry["goroutines"])


@pytest.mark.parametrize("path", _PATHS, ids=_name)
def test_the_deciding_frame_is_one_of_the_frames(path: Path) -> None:
    """Where a bucket has frames, one of them is the one to look at."""
    for snapshot in _snapshots(path):
        for bucket in snapshot["buckets"]:
            if bucket["frames"]:
                assert 0 <= bucket["deciding_frame"] < len(bucket["frames"])
            else:
                assert bucket["deciding_frame"] is None
        for finding in snapshot["findings"]:
            if finding["count"]:  # a crash may have printed no goroutine
                assert any(finding["rule"] in bucket["rules"] for bucket in snapshot["buckets"])


def test_no_number_is_infinite() -> None:
    """JSON never holds NaN or Infinity: a strict parser reads every report."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    for path in _PATHS[:12]:
        json.loads(rendered(report_of(path), "json"), parse_constant=refuse)
        assert all(math.isfinite(pool["occupancy"]) for snapshot in _snapshots(path) for pool in snapshot["pools"])


def test_json_is_one_object_on_standard_output(tmp_path: Path) -> None:
    """The program prints one JSON object that ends with a newline, and nothing else."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    done = run("report", path, path, "--format", "json")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("}\n")
    parsed = json.loads(done.stdout)
    assert 2 == len(parsed["snapshots"])
    assert parsed["snapshots"][0] == parsed["snapshots"][1]


def test_a_small_dump_is_reported_in_full(tmp_path: Path) -> None:
    """What the fields hold, on a dump of two goroutines."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    (snapshot,) = json_of(path)["snapshots"]
    assert (str(path), None, "goroutine-text") == (snapshot["source"], snapshot["member"], snapshot["format"])
    assert (2, 2, 2) == (snapshot["goroutines"], snapshot["header_lines"], snapshot["distinct_stacks"])
    assert (True, []) == (snapshot["complete"], snapshot["problems"])
    assert {"chan receive": 1, "select": 1} == snapshot["wait_reasons"]
    (served,) = (bucket for bucket in snapshot["buckets"] if bucket["wait_reason"] == "select")
    assert ("net/http.(*Server).Serve", 3, 3, [7]) == (
        served["created_by"], served["min_wait_minutes"], served["max_wait_minutes"], served["goroutine_ids"],
    )  # fmt: skip
    frame = {"function": "net/http.(*conn).serve", "file": "/usr/local/go/src/net/http/server.go", "line": 2092}
    assert [frame] == served["frames"]


def test_signatures_do_not_change_with_lines_and_arguments(tmp_path: Path) -> None:
    """A rebuilt program's dump joins its predecessor by signature."""
    path = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "goroutine.debug2-01.txt.gz"
    before = json_of(path)["snapshots"][0]["buckets"]
    text = gzip.decompress(path.read_bytes()).decode()
    text = re.sub(r"(\.(?:go|s)):(\d+)", lambda match: f"{match[1]}:{int(match[2]) + 7}", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "0xc0ffee1234", text)
    rebuilt = tmp_path / "rebuilt.txt"
    rebuilt.write_text(text)
    after = json_of(rebuilt)["snapshots"][0]["buckets"]
    key = [(bucket["signature"], bucket["count"]) for bucket in before]
    assert sorted(key) == sorted((bucket["signature"], bucket["count"]) for bucket in after)
    assert len({bucket["signature"] for bucket in before}) > 40


def test_lost_goroutines_show_in_complete_and_problems() -> None:
    """A cut dump is not complete, and a problem says where and why."""
    (snapshot,) = _snapshots(FIXTURES / "derived" / "pool.cut_0.71.txt")
    assert snapshot["complete"] is False
    assert any("cut" in problem["reason"] and problem["line"] > 1 for problem in snapshot["problems"])


def test_fake_headers_are_told_from_goroutines() -> None:
    """A header inside a panic message counts as a header line and not as a goroutine, and a problem says so."""
    (snapshot,) = _snapshots(FIXTURES / "go" / "go1.19" / "panic_multiline.txt")
    assert snapshot["header_lines"] == snapshot["goroutines"] + 1
    assert any("panic message" in problem["reason"] for problem in snapshot["problems"])


def test_several_dumps_in_a_file_are_several_snapshots() -> None:
    """Each dump of a file is judged alone, and numbered."""
    snapshots = list(_snapshots(FIXTURES / "derived" / "pool.twice.txt"))
    assert [1, 2] == [snapshot["position"] for snapshot in snapshots]
    assert snapshots[0]["goroutines"] == snapshots[1]["goroutines"]


def test_a_crash_without_goroutines_is_reported() -> None:
    """GOTRACEBACK=none prints no goroutine: the report has the cause, no buckets, and says so."""
    path = FIXTURES / "go" / "go1.26" / "panic_nilderef_none.txt"
    (snapshot,) = _snapshots(path)
    assert (0, [], {}) == (snapshot["goroutines"], snapshot["buckets"], snapshot["wait_reasons"])
    assert snapshot["cause"].startswith("panic: ")
    assert [] == misses("report", _report(path))


def test_ids_beyond_64_bit_signed_are_numbers(tmp_path: Path) -> None:
    """Goroutine ids are unsigned 64-bit numbers and stay whole."""
    path = tmp_path / "dump.txt"
    path.write_text(goroutine(2**64 - 1, ["main.f"]))
    assert [2**64 - 1] == json_of(path)["snapshots"][0]["buckets"][0]["goroutine_ids"]


def test_elided_frames_are_counted() -> None:
    """A bucket says how many frames the runtime left out of its stack (null: it did not say)."""
    (snapshot,) = _snapshots(FIXTURES / "go" / "go1.27" / "deep.txt")
    assert any(bucket["elided_frames"] for bucket in snapshot["buckets"])
