"""The forecast of a pool: what its readings say, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import FIXTURES
from stackscan.knowledge.configuration import shipped
from stackscan.live.history import History
from stackscan.live.poll import Answer, judge
from stackscan.live.rows import row_of
from stackscan.live.sample import Sample
from stackscan.live.sends import POOL, Sends
from stackscan.live.target import Target
from stackscan.load.scrapes import read_scrape
from stackscan.pipeline import Options
from stackscan.queueing.filling import Forecast, forecast
from stackscan.queueing.send_times import Scrape
from stackscan.queueing.trend import Reading
from stackscan.render import forecast_words


def regular(busy: Sequence[float], every: float = 20.0) -> list[Reading]:
    """Readings at equal distances."""
    return [Reading(every * place, float(count)) for place, count in enumerate(busy)]


def test_a_load_that_rises_is_full_where_its_line_meets_the_workers() -> None:
    found = forecast(regular([1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7]), workers=12, holding_seconds=10.0)
    assert found.kind == "filling"
    assert found.full_in_seconds == pytest.approx(20 * 10, rel=0.1)  # 5 more at one in 40 s
    assert found.full_low is not None
    assert found.full_low < found.full_in_seconds
    assert found.full_high is None or found.full_high > found.full_in_seconds


def test_a_steady_load_a_falling_one_and_too_few_readings() -> None:
    assert forecast(regular([2, 3, 2, 1, 2, 3, 2, 2, 1, 3, 2, 2]), workers=12, holding_seconds=10.0).kind == "steady"
    falling = forecast(regular([12, 11, 11, 9, 9, 8, 7, 5, 5, 3, 2, 1]), workers=12, holding_seconds=10.0)
    assert (falling.kind, falling.full_in_seconds) == ("falling", None)
    few = forecast(regular([1, 4, 8]), workers=12, holding_seconds=10.0)
    assert (few.kind, few.reason) == ("unclear", "few")
    assert forecast([], workers=12).kind == "unclear"


def test_a_step_is_no_trend() -> None:
    """A load that jumped and stays would rise along the line through both; only what came after the jump counts."""
    before, after = [2, 1, 2, 3, 2, 2, 1, 2, 3, 2], [7, 6, 7, 6, 7, 7, 6, 7, 6, 7]
    found = forecast(regular([*before, *after]), workers=12, holding_seconds=10.0)
    assert found.kind in ("steady", "unclear")
    short = forecast(regular([*before, *after[:3]]), workers=12, holding_seconds=10.0)
    assert (short.kind, short.reason) == ("unclear", "changed")


def test_full_needs_some_readings_and_twice_the_holding_time() -> None:
    full = forecast(regular([3, 12, 12, 12], 10.0), workers=12, holding_seconds=10.0)
    assert (full.kind, full.full_for_seconds, full.full_in_seconds) == ("full", 20.0, 0.0)
    assert forecast(regular([3, 12, 12, 12], 5.0), workers=12, holding_seconds=10.0).kind == "unclear"
    assert forecast(regular([3, 12, 12], 10.0), workers=12, holding_seconds=10.0).kind == "unclear"


def test_workers_that_never_come_back_fill_the_pool_one_by_one() -> None:
    """The median is near to what the rate says, and the interval holds all chance of so few."""
    found = forecast(regular([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], 60.0), workers=8, holding_seconds=10.0, endless=True)
    assert (found.kind, found.endless) == ("filling", True)
    assert found.full_in_seconds == pytest.approx(540, rel=0.15)
    assert found.full_low is not None
    assert found.full_low < 300
    alike = forecast(regular([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], 60.0), workers=8)
    assert (alike.endless, alike.full_in_seconds) == (True, found.full_in_seconds)


def test_workers_that_were_taken_long_ago_are_no_trend() -> None:
    found = forecast(regular([0, 1, 2, 3, *[3] * 60], 60.0), workers=8, endless=True)
    assert (found.kind, found.per_second) == ("steady", 0.0)


counts = st.lists(st.integers(0, 40), max_size=60)


@settings(deadline=None, max_examples=200)
@given(
    counts,
    st.integers(0, 40),
    st.floats(0, 1e6),
    st.one_of(st.none(), st.floats(1e-3, 1e5)),
    st.booleans(),
)
def test_a_forecast_never_fails_and_its_numbers_are_in_order(
    busy: list[int], workers: int, every: float, holding: float | None, endless: bool
) -> None:
    found = forecast(
        regular([min(count, workers) for count in busy], every),
        workers=workers,
        holding_seconds=holding,
        endless=endless,
    )
    ends = (found.full_low, found.full_in_seconds, found.full_high)
    known = [end for end in ends if end is not None]
    assert known == sorted(known)
    assert all(math.isfinite(end) and 0 <= end <= found.horizon_seconds for end in known)
    assert (found.full_in_seconds is None) <= (found.full_high is None)
    assert math.isfinite(found.busy + found.per_second)
    assert found.probability_within is None or 0 <= found.probability_within <= 1
    assert found.full_in_seconds is None or found.kind in ("full", "filling")
    assert all((forecast_words.sentence("pool", found), forecast_words.short(found), forecast_words.because(found)))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 11), min_size=6, max_size=40))
def test_more_workers_are_full_later(busy: list[int]) -> None:
    readings = regular(busy)
    small, large = (forecast(readings, workers=workers, holding_seconds=10.0) for workers in (12, 16))
    if small.full_in_seconds is None:
        assert large.full_in_seconds is None
    elif large.full_in_seconds is not None:
        assert large.full_in_seconds >= small.full_in_seconds
    assert (large.probability_within or 0.0) <= (small.probability_within or 0.0) + 1e-9


def test_readings_at_one_moment_or_back_in_time_make_no_line() -> None:
    assert forecast([Reading(5.0, 3.0)] * 30, workers=12).kind in ("unclear", "steady")


def test_the_words() -> None:
    """What people read."""
    rising = Forecast(
        "filling",
        12,
        6.2,
        per_second=1.1 / 60,
        full_in_seconds=362.0,
        full_low=241.0,
        full_high=660.0,
        probability_within=0.99,
        horizon_seconds=720.0,
        observed_seconds=360.0,
        readings=72,
    )
    say: Callable[[Forecast], str] = lambda one: forecast_words.sentence("bitswap-task-workers", one)  # noqa: E731
    assert say(rising) == "bitswap-task-workers will be full in about 6 min (90%: 4 to 11 min) if the trend goes on"
    assert forecast_words.short(rising) == "full in 6 min (4 to 11 min)"
    assert forecast_words.because(rising) == "72 samples over 6 min; the load rises by 1.1 workers per minute"
    beyond = replace(rising, full_high=None)
    assert forecast_words.short(beyond) == "full in 6 min (4 min or more)"
    later = replace(beyond, full_in_seconds=None, full_low=None, probability_within=0.317)
    assert say(later) == "bitswap-task-workers is filling: full within 12 min with a probability of 32%"
    full = replace(rising, kind="full", full_for_seconds=200.0)
    assert say(full) == "bitswap-task-workers is full: all 12 workers have been busy for 3 min"
    assert say(replace(full, workers=1)) == "bitswap-task-workers is full: its only worker has been busy for 3 min"
    steady = replace(rising, kind="steady", busy=2.04)
    assert say(steady) == "bitswap-task-workers will not be full within 12 min: 2 of 12 workers are busy on average"
    assert say(replace(steady, endless=True)).endswith("within 12 min: 2 of 12 workers blocked for good")
    falling = replace(rising, kind="falling", per_second=-0.5 / 3600)
    assert say(falling) == "bitswap-task-workers: the load falls, 6.2 of 12 workers are busy on average"
    assert forecast_words.because(falling).endswith("the load falls by 0.5 workers per hour")
    for reason, why in (
        ("few", "too little was seen so far (72 samples over 6 min)"),
        ("changed", "the load changed about 6 min ago"),
        ("varies", "the load varies too much (6.2 of 12 workers are busy on average)"),
    ):
        unclear = replace(rising, kind="unclear", reason=reason)
        assert say(unclear) == f"bitswap-task-workers: no forecast, {why}"
    assert forecast_words.short(unclear) == "unclear"
    assert say(replace(full, full_for_seconds=40.0)).isprintable()
    assert forecast_words.sentence("a\x1b[2Jb", full).isprintable()


def test_spans_of_time() -> None:
    spans = [forecast_words.span(seconds) for seconds in (0, 40, 89.6, 91, 3580, 4800, 40_000, 300_000)]
    assert spans == ["0 s", "40 s", "90 s", "2 min", "1 h", "1 h 20 min", "11 h", "3 days"]


# -- a node's own count of its sends ----------------------------------------------------------------------------------


def test_the_sends_of_a_node_say_more_than_samples_that_are_far_apart() -> None:
    """Samples every 60 s of a load from 4 to 8 scatter like Poisson counts; the counter has every send in between."""
    counts = [4, 6, 3, 5, 7, 4, 3, 8, 6, 5, 9, 6, 4, 8, 7, 9, 6, 10, 5, 8, 9]
    moments = regular(counts, 60.0)
    sends = [Reading(90.0 + 180 * place, 4.3 + 0.6 * place, 180.0) for place in range(6)]
    without = forecast(moments, workers=12, holding_seconds=10.0)
    found = forecast(moments, workers=12, holding_seconds=10.0, sends=sends)
    assert without.kind == "unclear"
    assert found.kind == "filling"
    assert found.full_in_seconds == pytest.approx(60 * 4.7 / 0.2 - 190, rel=0.2)


def test_sends_that_never_end_are_in_no_counter() -> None:
    moments = regular([9] * 20, 20.0)
    nothing = [Reading(60.0 + 120 * place, 0.0, 120.0) for place in range(3)]
    assert forecast(moments, workers=12, holding_seconds=10.0, sends=nothing).busy == pytest.approx(9.0)


def scrape(name: str, number: int) -> Scrape:
    file = FIXTURES / "kubo" / name / f"bitswap-{number:02}.prom"
    return read_scrape(file.read_text("utf-8"), where=file.name)


def test_two_scrapes_of_a_stalled_node_give_the_load_between_them() -> None:
    """240.1 s of sends less 120.1 s, in the 15 s between: 8 workers; counted as held half a deadline earlier."""
    sends = Sends()
    sends.take(1000.0, scrape("v0.40.1-stalled-tcp", 1), 10.0)
    assert not sends.readings
    sends.take(1015.0, scrape("v0.40.1-stalled-tcp", 2), 10.0)
    (reading,) = sends.readings
    assert reading == Reading(1002.5, pytest.approx(8.0, abs=0.01), 15.0)


def test_a_counter_that_runs_backwards_is_another_process() -> None:
    sends = Sends()
    for at, number in ((1000.0, 1), (1015.0, 2), (1030.0, 1)):
        sends.take(at, scrape("v0.40.1-stalled-tcp", number), 10.0)
    assert not sends.readings


# -- the history of a process -----------------------------------------------------------------------------------------


def sample(name: str, at: float) -> Sample:
    """A recorded answer of kubo, judged as of one moment."""
    data = (FIXTURES / "kubo" / name / "goroutine.debug2-02.txt.gz").read_bytes()
    found = judge(TARGET, "full", Answer(data, datetime.fromtimestamp(at, UTC), 0.1, None), Options(shipped()))
    assert isinstance(found, Sample)
    return found


TARGET = Target.parse("http://127.0.0.1:5001")
STALLED = "v0.41.0-boxo-v0.38.0-stalled-tcp"


def test_a_history_says_since_when_a_pool_is_full() -> None:
    history = History(TARGET)
    assert history.forecast(POOL) is None
    one = sample(STALLED, 1000.0)
    for place in range(4):
        history.take(replace(one, at=datetime.fromtimestamp(1000.0 + 10 * place, UTC)))
    found = history.forecast(POOL)
    assert found is not None
    assert (found.kind, found.workers, found.full_for_seconds) == ("full", 12, 30.0)
    assert history.forecast(POOL) is found  # asked by the table and by the metrics: judged once
    assert history.forecast("no-such-pool") is None


def test_a_pool_that_is_another_size_than_before_begins_anew() -> None:
    history = History(TARGET)
    one = sample(STALLED, 0.0)
    other = replace(one, pools=tuple(replace(pool, workers=pool.workers - 4) for pool in one.pools))
    for place, each in enumerate((one, one, one, one, other)):
        history.take(replace(each, at=datetime.fromtimestamp(1000.0 + 10 * place, UTC)))
    found = history.forecast(POOL)
    assert found is not None
    assert (found.kind, found.readings) == ("unclear", 1)


def test_the_table_of_watch_shows_pools_that_fill() -> None:
    """Before any worker too few, and before any finding."""
    history = History(TARGET)
    one = sample(STALLED, 0.0)
    (pool,) = (pool for pool in one.pools if pool.pool.name == POOL)
    for place in range(14):
        busy = 1 + place // 2
        states = {"sending": busy, "idle": 12 - busy}
        at = datetime.fromtimestamp(1000.0 + 20 * place, UTC)
        history.take(replace(one, at=at, findings=(), pools=(replace(pool, states=states),)))
    found = history.forecast(POOL)
    assert found is not None
    (row,) = row_of(history).pools
    assert (row.troubled, row.forecast) == (True, forecast_words.short(found))
    assert row.forecast.startswith("full in ")


def test_only_a_pool_of_a_fixed_size_has_a_forecast() -> None:
    """Workers that are made for their work are never all busy with more to do; a pool without a model proves its size
    by workers that wait."""
    one = sample(STALLED, 0.0)
    (pool,) = (pool for pool in one.pools if pool.pool.name == "bitswap-engine-workers")
    assert pool.pool.model is None

    def kind(sizes: Sequence[tuple[int, int]]) -> str | None:
        history = History(TARGET)
        for place, (busy, idle) in enumerate(sizes):
            states = {"blocked-on-outbox": busy, "idle": idle}
            now = replace(pool, workers=busy + idle, states=states)
            history.take(replace(one, pools=(now,), at=datetime.fromtimestamp(1000.0 + 10 * place, UTC)))
        found = history.forecast(pool.pool.name)
        return None if found is None else found.kind

    assert kind([(0, 8), (8, 0), (8, 0), (8, 0)]) == "full"
    assert kind([(8, 0), (8, 0), (8, 0), (8, 0)]) is None
    assert kind([(2, 1), (8, 0), (8, 0), (8, 0)]) is None


class _Node(BaseHTTPRequestHandler):
    """Serves metrics as a node does, or as one that is none."""

    asked: list[str]
    answer: tuple[int, bytes]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def node(status: int, body: bytes) -> Iterator[tuple[Target, list[str]]]:
    """A node on loopback, and the paths that it was asked for."""
    handler = type("Node", (_Node,), {"asked": [], "answer": (status, body)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Target.parse(f"http://127.0.0.1:{server.server_port}"), handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_metrics_are_asked_for_only_where_the_pool_is_and_not_at_each_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackscan.live.sends._SECONDS", 60.0)  # a busy machine is no silent process
    body = (FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "bitswap-01.prom").read_bytes()
    with node(200, body) as (target, asked):
        sends = Sends()
        for _ in range(6):
            sends.look(target, sample(STALLED, 1000.0))
        assert asked == ["/debug/metrics/prometheus"]  # the next is due after three deadlines
        sends = Sends()
        sends.look(target, replace(sample(STALLED, 1000.0), pools=()))
        assert len(asked) == 1


@pytest.mark.parametrize("answer", [(404, b"404 page not found"), (200, b"garbage \xff"), (200, b"")])
def test_a_process_without_metrics_is_asked_less_and_less(answer: tuple[int, bytes]) -> None:
    one = sample(STALLED, 1000.0)
    with node(*answer) as (target, asked):
        sends = Sends()
        for _ in range(22):
            sends.look(target, one)
        assert len(asked) == 3  # after 6 samples more, and after 12
        assert not sends.readings
