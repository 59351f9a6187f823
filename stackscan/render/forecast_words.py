"""The forecast of a pool in words: one sentence, and what it is based on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackscan.render import words
from stackscan.render.numbers import share

if TYPE_CHECKING:
    from stackscan.queueing.filling import Forecast


def sentence(pool: str, found: Forecast) -> str:
    """When a pool will be full, and how certain that is: ``bitswap-task-workers will be full in about 6 min (90%: 4 to
    11 min) if the trend goes on``."""
    name = words.plain(pool)
    match found.kind:
        case "full":
            who = f"all {_workers(found)} have" if found.workers > 1 else "its only worker has"
            return f"{name} is full: {who} been busy for {span(found.full_for_seconds or 0.0)}"
        case "filling":
            return f"{name} {_full(found)}"
        case "steady":
            return f"{name} will not be full within {span(found.horizon_seconds)}: {_load(found)}"
        case "falling":
            return f"{name}: the load falls, {_load(found)}"
    return f"{name}: no forecast, {_why_not(found)}"


def short(found: Forecast) -> str:
    """The same in a cell of a table: ``full for 3 min``, ``full in 6 min (4 to 11 min)``, ``steady``."""
    if found.kind == "full":
        return f"full for {span(found.full_for_seconds or 0.0)}"
    if found.kind != "filling":
        return found.kind
    if found.full_in_seconds is None:
        return "filling"
    return f"full in {span(found.full_in_seconds)} ({_range(found)})"


def because(found: Forecast) -> str:
    """What the forecast is based on: ``72 samples over 6 min; the load rises by 1.1 workers per minute``."""
    text = f"{words.count(found.readings, 'samples')} over {span(found.observed_seconds)}"
    if found.endless:
        return f"{text}; blocked workers do not come back"
    if found.kind not in ("filling", "falling"):
        return text
    rate = abs(found.per_second) * 60
    unit, rate = ("minute", rate) if rate >= 0.1 else ("hour", rate * 60)
    return f"{text}; the load {'rises' if found.per_second > 0 else 'falls'} by {rate:.2g} workers per {unit}"


def span(seconds: float) -> str:
    """A time that is known roughly: ``40 s``, ``6 min``, ``1 h 20 min``, ``3 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"


def _full(found: Forecast) -> str:
    if found.full_in_seconds is None:
        chance = share(round(found.probability_within or 0.0, 2))
        return f"is filling: full within {span(found.horizon_seconds)} with a probability of {chance}"
    return f"will be full in about {span(found.full_in_seconds)} (90%: {_range(found)}) if the trend goes on"


def _range(found: Forecast) -> str:
    """``4 to 11 min``, ``40 s to 3 min``, ``4 min or more``."""
    low = span(found.full_low or 0.0)
    if found.full_high is None:
        return f"{low} or more"
    high = span(found.full_high)
    number, _, unit = low.partition(" ")
    same = unit == high.partition(" ")[2] and " " not in unit
    return f"{number if same else low} to {high}" if low != high else f"about {high}"


def _workers(found: Forecast) -> str:
    return words.count(found.workers, "workers")


def _load(found: Forecast) -> str:
    if found.endless:
        return f"{found.busy:.0f} of {_workers(found)} blocked for good"
    return f"{found.busy:.2g} of {_workers(found)} are busy on average"


def _why_not(found: Forecast) -> str:
    match found.reason:
        case "few":
            samples = words.count(found.readings, "samples")
            return f"too little was seen so far ({samples} over {span(found.observed_seconds)})"
        case "changed":
            return f"the load changed about {span(found.observed_seconds)} ago"
    return f"the load varies too much ({_load(found)})"
