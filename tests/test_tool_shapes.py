"""Shapes of tools' reports that the fixtures do not have: other versions, other options, and what people paste."""

from __future__ import annotations

from typing import Final

import pytest

from helpers import memory_report
from stackscan import formats
from stackscan.model.snapshot import Snapshot
from stackscan.report import SnapshotReport

#: Go 1.1 to 1.4 printed no address.
OLD: Final = """\
==================
WARNING: DATA RACE
Read by goroutine 5:
  main.func·001()
      /tmp/race.go:14 +0x169

Previous write by goroutine 1:
  main.main()
      /tmp/race.go:15 +0x174

Goroutine 5 (running) created at:
  time.goFunc()
      src/pkg/time/sleep.go:122 +0x56
  timerproc()
     src/pkg/runtime/ztime_linux_amd64.c:181 +0x189
==================
"""

#: A generic type on Windows, a log line in between, a stack that is lost, and a variable that is named.
LOST: Final = """\
WARNING: DATA RACE
Write at 0x00c0000b8010 by goroutine 12:
  main.(*Box[go.shape.int]).Set()
      C:/src/box.go:12 +0x44
2026/05/06 12:00:01 served request in 12ms (ok)
  main.work.func1()
      C:/src/main.go:30 +0x11

Previous read at 0x00c0000b8010 by goroutine 9:
  [failed to restore the stack]

Global var example.com/shop/cart.total of size 8 at 0x00c0000b8010 declared at /src/cart/x.go:12

Goroutine 12 (running) created at:
  main.work()
      C:/src/main.go:29 +0x55

Goroutine 9 (finished) created at:
  main.work()
      C:/src/main.go:29 +0x55
==================
"""

#: goleak behind testify's require.NoError.
TESTIFY: Final = """\
=== RUN   TestX
    x_test.go:12: 
        \tError Trace:\t/src/x_test.go:12
        \tError:      \tReceived unexpected error:
        \t            \tfound unexpected goroutines:
        \t            \t[Goroutine 20 in state chan receive, 3 minutes, with main.f on top of the stack:
        \t            \tmain.f(...)
        \t            \t\t/src/f.go:3 +0x1d
        \t            \tcreated by main.g in goroutine 9
        \t            \t\t/src/f.go:1 +0x1
        \t            \t Goroutine 21 in state IO wait, locked to thread, with internal/poll.runtime_pollWait on top of the stack:
        \t            \tinternal/poll.runtime_pollWait(0x7f, 0x72)
        \t            \t\t/go/src/runtime/netpoll.go:343 +0x85
        \t            \tnet/http.(*persistConn).Read(0x1)
        \t            \t\t/go/src/net/http/transport.go:2015 +0x3b
        \t            \tcreated by net/http.(*Transport).dialConn in goroutine 9
        \t            \t\t/go/src/net/http/transport.go:1800 +0x5
        \t            \t]
        \tTest:       \tTestX
--- FAIL: TestX (0.00s)
FAIL
"""  # noqa: E501, W291  # as printed

#: Two types that call each other, in a list of an issue.
ISSUE: Final = """\
We see this since v2:

1. start it
   ```
   POTENTIAL DEADLOCK: Inconsistent locking. saw this ordering in one goroutine:
   happened before
   ../state/store.go:24 state.(*Store).Put { s.mu.Lock() } <<<<<
   ../api/server.go:90 api.(*Server).Save { s.store.Put(x) }

   happened after
   ../api/server.go:30 api.(*Server).Lock { s.mu.Lock() } <<<<<
   ../state/store.go:26 state.(*Store).Put { s.onChange() }

   in another goroutine: happened before
   ../api/server.go:30 api.(*Server).Lock { s.mu.Lock() } <<<<<
   ../api/server.go:77 api.(*Server).Stop { s.Lock() }

   happened after
   ../state/store.go:40 state.(*Store).Close { s.mu.Lock() } <<<<<
   ../api/server.go:79 api.(*Server).Stop { s.store.Close() }
   ```

Any idea?
"""

#: The report of the README of go-deadlock: up to v0.1 another goroutine took the lock.
TIMEOUT: Final = """\
POTENTIAL DEADLOCK:
Previous place where the lock was grabbed
goroutine 240 lock 0xc820160440
inmem.go:799 bttest.(*table).gc { t.mu.RLock() } <<<<<
inmem_test.go:125 bttest.TestConcurrentMutationsReadModifyAndGC.func5 { tbl.gc() }

Have been trying to lock it again for more than 40ms
goroutine 68 lock 0xc820160440
inmem.go:785 bttest.(*table).mutableRow { t.mu.Lock() } <<<<<
inmem.go:428 bttest.(*server).MutateRow { r := tbl.mutableRow(string(req.RowKey)) }
inmem_test.go:111 bttest.TestConcurrentMutationsReadModifyAndGC.func3 { s.MutateRow(ctx, req) }


Here is what goroutine 240 doing now
goroutine 240 [select]:
github.com/sasha-s/go-deadlock.lock(0xc82028ca10, 0x5189e0, 0xc82013a9b0)
        /Users/sasha/go/src/github.com/sasha-s/go-deadlock/deadlock.go:163 +0x1640
github.com/sasha-s/go-deadlock.(*Mutex).Lock(0xc82013a9b0)
        /Users/sasha/go/src/github.com/sasha-s/go-deadlock/deadlock.go:54 +0x86
google.golang.org/cloud/bigtable/bttest.(*table).gc(0xc820160440)
        /Users/sasha/go/src/google.golang.org/cloud/bigtable/bttest/inmem.go:814 +0x28d
google.golang.org/cloud/bigtable/bttest.TestConcurrentMutationsReadModifyAndGC.func5(0xc82015c760, 0xc820160440)
        /Users/sasha/go/src/google.golang.org/cloud/bigtable/bttest/inmem_test.go:125 +0x48
created by google.golang.org/cloud/bigtable/bttest.TestConcurrentMutationsReadModifyAndGC
        /Users/sasha/go/src/google.golang.org/cloud/bigtable/bttest/inmem_test.go:126 +0xb6f
"""


def read(text: str) -> Snapshot:
    """The only snapshot of a text."""
    (snapshot,) = formats.read(text.encode(), where="text")
    return snapshot


def report(text: str) -> SnapshotReport:
    """Its report."""
    return memory_report(text).snapshots[0]


def verdict(text: str) -> str:
    """The first line of its report."""
    return report(text).verdicts[0].text


def test_old_reports_have_no_address() -> None:
    """And call closures by number; the main goroutine is goroutine 1 there."""
    assert "data race: main.main (race.go:15) writes while main.func·001 (race.go:14) reads" == verdict(OLD)
    snapshot = read(OLD)
    assert [5, 1] == snapshot.rows["goroutine_id"].to_list()
    assert (True, ()) == (snapshot.complete, snapshot.problems)


def test_a_stack_that_the_detector_lost_is_no_damage() -> None:
    """Its goroutine is there without frames; the variable's name is better than what frames say."""
    assert (
        "data race on cart.total: main.(*Box[go.shape.int]).Set (box.go:12) writes "
        "while goroutine 9, whose stack is lost, reads"
    ) == verdict(LOST)
    snapshot = read(LOST)
    assert [2, 0] == [len(snapshot.stacks[n].frames) for n in snapshot.rows["stack_id"].to_list()]
    assert [(5, "other text inside a race report")] == [(one.line, one.reason) for one in snapshot.problems]
    assert snapshot.complete


def test_a_report_that_is_cut_says_so() -> None:
    """After any line: what is whole is kept, and a report without its end is not complete."""
    lines = OLD.splitlines(keepends=True)
    for length in range(5, len(lines) - 3):
        snapshot = read("".join(lines[:length]))
        assert not snapshot.complete, length
        assert snapshot.problems
    assert "main.func·001" in verdict("".join(lines[:6]))


def test_testify_indents_a_list_by_its_own_columns() -> None:
    """Minutes and attributes are read; of a stack of the standard library alone the outermost frame says what it is."""
    assert (
        "2 goroutines leaked after TestX: 1 in main.f (f.go:3) [chan receive], "
        "1 in http.(*persistConn).Read (transport.go:2015) [IO wait], for up to 3 min"
    ) == verdict(TESTIFY)
    rows = read(TESTIFY).rows
    assert [(20, 3, False), (21, None, True)] == rows.select("goroutine_id", "wait_minutes", "locked").rows()
    assert () == read(TESTIFY).problems


def test_two_lock_orders_name_both_places() -> None:
    """In a list item of an issue."""
    assert (
        "potential deadlock: two locks are taken in both orders: api.(*Server).Lock (server.go:30), then "
        "state.(*Store).Close (store.go:40); elsewhere state.(*Store).Put (store.go:24), then "
        "api.(*Server).Lock (server.go:30)"
    ) == verdict(ISSUE)
    assert [None, None] == read(ISSUE).rows["goroutine_id"].to_list()


def test_a_holder_that_waits_for_another_lock() -> None:
    """Its frames are go-deadlock's up to where it asks."""
    assert (
        "goroutine 240 in bttest.(*table).gc (inmem.go:814) holds a lock and waits for another lock; goroutine 68 in "
        "bttest.(*table).mutableRow (inmem.go:785) waits for it for more than 40ms"
    ) == verdict(TIMEOUT)
    assert [(68, None), (240, "select")] == read(TIMEOUT).rows.select("goroutine_id", "wait_reason").rows()


def test_a_holder_that_waits_for_itself_is_a_self_deadlock() -> None:
    """The same goroutine holds and waits: the time-out proves it."""
    found = report(TIMEOUT.replace("goroutine 68 lock", "goroutine 240 lock"))
    assert ["self-deadlock"] == [finding.cause for finding in found.findings]
    assert found.verdicts[0].text.startswith("deadlock: goroutine 240 in bttest.(*table).mutableRow (inmem.go:785)")


def test_goroutines_of_one_report_stand_once() -> None:
    """Quoted twice (as the holder, and among all), they are one row."""
    again = TIMEOUT + "\nAll current goroutines:\n" + TIMEOUT[TIMEOUT.index("goroutine 240 [select]") :]
    assert [68, 240] == read(again).rows["goroutine_id"].to_list()


def test_nobody_waits_in_a_race() -> None:
    """A race between close and send has the runtime's frames of a send: no rule and no argument makes a wait of it."""
    text = OLD.replace(
        "  main.func·001()\n", "  runtime.chansend()\n      /go/src/runtime/chan.go:160 +0x0\n  main.send()\n"
    )
    text = text.replace(
        "  main.main()\n", "  runtime.closechan()\n      /go/src/runtime/chan.go:357 +0x0\n  main.main()\n", 1
    )
    found = report(text)
    assert ["data-race"] == [finding.rule.name for finding in found.findings]
    assert "data race on a channel: main.main (race.go:15) writes while main.send (race.go:14) reads" == (
        found.verdicts[0].text
    )


def test_names_of_strangers_are_text() -> None:
    """An escape in a name is shown, not sent."""
    text = OLD.replace("main.main()", "main.\x1b[31mmain()")
    assert "\x1b" in read(text).stacks[1].frames[0].function
    assert "data race" in verdict(text)


#: Reports of which the last line is lost in the middle, and what a problem says.
CUT: Final = {
    "a list of goleak": (
        TESTIFY[: TESTIFY.rindex("]")],
        "the list is cut: the bracket that ends it is missing",
    ),
    "a place of go-deadlock": (
        """\
POTENTIAL DEADLOCK:
Previous place where the lock was grabbed
goroutine 51 lock 0xc0000b6010
ferry/dock.go:88 ferry.(*Dock).Moor { d.mu.Lock() } <<<<<

Have been trying to lock it again for more than 30s
goroutine 52 lock 0xc0000b6010
ferry/dock.go:102 ferry.(*Dock).Leave { d.mu.Lock() } <<<<<
ferry/por""",
        "line of a go-deadlock report is damaged; skipped",
    ),
    "a call of panicparse": (
        """\
2: select [5 minutes] [Created by silo.Open @ silo.go:31]
    silo silo.go:50 (*Silo).drain(#2)
    silo silo.go:61 (*Sil""",
        "frame line is damaged; frame skipped",
    ),
    "a bucket of panicparse": (
        """\
2: select [5 minutes] [Created by silo.Open @ silo.go:31]
    silo silo.go:50 (*Silo).drain(#2)
3: chan receive [Created by silo.Open @ silo.go:31]
""",
        "no frames below the header",
    ),
    "a group": (
        """\
48 goroutines [semacquire, 4 minutes]:
sync.runtime_SemacquireMutex(...)
	/usr/local/go/src/runtime/sema.go:77
sync.(*Mut""",
        "the text ends in the middle of this goroutine: the dump was cut",
    ),
    "a list of Delve": (
        """\
(dlv) goroutines
  Goroutine 1 - User: ./main.go:33 main.main (0x4a1b2c) [chan receive]
  Goroutine 6 - User: ./main.go:51 main.pull (0x4a3333) [select]
""",
        "the list is cut: Delve's count of goroutines below it is missing",
    ),
}


@pytest.mark.parametrize("name", CUT)
def test_a_report_that_ends_in_the_middle_is_incomplete(name: str) -> None:
    """Whatever its last line was."""
    text, reason = CUT[name]
    found = read(text)
    assert not found.complete
    assert reason in [problem.reason for problem in found.problems]


def test_words_below_a_report_are_no_part_of_it() -> None:
    """Also without a last newline."""
    for words in ("thanks", "ana@example.com", "https://example.com/issues/12", "Any ideas?", "exit status 66", "```"):
        assert read(LOST + words).complete
        assert read(ISSUE + words).complete


#: A text of each tool that has a mark of its own before or behind each line.
LISTED: Final = {
    "a race, blank lines doubled": LOST.replace("\n", "\n\n"),
    "panicparse, bullets": "* 2: select [5 minutes]\n*     silo silo.go:50 (*Silo).drain(#2)\n",
    "panicparse, a tag": "<pre>2: select [5 minutes]\n    silo silo.go:50 (*Silo).drain(#2)\n</pre>\n",
    "groups, a table": "| 2 goroutines [select, 4 minutes]: |\n| silo.(*Silo).Put(...) |\n"
    "| \t/src/silo/silo.go:60 |\n| created by silo.Open |\n| \t/src/silo/silo.go:31 |\n",
    "Delve, a diff": "+(dlv) goroutines\n+  Goroutine 1 - User: ./a.go:3 main.f (0x4a)\n"
    "+* Goroutine 2 - User: ./a.go:5 main.g (0x4b)\n"
    "+[2 goroutines]\n",
    "Delve, a table": "| (dlv) goroutines |\n|   Goroutine 1 - User: ./a.go:3 main.f (0x4a) |\n"
    "|   Goroutine 2 - User: ./a.go:5 main.g (0x4b) |\n| [2 goroutines] |\n",
}


@pytest.mark.parametrize("name", LISTED)
def test_marks_around_lines_mean_nothing(name: str) -> None:
    """Both goroutines are read whole."""
    found = read(LISTED[name])
    assert (2, True) == (found.total, found.complete)
    assert "" not in [frame.file for stack in found.stacks for frame in stack.frames]
