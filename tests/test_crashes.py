"""Crashes: every way to die has its sentence, its goroutine and its frame; what was asked for is no crash."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES, goroutine, json_of
from stackscan.analysis.crashes.died import is_own
from stackscan.analysis.crashes.ending import of_message
from stackscan.analysis.finding import ENDINGS, Finding
from stackscan.errors import CatalogueError
from stackscan.formats.goroutine_text.reader import read
from stackscan.knowledge import crash
from stackscan.knowledge.crash import catalogue
from stackscan.model.snapshot import Frame
from stackscan.pipeline import examine
from stackscan.redaction import Redaction
from stackscan.redaction.vocabulary import message as redacted_message

GO = FIXTURES / "go"
KEY = bytes(32)


def crashes(path: Path, *, redacted: bool = False) -> list[Finding]:
    """The findings about how the processes of a file ended."""
    captures, _ = examine(str(path), redaction=Redaction(KEY) if redacted else None)
    return [finding for each in captures for finding in each.report.findings if finding.cause in ENDINGS]


def crash_of(tmp_path: Path, message: str, *blocks: str, state: str = "running") -> Finding | None:
    """The crash in a message above a goroutine in ``app.f``, or above others."""
    path = tmp_path / "dump.txt"
    text = "\n".join(blocks or (goroutine(7, ["app.f", "app.main"], state=state),))
    path.write_text(f"{message}\n\n{text}")
    return next(iter(crashes(path)), None)


# -- every kind, over real dumps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "rule", "title"),
    [
        ("nilderef", "nil-dereference", "goroutine 1 followed a nil pointer in main.(*record).depth (main.go:31)"),
        ("index", "index-out-of-range", "goroutine 1 used index 42 with length 3 in main.init.func2 (main.go:44)"),
        ("mapwrites", "concurrent-map-access", r".* wrote to a map in main.mapWrites.func1 \(main.go:\d+\) while .*"),
        ("unlock", "unlock-of-unlocked", r"goroutine 1 unlocked a mutex that was not locked in main.init.func\d+ .*"),
        ("stackoverflow", "stack-overflow", r".* main.overflow calls itself, [\d,]+ frames deep"),
        ("customerr", "panic", r"goroutine 1 panicked in main.init.func\d+ \(main.go:\d+\): E42: disk on fire"),
        ("typed", "panic", r"goroutine 1 panicked in .*: main.celsius\(.*\)"),
        ("nested", "panic", (r".* in main.nested \(main.go:\d+\): first, in the query; a deferred call then panicked "
         "with “second, while rolling back” and then “third, while closing”")),
        ("repanic", "panic", r".* in main.repanic .*: E7: thrown twice; a deferred call recovered it .*"),
        ("goexit", "panic", r"goroutine 1 panicked in .*: after Goexit"),
        ("http", "nil-map-write", (r".* wrote to a nil map in main.handlerPanic.func1 .*; net/http recovered "
         "it and the server went on")),
        ("multiline", "panic", "goroutine 1 panicked in .*: line one"),
    ],
)  # fmt: skip
def test_a_death_says_what_happened_and_where(path: str, rule: str, title: str) -> None:
    """In the words of its kind, with the first own frame of the goroutine that died."""
    found = crashes(GO / "go1.27" / f"panic_{path}.txt")[0]
    assert found.rule.name == rule
    assert found.title == title or re.fullmatch(title, found.title)
    assert (found.cause, found.confidence) == ("crash", "proved")
    assert found.severity == ("warning" if path == "http" else "error")
    assert found.steps[0].ids == found.goroutine_ids[:1]
    assert found.steps[0].frame is not None
    assert is_own(found.steps[0].frame)


@pytest.mark.parametrize("folder", sorted(path.name for path in GO.iterdir() if path.is_dir()))
def test_every_crash_of_every_toolchain_has_one_finding(folder: str) -> None:
    """Whatever the traceback level: one for each dump that a dying process wrote, and its verdict is the first line."""
    for path in sorted((GO / folder).glob("panic_*.txt")):
        asked = re.search(r"sigquit|debugstack|notifyquit|recovered", path.name)
        for each in examine(str(path))[0]:
            found = [finding for finding in each.report.findings if finding.cause in ENDINGS]
            ending = each.report.ending
            deadlock = "deadlock" in path.name
            assert len(found) == (0 if asked else 1) or (deadlock and not found), path.name
            if found:
                assert each.report.verdicts[0].text == (
                    found[0].title if found[0].cause != "crash" or not deadlock else each.report.verdicts[0].text
                )
            assert not any("process died" in verdict.text for verdict in each.report.verdicts), path.name
            assert asked is None or ending is None or ending.level == "info"


@pytest.mark.parametrize(
    ("message", "rule", "says"),
    [
        ("panic: runtime error: index out of range [-1]", "index-out-of-range", "used the negative index -1"),
        ("panic: runtime error: index out of range", "index-out-of-range", "used an index that is out of range"),
        ("panic: runtime error: slice bounds out of range [:9] with capacity 3", "slice-out-of-range", "up to 9 with"),
        ("panic: runtime error: slice bounds out of range [3:1]", "slice-out-of-range", "[3:1], which ends before"),
        ("panic: runtime error: slice bounds out of range [-2:]", "slice-out-of-range", "sliced from -2"),
        ("panic: runtime error: cannot convert slice with length 2 to array or pointer to array with length 4",
         "slice-out-of-range", "a slice of length 2 into an array of length 4"),
        ("panic: runtime error: integer divide by zero", "integer-divide-by-zero", "divided an integer by zero"),
        ("panic: runtime error: negative shift amount", "negative-shift", "shifted by a negative count"),
        ("panic: runtime error: makeslice: len out of range", "invalid-length", "an impossible size (makeslice)"),
        ("panic: runtime error: unsafe.Slice: len out of range", "invalid-length", "an impossible size (unsafe.Slice)"),
        ("panic: assignment to entry in nil map", "nil-map-write", "wrote to a nil map"),
        ("panic: interface conversion: interface {} is int, not string", "type-assertion",
         "asserted type string, but the interface holds int"),
        ("panic: interface conversion: interface {} is nil, not string", "type-assertion", "but the interface is nil"),
        ("panic: interface conversion: app.T is not app.I: missing method Do", "type-assertion", "has no method Do"),
        ("panic: close of closed channel", "close-of-closed-channel", "closed a channel that is closed already"),
        ("panic: close of nil channel", "close-of-nil-channel", "closed a nil channel"),
        ("panic: send on closed channel", "send-on-closed-channel", "sent on a closed channel"),
        ("panic: sync: negative WaitGroup counter", "negative-waitgroup", "called Done more often than Add counted"),
        ("panic: sync: WaitGroup misuse: Add called concurrently with Wait", "waitgroup-misuse", "at the same time"),
        ("panic: sync: WaitGroup is reused before previous Wait has returned", "waitgroup-misuse", "reused"),
        ("fatal error: sync: Unlock of unlocked RWMutex", "unlock-of-unlocked", "unlocked an RWMutex that was not"),
        ("fatal error: sync: RUnlock of unlocked RWMutex", "unlock-of-unlocked", "called RUnlock"),
        ("panic: sync: unlock of unlocked mutex", "unlock-of-unlocked", "unlocked a mutex"),
        ("fatal error: concurrent map read and map write", "concurrent-map-access", "read a map in app.f"),
        ("fatal error: concurrent map iteration and map write", "concurrent-map-access", "ranged over a map"),
        ("runtime: out of memory: cannot allocate 268435456-byte block (540704768 in use)\nfatal error: out of memory",
         "out-of-memory", "asked for 256 MiB in app.f (x.go:10) while 516 MiB were in use"),
        ("runtime: program exceeds 10000-thread limit\nfatal error: thread exhaustion", "thread-exhaustion",
         "more than 10,000 threads"),
        ("runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x1 m=0 sigcode=0",
         "thread-exhaustion", "refused a new thread: Resource temporarily unavailable"),
        ("runtime: failed to create new OS thread (have 5 already; errno=11)\nfatal error: newosproc",
         "thread-exhaustion", "the program had 5 (errno 11)"),
        (("fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1 "
         "addr=0x0 pc=0x1]"), "signal-in-runtime", "SIGSEGV (segmentation violation) inside the Go runtime in app.f"),
        (("unexpected fault address 0xdead000\nfatal error: fault\n[signal SIGBUS: bus error code=0x2 addr=0xdead000 "
         "pc=0x1]"), "invalid-address", "used the invalid address 0xdead000"),
        ("SIGBUS: bus error\nPC=0x1 m=0 sigcode=2 addr=0x7f00", "fatal-signal", "SIGBUS (bus error) ended the process"),
        ("SIGABRT: abort\nPC=0x1 m=0 sigcode=18446744073709551610", "fatal-signal", "raised by the process itself"),
        ("SIGFPE: floating-point exception\nPC=0x1 m=0 sigcode=1", "fatal-signal", "SIGFPE (floating-point exception)"),
        ("Exception 0xc0000005 0x0 0x10 0x7ff", "fatal-signal", "Exception 0xc0000005 (access violation)"),
        ("SIGSEGV: segmentation violation\nPC=0x1 m=3 sigcode=1 addr=0x8\nsignal arrived during cgo execution",
         "crash-in-c", "SIGSEGV (segmentation violation) in C code, called by goroutine 7 in app.f"),
        ("runtime: morestack on g0, stack [0x1 0x2]\nSIGTRAP: trace trap\nPC=0x1 m=0 sigcode=128", "morestack-on-g0",
         "the stack of g0"),
        ("fatal: morestack on gsignal\nSIGTRAP: trace trap", "morestack-on-g0", "the stack of gsignal"),
        ("runtime: unexpected return pc for app.g called from 0xdead\nfatal error: unknown caller pc",
         "unexpected-return-pc", "(0xdead) was found on a stack, below app.g"),
        (("runtime: pointer 0xc000 to unallocated span\nfatal error: found bad pointer in Go heap (incorrect use of "
         "unsafe or cgo?)"), "bad-pointer", "found a bad pointer"),
        ("fatal error: checkptr: misaligned pointer conversion", "checkptr", "misaligned pointer conversion"),
        ("panic: unaligned 64-bit atomic operation", "unaligned-atomic", "an unaligned 64-bit atomic value"),
        ("panic: runtime error: hash of unhashable type []int", "unhashable-key", "used type []int as a map key"),
        ("panic: runtime error: comparing uncomparable type map[string]int", "uncomparable-values", "map[string]int"),
        ("panic: panic called with nil argument (use GODEBUG=panicnil=1 to disable)", "panic-nil", "called panic(nil)"),
        ("panic: nil", "panic-nil", "called panic(nil)"),
        ("fatal error: panic while printing panic value: boom", "panic-while-printing", "the method that should print"),
        ("panic: deadlock: main bubble goroutine has exited but blocked goroutines remain", "synctest-deadlock",
         "the test returned while goroutines of its synctest bubble were still blocked"),
        ("panic: Log in goroutine after TestX has completed: hello", "log-after-test", "t.Log after TestX had ended"),
        ("panic: runtime error: cgo argument has Go pointer to unpinned Go pointer", "cgo-pointer", "rules of cgo"),
        ("panic: runtime error: something new", "panic", "panicked in app.f (x.go:10): runtime error: something new"),
        ("fatal error: something new", "fatal-error", "the Go runtime stopped the program: something new"),
    ],
)  # fmt: skip
def test_what_the_runtime_says_has_a_kind(tmp_path: Path, message: str, rule: str, says: str) -> None:
    """Of messages that no fixture has."""
    found = crash_of(tmp_path, message)
    assert found is not None
    assert found.rule.name == rule
    assert says in found.title
    assert "$" not in found.title


@given(index=st.integers(0, 10**15), length=st.integers(0, 10**15))
def test_numbers_of_a_message_are_told(index: int, length: int) -> None:
    """Whatever they are."""
    kind = next(kind for kind in catalogue() if kind.name == "index-out-of-range")
    says = kind.says(f"panic: runtime error: index out of range [{index}] with length {length}")
    assert says is not None
    assert says[1] == {"index": str(index), "length": str(length)}


@given(st.text(st.characters(blacklist_characters="\n\r"), max_size=80))
def test_a_value_that_quotes_the_runtime_is_still_the_programs_own(value: str) -> None:
    """What a program panics with decides nothing but by the runtime's own words at its beginning."""
    ending = of_message([f"panic: app: {value}", f"\tfatal error: {value}"])
    assert ending is not None
    assert ending.lines == (f"panic: {ending.panics[0].value}",)
    assert next(kind for kind in catalogue() if kind.says(ending.lines[0])).name == "panic"


def test_every_kind_is_complete() -> None:
    """A sentence has no place that nothing fills; the last kind fits every message."""
    assert len(catalogue()) == len({kind.name for kind in catalogue()}) >= 40
    assert catalogue()[-1].says("anything at all") is not None
    for kind in catalogue():
        assert kind.rule.references
        assert kind.cause in ENDINGS


def test_the_page_on_crashes_names_every_kind() -> None:
    """With its title."""
    page = (FIXTURES.parent / "docs" / "crashes.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert dict(listed) == {kind.name: kind.rule.title for kind in catalogue() if kind.cause == "crash"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[[form]]\npattern = "("\nsays = "x"', "no regular expression"),
        ('[[form]]\npattern = "x"\nsays = "$what"', r"\$what, which is no group"),
        ("", "'form' is missing"),
    ],
)
def test_a_wrong_crash_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, error: str) -> None:
    """With its name and what is wrong."""
    (tmp_path / "x.toml").write_text(f'name = "x"\ntitle = "t"\nwhy = "w"\nfix = "f"\n{text}')
    monkeypatch.setattr(crash, "_FOLDER", tmp_path)
    with pytest.raises(CatalogueError, match=f"x.toml.*{error}"):
        catalogue.__wrapped__()


# -- which goroutine, which frame --------------------------------------------------------------------------------------


def test_the_frame_is_below_the_oldest_panic(tmp_path: Path) -> None:
    """Deferred calls that recover and panic again stand above it."""
    frames = ["app.cleanup", "panic", "app.Handler.func1", "panic", "strings.Repeat", "app.parse", "app.main"]
    found = crash_of(tmp_path, "panic: first [recovered]\n\tpanic: second", goroutine(7, frames, state="running"))
    assert found is not None
    assert found.steps[0].frame is not None
    assert found.steps[0].frame.function == "app.parse"
    assert found.title.endswith("app.parse (x.go:10): first; a deferred call recovered it and panicked with “second”")


def test_a_fatal_error_below_a_panic_is_where_the_goroutine_is(tmp_path: Path) -> None:
    """The panic was recovered, and is another matter."""
    frames = ["runtime.fatal", "app.write", "app.recover", "panic", "app.parse"]
    found = crash_of(tmp_path, "fatal error: concurrent map writes", goroutine(7, frames, state="running"))
    assert found is not None
    assert "app.write" in found.title


def test_idle_goroutines_are_not_blamed(tmp_path: Path) -> None:
    """Not for a crash of another goroutine, however many there are."""
    idle = [goroutine(n, ["database/sql.(*DB).connectionOpener"], state="select, 2 minutes") for n in range(40, 45)]
    died = goroutine(508, ["example.com/shop/cart.Register", "net/http.HandlerFunc.ServeHTTP"], state="running")
    found = crash_of(tmp_path, "fatal error: concurrent map writes", died, *idle)
    assert found is not None
    assert found.title == (
        "goroutine 508 wrote to a map in cart.Register (x.go:10) while another goroutine was writing to it"
    )
    assert found.goroutine_ids == (508,)


def test_a_signal_on_a_threads_own_stack_blames_nobody(tmp_path: Path) -> None:
    """Goroutine 0 is no goroutine of the program."""
    idle, parked = goroutine(0, ["runtime.futex"], state="idle"), goroutine(1, ["app.main"], state="chan receive")
    found = crash_of(tmp_path, "SIGABRT: abort\nPC=0x1 m=0 sigcode=0", idle, parked)
    assert found is not None
    assert (found.title, found.steps, found.count) == ("SIGABRT (abort) was sent to the process", (), 0)


def test_functions_that_call_each_other_are_named(tmp_path: Path) -> None:
    """A circle of several, and one through the library."""
    message = "runtime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow"
    found = crash_of(tmp_path, message, goroutine(7, ["app.a", "app.b"] * 30 + ["app.main"], state="running"))
    assert found is not None
    assert found.title.endswith("(x.go:10): app.b calls app.a, which calls app.b, 61 frames deep")
    library = ["fmt.(*pp).handleMethods", "fmt.Sprintf", "app.T.String"]
    found = crash_of(tmp_path, message, goroutine(7, library * 20 + ["app.main"], state="running"))
    assert found is not None
    assert "app.T.String calls itself, through fmt.Sprintf" in found.title


def test_who_else_used_the_map_is_said() -> None:
    """The goroutines that were ready to run in the same function."""
    (found,) = crashes(GO / "go1.27" / "panic_mapwrites_all.txt")
    assert found.steps[1].count == found.count - 1 > 0
    assert found.steps[1].frame == found.steps[0].frame


# -- no crashes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "SIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\n" + goroutine(1, ["app.main"], state="running"),
        "panic: boom\n\n" + goroutine(1, ["runtime/debug.Stack", "app.handle", "panic", "app.f"], state="running"),
        "panic: boom\n\n" + goroutine(1, ["runtime/pprof.writeGoroutineStacks", "app.dump"], state="running"),
        "panic: boom\n\n" + "level=info msg=served\n" * 20 + goroutine(1, ["app.dump"], state="running"),
        goroutine(1, ["app.dump"], state="running") + "\npanic: boom\n",
    ],
    ids=["signal", "recovered", "asked", "earlier", "later"],
)
def test_what_was_asked_for_is_no_crash(tmp_path: Path, text: str) -> None:
    """SIGQUIT, a recovered panic, a dump on request, and the message of another event."""
    path = tmp_path / "dump.txt"
    path.write_text(text)
    (capture,) = examine(str(path))[0]
    assert not [finding for finding in capture.report.findings if finding.cause in ENDINGS]
    assert "error" not in {verdict.level for verdict in capture.report.verdicts}


def test_the_last_message_above_a_dump_is_its_own(tmp_path: Path) -> None:
    """An earlier panic in the log is another event."""
    log = "panic: earlier\nexit status 2\n" + "level=info msg=started\n" * 30
    found = crash_of(tmp_path, f"{log}fatal error: concurrent map writes")
    assert found is not None
    assert found.rule.name == "concurrent-map-access"
    assert read((tmp_path / "dump.txt").read_bytes())[0].message == ("fatal error: concurrent map writes",)


def test_a_deadlock_is_said_once() -> None:
    """Where the runtime proves a root cause, the deadlock of all goroutines is information beside it."""
    (capture,) = examine(str(GO / "go1.27" / "panic_deadlockwg.txt"))[0]
    levels = [(verdict.level, "asleep" in verdict.text) for verdict in capture.report.verdicts]
    assert levels == [("error", False), ("info", True)]
    assert [finding.cause for finding in capture.report.findings] == ["waitgroup-never-done"]


# -- time-outs of tests ------------------------------------------------------------------------------------------------


def timed_out(tmp_path: Path, running: str, *blocks: str) -> Finding:
    message = f"panic: test timed out after 10m0s\n\trunning tests:\n{running}"
    alarm = goroutine(9, ["testing.(*M).startAlarm.func1"], state="running")
    found = crash_of(tmp_path, message, alarm, *blocks)
    assert found is not None
    assert found.cause == "test-timeout"
    return found


def of_test(number: int, name: str, state: str, *, creator_id: int = 1) -> str:
    frames = ["sync.(*WaitGroup).Wait", f"app.{name}", "testing.tRunner"]
    return goroutine(number, frames, state=state, creator="testing.(*T).Run", creator_id=creator_id)


@pytest.mark.parametrize(
    ("state", "elapsed", "judgement"),
    [
        ("chan receive, 9 minutes", "9m58s", "hangs"),
        ("chan receive", "3s", "hangs"),
        ("syscall, 8 minutes", "9m58s", "hangs"),
        ("running", "9m58s", "is slow"),
        ("runnable", "9m58s", "is slow"),
        ("sleep", "9m58s", "is slow"),
        ("IO wait", "9m58s", "is slow"),
    ],
)
def test_a_test_that_ran_out_of_time_is_judged(tmp_path: Path, state: str, elapsed: str, judgement: str) -> None:
    """It hangs when it is parked and nothing of it moves; else it is slow."""
    found = timed_out(tmp_path, f"\t\tTestClose ({elapsed})", of_test(19, "TestClose", state))
    assert f"TestClose ({elapsed}) {judgement}: goroutine 19 " in found.title
    assert found.evidence["judgement"] == judgement
    assert ("earlier tests took most of the time" in found.title) == (elapsed == "3s")


def test_goroutines_belong_to_the_test_that_started_them(tmp_path: Path) -> None:
    """By who created whom; one at work makes the test slow, not hung."""
    worker = goroutine(23, ["app.work"], state="running", creator="app.TestA", creator_id=19)
    helper = goroutine(24, ["app.help"], state="select", creator="app.work", creator_id=23)
    other = goroutine(30, ["app.other"], state="select", creator="app.TestB", creator_id=20)
    found = timed_out(
        tmp_path,
        "\t\tTestA (9m58s)\n\t\tTestB (9m1s)",
        of_test(19, "TestA", "sync.WaitGroup.Wait, 9 minutes"),
        of_test(20, "TestB", "sync.WaitGroup.Wait, 9 minutes"),
        worker,
        helper,
        other,
    )
    assert "TestB (9m1s) hangs: goroutine 20 waits in sync.WaitGroup.Wait for 9 min" in found.title
    assert found.title.endswith("1 more test was running")
    assert [step.ids for step in found.steps] == [(20,), (30,), (19,), (23,), (24,)]
    assert found.steps[2].does.endswith(": TestA (9m58s) is slow")


def test_tests_that_wait_for_their_turn_are_counted(tmp_path: Path) -> None:
    """Parallel tests wait until others have ended."""
    waiting = goroutine(21, ["testing.(*T).Parallel", "app.TestC", "testing.tRunner"], state="chan receive, 9 minutes")
    found = timed_out(tmp_path, "\t\tTestA (9m58s)", of_test(19, "TestA", "select, 9 minutes"), waiting)
    assert found.evidence["tests waiting for their turn"] == 1
    assert found.goroutine_ids == (19,)


def test_a_starved_test_waits_for_a_processor(tmp_path: Path) -> None:
    """Ready to run among many that are."""
    crowd = [goroutine(number, ["app.spin"], state="runnable") for number in range(100, 160)]
    found = timed_out(tmp_path, "\t\tTestA (9m58s)", of_test(19, "TestA", "runnable"), *crowd)
    assert "TestA (9m58s) is starved: goroutine 19 waits for a processor" in found.title


def test_without_a_list_tests_are_known_by_their_goroutines(tmp_path: Path) -> None:
    """Before Go 1.20 the message names none."""
    found = crash_of(tmp_path, "panic: test timed out after 10m0s", of_test(19, "TestOld.func1", "select, 9 minutes"))
    assert found is not None
    assert found.title.startswith(
        "the tests timed out after 10m0s: TestOld hangs: goroutine 19 waits in select for 9 min"
    )


def test_subtests_are_told_from_their_parent() -> None:
    """A real one: the goroutine of the parent only waits for its subtests."""
    (found,) = crashes(GO / "go1.27" / "test_timeout.txt")
    assert found.rule.name == "test-timeout"
    assert found.title.startswith("the tests timed out after ")
    assert all(step.frame is None or "testing." not in step.frame.function for step in found.steps)


def test_a_timeout_comes_first_and_its_cause_second(tmp_path: Path) -> None:
    """Both are said, each once. As people paste it: indented, without the frames of package testing."""
    frames = ["sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "app.(*Store).Close", "app.TestClose"]
    test = goroutine(19, frames, state="sync.WaitGroup.Wait, 9 minutes", creator="testing.(*T).Run", creator_id=1)
    reader = goroutine(23, ["app.readLoop"], state="syscall, 9 minutes", creator="app.Open", creator_id=19)
    text = f"panic: test timed out after 10m0s\n    running tests:\n        TestClose (9m58s)\n\n{test}\n{reader}"
    (tmp_path / "dump.txt").write_text("\n".join("    " + line.replace("\t", "    ") for line in text.split("\n")))
    report = json_of(tmp_path / "dump.txt")["snapshots"][0]
    assert report["findings"][0]["cause"] == "test-timeout"
    assert "TestClose (9m58s) hangs" in report["findings"][0]["title"]
    assert len({finding["title"] for finding in report["findings"]}) == len(report["findings"])


# -- redaction ---------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=12, max_size=20))
def test_no_word_of_a_message_is_left(word: str) -> None:
    """Of values, types, tests and other lines; the runtime's own words and numbers stay."""
    lines = [
        f"panic: {word}", f"\tpanic: {word} [recovered]", f"\t\tTest{word} (2s)", word, f"fatal error: {word}",
        f"panic: interface conversion: interface {{}} is {word}.T, not string", f"runtime: {word}", f"SIG: {word}",
        f"12:00 http: panic serving 1.2.3.4:5: {word}", f"panic: runtime error: hash of unhashable type {word}.T",
    ]  # fmt: skip
    shown = redacted_message(lines, lambda _: "hidden")
    assert len(shown) == len(lines)
    assert not any(word in line for line in shown)


def test_what_the_runtime_says_is_kept() -> None:
    """Numbers and names of signals, without the addresses of code."""
    lines = (
        "panic: runtime error: index out of range [5] with length 2 [recovered]",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x4a8660]",
        "\trunning tests:",
        "signal arrived during cgo execution",
    )
    shown = redacted_message(lines, str)
    assert shown[0] == lines[0]
    assert shown[1] == "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8]"
    assert shown[2:] == lines[2:]


def test_a_redacted_crash_says_the_same_without_names() -> None:
    """The kind, the goroutine and the numbers stay; tests keep what tells them apart."""
    (plain,), (hidden,) = (crashes(GO / "go1.27" / "test_timeout.txt", redacted=flag) for flag in (False, True))
    assert (plain.rule, plain.goroutine_ids, len(plain.steps)) == (hidden.rule, hidden.goroutine_ids, len(hidden.steps))
    assert "TestHangs" not in hidden.title
    assert " hang" in hidden.title
    (value,) = crashes(GO / "go1.27" / "panic_customerr.txt", redacted=True)
    assert value.title.endswith(": (redacted)")


def test_own_frames_are_neither_the_librarys_nor_made_by_cgo() -> None:
    """A crash points at code that somebody wrote."""
    frame = Frame("main.f", "/src/f.go", 1)
    assert is_own(frame)
    assert not is_own(replace(frame, function="main._Cfunc_crash", file="_cgo_gotypes.go"))
    assert not is_own(replace(frame, function="net/http.(*conn).serve"))
