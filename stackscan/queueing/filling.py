"""When a pool will be full, if the trend of its load goes on.

Full means: the offered load reaches the number of workers. From there on the queue grows for as long as it lasts;
before, tasks wait now and then, and the queue ends by itself. Nothing is said about more than twice the time that was
observed.

Where the node counts its sends, too, these say more: all sends of a time are in them, not only those of some moments.

Where workers that are taken never come back, there is no load: the pool fills one by one. When k were taken in the time
T, the probability that at least m more are taken within t is the regularised incomplete beta function
``I(t / (T + t); m, k + 1/2)`` (Cox 1953, two Poisson processes; with Jeffreys' prior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from stackscan.queueing import special
from stackscan.queueing.trend import FEWEST, Line, Reading, line_of

Kind = Literal["full", "filling", "steady", "falling", "unclear"]
#: Why it is not clear: too few readings, a change too short ago, or readings that vary too much.
Reason = Literal["", "few", "changed", "varies"]

#: The part of the observed time that is looked ahead.
HORIZON: Final = 2.0
#: Readings nearer to each other are one.
_APART_SECONDS: Final = 1e-3
#: A trend is said to rise, or to fall, when it is so certain.
_SURE: Final = 0.975
#: What is cut off on each side of a 90 % interval.
_TAIL: Final = 0.05
#: A pool that is full within the horizon with less than this probability is not said to fill: it is steady.
_UNLIKELY: Final = 0.1
#: Readings in a row, and holding times, for which all workers must be busy: fewer are chance.
_FULL_READINGS: Final = 3
_FULL_HOLDS: Final = 2.0
#: Standard deviations of one count by which moments contradict what the sends say.
_CONTRADICTED: Final = 3.0
#: Workers taken for good from which a rate is known well enough to say that the pool fills.
_TAKEN: Final = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the history of a pool says about its future.

    ``busy`` is the load now, in erlangs (workers busy on average), ``per_second`` its trend. ``full_in_seconds`` is the
    time from the last reading until the pool is full: the median, and ``full_low`` and ``full_high`` the ends of the
    90 % interval; None is beyond the horizon. ``probability_within`` is how certain it is that the pool is full within
    ``horizon_seconds`` (0 to 1; None: unknown). ``full_for_seconds``: for how long all workers have been busy (None:
    they are not). ``endless``: workers that are taken never come back.
    """

    kind: Kind
    workers: int
    busy: float
    per_second: float = 0.0
    full_in_seconds: float | None = None
    full_low: float | None = None
    full_high: float | None = None
    probability_within: float | None = None
    horizon_seconds: float = 0.0
    observed_seconds: float = 0.0
    readings: int = 0
    full_for_seconds: float | None = None
    endless: bool = False
    reason: Reason = ""


def forecast(
    moments: Sequence[Reading],
    *,
    workers: int,
    holding_seconds: float | None = None,
    endless: bool = False,
    sends: Sequence[Reading] = (),
) -> Forecast:
    """What is to come of a pool that had so many workers busy at these moments, in the order of time; one that is not
    later than those before it (a clock was set back) is left out.

    ``holding_seconds`` is how long a task holds a worker (None: unknown). ``endless``: it never gives it back; without
    a holding time that is also found from readings that only rise. ``sends`` are means that the node itself counted.
    """
    moments = _in_order(moments)
    if not moments or workers < 1:
        return Forecast("unclear", workers, 0.0, readings=len(moments), reason="few")
    full_for = _full_for(moments, workers, holding_seconds)
    if full_for is not None:
        return Forecast(
            "full",
            workers,
            float(workers),
            full_in_seconds=0.0,
            full_low=0.0,
            full_high=0.0,
            probability_within=1.0,
            observed_seconds=moments[-1].at_seconds - moments[0].at_seconds,
            readings=len(moments),
            full_for_seconds=full_for,
            endless=endless,
        )
    if endless or (holding_seconds is None and _only_rises(moments)):
        return _one_by_one(moments, workers)
    readings = _with_sends(moments, sends)
    line, changed = line_of(readings, holding_seconds=holding_seconds)
    now = moments[-1].at_seconds
    if line is None:
        return _no_line(readings, now, workers, changed)
    return _along(line, readings, now, workers)


def _with_sends(moments: Sequence[Reading], sends: Sequence[Reading]) -> list[Reading]:
    """Both in the order of time: what the sends of a time say, instead of the moments in it.

    Only sends that ended are counted. Where far more workers are busy than these account for, they say nothing.
    """
    kept, used = list(moments), []
    for one in sends:
        half = one.lasting_seconds / 2
        within = [m.busy for m in kept if abs(m.at_seconds - one.at_seconds) < half]
        if within and sum(within) / len(within) > one.busy + _CONTRADICTED * max(one.busy, 1.0) ** 0.5:
            continue
        kept = [m for m in kept if abs(m.at_seconds - one.at_seconds) >= half]
        used.append(one)
    return sorted([*kept, *used], key=lambda reading: reading.at_seconds)


def _in_order(readings: Sequence[Reading]) -> list[Reading]:
    found: list[Reading] = []
    for one in readings:
        if not found or one.at_seconds - found[-1].at_seconds >= _APART_SECONDS:
            found.append(one)
    return found


def _full_for(moments: Sequence[Reading], workers: int, holding: float | None) -> float | None:
    """For how many seconds all workers have been busy; None: they are not, or that may be chance."""
    run = 0
    for one in reversed(moments):
        if one.busy < workers:
            break
        run += 1
    if run < _FULL_READINGS:
        return None
    lasted = moments[-1].at_seconds - moments[-run].at_seconds
    return lasted if lasted >= _FULL_HOLDS * (holding or 0.0) else None


def _only_rises(moments: Sequence[Reading]) -> bool:
    """Whether workers were taken, again and again, and none came back."""
    steps = [after.busy - before.busy for before, after in pairwise(moments)]
    return len(moments) >= FEWEST and all(step >= 0 for step in steps) and sum(step > 0 for step in steps) >= _TAKEN


def _one_by_one(moments: Sequence[Reading], workers: int) -> Forecast:
    """The forecast where nothing comes back."""
    first, last = moments[0], moments[-1]
    observed = last.at_seconds - first.at_seconds
    if len(moments) < 2 or observed <= 0:
        return Forecast("unclear", workers, last.busy, readings=len(moments), endless=True, reason="few")
    taken = max(0.0, last.busy - first.busy)
    risen = [after.at_seconds for before, after in pairwise(moments) if after.busy > before.busy]
    quiet = last.at_seconds - risen[-1] if risen else observed
    if taken and 0 < quiet < observed and (1 - quiet / observed) ** taken < _TAIL:
        observed, taken = quiet, 0.0  # they were taken, and are no longer
    horizon = HORIZON * observed
    left = max(workers - last.busy, 1e-9)

    def after(sure: float) -> float | None:
        part = special.betaincinv(left, taken + 0.5, sure)
        seconds = observed * part / (1 - part) if part < 1 else horizon + 1
        return seconds if seconds <= horizon else None

    within = special.betainc(left, taken + 0.5, horizon / (horizon + observed))
    filling = taken >= _TAKEN
    unclear = not filling and within >= _UNLIKELY
    return Forecast(
        "filling" if filling else "unclear" if unclear else "steady",
        workers,
        last.busy,
        per_second=taken / observed,
        full_in_seconds=after(0.5) if filling else None,
        full_low=after(_TAIL) if filling else None,
        full_high=after(1 - _TAIL) if filling else None,
        probability_within=within,
        horizon_seconds=horizon,
        observed_seconds=observed,
        readings=len(moments),
        endless=True,
        reason="few" if unclear else "",
    )


def _no_line(readings: Sequence[Reading], now: float, workers: int, changed: float | None) -> Forecast:
    return Forecast(
        "unclear",
        workers,
        readings[-1].busy,
        observed_seconds=now - (readings[0].at_seconds if changed is None else changed),
        readings=len(readings),
        reason="few" if changed is None else "changed",
    )


def _along(line: Line, readings: Sequence[Reading], now: float, workers: int) -> Forecast:
    """The forecast along a line."""
    observed = now - line.first_seconds
    until = now + HORIZON * observed
    rising = line.probability_rising
    within = line.probability_above(workers, until)
    filling = rising >= _SURE and within >= _UNLIKELY

    def after(sure: float) -> float | None:
        when = line.reaches(workers, sure, since_seconds=now, until_seconds=until) if filling else None
        return None if when is None else when - now

    kind: Kind = "filling" if filling else "falling" if rising <= 1 - _SURE else "steady"
    if kind == "steady" and within >= _UNLIKELY:
        kind = "unclear"
    return Forecast(
        kind,
        workers,
        min(max(line.load(now), 0.0), float(workers)),
        per_second=line.slope,
        full_in_seconds=after(0.5),
        full_low=after(_TAIL),
        full_high=after(1 - _TAIL),
        probability_within=within,
        horizon_seconds=HORIZON * observed,
        observed_seconds=observed,
        readings=sum(one.at_seconds >= line.first_seconds - 1e-9 for one in readings),
        reason="varies" if kind == "unclear" else "",
    )
