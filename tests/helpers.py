"""What several test modules share: where the fixtures are, small dumps, and ways to run stackscan."""

from __future__ import annotations

import difflib
import fcntl
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

import warm
from stackscan import formats, pipeline
from stackscan.analysis.analyse import analyse
from stackscan.knowledge import language
from stackscan.knowledge.configuration import shipped
from stackscan.model import capture
from stackscan.model.schemas import GOROUTINE_SCHEMA
from stackscan.model.snapshot import Frame, Snapshot, Stack
from stackscan.model.table import Table
from stackscan.pipeline import Options
from stackscan.render import renderer
from stackscan.report import Report, View, as_json, build_snapshot

os.environ.pop("COLUMNS", None)  # xdist sets it for its workers, and it is the width of our text

ROOT: Final = Path(__file__).resolve().parent.parent
FIXTURES: Final = ROOT / "fixtures"
GOLDEN: Final = Path(__file__).resolve().parent / "golden"
_SHARED_CORPUS: Final = ROOT.parent / "shared" / "corpus"
#: Tests keep what a run keeps, but not beside what the user's own runs keep.
os.environ["STACKSCAN_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "kept")

#: Dumps that are not part of the repository; None where they are out of reach.
CORPUS: Final = _SHARED_CORPUS if _SHARED_CORPUS.is_dir() else None

#: Two goroutines of a small program, as Go 1.23 prints them.
DUMP: Final = """\
goroutine 1 [chan receive]:
main.main()
\t/src/app/main.go:10 +0x1d

goroutine 7 [select, 3 minutes]:
net/http.(*conn).serve(0xc0001a2000, {0x9b3c40, 0xc00013c8a0})
\t/usr/local/go/src/net/http/server.go:2092 +0x5d0
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3360 +0x485
"""
#: CSI sequences that set a colour (bold, dim and reset aside).
COLOUR: Final = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
#: Sequences that take no column: CSI, and those that begin and end a link.
ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")


# -- fixtures --------------------------------------------------------------------------------------------------------


def index(folder: str) -> dict[str, dict[str, Any]]:
    """The entries of ``fixtures/FOLDER/index.toml`` by file name."""
    return tomllib.loads((FIXTURES / folder / "index.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Capture:
    """One full-text dump of a real kubo node, and what was counted in it by hand."""

    path: Path
    shape: str  # quiet, stalled, mixed, fixed, unbounded
    transport: str  # tcp, quic, both
    hand: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name.removesuffix('.txt.gz')}"


def captures() -> list[Capture]:
    """Every full-text dump under fixtures/kubo that stands as a file of its own."""
    return list(_captures())


def _captures() -> Iterator[Capture]:
    for folder in sorted((FIXTURES / "kubo").iterdir()):
        described = folder / "capture.json"
        if not described.is_file():
            continue
        capture = json.loads(described.read_text(encoding="utf-8"))
        for taken in capture["captures"]:
            for name, hand in taken["hand_counts"].items():
                if name.startswith(("goroutine.debug2", "stack-")) and (folder / name).is_file():
                    yield Capture(folder / name, capture["settings"]["shape"], capture["settings"]["transport"], hand)


#: Renews every generated page, golden file and table.
RENEW = "STACKSCAN_UPDATE_GOLDENS=1 .venv/bin/pytest -q -m generated"


def golden(path: Path, shown: str) -> None:
    """Hold what is shown against a generated file; with ``STACKSCAN_UPDATE_GOLDENS=1`` the file is written first."""
    if os.environ.get("STACKSCAN_UPDATE_GOLDENS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    kept = path.read_text(encoding="utf-8") if path.is_file() else ""
    if kept != shown:
        lines = difflib.unified_diff(kept.splitlines(), shown.splitlines(), "kept", "now", n=1, lineterm="")
        differing = "\n".join([*lines][:40])
        pytest.fail(f"{path.relative_to(ROOT)} is stale. If the change is meant: {RENEW}\n{differing}", pytrace=False)


# -- dumps in memory -------------------------------------------------------------------------------------------------


def goroutine(
    goroutine_id: int,
    functions: Sequence[str],
    *,
    state: str = "select",
    creator: str | None = None,
    creator_id: int | None = None,
    line: int = 10,
    argument: str = "0xc000012345",
    file: str = "/src/app/x.go",
) -> str:
    """The text of one goroutine with these functions, innermost first."""
    lines = [f"goroutine {goroutine_id} [{state}]:"]
    for function in functions:
        lines += [f"{function}({argument})", f"\t{file}:{line} +0x1d"]
    if creator is not None:
        parent = "" if creator_id is None else f" in goroutine {creator_id}"
        lines += [f"created by {creator}{parent}", f"\t{file}:{line} +0x2d"]
    return "\n".join(lines) + "\n"


def snapshot_of(text: str) -> Snapshot:
    """The only snapshot of a text."""
    (snapshot,) = formats.read(text.encode(), where="test")
    return snapshot


def stack_of(*functions: str, created_by: str | None = None) -> Stack:
    """A stack with these functions, innermost first."""
    creator = None if created_by is None else Frame(created_by, "/src/app/x.go", 3)
    return Stack(tuple(Frame(function, "/src/app/x.go", 12) for function in functions), creator)


def snapshot_with(
    *stacks: Stack, reasons: Sequence[str | None] = (), dump_format: str = "goroutine-text", **columns: Sequence[Any]
) -> Snapshot:
    """A snapshot with one goroutine in each stack; ``columns`` sets values of the goroutine table."""
    count = len(stacks)
    values: dict[str, Sequence[Any]] = {
        "goroutine_id": range(1, count + 1),
        "stack_id": range(count),
        "wait_reason": list(reasons) or [None] * count,
        "line": range(1, count + 1),
        **{name: list(given) for name, given in columns.items()},
    }
    table = pl.DataFrame({name: values.get(name, [None] * count) for name in GOROUTINE_SCHEMA}, schema=GOROUTINE_SCHEMA)
    return Snapshot(dump_format, Table.of_frame(table), tuple(stacks))


def decided(expression: str, stack: Stack) -> int | None:
    """The index of the frame that decides in a stack; None when the expression is not true of it."""
    index = language.index_of(kept := snapshot_with(stack))
    wanted = language.parse(expression, where="test")
    return language.deciding(wanted, index.seen(0)) if len(language.select(wanted, index)) and kept else None


def selected(expression: str, snapshot: Snapshot) -> list[int]:
    """The rows of a snapshot of which an expression is true."""
    return language.select(language.parse(expression, where="test"), language.index_of(snapshot))


def report_of(*sources: Path | str, top: int | None = None, individually: bool = False) -> Report:
    """The report of some sources, read in this process; ``individually``: with all that a page shows."""
    options = Options(shipped(), top=top, individually=individually)
    return pipeline.scan([str(source) for source in sources], options=options)


def memory_report(text: str, *, individually: bool = False) -> Report:
    """The report of a text that was never a file; ``individually``: with all that a page shows."""
    place = capture.Place("dump.txt", None, 1, 1)
    taken = capture.Capture(snapshot_of(text), place, content=text.encode())
    return Report((build_snapshot(analyse(taken, shipped()), view=View(individually=individually)),))


def json_of(*sources: Path | str, top: int | None = None) -> dict[str, Any]:
    """The JSON report of some sources, as a script would parse it."""
    parsed: dict[str, Any] = json.loads(rendered(report_of(*sources, top=top), "json"))
    return parsed


def rendered(report: Report, output: str) -> str:
    """A report as one of the outputs writes it to a pipe."""
    out = io.StringIO()
    renderer("report", output)(report, out)
    return out.getvalue()


def as_values(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return as_json(report)


# -- the program itself ----------------------------------------------------------------------------------------------


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment without what changes how outputs look, and with ``changes`` (None: unset).

    No Go source of this machine is found unless it is named: reports would differ from one machine to the next.
    """
    fixed = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    kept = {name: value for name, value in os.environ.items() if name not in fixed}
    kept |= {"PYTHONUTF8": "1", "GOMODCACHE": "/nowhere", "GOROOT": "/nowhere", "GOPATH": "/nowhere"}
    for name, value in changes.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = value
    return kept


def command(*arguments: Path | str) -> list[str]:
    """The command line of stackscan with these arguments."""
    return [sys.executable, "-m", "stackscan", *map(str, arguments)]


def run(
    *arguments: Path | str, stdin: bytes = b"", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run stackscan as a separate process, with pipes for its streams; its start is warm where that changes nothing."""
    words, settings = command(*arguments), dict(env or environment())
    ended = warm.run(words[3:], stdin=stdin, folder=cwd, settings=settings, usual=environment())
    if ended is None:
        done = subprocess.run(words, input=stdin, capture_output=True, cwd=cwd, env=settings, check=False)
        ended = done.returncode, done.stdout, done.stderr
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in ended[1:])
    return subprocess.CompletedProcess(words, ended[0], out, err)


def run_on_terminal(*arguments: Path | str, columns: int, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run stackscan on a real pseudo-terminal of this width: its exit code and all that appeared there."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = dict(env or environment(TERM="xterm-256color"))
    process = subprocess.Popen(  # our own program
        command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=settings, start_new_session=True
    )
    os.close(slave)
    pieces: list[bytes] = []
    try:
        while select.select([master], [], [], 60)[0]:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:  # EIO: the last writer is gone
                break
            if not piece:
                break
            pieces.append(piece)
        code = process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return code, b"".join(pieces).decode("utf-8", "replace").replace("\r\n", "\n")


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The job was not done, and stderr says so in words (a message, perhaps a hint), not in a traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("stackscan: ")
    for word in words:
        assert word in done.stderr
