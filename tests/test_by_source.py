"""Causes that the source shows: who holds what is read, not guessed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, index, run
from stackscan.analysis.finding import Finding
from stackscan.golang import reading
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources
from stackscan.knowledge.configuration import shipped
from stackscan.live.poll import Answer, judge
from stackscan.live.sample import Sample
from stackscan.live.target import Target
from stackscan.pipeline import Options, scan
from stackscan.report import Report

_PROGRAMS: Final = FIXTURES / "programs"
_GO: Final = FIXTURES / "go"
#: The lock, where it was taken, and the confidence, where the source shows all of it.
_SHOWN: Final = {
    "self-deadlock": ("account.mu", "main.go:83", "proved"),
    "read-again": ("registry.mu", "main.go:118", "proved"),
    "publish-locked": ("bus.mu", "main.go:149", "likely"),
    "http-locked": ("cache.mu", "main.go:189", "likely"),
    "wait-locked": ("crawler.mu", "main.go:234", "proved"),
    "missing-unlock": ("sessions.mu", "line 313", "likely"),
    "three-locks": ("room.mu", "more.go:18", "proved"),
    "read-under-write": ("settings.mu", "more.go:55", "proved"),
    "sleep-locked": ("client.mu", "more.go:78", "proved"),
    "list-locked": ("listMu", "more.go:133", "proved"),
    "tree-locked": ("node.mu", "more.go:168", "proved"),
}


def _report(path: Path, *roots: Path) -> Report:
    reader = Reader(Sources(roots, environment={}, cwd=Path("/")))
    return scan([str(path)], options=Options(shipped(), reader=reader))


def _named(path: Path, *roots: Path) -> list[Finding]:
    return [finding for finding in _report(path, *roots).snapshots[0].findings if finding.cause is not None]


def _hangs() -> list[Path]:
    return sorted(_GO / name for name in index("go") if name.startswith("go1.26/hang_") and name.endswith(".txt"))


@pytest.mark.parametrize("path", [p for p in _hangs() if "debug1" not in p.name], ids=lambda p: p.stem)
def test_the_source_names_the_cause_and_the_line(path: Path) -> None:
    """Nine everyday hangs and their neighbours; healthy programs have no cause with their source either."""
    note: str = index("go")[path.relative_to(_GO).as_posix()]["note"]
    found = _named(path, _PROGRAMS)
    assert ([] if note.startswith("healthy") else [note]) == [finding.cause for finding in found]
    name = path.stem.removeprefix("hang_")
    if name in _SHOWN:
        lock, where, confidence = _SHOWN[name]
        said = " ".join([found[0].title, *(step.does for step in found[0].steps)])
        assert lock in said
        assert where in said
        assert confidence == found[0].confidence


@pytest.mark.parametrize("path", _hangs(), ids=lambda p: p.stem)
def test_the_lines_of_a_frame_are_its_own(path: Path) -> None:
    """Two before and two behind, and the one in the middle is the frame's."""
    for finding in _named(path, _PROGRAMS):
        for step in finding.steps:
            if step.source is not None:
                assert step.frame is not None
                assert step.frame.line == step.source.line
                text = dict(step.source.lines)
                assert len(text) <= 5
                original = (_PROGRAMS / "hangs" / Path(step.frame.file).name).read_text().split("\n")
                assert original[step.frame.line - 1] == text[step.frame.line]


def test_two_objects_of_one_type_stay_two() -> None:
    """Accounts that transfer to each other: the words of the dump say which holds which."""
    (finding,) = _named(_GO / "go1.27" / "locks_deadlock.txt", _PROGRAMS)
    assert ("lock-order-cycle", "proved", "error", 10) == (
        finding.cause,
        finding.confidence,
        finding.severity,
        finding.count,
    )
    assert {19, 20} == set(finding.goroutine_ids[:2])
    holds = [step.does.partition(",")[0] for step in finding.steps]
    assert 2 == len(set(holds))


def test_source_of_another_version_is_not_used(tmp_path: Path) -> None:
    """A line was added above: every line lies in another place. It is said once, and the dump alone decides."""
    program = shutil.copytree(_PROGRAMS / "hangs", tmp_path / "hangs")
    (tmp_path / "go.mod").write_text((_PROGRAMS / "go.mod").read_text())
    main = program / "main.go"
    main.write_text("// added\n" * 9 + main.read_text())
    path = _GO / "go1.26" / "hang_self-deadlock.txt"
    report = _report(path, tmp_path).snapshots[0]
    alone = _report(path).snapshots[0]
    assert [finding.title for finding in alone.findings] == [finding.title for finding in report.findings]
    (note,) = report.source_notes
    assert "another version" in note


def test_broken_source_is_no_trouble(tmp_path: Path) -> None:
    """Half a file: what can be read is read, and no conclusion is drawn from the rest."""
    program = shutil.copytree(_PROGRAMS / "hangs", tmp_path / "hangs")
    (tmp_path / "go.mod").write_text((_PROGRAMS / "go.mod").read_text())
    text = (program / "main.go").read_text()
    (program / "main.go").write_text(text[: text.index("func (a *account) Withdraw")])
    found = _named(_GO / "go1.26" / "hang_self-deadlock.txt", tmp_path)
    assert ["self-deadlock"] == [finding.cause for finding in found]


def _run(*arguments: str) -> Any:
    done = run("report", "--format", "json", *arguments, str(_GO / "go1.27" / "locks_deadlock.txt"))
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)["snapshots"][0]


def test_the_command_reads_source_and_leaves_it() -> None:
    """--source-root reads, --no-source and --redact do not; JSON has the lines."""
    snapshot = _run("--source-root", str(_PROGRAMS))
    assert "proved" == snapshot["findings"][0]["confidence"]
    source = snapshot["findings"][0]["steps"][0]["source"]
    assert "to.mu.Lock()" == next(line["text"].strip() for line in source["lines"] if line["line"] == source["line"])
    for arguments in (
        (),
        ("--no-source", "--source-root", str(_PROGRAMS)),
        ("--redact", "--source-root", str(_PROGRAMS)),
    ):
        snapshot = _run(*arguments)
        assert "likely" == snapshot["findings"][0]["confidence"]
        assert snapshot["findings"][0]["steps"][0]["source"] is None


def test_source_in_text_and_markdown() -> None:
    """The line in the middle of its neighbours, and the lock by its name in the code."""
    path = str(_GO / "go1.26" / "hang_self-deadlock.txt")
    text = run("report", "--source-root", str(_PROGRAMS), path).stdout
    assert "holds account.mu, taken in main.(*account).Withdraw (main.go:83)" in " ".join(text.split())
    assert "▸ 76      a.mu.Lock()" in text
    markdown = run("report", "--format", "markdown", "--source-root", str(_PROGRAMS), path).stdout
    assert "> 76      a.mu.Lock()" in markdown


def _copied(tmp_path: Path, more: str) -> Path:
    """The hangs with more source behind them."""
    program = shutil.copytree(_PROGRAMS / "hangs", tmp_path / "hangs")
    (tmp_path / "go.mod").write_text((_PROGRAMS / "go.mod").read_text())
    with (program / "more.go").open("a") as file:
        file.write(more)
    return tmp_path


def test_source_that_nests_too_deep_costs_itself(tmp_path: Path) -> None:
    """Nobody writes thousands of brackets, but a generator may: the dump alone decides then, and it is said."""
    deep = "(" * 5_000 + "1" + ")" * 5_000
    path = _GO / "go1.26" / "hang_early-return.txt"
    report = _report(path, _copied(tmp_path, f"\nvar deep = {deep}\n")).snapshots[0]
    alone = _report(path).snapshots[0]
    assert [finding.title for finding in alone.findings] == [finding.title for finding in report.findings]
    assert any("nests too deep" in note for note in report.source_notes)


def test_very_large_packages_are_not_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past a size the dump alone decides who may serve whom; locks are still read."""
    monkeypatch.setattr("stackscan.golang.reading._MOST_BYTES", 1_000)
    (finding,) = _named(_GO / "go1.26" / "hang_early-return.txt", _PROGRAMS)
    assert "possible" == finding.confidence
    (finding,) = _named(_GO / "go1.26" / "hang_self-deadlock.txt", _PROGRAMS)
    assert "proved" == finding.confidence


def test_advice_is_about_this_code() -> None:
    """The section of a lock, the room of a channel, the return that skips Unlock; nothing of it where source is not
    read."""
    advised = {
        "publish-locked": "Move `sub <- v` (main.go:152) out of the section that bus.mu guards (main.go:149 to 154).",
        "early-return": "Give `answers` room for all that are sent (made in main.go:268 without room), or send in a "
        "select that can leave.",
        "once-in-once": "main.go:255 calls Do inside the function of that very Once: take what it needs without Do "
        "there.",
        "missing-unlock": "Unlock by defer, or on every way out: sessions.Close locks it in line 313 and the return in "
        "line 315 skips Unlock.",
    }
    for name, change in advised.items():
        path = _GO / "go1.26" / f"hang_{name}.txt"
        (finding,) = _named(path, _PROGRAMS)
        assert change == finding.evidence["change"]
        (finding,) = _named(path)
        assert "change" not in finding.evidence


def test_a_long_watch_reads_the_source_of_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of the source is bounded for an answer, not for the life of the watcher."""
    monkeypatch.setattr(reading, "_MOST_BYTES", 13_000)  # enough for each program, and not for both
    options = Options(shipped(), reader=Reader(Sources((_PROGRAMS,), environment={}, cwd=Path("/"))))
    for name, expected in (("alive_event-loop", []), ("hang_early-return", ["proved"])):
        data = (_GO / "go1.26" / f"{name}.txt").read_bytes()
        found = judge(Target.parse("http://h:1"), "full", Answer(data, datetime.now(UTC), 0.1, None), options)
        assert isinstance(found, Sample)
        assert expected == [values["confidence"] for values in found.values]
