"""Leaks by three witnesses: Go's leak profile, growth over captures, age."""

from __future__ import annotations

import gc
import gzip
import json
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES, goroutine, json_of, report_of, run, stack_of
from stackscan.api import check, compare
from stackscan.checks import CheckFinding, build_baseline
from stackscan.checks.evidence import Collect, Unpacking
from stackscan.knowledge.configuration import shipped
from stackscan.model.bucket import Bucket, signature
from stackscan.pipeline import examine
from stackscan.render.json.compare import as_json
from stackscan.report import StackReport
from stackscan.report.growth import (
    Growth,
    Observation,
    Packed,
    Stacks,
    judge,
    judge_all,
    judge_series,
    observe,
    processes,
    sentence,
)
from stackscan.report.growth.words import arrows, rate
from stackscan.report.places import CodePlace, place_of

GROWTH = FIXTURES / "growth"
LEAKS = FIXTURES / "go" / "go1.27"
STALLED = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "ipfs-profile-01.zip"
FORMATS = ("debug0", "debug1", "debug2")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Held = Mapping[str, int | Sequence[int]]


def captures_of(mode: str, form: str) -> list[str]:
    """The four captures of one run of the fixture program."""
    return [str(path) for path in sorted((GROWTH / mode).glob(f"{form}-*"))]


def verdict_of(*sources: str | Path) -> dict[str, Any]:
    """The verdict of ``compare --format json``."""
    found: dict[str, Any] = as_json(compare([str(source) for source in sources]))["verdict"]
    return found


def leaks_in(*sources: str | Path) -> list[CheckFinding]:
    """What ``check`` says of leaks by growth."""
    result, _ = check([str(source) for source in sources])
    return [finding for capture in result.captures for finding in capture.findings if finding.name == "leak"]


def observed(
    held: Held, *, at: datetime | None = None, source: str = "a/x.txt", host: str | None = None
) -> Observation:
    """A capture with so many goroutines in each function: a number, or their ids."""
    stacks: dict[CodePlace, StackReport] = {}
    ids: dict[int, int] = {}
    for function, numbers in held.items():
        count = numbers if isinstance(numbers, int) else len(numbers)
        if not count:
            continue
        told = not isinstance(numbers, int)
        stack = stack_of(function, created_by="main.start" if told else None)
        reason = "select" if told else None
        place = (function, "main.start" if told else None, reason)
        if not isinstance(numbers, int):
            ids.update(dict.fromkeys(numbers, len(stacks)))
        bucket = Bucket(signature(reason, stack), count, reason, stack, 0, 0, ())
        stacks[place] = StackReport(bucket, (), ())
    counts = tuple(found.bucket.count for found in stacks.values())
    known = np.array(sorted(ids), dtype=np.uint64)
    return Observation(
        source=source,
        member=None,
        position=1,
        stream="",
        format="goroutine-text" if ids else "goroutine-counts",
        total=sum(counts),
        complete=True,
        captured_at=at,
        host=host,
        places=tuple(stacks),
        counts=counts,
        longest_minutes=(0,) * len(counts),
        largest=Stacks.of(stacks.values()),
        started=(known, np.full(len(known), 7, dtype=np.uint64)),
        place_indices=np.array([ids[number] for number in sorted(ids)], dtype=np.uint32),
        build_id=None,
        addresses=np.array([1, 2, 3], dtype=np.uint64),
        code=np.array([7], dtype=np.uint64),
        leaked=Counter(),
        leak_profile=False,
    )


def over(counts: Sequence[int], *, minutes: int | None = None) -> Growth:
    """The verdict over counts of one place, beside twenty others that stand still."""
    times = [None if minutes is None else NOON + timedelta(minutes=minutes * n) for n in range(len(counts))]
    return judge([observed({"main.f": n, "main.idle": 20}, at=at) for n, at in zip(counts, times, strict=True)])


# -- real servers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", ["leak", "reachable"])
def test_a_server_that_leaks_is_told_in_every_format(mode: str, form: str) -> None:
    """Both goroutines of each request that was given up are one leak, with its place, its counts and its speed."""
    verdict = verdict_of(*captures_of(mode, form))
    assert (verdict["kind"], len(verdict["leaks"])) == ("leak", 1)
    assert [place["function"] for place in verdict["places"]] == ["main.answer", "main.audit"]
    for place in verdict["places"]:
        assert len(place["counts"]) == 4
        assert place["counts"] == sorted(place["counts"])
        assert 90 < place["rate_per_second"] < 95
    (found,) = leaks_in(*captures_of(mode, form))
    assert (found.severity, found.cause, found.confidence, found.fails) == ("error", "leak", "likely", True)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("mode", "kind"), [("steady", "steady"), ("fill", "steady"), ("sawtooth", "sawtooth")])
def test_a_server_that_does_not_leak_passes(mode: str, kind: str, form: str) -> None:
    """Steady load, a pool that is full, and batches that are let go are no leak in any format."""
    verdict = verdict_of(*captures_of(mode, form))
    assert (verdict["kind"], verdict["leaks"]) == (kind, [])
    result, _ = check(captures_of(mode, form))
    assert result.exit_code == 0


@pytest.mark.parametrize("folder", sorted((FIXTURES / "kubo").iterdir()), ids=lambda folder: folder.name)
def test_a_kubo_node_does_not_leak(folder: Path) -> None:
    """Quiet, busy or stalled: its goroutines do not grow."""
    for pattern in ("stack-*", "goroutine.debug0-*"):
        assert verdict_of(*sorted(folder.glob(pattern)))["kind"] == "steady"


def test_captures_of_three_formats_are_one_series() -> None:
    """Places are compared by what all formats have: the function."""
    mixed = [captures_of("leak", form)[n] for n, form in enumerate(("debug2", "debug1", "debug0", "debug2"))]
    verdict = verdict_of(*mixed)
    assert (verdict["kind"], verdict["places"][0]["counts"]) == ("leak", [96, 280, 466, 656])


@pytest.mark.parametrize(("mode", "kind"), [("leak", "leak"), ("steady", "steady"), ("sawtooth", "sawtooth")])
def test_texts_and_counts_of_the_same_moments_are_judged_by_the_texts(mode: str, kind: str) -> None:
    """One behind the other, or in pairs at each moment, they would show a fall or no growth."""
    names = sorted((FIXTURES / "growth" / mode).glob("debug[12]-*.txt.gz"))
    verdict = compare([str(name) for name in names]).verdict
    assert (kind, 4) == (verdict.kind, len(verdict.captures))


def test_captures_are_judged_in_the_order_of_their_times() -> None:
    """Whatever the order in which they are given."""
    assert verdict_of(*reversed(captures_of("leak", "debug2")))["kind"] == "leak"
    assert leaks_in(*reversed(captures_of("leak", "debug0")))


def test_one_leak_is_told_once() -> None:
    """A folder with the captures in three formats has one finding, in the last capture of the text."""
    result, _ = check([str(GROWTH / "reachable")])
    told = [c.member for c in result.captures for finding in c.findings if finding.name == "leak"]
    assert told == ["debug2-04.txt.gz"]


def test_several_dumps_in_one_file_are_a_series(tmp_path: Path) -> None:
    """As a log has them."""
    text = b"\n\n".join(
        b"SIGQUIT: quit\n\n" + gzip.decompress(Path(path).read_bytes()) for path in captures_of("reachable", "debug2")
    )
    (tmp_path / "log.txt").write_bytes(text)
    assert len(leaks_in(tmp_path / "log.txt")) == 1


def test_the_first_line_says_it() -> None:
    """In words; the lines below name the witnesses."""
    lines = run("compare", *captures_of("leak", "debug2"), GROWTH / "leak" / "goroutineleak.pb.gz").stdout.splitlines()
    assert lines[:5] == [
        "leak: main.answer (main.go:38) grew 96 → 280 → 471 → 656, by 187 a capture (92 a second)",
        "  with it: main.audit (main.go:50) 96 → 280 → 471 → 656",
        "  growth: yes, over 4 captures, and 471 of 471 goroutines stayed",
        "  age: not known, the captures show no wait of a minute or more",
        "  Go's leak detector: yes, it found 1,312 leaked goroutines here",
    ]
    steady = run("compare", *captures_of("steady", "debug1")).stdout.splitlines()[0]
    assert steady == "steady: 22 → 22 → 22 → 22 goroutines"
    sawtooth = run("compare", *captures_of("sawtooth", "debug0")).stdout.splitlines()[0]
    assert sawtooth == "sawtooth: main.wait (main.go:120) went 104 → 3 → 196 → 96, up and down"


def test_compare_fails_when_it_is_asked_to() -> None:
    """With 1, and only then."""
    assert run("compare", "--fail-on", "error", *captures_of("leak", "debug0")).returncode == 1
    assert run("compare", *captures_of("leak", "debug0")).returncode == 0
    assert run("compare", "--fail-on", "error", *captures_of("steady", "debug0")).returncode == 0
    values = json.loads(run("compare", "-f", "json", *captures_of("leak", "debug0")).stdout)
    (found,) = (finding for finding in values["findings"] if finding["rule"] == "leak")
    assert (found["cause"], found["confidence"], found["counts"]) == ("leak", "likely", [192, 560, 932, 1312])


# -- the argument ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ((57, 303, 549, 795), "leak"),
        ((0, 20, 40), "leak"),
        ((100, 200, 300, 300, 400, 500, 600), "leak"),
        ((10, 90, 100, 100), "steady"),  # warm-up
        ((10, 300, 12), "sawtooth"),
        ((300, 10, 290), "sawtooth"),
        ((1000, 1003, 1009), "steady"),  # noise
        ((50, 52, 49, 51), "steady"),
        ((300, 12, 10), "steady"),
        ((10, 100), "unclear"),
        ((0, 0, 0), "steady"),
        ((10, 10), "steady"),
        ((10, 90, 100), "steady"),  # a pool that is nearly full
        ((10, 12, 60, 55, 100), "unclear"),
    ],
)
def test_verdicts_over_counts(counts: tuple[int, ...], kind: str) -> None:
    """Without ids, by counts alone."""
    assert over(counts).kind == kind
    assert over(counts, minutes=1).kind == kind


def test_the_speed_is_by_time() -> None:
    """A last interval that is short may grow by less."""
    times = [NOON, NOON + timedelta(minutes=10), NOON + timedelta(minutes=20), NOON + timedelta(minutes=21)]
    counts = (0, 100, 200, 210)
    known = judge([observed({"main.f": n, "main.idle": 20}, at=at) for n, at in zip(counts, times, strict=True)])
    assert known.kind == "leak"
    assert known.places[0].rate_per_second == pytest.approx(210 / (21 * 60))
    assert over(counts).kind == "steady"


def test_goroutines_that_come_and_go_are_no_leak() -> None:
    """Load that rises: as many more each time, and none of them stays."""
    rising = [observed({"main.f": range(n * 1000, n * 1000 + 100 * n), "main.idle": range(5)}) for n in range(1, 5)]
    assert judge(rising).kind == "unclear"
    assert judge(rising).because == "its goroutines come and go"
    staying = [observed({"main.f": range(1000, 1000 + 100 * n), "main.idle": range(5)}) for n in range(1, 5)]
    assert judge(staying).kind == "leak"


def test_a_leak_below_passing_requests_is_a_leak() -> None:
    """Fifty requests at work come and go in the place where others stay."""
    series = [
        observed({"main.f": [*range(100 * n), *range(10_000 * n, 10_000 * n + 50)], "main.idle": range(90_000, 90_005)})
        for n in range(1, 5)
    ]
    (leak,) = judge(series).leaks
    assert leak.places[0].stayed == (100, 200, 300)


def test_places_that_grow_together_are_one_leak() -> None:
    """Who starts the others comes first; what grows by itself is another leak."""
    series = []
    for n in (1, 2, 3, 4):
        one = observed({"main.child": 10 * n, "main.start": 10 * n, "main.other": 3 * n**3, "main.idle": 20})
        series.append(one)
    verdict = judge(series)
    assert [[place.function for place in leak.places] for leak in verdict.leaks] == [
        ["main.other"],
        ["main.child", "main.start"],
    ]


def test_a_capture_that_lost_goroutines_shows_no_growth() -> None:
    """What is missing in one shows as growth in the next."""
    whole = [observed({"main.f": n, "main.idle": 20}) for n in (10, 300, 600)]
    cut = [Observation(**{**vars(whole[0]), "complete": False}), *whole[1:]]
    assert judge(whole).kind == "leak"
    assert (judge(cut).kind, judge(cut).leaks) == ("unclear", ())
    assert judge([*cut, observed({"main.f": 900, "main.idle": 20})]).kind == "leak"


@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=8),
    st.data(),
)
def test_what_falls_is_no_leak(counts: list[int], data: st.DataObject) -> None:
    """A series that comes back to a level it had above is no leak, whatever else it does."""
    at = data.draw(st.integers(1, len(counts) - 1))
    counts[at] = data.draw(st.integers(0, max(counts[:at])))
    if counts[at] == max(counts[:at]) and counts[:at] == sorted(counts[:at]):
        counts[at] = max(counts[at] - 1, 0)
    falls = any(later < earlier for earlier, later in pairwise(counts))
    assert not falls or over(counts).kind != "leak"


@given(st.integers(0, 300), st.integers(40, 300), st.integers(3, 9), st.booleans())
def test_growth_that_nothing_takes_back_is_a_leak(first: int, step: int, captures: int, ids: bool) -> None:
    """Linear growth, with ids and by counts alone."""
    series = [
        observed({"main.f": range(100, 100 + n) if ids else n, "main.idle": range(9) if ids else 9})
        for n in range(first, first + step * captures, step)
    ]
    verdict = judge(series)
    assert verdict.kind == "leak"
    assert verdict.places[0].counts == tuple(range(first, first + step * captures, step))


# -- what is kept of a capture -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [STALLED, Path(captures_of("leak", "debug0")[3])], ids=lambda path: path.name)
def test_stacks_come_back_from_columns(path: Path) -> None:
    """Each as it was, with ids (or none) and waits; what another capture has in common with it is the same object."""
    reports, others = (report_of(path).snapshots[0].buckets for _ in range(2))
    columns, again = Stacks.of(reports), Stacks.of(others)
    assert list(reports) == [columns.report(place) for place in range(len(reports))]
    assert [*map(id, columns.shapes)] == [*map(id, again.shapes)]


def test_ids_are_those_of_each_place() -> None:
    """Of a real node, sorted; and of places that count as one together."""
    (capture, *_), _ = examine(str(STALLED))
    seen = observe(capture.report, capture.capture.snapshot)
    expected: dict[CodePlace, list[int]] = {}
    places = {(found.bucket.stack, found.bucket.wait_reason): place_of(found) for found in capture.report.buckets}
    snapshot = capture.capture.snapshot
    columns = (snapshot.column(name) for name in ("goroutine_id", "stack_id", "wait_reason"))
    for number, stack_id, reason in zip(*columns, strict=True):
        expected.setdefault(places[snapshot.stacks[stack_id], reason], []).append(number)
    assert {place: sorted(ids) for place, ids in expected.items()} == {
        place: ids.tolist() for place, ids in seen.ids(lambda place: place).items()
    }
    everywhere = seen.ids(lambda _: (None, None, None))
    assert {(None, None, None): sorted(chain.from_iterable(expected.values()))} == {
        place: ids.tolist() for place, ids in everywhere.items()
    }
    assert seen.counts == tuple(len(expected[place]) for place in seen.places)


def test_little_is_kept_of_a_capture() -> None:
    """Numbers: what a program's captures have in common is kept once."""
    make = Collect(whole=False, growing=True, packs=True)
    unpacking = Unpacking(shipped())
    packed = cast("bytes", make(str(STALLED), *examine(str(STALLED))))
    first = unpacking.evidence(packed).observations
    tracemalloc.start()
    try:
        kept = [unpacking.evidence(packed).observations for _ in range(20)]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 80 * len(kept) * first[0].total


def _listed(value: object) -> object:
    """Arrays as lists, which can be compared."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tolist()
    if isinstance(value, Observation | Stacks):
        return {each.name: _listed(getattr(value, each.name)) for each in fields(value)}
    return tuple(map(_listed, value)) if isinstance(value, tuple) else value


@pytest.mark.parametrize("path", [STALLED, Path(captures_of("leak", "debug0")[3])], ids=lambda path: path.name)
def test_a_watcher_keeps_less_than_half_of_an_observation(path: Path) -> None:
    """And all of it comes back, the places and shapes as the same objects."""
    (capture, *_), _ = examine(str(path))
    seen = observe(capture.report, capture.capture.snapshot, NOON)
    again = Packed.of(seen).observation()
    assert _listed(seen) == _listed(again)
    assert [*map(id, seen.places), *map(id, seen.largest.shapes)] == [
        *map(id, again.places),
        *map(id, again.largest.shapes),
    ]
    sizes = []
    for pack in (lambda one: one, Packed.of):
        tracemalloc.start()
        try:
            kept = [pack(observe(capture.report, capture.capture.snapshot, NOON)) for _ in range(50)]
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0] / len(kept))
        finally:
            tracemalloc.stop()
    assert sizes[1] < sizes[0] / 2, sizes


# -- one process -------------------------------------------------------------------------------------------------------


@given(st.permutations(range(20)))
def test_twenty_hosts_are_no_growth(order: list[int]) -> None:
    """Each has ids of its own, and more goroutines than the one before in some order."""
    hosts = [
        observed({"main.f": range(n + 5, 100_000, 900 - 40 * n), "main.idle": range(5)})
        for n in sorted(range(20), key=order.index)
    ]
    assert all(growth.kind != "leak" for growth in judge_all(hosts))


def test_hosts_that_names_tell_are_no_growth() -> None:
    """Counts alone: by the host in a bundle's name, and by folders that are named like hosts."""
    named = [observed({"main.f": n, "main.idle": 20}, host=f"web-{n}") for n in (10, 300, 600)]
    folders = [observed({"main.f": n, "main.idle": 20}, source=f"dumps/web-{n}/goroutine.txt") for n in (10, 300, 600)]
    numbers = [observed({"main.f": n, "main.idle": 20}, source=f"dumps/{n}/goroutine.txt") for n in (10, 300, 600)]
    assert [len(processes(each)) for each in (named, folders, numbers)] == [3, 3, 1]
    assert judge_series(folders).because == "the captures are of different processes"


def test_two_programs_are_judged_apart() -> None:
    """Captures of a leaking and of a steady server in one call: one finding, in the last of the leaking one."""
    sources = [*captures_of("steady", "debug2"), *captures_of("reachable", "debug2")]
    result, _ = check(sources)
    told = [c.source for c in result.captures for finding in c.findings if finding.name == "leak"]
    assert told == [captures_of("reachable", "debug2")[-1]]


def test_ids_that_are_other_goroutines_are_another_process(tmp_path: Path) -> None:
    """The same ids, started by another line: growth from host to host is none."""
    paths = []
    for n in (1, 2, 3):
        path = tmp_path / f"{n}.txt"
        blocks = (goroutine(i, ["app.f"], creator="app.g", line=10 * n) for i in range(1, 50 * n))
        path.write_text("\n".join(blocks))
        paths.append(path)
    assert leaks_in(*paths) == []
    same = []
    for n in (1, 2, 3):
        path = tmp_path / f"same-{n}.txt"
        path.write_text("\n".join(goroutine(i, ["app.f"], creator="app.g") for i in range(1, 50 * n)))
        same.append(path)
    assert len(leaks_in(*same)) == 1


# -- age ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "said"), [((0, 10, 20), "yes"), ((4, 3, 5), "no"), ((9, 9, 9), "no"), ((0, 0, 0), "absent")]
)
def test_age_is_a_witness_when_the_oldest_waits_on(tmp_path: Path, minutes: tuple[int, ...], said: str) -> None:
    """Captures ten minutes apart, by their names."""
    paths = []
    for n, age in enumerate(minutes):
        path = tmp_path / f"2026-01-01T12_{n}0_00Z.txt"
        states = [f"chan send, {age} minutes" if age else "chan send"] + ["chan send"] * (30 * n + 9)
        path.write_text("\n".join(goroutine(i + 1, ["app.f"], state=s, creator="app.g") for i, s in enumerate(states)))
        paths.append(path)
    verdict = verdict_of(*paths)
    assert (verdict["kind"], verdict["leaks"][0]["witnesses"]["age"]) == ("leak", said)


# -- Go's leak profile -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["goroutineleak.pb.gz", "goroutineleak.debug1.txt"])
def test_an_empty_leak_profile_is_good_news(name: str) -> None:
    """Green, with what it cannot see, and it passes."""
    path = GROWTH / "reachable" / name
    (verdict,) = report_of(path).snapshots[0].verdicts
    assert verdict.level == "ok"
    assert verdict.text.startswith("Go's leak detector found no leaked goroutine")
    assert "still reachable" in verdict.text
    assert run("check", path).returncode == 0
    assert json_of(path)["snapshots"][0]["leak_profile"] is True


@pytest.mark.parametrize("text", ["goroutine profile: total 0\n", "goroutineleak profile: total 3\n", ""])
def test_nothing_else_without_goroutines_passes(tmp_path: Path, text: str) -> None:
    """An empty dump, and a leak profile whose records are missing, prove nothing."""
    (tmp_path / "x.txt").write_text(text)
    assert run("check", tmp_path / "x.txt").returncode == 2


@pytest.mark.parametrize("path", [*GROWTH.glob("leak/goroutineleak.*"), *LEAKS.glob("leak.*")], ids=lambda p: p.name)
def test_proven_leaks_fail(path: Path) -> None:
    """In all formats: by the cause of each, and what no cause explains by itself; no goroutine is told twice."""
    report = report_of(path).snapshots[0]
    assert run("check", path).returncode == 1
    alarming = [finding for finding in report.findings if finding.severity == "error"]
    assert {finding.confidence for finding in alarming} == {"proved"}
    rows = [row for finding in alarming for row in finding.rows]
    assert len(rows) == len(set(rows))
    for finding in report.findings:
        if finding.rule.name == "leaked-goroutines":
            assert (finding.cause, finding.severity) == ("leak", "error")


def test_a_leak_without_another_cause_is_a_leak(tmp_path: Path) -> None:
    """Goroutines in the runtime's own wait, which no cause explains."""
    path = tmp_path / "goroutineleak.txt"
    path.write_text("goroutineleak profile: total 5\n5 @ 0x1 0x2\n#\t0x1\tmain.f+0x1\t/a/main.go:7\n")
    (finding,) = report_of(path).snapshots[0].findings
    assert (finding.rule.name, finding.cause, finding.confidence, finding.count) == (
        "leaked-goroutines",
        "leak",
        "proved",
        5,
    )
    result, _ = check([str(path)])
    (told,) = result.captures[0].findings
    assert (told.cause, told.confidence, told.fails) == ("leak", "proved", True)


def bundle(path: Path, mode: str) -> Path:
    """A zip as kubo writes it: a full text, its profile, and Go's leak profile."""
    folder = GROWTH / mode
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("goroutines.stacks", gzip.decompress((folder / "debug2-04.txt.gz").read_bytes()))
        archive.write(folder / "debug0-04.pb.gz", "goroutines.pprof")
        archive.write(folder / "goroutineleak.pb.gz", "goroutineleak.pprof")
    return path


def test_in_a_bundle_the_leak_profile_is_a_view_of_its_own(tmp_path: Path) -> None:
    """It is shown, never hidden as a second view, and not compared with the text."""
    report = report_of(bundle(tmp_path / "steady.zip", "steady"))
    assert [(views.first, views.second) for views in report.bundles[0].views] == [
        ("goroutines.stacks", "goroutines.pprof")
    ]
    shown = run("report", tmp_path / "steady.zip").stdout
    assert "Go's leak detector found no leaked goroutine" in shown
    assert run("check", tmp_path / "steady.zip").returncode == 0
    assert run("check", bundle(tmp_path / "leak.zip", "leak")).returncode == 1


def test_a_leak_profile_is_never_compared_with_a_full_dump(tmp_path: Path) -> None:
    """Of a bundle the text; a leak profile beside one dump is one capture only."""
    one, two = bundle(tmp_path / "1.zip", "steady"), bundle(tmp_path / "2.zip", "steady")
    values = as_json(compare([str(one), str(two)]))
    assert [capture["member"] for capture in values["captures"]] == ["goroutines.stacks"] * 2
    done = run("compare", captures_of("leak", "debug0")[0], GROWTH / "leak" / "goroutineleak.pb.gz")
    assert done.returncode == 2
    assert "not compared with full dumps" in done.stderr


def test_the_detector_is_a_witness() -> None:
    """What it found too is proved; what it did not find may still be reachable, and that is said."""
    found = verdict_of(*captures_of("leak", "debug1"), GROWTH / "leak" / "goroutineleak.debug1.txt")["leaks"][0]
    assert (found["witnesses"]["detector"], found["leaked"], found["confidence"]) == ("yes", 1312, "proved")
    blind = [*captures_of("reachable", "debug1"), str(GROWTH / "reachable" / "goroutineleak.debug1.txt")]
    missed = verdict_of(*blind)["leaks"][0]
    assert (missed["witnesses"]["detector"], missed["confidence"]) == ("no", "likely")
    assert "no, it found none here; it cannot see goroutines that are still reachable" in run("compare", *blind).stdout


# -- check -------------------------------------------------------------------------------------------------------------


def test_a_leak_that_a_baseline_knows_is_known(tmp_path: Path) -> None:
    """As many goroutines in each of its places; more of them are a leak again, told once."""
    known = tmp_path / "known.json"
    sources = captures_of("reachable", "debug2")
    assert run("check", "--write-baseline", known, *sources).returncode == 0
    first = tmp_path / "first.json"
    run("check", "--write-baseline", first, sources[0])
    done = json.loads(run("check", "-f", "json", "--baseline", first, *sources).stdout)
    told = [finding for finding in done["sources"][-1]["captures"][0]["findings"] if finding["fails"]]
    assert [(finding["name"], finding["status"], finding["cause"]) for finding in told] == [("leak", "grown", "leak")]


def test_a_policy_may_switch_it_off(tmp_path: Path) -> None:
    """By its name, like a rule."""
    policy = tmp_path / "stackscan.toml"
    for level, code in (("off", 0), ("warning", 0), ("error", 1)):
        policy.write_text(f'[check.rules]\nleak = "{level}"\n')
        assert run("check", "--policy", policy, *captures_of("reachable", "debug1")).returncode == code


@pytest.mark.parametrize("output", ["json", "sarif", "junit", "github"])
def test_every_output_names_the_cause(output: str) -> None:
    """And how sure it is."""
    shown = run("check", "-f", output, *captures_of("reachable", "debug0")).stdout
    assert "leak" in shown
    assert "likely" in shown


def test_findings_of_one_name_are_added_up(tmp_path: Path) -> None:
    """A root cause may occur several times in a capture: the baseline and compare know their sum."""
    path = LEAKS / "leak.pb.gz"
    snapshot = report_of(path).snapshots[0]
    several = [finding.count for finding in snapshot.findings if finding.rule.name == "channel-never-served"]
    assert len(several) > 1
    assert build_baseline([snapshot]).rules["channel-never-served"] == sum(several)
    known = tmp_path / "known.json"
    run("check", "--write-baseline", known, path)
    assert run("check", "--baseline", known, path).returncode == 0
    changes = as_json(compare([str(path), str(path)]))["findings"]
    (told,) = (change for change in changes if change["rule"] == "channel-never-served")
    assert (told["counts"], told["severity"], told["confidence"]) == ([sum(several)] * 2, "error", "proved")


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_second", "said"),
    [(92.3, "92 a second"), (2.1, "2.1 a second"), (0.05, "3 a minute"), (0.001, "3.6 an hour"), (1e-5, "0.86 a day")],
)
def test_speeds_have_the_unit_that_fits(per_second: float, said: str) -> None:
    """The shortest that gives one or more."""
    assert rate(per_second) == said


def test_many_counts_are_shortened() -> None:
    """The first, and the last."""
    assert arrows(range(1000, 1012)) == "1,000 → 1,001 → 1,002 → 1,003 → … → 1,009 → 1,010 → 1,011"


def test_the_captures_that_were_judged_are_counted() -> None:
    """Where some of them are of another process."""
    assert sentence(over((10, 300, 600)), 5).endswith("; by 3 of 5 captures")
