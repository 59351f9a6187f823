"""Logs around the reports of other tools: what a collector added is gone, and a bare report stays as it is."""

from __future__ import annotations

from typing import Final

import pytest
import wrapping

from helpers import FIXTURES
from stackscan.formats.members import read_member
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Member
from stackscan.sources.logs import unwrap

TEXTS: Final = {
    "race detector": """\
==================
WARNING: DATA RACE
Write at 0x00c000012345 by goroutine 8:
  main.set()
      /src/x.go:12 +0x44

Previous read at 0x00c000012345 by goroutine 7:
  main.get()
      /src/x.go:18 +0x44
==================
Found 1 data race(s)""",
    "goleak": """\
--- FAIL: TestWatch (0.45s)
    leak_test.go:30: found unexpected goroutines:
        [Goroutine 20 in state chan receive, with cart.watch on top of the stack:
        cart.watch(0xc00012)
        \t/src/cart/watch.go:12 +0x1e
        created by cart.Start in goroutine 19
        \t/src/cart/watch.go:9 +0x5f
        ]
FAIL""",
    "goleak of a package": """\
goleak: Errors on successful test run: found unexpected goroutines:
[Goroutine 20 in state chan receive, with cart.watch on top of the stack:
cart.watch(0xc00012)
\t/src/cart/watch.go:12 +0x1e
]""",
    "go-deadlock": """\
POTENTIAL DEADLOCK:
Previous place where the lock was grabbed
goroutine 5 lock 0xc0000
x.go:12 main.f { s.mu.Lock() } <<<<<""",
    "Delve": """\
* Goroutine 1 - User: ./main.go:31 main.work (0x7ff6923bf83f) (thread 123) [chan receive 31m13.6s]
  Goroutine 2 - User: /usr/local/go/src/runtime/proc.go:364 runtime.gopark (0x43c3e5) [force gc (idle)]
[2 goroutines]""",
    "gRPC": """\
    end_test.go:1388: Leaked goroutine: goroutine 91 [select]:
        cart.watch(0xc00012)
        \t/src/cart/watch.go:12 +0x1e""",
    "leaktest": """\
    leaktest.go:150: leaktest: leaked goroutine: goroutine 91 [select]:
        cart.watch(0xc00012)
        \t/src/cart/watch.go:12 +0x1e""",
    "equal goroutines": """\
48 goroutines [semacquire]:
main.f(0x1)
\t/src/x.go:12 +0x1e

2 goroutines [select]:
main.g(0x1)
\t/src/x.go:15 +0x1e""",
    "a crash without goroutines": "panic: boom [recovered]\n\tpanic: again\nexit status 2",
    "a logger's stack": """\
ERROR\tcannot load
main.handle
\t/src/main.go:72
main.main
\t/src/main.go:56""",
}
#: Wrappers that put something before each line, whatever the line is.
PREFIXES: Final = (
    "journalctl", "journalctl -o short-iso", "RFC 5424", "docker logs -t", "GitHub Actions", "docker compose", "CRI",
    "kubectl --prefix", "mail", "comment", "klog", "ANSI colours",
)  # fmt: skip
#: Wrappers that make a record of each line, or of all; a crash alone and a bare stack are not looked for in these.
RECORDS: Final = (
    "journalctl -o json",
    "docker json-file",
    "go test -json",
    "JSON msg",
    "JSON document of lines",
    "logfmt",
)
ALONE: Final = ("a crash without goroutines", "a logger's stack")


def kept(wrapped: bytes, lines: list[str]) -> bool:
    """Whether a piece of a log has all lines of a text, in order."""
    wanted = [line.strip() for line in lines if line.strip()]
    found = unwrap(wrapped)
    pieces = [[line.strip() for line in piece.text.decode().split("\n")] for piece in found.pieces] if found else []
    return any([line for line in piece if line in wanted] == wanted for piece in pieces)


@pytest.mark.parametrize("name", sorted(TEXTS))
@pytest.mark.parametrize("wrapper", PREFIXES)
def test_a_prefix_is_taken_off_every_tools_report(name: str, wrapper: str) -> None:
    """Its lines come out whole and in order."""
    lines = TEXTS[name].split("\n")
    assert kept(wrapping.WRAPS[wrapper](lines), lines)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - set(ALONE)))
@pytest.mark.parametrize("wrapper", RECORDS)
def test_records_are_opened_for_every_tools_report(name: str, wrapper: str) -> None:
    """Line by line, and in one string."""
    lines = TEXTS[name].split("\n")
    assert kept(wrapping.WRAPS[wrapper](lines), lines)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_bare_report_stays_as_it_is(name: str) -> None:
    """Nothing is around it."""
    assert unwrap(TEXTS[name].encode()) is None
    indented = "".join(f"    {line}\n" for line in TEXTS[name].split("\n"))
    assert unwrap(indented.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z we saw a POTENTIAL DEADLOCK: in the docs\n",
        "the panic: page\nsays nothing\n",
        "a panic: b\nc panic: d\n",
        '{"msg":"panic: boom","stacktrace":"main.f\\n\\t/src/x.go:12\\nmain.main\\n\\t/src/x.go:9"}\n',
        "x\t/src/x.go:12\ny\n",
    ],
)
def test_words_about_tools_wrap_nothing(text: str) -> None:
    """What follows has nothing in common with what stands before them."""
    assert unwrap(text.encode()) is None


# -- strace ------------------------------------------------------------------------------------------------------------

STRACE: Final = FIXTURES / "tools" / "strace"
#: Frames of the goroutines in the order of the text, counted by hand: main, who waits for the lock, who sends.
DEADLOCK: Final = [6, 5, 1]


def traced(name: str) -> tuple[Member, Snapshot]:
    """The only dump in a trace."""
    ((member, (snapshot,)),) = read_member(Member("x", None, (STRACE / name).read_bytes()))
    assert member.wrapper == ("strace",)
    return member, snapshot


@pytest.mark.parametrize("name", ["deadlock.txt", "deadlock_futex.txt", "deadlock_times.txt"])
def test_a_trace_of_a_deadlock_has_its_dump(name: str) -> None:
    """With times, durations, names of files, other calls and threads."""
    member, snapshot = traced(name)
    assert member.stream.startswith("pid ")
    assert snapshot.complete
    assert snapshot.cause == "fatal error: all goroutines are asleep - deadlock!"
    assert snapshot.rows["wait_reason"].to_list() == ["sync.Mutex.Lock", "sync.Mutex.Lock", "chan send"]
    assert [len(snapshot.stacks[number].frames) for number in snapshot.rows["stack_id"]] == DEADLOCK
    lines = (STRACE / name).read_text(encoding="utf-8").split("\n")
    assert all('"goroutine "' in lines[line - 1] for line in snapshot.rows["line"])


def test_shortened_strings_are_said() -> None:
    """Strace shows 32 bytes of each unless -s says more."""
    _, snapshot = traced("deadlock_short.txt")
    assert not snapshot.complete
    assert snapshot.total == 3
    assert [problem.reason for problem in snapshot.problems if "-s 65536" in problem.reason] == [
        "strace shortened 3 strings to its -s bytes (32), so names are incomplete; trace with strace -f -s 65536"
    ]


@pytest.mark.parametrize("name", ["panic.txt", "panic_hex.txt", "panic_mixed.txt"])
def test_a_trace_of_a_panic_has_its_message(name: str) -> None:
    """With octal and hexadecimal escapes, and the program's own output among the lines."""
    _, snapshot = traced(name)
    assert snapshot.message == ('panic: "Müller"\tis no cart',)
    assert snapshot.complete
    assert [len(stack.frames) for stack in snapshot.stacks] == [1]


@pytest.mark.parametrize(
    "line",
    [
        '1234/0x5678:  write(0x2, "goroutine 7 [running]:\\nmain.f(0x1)\\n\\t/x.go:1 +0x1\\n\\0", 0x7)\t\t = 49 0',
        'write(2,"goroutine 7 [running]:\\nmain.f(0x1)\\n\\t/x.go:1 +0x1\\n",49)\t = 49 (0x31)',
        'writev(2, [{iov_base="goroutine 7 [runn"}, {iov_base="ing]:\\nmain.f(0x1)\\n\\t/x.go:1 +0x1\\n"}], 2) = 49',
        '[pid 1] 12:00:00.1 write(2, "goroutine 7 [running]:\\nmain.f(0x1)\\n\\t/x.go:1 +0x1\\n", 49 <unfinished ...>',
    ],
)
def test_other_tracers_and_calls(line: str) -> None:
    """truss, dtruss, writev, calls that another thread interrupts."""
    found = unwrap(line.encode() + b"\n")
    assert found is not None
    assert found.pieces[0].text == b"goroutine 7 [running]:\nmain.f(0x1)\n\t/x.go:1 +0x1\n"


def test_writes_that_are_repeated_count_once() -> None:
    """A part that is written again, and a call that did nothing."""
    text = (
        b'write(2, "goroutine 7 [running]:\\nmain.f(0x1)\\n", 35) = -1 EAGAIN (Resource temporarily unavailable)\n'
        b'write(2, "goroutine 7 [running]:\\nmain.f(0x1)\\n", 35) = 23\n'
        b'write(2, "main.f(0x1)\\n", 12) = 12\n'
    )
    found = unwrap(text)
    assert found is not None
    assert found.pieces[0].text == b"goroutine 7 [running]:\nmain.f(0x1)\n"
