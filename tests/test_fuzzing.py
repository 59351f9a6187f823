"""The fuzz harness itself: every target takes its seeds, and a planted bug is found."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

import planted
import seeds
import targets
from helpers import ROOT
from stackscan.errors import StackscanError


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_a_target_takes_its_seeds(name: str) -> None:
    """The fuzzer starts from real inputs: each is read, or refused in words, and some give names to plant a bug in."""
    read: list[str] = []
    for seed in islice(seeds.seeds(name), 0, 40, 4):
        try:
            read += targets.TARGETS[name](seed)
        except StackscanError:
            continue
    assert read
    planted.bite(read)  # no seed holds what bites


def test_the_planted_bug_bites() -> None:
    """Both letters, in any of the names."""
    planted.bite(["main.a~", "main.b"])
    with pytest.raises(planted.PlantedBugError):
        planted.bite(["main.a~", "main.b^"])


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris (the extra `fuzz`) is not installed")
def test_the_harness_finds_a_planted_bug(tmp_path: Path) -> None:
    """Within a bounded number of runs, from the seeds alone."""
    command = [
        sys.executable, "fuzz/fuzz.py", "archive", "--plant", "--runs", "100000", "--seconds", "120", "-seed=1",
        "--corpus", str(tmp_path / "corpus"), "--found", str(tmp_path / "found"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode != 0
    assert b"PlantedBugError" in done.stdout + done.stderr
    assert [path.name for path in (tmp_path / "found").iterdir() if path.name.startswith("archive-crash-")]
