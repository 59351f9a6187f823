"""The command line: exit codes, messages, outputs, and whatever a person may hand it by mistake."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import random
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from helpers import DUMP, FIXTURES, as_values, assert_refused, command, environment, goroutine, json_of, rendered, run
from stackscan import __version__
from stackscan.cli.app import app
from stackscan.cli.options.sources import within
from stackscan.errors import StackscanError
from stackscan.pipeline import scan

_STATES = FIXTURES / "go" / "go1.27" / "states.txt"
_LARGE = FIXTURES / "go" / "go1.26" / "bigserver.txt.gz"
_OUTPUTS = ("text", "json", "markdown", "openmetrics")


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A small, whole dump."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    return path


def listed(folder: Path) -> list[str]:
    """What lies in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


# -- help, version, wrong usage --------------------------------------------------------------------------------------


def test_version_is_printed() -> None:
    """``--version`` prints the name and the version, and nothing else."""
    done = run("--version")
    assert (0, f"stackscan {__version__}\n", "") == (done.returncode, done.stdout, done.stderr)


def _commands() -> list[list[str]]:
    """Every command and command of a group, as its arguments."""
    found: list[list[str]] = []

    def walk(group: object, path: list[str]) -> None:
        found.append(path)
        for name, inner in getattr(group, "commands", {}).items():
            walk(inner, [*path, name])

    walk(typer.main.get_command(app), [])
    return found


@pytest.mark.parametrize("arguments", _commands(), ids=" ".join)
def test_help_of_each_command_shows_examples_as_they_are(arguments: list[str]) -> None:
    """Lines of a help text that must not flow stay lines, and no formatting mark is left in it."""
    shown = run(*arguments, "--help").stdout
    assert "\\b" not in shown
    assert "\b" not in shown
    assert "stackscan" in shown


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["report", "-h"]])
def test_every_command_has_help(arguments: list[str]) -> None:
    """``-h`` and ``--help`` explain the program and each command, on standard output."""
    done = run(*arguments)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("Usage: ")
    wanted = (
        ["SOURCE", "--format", "--output", "--top"] if "report" in arguments else ["report", "--version", "Exit codes"]
    )
    for word in wanted:
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [["-h"], ["--version"], ["report", "-h"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help comes at once: the table library, the parser generator and the terminal library stay unloaded."""
    code = (
        "import sys\nfrom stackscan.cli.app import main\n"
        f"sys.argv = ['stackscan', *{arguments!r}]\n"
        "try:\n    main()\nfinally:\n"
        "    loaded = {m.partition('.')[0] for m in sys.modules}\n"
        "    print(sorted(loaded & {'polars', 'lark', 'rich', 'numpy'}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (0, "[]") == (done.returncode, done.stderr.strip())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bogus"], ["--bogus"]),
        (["bogus"], ["bogus"]),
        (["report"], ["SOURCE"]),
        (["report", "--bogus", str(_STATES)], ["--bogus"]),
        (["report", "--format", "xml", str(_STATES)], ["--format", "xml", "text", "json", "markdown"]),
        (["report", "--top", "-1", str(_STATES)], ["--top"]),
        (["report", "--top", "many", str(_STATES)], ["--top"]),
        (["report", str(_STATES), "--output"], ["--output"]),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], words: list[str]) -> None:
    """An unknown command or option, or a wrong value, leaves with 2 and says which, on stderr."""
    done = run(*arguments)
    assert (2, "") == (done.returncode, done.stdout)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_no_arguments_show_help() -> None:
    """The bare program says how it is used."""
    done = run()
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# -- reports ---------------------------------------------------------------------------------------------------------


def test_a_report_leaves_with_zero(dump: Path) -> None:
    """A dump that was read is a job done, whatever it shows; stderr stays empty."""
    done = run("report", dump)
    assert (0, "") == (done.returncode, done.stderr)
    assert "2 goroutines" in done.stdout


def test_a_stall_leaves_with_zero_too() -> None:
    """``report`` reports: findings are no failure (that is ``check``)."""
    done = run("report", FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "goroutine.debug2-01.txt.gz")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.splitlines()[0].endswith(
        "12 of 12 bitswap task workers are stuck closing streams to peers that never answer"
    )


def test_a_damaged_dump_leaves_with_zero() -> None:
    """Damage is in the report, not in the exit code."""
    done = run("report", FIXTURES / "derived" / "pool.cut_0.71.txt")
    assert (0, "") == (done.returncode, done.stderr)
    assert "INCOMPLETE" in done.stdout


@pytest.mark.parametrize("output", _OUTPUTS)
def test_several_sources_are_reported_in_order(tmp_path: Path, output: str) -> None:
    """Every source of a run is in the report, in the order given."""
    paths = [tmp_path / name for name in ("b.txt", "a.txt", "c.txt")]
    for number, path in enumerate(paths, start=1):
        path.write_text(goroutine(number, [f"main.f{number}"]))
    done = run("report", *paths, "--format", output)
    assert done.returncode == 0
    places = [done.stdout.index(path.name) for path in paths]
    assert sorted(places) == places
    if output == "json":
        assert [str(path) for path in paths] == [s["source"] for s in json.loads(done.stdout)["snapshots"]]


@pytest.mark.parametrize("output", ["text"])
def test_one_bad_source_fails_the_run(dump: Path, tmp_path: Path, output: str) -> None:
    """A run that could not read all of its sources prints none of them."""
    assert_refused(run("report", dump, tmp_path / "nowhere", "--format", output), "nowhere does not exist")


def test_a_host_without_a_scheme_gets_the_address_to_give() -> None:
    """``localhost:6060`` is no file; the hint is what to type instead."""
    for given in ("localhost:6060", "10.0.0.7:6060/debug/pprof"):
        done = run("report", given)
        assert_refused(done, f"{given} does not exist")
        host = given.partition("/")[0]
        assert f"http://{host}/debug/pprof/goroutine?debug=2" in done.stderr.replace("\n", "").replace("  ", " ")
    assert "debug=2" not in run("report", "notes:6060.txt").stderr


@pytest.mark.parametrize(("top", "shown", "kept"), [(0, 0, 0), (1, 1, 1), (3, 3, 3), (1000, 30, 33), (None, 10, 33)])
def test_top_limits_the_stacks(top: int | None, shown: int, kept: int) -> None:
    """``--top N`` shows N stacks (three more are set aside as healthy); without it people see ten and scripts get all.
    The totals stay those of the dump."""
    report = scan([str(_STATES)], top=top)
    (snapshot,) = report.snapshots
    assert (50, 33) == (snapshot.goroutines, snapshot.distinct_buckets)
    assert shown == len(snapshot.shown)
    assert kept == len(as_values(report)["snapshots"][0]["buckets"])
    for output in _OUTPUTS:
        assert rendered(report, output)


def test_top_is_an_option() -> None:
    """``-n 1`` and ``--top 1`` mean the same."""
    short, long = (
        run("report", _STATES, "-n", "1", "-f", "json"),
        run("report", _STATES, "--top", "1", "--format", "json"),
    )
    assert short.stdout == long.stdout
    assert 1 == len(json.loads(long.stdout)["snapshots"][0]["buckets"])


@pytest.mark.parametrize("output", ["json"])
def test_a_run_gives_the_same_bytes_again(output: str) -> None:
    """The same dump gives the same report, in every process."""
    first, second = (
        run("report", _STATES, "--format", output, env=environment(PYTHONHASHSEED=seed)).stdout for seed in ("1", "2")
    )
    assert first == second


# -- --output --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", _OUTPUTS)
def test_output_is_what_standard_output_would_be(dump: Path, tmp_path: Path, output: str) -> None:
    """``--output FILE`` writes there what would have been printed, and prints nothing."""
    target = tmp_path / "report.out"
    done = run("report", dump, "--format", output, "--output", target)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert run("report", dump, "--format", output).stdout == target.read_text(encoding="utf-8")
    assert ["dump.txt", "report.out"] == listed(tmp_path)


def test_output_replaces_an_old_report(dump: Path, tmp_path: Path) -> None:
    """A report that is already there is replaced as a whole, readable to whom new files are."""
    target = tmp_path / "report.out"
    target.write_text("an earlier report " * 10_000)
    assert 0 == run("report", dump, "-o", target).returncode
    assert "an earlier report" not in target.read_text(encoding="utf-8")
    umask = os.umask(0)
    os.umask(umask)
    assert 0o666 & ~umask == stat.S_IMODE(target.stat().st_mode)


def test_output_is_not_touched_when_the_input_is_bad(tmp_path: Path) -> None:
    """A bad source leaves the old report as it was, and no other file behind."""
    target = tmp_path / "report.out"
    target.write_text("old")
    assert_refused(run("report", tmp_path / "nowhere", "-o", target))
    assert ("old", ["report.out"]) == (target.read_text(), listed(tmp_path))


def test_nothing_is_left_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves neither half a report nor a temporary file."""
    from stackscan.cli.terminal.output import written
    from stackscan.errors import OutputError

    target = tmp_path / "report.out"

    def write(failure: Exception | None) -> None:
        with written(target) as out:
            out.write("half a report")
            if failure is not None:
                raise failure

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left") as caught:
        write(OSError(28, "No space left on device"))
    assert "no partial file was left" in caught.value.hint
    assert [] == listed(tmp_path)
    with pytest.raises(ZeroDivisionError):  # a fault of our own leaves nothing either
        write(ZeroDivisionError())
    assert [] == listed(tmp_path)
    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, refuse)
        monkeypatch.setattr(Path, name, refuse)
    with pytest.raises(OutputError):
        write(None)
    assert [] == listed(tmp_path)


@pytest.mark.parametrize("target", ["no/such/folder/report.out", "."])
def test_output_that_cannot_be_written_is_an_error(dump: Path, tmp_path: Path, target: str) -> None:
    """A folder that does not exist, or is itself given as the file, is named."""
    done = run("report", dump, "-o", target, cwd=tmp_path)
    assert_refused(done, target)
    assert ["dump.txt"] == listed(tmp_path)


def test_output_to_a_pipe_or_device_writes_into_it(dump: Path, tmp_path: Path) -> None:
    """``--output`` of a named pipe (or /dev/stdout, /dev/null) writes into it and never replaces it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert 0 == run("report", dump, "-o", pipe).returncode
        assert stat.S_ISFIFO(pipe.lstat().st_mode)
        assert b"2 goroutines" in os.read(reader, 1 << 16)
    finally:
        os.close(reader)


def test_output_through_a_link_keeps_the_link(dump: Path, tmp_path: Path) -> None:
    """A link (``latest.json``) is followed: what it points to is replaced."""
    target = tmp_path / "report-7.txt"
    target.write_text("old")
    link = tmp_path / "latest.txt"
    link.symlink_to(target.name)
    assert 0 == run("report", dump, "-o", link).returncode
    assert link.is_symlink()
    assert "2 goroutines" in target.read_text(encoding="utf-8")


# -- pipes that close, disks that are full ---------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_pipe_that_closes_early_is_no_error(output: str) -> None:
    """``| head -1`` ends the run quietly, with 0 (``set -o pipefail`` would else fail the script)."""
    _until_the_pipe_closes(output, code=0)


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_pipe_that_closes_early_is_quiet(output: str) -> None:
    """Nothing appears on stderr when the reader goes away."""
    _until_the_pipe_closes(output, code=None)


def _until_the_pipe_closes(output: str, *, code: int | None) -> None:
    arguments = command("report", *[str(_LARGE)] * (2 if output == "json" else 30), "--format", output)
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert b"" == process.stderr.read()
    process.stderr.close()
    returned = process.wait(timeout=60)
    assert code is None or code == returned


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_full_disk_behind_standard_output_is_an_error(dump: Path, output: str) -> None:
    """``> FILE`` on a full disk leaves with 2 and says why."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("report", dump, "--format", output),
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert b"Traceback" not in done.stderr
    assert b"No space left" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("closed", ["-  <&-", "{dump} >&-"])
def test_closed_standard_streams_are_an_error(dump: Path, closed: str) -> None:
    """A stream that the caller closed (cron, some supervisors) is an error in words."""
    line = f"exec '{sys.executable}' -m stackscan report {closed.format(dump=dump)}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, env=environment(), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_terminal_that_knows_only_ascii_is_no_error(dump: Path) -> None:
    """Where the locale has no letters beyond ASCII, marks are escaped and the report appears."""
    for output in ("text", "markdown"):
        done = run("report", dump, "--format", output, env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"))
        assert (0, "") == (done.returncode, done.stderr)
        assert done.stdout.isascii()


# -- names of files --------------------------------------------------------------------------------------------------


def test_hostile_file_names_are_escaped_in_errors(tmp_path: Path) -> None:
    """A name with terminal sequences cannot reach the terminal through an error."""
    done = run("report", "no\x1b[31m\nfile\u202e", cwd=tmp_path)
    assert_refused(done, r"no\x1b[31m\nfile\u202e does not exist")
    assert "\x1b" not in done.stderr


def test_hostile_file_names_are_escaped_in_reports(tmp_path: Path) -> None:
    """Nor through a report."""
    name = "du\x1b[31mmp\n`@user`|<b>.txt"
    (tmp_path / name).write_text(DUMP)
    report = scan([str(tmp_path / name)])
    for output in _OUTPUTS:
        assert "\x1b" not in rendered(report, output)
        assert name not in rendered(report, output)


def test_a_file_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    """Linux takes any bytes as a name: the report appears, the odd byte escaped."""
    name = os.fsdecode(b"du\xffmp.txt")
    (tmp_path / name).write_text(DUMP)
    for output in ("text", "json"):
        done = run("report", name, "--format", output, cwd=tmp_path)
        assert (0, "") == (done.returncode, done.stderr)
        assert r"\udcff" in done.stdout
    assert_refused(run("report", os.fsdecode(b"no\xff"), cwd=tmp_path), r"no\udcff does not exist")


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_file_name_that_is_not_utf8_is_reported_to_a_file(tmp_path: Path, output: str) -> None:
    """``--output`` takes what standard output takes."""
    name = os.fsdecode(b"du\xffmp.txt")
    (tmp_path / name).write_text(DUMP)
    done = run("report", name, "--format", output, "-o", "report.out", cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert run("report", name, "--format", output, cwd=tmp_path).stdout == (tmp_path / "report.out").read_text("utf-8")


# -- whatever a person may hand it -----------------------------------------------------------------------------------


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("notes.txt", "no dump")
    return out.getvalue()


def _png() -> bytes:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )


def _jpeg() -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + random.Random(1).randbytes(50_000)  # noqa: S311  # not for secrets


def _prefixed(prefix: str) -> bytes:
    return "".join(f"{prefix}{line}\n" for line in DUMP.splitlines()).encode()


def _in_json() -> bytes:
    return "".join(json.dumps({"log": line + "\n", "stream": "stderr"}) + "\n" for line in DUMP.splitlines()).encode()


def _fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


_HTML = (
    b'<!DOCTYPE html>\n<html><title>/debug/pprof/</title><body><a href="goroutine?debug=1">goroutine</a></body></html>'
)

#: What it is, its bytes, and words that the error must hold.
_NO_DUMPS: list[tuple[str, Callable[[], bytes], tuple[str, ...]]] = [
    ("one byte", lambda: b"x", ("no goroutine header",)),
    ("one NUL", lambda: b"\0", ("binary data",)),
    ("nothing", lambda: b"", ("is empty",)),
    ("blank lines", lambda: b"\n \n\t\n", ("is empty",)),
    ("JPEG", _jpeg, ("JPEG picture",)),
    ("PNG", _png, ("PNG picture",)),
    ("zip", _zip, ("no goroutine dump found",)),
    ("cut zip", lambda: _zip()[:50], ("no goroutine dump found",)),
    ("zstd", lambda: b"\x28\xb5\x2f\xfd" + bytes(range(100)), ("damaged zstandard file", "Fetch or copy")),
    ("xz", lambda: b"\xfd7zXZ\x00" + bytes(100), ("xz file", "xz -dc")),
    ("threadcreate", lambda: b"threadcreate profile: total 1\n1 @\n#\t0x0\n\n", ("threadcreate", "debug=2")),
    ("heap protobuf", lambda: b"\n\4\x08\1\x10\x022\x002\x0binuse_space2\5bytes", ("inuse_space/bytes", "goroutine")),
    ("cut protobuf", lambda: gzip.decompress(_fixture("go/go1.27/states.pb.gz"))[:2000], ("damaged", "cut")),
    ("minidump", lambda: b"MDMP\x93\xa7\0\0" + bytes(64), ("Windows minidump", "dlv core")),
    ("panicparse's page", lambda: _HTML + b"github.com/maruel/panicparse", ("HTML page", "-full-path")),
    ("HTML page", lambda: _HTML, ("HTML page", "debug=2")),
    ("a line of 10 MB", lambda: b"x" * 10_000_000, ("no goroutine header",)),
    ("10 MB of brackets", lambda: b"goroutine (" * 1_000_000, ("no goroutine header",)),
    ("random bytes", lambda: b"\x01" + random.Random(2).randbytes(100_000), ("binary data",)),  # noqa: S311
    ("a Go program", lambda: b"package main\n\nfunc main() {\n\tgo work()\n}\n", ("no goroutine header",)),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), [row[1:] for row in _NO_DUMPS], ids=[row[0] for row in _NO_DUMPS])
def test_what_is_no_dump_is_refused_with_advice(
    tmp_path: Path, data: Callable[[], bytes], words: tuple[str, ...]
) -> None:
    """Anything that is no readable dump gives an error that says what it is, where, and what to do instead."""
    path = tmp_path / "given"
    path.write_bytes(data())
    with pytest.raises(StackscanError) as caught:
        scan([str(path)])
    said = f"{caught.value}\n{caught.value.hint}"
    assert str(path) in said
    assert 2 == caught.value.exit_code
    assert caught.value.hint
    for word in words:
        assert word in said


@pytest.mark.parametrize("name", ["one byte", "nothing", "JPEG", "zip", "threadcreate", "minidump"])
def test_what_is_no_dump_leaves_with_two(tmp_path: Path, name: str) -> None:
    """The same as a process: exit code 2, message and hint on stderr, nothing on standard output."""
    ((data, words),) = ((data, words) for other, data, words in _NO_DUMPS if other == name)
    path = tmp_path / "given"
    path.write_bytes(data())
    done = run("report", path)
    assert_refused(done, *words)
    assert 2 == len(done.stderr.rstrip("\n").split("\n"))


@pytest.mark.parametrize("blanks", ["\n" * 5000, " " * 10_000_000 + "\n"], ids=["lines", "one line"])
def test_blanks_before_a_dump_do_not_hide_it(tmp_path: Path, blanks: str) -> None:
    """A log that begins with much blank space is not empty: the dump behind it is read."""
    path = tmp_path / "dump.txt"
    path.write_text(blanks + DUMP)
    assert 2 == json_of(path)["snapshots"][0]["goroutines"]


def test_a_directory_and_a_missing_path_leave_with_two(tmp_path: Path) -> None:
    """So do paths that hold no file."""
    assert_refused(run("report", tmp_path), "no goroutine dump found")
    assert_refused(run("report", tmp_path / "nowhere"), "nowhere does not exist")


@pytest.mark.parametrize(
    "text",
    [
        "goroutine 1 [" + "x" * 1_000_000 + "]:\nmain.main()\n\t/x.go:1 +0x1\n",
        "goroutine 1 [select]:\n" + "main.f" * 150_000 + "()\n\t/x.go:1 +0x1\n",
        "goroutine 1 [select]:\nmain.f(" + "0x1, " * 2_000_000 + "0x1)\n\t/x.go:1 +0x1\n",
        "goroutine 1 [select]:\nmain.f()\n\t/" + "x:1" * 30_000 + ".go:1 +0x1\n",
        "goroutine 1 [select]:\nmain.f()\n\t/x.go:1 +0x1\n" + "y" * 10_000_000 + "\n",
        "goroutine 1 [select]:\n" + "(" * 300_000 + "\n\t/x.go:1 +0x1\n",
        "goroutine "
        + "9" * 100_000
        + " [select]:\nmain.f()\n\t/x.go:1 +0x1\n\ngoroutine 2 [select]:\nmain.f()\n\t/x.go:1 +0x1\n",
    ],
    ids=["state", "function", "arguments", "file", "text behind", "parentheses", "id"],
)
def test_a_dump_with_an_endless_line_is_read(tmp_path: Path, text: str) -> None:
    """One absurd line costs at most its goroutine, and every output stays writable."""
    path = tmp_path / "dump.txt"
    path.write_text(text)
    report = scan([str(path)])
    assert report.snapshots[0].goroutines in (1, 2)
    for output in _OUTPUTS:
        assert rendered(report, output)


@pytest.mark.parametrize(
    "name", ["go/go1.27/panic_nilderef_all.txt", "go/go1.27/pool.txt", "go/go1.27/panic_sigquit_all.txt"]
)
def test_a_dump_cut_anywhere_is_read_or_refused(tmp_path: Path, name: str) -> None:
    """Cut at any byte, a dump gives a report of at most what was whole, or an error: never a traceback."""
    whole = _fixture(name)
    everything = json_of(FIXTURES / name)["snapshots"][0]["goroutines"]
    path = tmp_path / "dump.txt"
    refused: list[int] = []
    places = random.Random(name).sample(range(len(whole)), 200)  # noqa: S311
    for place in sorted(places):
        path.write_bytes(whole[:place])
        try:
            report = scan([str(path)])
        except StackscanError:
            refused.append(place)
            continue
        assert sum(s.goroutines for s in report.snapshots) <= everything
        as_values(report)
        if place % 10 == 0:
            for output in _OUTPUTS:
                assert rendered(report, output)
    assert max(refused, default=0) < len(whole) / 4


@pytest.mark.parametrize("place", [1, 333, 2001])
def test_a_cut_dump_as_a_process(place: int) -> None:
    """The same as a process, from a pipe, compressed and not."""
    cut = _fixture("go/go1.27/pool.txt")[:place]
    for data in (cut, gzip.compress(_fixture("go/go1.27/pool.txt"))[:place]):
        done = run("report", "-", stdin=data)
        assert done.returncode in (0, 2)
        assert "Traceback" not in done.stderr
        assert (done.returncode == 0) is (done.stderr == "")
        assert (done.returncode == 0) is (done.stdout != "")


def test_a_dump_cut_within_a_line_is_not_complete(tmp_path: Path) -> None:
    """A dump that ends inside a function line or a header says that more exists."""
    path = tmp_path / "dump.txt"
    for end in ("net/http.(*conn", "goroutine 7 [sel", "\t/usr/local/go/src/net/http/server.go"):
        path.write_text(DUMP[: DUMP.index(end) + len(end)])
        (snapshot,) = json_of(path)["snapshots"]
        assert snapshot["complete"] is False
        assert any(verdict["level"] == "warning" and "cut" in verdict["text"] for verdict in snapshot["verdicts"])


def test_bytes_changed_at_random_are_read_or_refused(tmp_path: Path) -> None:
    """Noise in a dump costs what it hits: no bytes make the reader fail."""
    whole = _fixture("go/go1.27/pool.txt")
    chance = random.Random(7)  # noqa: S311
    path = tmp_path / "dump.txt"
    for _ in range(60):
        noisy = bytearray(whole)
        for _ in range(chance.choice((1, 5, 200))):
            noisy[chance.randrange(len(noisy))] = (
                chance.choice(b'\0\n\t []():{}"\xff\xc3aZ09,.') if chance.random() < 0.8 else 27
            )
        path.write_bytes(noisy)
        try:
            report = scan([str(path)])
        except StackscanError:
            continue
        for output in _OUTPUTS:
            assert "\x1b" not in rendered(report, output)


@pytest.mark.parametrize(
    ("before", "sources", "after"),
    [(100_000, ["a"], 1_000_000), (100_000, ["a", "b"], 100_000), (700, ["a"], 700)],
)
def test_garbage_is_looked_for_less_often_with_one_source(before: int, sources: list[str], after: int) -> None:
    """In the program itself, where what one source is made into stays; nobody else's process is changed."""
    kept = gc.get_threshold()
    try:
        gc.set_threshold(before, 50, 100)
        within(sources, None, no_network=False)
        assert (after, 50, 100) == gc.get_threshold()
    finally:
        gc.set_threshold(*kept)
