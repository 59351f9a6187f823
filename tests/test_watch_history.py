"""What a watch knows of a process: changes, leaks, depths, the line for each change; and the writer of the lines."""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpers import goroutine
from replayed import recorded
from stackscan.knowledge.configuration import shipped
from stackscan.live import watch as watching
from stackscan.live.history import History
from stackscan.live.lines import text_of, values_of
from stackscan.live.moments import MOMENTS, Moment, Moments
from stackscan.live.outbox import Outbox
from stackscan.live.pace import Pace
from stackscan.live.poll import Answer
from stackscan.live.rows import happenings_of, row_of
from stackscan.live.sample import Failure
from stackscan.live.target import Depth, Target
from stackscan.live.watch import News, Settings, Watch
from stackscan.pipeline import Options

BEGIN = datetime(2026, 4, 22, 12, 0, 0, tzinfo=UTC)
TARGET = Target.parse("http://127.0.0.1:1")
Answering = Callable[[int, Depth], bytes | Failure]


class Asked:
    """A watch of one process with answers from memory, ten seconds apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Answering, **settings: Any) -> None:
        self.depths: list[Depth] = []
        self.news: list[News] = []
        self.lines: list[list[dict[str, Any]]] = []

        def ask(_: Target, depth: Depth) -> Answer | Failure:
            self.depths.append(depth)
            at = BEGIN + timedelta(seconds=10 * self.polls)
            found = answer(self.polls, depth)
            return found if isinstance(found, Failure) else Answer(found, at, 0.01, None)

        monkeypatch.setattr(watching, "ask", ask)
        self.polls = 0
        self.watch = Watch([TARGET], Settings(10.0, **settings), Options(shipped()), self._tell)

    def _tell(self, news: News) -> None:
        self.news.append(news)
        self.lines.append(values_of(news))

    def poll(self, count: int = 1) -> History:
        """Ask so often; what is known then."""
        for _ in range(count):
            self.watch.watchers[0].once()
            self.polls += 1
        return self.watch.watchers[0].history

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """What was told: the poll, the event, the rule of each finding."""
        return [
            (place, line["event"], finding["rule"])
            for place, lines in enumerate(self.lines)
            for line in lines
            for finding in line["findings"]
        ]


def states(*names: str) -> Answering:
    """Recorded answers, poll by poll; the last one again."""
    return lambda at, depth: recorded(
        names[min(at, len(names) - 1)], {"profile": "0", "counts": "1", "full": "2"}[depth]
    )


def leaking(at: int, depth: Depth) -> bytes:
    """A place that gains 20 goroutines a poll, as counts or as text."""
    count = 20 + 20 * at
    if depth == "full":
        grown = [goroutine(n, ["main.(*Hub).serve"], creator="main.main", line=41) for n in range(10, 10 + count)]
        return "\n".join([goroutine(1, ["main.main"]), *grown]).encode()
    place = "#\t0x1\tmain.(*Hub).serve+0x1\t/src/hub.go:41\n"
    head = (
        f"goroutine profile: total {count + 1}\n{count} @ 0x1\n{place}\n1 @ 0x2\n#\t0x2\tmain.main+0x1\t/src/m.go:1\n"
    )
    return head.encode()


def test_findings_appear_stay_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each, with the time when they were first seen; the full text is asked for on suspicion, and while it
    stands."""
    asked = Asked(monkeypatch, states("quiet", "quiet", "stalled", "stalled", "stalled", "fixed"))
    history = asked.poll(5)
    assert [(2, "appeared", "bitswap-close-stall")] == asked.told
    assert ["profile", "profile", "profile", "full", "full", "full"] == asked.depths
    assert "error" == history.level
    history = asked.poll(2)
    assert (5, "gone", "bitswap-close-stall") in asked.told
    assert "info" == history.level
    gone = next(line for line in asked.lines[5] if line["event"] == "gone")
    assert (BEGIN + timedelta(seconds=20)).isoformat(timespec="milliseconds") == gone["findings"][0]["since"]


@pytest.mark.parametrize("depth", ["counts", "full"])
def test_three_polls_show_a_leak(monkeypatch: pytest.MonkeyPatch, depth: Depth) -> None:
    """A place that grew and never shrank."""
    asked = Asked(monkeypatch, leaking, depth=depth, full_every=0)
    history = asked.poll(2)
    assert not asked.told
    history = asked.poll(1)
    assert [(2, "appeared", "leak")] == asked.told
    (leak,) = (one.values for one in history.standing.values())
    assert ("leak", "error", 60) == (leak["cause"], leak["severity"], leak["count"])
    assert 2.0 == pytest.approx(leak["evidence"]["rate_per_second"])
    assert "error" == history.level
    assert "serve" in history.verdict


@pytest.mark.parametrize("full_every", [2, 3])
def test_three_polls_of_several_depths_show_a_leak(monkeypatch: pytest.MonkeyPatch, full_every: int) -> None:
    """Counts and the full text together, where there are too few of each."""
    asked = Asked(monkeypatch, leaking, depth="counts", full_every=full_every)
    asked.poll(12)
    assert 2 == len(set(asked.depths[:3]))
    assert (2, "appeared", "leak") in asked.told
    assert "gone" not in [event for _, event, rule in asked.told if rule == "leak"]


def test_a_full_text_now_and_then_ends_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples before it are counts, and one full text shows no growth."""
    asked = Asked(monkeypatch, leaking, depth="counts", full_every=4)
    asked.poll(20)
    assert "full" in asked.depths
    assert ["appeared"] == [event for _, event, rule in asked.told if rule == "leak" and event != "changed"]


def test_few_of_the_seldom_full_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the largest samples, and growth is judged by the counts: memory is full after few of them. Where only
    full texts come, as many are kept as of anything."""
    asked = Asked(monkeypatch, states("quiet"), full_every=4)
    kept = asked.poll(60)
    assert 10 <= asked.depths.count("full")
    sizes = {depth: (len(kept._recent[depth]), len(kept._spread[depth])) for depth in kept._recent}
    assert {"full": (3, 3), "profile": (6, 8)} == sizes
    only_full = Asked(monkeypatch, states("quiet"), full_every=1).poll(20)
    assert (6, 8) == (len(only_full._recent["full"]), len(only_full._spread["full"]))


def waiting(at: int, depth: Depth) -> bytes:
    """Goroutines that wait for a lock for minutes, which only the full text says; counts have no states."""
    del at
    if depth == "full":
        kinds = [goroutine(n, ["sync.runtime_SemacquireMutex", "sync.(*Mutex).Lock", "main.work"],
                           state="sync.Mutex.Lock, 9 minutes") for n in range(10, 40)]  # fmt: skip
        return "\n".join([goroutine(1, ["main.main"]), *kinds]).encode()
    return b"goroutine profile: total 1\n1 @ 0x2\n#\t0x2\tmain.main+0x1\t/src/m.go:1\n"


def test_what_only_the_full_text_shows_does_not_flap(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands until a full text takes it back."""
    asked = Asked(monkeypatch, lambda at, depth: waiting(at, depth) if at < 12 else leaking(0, depth), full_every=4,
                  depth="counts")  # fmt: skip
    asked.poll(11)
    assert asked.told
    assert {"appeared"} == {event for _, event, _ in asked.told}
    history = asked.poll(9)
    assert {one for _, event, one in asked.told if event == "gone"} == {
        one for _, e, one in asked.told if e == "appeared"
    }
    assert "ok" == history.level


def test_an_alarm_stands_where_the_full_text_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stuck process may grow until its full text is too long: counts, which have no states, end no alarm."""

    def growing(at: int, depth: Depth) -> bytes:
        many = "\n".join(goroutine(n, ["main.idle"], creator="main.main") for n in range(100, 2100)).encode()
        if depth == "full" or at < 2:
            return waiting(at, depth) + (b"\n" + many if at >= 2 else b"")
        return b"goroutine profile: total 2000\n2000 @ 0x2\n#\t0x2\tmain.main+0x1\t/src/m.go:1\n"

    asked = Asked(monkeypatch, growing, depth="counts", full_every=2, most_in_full=1000)
    history = asked.poll(3)
    alarms = {key for key, one in history.standing.items() if one.severity != "info"}
    assert alarms
    history = asked.poll(20)
    assert "full" not in asked.depths[4:]
    assert not [told for told in asked.told if told[0] > 2]
    assert alarms <= history.standing.keys()
    assert history.level in ("error", "warning")


def test_a_cut_answer_takes_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end may hold what is missing."""
    whole = recorded("stalled", "2")
    asked = Asked(monkeypatch, lambda at, _: whole if at < 2 else whole[: len(whole) // 20], depth="full")
    asked.poll(1)
    history = asked.poll(3)
    assert history.last is not None
    assert not history.last.complete
    assert [(0, "appeared", "bitswap-close-stall")] == asked.told[:1]
    assert "gone" not in [event for _, event, _ in asked.told]
    assert "error" == history.level
    assert "bitswap workers wait in stream Close" in history.verdict


def test_silence_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it begins and when it ends; findings stand meanwhile."""
    failure = Failure(BEGIN, f"{TARGET.goroutines('profile')} cannot be read: no", "Check it.", 0.1)
    asked = Asked(monkeypatch, lambda at, depth: failure if at in (1, 2, 3) else states("stalled")(at, depth))
    asked.poll(3)
    assert [1, 1, 0] == [len(lines) for lines in asked.lines]
    (silent,) = asked.lines[1]
    assert ("changed", "lost", {"reason": failure.reason, "hint": "Check it."}) == (
        silent["event"], silent["level"], silent["error"],
    )  # fmt: skip
    row = row_of(asked.watch.watchers[0].history)
    assert ("lost", "cannot be read: no", BEGIN) == (row.level, row.verdict, row.since)
    assert ["silent"] == [one.event for one in happenings_of(asked.news[1])]
    asked.poll(3)
    assert [0, 1, 0] == [len(lines) for lines in asked.lines[3:]]
    assert ("changed", "error") == (asked.lines[4][0]["event"], asked.lines[4][0]["level"])
    assert ["answers"] == [one.event for one in happenings_of(asked.news[4])]


def test_a_fault_of_ours_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the process, and the next answer is judged."""
    asked = Asked(monkeypatch, states("quiet"))
    real = watching.judge
    faults = iter([True, False])

    def judge(*arguments: Any) -> Any:
        if next(faults, False):
            raise ZeroDivisionError("oh")
        return real(*arguments)

    monkeypatch.setattr(watching, "judge", judge)
    assert asked.watch.watchers[0]._surely() is None
    assert "unexpected failure" in asked.lines[0][0]["verdict"]
    assert "bug in stackscan" in asked.lines[0][0]["error"]["hint"]
    assert asked.watch.watchers[0]._surely() is not None
    assert "ok" == asked.watch.watchers[0].history.level


def test_rows_show_pools_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stalled kubo looks like in the table."""
    asked = Asked(monkeypatch, states("quiet", "stalled"))
    row = row_of(asked.watch.watchers[0].history)
    assert ("unknown", "not asked yet", None) == (row.level, row.verdict, row.goroutines)
    row = row_of(asked.poll(3))
    pool = next(one for one in row.pools if one.name == "bitswap-task-workers")
    assert (12, 12, True, (0.0, 1.0, 1.0)) == (pool.workers, pool.busy, pool.troubled, pool.shares)
    assert BEGIN + timedelta(seconds=10) == row.since
    assert 3 == len(row.counts)


def test_a_clock_that_is_set_back_makes_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Growth from 20 to 70 in the order of the times, and a fall from 70 to 20 in truth. What grows from then on is a
    leak."""
    polls = iter([(0, 3), (10, 4), (-3_600, 0), (-3_590, 1), (-3_580, 2)])

    def ask(_: Target, depth: Depth) -> Answer:
        seconds, grown = next(polls)
        return Answer(leaking(grown, depth), BEGIN + timedelta(seconds=seconds), 0.01, None)

    asked = Asked(monkeypatch, leaking, depth="full", full_every=0)
    monkeypatch.setattr(watching, "ask", ask)
    asked.poll(4)
    assert [] == asked.told
    asked.poll(1)
    assert [(4, "appeared", "leak")] == asked.told


def test_moments_are_the_last_ones() -> None:
    """As many as there is room for; counts of any size."""
    every = [Moment(BEGIN + timedelta(seconds=place), 1 << 40, place) for place in range(2 * MOMENTS + 7)]
    kept = Moments()
    assert not kept
    for one in every:
        kept.append(one)
        if one.busy in (0, MOMENTS - 1):
            assert every[: one.busy + 1] == list(kept)
    assert every[-MOMENTS:] == list(kept) == list(kept[:])
    assert (every[-1], every[-MOMENTS], every[-60:]) == (kept[-1], kept[0], list(kept[-60:]))


def test_lines_are_ascii_and_whole() -> None:
    """Whatever a name holds."""
    line = text_of({"x": "\u202e\x1b[2J\x7f\n\ud800 é"})
    assert line.isascii()
    assert line.isprintable()
    assert {"x": "\u202e\x1b[2J\x7f\n\ud800 é"} == json.loads(line)


# -- pace ------------------------------------------------------------------------------------------------------------


def test_pace() -> None:
    """At the interval, a little earlier or later; slow or silent processes less often from the second time on, and soon
    again when they are not."""
    pace = Pace(10.0, random.Random(1))  # noqa: S311 - the same each time
    assert all(9 <= pace.after(0.1, failed=False) <= 11 for _ in range(100))
    waits = [pace.after(0.1, failed=True) for _ in range(10)]
    assert waits[0] <= 11
    assert all(b > 1.5 * a for a, b in itertools.pairwise(waits[:4]))
    assert 300 * 1.1 >= max(waits)
    assert [pace.after(0.1, failed=False) for _ in range(5)][-1] <= 11
    assert pace.after(6.0, failed=False) <= 11
    assert pace.after(6.0, failed=False) >= 18
    assert pace.after(100.0, failed=False) >= 100


# -- the writer ------------------------------------------------------------------------------------------------------


def test_the_writer_writes_all() -> None:
    """In order, and the end waits for it."""
    read, write = os.pipe()
    out = Outbox(write, ended=pytest.fail, tell_dropped=pytest.fail)
    for number in range(1000):
        out.add(str(number))
    assert out.close(60)
    os.close(write)
    with os.fdopen(read) as reader:
        assert [str(number) for number in range(1000)] == reader.read().splitlines()


def test_a_slow_reader_loses_the_oldest_lines() -> None:
    """Each line is whole, the number of lost ones is told, and nobody waits."""
    read, write = os.pipe()
    dropped: list[int] = []
    out = Outbox(write, ended=pytest.fail, tell_dropped=dropped.append, most_bytes=100_000)
    for number in range(1000):
        out.add(f"{number:04} " + "x" * 1000)
    assert not out.close(0.05)
    found: list[str] = []

    def take() -> None:
        with os.fdopen(read) as reader:
            found.extend(reader.read().splitlines())

    reading = threading.Thread(target=take)
    reading.start()
    assert out.close(60)
    os.close(write)
    reading.join(60)
    assert {1005} == set(map(len, found))
    assert sorted(found) == found
    assert found[-1].startswith("0999")
    assert out.dropped == sum(dropped) == 1000 - len(found) > 500


def test_a_reader_that_is_gone() -> None:
    """The writer says so, and takes no more."""
    read, write = os.pipe()
    os.close(read)
    ended = threading.Event()
    out = Outbox(write, ended=ended.set, tell_dropped=pytest.fail)
    out.add("x")
    assert ended.wait(60)
    assert isinstance(out.failure, BrokenPipeError)
    out.add("y")
    os.close(write)


def test_a_pipe_that_does_not_block() -> None:
    """Somebody made it so: lines are whole all the same."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    out = Outbox(write, ended=pytest.fail, tell_dropped=pytest.fail)
    for _ in range(200):
        out.add("x" * 10_000)
    time.sleep(0.1)
    found = b""
    while found.count(b"\n") < 200:
        found += os.read(read, 1 << 16)
    assert {10_000} == set(map(len, found.splitlines()))
    assert out.close(60)
    os.close(read)
    os.close(write)
