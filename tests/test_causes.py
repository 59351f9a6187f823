"""Root causes: each everyday hang by its name and culprit, and none where a program is healthy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import CORPUS, FIXTURES, captures, goroutine, index, memory_report, report_of
from stackscan.analysis.finding import Finding

_GO: Final = FIXTURES / "go"
#: The frame to look at first in each hang of fixtures/programs/hangs.
_CULPRITS: Final = {
    "self-deadlock": "main.(*account).Balance",
    "read-again": "main.(*registry).Len",
    "publish-locked": "main.(*bus).Publish",
    "http-locked": "main.(*cache).Refresh",
    "wait-locked": "main.(*crawler).Run",
    "once-in-once": "main.(*plugin).Name",
    "early-return": "main.firstAnswer.func1",
    "own-results": "main.sumAll.func1",
    "missing-unlock": "main.(*sessions).Close",
    "three-locks": "main.(*room).Look",
    "read-under-write": "main.(*settings).Get",
    "sleep-locked": "main.(*client).Reconnect",
    "missing-done": "main.importAll",
    "list-locked": "main.listLocked.func1",
    "tree-locked": "main.(*node).Depth",
}
#: A main goroutine: with it a dump is whole.
_MAIN: Final = goroutine(1, ["time.Sleep", "main.main"], state="sleep")
_SLOW: Final = ("internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow")
_LOCK: Final = (*_SLOW, "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock")
_CACHE: Final = "example.com/acme/store.(*Cache)"


def _hangs(*formats: str) -> list[tuple[str, Path]]:
    """The name and the file of each hang that was captured in these formats."""
    entries = [(name, entry) for name, entry in index("go").items() if "/hang_" in name]
    return [
        (Path(name).name.removeprefix("hang_").partition(".")[0], _GO / name)
        for name, entry in entries
        if entry["format"] in formats
    ]


def _cause_of(path: Path) -> str:
    """The cause that is right, as the program that made the dump says."""
    note: str = index("go")[path.relative_to(_GO).as_posix()]["note"]
    return "" if note.startswith("healthy") else note


def _named(path: Path) -> list[Finding]:
    """The findings of a dump that name a root cause."""
    return [finding for finding in report_of(path).snapshots[0].findings if finding.cause is not None]


def _causes(*goroutines: str) -> list[tuple[str | None, str | None, str]]:
    """Cause, confidence and severity of what is found in a dump of these goroutines."""
    found = memory_report("\n".join(goroutines)).snapshots[0].findings
    return [(finding.cause, finding.confidence, finding.severity) for finding in found if finding.cause]


def _waiter(number: int, *functions: str, word: str = "0xc000100000", state: str = "sync.Mutex.Lock") -> str:
    return goroutine(number, [*_LOCK, *functions], state=state, argument=word)


# -- programs that hang ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "path"), _hangs("goroutine-text"), ids=lambda value: str(value)[-40:])
def test_an_everyday_hang_is_named_with_its_culprit(name: str, path: Path) -> None:
    """Of every Go version: one finding, the cause that is right, the frame of the one who is to blame."""
    found, cause = _named(path), _cause_of(path)
    if not cause:
        assert [] == found
        return
    assert [cause] == [finding.cause for finding in found]
    frame = found[0].steps[0].frame
    assert frame is not None
    assert _CULPRITS[name] == frame.function
    assert found[0].severity in ("error", "warning")


@pytest.mark.parametrize(("name", "path"), _hangs("goroutine-counts", "goroutine-pprof"), ids=lambda v: str(v)[-40:])
def test_counted_text_names_what_it_can(name: str, path: Path) -> None:
    """Without ids and creators, all but the senders whose function has returned, and a WaitGroup whose workers live:
    nothing tells who calls Done. Nothing is more than possible, but what one stack shows."""
    hidden = {"early-return", "own-results"}
    found = _named(path)
    assert ([] if name in hidden else [_cause_of(path)]) == [finding.cause for finding in found]
    assert {"possible"} >= {finding.confidence for finding in found}


def test_all_hangs_were_captured() -> None:
    """Nine of each Go version, and none is left out of these tests."""
    by_version: dict[str, int] = {}
    for name, path in _hangs("goroutine-text"):
        by_version[path.parent.name] = by_version.get(path.parent.name, 0) + (name in list(_CULPRITS)[:9])
    assert {"go1.21", "go1.23", "go1.24", "go1.25", "go1.26", "go1.27"} == set(by_version)
    assert {9} == set(by_version.values())


@pytest.mark.skipif(CORPUS is None, reason="the shared corpus is out of reach")
@pytest.mark.parametrize("form", ["leak", "plain"])
def test_published_bugs_are_named(form: str) -> None:
    """GoKer: with leak marks all kernels, without them those whose fault is in locks."""
    assert CORPUS is not None
    missed = []
    for kernel in json.loads((CORPUS / "goker" / "truth.json").read_text(encoding="utf-8")):
        if form == "plain" and kernel["type"] == "Communication Deadlock":
            continue
        found = report_of(CORPUS / "goker" / f"{kernel['kernel']}.{form}.txt.gz").snapshots[0].findings[:3]
        if not any(finding.cause in kernel["accept"] and finding.severity != "info" for finding in found):
            missed.append(kernel["kernel"])
    assert [] == missed


@pytest.mark.parametrize("capture", [one for one in captures() if one.shape in ("quiet", "fixed")], ids=str)
def test_a_healthy_node_has_no_cause(capture: Any) -> None:
    """Quiet kubo nodes of every build, and those with the fix: nothing hangs."""
    assert [] == _named(capture.path)


# -- the argument, and its traps -------------------------------------------------------------------------------------


def test_one_holder_in_a_slow_call_is_one_finding() -> None:
    """300 waiters and one holder: the finding is about the holder, the pile-up is its evidence."""
    waiters = [_waiter(number, f"{_CACHE}.Get", "main.serve") for number in range(10, 310)]
    holder = goroutine(
        7,
        ["internal/poll.runtime_pollWait", f"{_CACHE}.Refresh", "main.work"],
        state="IO wait",
        argument="0xc000100000",
    )
    (snapshot,) = memory_report("\n".join([_MAIN, holder, *waiters])).snapshots
    (finding,) = snapshot.findings
    assert ("blocked-while-holding-lock", "likely", 301) == (finding.cause, finding.confidence, finding.count)
    assert (7,) == finding.steps[0].ids
    assert 7 == finding.goroutine_ids[0]
    assert 300 == finding.evidence["waiting"]
    assert {"mutex-convoy": 300} == finding.evidence["also"]
    assert snapshot.verdicts[0].text.endswith("300 goroutines wait for it")


def test_who_runs_may_hold_anything() -> None:
    """Nobody is left who could unlock: unless somebody runs in the package."""
    waiting = _waiter(10, f"{_CACHE}.Get", "main.serve")
    assert [("missing-unlock", "likely", "warning")] == _causes(_MAIN, waiting)
    busy = goroutine(11, ["example.com/acme/store.compact", "main.work"], state="runnable")
    assert [("missing-unlock", "possible", "warning")] == _causes(_MAIN, waiting, busy)
    elsewhere = goroutine(11, ["example.com/acme/other.compact", "example.com/acme/other.run"], state="runnable")
    assert [("missing-unlock", "likely", "warning")] == _causes(_MAIN, waiting, elsewhere)


def test_an_excerpt_allows_no_elimination() -> None:
    """The holder may have been left out: what is known is that somebody waits, and for how long."""
    waiting = _waiter(10, f"{_CACHE}.Get", "main.serve", state="sync.Mutex.Lock, 4 minutes")
    assert [] == _causes(waiting)
    (finding,) = memory_report(waiting).snapshots[0].findings
    assert ("unexplained-wait", None, "warning") == (finding.rule.name, finding.cause, finding.severity)
    assert finding.title.startswith("goroutine 10 has waited 4 min in store.(*Cache).Get (sync.Mutex.Lock)")


def test_the_same_method_on_two_objects_is_no_self_deadlock() -> None:
    """A tree's node locks itself, then calls its child: the words of the two frames differ."""
    text = _waiter(10, f"{_CACHE}.Get", f"{_CACHE}.Get", "main.serve")
    assert [("self-deadlock", "likely", "error")] == _causes(_MAIN, text)
    inner, outer = text.split(f"{_CACHE}.Get", 2)[1:]
    other = text.replace(f"{_CACHE}.Get{inner}{_CACHE}.Get{outer}", "")
    other += f"{_CACHE}.Get{inner}{_CACHE}.Get{outer.replace('0xc000100000', '0xc000200000', 1)}"
    assert "self-deadlock" not in [cause for cause, *_ in _causes(_MAIN, other)]


def test_two_cannot_be_past_one_lock() -> None:
    """An outer method that two goroutines have passed does not take the mutex that they wait for."""
    both = [_waiter(number, f"{_CACHE}.get", f"{_CACHE}.Get", "main.serve") for number in (10, 11)]
    assert [("self-deadlock", "likely", "error")] == _causes(_MAIN, both[0])
    assert "self-deadlock" not in [cause for cause, *_ in _causes(_MAIN, *both)]


def test_a_name_says_that_its_caller_holds_the_lock() -> None:
    """``…Locked`` expects the lock to be held: it is believed in an excerpt, too."""
    assert [] == _causes(_waiter(10, f"{_CACHE}.get", "main.serve"))
    text = _waiter(10, f"{_CACHE}.getLocked", f"{_CACHE}.Get", "main.serve")
    assert [("self-deadlock", "likely", "error")] == _causes(text)


def test_a_condition_gave_its_lock_back() -> None:
    """Who waits in sync.Cond.Wait has released its lock: it is no holder."""
    waits = ["sync.runtime_notifyListWait", "sync.(*Cond).Wait", f"{_CACHE}.Take", "main.work"]
    asleep = goroutine(7, waits, state="sync.Cond.Wait", argument="0xc000100000?")
    found = _causes(_MAIN, asleep, _waiter(10, f"{_CACHE}.Get", "main.serve"))
    assert "blocked-while-holding-lock" not in [cause for cause, *_ in found]


def test_a_program_that_waits_for_its_servers_is_healthy() -> None:
    """A WaitGroup of loops that never end: siblings may call Done, and the network may wake them."""
    wait = ["sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.run.func2"]
    waiter = goroutine(
        7, wait, state="sync.WaitGroup.Wait, 90 minutes", creator="main.run", creator_id=1, argument="0xc000300000"
    )
    loop = goroutine(8, ["main.run.func1"], state="select, 90 minutes", creator="main.run", creator_id=1)
    assert [] == _causes(_MAIN, waiter, loop)
    assert [("waitgroup-never-done", "likely", "error")] == _causes(_MAIN, waiter)


def test_the_runtimes_own_word_is_proof() -> None:
    """``(leaked)`` and ``all goroutines are asleep``."""
    send = ["main.produce.func1"]
    leaked = goroutine(7, send, state="chan send (leaked)")
    assert [("channel-never-served", "proved", "error")] == _causes(_MAIN, leaked)
    assert [] == _causes(_MAIN, goroutine(7, send, state="chan send"))


@settings(deadline=None)
@given(st.integers(min_value=2, max_value=40))
def test_a_circle_of_any_length_is_named_in_its_order(length: int) -> None:
    """Each holds its own object's lock and waits for the next one's."""
    words = [f"{0xC000100000 + 64 * place:#x}" for place in range(length)]
    text = [_MAIN]
    for place in range(length):
        waits = _waiter(10 + place, f"{_CACHE}.Get", word=words[(place + 1) % length])
        text.append(waits.rstrip() + f"\n{_CACHE}.Outer({words[place]})\n\t/src/app/x.go:20 +0x1d\n")
    (finding,) = [one for one in memory_report("\n".join(text)).snapshots[0].findings if one.cause]
    assert ("lock-order-cycle", "likely", "error", length) == (
        finding.cause,
        finding.confidence,
        finding.severity,
        finding.count,
    )
    first = finding.goroutine_ids[0]
    order = [10 + (first - 10 + place) % length for place in range(length)]
    assert order[:20] == list(finding.goroutine_ids)


@settings(deadline=None)
@given(st.integers(min_value=2, max_value=40))
def test_a_chain_is_no_circle(length: int) -> None:
    """The same without its last link: somebody at the end can go on."""
    words = [f"{0xC000100000 + 64 * place:#x}" for place in range(length + 1)]
    text = [_MAIN]
    for place in range(length):
        waits = _waiter(10 + place, f"{_CACHE}.Get", word=words[place + 1])
        text.append(waits.rstrip() + f"\n{_CACHE}.Outer({words[place]})\n\t/src/app/x.go:20 +0x1d\n")
    assert "lock-order-cycle" not in [cause for cause, *_ in _causes(*text)]


_CONTENTION: Final = """\
--- mutex:
cycles/second=1000000000
sampling period=1
3400000000 12 @ 0x1 0x2
#\t0x1\tsync.(*Mutex).Unlock+0x1\t/usr/local/go/src/sync/mutex.go:223
#\t0x2\texample.com/acme/store.(*Cache).Refresh+0x1\t/src/app/x.go:12
100000000 4 @ 0x3 0x4
#\t0x3\tsync.(*Mutex).Unlock+0x1\t/usr/local/go/src/sync/mutex.go:223
#\t0x4\texample.com/acme/other.(*Index).Rebuild+0x1\t/src/app/y.go:12
"""


def test_a_mutex_profile_beside_a_dump_is_evidence(tmp_path: Path) -> None:
    """It holds the stacks of those who unlocked: of this lock's type, and of no other."""
    holder = goroutine(7, [f"{_CACHE}.Refresh", "main.work"], state="chan send", argument="0xc000100000")
    waiting = _waiter(10, f"{_CACHE}.Get", "main.serve")
    (tmp_path / "goroutines.stacks").write_text(f"{_MAIN}\n{holder}\n{waiting}")
    (tmp_path / "mutex.pprof").write_text(_CONTENTION)
    (finding,) = [one for one in report_of(tmp_path).snapshots[0].findings if one.cause]
    told = "12 waits of 3.4 s in all, most ended by an Unlock in store.(*Cache).Refresh"
    assert told == finding.evidence["mutex profile"]
    (tmp_path / "mutex.pprof").unlink()
    (finding,) = [one for one in report_of(tmp_path).snapshots[0].findings if one.cause]
    assert "mutex profile" not in finding.evidence


# -- waits that nothing explains, and ticks that nothing earns -------------------------------------------------------


def test_what_began_to_wait_in_the_same_minute_is_named() -> None:
    """Go cuts minutes, and its clock starts late: one minute more or less is the same."""
    text = [
        _MAIN,
        goroutine(7, ["net/x.Send", "main.publish", "main.work"], state="chan send, 52 minutes"),
        goroutine(8, ["main.watch", "main.work"], state="select, 51 minutes"),
        goroutine(9, ["main.poll", "main.work"], state="select, 3 minutes"),
    ]
    (finding,) = memory_report("\n".join(text)).snapshots[0].findings
    assert "unexplained-wait" == finding.rule.name
    assert "goroutine 7 has waited 52 min in main.publish (chan send)" in finding.title
    assert finding.title.endswith("in the same minute began to wait: goroutine 8 in main.watch (select)")


def test_a_generator_is_no_alarm() -> None:
    """A loop that sends what somebody will want next may wait for hours."""
    text = [_MAIN, goroutine(7, ["main.numbers.func1"], state="chan send, 52 minutes")]
    assert ["info"] == [one.severity for one in memory_report("\n".join(text)).snapshots[0].findings]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (goroutine(7, ["main.work"]), "this is an excerpt: the main goroutine is not in it"),
        (f"--- FAIL: TestX\n\n{_MAIN}", "the text around the stacks says 'FAIL'"),
        (f"the deadlock of last night:\n\n{_MAIN}", "the text around the stacks says 'deadlock'"),
        (f"{_MAIN}\ngoroutine 8 [select]:\n", "the dump is cut"),
    ],
)
def test_a_tick_needs_a_reason(text: str, doubt: str) -> None:
    """What cannot be judged is no green line."""
    verdicts = memory_report(text).snapshots[0].verdicts
    assert "ok" not in [verdict.level for verdict in verdicts]
    assert any(doubt in verdict.text for verdict in verdicts)


def test_a_whole_dump_earns_its_tick() -> None:
    """Everybody is there, and a function may be called leak."""
    text = "\n".join([_MAIN, goroutine(7, ["main.(*detector).leak", "main.work"])])
    assert ["ok"] == [verdict.level for verdict in memory_report(text).snapshots[0].verdicts]
