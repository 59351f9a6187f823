"""The report fits on one screen, loses no fact of the verdict, and shows everything else on demand."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from rich.cells import cell_len

from helpers import ANSI, DUMP, FIXTURES, as_values, environment, goroutine, rendered
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.rule import catalogue
from stackscan.model.capture import Entry
from stackscan.pipeline import Options, scan
from stackscan.render import renderer
from stackscan.render.words import first_sentence, ids
from stackscan.report import BundleReport, Report

_UNBOUNDED: Final = FIXTURES / "kubo" / "v0.39.0-unbounded-tcp" / "ipfs-profile-01.zip"
_STALLED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "ipfs-profile-02.zip"
_QUIET: Final = FIXTURES / "kubo" / "v0.41.0-quiet" / "ipfs-profile-01.zip"
_DAMAGED: Final = FIXTURES / "derived" / "sigquit.interleaved.txt"
_COUNTED: Final = FIXTURES / "kubo" / "v0.41.0-quiet" / "goroutine.debug1-01.txt.gz"
_DEADLOCK: Final = FIXTURES / "go" / "go1.27" / "locks_deadlock.txt"
#: What a reader of a stalled node must learn: counts, version, pools, fix, ids, location.
_FACTS: Final = {
    _UNBOUNDED: (
        "12 of 12 bitswap task workers are stuck closing streams to peers that never answer",
        "bitswap-task-workers: no worker is idle, 12 of 12 are blocked",
        "433 goroutines",
        "kubo 0.39.0",
        "boxo v0.35.2 closes streams inside the worker",
        "fixed in kubo 0.41.0 (boxo v0.39.0)",
        "12 workers · 12 reading · 0 waiting · 12 companions · transports: yamux 12",
        "Upgrade to kubo 0.41.0 or later (boxo v0.39.0 or later).",
        "lazyClient.go:196",
        "327–338; started by goroutine 1 at server.go:253 (12 of 12)",
        "8 of 8 busy",
        "8 blocked-on-outbox",
        "12 stalled-close (12 reading)",
        "375 idle as expected, 1 other pool, 70 more stacks, 6 files in the bundle; --all shows them",
    ),
    _STALLED: (
        "12 of 12 bitswap task workers are stuck closing streams to peers that never answer",
        "bitswap-task-workers: no worker is idle, 12 of 12 are blocked",
        "435 goroutines",
        "kubo 0.41.0",
        "boxo v0.38.0 closes streams inside the worker: each silent peer blocks one for up to 10 s",
        "version.json says kubo 0.41.0, but the modules in the dump are older: this is a custom build",
        "12 workers · 11 reading · 1 waiting · 12 companions · transports: yamux 12",
        "Upgrade to kubo 0.41.0 or later (boxo v0.39.0 or later).",
        "lazyClient.go:196",
        "330–341; started by goroutine 1 at server.go:253 (12 of 12)",
        "12 stalled-close (11 reading, 1 waiting)",
        "saturated: 12 of 12 workers blocked; offered load at least 6.9 erlangs",
        "at least 6.86 closers at a time, 16 at p99.9",
        "374 idle as expected, 1 other pool, 71 more stacks, 6 files in the bundle; --all shows them",
    ),
}


def _report(path: Path, *, everything: bool = False, explained: bool = False, top: int | None = None) -> Report:
    how = Options(shipped(), top=top, everything=everything, explained=explained)
    return scan([str(path)], options=how)


class _Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def _on_terminal(report: Report, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal of this width shows, without its colours."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    out = _Terminal()
    renderer("report", "text")(report, out)
    return ANSI.sub("", out.getvalue())


def _flat(text: str) -> str:
    return " ".join(text.split())


def _headings(shown: str) -> list[str]:
    """The lines that begin a part of a report: flush left, after an empty line."""
    lines = shown.splitlines()
    return [line for before, line in itertools.pairwise(lines) if not before and line and line[0].isalpha()]


@pytest.mark.parametrize(("columns", "most"), [(100, 45), (80, 55)])
@pytest.mark.parametrize("path", _FACTS, ids=["unbounded", "stalled"])
def test_a_stalled_node_fits_on_one_screen_with_every_fact(
    path: Path, columns: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many lines, none wider than the terminal, no name cut in its middle, and nothing left unsaid."""
    plain = _on_terminal(_report(path), columns, monkeypatch)
    lines = plain.splitlines()
    assert len(lines) <= most
    assert columns >= max(map(cell_len, lines))
    assert [] == [line for line in lines if "…" in line.strip(" …▸")]
    assert [] == [fact for fact in _FACTS[path] if fact not in _flat(plain)]


def test_a_pipe_says_the_same_in_as_few_lines() -> None:
    """What a terminal shows fits a log too."""
    shown = rendered(_report(_STALLED), "text")
    assert len(shown.splitlines()) <= 45
    assert [] == [fact for fact in _FACTS[_STALLED] if fact not in _flat(shown)]


def test_all_shows_every_part_and_the_screen_only_those_that_matter() -> None:
    """``--all`` has the idle goroutines, every pool, the what-ifs, creation sites and the bundle with its profiles."""
    few, whole = (_headings(rendered(_report(_STALLED, everything=each), "text")) for each in (False, True))
    assert ["Findings", "Pools in trouble", "Load", "Stacks"] == [line.split("  ")[0] for line in few[:4]]
    names = [line.split("  ")[0] for line in whole]
    assert ["Findings", "Idle", "Pools", "Load", "Created at", "Stacks", "Bundle", "block.pprof"] == names
    shown = rendered(_report(_STALLED, everything=True), "text")
    for wanted in ("128 idle", "what if …", "based on  1 dump", "(yamux-loops)", "heap.pprof", "98.4% of them"):
        assert wanted in shown
    assert "--all" not in shown


def test_all_proposes_pools_with_what_to_paste() -> None:
    """Possible pools are counted on one screen, and described with ``--all``."""
    path = FIXTURES / "go" / "go1.27" / "pool.txt"
    proposals = _report(path).snapshots[0].proposals
    assert proposals
    assert f"{len(proposals)} possible pool" in rendered(_report(path), "text")
    shown = rendered(_report(path, everything=True), "text")
    assert "Possible worker pools" in shown
    assert "[[pool]]" in shown


def test_why_is_said_on_demand() -> None:
    """The reason, the whole fix and the references need ``--explain``; the fix's first sentence is always there."""
    (finding, *_) = _report(_STALLED).snapshots[0].findings
    few, whole = (_flat(rendered(_report(_STALLED, explained=each), "text")) for each in (False, True))
    for text in (_flat(finding.rule.why), _flat(finding.rule.fix), *finding.rule.references):
        assert text in whole
        assert text not in few
    assert first_sentence(finding.rule.fix) in few
    assert "--explain" in few
    assert "--explain" not in whole


@pytest.mark.parametrize(
    ("top", "everything", "stacks"), [(None, False, 3), (None, True, 10), (5, False, 5), (0, False, 0), (5, True, 5)]
)
def test_top_decides_how_many_stacks_are_shown(top: int | None, everything: bool, stacks: int) -> None:
    """Three on one screen, ten with everything, and as many as were asked for."""
    shown = rendered(_report(_STALLED, top=top, everything=everything), "text")
    _, found, below = shown.partition("\nStacks  ")
    assert bool(found) is (stacks > 0)
    body = below.partition("\n\n")[0]
    assert stacks == sum(line[:6].strip().isdigit() for line in body.splitlines()[1:])


def test_json_is_the_same_whatever_the_screen_shows() -> None:
    """The data does not depend on what people are shown."""
    few, explained = (as_values(_report(_STALLED, explained=each)) for each in (False, True))
    assert few == explained
    assert len(few["snapshots"][0]["buckets"]) == few["snapshots"][0]["distinct_buckets"]


def test_damage_is_counted_and_its_first_places_are_shown() -> None:
    """Problems are never hidden: a few, and how many there are beside them."""
    shown = rendered(_report(_DAMAGED), "text")
    total = len(_report(_DAMAGED).snapshots[0].problems)
    assert f"and {total - 3} more; --all lists them" in shown
    assert 3 == sum(line.startswith("  line ") for line in shown.splitlines())
    whole = rendered(_report(_DAMAGED, everything=True), "text")
    assert total == sum(line.startswith("  line ") for line in whole.splitlines())


def test_a_possible_deadlock_and_its_locks_are_shown() -> None:
    """Who waits for whom: the circle in the verdict and drawn; its locks with all details."""
    shown = rendered(_report(_DEADLOCK), "text")
    assert "deadlock: goroutines 19 and 20 wait for each other's locks, in main.(*Account).Transfer" in _flat(shown)
    assert "╭ goroutine 19 likely holds A, waits for B" in shown
    assert "╰ goroutine 19 again" in shown
    assert "may be held by" not in shown
    whole = rendered(_report(_DEADLOCK, everything=True), "text")
    assert "may be held by goroutine 19 [sync.Mutex.Lock] in main.(*Account).Transfer" in whole
    assert "(score 70: method of the same object)" in whole


def test_views_of_a_bundle_that_disagree_are_shown() -> None:
    """Views that agree are only counted with the files; views that do not are a warning."""
    report = _report(_QUIET)
    assert "views" not in rendered(report, "text")
    (bundle,) = report.bundles
    (views,) = bundle.views
    differing = replace(views, agreement=replace(views.agreement, share=0.42))
    shown = rendered(replace(report, bundles=(replace(bundle, views=(differing,)),)), "text")
    assert "! the views disagree: goroutines.pprof and goroutines.stacks" in shown
    assert "42.0% of them in the same stacks" in _flat(shown)


def test_damaged_files_of_a_bundle_are_shown() -> None:
    """A file that could not be read whole may hold what is stuck."""
    report = _report(_QUIET)
    (bundle,) = report.bundles
    cut = [Entry(f"part-{n}.pprof", "not read", None, note="damaged: bad CRC") for n in range(5)]
    harmless = [Entry("ipfs", "not read", None, note="a program; not unpacked")]
    damaged: BundleReport = replace(bundle, members=(*bundle.members, *cut, *harmless))
    shown = rendered(replace(report, bundles=(damaged,)), "text")
    assert "! part-0.pprof: damaged: bad CRC" in shown
    assert "and 2 more; --all lists them" in shown


def test_idle_workers_that_a_counted_format_cannot_recognise_are_no_trouble() -> None:
    """Counts without states do not show who is idle: such pools are not said to be exhausted."""
    shown = rendered(_report(_COUNTED), "text")
    assert "Pools in trouble" not in shown
    assert "3 pools" in shown


def test_a_report_without_findings_does_not_offer_reasons(tmp_path: Path) -> None:
    """Nothing is stuck: no ``--explain``, and no line for what is not there."""
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    assert "--explain" not in rendered(_report(path), "text")
    path.write_text(goroutine(1, ["main.main"], state="running"))
    assert "--all" not in rendered(_report(path), "text")


def test_every_fix_begins_with_an_action_of_one_line() -> None:
    """A report shows the first sentence of a fix: it fits in a line of 100 columns behind its label."""
    stuck = [rule for rule in catalogue() if rule.kind == "stuck"]
    assert stuck
    assert [] == [rule.name for rule in stuck if len(first_sentence(rule.fix)) > 88]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Upgrade to v0.39.0 or later. It closes streams.", "Upgrade to v0.39.0 or later."),
        ("Call `defer f()`. Then wait.", "Call `defer f()`."),
        ("Look at\nthe log", "Look at the log"),
        ("Is it full? Add workers.", "Is it full?"),
    ],
)
def test_first_sentences_end_where_they_should(text: str, first: str) -> None:
    """Versions and code hold dots that end nothing."""
    assert first == first_sentence(text)


@pytest.mark.parametrize(
    ("numbers", "total", "most", "shown"),
    [
        ((7, 9, 12), 3, None, "7, 9, 12"),
        ((7, 8, 9, 12), 4, None, "7–9, 12"),
        ((7, 8), 2, None, "7, 8"),
        ((1, 3, 5, 7), 9, 2, "1, 3 and 7 more"),
        ((1, 2, 3, 7), 9, 1, "1–3 and 6 more"),
    ],
)
def test_runs_of_ids_are_ranges(numbers: tuple[int, ...], total: int, most: int | None, shown: str) -> None:
    """Goroutines that were started together have ids in a row."""
    assert shown == ids(numbers, total, most=most)


def test_columns_set_the_width_of_a_pipe() -> None:
    """COLUMNS is the width of the text wherever it goes; without it a pipe gets 100."""
    for columns, widest in (("80", 80), (None, 100)):
        extra = {} if columns is None else {"COLUMNS": columns}
        done = subprocess.run(
            [sys.executable, "-m", "stackscan", "report", str(_STALLED)],
            env=environment(**extra),
            capture_output=True,
            text=True,
            check=True,
        )
        prose = [line for line in done.stdout.splitlines() if line.startswith(("  in kubo", "  boxo", "  but"))]
        assert prose
        assert max(map(len, prose)) <= widest
        assert (max(map(len, prose)) > 80) == (columns is None)
