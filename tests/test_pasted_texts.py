"""Dumps as pages, editors, viewers and mail programs change them: each reads like the dump itself."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from stackscan.errors import StackscanError
from stackscan.formats.contents import read_source
from stackscan.formats.members import read_member
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Member

DUMP: Final = """\
goroutine 1 [chan receive, 12 minutes]:
main.(*Ledger).Wait(0xc000124000)
\t/home/ana/ledger/wait.go:41 +0x5c
main.main()
\t/home/ana/ledger/main.go:18 +0x1a5

goroutine 34 [sync.Mutex.Lock, 12 minutes]:
sync.(*Mutex).Lock(...)
\t/usr/local/go/src/sync/mutex.go:92
example.net/book.(*Book).Post(0xc000118000, {0x5a2, 0x3})
\t/home/ana/ledger/book/post.go:77 +0x8a
created by example.net/book.Open in goroutine 1
\t/home/ana/ledger/book/open.go:29 +0x11b

goroutine 35 [select]:
example.net/feed.(*Feed[...]).loop(0xc00011c0c0)
\t/home/ana/ledger/feed/feed.go:63 +0xd2
created by example.net/feed.New[...] in goroutine 1
\t/home/ana/ledger/feed/feed.go:31 +0x9c"""
LINES: Final = DUMP.split("\n")


def _each(around: Callable[[int, str], str], lines: list[str] = LINES) -> str:
    return "".join(around(number, line) + "\n" for number, line in enumerate(lines, start=1))


def _loki(*, backward: bool) -> str:
    """What Loki's query_range answers, the newest line first unless asked for the other direction."""
    values = [[str(1741087353000000000 + place), line] for place, line in enumerate(LINES)]
    stream = {"stream": {"app": "ledger"}, "values": values[::-1] if backward else values}
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": [stream]}})


PASTED: Final = {
    "cat -n": _each(lambda number, line: f"{number:6}\t{line}"),
    "numbers and bars": _each(lambda number, line: f"{number:4} | {line}"),
    "less -N": _each(lambda number, line: f"{number + 97:7} {line}"),
    "no-break spaces": DUMP.replace("\t", "    ").replace(" ", "\u00a0"),
    "Markdown escapes": "".join(f"\\{letter}" if letter in "*[]_" else letter for letter in DUMP),
    "a list of code": _each(lambda _, line: f"* `{line.strip()}`" if line else ""),
    "a table of code": "| | |\n|-|-|\n" + _each(lambda number, line: f"| {number} | `{line.strip()}` |"),
    "logfmt lines": _each(lambda _, line: f"ts=2025-03-04T11:22:33Z level=error msg={json.dumps(line)}"),
    "CSV": "date,host,message\n" + _each(lambda _, line: f'"2025-03-04T11:22:33.123Z","ledger-1","{line}"'),
    "br": _each(lambda _, line: f"{line}<br>"),
    "entities and br": _each(lambda _, line: html.escape(line).replace("\t", "&nbsp;&nbsp;") + "<br/>"),
    "Azure Pipelines": _each(
        lambda number, line: f"2025-03-04T11:22:33.{number:07}Z {'##[error]' if number % 3 == 1 else ''}{line}"
    ),
    "log.Lshortfile": _each(lambda _, line: f"2025/03/04 11:22:33.123456 main.go:99: {line}"),
    "quoted twice, then once": _each(lambda number, line: f"{'> > ' if number < 9 else '> '}{line}"),
    "an answer under a quotation": _each(lambda number, line: f"> {line}" if number < 7 else line),
    "Loki, forward": _loki(backward=False),
    "Loki, backward": _loki(backward=True),
}


def _read(text: str, folder: Path) -> Snapshot:
    path = folder / "pasted.txt"
    path.write_text(text, encoding="utf-8")
    (capture,) = read_source(str(path)).captures
    return capture.snapshot


def _goroutines(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    return [
        (
            row["goroutine_id"],
            row["wait_reason"],
            row["wait_minutes"],
            row["creator_id"],
            snapshot.stacks[row["stack_id"]],
        )
        for row in snapshot.rows.iter_rows(named=True)
    ]


def _functions(snapshot: Snapshot) -> list[tuple[str, ...]]:
    return [snapshot.stacks[stack].functions for stack in snapshot.rows["stack_id"]]


@pytest.mark.parametrize("name", PASTED)
def test_a_pasted_dump_reads_like_the_dump(name: str, tmp_path: Path) -> None:
    """The same goroutines, states and frames, complete and without a problem but a note on bytes."""
    bare, pasted = _read(DUMP, tmp_path), _read(PASTED[name], tmp_path)
    assert _stripped(bare) == _stripped(pasted)
    assert pasted.complete


def _stripped(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    """Goroutines with their frames as function, file and line: a person's text keeps no offsets."""
    return [
        (*rest, [(frame.function, frame.file, frame.line) for frame in stack.frames], stack.created_by is not None)
        for *rest, stack in _goroutines(snapshot)
    ]


STACK: Final = "main.push(0xc000)\n\t/src/q.go:8 +0x3\nmain.main()\n\t/src/m.go:3 +0x3\n"
WRITTEN: Final = {
    "behind a log's words": f"2025/03/04 11:22:33 main.go:9: stack: goroutine 7 [chan send, 4 minutes]:\n{STACK}",
    "a heading and a fence": f"### goroutine 7 [chan send, 4 minutes]\n```\n{STACK}```\n",
    "indented frames": (
        "goroutine 7 [chan send, 4 minutes]:\n  main.push(0x1)\n    /src/q.go:8 +0x3\n  main.main()\n    /src/m.go:3\n"
    ),
    "gdb": (
        "goroutine 7 [chan send, 4 minutes]:\n#0  0x0000000000432a4e in main.push () at /src/q.go:8\n"
        "#1  0x0000000000445d1c in main.main () at /src/m.go:3\n"
    ),
    "a tree": "goroutine 7 [chan send, 4 minutes]:\n└─ main.push q.go:8\n   └─ main.main m.go:3\n",
    "a state for minutes": "goroutine 7 (chan send for 4m):\n  main.push (q.go:8)\n  main.main (m.go:3)\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_stack_that_somebody_wrote(name: str, tmp_path: Path) -> None:
    """Its state, minutes and frames are read, and nothing is missing."""
    snapshot = _read(WRITTEN[name], tmp_path)
    ((number, state, minutes, _, stack),) = _goroutines(snapshot)
    assert (7, "chan send", 4, ("main.push", "main.main")) == (number, state, minutes, stack.functions)
    assert snapshot.complete


@pytest.mark.parametrize(
    "note", ["... (truncated)", "[truncated]", "*** output truncated, 12 MB ***", "…the rest was cut off"]
)
def test_a_text_that_says_it_was_cut_is_not_complete(note: str, tmp_path: Path) -> None:
    """Goroutines may be missing behind the note, also where it stands in a fence."""
    assert _read(f"{DUMP}\n", tmp_path).complete
    assert not _read(f"{DUMP}\n{note}\n", tmp_path).complete
    assert not _read(f"```\n{DUMP}\n{note}\n```\n", tmp_path).complete


def test_a_last_word_about_a_cut_that_is_prose_costs_nothing(tmp_path: Path) -> None:
    """A sentence of a person that is longer than a note."""
    words = (
        "I hope that nothing of it was truncated by the forum, or by me, when I copied it here from the terminal today."
    )
    assert _read(f"{DUMP}\n\n{words}\n", tmp_path).complete


def test_frames_behind_arrows_on_lines_of_their_own_are_not_lost(tmp_path: Path) -> None:
    """Which of two calls the other is not known, so the stack is no complete one."""
    text = "goroutine 7 [chan send, 4 minutes]:\nmain.main\n  -> main.run\n    -> main.push\n"
    snapshot = _read(text, tmp_path)
    assert [("main.main",)] == _functions(snapshot)
    assert [3, 4] == [problem.line for problem in snapshot.problems]
    assert not snapshot.complete


FRAMES: Final = "main.push(0xc000)\n\t/src/q.go:8 +0x3\nmain.main()\n\t/src/m.go:3 +0x3\n"
HEADERLESS: Final = {
    "alone": FRAMES,
    "below words": f"It hangs here:\n\n{FRAMES}\nAny idea?\n",
    "indented": "  Full Stack Trace\n" + "".join(f"    {line}\n" for line in FRAMES.splitlines()),
    "below a panic": f"panic: boom\n\n{FRAMES}exit status 2\n",
}


@pytest.mark.parametrize("name", HEADERLESS)
def test_a_stack_without_a_header_is_read_and_incomplete(name: str, tmp_path: Path) -> None:
    """Its frames are read, its id and state are unknown, and what stood above may be missing."""
    snapshot = _read(HEADERLESS[name], tmp_path)
    ((number, state, minutes, _, stack),) = _goroutines(snapshot)
    assert (None, None, None, ("main.push", "main.main")) == (number, state, minutes, stack.functions)
    line = HEADERLESS[name].split("main.push")[0].count("\n") + 1
    assert [line] == [problem.line for problem in snapshot.problems]
    assert not snapshot.complete


def test_the_stack_of_the_scheduler_is_no_goroutine(tmp_path: Path) -> None:
    """A crash that printed `runtime stack:` alone lists no goroutine."""
    text = f"fatal error: bad g\n\nruntime stack:\n{FRAMES}"
    assert [] == _goroutines(_read(text, tmp_path))


def test_a_section_of_a_race_report_is_no_goroutine(tmp_path: Path) -> None:
    """The frames below `created at:` are those of another goroutine, which ran on."""
    text = "Goroutine 7 (running) created at:\n  main.main()\n      /src/x.go:9 +0x2\n"
    with pytest.raises(StackscanError):
        _read(text, tmp_path)


def test_a_document_that_quotes_a_crash_is_no_crash() -> None:
    """A list of what tests must find: its words are a dump's, and no field holds one."""
    rows = [
        {"file": "a.txt", "must_find": "panic: test timed out after 2s", "headers": 14},
        {"file": "b.txt", "must_find": "WARNING: DATA RACE", "headers": 0},
    ]
    with pytest.raises(StackscanError):
        read_member(Member("list.json", None, json.dumps(rows, indent=1).encode()))
