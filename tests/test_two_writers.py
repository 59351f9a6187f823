"""Two exports into one folder, each killed at any step: what is left is one export, or is refused until the next one.

Writers are threads of which one runs at a time, from step to step: a step is a rename, a link, a removal, or a lock
that is taken or released. The kernel releases the locks of a killed process one after the other, in any order, and
others run meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from stackscan.errors import SourceError
from stackscan.export import atomic
from stackscan.export.tables import manifest
from stackscan.export.tables.load import exported
from stackscan.export.tables.publish import READY, publishing
from stackscan.export.tables.schema import TABLES
from stackscan.export.tables.write import Export

#: What changes a folder.
_CHANGES: Final = ("replace", "link", "unlink", "rmdir")


class _Killed(BaseException):
    """The writer is dead."""


class _Writer(threading.Thread):
    """A process that publishes its tables, paused before each step. Its locks outlive it until they are released."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(daemon=True)
        self.folder, self.text = folder, text
        self.dead = self.ended = self.waits = self.pausing = False
        self.locks: list[int] = []
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        try:
            with atomic.workspace(self.folder) as workspace:
                under_way = Export(self.folder, workspace, "parquet")
                _fill(workspace / READY, self.text)
                self.pausing = True
                under_way._commit()
        except _Killed:
            pass
        self.ended = True
        self._paused.release()

    def pause(self) -> None:
        """Wait until the next step may be made. The dead make none, not even to clean up."""
        if self.pausing and not self.dead:
            self._paused.release()
            self._go.acquire()
        if self.dead:
            raise _Killed

    def begin(self) -> None:
        """Up to its first step."""
        self.start()
        self._paused.acquire()

    def step(self) -> bool:
        """Make a step; False where there is none to make: the writer has ended, or waits for a lock."""
        if not self.ended:
            self._go.release()
            self._paused.acquire()
        return not (self.ended or self.waits)

    def kill(self) -> None:
        """End it before its next step; its locks stay for now."""
        if not self.ended:
            self.dead = True
            self._go.release()
            self.join()

    def release(self, close: Callable[[int], None], number: int) -> None:
        """Release this one of the locks that are left."""
        if self.locks:
            close(self.locks.pop(number))


def _fill(place: Path, text: str) -> None:
    """An export: a file a table, and their manifest."""
    described = {}
    for name in TABLES:
        file = place / f"{name}.parquet"
        file.write_text(f"{name} of {text}")
        described[file.name] = manifest.describe(file, 1)
    manifest.write(place / manifest.name_of("parquet"), "parquet", described)


def _current() -> _Writer | None:
    thread = threading.current_thread()
    return thread if isinstance(thread, _Writer) else None


def _pausing(act: Callable[..., Any]) -> Callable[..., Any]:
    """The same, before which a writer pauses."""

    def stepping(*given: Any, **named: Any) -> Any:
        if (writer := _current()) is not None:
            writer.pause()
        return act(*given, **named)

    return stepping


def _locking(flock: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """The same; a writer that waits for a lock pauses, and tries again."""

    def locking(handle: int, how: int) -> None:
        writer = _current()
        if writer is None:
            flock(handle, how)
            return
        writer.pause()
        while not _taken(flock, handle):
            if how & fcntl.LOCK_NB:
                raise BlockingIOError
            writer.waits = True
            writer.pause()
        writer.waits = False
        writer.locks.append(handle)

    return locking


def _taken(flock: Callable[[int, int], None], handle: int) -> bool:
    """Whether a lock was free, and is now held."""
    try:
        flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _closing(close: Callable[[int], None]) -> Callable[[int], None]:
    """The same; the locks of a dead writer stay, until the kernel releases them."""

    def closing(handle: int) -> None:
        writer = _current()
        if writer is not None and handle in writer.locks:
            if writer.dead:
                return
            writer.pause()
            writer.locks.remove(handle)
        close(handle)

    return closing


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Writers pause before each step. What it returns closes a file for them."""
    close = os.close
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for name in _CHANGES:
        monkeypatch.setattr(os, name, _pausing(getattr(os, name)))
    monkeypatch.setattr(fcntl, "flock", _locking(fcntl.flock))
    monkeypatch.setattr(os, "close", _closing(close))
    return close


def _read(folder: Path) -> str:
    """Whose tables a reader gets; "refused" where he is told that the next export finishes what was stopped."""
    try:
        with exported(folder):
            texts = {(folder / f"{name}.parquet").read_text().partition(" of ")[2] for name in TABLES}
    except SourceError as error:
        finishes = "stopped before all its tables" in str(error) and "first finishes the stopped export" in error.hint
        return "refused" if finishes else f"{error}. {error.hint}"
    (text,) = texts
    return text


def _finish(folder: Path) -> None:
    """What the next export does before anything else; then the folder holds one export, and no part is left."""
    with publishing(folder):
        pass
    assert _read(folder) in ("old", "new", "a", "b")
    assert [] == [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with an export."""
    folder = tmp_path / "old"
    folder.mkdir()
    _fill(folder, "old")
    return folder


def _steps(folder: Path) -> int:
    """Of a writer alone."""
    writer = _Writer(folder, "alone")
    writer.begin()
    count = 1
    while writer.step():
        count += 1
    return count


def test_a_writer_killed_at_any_step_leaves_one_export(
    tmp_path: Path, old: Path, release: Callable[[int], None]
) -> None:
    """Or one that the next export finishes."""
    steps = _steps(tmp_path)
    seen = set()
    for at in range(steps):
        folder = tmp_path / str(at)
        shutil.copytree(old, folder)
        writer = _Writer(folder, "new")
        writer.begin()
        for _ in range(at):
            writer.step()
        writer.kill()
        while writer.locks:
            writer.release(release, 0)
        seen.add(_read(folder))
        _finish(folder)
    assert {"old", "new", "refused"} == seen


@pytest.mark.parametrize("first", [0, -1], ids=["its workspace is released first", "its folder is released first"])
def test_two_writers_killed_at_any_step_leave_one_export(
    tmp_path: Path, old: Path, release: Callable[[int], None], first: int
) -> None:
    """The second goes on, to any step, before all locks of the first are released; then it is killed, too."""
    steps = _steps(tmp_path)
    seen = set()
    for at in range(steps):
        further, ended = 0, False
        while not ended:
            folder = tmp_path / f"{at}-{further}"
            shutil.copytree(old, folder)
            writers = _Writer(folder, "a"), _Writer(folder, "b")
            for writer in writers:
                writer.begin()
            ended = _kill_both(writers, at, further, first, release)
            seen.add(_read(folder))
            _finish(folder)
            further += 1
    assert {"old", "a", "b", "refused"} == seen


def _kill_both(
    writers: tuple[_Writer, _Writer], at: int, further: int, first: int, release: Callable[[int], None]
) -> bool:
    """Kill one after so many steps, and the other after some more; whether that one had ended."""
    one, other = writers
    for _ in range(at):
        one.step()
    one.kill()
    one.release(release, first)
    for _ in range(further):
        if not other.step() and not other.ended:
            one.release(release, 0)  # the other waits for it
    ended = other.ended
    other.kill()
    for writer in writers:
        while writer.locks:
            writer.release(release, 0)
    return ended


def test_two_writers_that_live_both_end(tmp_path: Path, old: Path, release: Callable[[int], None]) -> None:
    """Wherever one is when the other begins to publish: neither waits for ever, and the folder holds one export."""
    del release
    steps = _steps(tmp_path)
    for at in range(steps):
        folder = tmp_path / str(at)
        shutil.copytree(old, folder)
        one, other = writers = _Writer(folder, "a"), _Writer(folder, "b")
        for writer in writers:
            writer.begin()
        for _ in range(at):
            one.step()
        while other.step():
            pass
        while one.step() or other.step():
            pass
        assert one.ended
        assert other.ended
        assert _read(folder) in ("a", "b")
        _finish(folder)
