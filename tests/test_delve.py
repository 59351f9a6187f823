"""Delve's lists, stacks and JSON: the same stacks as a dump's, and damage that costs its place only."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mangling import mangled

import invariants
from helpers import FIXTURES
from stackscan import formats
from stackscan.formats import delve
from stackscan.formats.delve import grammar, visible, waits
from stackscan.formats.regions import TOOLS
from stackscan.model.snapshot import Frame, Snapshot

FOLDER: Final = FIXTURES / "tools" / "delve"
TRUTH: Final = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
SAME_MOMENT: Final = ("same_moment.delve.txt", "coloured.txt", "same_moment.delve.json.gz", "requests.jsonl.gz",
                      "rpc_log.txt.gz")  # fmt: skip
REPORTER: Final = "main.report"


def content(name: str) -> bytes:
    """A fixture, unpacked."""
    data = (FOLDER / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def read(text: str | bytes) -> list[Snapshot]:
    """What the formats make of a text."""
    return formats.read(text.encode() if isinstance(text, str) else text, where="test")


def only(text: str | bytes) -> Snapshot:
    """The one snapshot of a text."""
    (found,) = read(text)
    return found


def places(snapshot: Snapshot, row: dict[str, Any]) -> list[tuple[str, str, int]]:
    """The frames of a row, files without folders."""
    frames = snapshot.stacks[row["stack_id"]].frames
    return [(frame.function, frame.file.rpartition("/")[2], frame.line) for frame in frames]


def own(snapshot: Snapshot) -> dict[int, tuple[str | None, list[tuple[str, str, int]]]]:
    """State and frames of the program's own goroutines by id; without the one that reports."""
    found = {}
    for row in snapshot.rows.iter_rows(named=True):
        frames = places(snapshot, row)
        if frames and not frames[0][0].startswith("runtime.") and frames[0][0] != REPORTER:
            found[row["goroutine_id"]] = (row["wait_reason"], frames)
    return found


def without_place_of_call(
    goroutines: dict[int, tuple[str | None, list[tuple[str, str, int]]]],
) -> dict[int, tuple[str | None, list[tuple[str, str, int]]]]:
    """Without the line of the innermost frame of system calls: Go prints where it began, Delve where the thread is."""
    return {
        number: (state, [(*frames[0][:2], 0), *frames[1:]] if state == "syscall" else frames)
        for number, (state, frames) in goroutines.items()
    }


def test_the_dump_of_the_moment_is_as_counted_by_hand() -> None:
    """What the other texts are compared with is itself what the program's source says."""
    found = own(only(content("same_moment.debug2.txt")))
    truth = TRUTH["same_moment"]
    assert Counter(state for state, _ in found.values()) == truth["states"]
    assert len(found) == truth["main_and_started"]
    assert sum(len(frames) for _, frames in found.values()) == truth["frames"]


@pytest.mark.parametrize("name", SAME_MOMENT)
def test_delve_and_the_runtime_show_the_same_stacks(name: str) -> None:
    """Functions, files and lines of all goroutines are those of debug=2; the runtime's own come on top."""
    dump, found = own(only(content("same_moment.debug2.txt"))), only(content(name))
    assert without_place_of_call(own(found)) == without_place_of_call(dump)
    truth = TRUTH["same_moment"]
    assert found.total == truth["main_and_started"] + truth["runtime"]
    assert found.complete
    assert found.problems == ()


@pytest.mark.skipif("goleak" not in TOOLS, reason="until the goleak reader is registered")
def test_goleak_and_the_runtime_show_the_same_stacks() -> None:
    """The same of goleak's text of the moment, which leaves out the goroutine that asks."""
    dump, found = own(only(content("same_moment.debug2.txt"))), own(only(content("same_moment.goleak.txt")))
    assert found == dump


@pytest.mark.parametrize("name", ["same_moment.delve.json.gz", "requests.jsonl.gz", "rpc_log.txt.gz"])
def test_json_says_who_created_a_goroutine(name: str) -> None:
    """The go statement is that of debug=2, and main has none."""
    dump, found = only(content("same_moment.debug2.txt")), only(content(name))
    creators = [
        {
            row["goroutine_id"]: created and (created.function, created.line)
            for row in snapshot.rows.iter_rows(named=True)
            for created in (snapshot.stacks[row["stack_id"]].created_by,)
        }
        for snapshot in (dump, found)
    ]
    assert creators[0].items() - creators[1].items() == {
        item for item in creators[0].items() if item[0] not in own(dump)
    }


@pytest.mark.parametrize("name", sorted(TRUTH["goroutines"]))
def test_all_goroutines_are_counted(name: str) -> None:
    """Each fixture holds as many goroutines as were counted by hand."""
    assert only(content(name)).total == TRUTH["goroutines"][name]


def test_a_list_has_places_and_says_which_command_shows_stacks() -> None:
    """One frame a goroutine, an unknown number missing, one note for all."""
    found = only(content("list.txt"))
    assert {(len(stack.frames), stack.elided) for stack in found.stacks} == {(1, None)}
    assert [problem.reason for problem in found.problems] == [
        "26 goroutines have one place and no stack: `goroutines -t 200` prints stacks"
    ]
    assert found.complete


def test_a_list_by_go_statement_has_creators_and_labels() -> None:
    """`-g -l` shows where each was started, and its labels."""
    found = only(content("list_go_labels.txt"))
    labelled = found.rows.filter(found.rows["labels"].is_not_null())
    assert labelled["labels"].to_list() == ["{pool: workers}"] * 3
    created = {found.stacks[stack_id].created_by for stack_id in labelled["stack_id"].to_list()}
    assert [(frame.function, frame.line) for frame in created if frame] == [("main.start.func1", 122)]


def test_a_cut_stack_is_said_to_be_cut() -> None:
    """`-t 3` ends most stacks early: 21 of 26 end in "(truncated)"."""
    text = content("cut_at_depth.txt")
    found = only(text)
    cut = sum(found.stacks[stack_id].elided is None for stack_id in found.rows["stack_id"].to_list())
    assert cut == text.count(b"(truncated)") == 21


def test_the_rest_of_a_group_is_counted() -> None:
    """Delve lists five goroutines of a group and counts the others."""
    found = only(content("grouped_by_label.txt"))
    assert found.counts is not None
    assert max(found.counts) == 18
    assert found.complete
    assert "Delve lists only a few goroutines of a group and counts the others" in {
        each.reason for each in found.problems
    }


def test_one_goroutine_in_detail_is_one_goroutine() -> None:
    """Its place and five stacks in different forms are all the same goroutine's."""
    found = only(content("one.txt"))
    (row,) = found.rows.iter_rows(named=True)
    assert [name for name, _, _ in places(found, row)] == [
        "syscall.Syscall", "syscall.read", "syscall.Read", "main.readPipe"
    ]  # fmt: skip
    assert row["wait_reason"] == "syscall"
    created = found.stacks[row["stack_id"]].created_by
    assert created is not None
    assert created.function == "main.start"


def test_a_wait_reason_from_the_table_of_another_go_is_put_right() -> None:
    """Delve 1.23 says "debug call" of an idle GC worker and "timer goroutine (idle)" of one that waits for a Mutex."""
    text = content("minutes_go1.23.txt")
    assert text.count(b"[debug call") == 2
    assert text.count(b"[timer goroutine (idle)") == 2
    found = only(text)
    states = Counter(found.rows["wait_reason"].to_list())
    assert states["GC worker (idle)"] == 2
    assert states["sync.Mutex.Lock"] == 2
    assert states["sync.RWMutex.RLock"] == 1
    assert found.complete
    assert len(found.problems) == 1


def test_clocks_of_collections_are_a_lower_bound_of_the_wait() -> None:
    """The youngest was read two minutes after the others' clocks began."""
    found = only(content("minutes_go1.23.txt"))
    waited = found.rows.filter(found.rows["wait_minutes"].is_not_null())
    assert set(waited["wait_minutes"].to_list()) == {2}
    assert len(waited) == 21


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (["31m13.6077414s"], [31]),
        (["1h2m3s", "59.9s", None], [62, None, None]),
        (["990ms", "12µs", "-5s"], [None, None, None]),
        (["864987090869", "1110540408816"], [4, None]),
        (["495384h31m13.6s", "495384h29m1s"], [2, None]),  # the wrong zero of Delve 1.9: differences are right
        (["9" * 40, "x"], [None, None]),
    ],
)
def test_minutes(since: list[str | None], expected: list[int | None]) -> None:
    """Durations are taken as they are, clocks by their distance from the youngest."""
    assert waits.minutes(since) == expected


def test_numbers_of_reasons_are_read_only_where_they_are_certain() -> None:
    """19 is "chan receive" in Go 1.26 and "sleep" before: without a goroutine that tells the version it is unknown."""
    assert waits.reason(19, waits.reason_tables([])) is None
    assert waits.reason(19, waits.reason_tables([(11, {"force gc (idle)"})])) == "chan receive"
    assert waits.reason(9, waits.reason_tables([(17, {"force gc (idle)"})])) == "select"
    assert waits.reason(24, waits.reason_tables([(17, {"force gc (idle)"})])) is None
    assert waits.reason_tables([(17, {"force gc (idle)"}), (9, {"sleep"})]) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("runtime.gopark runtime.chanrecv main.work runtime.goexit", "main.work"),
        ("runtime.gopark runtime.bgsweep runtime.goexit", "runtime.gopark runtime.bgsweep runtime.goexit"),
        ("main.crash runtime.gopanic main.f main.main runtime.main", "main.crash panic main.f main.main"),
        ("runtime.gopanic main.main", "main.main"),
        ("runtime.Gosched main.spin", "runtime.Gosched main.spin"),
        ("main.(*T).Run-fm main.start.gowrap1 main.f.deferwrap2 main.g·dwrap·1", None),
        (
            "internal/runtime/syscall.Syscall6 syscall.RawSyscall6 syscall.Syscall syscall.read main.r",
            "syscall.Syscall syscall.read main.r",
        ),
        ("runtime.gopark runtime.runFinalizers runtime.goexit", "runtime.runFinalizers"),
        ("runtime.(*Frames).Next runtime.(*mheap).alloc main.f", "runtime.(*Frames).Next main.f"),
    ],
)  # fmt: skip
def test_visible_frames(names: str, expected: str | None) -> None:
    """What a traceback hides is left out where anything else remains."""
    frames = [Frame(name, "a.go", 1) for name in names.split()]
    assert " ".join(frame.function for frame in visible.visible(frames)) == (expected or names)


@pytest.mark.parametrize(
    "line",
    [
        "Goroutine 46 - User: ./worker.go:31 main.(*Uploader).work (0x7ff6923bf83f) [select 31m13.6077414s]",
        "Goroutine 46 - User: C:/a b/x.go:31 main.F[struct { A int }] (0x7f) (thread 12) [chan receive (nil chan)]",
        "Goroutine 46 - User: ./worker.go:31 ??? (0x0)",
    ],
)
def test_lines_of_the_list(line: str) -> None:
    """Names with blanks, Windows paths, reasons in parentheses."""
    found = grammar.read_goroutine(line)
    assert found is not None
    assert found.goroutine_id == 46
    assert found.place.line == 31


def test_a_session_with_prompts_and_source_in_an_issue() -> None:
    """A pasted session: prompts say whose stack comes, and that the program ran on is another moment."""
    text = """It hangs. What Delve says:

```
(dlv) goroutines
* Goroutine 1 - User: ./main.go:12 main.main (0x4f5993) (thread 7)
  Goroutine 18 - User: ./main.go:31 main.work (0x4f5668) [chan receive]
[2 goroutines]
(dlv) goroutine 18 bt
0  0x000000000047f68e in runtime.gopark
   at /usr/local/go/src/runtime/proc.go:463
1  0x00000000004f5668 in main.work
   at ./main.go:31
2  0x0000000000485da1 in runtime.goexit
   at /usr/local/go/src/runtime/asm_amd64.s:1771
(dlv) continue
> [Breakpoint 1] main.main() ./main.go:13 (hits goroutine(1):1 total:1) (PC: 0x4f5999)
    12:\t\twork()
=>  13:\t\tstop()
(dlv) goroutines
* Goroutine 1 - User: ./main.go:13 main.main (0x4f5999) (thread 7)
[1 goroutines]
```

Any idea?
"""
    first, second = read(text)
    assert first.rows["goroutine_id"].to_list() == [1, 18]
    assert first.rows["line"].to_list() == [2, 3]  # within the span
    assert [places(first, row) for row in first.rows.iter_rows(named=True)] == [
        [("main.main", "main.go", 12)],
        [("main.work", "main.go", 31)],
    ]
    assert first.stacks[1].elided == 0
    assert second.total == 1


@pytest.mark.parametrize("lead", ["    ", "> ", "\t", "  > "])
def test_quoted_and_indented_texts(lead: str) -> None:
    """Pasted texts are the same texts."""
    text = content("same_moment.delve.txt").decode()
    quoted = "".join(f"{lead}{line}\n" for line in text.splitlines())
    plain, found = only(text), only(quoted)
    assert found.total == plain.total
    assert own(found) == own(plain)
    assert found.complete


STACK: Final = """  Goroutine 18 - User: ./main.go:31 main.work (0x4f5668) [chan receive]
\t0  0x000000000047f68e in runtime.gopark
\t    at /usr/local/go/src/runtime/proc.go:463
\t1  0x00000000004f5668 in main.work
\t    at ./main.go:31
\t2  0x00000000004f5669 in main.serve
\t    at ./main.go:52
\t3  0x0000000000485da1 in runtime.goexit
\t    at /usr/local/go/src/runtime/asm_amd64.s:1771
"""


@pytest.mark.parametrize("number", range(1, 9))
def test_a_lost_line_is_never_silent(number: int) -> None:
    """Whichever line of a stack is lost: the goroutine stays, and is known to lack something."""
    lines = STACK.splitlines(keepends=True)
    del lines[number]
    found = only("".join(lines))
    assert found.total == 1
    assert not found.complete
    assert found.problems
    assert found.stacks[0].elided is None


def test_a_lost_header_leaves_the_stack_of_nobody() -> None:
    """A stack without its goroutine counts as one, of unknown id."""
    found = only(STACK.partition("\n")[2])
    assert found.rows["goroutine_id"].to_list() == [None]
    assert [frame.function for frame in found.stacks[0].frames] == ["main.work", "main.serve"]


def test_fewer_goroutines_than_the_list_says() -> None:
    """A list that a pager cut is incomplete."""
    lines = content("list.txt").decode().splitlines(keepends=True)
    del lines[3]
    found = only("".join(lines))
    assert [problem.reason for problem in found.problems][1:] == ["Delve lists 26 goroutines, 25 were read"]
    assert not found.complete


def test_the_number_above_a_list_counts_too() -> None:
    """Delve up to 1.4 prints it there."""
    listed = content("list.txt").decode().splitlines(keepends=True)[:-1]
    whole, short = only("[26 goroutines]\n" + "".join(listed)), only("[26 goroutines]\n" + "".join(listed[:-2]))
    assert whole.complete
    assert (short.total, short.complete) == (24, False)


def test_groups_in_json_count_what_is_not_listed() -> None:
    """The answer to a grouped request lists some members of each group."""
    place = {"pc": 1, "file": "/a.go", "line": 3, "function": {"name": "main.work"}}
    group = {"Name": "x", "Offset": 0, "Count": 1, "Total": 20}
    found = only(json.dumps({"Goroutines": [{"id": 7, "userCurrentLoc": place}], "Nextg": -1, "Groups": [group]}))
    assert found.total == 20
    assert len(found.problems) == 2  # one place and no stack; 19 that are not listed


def test_a_dump_behind_a_list_is_a_dump() -> None:
    """Delve's output ends where another format begins."""
    dump = "goroutine 7 [select]:\nmain.f()\n\t/src/f.go:1 +0x1\n"
    found = read(content("list.txt").decode() + "\n" + dump)
    assert [snapshot.format for snapshot in found] == ["delve", "goroutine-text"]
    assert [snapshot.total for snapshot in found] == [26, 1]


def test_json_that_is_cut_is_incomplete() -> None:
    """The answers before the cut are read."""
    text = content("same_moment.delve.json.gz")
    found = only(text[: len(text) * 2 // 3])
    assert found.total == TRUTH["goroutines"]["same_moment.delve.json.gz"]
    assert not found.complete


def test_hostile_json_raises_nothing() -> None:
    """Depth, huge numbers, wrong types and halves of characters are damage."""
    place = {"file": "\ud800", "line": 10**30, "function": {"name": "main.\ud800\x1b[31m"}}
    hostile: list[Any] = [
        "[" * 100_000 + '"Goroutines"',
        '{"Goroutines": 7}',
        '{"Goroutines": [7, null, {"id": -1}, {"id": 1e999}, {"id": "x"}]}',
        '{"Goroutines": [{"id": 1, "status": [], "labels": {"a": 1}, "userCurrentLoc": []}]}',
        json.dumps({"Goroutines": [{"id": 1, "userCurrentLoc": place}]}),
        json.dumps({"Locations": [{"Err": "no\nframe"}, place, 7]}),
        '{"Goroutines": [' + '{"id": 1},' * 1000,
        '{"Goroutines": [{"id": ' + "9" * 5000 + "}]}",
    ]
    for text in hostile:
        invariants.check_tool(delve, text.encode())


def test_spans_of_hostile_texts_are_found_in_one_scan() -> None:
    """Long lines and many near-misses: nothing is found, and nothing hangs."""
    for data in (
        b"Goroutine 1 - User: " + b"x" * (1 << 20),
        b"0  0x000000000047f68e on main.main\n" * 100_000,
        b"at " + b"a:1 " * 300_000,
        b'"Goroutines" {\n' * 100_000,
        b"(dlv) goroutine\n" * 100_000,
    ):
        delve.spans(data)


def test_a_stack_that_fits_nobody_is_not_counted_twice() -> None:
    """A stack without an id beside a whole list is one of the listed goroutines'."""
    found = only(content("list.txt").decode() + STACK.partition("\n")[2])
    assert found.total == 26
    assert not found.complete


def test_a_loose_stack_finds_its_goroutine() -> None:
    """Where only one of the listed goroutines is at its place, the stack is that one's."""
    text = STACK.partition("\n")
    found = only(
        f"{text[0]}\n  Goroutine 19 - User: ./other.go:5 main.other (0x4f5600) [select]\n[2 goroutines]\n{text[2]}"
    )
    assert [len(places(found, row)) for row in found.rows.iter_rows(named=True)] == [2, 1]
    assert found.complete


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(["list.txt", "one.txt", "grouped_by_place.txt", "cut_at_depth.txt"]).flatmap(
    lambda name: mangled(content(name).decode()[:6000])
))  # fmt: skip
def test_mangled_texts(data: bytes) -> None:
    """Whatever happens to a text, what is read of it holds together."""
    invariants.check_tool(delve, data)


def test_a_list_in_json_that_is_cut_keeps_its_whole_goroutines() -> None:
    """A terminal that held only the beginning of an answer."""
    each = '{{"id": {}, "currentLoc": {{"file": "a.go", "line": 3, "function": {{"name": "main.f"}}}}, "status": 4}}'
    text = f'{{"id": 7,\n"result": {{"Goroutines": [\n{each.format(1)},\n{each.format(5)},\n{each.format(6)[:40]}'
    found = only(text)
    assert found.rows.select("goroutine_id", "line").rows() == [(1, 3), (5, 4)]
    assert not found.complete
    assert "an answer that is no whole JSON" in [problem.reason for problem in found.problems]
