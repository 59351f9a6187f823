"""When the captures of a pool were taken: how much each of them adds to what the others show.

Times come from names and from notes beside the files (sources/times.py), from the user, or from goroutine ids: Go
numbers goroutines as it starts them, so ids are a clock, and the ages of holds in ids show how long a hold lasts on
that clock. When the times are unknown, all captures of a process count as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from stackscan.load.projections import Held, Moments

#: Captures that share so many of their goroutines are of one process.
_SAME_PROCESS: Final = 0.5


@dataclass(frozen=True, slots=True)
class PoolCapture:
    """One dump of a pool: what it shows, its holds as pairs of goroutine ids, its goroutines' ids, where it is from and
    when it was taken, if that is known."""

    shown: Held
    holds: frozenset[tuple[int, int]]
    ids: frozenset[int]
    newest: int
    where: str
    when: datetime | None


def moments_of(
    captures: Sequence[PoolCapture], *, apart_seconds: float | None, holding_seconds: float | None
) -> Moments:
    """Of each process: which captures are of it, and when each was taken, in holding times (None: unknown)."""
    found = []
    for places in _processes(captures):
        members = [captures[place] for place in places]
        if apart_seconds is not None and holding_seconds is not None:
            at: tuple[float, ...] | None = tuple(n * apart_seconds / holding_seconds for n in range(len(members)))
        else:
            at = _by_time(members, holding_seconds) or _by_ids(members)
        found.append((places, at))
    return tuple(found)


def _processes(captures: Sequence[PoolCapture]) -> Iterator[tuple[int, ...]]:
    """Captures by process, in their order: each belongs with the one before it with which it shares its goroutines.
    Captures without ids are taken as one process's."""
    groups: list[list[int]] = []
    for place, capture in enumerate(captures):
        group = next((group for group in groups if _same_process(captures[group[-1]], capture)), None)
        if group is None:
            groups.append(group := [])
        group.append(place)
    return map(tuple, groups)


def _same_process(one: PoolCapture, other: PoolCapture) -> bool:
    if not one.ids or not other.ids:
        return not one.ids and not other.ids
    return len(one.ids & other.ids) > _SAME_PROCESS * min(len(one.ids), len(other.ids))


def _by_time(captures: Sequence[PoolCapture], holding_seconds: float | None) -> tuple[float, ...] | None:
    times = [capture.when for capture in captures if capture.when is not None]
    if holding_seconds is None or len(times) < len(captures):
        return None
    first = min(times)
    return tuple((time - first).total_seconds() / holding_seconds for time in times)


def _by_ids(captures: Sequence[PoolCapture]) -> tuple[float, ...] | None:
    """By the clock of goroutine ids, in holds; None where no hold shows how long one lasts.

    A hold began when its goroutine was started: it lasts longer than from there to the last capture that shows it, and
    shorter than to the next. Of few holds the longest age is less than a hold: the bound that is too small in one of
    twenty cases only is taken, so that captures are rather thought too near to each other than too far apart.
    """
    ages, ends = [], []
    last_seen: dict[tuple[int, int], int] = {}
    for place, capture in enumerate(captures):
        last_seen |= dict.fromkeys(capture.holds, place)
    for (_, child), place in last_seen.items():
        ages.append(captures[place].newest - child)
        if place + 1 < len(captures):
            ends.append(captures[place + 1].newest - child)
    longest = max(ages, default=0)
    if longest <= 0:
        return None
    hold = longest / 0.05 ** (1 / len(ages))
    if ends:
        hold = max(longest, min(hold, float(np.quantile(ends, 0.25))))
    return tuple((capture.newest - captures[0].newest) / hold for capture in captures)
