"""Fleets read by several processes: what kills one, what never ends, what is in one archive, what Ctrl-C leaves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest
from test_workers import waited_for

import jobs
from helpers import environment
from stackscan.fleet import survey
from stackscan.fleet.observe import Observe
from stackscan.fleet.pattern import read_pattern
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.survey import each_part
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options
from stackscan.sources.parts import split

_OPTIONS: Final = Options(shipped(), projected=False)


def dump(number: int, word: str = "main") -> str:
    """A capture unlike all others."""
    return f"goroutine {number + 1} [select]:\n{word}.wait()\n\t/src/{word}.go:{number + 10} +0x1d\n"


def rows_of(source: Path, *, jobs_: int | None = 2, kind: int = signal.SIGKILL) -> list[Row | Unread]:
    """What is read of a source; captures that hold the word "poison" kill their process."""
    observe = Observe(read_pattern("**/{host}.txt"), 10_000, jobs.Poisonous(kind))
    with each_part([*split(str(source))], observe, options=_OPTIONS, jobs=jobs_) as found:
        return [row for rows in found for row in rows]


def hosts(rows: list[Row | Unread]) -> list[str | None]:
    return [row.origin.host for row in rows if isinstance(row, Row)]


def unread(rows: list[Row | Unread]) -> list[tuple[str | None, str]]:
    return [(row.origin.host, row.reason) for row in rows if isinstance(row, Unread)]


@pytest.mark.parametrize("place", [0, 3, 7])
@pytest.mark.parametrize("asked", [None, 2])
def test_a_capture_that_kills_its_process_is_named_and_the_run_goes_on(
    tmp_path: Path, place: int, asked: int | None
) -> None:
    """The first, one in the middle, the last."""
    for number in range(8):
        (tmp_path / f"h{number}.txt").write_text(dump(number, "poison" if number == place else "main"))
    rows = rows_of(tmp_path, jobs_=asked, kind=signal.SIGSEGV)
    assert [f"h{number}" for number in range(8) if number != place] == hosts(rows)
    assert [(f"h{place}", "its reading killed the process twice (signal 11)")] == unread(rows)


@pytest.mark.parametrize("poisonous", [{4}, {0, 1, 39}])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_only_the_members_that_kill_are_lost(tmp_path: Path, kind: str, poisonous: set[int]) -> None:
    """Of an archive with many, in their order."""
    for number in range(40):
        (tmp_path / f"h{number:02}.txt").write_text(dump(number, "poison" if number in poisonous else "main"))
    paths = sorted(tmp_path.iterdir())
    archive = tmp_path / f"all.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in paths:
                packed.write(path, path.name)
    else:
        with tarfile.open(archive, "w:gz") as tar:
            for path in paths:
                tar.add(path, path.name)
    (tmp_path / "all").mkdir()
    archive.rename(tmp_path / "all" / archive.name)
    (tmp_path / "all" / "h99.txt").write_text(dump(99))
    rows = rows_of(tmp_path / "all")
    assert [*(f"h{n:02}" for n in range(40) if n not in poisonous), "h99"] == hosts(rows)
    lost = [(f"h{number:02}", "its reading killed the process twice (signal 9)") for number in sorted(poisonous)]
    assert lost == unread(rows)


def test_a_capture_whose_reading_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two tries."""
    monkeypatch.setattr(survey, "_PATIENCE_SECONDS", 4.0)
    for number, word in enumerate(["main", "endless", "main"]):
        (tmp_path / f"h{number}.txt").write_text(dump(number, word))
    rows = rows_of(tmp_path)
    assert ["h0", "h2"] == hosts(rows)
    assert [("h1", "its reading hung twice (no sign of life for 4 s)")] == unread(rows)


@pytest.mark.parametrize("how", [["--jobs", "2"], ["--dask", "local:2"]], ids=["processes", "dask"])
def test_ctrl_c_ends_the_run_and_leaves_nothing(tmp_path: Path, how: list[str]) -> None:
    """No half-written file, and no process."""
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        sources = [f"http://127.0.0.1:{silent.getsockname()[1]}/h{number}" for number in range(4)]
        command = [sys.executable, "-m", "stackscan", "fleet", *how, "-o", str(tmp_path / "fleet.txt"), *sources]
        running = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, start_new_session=True)
        try:
            asking = [silent.accept()[0] for _ in range(2)]  # both processes read
            os.killpg(running.pid, signal.SIGINT)
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
        for connection in asking:
            connection.close()
    assert (130, False) == (running.returncode, b"Traceback" in said), said
    assert [] == list(tmp_path.iterdir())
    assert waited_for(lambda: not group_is_alive(running.pid))


def group_is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
