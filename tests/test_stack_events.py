"""Reported stacks: events of loggers and reporters, over what the real ones print; nothing hangs, nothing is lost."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import invariants
from helpers import FIXTURES
from stackscan import formats
from stackscan.formats import stack_events
from stackscan.formats.stack_events import grammar
from stackscan.formats.stack_events.lines import Text
from stackscan.formats.stack_events.wide_lines import WideText
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import examine
from stackscan.redaction import Redaction
from stackscan.sources.logs import unwrap

FOLDER = FIXTURES / "tools" / "stack_events"
TRUTH: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
PAIRS = "main.load\n\t/src/load.go:12\nmain.main\n\t/src/main.go:30\n"


def read(text: str) -> list[Snapshot]:
    """The snapshots of a text by whatever format."""
    return formats.read(text.encode(), where="x")


def one(text: str) -> Snapshot:
    """The only snapshot of a text of reported stacks."""
    (snapshot,) = read(text)
    assert snapshot.format == "stack-events"
    return snapshot


def says(snapshot: Snapshot) -> list[str]:
    """What each event says."""
    return [conclusion.says for conclusion in snapshot.conclusions]


# -- the real ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_real_events_are_read_as_counted_by_hand(name: str) -> None:
    """Goroutines, distinct stacks and their frames, states, and the first line of the report."""
    truth = TRUTH[name]
    captures, _ = examine(str(FOLDER / name))
    (capture,) = captures
    snapshot = capture.capture.snapshot
    assert snapshot.format == truth.get("format", "stack-events")
    assert snapshot.total == truth["goroutines"]
    assert [len(stack.frames) for stack in snapshot.stacks] == truth["frames"]
    state = "running" if truth.get("fails") else truth.get("state")
    assert set(snapshot.rows["wait_reason"].to_list()) == {state}
    assert snapshot.complete
    assert snapshot.problems == ()
    assert capture.report.verdicts[0].text == truth["says"]
    assert (capture.report.verdicts[0].level == "error") is truth.get("fails", False)


def test_every_output_has_its_truth() -> None:
    """What make.py writes is counted."""
    written = {path.name for path in FOLDER.iterdir() if path.suffix in (".txt", ".json", ".jsonl")}
    assert written == set(TRUTH)


def test_no_other_fixture_holds_reported_stacks() -> None:
    """Dumps of all Go versions, also of gccgo, whose functions have no parentheses."""
    for path in sorted((FIXTURES / "go").glob("*/*.txt")) + sorted((FIXTURES / "derived").glob("*.txt")):
        assert stack_events.spans(path.read_bytes()) == [], path


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_a_thousand_equal_events_are_one_row() -> None:
    """With their number; other messages are rows of their own."""
    record = {"level": "error", "msg": "cannot load", "stacktrace": PAIRS.strip()}
    lines = [json.dumps(record)] * 1000 + [json.dumps(record | {"msg": "cannot save"})]
    snapshot = one("\n".join(lines) + "\n")
    assert snapshot.total == 1001
    assert snapshot.counted_rows["count"].to_list() == [1000, 1]
    assert snapshot.rows["line"].to_list() == [1, 1001]
    assert len(snapshot.stacks) == 1
    assert says(snapshot) == ['"cannot load"', '"cannot save"']


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"error": {"type": "*net.OpError", "message": "refused", "stack": PAIRS}}, '*net.OpError "refused"'),
        ({"error.kind": "*net.OpError", "error.message": "refused", "error.stack": PAIRS}, '*net.OpError "refused"'),
        ({"message": "refused", "stack_trace": PAIRS, "severity": "ERROR"}, '"refused"'),
        ({"message": f"refused\n{PAIRS}", "serviceContext": {"service": "shop"}}, '"refused"'),
        (
            {"exceptions": [{"errorClass": "*net.OpError", "message": "refused", "stacktrace": [
                {"file": "/src/load.go", "lineNumber": 12, "method": "main.load"},
                {"file": "/src/main.go", "lineNumber": 30, "method": "main.main"}]}]},
            '*net.OpError "refused"',
        ),
        (
            {"data": {"body": {"trace": {"exception": {"class": "*net.OpError", "message": "refused"}, "frames": [
                {"filename": "/src/main.go", "lineno": 30, "method": "main.main"},
                {"filename": "/src/load.go", "lineno": 12, "method": "main.load"}]}}}},
            '*net.OpError "refused"',
        ),
        (
            {"error": {"class": "*net.OpError", "message": "refused", "backtrace": [
                {"number": "12", "file": "/src/load.go", "method": "main.load"},
                {"number": "30", "file": "/src/main.go", "method": "main.main"}]}},
            '*net.OpError "refused"',
        ),
        (
            {"error": {"exception": [{"type": "*net.OpError", "message": "refused", "stacktrace": [
                {"abs_path": "/src/load.go", "filename": "load.go", "function": "load", "module": "main", "line":
                 {"number": 12}},
                {"abs_path": "/src/main.go", "filename": "main.go", "function": "main", "module": "main", "line":
                 {"number": 30}}]}]}},
            '*net.OpError "refused"',
        ),
    ],
    ids=["nested", "flat", "cloud", "in the message", "bugsnag", "rollbar", "honeybadger", "elastic"],
)  # fmt: skip
def test_reporters_have_their_own_fields(record: dict[str, Any], words: str) -> None:
    """Function, file and line, innermost first, in one line and over several."""
    for indent in (None, 2):
        snapshot = one(json.dumps(record, indent=indent) + "\n")
        frames = [(frame.function, frame.file, frame.line) for frame in snapshot.stacks[0].frames]
        assert frames == [("main.load", "/src/load.go", 12), ("main.main", "/src/main.go", 30)]
        assert says(snapshot) == [words]
        assert snapshot.total == 1


def test_records_inside_records_are_read() -> None:
    """Docker's around zap's, and a list of them."""
    inner = json.dumps({"level": "error", "msg": "refused", "stacktrace": PAIRS})
    assert says(one(json.dumps({"log": inner + "\n", "stream": "stderr"}) + "\n")) == ['"refused"']
    assert one(json.dumps([json.loads(inner)] * 3)).total == 3


def test_an_unhandled_error_is_a_crash_and_threads_belong_to_it() -> None:
    """Sentry's mechanism says so; equal crashes are one snapshot."""
    stack = {"frames": [{"function": "main", "module": "main", "filename": "/src/main.go", "lineno": 3}]}
    error = {"type": "*errors.errorString", "value": "boom", "stacktrace": stack, "mechanism": {"handled": False}}
    lines = json.dumps({"exception": {"values": [error]}}) + "\n"
    (snapshot,) = read(lines * 2)
    assert (snapshot.cause, snapshot.total) == ("panic: boom", 2)
    assert snapshot.rows["wait_reason"].to_list() == ["running"]


def test_what_is_no_frame_is_said() -> None:
    """Entries without a line cost themselves."""
    frames = [{"func": "f", "source": "x.go", "line": "1"}, {"func": "g", "source": "x.go", "line": "2"}, {"x": 1}]
    snapshot = one(json.dumps({"msg": "boom", "stack": frames}) + "\n")
    assert [len(stack.frames) for stack in snapshot.stacks] == [2]
    assert snapshot.stacks[0].elided is None
    assert not snapshot.complete
    assert [problem.reason for problem in snapshot.problems] == ["1 entry of a stack could not be read"]


@pytest.mark.parametrize(
    "text",
    [
        '{"level":"info","msg":"main.go:12 started"}\n',
        '{"stack":[{"name":"web","line":"1"}]}\n',
        "main.main\n\t/src/main.go:30\n",
        "see load.go:12\nand main.go:30\n",
        '{"exception":[{"stacktrace":{"frames":[{"filename":"a.py","lineno":3,"function":"f"}]}}]}\n',
        "github.com/acme/x\n  other/x.go:12:3: undefined: y\n",
        "x.go\nmain.f\n\t/x.s:1\nmain.g\n\t/x.c:2\n",
        'x.go\n{"msg":"a","stack":"goroutine 1 [running]:\\nruntime/debug.Stack()\\n\\t/x.gk:1\\n"}\n',
    ],
)
def test_what_is_no_stack_is_none(text: str) -> None:
    """One pair, words, other languages, compilers."""
    assert stack_events.spans(text.encode()) == []


def test_a_long_line_without_a_dot_takes_no_longer_than_others() -> None:
    """No pattern tries each place of it again for each other place: this one would not end today."""
    assert grammar.read_function("(" * 5_000_000) is None
    assert grammar.read_function("main." + "x" * 2_000) == "main." + "x" * 2_000


# -- plain lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", ["", "    ", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_pairs_may_be_indented(indent: str, ends: str) -> None:
    """As go test prints them, by Windows, and without the tab."""
    for text in (f"refused\n{PAIRS}", f"refused\n{PAIRS}".replace("\t", "")):
        snapshot = one("".join(indent + line + ends for line in text.splitlines()))
        assert [frame.line for frame in snapshot.stacks[0].frames] == [12, 30]
        assert says(snapshot) == ['"refused"']


def test_a_stack_among_others_is_two_events_unless_it_wraps() -> None:
    """pkg/errors prints a stack for each wrapping; two errors of one place are two."""
    assert one(f"a\n{PAIRS}a\n{PAIRS}").total == 2
    outer = "main.main\n\t/src/main.go:31\nruntime.main\n\t/go/proc.go:1\n"
    whole = f"a\n{PAIRS}runtime.main\n\t/go/proc.go:1\nb\n{outer}"
    assert says(one(whole)) == ['"b: a"']
    assert one(whole.replace("b\n", "2026-11-30T02:28:08Z\tERROR\tx.go:1\tb\n")).total == 2


def test_a_creator_is_none_of_the_frames() -> None:
    """``created by`` below a stack."""
    snapshot = one(f"x\n{PAIRS}created by main.start in goroutine 7\n\t/src/start.go:9\n")
    created = snapshot.stacks[0].created_by
    assert created is not None
    assert (created.function, created.line, len(snapshot.stacks[0].frames)) == ("main.start", 9, 2)


def test_damage_costs_its_line() -> None:
    """A place without a function, and the end of a text."""
    lost = one(f"x\n{PAIRS}\t/src/lost.go:4\nruntime.main\n\t/go/proc.go:1\n")
    assert [frame.line for frame in lost.stacks[0].frames] == [12, 30, 1]
    assert [(problem.line, problem.excerpt) for problem in lost.problems] == [(6, "/src/lost.go:4")]
    cut = one(f"x\n{PAIRS}runtime.main\n\t/go/pr")
    assert not cut.complete
    assert "cut" in cut.problems[0].reason


def test_a_panic_without_frames_of_go_1_5() -> None:
    """debug.Stack of Go 1.5: the address first, then a line of source."""
    text = "/src/x.go:12 (0x4031bb)\n\tmain.f: source()\n/src/main.go:3 (0x403111)\n\tmain: f()\n"
    frames = one(text).stacks[0].frames
    assert [(frame.function, frame.file, frame.line) for frame in frames] == [
        ("main.f", "/src/x.go", 12), ("main", "/src/main.go", 3),
    ]  # fmt: skip


def test_dumps_beside_events_are_read_by_their_reader() -> None:
    """A log of both."""
    dump = "goroutine 7 [select]:\nmain.wait(0x1)\n\t/src/w.go:4 +0x1\n"
    record = json.dumps({"msg": "refused", "stacktrace": PAIRS})
    found = read(f"{record}\n\n{dump}\nBOOM\n{PAIRS}\n")
    assert [snapshot.format for snapshot in found] == ["stack-events", "goroutine-text", "stack-events"]


def test_names_are_those_of_go() -> None:
    """Methods, closures, generics, escapes of import paths; words are none."""
    for name in ("main.f", "a.b/c.(*T).F", "a/b.F[...].func1", "main.init.func2", "glob..func1", "main.(*T[...]).f"):
        assert grammar.read_function(name) == name
    assert grammar.read_function("gopkg.in/yaml%2ev3.Decode") == "gopkg.in/yaml.v3.Decode"
    for word in ("main", "main.go", "see main.f", "f()", "1.2.3", "", "end.", "x = main.f"):
        assert not word or grammar.read_function(word) is None
    assert grammar.read_place("C:/src/a b/x.go:12") == ("C:/src/a b/x.go", 12)
    assert grammar.read_place("at /x.go:12") is None


# -- privacy, limits, damage -------------------------------------------------------------------------------------------


def test_redaction_hides_what_events_say() -> None:
    """Messages and types are the program's own words."""
    captures, _ = examine(str(FOLDER / "sentry_error.json"), redaction=Redaction(bytes(32)))
    text = captures[0].report.verdicts[0].text
    assert text.startswith("1 error in ")
    assert not re.search("cart|errorString", text)


def test_wrappers_leave_events_alone() -> None:
    """The whole record is needed."""
    for name, truth in TRUTH.items():
        if "format" not in truth:
            assert unwrap((FOLDER / name).read_bytes()) is None, name


REAL = [(FOLDER / name).read_text(encoding="utf-8") for name in sorted(TRUTH)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mangled_events_raise_nothing(data: st.DataObject) -> None:
    """Lines dropped, doubled, cut and mixed; a span reads like the text that it stands in."""
    lines = data.draw(st.sampled_from(REAL)).splitlines(keepends=True)
    other = data.draw(st.sampled_from(REAL)).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(lines) - 1, 0)))
        how = data.draw(st.sampled_from(["drop", "double", "cut", "splice", "bytes"]))
        line = lines[at] if lines else ""
        changed = {"drop": [], "double": [line, line], "cut": [line[: len(line) // 2]], "splice": [*other, line],
                   "bytes": [data.draw(st.text(max_size=20)), line]}  # fmt: skip
        lines[at : at + 1] = changed[how]
    text = "".join(lines).encode("utf-8", "replace")
    spans = stack_events.spans(text)
    assert spans == sorted(spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    for begin, end in spans:
        assert begin == 0 or text[begin - 1 : begin] == b"\n"
        snapshots = stack_events.read(text[begin:end])
        invariants.check_snapshots(snapshots)
        assert any(snapshot.total for snapshot in snapshots)


@pytest.mark.parametrize(
    "text",
    [
        b"main.f\n" * 100_000,
        b"\t/src/x.go:12\n" * 100_000,
        b"{\n" * 100_000 + b".go",
        b'{"a":' * 100_000 + b".go",
        b"x (0x1)" * 100_000 + b".go",
        b"a=" + b'"' * (1 << 20) + b".go:1",
        b"main." + b"(*T)." * 200_000 + b"f\n\t/x.go:1\n",
        b"/x.go:1 (0x1)\n" * 50_000,
    ],
)
def test_near_misses_are_read_in_linear_time(text: bytes) -> None:
    """Long lines and many of them end at all."""
    for begin, end in stack_events.spans(text):
        invariants.check_snapshots(stack_events.read(text[begin:end]))


def test_the_program_of_the_fixtures_is_beside_them() -> None:
    """They can be made again."""
    assert {"go.mod", "go.sum", "main.go", "make.py", "truth.toml"} <= {path.name for path in Path(FOLDER).iterdir()}


def test_a_document_that_is_cut_says_so() -> None:
    """Its whole parts are read."""
    text = (FOLDER / "sentry_error.json").read_text(encoding="utf-8")
    snapshot = one(text[: text.index("*errors.withMessage")])
    assert snapshot.total == 1
    assert not snapshot.complete
    assert [problem.line for problem in snapshot.problems] == [1]
    assert len(snapshot.stacks[0].frames) == 5


def test_a_string_that_is_cut_says_so() -> None:
    """A collector's limit on the length of a field."""
    snapshot = one(json.dumps({"msg": "refused", "stacktrace": PAIRS + "runtime.main\n\t/go/pr"}) + "\n")
    assert [len(stack.frames) for stack in snapshot.stacks] == [2]
    assert not snapshot.complete


def test_threads_of_a_crash_are_goroutines_without_words() -> None:
    """Beside the error, which has a stack of its own."""
    frames = [{"function": "main", "module": "main", "filename": "/src/main.go", "lineno": 3}]
    other = [{"function": "wait", "module": "main", "filename": "/src/wait.go", "lineno": 9}]
    event = {
        "level": "fatal",
        "exception": {"values": [{"type": "E", "value": "boom", "stacktrace": {"frames": frames}}]},
        "threads": {"values": [{"id": 2, "crashed": False, "stacktrace": {"frames": other}}]},
    }
    snapshot = one(json.dumps(event) + "\n")
    assert snapshot.cause == "panic: boom"
    assert [stack.functions for stack in snapshot.stacks] == [("main.main",), ("main.wait",)]
    assert snapshot.rows["wait_reason"].to_list() == ["running", None]


def test_nothing_is_stuck_where_errors_were_logged(tmp_path: Path) -> None:
    """A thousand errors of one place are no pile-up; what a collector puts before a record is none of its words."""
    record = json.dumps({"level": "error", "msg": "refused", "stacktrace": PAIRS})
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"2026-11-30T02:28:08.1Z stderr F {record}\n" for _ in range(1000)))
    captures, _ = examine(str(path))
    (report,) = [each.report for each in captures]
    assert [finding.rule.name for finding in report.findings] == ["logged-error"]
    assert [line.text for line in report.verdicts] == ['1,000 errors: "refused" in main.load (load.go:12)']


def test_words_before_a_record_without_any_are_its_message() -> None:
    """Zap's console encoder, with an error of pkg/errors in the fields."""
    fields = json.dumps({"error": "no such cart", "errorVerbose": f"no such cart\n{PAIRS.strip()}"})
    text = f"2026-11-30T02:28:08.429Z\tERROR\tx.go:1\tcannot load\t{fields}\n{PAIRS}"
    snapshot = one(text)
    assert says(snapshot) == ['"cannot load: no such cart"']
    assert snapshot.total == 1


def test_a_list_of_goroutines_that_another_tool_wrote_has_no_errors() -> None:
    """A state of the runtime and no words: goroutines, of which nothing is claimed."""
    frames = [
        {"Func": "main.take", "File": "/src/app/take.go", "Line": 12},
        {"Func": "main.main", "File": "/src/m.go", "Line": 3},
    ]
    goroutines = [{"ID": place, "State": "chan receive", "Wait": 0, "Stack": frames} for place in (1, 7)]
    (snapshot,) = formats.read(json.dumps({"Errors": None, "Goroutines": goroutines}, indent=1).encode(), where="test")
    assert ["chan receive"] * 2 == snapshot.goroutines["wait_reason"].to_list()
    assert [("main.take", "main.main")] == [stack.functions for stack in snapshot.stacks]
    assert () == snapshot.conclusions


@given(
    st.lists(
        st.sampled_from(
            [
                "main.f",
                "\t/x.go:7",
                "created by main.f",
                "created b",
                " ",
                "",
                "\r",
                "x \r",
                "f()",
                "{",
                "[{",
                "a [",
                "12",
                "\t\t",
            ]
        ),
        max_size=12,
    ),
    st.sampled_from(["", "\n", "\n\n", "\r\n"]),
)
def test_the_lines_of_a_large_text_are_those_of_a_small_one(lines: list[str], end: str) -> None:
    """Columns say the same as one line after the other."""
    data = ("\n".join(lines) + end or "\n").encode()
    small, wide = Text(data), WideText(data)
    assert (list(small.starts), list(small.ends)) == (list(wide.starts), list(wide.ends))
    assert (small.candidates(), list(small.blanks)) == (wide.candidates(), list(wide.blanks))
    assert small.ending_in(b"{[7") == wide.ending_in(b"{[7")
