"""The pytest fixture ``goroutine_check``: a test fails when the process that it drove leaves findings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from helpers import DUMP, FIXTURES, environment

STALLED = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "stack-02.txt.gz"
QUIET = FIXTURES / "kubo" / "v0.41.0-quiet" / "stack-01.txt.gz"


def outcome(folder: Path, test: str, **files: str) -> tuple[dict[str, str], str]:
    """What became of each test of a file, run by a pytest of its own, and what pytest printed above its summary."""
    for name, text in {"test_it.py": test, **{k.replace("_", ".", 1): v for k, v in files.items()}}.items():
        (folder / name).write_text(text)
    settings = environment(STALLED=str(STALLED), QUIET=str(QUIET), PYTEST_ADDOPTS=None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--rootdir", str(folder), "test_it.py"],
        cwd=folder, env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    printed, _, summary = done.stdout.rpartition("short test summary info")  # which repeats messages where CI is set
    words = (line.split(" ") for line in summary.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR")))
    return {word[1].partition("::")[2]: word[0] for word in words}, printed


def test_a_test_fails_when_its_process_leaves_findings(tmp_path: Path) -> None:
    """Called with a path, with text, with bytes, with a function; at once and when the test's body has ended."""
    test = """
import gzip, os, pathlib

STALLED, QUIET = os.environ["STALLED"], os.environ["QUIET"]

def dump():
    return gzip.open(STALLED).read()

def test_path_passes(goroutine_check):
    assert goroutine_check(QUIET).captures[0].goroutines == 398

def test_path_fails(goroutine_check):
    goroutine_check(pathlib.Path(STALLED))

def test_bytes_fail(goroutine_check):
    goroutine_check(dump())

def test_text_fails(goroutine_check):
    goroutine_check(dump().decode())

def test_call_fails(goroutine_check):
    goroutine_check(dump)

def test_end_passes(goroutine_check):
    goroutine_check.at_end(QUIET)

def test_end_fails(goroutine_check):
    goroutine_check.at_end(dump)

def test_end_is_not_reached(goroutine_check):
    goroutine_check.at_end(lambda: 1 / 0)
    assert False, "own failure"

def test_severity(goroutine_check):
    goroutine_check(QUIET, fail_on="info")
"""
    found, text = outcome(tmp_path, test)
    assert found == {
        "test_path_passes": "PASSED",
        "test_path_fails": "FAILED",
        "test_bytes_fail": "FAILED",
        "test_text_fails": "FAILED",
        "test_call_fails": "FAILED",
        "test_end_passes": "PASSED",
        "test_end_fails": "FAILED",
        "test_end_is_not_reached": "FAILED",
        "test_severity": "PASSED",
    }
    assert text.count("✗ bitswap-close-stall") == 5
    assert "ZeroDivisionError" not in text
    assert "own failure" in text


def test_a_dump_that_cannot_be_judged_fails_the_test(tmp_path: Path) -> None:
    """Nothing, noise, and a file that is not there prove nothing."""
    test = """
import pytest

@pytest.mark.parametrize("dump", [b"", b"404 page not found", "none.stacks"], ids=["empty", "noise", "missing"])
def test_it(goroutine_check, dump):
    goroutine_check(dump)
"""
    found, text = outcome(tmp_path, test)
    assert set(found.values()) == {"FAILED"}
    assert len(found) == 3
    assert text.count("the goroutine dump cannot be checked") >= 3
    assert "Traceback" not in text


def test_policy_and_baseline_come_from_pytests_settings(tmp_path: Path) -> None:
    """Relative to the rootdir; a call may name others."""
    test = f"""
DUMP = {DUMP!r}

def test_policy(goroutine_check):
    goroutine_check(DUMP)

def test_other(goroutine_check, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("max_goroutines = 2")
    goroutine_check(DUMP, policy=other)
"""
    settings = {"pytest_ini": "[pytest]\nstackscan_policy = tight.toml\n", "tight_toml": "max_goroutines = 1\n"}
    found, text = outcome(tmp_path, test, **settings)
    assert found == {"test_policy": "FAILED", "test_other": "PASSED"}
    assert "2 goroutines, the limit is 1" in text


def test_pytest_loads_nothing_of_stackscan_for_the_plugin(tmp_path: Path) -> None:
    """A run of tests that do not use the fixture does not pay for polars, lark or rich."""
    test = """
import sys

def test_it():
    assert not {"polars", "lark", "numpy", "rich", "stackscan.pipeline"} & set(sys.modules)
"""
    assert outcome(tmp_path, test)[0] == {"test_it": "PASSED"}


def test_the_plugin_is_there(pytestconfig: pytest.Config) -> None:
    """Pytest finds it by its entry point."""
    assert pytestconfig.pluginmanager.has_plugin("stackscan")
