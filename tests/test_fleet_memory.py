"""Memory of a fleet: what is kept of each capture is compressed without loss, and small."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.analysis.proposals import Crew
from stackscan.fleet.answer import answer
from stackscan.fleet.captures import Captures, moment_of, time_of
from stackscan.fleet.counted import Counted
from stackscan.fleet.gather import Gathering
from stackscan.fleet.packed import Numbers, Packed
from stackscan.fleet.pattern import Origin
from stackscan.fleet.pools import pools
from stackscan.fleet.row import Row, Seen, Spot, Workers

_START = datetime(2026, 4, 22, 10, tzinfo=UTC)


def row(host: int, step: int, places: int = 60) -> Row:
    """A capture of a program, whose counts vary."""
    chance = random.Random(f"{host} {step}")  # noqa: S311 - no secret
    name = f"shop/h{host}/{_START + timedelta(minutes=10 * step):%Y%m%dT%H%M%SZ}.txt.gz"
    spots = (
        Spot(
            (f"shop.work{n}", "main.main", "select"),
            f"work.go:{n}",
            1 + chance.randrange(40),
            step % 9,
            idle=False,
            caught=False,
        )
        for n in range(places)
    )
    return Row(
        origin=Origin("shop", f"h{host}", "1.0.0", _START + timedelta(minutes=10 * step)),
        where=name,
        digest=chance.randbytes(16),
        format="goroutine-text",
        goroutines=1200,
        complete=True,
        leak_profile=False,
        seen=(Seen("stuck", None, "error", "it is stuck", "", "shop.work1", "work.go:1", 3 + chance.randrange(4)),),
        spots=tuple(spots),
        crowds=(),
        pools=(Workers("workers", 12, chance.randrange(13)),),
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, (1 << 64) - 1), st.booleans()), max_size=600))
def test_numbers_are_kept_as_they_are(given_rows: list[tuple[int, int, bool]]) -> None:
    """Whatever their size, and however many blocks they fill."""
    ordered = sorted(given_rows, key=lambda each: each[0])
    kept = Numbers(3)
    for each in ordered:
        kept.append(*each)
    assert ordered == [*kept]


@pytest.mark.parametrize("many", [0, 1, 255, 256, 257, 512, 1000])
def test_numbers_fill_blocks(many: int) -> None:
    """A block that is exactly full is read once, and the first number of each block is right."""
    kept = Numbers(2)
    for at in range(many):
        kept.append(10**12 + 7 * at, at % 3)
    assert [(10**12 + 7 * at, at % 3) for at in range(many)] == [*kept]
    assert [*kept] == [*kept]


@pytest.mark.parametrize("many", [0, 1, 256, 700])
def test_a_packed_sequence_is_a_sequence(many: int) -> None:
    """As a list is: from both ends, in pieces, and with the same error behind its end."""
    plain = [f"name {at}" for at in range(many)]
    packed = Packed(plain)
    assert (plain, len(plain), bool(plain)) == ([*packed], len(packed), bool(packed))
    for place in (slice(None), slice(200, 300), slice(-3, None), slice(None, None, 97)):
        assert plain[place] == packed[place]
    for place in (0, -1, 255, 256) if many == 700 else ():
        assert plain[place] == packed[place]
    with pytest.raises(IndexError):
        packed[many]


def test_captures_are_kept_as_they_are() -> None:
    """What is unknown stays unknown, and times are in UTC, whatever zone they came in."""
    there = datetime(1969, 12, 31, 23, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    first, second = row(1, 1), row(2, 2)
    odd = replace(
        first, origin=Origin(time=there), where="a\nb\udc80", digest=b"short", complete=False, leak_profile=True
    )
    kept = Captures()
    assert [0, 1, 2] == [kept.add(each) for each in (first, odd, second)]
    assert ("shop", "h1", "") == kept.instance(0)
    assert (None, None, "a\nb\udc80") == kept.instance(1)
    assert (there, None, "a\nb\udc80") == (kept.time(1), kept.version(1), kept.where(1))
    assert (False, True, True, False) == (*map(kept.complete, (1, 2)), *map(kept.leak_profile, (1, 2)))
    assert (first.origin.time, second.where, 1200) == (kept.time(0), kept.where(2), kept.goroutines(2))
    assert 3 == len({*map(kept.digest, range(3))}) == len(kept)


def test_a_time_without_a_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Spark gives it to Python."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        local = _START.astimezone().replace(tzinfo=None)
        assert (6, _START) == (local.hour, time_of(moment_of(local)))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_memory_of_a_capture_is_small() -> None:
    """Sixty places, a finding and a pool take less than 500 bytes a capture, and the answer over them little more."""

    def rows(steps: range) -> Iterator[Row]:
        return (row(host, step) for step in steps for host in range(25))

    gathering = Gathering()

    def grown(work: Callable[[], object]) -> tuple[int, int]:
        tracemalloc.start()
        try:
            made = work()
            now, peak = tracemalloc.get_traced_memory()
            del made
            return now, peak
        finally:
            tracemalloc.stop()

    def gather(steps: range) -> None:
        for each in rows(steps):
            gathering.take(each)

    gather(range(20))  # what is kept once, and the blocks that are not full yet
    kept, _ = grown(lambda: gather(range(20, 100)))
    few = grown(lambda: answer(gathering, threshold=10_000))[1]
    gather(range(100, 180))
    many = grown(lambda: answer(gathering, threshold=10_000))[1]
    assert kept < 500 * 25 * 80
    assert many - few < 500 * 25 * 80


def test_what_is_equal_or_less_does_not_count() -> None:
    """Equal content of one host, and a format that says less at the same moment; two hosts may be equal."""
    one, other = row(1, 1), row(2, 1)
    again = replace(one, where="copy")
    less = replace(one, where="less", digest=b"another", format="goroutine-counts")
    twin = replace(other, digest=one.digest)
    nameless = replace(one, where="nameless", origin=Origin())
    gathering = Gathering()
    for each in (nameless, less, again, one, twin):
        gathering.take(each)
    counted = Counted.of(gathering)
    assert ["copy", twin.where] == [*map(gathering.captures.where, counted.kept)]
    assert (2, 1) == (counted.equal, counted.views)


def test_a_pool_counts_once_in_a_capture() -> None:
    """Of a pool that nobody described, a crew of the same capture adds nothing, and one of another adds its workers."""
    pool = Workers("shop.worker", 10, 4, known=False, creator="main.main", idle_at="shop.next")
    crew = Crew("shop.worker", "main.main", 10, (("shop.next", 1),))
    gathering = Gathering()
    gathering.take(replace(row(1, 1), pools=(pool,), crews=(crew,)))
    gathering.take(replace(row(2, 1), pools=(), crews=(crew,)))
    gathering.take(replace(row(3, 1), pools=(), crews=(replace(crew, workers=40),)))
    (found,) = pools(Counted.of(gathering))
    assert (2, 20, 13.0) == (found.hosts, found.workers, found.offered_load_erlangs)
    assert ["h2"] == [one.host for one in found.near]


def test_the_worst_of_equal_captures_is_the_first_by_name() -> None:
    """In whatever order they come."""
    captures = [replace(row(host, step), pools=(), seen=()) for host in range(3) for step in range(5)]
    seen = Seen("stuck", None, "error", "it is stuck", "", "shop.work1", "work.go:1", 7)
    for seed in range(4):
        random.Random(seed).shuffle(captures)  # noqa: S311 - no secret
        gathering = Gathering()
        for each in captures:
            gathering.take(replace(each, seen=(seen, replace(seen, count=2))))
        (finding,) = (one for one in answer(gathering, threshold=10_000).findings if one.rule == "stuck")
        assert (min(each.where for each in captures), 9) == (finding.worst.capture, finding.worst.count)
        assert all(before.host <= after.host for before, after in pairwise(finding.peaks) if before.host and after.host)
