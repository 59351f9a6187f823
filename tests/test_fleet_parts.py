"""How sources are split into parts that several processes read, and what says that a part is known."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import DUMP
from stackscan.sources.parts import split


def marks(source: Path) -> dict[str, str | None]:
    """The mark of each part of a source, by its path below it."""
    return {f"{part.below}{part.span or ''}": part.mark for part in split(str(source))}


def _file(folder: Path) -> Path:
    path = folder / "one.txt"
    path.write_text(DUMP)
    return path


def _bundle(folder: Path) -> Path:
    (folder / "bundle").mkdir()
    for name in ("version.json", "goroutines.stacks"):
        (folder / "bundle" / name).write_text(DUMP)
    return folder / "bundle" / "goroutines.stacks"


def _zip(folder: Path) -> Path:
    path = folder / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(40):
            archive.writestr(f"{number}.txt", DUMP)
    return path


@pytest.mark.parametrize("make", [_file, _bundle, _zip])
def test_a_part_keeps_its_mark_until_its_content_changes(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    before = marks(tmp_path)
    assert before
    assert None not in before.values()
    assert before == marks(tmp_path)

    changed = path.stat()
    os.utime(path, ns=(changed.st_atime_ns, changed.st_mtime_ns + 1))
    after = marks(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[each] != before[each] for each in before)


def test_a_file_put_in_place_of_another_has_another_mark(tmp_path: Path) -> None:
    path = _file(tmp_path)
    before, status = marks(tmp_path), path.stat()
    other = tmp_path / "new"
    other.write_text(DUMP)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)  # same size, same time
    assert marks(tmp_path) != before


def test_only_what_changed_has_another_mark(tmp_path: Path) -> None:
    path = _file(tmp_path)
    _bundle(tmp_path)
    before = marks(tmp_path)
    path.write_text(DUMP * 2)
    after = marks(tmp_path)
    assert {each for each in before if before[each] != after[each]} == {"one.txt"}


def test_a_bundle_with_another_file_has_another_mark(tmp_path: Path) -> None:
    _bundle(tmp_path)
    before = marks(tmp_path)
    (tmp_path / "bundle" / "heap.pprof").write_text("x")
    assert marks(tmp_path) != before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_can_be_read_once_only_has_no_mark(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert marks(tmp_path) == {"pipe": None}
    assert [part.mark for part in split("-")] == [None]
    assert [part.mark for part in split("http://localhost:1/debug/pprof/goroutine?debug=2")] == [None]
