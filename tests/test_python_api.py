"""What Python programs call, as docs/python.md shows it."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import stackscan
from helpers import FIXTURES, ROOT, report_of


def test_the_examples_of_the_documentation_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/python.md is a doctest."""
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert 0 == failed
    assert tried > 10


def test_importing_loads_nothing() -> None:
    """`import stackscan` costs no polars; the function is loaded by its first use, whatever was imported before."""
    program = (
        "import sys, stackscan; heavy = {'polars', 'numpy', 'lark'} & set(sys.modules); assert not heavy, heavy;"
        "import stackscan.pipeline, stackscan.api; assert callable(stackscan.scan) and callable(stackscan.read)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_scan_takes_one_source_or_several() -> None:
    """Paths or texts; the report is the one of the command line."""
    one, two = FIXTURES / "go/go1.27/pool.txt", FIXTURES / "go/go1.27/states.txt"
    assert report_of(one, top=2) == stackscan.scan(one, top=2) == stackscan.scan(str(one), top=2)
    assert [str(one), str(two)] == [snapshot.source for snapshot in stackscan.scan([one, str(two)]).snapshots]


def test_read_gives_every_snapshot_of_a_source() -> None:
    """Of a bundle those of all its members."""
    snapshots = stackscan.read(FIXTURES / "kubo/v0.40.1-mixed/ipfs-profile-01.zip")
    assert ["goroutine-text", "goroutine-pprof"] == [snapshot.format for snapshot in snapshots]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stackscan.nothing  # noqa: B018


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With a hint."""
    from stackscan.errors import SourceError

    with pytest.raises(SourceError) as error:
        stackscan.read(tmp_path / "missing")
    assert "does not exist" in str(error.value)
    assert error.value.hint
