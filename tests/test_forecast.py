"""The forecast of a pool: what its readings say, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackscan.queueing.filling import Forecast, forecast
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
    """Golden: what people read."""
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
