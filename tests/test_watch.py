"""``stackscan watch`` as people and scripts run it: what it says of a process that gets stuck and recovers, and how it
ends."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import ANSI, ROOT, assert_refused, command, environment, run
from replayed import Node, node

#: Requests within which a change must be told: two intervals, and the full text that a suspicion asks for.
_REQUESTS: Final = 3


@contextmanager
def watching(*arguments: str | Path, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Such a process; killed in the end."""
    process = subprocess.Popen(
        command("watch", *arguments),
        env=environment(),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **streams},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next line that it writes."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.endswith(b"\n"), (line, process.stderr and process.stderr.read())
    found: dict[str, Any] = json.loads(line)
    return found


def ended(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Its exit code after a signal."""
    process.send_signal(number)
    return process.wait(timeout=60)


# -- what it says ----------------------------------------------------------------------------------------------------


def test_a_stall_appears_and_goes(tmp_path: Path) -> None:
    """Quiet, stalled, fixed: the lines and the hook say so within two intervals."""
    kept = tmp_path / "hook.ndjson"
    hook = f"{sys.executable} -c \"import sys; open({str(kept)!r}, 'a').write(sys.stdin.read())\""
    with node() as process, watching("--interval", "300ms", "--hook", hook, process.url) as watcher:
        process.wait_for_requests("quiet", 3)
        process.stage = "stalled"
        appeared = line_of(watcher)
        assert len(process.asked["stalled"]) <= _REQUESTS + 1  # one more may have come since
        assert ("appeared", "error", process.url) == tuple(appeared[name] for name in ("event", "level", "target"))
        assert ["bitswap-close-stall"] == [one["rule"] for one in appeared["findings"]]
        assert "12 of 12 bitswap task workers are stuck" in appeared["verdict"]
        assert appeared["time"] == appeared["findings"][0]["since"]
        assert {
            "rule",
            "severity",
            "title",
            "count",
            "goroutine_ids",
            "evidence",
            "why",
            "fix",
            "cause",
            "steps",
        } <= set(appeared["findings"][0])
        process.stage = "fixed"
        lines = [line_of(watcher), line_of(watcher)]
        assert len(process.asked["fixed"]) <= _REQUESTS + 1
        assert ["appeared", "gone"] == [one["event"] for one in lines]
        assert ["bitswap-close-stall"] == [one["rule"] for one in lines[1]["findings"]]
        assert appeared["time"] == lines[1]["findings"][0]["since"]
        _wait_for_lines(kept, 3)
        assert 0 == ended(watcher)
    assert [appeared, *lines] == [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def _wait_for_lines(path: Path, count: int) -> None:
    for _ in range(600):
        if path.is_file() and path.read_text(encoding="utf-8").count("\n") >= count:
            return
        time.sleep(0.1)
    pytest.fail(f"fewer than {count} lines in {path}")


def test_a_process_falls_silent_and_answers_again() -> None:
    """Silence is a change with an error; the findings that stood are still told."""
    with node("stalled") as process, watching("--interval", "300ms", process.url) as watcher:
        assert "appeared" == line_of(watcher)["event"]
        process.stage = None
        silent = line_of(watcher)
        assert ("changed", "lost") == (silent["event"], silent["level"])
        assert silent["error"]["reason"] == silent["verdict"]
        assert process.url in silent["verdict"]
        assert ["bitswap-close-stall"] == [one["rule"] for one in silent["findings"]]
        process.stage = "stalled"
        again = line_of(watcher)
        assert ("changed", "error") == (again["event"], again["level"])
        assert "error" not in again
        assert ["bitswap-close-stall"] == [one["rule"] for one in again["findings"]]


def test_lines_for_people_in_a_pipe() -> None:
    """With --format text; each names its process once."""
    with node("stalled") as process, watching("--interval", "300ms", "--format", "text", process.url) as watcher:
        assert watcher.stdout is not None
        line = watcher.stdout.readline().decode()
        assert f" {process.url} appeared: bitswap-close-stall: bitswap workers wait in stream Close" in line
        process.stage = None
        silent = watcher.stdout.readline().decode()
        assert (1, 1) == (silent.count(process.url), silent.count(f" {process.url} silent: "))


def test_captures_are_kept_and_metrics_are_served(tmp_path: Path) -> None:
    """Together with the lines: what is kept can be read, and the metrics say the same."""
    kept, textfile = tmp_path / "kept", tmp_path / "stackscan.prom"
    with (
        node("stalled") as process,
        watching("--interval", "300ms", "--keep", kept, "--keep-count", "3", "--keep-size", "1MiB", "--keep-age", "7d",
                 "--metrics", "127.0.0.1:0", "--textfile", textfile, process.url) as watcher,
    ):  # fmt: skip
        assert watcher.stderr is not None
        found = re.fullmatch(
            rb"stackscan: metrics are at (http://127\.0\.0\.1:\d+/metrics)\n", watcher.stderr.readline()
        )
        assert found is not None
        assert "appeared" == line_of(watcher)["event"]
        process.wait_for_requests("stalled", 8)
        with urllib.request.urlopen(found[1].decode()) as page:  # noqa: S310 - our own address
            served = page.read().decode()
        assert re.search(rf'stackscan_goroutines{{[^}}]*target="{process.url}"', served)
        assert 0 == ended(watcher)
        assert b"watching 1 process" in watcher.stderr.read()
    written = textfile.read_text(encoding="utf-8")
    assert 'rule="bitswap-close-stall"' in written
    captures = sorted(kept.glob("*/*.stacks.gz"))
    assert 1 <= len(captures) <= 3
    done = run("report", "--format", "json", captures[-1])
    assert "bitswap-close-stall" in done.stdout


def test_what_is_kept_is_not_redacted(tmp_path: Path) -> None:
    """That is said; the lines are."""
    with node("stalled") as process, watching("--redact", "--keep", tmp_path, process.url) as watcher:
        assert watcher.stderr is not None
        assert b"stackscan: what is kept is not redacted\n" == watcher.stderr.readline()
        assert "appeared" == line_of(watcher)["event"]


def test_processes_from_a_file(tmp_path: Path) -> None:
    """One a line, with comments; each is watched once."""
    with node("stalled") as process:
        listed = tmp_path / "processes.txt"
        listed.write_text(f"# ours\n\n{process.url}  # the first\n{process.url}\n", encoding="utf-8")
        with watching("--interval", "300ms", f"@{listed}", process.url) as watcher:
            assert "appeared" == line_of(watcher)["event"]
            assert 0 == ended(watcher)
            assert watcher.stderr is not None
            assert b"watching 1 process every 0.3 s" in watcher.stderr.read()


def test_wrong_words(tmp_path: Path) -> None:
    """What cannot be watched is said before anything is asked, without its secrets."""
    assert_refused(run("watch", "dump.stacks"), "not the address of a process")
    assert_refused(run("watch", "--interval", "10ms", "http://127.0.0.1:1"), "out of bounds")
    assert_refused(run("watch", f"@{tmp_path / 'none'}"), "No such file")
    (tmp_path / "empty").write_text("# nobody\n", encoding="utf-8")
    assert_refused(run("watch", f"@{tmp_path / 'empty'}"), "the list is empty")
    many = "\n".join(f"http://10.0.{number // 250}.{number % 250}:1" for number in range(1001))
    (tmp_path / "many").write_text(many, encoding="utf-8")
    assert_refused(run("watch", f"@{tmp_path / 'many'}"), "1,001 processes are too many")
    assert_refused(run("watch", "http://:80"), "it has no host")
    done = run("watch", "http://name:hush@host:99999")
    assert_refused(done, "its port is not a number")
    assert "hush" not in done.stderr
    assert_refused(run("watch", "--keep-count", "5", "http://127.0.0.1:1"), "nothing is kept without --keep")
    assert_refused(run("watch", "--keep-size", "many", "http://127.0.0.1:1"), "is not a size")
    assert_refused(run("watch", "--keep-age", "0d", "http://127.0.0.1:1"), "is not an interval")
    assert_refused(run("watch", "--metrics", "nowhere", "http://127.0.0.1:1"), "no address to serve metrics at")
    assert_refused(run("watch", "--keep", "/dev/null/x", "http://127.0.0.1:1"), "Not a directory")
    assert_refused(run("watch", "--textfile", "/no/such/x.prom", "http://127.0.0.1:1"), "x.prom")
    assert_refused(run("watch", "--hook", "no-such-program x", "http://127.0.0.1:1"), "no-such-program is no program")
    assert_refused(run("watch", "--hook", "'", "http://127.0.0.1:1"), "cannot be read")
    done = run("watch", "--webhook", "hooks.example.com/T0/secret", "http://127.0.0.1:1")
    assert_refused(done, "the address of a webhook is none")
    assert "secret" not in done.stderr


# -- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_with_0(number: int) -> None:
    """Also while a process lets it wait, and nothing is written but whole lines."""
    with node("stalled") as process, watching("--interval", "300ms", process.url) as watcher:
        line_of(watcher)
        assert 0 == ended(watcher, number)
        assert watcher.stdout is not None
        assert all(json.loads(line) for line in watcher.stdout.read().splitlines())
        assert watcher.stderr is not None
        assert 1 == len(watcher.stderr.read().splitlines())


def test_a_signal_while_it_starts() -> None:
    """It is heard from the beginning."""
    with watching("http://127.0.0.1:1") as watcher:
        time.sleep(0.2)
        code = ended(watcher)
        assert code in (0, -signal.SIGTERM)  # the latter: Python itself had not started yet


def test_a_reader_that_goes_away_ends_it() -> None:
    """With 0, although nothing more is written."""
    with node("stalled") as process, watching("--interval", "300ms", process.url) as watcher:
        line_of(watcher)
        assert watcher.stdout is not None
        watcher.stdout.close()
        assert 0 == watcher.wait(timeout=60)


def test_a_full_disk_is_said() -> None:
    """It cannot do its job: exit code 2."""
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    with node("stalled") as process, Path("/dev/full").open("wb") as full:
        with watching("--interval", "300ms", process.url, stdout=full) as watcher:
            _, err = watcher.communicate(timeout=60)
        assert 2 == watcher.returncode
        assert b"standard output cannot be written: No space left on device" in err


def test_a_reader_that_does_not_read_holds_nothing_up() -> None:
    """Polling goes on, and SIGTERM ends it."""
    with node("stalled") as process, watching("--interval", "100ms", "--timeout", "1s", process.url) as watcher:
        assert watcher.stdout is not None
        fcntl.fcntl(watcher.stdout, fcntl.F_SETPIPE_SZ, 4096)
        for count in range(1, 5):
            process.stage = None
            process.wait_for_requests(None, count)
            process.stage = "stalled"
            process.wait_for_requests("stalled", 2 * count)
        assert 0 == ended(watcher)


# -- on a terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """A watcher on a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command("watch", *arguments), stdin=slave, stdout=slave, stderr=slave,
            env=environment(TERM="xterm-256color"), start_new_session=True,
        )  # fmt: skip
        self._seen = b""

    def see(self, *texts: str) -> str:
        """Read until all these texts have appeared since the last time; what has."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            text = ANSI.sub("", self._seen.decode("utf-8", "replace"))
            if all(each in text for each in texts):
                self._seen = b""
                return text
            if select.select([self.master], [], [], 1)[0]:
                self._seen += os.read(self.master, 1 << 16)
        raise AssertionError(texts, text[-3000:])

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> tuple[int, bytes]:
        """Its exit code, and what it wrote last; the terminal is as before."""
        rest = self._seen
        while self.process.poll() is None or select.select([self.master], [], [], 0.2)[0]:
            if select.select([self.master], [], [], 0.1)[0]:
                rest += os.read(self.master, 1 << 16)
        assert self.before == termios.tcgetattr(self._slave)
        return self.process.returncode, rest

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self._slave)


@contextmanager
def on_terminal(process: Node, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal("--interval", "300ms", process.url, *arguments)
    try:
        yield terminal
    finally:
        terminal.close()


def test_the_table_lives() -> None:
    """It shows what changes, opens a process, pauses, helps, and q ends it with the terminal as before."""
    with node() as process, on_terminal(process) as terminal:
        terminal.see("1 fine", process.url, "goroutines")
        process.stage = "stalled"
        terminal.see("1 stuck", "12 of 12 bitswap task workers", "12/12 busy", "appeared bitswap-close-stall")
        terminal.press("\r")
        terminal.see("bitswap-close-stall  12 goroutines", "Upgrade to kubo 0.41.0 or later", "Esc back")
        terminal.press("\x1b")
        terminal.see("What changed", "Enter open")
        terminal.press("p")
        terminal.see("1 process, paused", "PAUSED")
        asked = len(process.asked["stalled"])
        process.stage = "fixed"
        terminal.press("?")
        terminal.see("Keys and marks")
        assert len(process.asked["stalled"]) <= asked + 1  # one may have been on its way
        assert not process.asked["fixed"]
        terminal.press("xp")
        terminal.see("every 0.3 s", "gone     bitswap-close-stall")
        terminal.press("q")
        code, rest = terminal.end()
        assert 0 == code
        assert b"\x1b[?1049l" in rest
        assert b"\x1b[?25h" in rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_leave_the_terminal_as_it_was(number: int) -> None:
    """The usual screen, the cursor, and keys that are shown."""
    with node() as process, on_terminal(process) as terminal:
        terminal.see("1 fine")
        terminal.process.send_signal(number)
        code, rest = terminal.end()
        assert 0 == code
        assert b"\x1b[?1049l" in rest
        assert b"\x1b[?25h" in rest


def test_json_on_a_terminal() -> None:
    """Where it is asked for."""
    with node("stalled") as process, on_terminal(process, "--format", "json") as terminal:
        assert '"event": "appeared"' in terminal.see('"event": "appeared"')


# -- for long --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="memory is read from /proc")
def test_memory_stays_flat() -> None:
    """Over many polls (docs/live.md has 10,000)."""
    done = subprocess.run(
        [sys.executable, "benchmarks/watch.py", "--polls", "500"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


_MAPPED: Final = """
import ctypes, sys
from stackscan.live.heap import give_memory_back

class Info(ctypes.Structure):  # of glibc's mallinfo2(3)
    _fields_ = [("first", ctypes.c_size_t * 3), ("hblks", ctypes.c_size_t), ("rest", ctypes.c_size_t * 6)]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Info
if "so" in sys.argv:
    give_memory_back()
large = bytearray(20 << 20)
del large
before = mallinfo2().hblks
answer = bytearray(1 << 20)
print(mallinfo2().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="the C library is not glibc 2.33 or later")
@pytest.mark.parametrize(("word", "mapped"), [("so", 1), ("", 0)], ids=["as watch does", "as it is"])
def test_a_large_answer_leaves_no_hole_in_the_heap(word: str, mapped: int) -> None:
    """It is mapped for itself, also after a larger one."""
    done = subprocess.run([sys.executable, "-c", _MAPPED, word], capture_output=True, text=True, check=True)
    assert mapped == int(done.stdout)
