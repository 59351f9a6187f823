"""A plan beside its neighbours: workers needed for other targets, and how many tasks are late with other pools."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target, workers_needed
from stackscan.queueing.wait_curve import short_waits
from stackscan.queueing.waits import Measured, Solved, waits_of

#: Pools whose late tasks are told, and how many where each takes a simulation.
_POINTS: Final = 25
_FEW_POINTS: Final = 7
#: On the way to the answers for a larger pool are some that take seconds of simulation each.
_LARGEST: Final = 2_000
_PROBABILITIES: Final = (0.9, 0.99, 0.999)
_WAITS: Final = (0.0, 0.1, 1.0, 10.0)


@dataclass(frozen=True, slots=True)
class Targets:
    """Workers needed with closes in the worker: ``needed[wait][probability]`` (None: more than the model takes), one
    row for each of ``waits_seconds``, one column for each of ``probabilities``; no rows where they take simulations.

    ``late`` pairs numbers of workers with the share of tasks that wait longer than the target, ``simulated`` or exact.
    """

    waits_seconds: tuple[float, ...]
    probabilities: tuple[float, ...]
    needed: tuple[tuple[int | None, ...], ...]
    late: tuple[tuple[int, float], ...]
    simulated: bool


def targets(demand: Demand, target: Target, found: Plan) -> Targets:
    """The neighbours of a plan."""
    needed = found.workers_needed
    at = replace(demand, workers=needed or demand.workers)
    simulated = not at.saturated and isinstance(waits_of(at), Measured)
    late = tuple(
        (workers, share)
        for workers in _workers(demand, needed, points=_FEW_POINTS if simulated else _POINTS)
        if (share := _late(replace(demand, workers=workers), target)) is not None
    )
    if simulated or needed is None or needed > _LARGEST:
        return Targets((), (), (), late, simulated)
    unit = target.wait_seconds or demand.close_deadline_seconds / 100
    waits = tuple(sorted({min(unit * step, checks.MOST_SECONDS) for step in _WAITS} | {target.wait_seconds}))
    shares = tuple(sorted({*_PROBABILITIES, target.probability}))
    rows = tuple(tuple(workers_needed(demand, Target(wait, share)) for share in shares) for wait in waits)
    return Targets(waits, shares, rows, late, simulated)


def _workers(demand: Demand, needed: int | None, *, points: int) -> tuple[int, ...]:
    """Pools from saturation to some more than are needed; the one that there is, where it lies between."""
    if needed is None:
        return ()
    first = min(math.floor(demand.load_erlangs) + 1, needed)
    last = min(max(needed + max(2, (needed - first) // 3), min(demand.workers, 2 * needed)), checks.MOST_WORKERS)
    step = max(1, math.ceil((last - first) / (points - 1)))
    shown = {*range(first, last + 1, step), needed}
    return tuple(sorted(shown | ({demand.workers} if first <= demand.workers <= last else set())))


def _late(demand: Demand, target: Target) -> float | None:
    """The share of tasks that wait longer than the target; None: too near to saturation to tell."""
    if demand.saturated:
        return 1.0
    waits = waits_of(demand)
    if isinstance(waits, Solved):
        return waits.exceeds(target.wait_seconds).value
    short = short_waits(demand)
    return None if short is None else short.exceeds(target.wait_seconds).value
