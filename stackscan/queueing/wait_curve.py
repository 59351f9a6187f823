"""P(wait) of many demands that differ in one number, for a curve: exact where it can be, else simulated side by side.

A curve needs a hundredth, not three digits: a few points between saturation and nothing are simulated in one go by the
same random numbers, so that the curve is smooth, and the others lie on straight lines between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing.demand import Demand
from stackscan.queueing.simulated_waits import can_be_simulated, memory_seconds
from stackscan.queueing.waits import Measured, waits_of

_POINTS: Final = 13
#: Tasks of each simulated point before it is taken as it is.
_TASKS: Final = 400_000
#: Points that need longer to settle than so many tasks lie near saturation, where the curve goes straight to 1.
_MOST_TO_FORGET: Final = 8_000


def wait_probabilities(demands: Sequence[Demand]) -> tuple[float, ...]:
    """The share of tasks that wait at each demand: 1 at saturation and beyond."""
    known: dict[int, float] = {}
    simulated: dict[int, Measured] = {}
    for place, demand in enumerate(demands):
        if demand.saturated:
            known[place] = 1.0
            continue
        waits = waits_of(demand)
        if not isinstance(waits, Measured):
            known[place] = waits.wait_probability().value
        elif (short := short_waits(demand)) is not None:
            simulated[place] = short
    for place in _chosen(tuple(simulated)):
        known[place] = simulated[place].wait_probability().value
    if not known:  # a short curve, all of it near saturation: as it is given
        known[0] = waits_of(demands[0]).wait_probability().value
    places = sorted(known)
    found: NDArray[np.float64] = np.interp(np.arange(len(demands)), places, [known[place] for place in places])
    return tuple(float(value) for value in found)


def short_waits(demand: Demand) -> Measured | None:
    """The waits at a demand that must be simulated, by a short simulation; None: too near to saturation for one."""
    if not can_be_simulated(demand) or demand.rate_per_second * memory_seconds(demand) > _MOST_TO_FORGET:
        return None
    return Measured(demand, first_tasks=_TASKS, most_tasks=_TASKS)


def _chosen(places: Sequence[int]) -> Sequence[int]:
    """At most _POINTS of them, evenly, with both ends."""
    if len(places) <= _POINTS:
        return places
    return [places[round(step * (len(places) - 1) / (_POINTS - 1))] for step in range(_POINTS)]
