"""How the program ends: exit code 1 means findings and nothing else, whatever becomes of streams, files and code."""

from __future__ import annotations

import fcntl
import shlex
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from helpers import DUMP, FIXTURES, assert_refused, command, environment, run

STALLED = FIXTURES / "kubo" / "v0.40.1-mixed" / "ipfs-profile-01.zip"
FULL = Path("/dev/full")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small dump in a file of its own."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP, encoding="utf-8")
    return path


def shell(line: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """A shell's line, ``stackscan`` in it being ours."""
    ours = f"'{sys.executable}' -m stackscan"
    return subprocess.run(
        ["bash", "-c", line.replace("stackscan", ours)],
        capture_output=True,
        text=True,
        env=environment(**changes),
        check=False,
    )


def failing(raised: str, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """The program, in which reading a source does ``raised``."""
    program = f"""
import sys
import stackscan.pipeline
from stackscan.__main__ import main

def examine(*_, **__):
    {raised}

stackscan.pipeline.scan = stackscan.pipeline.examine = examine
sys.argv = ["stackscan", *{list(arguments)!r}]
main()
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(**changes), check=False
    )


# -- streams that are closed or full ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["report", "check", "query 'SELECT 1 AS n'", "convert -f folded -o /dev/null"])
def test_standard_error_that_is_closed_changes_nothing(dump: Path, arguments: str) -> None:
    """Cron and some supervisors close it; there is nothing to say on it when all goes well."""
    given = shell(f"stackscan {arguments} '{dump}' 2>&-")
    assert (0, run(*_words(arguments), dump).stdout) == (given.returncode, given.stdout)


def test_findings_are_still_findings_without_standard_error() -> None:
    """And code 1 comes with what was found."""
    given = shell(f"stackscan check '{STALLED}' 2>&-")
    assert 1 == given.returncode
    assert "bitswap-close-stall" in given.stdout


def test_an_error_without_standard_error_is_still_2() -> None:
    """Nobody can be told, but the code says it."""
    assert 2 == shell("stackscan report nothing-here 2>&-").returncode


def test_what_is_opened_does_not_take_the_place_of_a_closed_stream(dump: Path, tmp_path: Path) -> None:
    """The first file that a program opens gets the number of a closed stream, and all that is printed on it."""
    out = tmp_path / "report.json"
    given = shell(f"stackscan report '{dump}' --format json -o '{out}' <&- >&- 2>&-")
    assert 0 == given.returncode
    assert run("report", dump, "--format", "json").stdout == out.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", ["--help", "--version", "report '{dump}'", "check '{dump}'", "rules"])
def test_standard_output_that_is_closed_is_an_error(dump: Path, arguments: str) -> None:
    """What was asked for cannot be shown."""
    given = shell(f"stackscan {arguments.format(dump=dump)} >&-")
    assert_refused(given, "standard output is closed")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", ["--help", "--version", "report --help", "export -o '{out}' '{dump}'", "rules"])
def test_a_full_disk_is_an_error_of_every_command(dump: Path, tmp_path: Path, arguments: str) -> None:
    """Also of what typer itself prints, and of the few lines that export prints."""
    given = shell(f"stackscan {arguments.format(dump=dump, out=tmp_path / 'tables')} > {FULL}")
    assert_refused(given, "standard output cannot be written", "No space left")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("--help", 0), ("export -o '{out}' '{dump}'", 0), ("report --help", 0), (f"check '{STALLED}'", 1)],
)
def test_a_reader_that_goes_away_changes_no_exit_code(dump: Path, tmp_path: Path, arguments: str, code: int) -> None:
    """``| head`` is no failure, and never turns 0 into 1 or 1 into 0. The pipe has no reader from the start."""
    line = f"stackscan {arguments.format(dump=dump, out=tmp_path / 'tables')}"
    given = shell(f"{{ sleep 0.2; {line}; echo $? >&2; }} | exec true")
    assert f"{code}\n" == given.stderr


@pytest.mark.parametrize("arguments", ["rules", "rules bitswap-close-stall", "export --help"])
def test_a_stream_that_knows_only_ascii_is_no_error(arguments: str) -> None:
    """Lists too have letters beyond ASCII; of its help typer knows how to print it."""
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"}
    given = shell(f"stackscan {arguments}", **plain)
    assert (0, "") == (given.returncode, given.stderr)
    assert given.stdout.isascii() or "--help" in arguments


def _words(line: str) -> list[str]:
    return shlex.split(line)


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["report -o", "check --write-baseline", "query 'SELECT 1' -o"])
@pytest.mark.parametrize("name", ["loop", "n" * 300, "dump.txt/below"])
def test_an_output_that_cannot_be_is_an_error_in_words(dump: Path, tmp_path: Path, option: str, name: str) -> None:
    """A link to itself, a name that is too long, a path through a file."""
    (tmp_path / "loop").symlink_to("loop")
    command_name, *before = _words(option)
    assert_refused(run(command_name, *before, tmp_path / name, dump), "cannot be written")


# -- what nobody foresaw ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("raise ZeroDivisionError('by\\x1b[31mred')", r"unexpected failure: ZeroDivisionError: by\x1b[31mred"),
        ("raise FileNotFoundError(2, 'No such file', 'x')", "FileNotFoundError: [Errno 2] No such file: 'x'"),
        ("raise BrokenPipeError(32, 'Broken pipe')", "BrokenPipeError"),
        ("raise EOFError", "unexpected failure: EOFError"),
        ("raise UnicodeDecodeError('utf-8', b'', 0, 1, 'why')", "UnicodeDecodeError"),
        ("raise MemoryError", "out of memory"),
        ("examine()", "RecursionError"),
        ("raise SystemExit('words')", "words"),
        ("import polars; raise polars.exceptions.PanicException('boom')", "PanicException: boom"),
    ],
)
@pytest.mark.parametrize("asked", ["report", "check"])
def test_an_unforeseen_failure_is_2_and_says_what_it_is(dump: Path, asked: str, raised: str, said: str) -> None:
    """Never 1, and no traceback unless it is asked for."""
    given = failing(raised, asked, str(dump))
    assert 2 == given.returncode, given.stderr
    assert "" == given.stdout
    assert said in given.stderr
    assert "Traceback" not in given.stderr
    assert "\x1b" not in given.stderr


def test_a_traceback_is_shown_to_who_asks_for_it(dump: Path) -> None:
    """The message names the variable; 0 and an empty value ask for none."""
    raised = "raise KeyError('lost')"
    assert "STACKSCAN_TRACEBACK=1" in failing(raised, "report", str(dump)).stderr
    shown = failing(raised, "report", str(dump), STACKSCAN_TRACEBACK="1")
    assert 2 == shown.returncode
    assert "Traceback (most recent call last)" in shown.stderr
    assert "in examine" in shown.stderr
    assert "Traceback" not in failing(raised, "report", str(dump), STACKSCAN_TRACEBACK="0").stderr
    assert "in examine" in failing("raise EOFError", "report", str(dump), STACKSCAN_TRACEBACK="1").stderr


def test_a_broken_installation_is_2(tmp_path: Path) -> None:
    """What fails while the program still loads is a failure like any other."""
    (tmp_path / "polars.py").write_text("raise ImportError('no such library here')\n")
    (tmp_path / "typer.py").write_text("raise ImportError('no such library here')\n")
    done = run("--help", env=environment(PYTHONPATH=str(tmp_path)))
    assert_refused(done, "ImportError: no such library here")


def test_an_interrupt_while_loading_is_130(tmp_path: Path) -> None:
    """Ctrl-C before the first module is there."""
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = run("--help", env=environment(PYTHONPATH=str(tmp_path)))
    assert (130, "") == (done.returncode, done.stderr)


def test_the_python_api_raises_and_never_exits(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that uses stackscan decides itself what becomes of an error, also of one that nobody foresaw."""
    import stackscan
    from stackscan.errors import SourceError

    with pytest.raises(SourceError):
        stackscan.scan(dump.with_name("nothing-here"))
    monkeypatch.setattr("stackscan.pipeline.examine", lambda *_, **__: (_ for _ in ()).throw(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        stackscan.scan(dump)


def test_a_pipe_that_is_full_for_a_moment_is_waited_for() -> None:
    """Some programs make the pipe that they share non-blocking: what does not fit at once is written later."""
    arguments = ["report", *[str(STALLED)] * 4, "--format", "json"]
    set_up = "import os, sys; os.set_blocking(1, False); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    program = [sys.executable, "-c", set_up, *command(*arguments)[1:]]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    assert process.stderr is not None
    waiting = bytearray(4)
    while int.from_bytes(waiting, sys.byteorder) < 1 << 15 and process.poll() is None:
        fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)  # how much lies in the pipe
        time.sleep(0.05)
    shown, said = process.communicate(timeout=60)
    assert (0, b"") == (process.returncode, said)
    assert run(*arguments).stdout == shown.decode()
