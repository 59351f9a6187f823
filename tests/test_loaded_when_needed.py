"""What looks for locks, causes and source is loaded where somebody waits, or where there is source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from helpers import FIXTURES, goroutine

_MAIN: Final = goroutine(1, ["main.main"], state="select (no cases)")
#: Reads a dump, looks for locks and causes, and prints what was loaded.
_PROGRAM: Final = """
import sys
from pathlib import Path
from stackscan.analysis.causes import Scene, find_causes
from stackscan.analysis.locks import find_locks
from stackscan.formats.contents import read_source
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources

snapshot = read_source(sys.argv[1]).captures[0].snapshot
locks = find_locks(snapshot)
reader = Reader(Sources([Path(each) for each in sys.argv[2:]], environment={}, cwd=Path("/")))
find_causes(Scene(snapshot, locks, (), snapshot.stacks), reader)
print(*sys.modules)
"""


def loaded(dump: Path, *roots: Path) -> set[str]:
    """The modules that the look for locks and causes has loaded."""
    command = [sys.executable, "-c", _PROGRAM, str(dump), *map(str, roots)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_a_dump_in_which_nobody_waits_loads_nothing(tmp_path: Path) -> None:
    """Neither the search for holders, nor what argues about causes, nor what reads Go."""
    dump = tmp_path / "dump.txt"
    dump.write_text(_MAIN + "\n" + goroutine(2, ["main.f"], state="IO wait"))
    found = loaded(dump)
    heavy = {"stackscan.analysis.locks.search", "stackscan.analysis.causes.argue", "stackscan.golang.reading"}
    assert set() == found & (heavy | {"polars", "numpy", "lark", "tree_sitter"})


def test_locks_are_found_without_polars_and_numpy() -> None:
    """A deadlock in a small dump: its words are read and its circle is found in plain Python, and no source is
    understood where none is at hand."""
    found = loaded(FIXTURES / "go" / "go1.21" / "locks_deadlock.txt")
    assert {"stackscan.analysis.locks.search", "stackscan.analysis.causes.argue"} <= found
    assert set() == found & {"polars", "numpy", "lark", "tree_sitter", "stackscan.golang.reading"}


@pytest.mark.parametrize("name", ["hang_self-deadlock.txt"])
def test_source_is_read_where_it_is(name: str) -> None:
    """The same dump with the folder of its program: Go is understood."""
    dump = FIXTURES / "go" / "go1.26" / name
    assert "stackscan.golang.reading" in loaded(dump, FIXTURES / "programs")
    assert "stackscan.golang.reading" not in loaded(dump)
