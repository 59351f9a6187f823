"""What go tool pprof prints of goroutines: the same stacks and counts as the profile itself has."""

from __future__ import annotations

import gzip
import io
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mangling import mangled

from helpers import FIXTURES
from invariants import check_snapshots
from stackscan import formats
from stackscan.comparison.build import worth_comparing
from stackscan.formats import pprof_text
from stackscan.formats.labels import read_labels
from stackscan.formats.pprof_text import grammar, times
from stackscan.formats.regions import TOOLS
from stackscan.model.counting import COUNTED, is_counted, worth
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import examine, scan
from stackscan.render import renderer
from stackscan.sources import limits

FOLDER: Final = FIXTURES / "tools" / "pprof-text"
TRUTH: Final[dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
WITH_LINES: Final = ("raw.txt", "traces-lines.txt", "traces-addresses.txt")
READ: Final = (*WITH_LINES, "traces.txt", "session.txt")
SEPARATOR: Final = "-----------+-------------------------------------------------------"


def text(name: str) -> str:
    """A fixture."""
    return (FOLDER / name).read_text(encoding="utf-8")


def read(content: str | bytes) -> Snapshot:
    """The one snapshot of a text."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    (snapshot,) = formats.read(data, where="test")
    return snapshot


def stacks(snapshot: Snapshot, *, lines: bool = True, labels: bool = True) -> Counter[object]:
    """How many goroutines have which frames and labels."""
    found: Counter[object] = Counter()
    for row in snapshot.counted_rows.iter_rows(named=True):
        frames = snapshot.stacks[row["stack_id"]].frames
        key = tuple((frame.function, frame.file, frame.line) if lines else frame.function for frame in frames)
        found[key, row["labels"] if labels else None] += row["count"]
    return found


# -- the fixtures, counted by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
def test_the_fixtures_hold_what_was_counted(name: str) -> None:
    """Goroutines, stacks, frames, labels."""
    snapshot = read(text(name))
    assert ("pprof-text", True, ()) == (snapshot.format, snapshot.complete, snapshot.problems)
    assert TRUTH["goroutines"] == snapshot.total == snapshot.header_lines
    found = [
        (row["count"], len(snapshot.stacks[row["stack_id"]].frames), _pairs(row["labels"]))
        for row in snapshot.counted_rows.iter_rows(named=True)
    ]
    assert [(each["count"], each["frames"], _pairs(each.get("labels"))) for each in TRUTH["stack"]] == found
    for each, stack in zip(TRUTH["stack"], snapshot.stacks, strict=True):
        own = [frame for frame in stack.frames if frame.function.startswith("main.")]
        assert each["own"] == [frame.function for frame in own]
        assert (each["line"] if name in WITH_LINES else 0) == own[0].line
        assert ("example.com/acme/pprof-text/stuck/main.go" if name in WITH_LINES else "") == own[0].file


def _pairs(labels: str | None) -> list[tuple[str, str]]:
    return [] if labels is None else read_labels(labels)


@pytest.mark.parametrize("name", READ)
def test_states_come_from_the_runtimes_frames(name: str) -> None:
    """As in the protobuf profile: the report knows who waits for a lock."""
    (snapshot,) = scan([str(FOLDER / name)]).snapshots
    (finding,) = [one for one in snapshot.findings if one.rule.name == "self-deadlock"]
    assert 4 == finding.count


@pytest.mark.parametrize("name", WITH_LINES)
def test_the_text_is_as_good_as_the_profile(name: str) -> None:
    """The same buckets with the same signatures, and the same findings."""
    (one,), (other,) = (scan([str(FOLDER / each)]).snapshots for each in (name, "goroutine.pb.gz"))
    assert [(found.bucket.signature, found.bucket.count) for found in one.buckets] == [
        (found.bucket.signature, found.bucket.count) for found in other.buckets
    ]
    assert [(found.rule.name, found.count) for found in one.findings] == [
        (found.rule.name, found.count) for found in other.findings
    ]


@pytest.mark.parametrize("name", READ)
def test_the_reader_agrees_with_the_protobuf_reader(name: str) -> None:
    """Stacks and counts; of -raw also addresses, the binary and the moment, to the microsecond."""
    whole = read(gzip.decompress((FOLDER / "goroutine.pb.gz").read_bytes()))
    lines = name in WITH_LINES
    snapshot = read(text(name))
    assert stacks(whole, lines=lines) == stacks(snapshot, lines=lines)
    if name == "raw.txt":
        assert (whole.addresses, whole.captured_at) == (snapshot.addresses, snapshot.captured_at)
        assert whole.dialect == snapshot.dialect
    assert whole.build_id == snapshot.build_id
    assert whole.captured_at is not None
    assert snapshot.captured_at is not None
    assert whole.captured_at.replace(microsecond=0) == snapshot.captured_at.replace(microsecond=0)


def test_rows_have_the_line_of_their_count() -> None:
    """So a problem and `show` can point there."""
    assert [6, 7, 8, 10, 11] == read(text("raw.txt")).rows["line"].to_list()
    assert [6, 12, 23, 27, 35] == read(text("traces.txt")).rows["line"].to_list()


# -- one list of counted formats ---------------------------------------------------------------------------------------


def test_it_counts_as_counted_everywhere() -> None:
    """The first lines say so, and a comparison prefers what tells more."""
    assert is_counted("pprof-text")
    assert ["goroutine-text", "delve", *COUNTED] == sorted(
        ["goroutine-counts", "delve", "pprof-text", "goroutine-text", "goroutine-pprof"], key=worth
    )
    captures = [*examine(str(FOLDER / "raw.txt"))[0], *examine(str(FOLDER / "goroutine.pb.gz"))[0]]
    assert ["goroutine-pprof"] == [capture.report.format for capture in worth_comparing(captures)]
    assert "pprof_text" in TOOLS


# -- as people paste it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    "paste",
    [
        lambda t: "Our service hangs.\n\n```\n" + t + "```\n\nWhat now?\n",
        lambda t: "".join(f"    {line}\n" for line in t.splitlines()),
        lambda t: "".join(f"> {line}\n" for line in t.splitlines()),
        lambda t: t.replace("\n", "\r\n"),
        lambda t: "(pprof) " + t,
        lambda t: t.rstrip("\n"),
        lambda t: "\ufeff" + t,
        lambda t: "\n".join(line.rstrip() for line in t.split("\n")),
    ],
    ids=["fence", "block", "quote", "crlf", "prompt", "no newline", "bom", "trimmed"],
)  # fmt: skip
def test_it_is_read_as_people_paste_it(name: str, paste: Any) -> None:
    """In a fence, indented, quoted, with the line ends of Windows."""
    expected, found = read(text(name)), read(paste(text(name)))
    assert stacks(expected) == stacks(found)
    assert found.complete


def test_two_reports_in_one_text_are_two_snapshots() -> None:
    """One after the other; a dump beside them is read too, with the lines of the text."""
    both = text("traces.txt") + "\nand later\n\n" + text("raw.txt") + "\n\n" + text("goroutine.debug2.txt")
    found = formats.read(both.encode(), where="test")
    assert ["pprof-text", "pprof-text", "goroutine-text"] == [snapshot.format for snapshot in found]
    assert [13, 13, 13] == [snapshot.total for snapshot in found]
    (report,) = [formats.read_parts(both.encode(), where="test")]
    assert [0, text("traces.txt").count("\n") + 3] == [part.first_line for part in report[:2]]


def test_a_report_without_its_first_lines_is_known_by_gopark() -> None:
    """No other profile has runtime.gopark as its innermost frame."""
    lines = text("traces.txt").splitlines(keepends=True)
    assert SEPARATOR + "\n" == lines[4]
    assert 13 == read("".join(lines[4:])).total


@pytest.mark.parametrize("name", ["mutex-traces.txt", "heap-traces.txt", "heap-raw.txt", "cpu-top.txt"])
def test_other_profiles_are_not_taken(name: str) -> None:
    """Nor without the line that names them."""
    content = text(name)
    assert [] == pprof_text.spans(content.encode())
    assert [] == pprof_text.spans("".join(content.splitlines(keepends=True)[4:]).encode())


def test_a_leak_profile_is_known() -> None:
    """Go 1.26 and later."""
    snapshot = read(text("raw.txt").replace("goroutine count", "goroutineleak count").replace(
        "goroutine/count", "goroutineleak/count"))  # fmt: skip
    assert snapshot.leak_profile
    assert [True] * 5 == snapshot.rows["leaked"].to_list()
    assert read(text("traces.txt").replace("Type: goroutine", "Type: goroutineleak")).leak_profile


def test_an_empty_profile_is_read() -> None:
    """A leak profile of a process without leaks: no sample."""
    empty = "PeriodType: goroutineleak count\nPeriod: 1\nSamples:\ngoroutineleak/count\nLocations\nMappings\n"
    snapshot = read(empty)
    assert (0, True) == (snapshot.total, snapshot.complete)


# -- damage ------------------------------------------------------------------------------------------------------------


def test_a_text_that_is_cut_keeps_what_came_before() -> None:
    """-traces cut in its fourth stack; -raw cut in its locations."""
    traces = text("traces.txt").splitlines(keepends=True)
    snapshot = read("".join(traces[:30]))
    assert 12 == snapshot.total
    raw = text("raw.txt")
    snapshot = read(raw[: raw.index("     9: ")])
    assert 13 == snapshot.total
    assert not snapshot.complete
    assert any("cut" in problem.reason for problem in snapshot.problems)
    snapshot = read(raw[: raw.index("Locations")])
    assert (13, False) == (snapshot.total, snapshot.complete)


def test_a_text_whose_beginning_is_cut_says_what_is_lost() -> None:
    """Frames without a count: how many goroutines they were is not known."""
    snapshot = read("".join(text("traces.txt").splitlines(keepends=True)[7:]))
    assert (7, False) == (snapshot.total, snapshot.complete)
    assert "the count of these frames is lost; its goroutines are skipped" == snapshot.problems[0].reason
    assert 1 == snapshot.problems[0].line


def test_a_damaged_line_costs_its_frame_or_sample() -> None:
    """And a problem names it."""
    raw = text("raw.txt")
    snapshot = read(raw.replace("          3: 1 5 6", "          3: 1 x 6"))
    assert (10, False) == (snapshot.total, snapshot.complete)
    assert [(7, "sample is damaged; its goroutines are skipped")] == [(p.line, p.reason) for p in snapshot.problems]
    snapshot = read(raw.replace("0x48b8dc M=1", "0x48b8dc M=?"))
    assert (13, False) == (snapshot.total, snapshot.complete)
    snapshot = read(text("traces.txt").replace("         3   runtime", "       3ms   runtime"))
    assert (10, False) == (snapshot.total, snapshot.complete)


def test_changes_between_two_profiles_are_no_goroutines() -> None:
    """-base subtracts: what is negative is skipped, and a problem says so."""
    for name, old in (("raw.txt", "          3: 1 5"), ("traces.txt", "         3   ")):
        snapshot = read(text(name).replace(old, old.replace(" 3", "-3")))
        assert (10, False) == (snapshot.total, snapshot.complete)
        assert any("-base" in problem.reason for problem in snapshot.problems)


def test_filters_take_the_states_away() -> None:
    """-hide=runtime: no frame says what a goroutine waits for, and none is taken for running."""
    lines = [SEPARATOR, "         3   main.f", "             main.main", SEPARATOR]
    snapshot = read("Type: goroutine\n" + "\n".join(lines) + "\n")
    assert 3 == snapshot.total
    assert any("states cannot be told" in problem.reason for problem in snapshot.problems)


def test_files_are_no_functions() -> None:
    """-files prints the file of each frame in place of its function."""
    lines = [SEPARATOR, "         3   runtime/proc.go", "             example.com/acme/main.go", SEPARATOR]
    snapshot = read("Type: goroutine\n" + "\n".join(lines) + "\n")
    assert (3, False) == (snapshot.total, snapshot.complete)
    assert any("functions are missing" in problem.reason for problem in snapshot.problems)


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names, deep stacks, more goroutines than a process can have."""
    long = "f" * (limits.MAX_NAME + 10)
    snapshot = read(text("raw.txt").replace("main.waitForEver", f"main.{long}"))
    assert max(len(frame.function) for stack in snapshot.stacks for frame in stack.frames) <= limits.MAX_NAME
    assert any("only its beginning is kept" in problem.reason for problem in snapshot.problems)
    snapshot = read(text("raw.txt").replace("          6: ", "99999999999999999999999: "))
    assert (7, False) == (snapshot.total, snapshot.complete)
    monkeypatch.setattr(limits, "MAX_FRAMES", 6)
    snapshot = read(text("traces.txt"))
    assert 6 == max(len(stack.frames) for stack in snapshot.stacks)
    assert any("outer ones are skipped" in problem.reason for problem in snapshot.problems)


# -- single lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("     1: 0x47db89 M=1 runtime.gopark runtime/proc.go:474:0 s=457", ("runtime.gopark", "runtime/proc.go", 474)),
        ("     1: 0x47db89 M=1 runtime.gopark /my proj/proc.go:474 s=457", ("runtime.gopark", "/my proj/proc.go", 474)),
        ("1: 0x1 M=1 [F] main.f C:/x/a.go:7:3 s=1(_main.f)", ("main.f", "C:/x/a.go", 7)),
        ("1: 0x1 M=1 main.F[go.shape.struct { A []int }].func1 a.go:7:3 s=1",
         ("main.F[go.shape.struct { A []int }].func1", "a.go", 7)),
        ("1: 0x1 M=1 f :0:0 s=0", ("f", "", 0)),
        ("1: 0x0  handler:0:0 s=0", ("", "handler", 0)),
        ("1: 0x1 M=1", None),
        ("1: 0x1 M=1 ??", None),
        ("1: 0x1", None),
    ],
)  # fmt: skip
def test_locations(line: str, expected: tuple[str, str, int] | None) -> None:
    """Of all versions: with and without columns, folded, without symbols."""
    place = grammar.read_location(line)
    assert place is not None
    call = place.call
    assert expected == (None if call is None else (call.function, call.file, call.line))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("main.f", ("main.f", "", 0)),
        ("main.f (inline)", ("main.f", "", 0)),
        ("main.f /src/a b.go:15 (inline)", ("main.f", "/src/a b.go", 15)),
        ("main.f /src/a.go:15:3", ("main.f", "/src/a.go", 15)),
        ("0000000000415100 main.f /src/a.go:15", ("main.f", "/src/a.go", 15)),
        ("main.f /src/a.go", ("main.f", "/src/a.go", 0)),
        ("[libc.so.6]", ("[libc.so.6]", "", 0)),
        ("<unknown>", ("<unknown>", "", 0)),
    ],
)
def test_frames(line: str, expected: tuple[str, str, int]) -> None:
    """With -lines, -files, -addresses, and without a symbol."""
    call = grammar.read_frame(f"             {line}")
    assert call is not None
    assert expected == (call.function, call.file, call.line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("handler:[/api/v1/users] user_id:[42]", (("handler", "/api/v1/users"), ("user_id", "42"))),
        ("brace:[}{] bracket:[x]:] colon:[a: b]", (("brace", "}{"), ("bracket", "x]:"), ("colon", "a: b"))),
        (":[emptykey]", (("", "emptykey"),)),
        ("fake:[]:\ngoroutine 999 [running]:\n]", (("fake", "]:\ngoroutine 999 [running]:\n"),)),
        ("key with space:[value with space]", (("key with space", "value with space"),)),
        ("no label", None),
    ],
)
def test_labels(line: str, expected: tuple[tuple[str, str], ...] | None) -> None:
    """Nothing in them is escaped."""
    assert expected == grammar.read_labels(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Time: 2026-11-23 09:50:15.729746927 +0000 UTC", datetime(2026, 11, 23, 9, 50, 15, tzinfo=UTC)),
        ("Time: 2026-11-23 10:50:15 +0100 CET", datetime(2026, 11, 23, 9, 50, 15, tzinfo=UTC)),
        ("Time: 2026-11-23 09:50:15 UTC", datetime(2026, 11, 23, 9, 50, 15, tzinfo=UTC)),
        ("Time: 2026-11-23 10:50:15 CET", None),
        ("Time: Nov 23, 2026 at 9:50am (UTC)", datetime(2026, 11, 23, 9, 50, tzinfo=UTC)),
        ("Time: Nov 23, 2026 at 9:50am (CET)", None),
        ("Time: 2026-13-23 09:50:15 UTC", None),
        ("Type: goroutine", None),
    ],
)
def test_times(line: str, expected: datetime | None) -> None:
    """A zone that only its letters name could be any."""
    found = times.nanoseconds(line)
    assert expected == (None if found is None else datetime.fromtimestamp(found // 10**9, UTC))


# -- anything ----------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mangled_texts_are_read_and_raise_nothing(data: st.DataObject) -> None:
    """Lines dropped, doubled, cut, and other text between them: what is lost is said."""
    damaged = data.draw(mangled(text(data.draw(st.sampled_from(READ)))))
    for begin, end in pprof_text.spans(damaged):
        check_snapshots(pprof_text.read(damaged[begin:end]))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_span_raise_nothing(noise: bytes) -> None:
    """A reader is given what spans found, but holds for all."""
    for begin in (b"", b"Samples:\ngoroutine/count\n", f"{SEPARATOR}\n         3   runtime.gopark\n".encode()):
        check_snapshots(pprof_text.read(begin + noise))
        spans = pprof_text.spans(begin + noise)
        assert all(low < high for low, high in spans)


@pytest.mark.parametrize(
    "line",
    [
        "Samples:\ngoroutine/count\n", SEPARATOR + "\n", "         3   runtime.gopark\n", "          3: 1 2 3\n",
        "Type: goroutine\n" + SEPARATOR + "\n", SEPARATOR + "\n             main.f\n", "Locations\n", "Mappings\n",
        "Samples:\ngoroutine/count\nLocations\n", "> " * 9 + "\n", "x" * (1 << 20) + "\n",
    ],
)  # fmt: skip
def test_near_misses_by_the_hundred_thousand_end(line: str) -> None:
    """One scan: no line is looked at again and again."""
    spans = pprof_text.spans((line * max(100_000 // max(len(line) // 100, 1), 20)).encode())
    assert all(low < high for low, high in spans)


def test_names_reach_no_output_raw(tmp_path: Path) -> None:
    """They come from strangers."""
    path = tmp_path / "traces.txt"
    path.write_text(text("traces.txt").replace("main.waitForEver", "main.\x1b[31mwait<b>"), encoding="utf-8")
    for output in ("text", "json", "markdown"):
        out = io.StringIO()
        renderer("report", output)(scan([str(path)]), out)
        assert "\x1b" not in out.getvalue()
        assert "wait" in out.getvalue()
