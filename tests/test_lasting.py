"""What lasts: many scans in one process, threads, and runs that are killed as they write."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import kills
import stackscan
from helpers import DUMP, FIXTURES, ROOT, as_values, run

CAPTURES = sorted((FIXTURES / "kubo" / "v0.40.1-mixed").glob("ipfs-profile-*.zip"))[:2]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_many_scans_leave_no_file_open() -> None:
    """A service scans for months."""
    stackscan.scan(str(CAPTURES[0]))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for capture in CAPTURES * 3:
        stackscan.scan(str(capture))
    assert before == len(list(Path("/proc/self/fd").iterdir()))


def test_threads_get_equal_answers() -> None:
    """Caches are shared between them."""
    whole = {str(capture): json.dumps(as_values(stackscan.scan(str(capture)))) for capture in CAPTURES}

    def is_equal(source: str) -> bool:
        return whole[source] == json.dumps(as_values(stackscan.scan(source)))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(is_equal, list(whole) * 8))


def test_a_baseline_is_old_or_new_after_a_kill(tmp_path: Path) -> None:
    """Killed just before its file appears, and at random moments; the next run leaves no part."""
    dump, baseline = tmp_path / "dump.txt", tmp_path / "known" / "baseline.json"
    dump.write_text(DUMP, encoding="utf-8")
    baseline.parent.mkdir()
    assert 0 == run("check", CAPTURES[0], "--fail-on", "error", "--write-baseline", baseline).returncode
    old = baseline.read_bytes()
    done = kills.run("check", dump, "--write-baseline", baseline, at=1)
    assert -signal.SIGKILL == done.returncode, done.stderr
    assert old == baseline.read_bytes()
    assert 0 == run("check", dump, "--write-baseline", baseline).returncode
    assert old != baseline.read_bytes()
    assert 2 == json.loads(baseline.read_text())["goroutines"]
    assert [baseline] == list(baseline.parent.iterdir())


def test_every_output_is_whole_after_kills_at_random() -> None:
    """Exports, baselines and entries of the cache, by one writer and by two; the next run leaves no part."""
    words = [sys.executable, ROOT / "benchmarks" / "kills_at_random.py", "--kills", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 2 + 4 * 2 == len(done.stdout.splitlines())
