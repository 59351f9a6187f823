"""What damage costs: what it touches, never the file, and it is always reported."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackscan.errors import UnsupportedFormatError
from stackscan.formats import goroutine_text
from stackscan.model.snapshot import Snapshot

MAIN = "goroutine 1 [chan receive]:\nmain.main()\n\t/src/main.go:10 +0x1d\n"
WORKER = (
    "goroutine 7 [select, 3 minutes]:\nmain.(*Pool).run(0xc000012345, {0x1, 0x2?})\n\t/src/pool.go:20 +0x2d\n"
    "main.work(...)\n\t/src/pool.go:31\ncreated by main.start in goroutine 1\n\t/src/pool.go:9 +0x3d\n"
)


def read(text: str) -> list[Snapshot]:
    """The snapshots of a text."""
    return goroutine_text.read(text.encode("utf-8", "surrogateescape"))


def only(text: str) -> Snapshot:
    """The one snapshot of a text."""
    (snapshot,) = read(text)
    return snapshot


def ids(snapshot: Snapshot) -> list[int]:
    """Goroutine ids in the order of the dump."""
    return snapshot.goroutines["goroutine_id"].to_list()


def functions(snapshot: Snapshot, goroutine_id: int) -> tuple[str, ...]:
    """The functions on one goroutine's stack."""
    row = ids(snapshot).index(goroutine_id)
    return snapshot.stacks[snapshot.goroutines["stack_id"][row]].functions


def reasons(snapshot: Snapshot) -> list[str]:
    """Why the problems are problems."""
    return [problem.reason for problem in snapshot.problems]


def test_a_whole_dump_has_no_problem() -> None:
    """Two goroutines, nothing to report."""
    snapshot = only(f"{MAIN}\n{WORKER}")
    assert [1, 7] == ids(snapshot)
    assert snapshot.complete
    assert snapshot.problems == ()
    assert snapshot.goroutines["line"].to_list() == [1, 5]
    assert snapshot.goroutines["creator_id"].to_list() == [None, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\t", "        "),
        lambda text: text.replace("\t", ""),
        lambda text: text.replace("\n", " \t\n"),
        lambda text: re.sub("(?m)^", "    ", text),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("\n\n", "\n\0\n\n"),
        lambda text: text.replace("+0x", "&#43;0x"),
    ],
    ids="crlf bom tabs-as-blanks no-tabs trailing-blanks indented no-blank-lines double-spaced nul html".split(),
)
def test_copies_that_changed_only_white_space_read_the_same(change: object) -> None:
    """Chat, e-mail, editors, Windows and web pages change white space; the goroutines stay what they are."""
    original = f"{MAIN}\n{WORKER}\n{WORKER.replace('goroutine 7', 'goroutine 8')}"
    changed = only(change(original))  # type: ignore[operator]
    plain = only(original)
    assert ids(plain) == ids(changed)
    assert plain.stacks == changed.stacks
    assert changed.complete


def test_an_unknown_attribute_is_kept_and_costs_nothing() -> None:
    """The header evolves with every Go release."""
    snapshot = only("goroutine 3 [select (warmed), frozen, 4 minutes]:\nmain.f()\n\t/x.go:1 +0x1\n")
    row = snapshot.goroutines.row(0, named=True)
    assert (3, 4) == (row["goroutine_id"], row["wait_minutes"])
    assert "frozen" in row["attributes"]


def test_a_torn_header_keeps_its_goroutine() -> None:
    """A log line inside the header: state unknown, stack read, reported."""
    text = 'goroutine 3 [chan receive{"level":"info"}\n]:\nmain.f()\n\t/x.go:1 +0x1\nmain.main()\n\t/x.go:2 +0x1\n'
    snapshot = only(text + "\n" + MAIN)
    assert [3, 1] == ids(snapshot)
    assert snapshot.goroutines["wait_reason"].to_list() == [None, "chan receive"]
    assert ("main.f", "main.main") == functions(snapshot, 3)
    assert any("header" in reason for reason in reasons(snapshot))
    assert snapshot.complete


def test_a_header_torn_after_its_first_word_is_put_together() -> None:
    """`goroutine LOG LINE`, then `7 [select]:`."""
    snapshot = only(f"{MAIN}\ngoroutine 2026-05-01 INFO tick\n7 [select]:\n" + WORKER.split("\n", 1)[1])
    assert [1, 7] == ids(snapshot)
    assert ("main.(*Pool).run", "main.work") == functions(snapshot, 7)
    assert any("split by other output" in reason for reason in reasons(snapshot))


def test_a_header_behind_other_text_is_found() -> None:
    """A program printed without a newline before it dumped its stacks."""
    snapshot = only(f"dumping all stacks{MAIN}\n{WORKER}")
    assert [1, 7] == ids(snapshot)
    assert snapshot.complete


def test_log_lines_inside_a_stack_are_set_aside_and_reported() -> None:
    """Other writers share stderr; the frames around their lines are kept."""
    text = WORKER.replace("main.work(...)", "2026/05/01 12:00:00 tick\nmain.work(...)")
    snapshot = only(f"{MAIN}\n{text}")
    assert ("main.(*Pool).run", "main.work") == functions(snapshot, 7)
    assert ["other text inside the stack"] == reasons(snapshot)
    assert snapshot.problems[0].line == 8
    assert snapshot.problems[0].excerpt == "2026/05/01 12:00:00 tick"


def test_a_call_torn_by_a_log_line_keeps_its_name() -> None:
    """The arguments are lost, the frame is not."""
    text = WORKER.replace("{0x1, 0x2?})", '{0x1, {"level":"info"}\n0x2?})')
    snapshot = only(f"{MAIN}\n{text}")
    assert ("main.(*Pool).run", "main.work") == functions(snapshot, 7)
    assert any("split by other output" in reason for reason in reasons(snapshot))


def test_a_lost_location_leaves_the_function() -> None:
    """Rate-limited logs lose lines: the call is still known, and where it stands is not."""
    snapshot = only(MAIN + "\n" + WORKER.replace("\t/src/pool.go:20 +0x2d\n", ""))
    assert ("main.(*Pool).run", "main.work") == functions(snapshot, 7)
    assert any("without its location" in reason for reason in reasons(snapshot))


def test_a_lost_function_line_is_reported() -> None:
    """A location alone names no function."""
    snapshot = only(MAIN + "\n" + WORKER.replace("main.work(...)\n", ""))
    assert ("main.(*Pool).run",) == functions(snapshot, 7)
    assert any("without its function" in reason for reason in reasons(snapshot))


def test_a_lost_header_is_a_lost_goroutine() -> None:
    """Its frames belong to nobody: the dump is not complete, and the problem says where."""
    snapshot = only(f"{MAIN}\n" + WORKER.split("\n", 1)[1])
    assert [1] == ids(snapshot)
    assert not snapshot.complete
    assert any("lost" in reason for reason in reasons(snapshot))
    assert snapshot.problems[0].line == 5


def test_a_text_that_begins_inside_a_goroutine_is_not_complete() -> None:
    """`tail`, log rotation, Kubernetes termination messages."""
    for begin in ("\t/src/x.go:12 +0x1a\n", "main.f(0x1)\n\t/src/x.go:12 +0x1a\n", "rc/x.go:12 +0x1a\n", "0x1a\n"):
        snapshot = only(f"{begin}\n{MAIN}")
        assert [1] == ids(snapshot)
        if begin[0] != "\t":
            assert not snapshot.complete, begin


@pytest.mark.parametrize(
    "end",
    [
        "gorout",
        "goroutine 7",
        "goroutine 7 [sel",
        "goroutine 7 [select]:",
        "goroutine 7 [select]:\n",
        "goroutine 7 [select]:\nmain.f(0x",
        "goroutine 7 [select]:\nmain.f(0x1)",
        "goroutine 7 [select]:\nmain.f(0x1)\n",
        "goroutine 7 [select]:\nmain.f(0x1)\n\t/src/x.g",
        "goroutine 7 [select]:\nmain.f(0x1)\n\t/src/x.go:12",
        "goroutine 7 [select]:\nmain.f(0x1)\n\t/src/x.go:12 +0x1a\ncreated by ma",
        "goroutine 7 [select]:\nmain.f(0x1)\n\t/src/x.go:12 +0x1a\ncreated by main.g in goroutine 1\n\t/x.go:3",
    ],
)
def test_a_cut_end_is_seen(end: str) -> None:
    """Wherever the file ends inside a goroutine, it is not complete; the goroutines before it are whole."""
    snapshot = only(f"{MAIN}\n{WORKER}\n".replace("goroutine 7", "goroutine 5") + end)
    assert [1, 5] == ids(snapshot)[:2]
    assert not snapshot.complete
    assert any("cut" in reason for reason in reasons(snapshot))


def test_a_stripped_last_newline_is_no_cut() -> None:
    """Clipboards and `$(…)` take the last newline off."""
    assert only(f"{MAIN}\n{WORKER}".rstrip("\n")).complete
    assert only(f"{WORKER}\n{MAIN}".rstrip("\n")).complete
    assert only(f"{MAIN}\nexit status 2").complete


def test_pprofs_limit_is_named() -> None:
    """net/http/pprof ends a debug=2 dump at exactly 64 MiB, in the middle of a token."""
    filler = "x" * 100 + "\n"
    head = f"{MAIN}\n{WORKER}\n"
    body = head + filler * ((64 << 20) // len(filler))
    snapshot = only(body[: (64 << 20) - len("\ngoroutine 9 [sel")] + "\ngoroutine 9 [sel")
    assert not snapshot.complete
    assert any("64 MiB" in reason for reason in reasons(snapshot))


# -- several dumps in one text ---------------------------------------------------------------------------------------


def test_a_repeated_id_starts_another_snapshot() -> None:
    """Two dumps of one process in one file: each is a snapshot of its own, with its own problems."""
    first = f"{MAIN}\n{WORKER}"
    second = (
        "goroutine 99 [running]:\nmain.dump()\n\t/src/dump.go:5 +0x1\nmain.main()\n\t/src/main.go:7 +0x1\n\n" + first
    )
    snapshots = read(first + second)
    assert [[1, 7], [99, 1, 7]] == [ids(snapshot) for snapshot in snapshots]
    assert all(snapshot.complete for snapshot in snapshots)


def test_a_panic_line_belongs_to_the_dump_below_it() -> None:
    """Each snapshot knows why it was printed."""
    text = f"panic: first\n\n{MAIN}\nexit status 2\nSIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\n{MAIN}"
    assert ["panic: first", "SIGQUIT: quit"] == [snapshot.cause for snapshot in read(text)]


def test_a_goroutine_listed_twice_by_crash_is_counted_once() -> None:
    """GOTRACEBACK=crash lists each thread after a rule; the listing that has a stack is kept."""
    running = "goroutine 5 gp=0xc1 m=3 mp=0xc2 [running]:\n"
    away = (
        running
        + "\tgoroutine running on other thread; stack unavailable\n"
        + "created by main.main in goroutine 1\n\t/x.go:3 +0x1\n"
    )
    there = running + "main.spin()\n\t/src/spin.go:3 +0x1\ncreated by main.main in goroutine 1\n\t/x.go:3 +0x1\n"
    zero = "goroutine 0 gp=0x{} m=0 mp=0x58c760 [idle]:\nruntime.futex()\n\t/futex.s:5 +0x1\n"
    snapshot = only(f"SIGQUIT: quit\n\n{zero.format(1)}\n{away}\n-----\n\nSIGQUIT: quit\n\n{zero.format(2)}\n{there}")
    assert [0, 0, 5] == ids(snapshot)
    assert ("main.spin",) == functions(snapshot, 5)
    assert any("twice" in reason for reason in reasons(snapshot))
    assert snapshot.header_lines == 4


def test_a_goroutine_inside_a_panic_message_is_not_counted() -> None:
    """Up to Go 1.22 a message of several lines is printed raw and may hold what looks like a goroutine."""
    fake = "goroutine 999 [running]:\nmain.fake(0x1)\n\t/fake/file.go:1 +0x1\n"
    real = MAIN.replace("chan receive", "running")
    snapshot = only(f"panic: line one\nline two\n\n{fake}\n{real}")
    assert [1] == ids(snapshot)
    assert any("part of the panic message" in reason for reason in reasons(snapshot))
    assert snapshot.header_lines == 2


def test_ancestors_are_read_with_their_stacks() -> None:
    """GODEBUG=tracebackancestors=2."""
    text = (
        WORKER
        + "[originating from goroutine 1]:\nmain.start(...)\n\t/src/pool.go:9 +0x3d\n"
        + "created by main.main\n\t/x.go:1 +0x1\n"
    )
    snapshot = only(f"{MAIN}\n{text}")
    (ancestor,) = snapshot.ancestors.iter_rows(named=True)
    assert (7, 1, 1) == (ancestor["goroutine_id"], ancestor["depth"], ancestor["ancestor_id"])
    assert ("main.start",) == snapshot.stacks[ancestor["stack_id"]].functions


def test_many_problems_of_a_kind_are_counted_not_listed() -> None:
    """A dump with a log line in each of ten thousand stacks must not make a report of ten thousand lines."""
    torn = WORKER.replace("main.work(...)", "log line\nmain.work(...)")
    text = "\n".join(torn.replace("goroutine 7", f"goroutine {number}") for number in range(2, 502))
    snapshot = only(text)
    assert len(snapshot.goroutines) == 500
    assert len(snapshot.problems) == 101
    assert "400 more" in snapshot.problems[-1].reason


# -- any damage at all -----------------------------------------------------------------------------------------------

LINES = [
    "goroutine 7 [select]:", "goroutine 8 [chan receive, 2 minutes] {a: b}:", "goroutine 9 gp=0x1 m=nil [sleep]:",
    "goroutine 18446744073709551616 [select]:", "goroutine 7 [sel", "main.f(0x1, {0x2?})", "main.(*T).g(...)",
    "main.main()",
    "\t/src/x.go:12 +0x1a", "\t/src/x.go:12", "\t<autogenerated>:1 +0x1", "created by main.f in goroutine 7",
    "created by main.f", "...5 frames elided...", "...additional frames elided...", "[originating from goroutine 3]:",
    "\tgoroutine running on other thread; stack unavailable", "panic: boom", "-----", "runtime stack:", "SIGQUIT: quit",
    "rax    0x0", "exit status 2", "2026/05/01 12:00:00 tick", '{"level":"info"}', "", "", "\0",
    "non-Go function at pc=0x1",
    "crosscall2", "\tpc=0x1", "7 [select]:", "goroutine ",
]  # fmt: skip


def headers(lines: Sequence[str]) -> int:
    """How many of the lines look like goroutine headers."""
    return sum(re.match(r"goroutine \d+ .*\[", line) is not None for line in lines)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=40), st.booleans())
def test_lines_in_any_order_lose_no_goroutine_silently(lines: list[str], terminated: bool) -> None:
    """Every header becomes a goroutine, or a problem says why it did not; the tables stay sound."""
    try:
        snapshots = read("\n".join(lines) + ("\n" if terminated else ""))
    except UnsupportedFormatError:  # lines in reverse order are refused as such
        return
    for snapshot in snapshots:
        snapshot.check_valid()
    found = sum(len(snapshot.goroutines) for snapshot in snapshots)
    explained = sum(len(snapshot.problems) for snapshot in snapshots)
    if found < headers(lines):
        assert explained
    most = headers(lines) + lines.count("7 [select]:")
    if not most:  # frames without any header are one goroutine, of which the header is missing
        assert found <= 1
        assert not found or not snapshots[0].complete
    else:
        assert found <= most


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_the_reader_fail(data: bytes) -> None:
    """Whatever follows a header, the reader ends with snapshots."""
    for snapshot in goroutine_text.read(MAIN.encode() + b"\n" + data):
        snapshot.check_valid()


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=len(MAIN) + len(WORKER)))
def test_a_cut_anywhere_keeps_what_stands_before_it(at: int) -> None:
    """The goroutines whose header stands before the cut are there."""
    text = f"{MAIN}\n{WORKER}"[:at]
    snapshots = read(text)
    assert headers(text.split("\n")) == sum(len(snapshot.goroutines) for snapshot in snapshots)
