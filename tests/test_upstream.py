"""The regression test for boxo #1142 that is offered upstream (fixtures/lab/upstream), and its recorded runs.

The runs themselves take minutes and are made by fixtures/lab/upstream.py. Here: does the patch apply to the releases,
and are the records those of the patch.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import FIXTURES

_UPSTREAM = FIXTURES / "lab" / "upstream"
_PATCH = _UPSTREAM / "silent-peers.patch"
_TEST = "TestSilentPeersHoldNoWorkers"
_WORKERS = 8
_RELEASES = {"v0.38.0": False, "v0.39.0": True, "v0.43.0": True}  # whether it has the fix
_SILENT = (0, 4, 7, 8, 16)
_BOUND_SECONDS = 30.0


def _source(release: str) -> Path:
    """The release in the module cache; skips where neither the cache nor the proxy has it."""
    if shutil.which("go") is None or shutil.which("patch") is None:
        pytest.skip("there is no Go, or no patch, here")
    command = ["go", "mod", "download", "-json", f"github.com/ipfs/boxo@{release}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip("the module proxy is slow")
    if done.returncode:
        pytest.skip(f"boxo {release} is out of reach")
    return Path(json.loads(done.stdout)["Dir"])


@pytest.mark.parametrize("release", _RELEASES)
def test_the_patch_applies_and_adds_a_test_that_go_can_read(release: str, tmp_path: Path) -> None:
    """It adds one file, beside files of that package, which gofmt would leave as it is."""
    shutil.copytree(_source(release) / "bitswap" / "server", tmp_path / "bitswap" / "server")
    for folder in (tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    before = set(tmp_path.rglob("*"))
    done = subprocess.run(
        ["patch", "--strip=1", "--input", str(_PATCH)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    added = tmp_path / "bitswap" / "server" / "silent_peers_test.go"
    assert set(tmp_path.rglob("*")) - before == {added}
    listed = subprocess.run(["gofmt", "-l", str(added)], capture_output=True, text=True, check=False)
    assert (listed.returncode, listed.stdout) == (0, "")


@pytest.mark.parametrize(("release", "fixed"), _RELEASES.items())
def test_the_recorded_run_is_of_this_table_and_of_this_release(release: str, fixed: bool) -> None:
    """Red where workers close streams themselves and no worker is left; green everywhere else."""
    record = (_UPSTREAM / f"boxo-{release}.txt").read_text(encoding="utf-8")
    assert record.startswith(f"boxo {release}, go-libp2p v")
    outcomes = re.findall(rf"--- (PASS|FAIL): {_TEST}/workers={_WORKERS}/silent=(\d+) ", record)
    assert {int(silent): outcome for outcome, silent in outcomes} == {
        silent: "PASS" if fixed or silent < _WORKERS else "FAIL" for silent in _SILENT
    }
    whole = re.search(rf"^--- (PASS|FAIL): {_TEST} ", record, re.MULTILINE)
    assert whole is not None
    assert whole[1] == ("PASS" if fixed else "FAIL")
    took = re.search(r"^(?:ok  |FAIL)\tgithub\.com/ipfs/boxo/bitswap/server\t([\d.]+)s$", record, re.MULTILINE)
    assert took is not None
    assert float(took[1]) < _BOUND_SECONDS  # of the recorded run: nothing is timed here


def test_the_recorded_benchmarks_are_of_the_same_shares() -> None:
    """Each record has a row for each share of silent peers."""
    for release in _RELEASES:
        record = (_UPSTREAM / f"boxo-{release}.txt").read_text(encoding="utf-8")
        rows = re.findall(
            r"^BenchmarkAnswersBesideSilentPeers/workers=8/silentEvery=(\d+)\S*\s+100\s+\d+ ns/op", record, re.MULTILINE
        )
        assert rows == ["0", "50", "10"], release


def test_the_records_name_the_cases_of_the_patch() -> None:
    """A patch that was changed without a new run is found here: the lines that failed are lines of the patch."""
    source = [line[1:] for line in _PATCH.read_text(encoding="utf-8").split("@@\n", 1)[1].splitlines()]
    record = (_UPSTREAM / "boxo-v0.38.0.txt").read_text(encoding="utf-8")
    messages = re.findall(r"silent_peers_test\.go:(\d+): (the server gave up a silent peer)", record)
    assert len(messages) == 2
    for line, message in messages:
        assert message in source[int(line) - 1]
