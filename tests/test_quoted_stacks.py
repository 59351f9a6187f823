"""Stacks as people write them: shortened, annotated, retyped; every frame counted by hand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mangling import mangled

from helpers import FIXTURES, ROOT, json_of
from invariants import check_snapshots
from stackscan import formats
from stackscan.errors import StackscanError
from stackscan.formats.contents import read_source
from stackscan.formats.quoted_stacks import grammar
from stackscan.model.snapshot import Frame, Snapshot

FOLDER = FIXTURES / "quoted"
TRUTH: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
GO_TEXTS = ("go/go1.27/deadlock.txt", "go/go1.26/panic_plain.txt")


def _read(name: str) -> Snapshot:
    (capture,) = read_source(str(FOLDER / name)).captures
    return capture.snapshot


def _written(frame: Frame) -> str:
    return f"{frame.function} {frame.file}:{frame.line}" if frame.file else frame.function


def _goroutines(snapshot: Snapshot) -> list[list[Any]]:
    """Each goroutine as truth.toml writes it."""
    found = []
    for row in snapshot.rows.iter_rows(named=True):
        stack = snapshot.stacks[row["stack_id"]]
        creator = _written(stack.created_by) if stack.created_by else ""
        found.append([row["wait_reason"], row["wait_minutes"] or 0, creator, *map(_written, stack.frames)])
    return found


def _only(text: str) -> Snapshot:
    (snapshot,) = formats.read(text.encode(), where="test")
    return snapshot


def _functions(snapshot: Snapshot, row: int = 0) -> tuple[str, ...]:
    return snapshot.stacks[snapshot.rows["stack_id"][row]].functions


@pytest.mark.parametrize("name", TRUTH)
def test_every_frame_that_a_person_wrote_is_read(name: str) -> None:
    """Goroutines, states, minutes, creators and frames are those counted by hand, and nothing else."""
    truth = dict(TRUTH[name])
    cut = truth.pop("cut", [])
    snapshot = _read(name)
    assert list(truth.values()) == _goroutines(snapshot)
    ids = [int(key) if key.isdecimal() else None for key in truth]
    assert ids == snapshot.rows["goroutine_id"].to_list()
    assert snapshot.complete
    assert () == snapshot.problems
    elided = [
        row for row, stack in zip(ids, snapshot.rows["stack_id"], strict=True) if snapshot.stacks[stack].elided is None
    ]
    assert cut == elided


def test_every_text_of_the_folder_has_its_truth() -> None:
    """No fixture is left out."""
    assert sorted(TRUTH) == sorted(path.name for path in FOLDER.iterdir() if path.name != "truth.toml")


def test_a_text_that_a_person_wrote_is_named_so() -> None:
    """The format says that the text is no runtime's."""
    assert "quoted-stacks" == _read("location-on-the-line.txt").format
    assert "quoted-stacks" == _read("ids-hidden.txt").format
    assert "quoted-stacks" == _read("snip.txt").format


@pytest.mark.parametrize("name", ["snip.txt", "outermost-first.txt", "location-first.txt"])
def test_nothing_is_concluded_from_goroutines_that_a_person_left_out(name: str) -> None:
    """Who quotes the main goroutine need not quote all others: no error, and no tick either."""
    (snapshot,) = json_of(FOLDER / name)["snapshots"]
    assert [] == [finding for finding in snapshot["findings"] if finding["severity"] == "error"]
    assert "ok" not in {verdict["level"] for verdict in snapshot["verdicts"]}


LINES = {
    "main.f(...)    ← waits for mu": ["main.f"],
    "main.f ← main.g": ["main.f", "main.g"],
    "main.g -> main.f": ["main.f", "main.g"],
    "- `main.f` (x.go:3)": ["main.f x.go:3"],
    "2. main.(*T).f(0x1) at /src/x.go:3": ["main.(*T).f /src/x.go:3"],
    "/src/x.go:3: main.f": ["main.f /src/x.go:3"],
    "example.com/a/b.v2.(*Pair[...]).Wait.func1(0x1, {0x2, 0x3})": ["example.com/a/b.v2.(*Pair[...]).Wait.func1"],
    "gopkg.in/yaml%2ev3.Decode(0x1)  y.go:7 +0x1f": ["gopkg.in/yaml.v3.Decode y.go:7"],
    "(*Store).Close": ["(*Store).Close"],
    "main.f x.go#L12": ["main.f x.go:12"],
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_its_frames(line: str) -> None:
    """One line, as people write it."""
    found = grammar.read_line(grammar.without_markdown(line))
    assert found is not None
    calls = [(call.function, call.place) for call in found.calls]
    assert LINES[line] == [f"{name} {place[0]}:{place[1]}" if place else name for name, place in calls]


@pytest.mark.parametrize(
    "line",
    [
        "the worker main.f failed",
        "2026-05-06 07:08:09 INFO main.go started",
        "see example.com/shop",
        "main.f failed: x",
        "exit status 2",
        "foo.go",
        "main.f(0x",
        "rax    0x0",
        '{"level":"info","caller":"x.go:12"}',
        "ok  	example.com/shop/cart	0.012s",
        "v1.2.3",
    ],
)
def test_prose_is_no_frame(line: str) -> None:
    """Words of a log or of a person are not taken for a stack."""
    assert grammar.read_line(line) is None


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("goroutine NNNNN [chan send, 37 minutes]:", "chan send, 37 minutes"),
        ("Goroutine 12 (chan receive (nil chan), 3 min):", "chan receive (nil chan), 3 min"),
        ("goroutine 7: select", "select"),
        ("goroutine <redacted> [sync.Mutex.Lock]", "sync.Mutex.Lock"),
        ("goroutine 5: running the tests", None),
        ("goroutine pool is exhausted (running)", None),
        ("goroutine leaks [see #12]", None),
    ],
)
def test_a_retyped_header_is_told_from_prose(line: str, state: str | None) -> None:
    """A state of the runtime must stand in it."""
    found = grammar.read_header(line)
    assert state == (found.state if found else None)


def test_what_looks_like_a_header_without_a_frame_is_prose() -> None:
    """It makes no goroutine, and its text no dump."""
    with pytest.raises(StackscanError):
        formats.read(b"goroutine XX [select] was the one that we saw first.\nIt was stuck.\n", where="test")


def test_text_behind_a_blank_line_is_not_part_of_the_stack() -> None:
    """A sentence with a function's name, and frames whose header is lost."""
    text = "goroutine 7 [select]:\nmain.f   x.go:1\nmain.g   x.go:2\n\nmain.h   x.go:3\nmain.i   x.go:4\n"
    assert ("main.f", "main.g") == _functions(_only(text))


def test_a_line_that_was_not_understood_makes_the_dump_incomplete() -> None:
    """The report says "complete" only when every frame line was understood."""
    snapshot = _only("goroutine 7 [select]:\nmain.f(...)  x.go:1\nmain.g(0x1 x.go:2\nmain.h(...)  x.go:3\n")
    assert not snapshot.complete
    assert [3] == [problem.line for problem in snapshot.problems]
    lost = _only("goroutine 7 [select]:\nmain.f()\n\t/x.go:1 +0x1\n\t/y.go:2 +0x2\nmain.g()\n\t/x.go:3 +0x3\n")
    assert (False, ("main.f", "main.g")) == (lost.complete, _functions(lost))


def test_a_log_line_inside_a_stack_leaves_the_dump_complete() -> None:
    """It is no frame line, and the report says where it stands."""
    snapshot = _only(
        "goroutine 7 [select]:\nmain.f()\n\t/x.go:1 +0x1\nserver listens on :80\nmain.g()\n\t/x.go:3 +0x3\n"
    )
    assert (True, 4) == (snapshot.complete, snapshot.problems[0].line)


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("37 分钟", 37), ("101-103 分钟", 101), ("~5 min", 5), ("12 мин", 12), ("3 Minuten", 3), ("2h5m", 125),
        ("31m13.6s", 31), ("120+ minutes", 120), ("2 hours", 120), ("45s", 0), ("bubble 7", None),
    ],
)  # fmt: skip
def test_minutes_in_other_words(written: str, minutes: int | None) -> None:
    """A translated page, a range, a duration: the least that it can be."""
    snapshot = _only(f"goroutine 7 [select, {written}]:\nmain.f()\n\t/x.go:1 +0x1\n")
    assert minutes == snapshot.rows["wait_minutes"][0]
    assert ("select", None if minutes is not None else written) == snapshot.rows.select(
        "wait_reason", "attributes"
    ).row(0)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(TRUTH)))
def test_mangled_quotations_are_survived(data: st.DataObject, name: str) -> None:
    """Lines dropped, doubled, cut and spliced: snapshots stay valid, and nothing raises but a refusal."""
    damaged = data.draw(mangled((FOLDER / name).read_text(encoding="utf-8")))
    try:
        check_snapshots(formats.read(damaged, where="test"))
    except StackscanError:
        return


def test_the_folder_is_in_the_fixtures_readme() -> None:
    """How these texts were made stands with the others."""
    assert "`quoted/`" in (ROOT / "fixtures/README.md").read_text(encoding="utf-8")
