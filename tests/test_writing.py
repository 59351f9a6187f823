"""Files that stackscan writes: whole or absent, with the mode that they had, no part left by a run that was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from helpers import DUMP, assert_refused, command, environment, run
from stackscan.errors import OutputError
from stackscan.export import atomic, parts
from stackscan.export.atomic import remove_abandoned, whole_file, workspace

#: Runs the program and sends itself a signal just before the first file gets its name.
_STOPPED = """
import os, signal, sys
number = int(sys.argv.pop(1))
def stopped(act):
    def step(*given, **named):
        os.kill(os.getpid(), number)
        return act(*given, **named)
    return step
os.replace = stopped(os.replace)
from stackscan.__main__ import main
main()
"""
_RANDOM = "0123456789abcdef"


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small dump in a file of its own, in a folder of its own."""
    path = tmp_path / "dumps" / "dump.txt"
    path.parent.mkdir()
    path.write_text(DUMP, encoding="utf-8")
    return path


def part(folder: Path, host: str | None = None) -> Path:
    """The name of a part such as a run on this host, or on another, leaves when it is killed."""
    return folder / f".stackscan-part-{host or parts._host()}-{_RANDOM}"


def written(path: Path, text: str = "new") -> None:
    """The file, written by the one way there is."""
    with whole_file(path) as out:
        out.write(text)


def parts_in(folder: Path) -> list[str]:
    """What a listing shows of files that were under way."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".stackscan-")]


# -- the file that is replaced ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    """A report that only its owner may read does not become public with the next one."""
    path = tmp_path / "report.txt"
    path.touch()
    path.chmod(mode)
    written(path)
    assert ("new", oct(mode)) == (path.read_text(), oct(stat.S_IMODE(path.stat().st_mode)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    """Where the user may give files away."""
    path = tmp_path / "report.txt"
    path.touch()
    os.chown(path, 12_345, 23_456)
    written(path)
    assert (12_345, 23_456) == (path.stat().st_uid, path.stat().st_gid)


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    """As any program's has."""
    before = os.umask(0o027)
    try:
        written(tmp_path / "new.txt")
    finally:
        os.umask(before)
    assert 0o640 == stat.S_IMODE((tmp_path / "new.txt").stat().st_mode)


def test_a_read_only_file_is_not_replaced(tmp_path: Path, dump: Path) -> None:
    """Exit code 2; it stays as it was, also for root."""
    path = tmp_path / "kept.txt"
    path.write_text("old")
    path.chmod(0o400)
    assert_refused(run("report", dump, "--output", path), "kept.txt", "read-only", "chmod")
    assert ("old", []) == (path.read_text(), parts_in(tmp_path))


@pytest.mark.parametrize("arguments", [["report", "--output"], ["check", "--write-baseline"]])
def test_a_link_to_itself_is_an_error(tmp_path: Path, dump: Path, arguments: list[str]) -> None:
    """Not a traceback."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert_refused(run(arguments[0], dump, arguments[1], loop), "it is a link to itself", "name another file")


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    """With the mode of that."""
    there = tmp_path / "there.txt"
    there.touch(0o600)
    (tmp_path / "link").symlink_to(there)
    written(tmp_path / "link")
    assert (True, "new", 0o600) == (
        (tmp_path / "link").is_symlink(),
        there.read_text(),
        stat.S_IMODE(there.stat().st_mode),
    )


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """And no part of the new one."""
    path = tmp_path / "report.txt"
    path.write_text("old")
    with suppress(RuntimeError), whole_file(path) as out:
        out.write("half")
        raise RuntimeError
    assert ("old", []) == (path.read_text(), parts_in(tmp_path))


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """As an error of ours."""
    with pytest.raises(OutputError, match="cannot be written"):
        written(tmp_path / "none" / "report.txt")


# -- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
@pytest.mark.parametrize("arguments", [["report", "--output"], ["check", "--write-baseline"]], ids=lambda a: a[0])
def test_a_signal_leaves_the_old_file_and_no_part(
    tmp_path: Path, dump: Path, arguments: list[str], number: int, code: int
) -> None:
    """In the worst moment, just before the new file gets its name."""
    path = tmp_path / "out" / "file"
    path.parent.mkdir()
    path.write_text("old")
    words = [sys.executable, "-c", _STOPPED, str(int(number)), arguments[0], str(dump), arguments[1], str(path)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert (code, "old", []) == (done.returncode, path.read_text(), parts_in(path.parent)), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_an_export_that_waits(tmp_path: Path, number: int, code: int) -> None:
    """For a pipe that nobody writes to: the folder that was made for it is gone too."""
    source, folder = tmp_path / "pipe", tmp_path / "tables"
    os.mkfifo(source)
    with subprocess.Popen(command("export", source, "--output", folder), stderr=subprocess.PIPE) as process:
        while process.poll() is None and not (folder.is_dir() and parts_in(folder)):
            time.sleep(0.01)
        process.send_signal(number)
        _, told = process.communicate()
    assert (code, b"", False) == (process.returncode, told, folder.exists())


def test_nohup_is_obeyed(tmp_path: Path, dump: Path) -> None:
    """A signal that was ignored at the start stays so."""
    path = tmp_path / "file"
    words = [sys.executable, "-c", _STOPPED, str(int(signal.SIGHUP)), "report", str(dump), "--output", str(path)]
    words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *words]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert (0, True) == (done.returncode, path.exists()), done.stderr


def test_a_signal_ends_what_computes_outside_python(tmp_path: Path) -> None:
    """Polars would go on for hours; it is woken and the run ends as always."""
    path = tmp_path / "rows.txt"
    path.write_text("\n".join(f"goroutine {n} [select]:\nmain.f()\n\t/x.go:1 +0x1\n" for n in range(1, 2_000)))
    sql = "SELECT sum(a.line * b.line * c.line * d.line) FROM goroutines a " + " ".join(
        f"CROSS JOIN goroutines {name}" for name in "bcd"
    )
    program = f"""
import os, signal, sys, threading
from stackscan.export.sql import query
ask = query.run
def begun(*given, **more):
    threading.Timer(0.5, os.kill, (os.getpid(), {int(signal.SIGTERM)})).start()
    return ask(*given, **more)
query.run = begun
sys.argv = ["stackscan", "query", {sql!r}, {str(path)!r}]
from stackscan.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (143, "") == (done.returncode, done.stdout), done.stderr


# -- parts of runs that were killed ----------------------------------------------------------------------------------


def test_the_next_run_removes_the_parts_of_killed_ones(tmp_path: Path) -> None:
    """Files, workspaces, and what was left of a workspace while it was made or removed."""
    part(tmp_path).write_text("half")
    dead = tmp_path / f".stackscan-part-{parts._host()}-{_RANDOM[::-1]}"
    (dead / "ready" / "goroutines").mkdir(parents=True)
    (dead / "ready" / "goroutines" / "1.parquet").touch()
    (dead / "lock").touch()
    (tmp_path / f".stackscan-part-{parts._host()}-{'0' * 16}").mkdir()
    written(tmp_path / "report.txt")
    assert ["report.txt"] == [path.name for path in tmp_path.iterdir()]


def test_what_only_looks_like_a_part_stays(tmp_path: Path) -> None:
    """A user's own files, and links that somebody put there."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".stackscan-baseline").touch()
    (tmp_path / ".stackscan-part-mine").touch()
    part(tmp_path).symlink_to(victim)
    before = sorted(path.name for path in tmp_path.iterdir())
    remove_abandoned(tmp_path)
    assert (before, "mine") == (sorted(path.name for path in tmp_path.iterdir()), victim.read_text())


@pytest.mark.parametrize(("age_hours", "stays"), [(1, True), (25, False)])
def test_a_part_of_another_host_stays_for_a_day(tmp_path: Path, age_hours: int, stays: bool) -> None:
    """Its run may live: locks do not reach every host that shares a folder."""
    other = part(tmp_path, "00000000")
    other.touch()
    moment = time.time() - age_hours * 3_600
    os.utime(other, (moment, moment))
    remove_abandoned(tmp_path)
    assert stays == other.exists()


def test_a_run_that_lives_keeps_its_parts(tmp_path: Path) -> None:
    """However many others write there meanwhile."""
    with whole_file(tmp_path / "slow.txt") as out, workspace(tmp_path) as place:
        (place / "file").write_text("half")
        for number in range(3):
            written(tmp_path / f"{number}.txt")
        assert 2 == len(parts_in(tmp_path))
        assert "half" == (place / "file").read_text()
        out.write("whole")
    assert ("whole", []) == ((tmp_path / "slow.txt").read_text(), parts_in(tmp_path))


@pytest.mark.parametrize("kind", ["file", "workspace"])
def test_a_part_taken_away_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Between making a part and locking it another run may look: it sees a part that nobody holds."""
    lock: Callable[[int], Any] = parts.lock
    looks = []

    def late(handle: int) -> None:
        if len(looks) < 2:
            looks.append(len(parts_in(tmp_path)))
            remove_abandoned(tmp_path)
        lock(handle)

    monkeypatch.setattr(parts, "lock", late)
    if kind == "file":
        written(tmp_path / "report.txt")
        assert "new" == (tmp_path / "report.txt").read_text()
    else:
        with workspace(tmp_path) as place:
            (place / "file").touch()
    assert ([1, 1], []) == (looks, parts_in(tmp_path))


def test_there_is_one_place_that_writes_files() -> None:
    """No other module makes temporary files or renames."""
    package = Path(atomic.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("tempfile", "os.replace", ".rename(", "mkstemp"))
    }
    assert {"atomic.py", "tables/publish.py"} == found
