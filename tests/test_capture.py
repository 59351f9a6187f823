"""``stackscan capture``: captures of a process at intervals, kept whole, and the verdict on them."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from test_http import Answer, Server, sends, serving

from helpers import DUMP, FIXTURES, assert_refused, command, environment, goroutine, run
from stackscan.sources.names import capture_name, read_moment, read_name
from stackscan.sources.times import captured_at
from strict import misses

LEAK = [gzip.decompress((FIXTURES / "growth" / "leak" / f"debug2-0{n}.txt.gz").read_bytes()) for n in (1, 2, 3, 4)]
LEAK_PROFILE = (FIXTURES / "growth" / "leak" / "goroutineleak.debug1.txt").read_bytes()
MUTEX = (
    b"--- mutex:\ncycles/second=1000000000\nsampling period=1\n1000 1 @ 0x1 0x2\n"
    b"#\t0x1\tsync.(*Mutex).Unlock+0x1\t/usr/local/go/src/sync/mutex.go:1\n"
)


class Process:
    """A process whose goroutines are one of some dumps after the other, and that has these other profiles."""

    def __init__(self, *dumps: bytes | Answer, **others: bytes) -> None:
        self.dumps, self.others = dumps, others
        self.asked: Counter[str] = Counter()

    def __call__(self, connection: socket.socket, head: str) -> None:
        name = urlsplit(head.split()[1]).path.rpartition("/")[2]
        place = self.asked[name]
        self.asked[name] += 1
        if name == "goroutine":
            found = self.dumps[min(place, len(self.dumps) - 1)]
            (sends(found) if isinstance(found, bytes) else found)(connection, head)
        elif name in self.others:
            sends(self.others[name])(connection, head)
        else:
            sends(b"Unknown profile\n", status="404 Not Found")(connection, head)


def refuses() -> Answer:
    """The answer of a process that cannot."""
    return sends(b"no", status="500 Internal Server Error")


def capture(server: Server, *arguments: str | Path, interval: str = "50ms") -> subprocess.CompletedProcess[str]:
    """Run the command without source."""
    return run("capture", server.url(""), "--interval", interval, "--no-source", *arguments)


def names(folder: Path) -> list[str]:
    """All files of a folder."""
    return sorted(path.name for path in folder.iterdir())


def of(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that it printed."""
    values: dict[str, Any] = json.loads(done.stdout)
    assert [] == misses(values["schema"].removeprefix("stackscan."), values)
    return values


# -- the verdict -----------------------------------------------------------------------------------------------------


def test_the_verdict_is_that_of_compare(tmp_path: Path) -> None:
    """On the captures that it kept, and to the byte."""
    with serving(Process(*LEAK)) as server:
        done = capture(server, "--output", tmp_path, "--format", "json", "--fail-on", "error")
    files = [tmp_path / name for name in names(tmp_path)]
    compared = run("compare", "--no-source", "--format", "json", *files)
    assert (1, "", 3) == (done.returncode, done.stderr, len(files))
    assert of(compared) == of(done)
    assert "leak" == of(done)["verdict"]["kind"]
    assert [path.read_bytes() for path in files] == LEAK[:3]


def test_without_a_folder_the_address_is_the_source() -> None:
    """And the times are those of the answers."""
    with serving(Process(*LEAK)) as server:
        found = of(capture(server, "--count", "2", "--format", "json"))
        text = capture(server, "--count", "2").stdout
    assert [server.url("")] * 2 == found["snapshots"]
    assert 0 < found["intervals_seconds"][0] < 60
    assert f"127.0.0.1:{server.port}" in text
    assert "http://\n" not in text


def test_names_carry_host_and_time(tmp_path: Path) -> None:
    """Report and compare read both."""
    with serving(Process(DUMP.encode())) as server:
        assert 0 == capture(server, "--output", tmp_path, "--fail-on", "error").returncode
    for name in names(tmp_path):
        taken = read_name(str(tmp_path / name))
        assert f"127.0.0.1:{server.port}" == taken.host
        assert taken.captured_at == captured_at(str(tmp_path / name), None) is not None
    assert sorted(names(tmp_path)) == names(tmp_path)


@pytest.mark.parametrize("host", ["node-1_5001", "web-20260101-120000", "a.b_80-0a1b2c3d", "x"])
@pytest.mark.parametrize("suffix", [".stacks", ".zip", ".pb.gz"])
def test_a_name_is_read_as_it_was_made(host: str, suffix: str) -> None:
    """Also where a host's name looks like a time."""
    moment = read_moment("2026-11-23T09:46:46.558+00:00")
    assert moment is not None
    name = capture_name(host, moment, suffix)
    assert moment == captured_at(f"folder/{name}", None)
    assert host.replace("_", ":") == read_name(name).host


def test_captures_begin_at_the_interval() -> None:
    """The first at once."""
    with serving(Process(DUMP.encode())) as server:
        found = of(capture(server, "--count", "3", "--format", "json", interval="700ms"))
    assert all(seconds > 0.5 for seconds in found["intervals_seconds"])


def test_the_api_of_kubo_is_a_target() -> None:
    """Its profiles are beside it."""
    with serving(Process(DUMP.encode())) as server:
        done = run("capture", server.url("/api/v0"), "--count", "2", "--interval", "1ms", "--no-source")
    assert 0 == done.returncode
    assert all(head.startswith("GET /debug/pprof/goroutine?debug=2 ") for head in server.asked)


# -- other profiles --------------------------------------------------------------------------------------------------


def test_other_profiles_are_kept_with_each_capture(tmp_path: Path) -> None:
    """In a bundle, as kubo writes one: the leak profile is a witness, and report shows where goroutines waited."""
    process = Process(*LEAK, goroutineleak=LEAK_PROFILE, mutex=MUTEX, block=MUTEX.replace(b"mutex", b"contention"))
    with serving(process) as server:
        done = capture(server, "--with", "mutex,block,goroutineleak", "--output", tmp_path, "--format", "json")
    (leak,) = of(done)["verdict"]["leaks"]
    assert "yes" == leak["witnesses"]["detector"]
    files = names(tmp_path)
    assert [".zip"] * 3 == [name[-4:] for name in files]
    (bundle,) = of(run("report", "--format", "json", tmp_path / files[0]))["bundles"]
    found = {member["name"] for member in bundle["members"]}
    assert {"goroutines.stacks", "goroutineleak.txt", "mutex.pprof", "block.pprof"} == found
    assert {"goroutine": 3, "mutex": 3, "block": 3, "goroutineleak": 3} == process.asked
    assert of(run("compare", "--no-source", "--format", "json", *(tmp_path / name for name in files))) == of(done)


def test_a_profile_that_is_not_offered_is_a_note() -> None:
    """Said once; the captures are taken."""
    with serving(Process(DUMP.encode())) as server:
        done = capture(server, "--with", "goroutineleak")
    assert (0, 1) == (done.returncode, done.stderr.count("no goroutineleak profile"))
    assert "answers 404: Unknown profile" in done.stderr


def test_another_name_is_no_profile() -> None:
    """Heap is one, but not of goroutines."""
    assert_refused(run("capture", "http://127.0.0.1:1", "--with", "mutex,heap"), "'heap'", "mutex,block,goroutineleak")


# -- what fails ------------------------------------------------------------------------------------------------------


def test_a_capture_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """The exit code is that of the verdict."""
    with serving(Process(LEAK[0], refuses(), LEAK[2])) as server:
        done = capture(server, "--output", tmp_path)
    assert 0 == done.returncode
    assert "capture 2 of 3 failed" in done.stderr
    assert "500" in done.stderr
    assert 2 == len(names(tmp_path))


def test_what_is_no_dump_fails_and_is_kept(tmp_path: Path) -> None:
    """So that somebody may look at it."""
    with serving(Process(b"hello\n", DUMP.encode(), DUMP.encode())) as server:
        done = capture(server, "--output", tmp_path)
    assert (0, 3) == (done.returncode, len(names(tmp_path)))
    assert "capture 1 of 3 failed" in done.stderr


def test_one_capture_is_reported_and_too_few() -> None:
    """Its report is better than nothing."""
    with serving(Process(refuses(), DUMP.encode(), refuses())) as server:
        done = capture(server, "--format", "json")
    assert (2, 2) == (done.returncode, of(done)["snapshots"][0]["goroutines"])
    assert "a comparison needs two" in done.stderr


def test_no_capture_is_an_error() -> None:
    """The reason is said each time, what to do once."""
    with serving(Process(refuses())) as server:
        done = capture(server)
    assert_refused(done, "capture 1 of 3 failed", "capture 3 of 3 failed", "none of 3 captures was taken")
    assert 1 == done.stderr.count("its log may say why")


def test_a_cut_answer_is_told(tmp_path: Path) -> None:
    """Of what came, the rest is shown as always."""
    whole = "\n".join(goroutine(n, ["main.work"]) for n in range(1, 50)).encode()
    with serving(Process(sends(whole[:-30], length=len(whole)), whole)) as server:
        done = capture(server, "--count", "2", "--output", tmp_path)
    assert "capture 1 of 2: the download stopped" in done.stderr
    assert "INCOMPLETE" in done.stdout


def test_what_a_server_compressed_is_kept_as_text(tmp_path: Path) -> None:
    """A file of text can be searched."""
    with serving(Process(sends(gzip.compress(DUMP.encode()), "Content-Encoding: gzip"))) as server:
        assert 0 == capture(server, "--count", "2", "--output", tmp_path).returncode
    assert [DUMP.encode()] * 2 == [(tmp_path / name).read_bytes() for name in names(tmp_path)]


def test_a_folder_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    """Before the process is asked."""
    (tmp_path / "file").touch()
    with serving(Process(DUMP.encode())) as server:
        assert_refused(capture(server, "--output", tmp_path / "file"), "cannot be written")
    assert [] == server.asked


@pytest.mark.parametrize("target", ["dump.txt", "-", "ftp://host"])
def test_a_target_is_an_address(target: str) -> None:
    """A file is none."""
    assert_refused(run("capture", target), "is not the address of a process", "http://HOST:PORT")


def test_a_target_that_can_never_be_asked() -> None:
    """Is told at once, and not for each capture."""
    assert_refused(run("capture", "http://:80"), "it has no host")


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Neither in what is said, nor in the names of files."""
    with serving(Process(DUMP.encode(), refuses())) as server:
        url = server.url("/debug/pprof?token=Tr0ub4dor", login="admin:hunter22@")
        done = run("capture", url, "--count", "2", "--interval", "1ms", "--output", tmp_path)
    told = "".join((done.stdout, done.stderr, *names(tmp_path)))
    assert ("Tr0ub4dor" in told, "hunter22" in told) == (False, False)
    assert "token=Tr0ub4dor" in server.asked[0]


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def interrupted(server: Server, folder: Path, after: int) -> tuple[int, str, str]:
    """Ctrl-C when so many captures are kept: exit code, output, messages."""
    words = command(
        "capture", server.url(""), "--interval", "200ms", "--count", "1000", "--output", folder, "--no-source"
    )
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        while process.poll() is None and not (folder.is_dir() and len(list(folder.glob("goroutines-*"))) >= after):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    return process.returncode, out, told


def test_ctrl_c_keeps_and_judges_what_came(tmp_path: Path) -> None:
    """With the exit code of Ctrl-C."""
    with serving(Process(*LEAK)) as server:
        code, out, told = interrupted(server, tmp_path / "kept", 3)
    assert (130, "") == (code, told)
    assert out.startswith("leak: ")
    assert [] == [name for name in names(tmp_path / "kept") if name.startswith(".")]


def test_ctrl_c_after_one_capture_shows_its_report(tmp_path: Path) -> None:
    """And says that it was too early."""
    slow: list[Any] = [DUMP.encode(), lambda *_: time.sleep(20)]
    with serving(Process(*slow)) as server:
        code, out, told = interrupted(server, tmp_path / "kept", 1)
    assert (2, True) == (code, "2 goroutines" in out)
    assert "Let it run until the second capture has come" in told


def test_a_folder_that_cannot_be_written_fails_after_the_verdict(tmp_path: Path) -> None:
    """What was captured is judged, and nobody takes it for kept."""
    process = Process(DUMP.encode())

    def removing(connection: socket.socket, head: str) -> None:
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)
        process(connection, head)

    with serving(removing) as server:
        done = capture(server, "--output", tmp_path / "kept")
    assert (2, True) == (done.returncode, done.stdout.startswith("steady"))
    assert "kept cannot be written: No such file or directory" in done.stderr
