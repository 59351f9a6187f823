"""Lists in which one stack stands for many goroutines: the same goroutines as in the dump that they were made from."""

from __future__ import annotations

import re
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
from stackscan.formats import grouped_stacks
from stackscan.formats.grouped_stacks import grammar
from stackscan.formats.grouped_stacks.grammar import Bucket, Group
from stackscan.model.snapshot import Frame, Snapshot

FOLDER: Final = FIXTURES / "tools" / "grouped_stacks"
TRUTH: Final = tomllib.loads((FOLDER / "truth.toml").read_text(encoding="utf-8"))
DUMP: Final = FIXTURES / "go" / "go1.26" / "pool_minutes.txt"
OF_POOL: Final = [
    "pp.txt", "pp_full_path.txt", "pp_relative_colour.txt", "pp_aggressive.txt", "inspect.txt", "inspect_cut.txt",
    "by_hand.txt",
]  # fmt: skip


def only(text: str | bytes) -> Snapshot:
    """The one snapshot of a text."""
    (found,) = formats.read(text.encode() if isinstance(text, str) else text, where="test")
    return found


def counted(snapshot: Snapshot, *, short: bool) -> Counter[tuple[Any, ...]]:
    """How many goroutines have this state, these minutes and this stack; ``short``: last elements of packages only."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in snapshot.counted_rows.iter_rows(named=True):
        stack = snapshot.stacks[row["stack_id"]]
        frames = tuple(_place(frame, short=short) for frame in stack.frames)
        creator = _place(stack.created_by, short=short) if stack.created_by else None
        found[row["wait_reason"], row["wait_minutes"], row["locked"], frames, creator] += row["count"]
    return found


def _place(frame: Frame, *, short: bool) -> tuple[str, str, int]:
    function = re.sub(r"^(?:[^(/]*/)+", "", frame.function) if short else frame.function
    return function, frame.file.rpartition("/")[2], frame.line


@pytest.mark.parametrize("name", sorted(TRUTH["goroutines"]))
def test_all_goroutines_are_counted(name: str) -> None:
    """Each fixture holds as many goroutines as were counted by hand."""
    found = only((FOLDER / name).read_bytes())
    assert found.format == "grouped-stacks"
    assert found.total == TRUTH["goroutines"][name]
    assert found.complete


@pytest.mark.parametrize("name", OF_POOL)
def test_a_list_holds_the_goroutines_of_its_dump(name: str) -> None:
    """States, minutes, stacks and creators are those of the dump that was grouped."""
    found, dump = only((FOLDER / name).read_bytes()), only(DUMP.read_bytes())
    short = name.startswith("pp")
    assert counted(found, short=short) == counted(dump, short=short)
    states: Counter[str] = Counter()
    for (state,), count in found.counts_by("wait_reason").items():
        states[state] += count
    assert states == TRUTH["pool_minutes"]["states"]


def test_all_listed_ids_are_goroutines_of_their_own() -> None:
    """goroutine-inspect lists all ids of a stack."""
    found, dump = only((FOLDER / "inspect.txt").read_bytes()), only(DUMP.read_bytes())
    assert found.counts is None
    assert sorted(found.rows["goroutine_id"].to_list()) == sorted(dump.rows["goroutine_id"].to_list())


def test_ids_that_are_left_out_are_counted() -> None:
    """`3 times: [20,21,...]` is goroutine 20, goroutine 21, and one more."""
    found = only((FOLDER / "inspect_cut.txt").read_bytes())
    group = found.counted_rows.filter(found.counted_rows["wait_reason"] == "sync.Mutex.Lock")
    assert group["goroutine_id"].to_list() == [20, 21, None]
    assert group["count"].to_list() == [1, 1, 1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("goroutine 461 [select, 14 minutes]: 820 times: [461,...]", Group(820, "[select, 14 minutes]", (461,), 461)),
        ("goroutine 461 [select]: 820 times: [[461, 462]", Group(820, "[select]", (461, 462), 461)),
        ("goroutine 5 [select]: 1 times: [[5]]", Group(1, "[select]", (5,), 5)),
        ("goroutine 5 [select]: 3 times: [5, 6, …]", Group(3, "[select]", (5, 6), 5)),
        ("48 goroutines [semacquire, 4 minutes]:", Group(48, "[semacquire, 4 minutes]")),
        ("1 goroutine [running]:", Group(1, "[running]")),
        ("12 goroutines in state [select]", Group(12, "[select]")),
        ("goroutine 5 [select]: (48 times)", Group(48, "[select]", (), 5)),
        ("goroutine 5 [select]: x48", Group(48, "[select]", (), 5)),
        ("goroutine 5 [select]: (x48)", Group(48, "[select]", (), 5)),
        ("goroutine 5 [select]:", None),
        ("48 goroutines", None),
    ],
)  # fmt: skip
def test_headers_of_groups(line: str, expected: Group | None) -> None:
    """What people and tools write above one stack of many."""
    assert grammar.read_group(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1: running", Bucket(1, "running")),
        ("48: semacquire [4~14 minutes] [locked]", Bucket(48, "semacquire", 4, locked=True)),
        ("2: chan receive (nil chan) [3 minutes] [Created by main.main @ main.go:12]",
         Bucket(2, "chan receive (nil chan)", 3, created_by=Frame("main.main", "main.go", 12))),
        ("7: running [Created by main.main @ /a b/main.go:12] Race write @ 0xc00001c0a8",
         Bucket(7, "running", created_by=Frame("main.main", "/a b/main.go", 12), is_id=True)),
        ("7: 8", None),
    ],
)  # fmt: skip
def test_headers_of_panicparse(line: str, expected: Bucket | None) -> None:
    """State, range of minutes, thread, creator; in a race the number is an id."""
    assert grammar.read_bucket(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("main    main.go:31 f(0x1)", ("main.f", "main.go")),
        ("http    server.go:3086 (*Server).Serve(#1, {#2, 0})", ("http.(*Server).Serve", "server.go")),
        ("http    /usr/local/go/src/net/http/server.go:3 (*conn).serve(...)",
         ("net/http.(*conn).serve", "/usr/local/go/src/net/http/server.go")),
        ("yaml.v3 /go/pkg/mod/gopkg.in/yaml.v3@v3.0.1/a.go:3 Do()",
         ("gopkg.in/yaml.v3.Do", "/go/pkg/mod/gopkg.in/yaml.v3@v3.0.1/a.go")),
        ("azure   /go/pkg/mod/github.com/!azure/azure@v1.2.3/a.go:3 Do()",
         ("github.com/Azure/azure.Do", "/go/pkg/mod/github.com/!azure/azure@v1.2.3/a.go")),
        ("sync    runtime/sema.go:95 runtime_SemacquireMutex(0, 0, 0)",
         ("sync.runtime_SemacquireMutex", "runtime/sema.go")),
    ],
)  # fmt: skip
def test_calls_of_panicparse(line: str, expected: tuple[str, str]) -> None:
    """Whole import paths where the file's name proves them, the last element otherwise."""
    found = grammar.read_call(line)
    assert found is not None
    assert (found.function, found.file) == expected


def test_why_the_process_died_is_kept() -> None:
    """Panicparse lets the message above the stacks through."""
    assert only((FOLDER / "pp_panic.txt").read_bytes()).cause == "panic: E42: disk on fire"
    assert only((FOLDER / "pp_deadlock.txt").read_bytes()).cause == "fatal error: all goroutines are asleep - deadlock!"


@pytest.mark.parametrize("name", ["pp.txt", "inspect.txt", "by_hand.txt"])
@pytest.mark.parametrize("lead", ["    ", "> ", "\t"])
def test_quoted_and_indented_texts(name: str, lead: str) -> None:
    """Pasted texts are the same texts."""
    text = (FOLDER / name).read_text()
    found = only("It hangs:\n\n" + "".join(f"{lead}{line}\n" for line in text.splitlines()) + "\nAny idea?\n")
    assert counted(found, short=True) == counted(only(text), short=True)


def test_text_around_a_list_is_not_read() -> None:
    """A list in an issue, with a dump behind it."""
    text = "Stuck since 9:\n\n" + (FOLDER / "pp_aggressive.txt").read_text() + "\nThanks!\n\n" + DUMP.read_text()
    found = formats.read(text.encode(), where="test")
    assert [(snapshot.format, snapshot.total) for snapshot in found] == [("grouped-stacks", 14), ("goroutine-text", 14)]


def test_a_lost_frame_of_panicparse_is_said() -> None:
    """A damaged call costs its frame."""
    text = (FOLDER / "pp_deadlock.txt").read_text().replace("main.go:79  deadlock()", "main.go:79  deadlo")
    found = only(text)
    assert found.total == 2
    assert not found.complete
    assert [stack.elided for stack in found.stacks] == [None, 0]


def test_more_ids_than_goroutines() -> None:
    """The count wins over the list of ids, and a note says so."""
    found = only("goroutine 5 [select]: 2 times: [[5, 6, 7]\nmain.f()\n\t/src/f.go:1 +0x1\n")
    assert found.rows["goroutine_id"].to_list() == [5, 6]
    assert [problem.reason for problem in found.problems] == ["3 ids are listed for 2 goroutines"]


def test_more_goroutines_than_a_process_has() -> None:
    """A count beyond the limit is not read, and known to be missing."""
    found = only(
        "999999999 goroutines [select]:\nmain.f()\n\t/src/f.go:1 +0x1\n\n2 goroutines [select]:\nmain.g()\n\t/g.go:1\n"
    )
    assert found.total == 2
    assert not found.complete


def test_spans_of_hostile_texts_are_found_in_one_scan() -> None:
    """Long lines and many near-misses: nothing hangs."""
    for data in (
        b"1: running\n    " + b"x" * (1 << 20),
        b"1: running\n" * 100_000,
        b"goroutine 1 [select]: 8 times: [" + b"1," * 500_000,
        b"48 goroutines [select]:\n" + b"main.f(" * 200_000,
        b"48 goroutines [\n" * 100_000,
    ):
        grouped_stacks.spans(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(["pp_aggressive.txt", "inspect_cut.txt", "by_hand.txt", "pp_panic.txt"]).flatmap(
    lambda name: mangled((FOLDER / name).read_text()[:6000])
))  # fmt: skip
def test_mangled_texts(data: bytes) -> None:
    """Whatever happens to a text, what is read of it holds together."""
    invariants.check_tool(grouped_stacks, data)


def test_a_list_behind_damage_says_why_it_is_incomplete() -> None:
    """Found by the fuzzer: a message begins above the list, whose goroutines may be part of it."""
    data = (
        b"goroutine 1 [running]acks(\n\tx.go:819 +0x6b\nruntime/pprof.write\xff, locked\npanic: E4goro\n"
        b"main.main()\n\t/main.go:153 +0x297\n\ngoroutine 20 [select, 2 minutes]: 3 times: [[20, 21, 24]\n"
        b"main.f(0x1)\n\t/f.go:71 +0x1\n"
    )
    invariants.check_tool(grouped_stacks, data)
