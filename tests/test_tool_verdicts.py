"""Reports of tools that conclude something themselves: races, leaks and deadlocks, over their fixtures."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES, report_of, run
from invariants import check_snapshots, check_tool
from stackscan import formats
from stackscan.analysis.analyse import analyse
from stackscan.formats.regions import load, regions
from stackscan.knowledge.configuration import shipped
from stackscan.model.capture import Capture, Place
from stackscan.model.snapshot import Snapshot
from stackscan.redaction import Redaction
from stackscan.report import SnapshotReport

TOOLS: Final = {"race_report": "race-report", "goleak": "goleak", "go_deadlock": "go-deadlock"}
TRUTH: Final = {
    FIXTURES / "tools" / folder / name: truth
    for folder in TOOLS
    for name, truth in tomllib.loads((FIXTURES / "tools" / folder / "truth.toml").read_text(encoding="utf-8")).items()
}
FILES: Final = sorted(TRUTH)
TEXTS: Final = [path.read_text() for path in FILES]
files = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")

#: One text a tool, for what starts a process.
few = pytest.mark.parametrize("path", FILES[1:-1:9], ids=lambda path: f"{path.parent.name}/{path.stem}")


def snapshots_of(text: str) -> list[Snapshot]:
    """The snapshots of a text."""
    return formats.read(text.encode(), where="text")


def goroutines(snapshots: list[Snapshot]) -> list[list[list[Any]]]:
    """Id, frames and state of each goroutine, by snapshot; 0 and "" where they are not printed."""
    return [
        [
            [number or 0, len(snapshot.stacks[stack].frames), reason or ""]
            for number, stack, reason in snapshot.rows.select("goroutine_id", "stack_id", "wait_reason").iter_rows()
        ]
        for snapshot in snapshots
    ]


def told(snapshots: list[Snapshot]) -> list[object]:
    """What the snapshots say, lines aside."""
    return [
        (
            found.format,
            goroutines([found]),
            found.stacks,
            [(c.kind, c.roles, c.says, c.test) for c in found.conclusions],
        )
        for found in snapshots
    ]


def reports_of(path: Path) -> list[SnapshotReport]:
    """The reports of a file."""
    return list(report_of(path).snapshots)


@files
def test_what_was_counted_by_hand_is_read(path: Path) -> None:
    """Goroutines with their frames and states, whole, in the order of the text."""
    truth = TRUTH[path]["goroutines"]
    found = snapshots_of(path.read_text())
    assert [[list(one) if len(one) == 3 else [*one, ""] for one in part] for part in truth] == goroutines(found)
    assert {(TOOLS[path.parent.name], True, ())} == {(one.format, one.complete, one.problems) for one in found}


@files
def test_the_first_line_is_the_tools_conclusion(path: Path) -> None:
    """One finding for each fault, proved, and a verdict that names functions and lines."""
    reports = reports_of(path)
    causes = [finding.cause for report in reports for finding in report.findings]
    assert TRUTH[path]["findings"] == causes
    assert {("error", "proved")} == {(f.severity, f.confidence) for report in reports for f in report.findings}
    assert reports[0].verdicts[0].text.startswith(TRUTH[path]["verdict"])


@few
def test_check_fails(path: Path) -> None:
    """Each of these texts is a reason to stop."""
    assert 1 == run("check", path).returncode


@files
def test_every_fixture_is_in_the_table(path: Path) -> None:
    """And every text of the folder in truth.toml."""
    assert {file.name for file in path.parent.glob("*.txt")} == {
        file.name for file in FILES if file.parent == path.parent
    }


@few
def test_private_names_are_taken_out(path: Path) -> None:
    """A redacted report says the same of hashed names: no function, test, file or address of the program is in it."""
    out = run("report", path, "--redact", "--all", "--explain").stdout
    for word in (
        "Store",
        "TestWatch",
        "TestPoll",
        "TestStream",
        "transfer",
        "account",
        "watch.go",
        "0x00c0",
        "Captured",
    ):
        assert word not in out


INDENTS: Final[dict[str, Callable[[str], str]]] = {
    "indented": lambda text: "".join(f"    {line}" for line in text.splitlines(keepends=True)),
    "quoted": lambda text: "".join(f"> {line}" for line in text.splitlines(keepends=True)),
    "a tab": lambda text: "".join(f"\t{line}" for line in text.splitlines(keepends=True)),
    "compose": lambda text: "".join(f"web-1  | {line}" for line in text.splitlines(keepends=True)),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "blanks behind": lambda text: text.replace("\n", "  \n"),
    "fenced": lambda text: f"It prints this:\n\n```\n{text}```\n\nWhat is wrong?\n",
    "no newline": lambda text: text.rstrip("\n"),
    "tabs lost": lambda text: text.replace("\t", "    "),
    "bullets": lambda text: "".join(f"  * {line}" for line in text.splitlines(keepends=True)),
    "numbers": lambda text: "".join(
        f"{number:6d}\t{line}" for number, line in enumerate(text.splitlines(keepends=True), start=1)
    ),
    "a table": lambda text: "".join(f"| {line} |\n" for line in text.splitlines()),
    "blanks that do not break": lambda text: text.replace("    ", "\u00a0" * 4),
    "HTML": lambda text: f"<pre><code>{html.escape(text)}</code></pre>",
}


@files
@pytest.mark.parametrize("change", INDENTS.values(), ids=INDENTS)
def test_a_paste_says_the_same(path: Path, change: Callable[[str], str]) -> None:
    """Quotes, fences, indentation and line ends mean nothing."""
    text = path.read_text()
    assert told(snapshots_of(text)) == told(snapshots_of(change(text)))


@files
def test_lines_are_those_of_the_text(path: Path) -> None:
    """Each goroutine's line names it, or heads its access or place."""
    text = path.read_text()
    lines = text.split("\n")
    for part in formats.read_parts(text.encode(), where="text"):
        for snapshot in part.snapshots:
            for number in snapshot.rows["line"].to_list():
                line = lines[part.first_line + number - 1]
                assert "oroutine" in line or ".go:" in line


@files
def test_a_dump_behind_a_report_is_read_by_itself(path: Path) -> None:
    """What the runtime prints afterwards belongs to no tool."""
    dump = "SIGQUIT: quit\nPC=0x1 m=0\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:3 +0x1d\n"
    before = snapshots_of(path.read_text())
    after = snapshots_of(f"{path.read_text()}\n{dump}")
    assert told(before) == told(after[:-1])
    assert "goroutine-text" == after[-1].format
    assert 1 == after[-1].total


HEALTHY: Final = {
    "a log line": "2026-05-06 starting, POTENTIAL DEADLOCK: detection is on\n",
    "documentation": "go-deadlock prints `POTENTIAL DEADLOCK:` and the race detector `WARNING: DATA RACE`.\n",
    "a heading": "WARNING: DATA RACE\n\nis what you see. goleak says found unexpected goroutines: and a list.\n",
    "inconsistent": "POTENTIAL DEADLOCK: Inconsistent locking. saw this ordering in one goroutine:\nand so on\n",
    "leak prose": "Leaked goroutine: goroutine 12 [select] is what gRPC says.\n",
    "state": "the Goroutine 7 in state running, with main.f on top of the stack: nothing below\n",
}


@pytest.mark.parametrize("text", HEALTHY.values(), ids=HEALTHY)
def test_words_about_a_report_are_none(text: str) -> None:
    """Before a healthy dump they change nothing."""
    dump = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:3 +0x1d\n"
    assert [None] == [region.tool for region in regions((text + dump).encode())]


def test_causes_can_be_switched_off() -> None:
    """Where no cause is looked for, no finding is made of a conclusion."""
    (snapshot,) = snapshots_of((FIXTURES / "tools" / "race_report" / "field.txt").read_text())
    capture = Capture(snapshot, Place("field.txt", None, 1, 1))
    knowledge = shipped()
    assert ["data-race"] == [finding.cause for finding in analyse(capture, knowledge).stuck]
    without = tuple(cause for cause in knowledge.causes if cause.name != "data-race")
    assert () == analyse(capture, replace(knowledge, causes=without)).stuck


def test_redaction_keeps_what_a_conclusion_is_about() -> None:
    """Its sentence is gone, its test is hashed, roles and kind stay."""
    text = (FIXTURES / "tools" / "goleak" / "goleak-test.txt").read_text()
    snapshot = snapshots_of(text)[0]
    public = Redaction(b"key").snapshot(snapshot)
    assert ("leak", snapshot.conclusions[0].roles) == (public.conclusions[0].kind, public.conclusions[0].roles)
    assert ("TestWatch", "") == (snapshot.conclusions[0].test, public.conclusions[0].says)
    assert "TestWatch" != public.conclusions[0].test


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A real text with lines dropped, doubled and cut, and others between them."""
    lines = draw(st.sampled_from(TEXTS)).splitlines(keepends=True)
    other = draw(st.sampled_from(TEXTS)).splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        line = lines[at] if lines else "\n"
        lines[at : at + 1] = draw(
            st.sampled_from(
                [[], [line, line], [line[: len(line) // 2]], ["\n", line], [draw(st.text(max_size=30)) + "\n", line]]
            )
            | st.sampled_from([[line, *other[:9]], [*other[3:12], line]])
        )
    text = "".join(lines)
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@settings(max_examples=300, deadline=None)
@given(mangled())
def test_damage_raises_nothing(text: str) -> None:
    """Whatever is lost is said, and conclusions point at goroutines that are there."""
    for tool in map(load, TOOLS):
        check_tool(tool, text.encode())
    for region in regions(text.encode()):
        if region.tool is not None:
            check_snapshots(region.tool.read(region.data))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    """Bytes that no tool printed raise nothing either."""
    for tool in map(load, TOOLS):
        check_tool(tool, data)


@pytest.mark.parametrize("package", TOOLS)
def test_near_misses_take_time_that_grows_with_the_text(package: str) -> None:
    """A hundred thousand of them, and lines of a megabyte."""
    tool = load(package)
    for mark in tool.MARKS:
        word = mark.decode()
        for text in (
            f"{word}\n" * 100_000,
            f"Goroutine 7{word}[x, with ".replace("eaked", "Leaked") * 50_000,
            "a" * (1 << 20) + word + "b" * (1 << 20),
            f"==================\n{word}\nWrite at 0x1 by goroutine 7:\n" * 20_000,
        ):
            assert all(low < high for low, high in tool.spans(text.encode()))


@pytest.mark.parametrize("package", TOOLS)
def test_deep_stacks_and_long_names_are_bounded(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limits a problem says what is left out."""
    monkeypatch.setattr("stackscan.sources.limits.MAX_NAME", 40)
    for path in FILES:
        if path.parent.name == package:
            found = snapshots_of(path.read_text())
            assert all(len(f.function) <= 40 for s in found for stack in s.stacks for f in stack.frames)
