"""Curves over the share of silent peers, or over the stall load where no rate is known: waits and throughput, closes in
the worker against closes beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.projection import Projection
from stackscan.queueing.wait_curve import wait_probabilities

POINTS: Final = 121
#: How far the curves go beyond saturation.
_BEYOND: Final = 1.5


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what its values are, with their unit, and the values of both pools along x."""

    label: str
    synchronous: tuple[float, ...]
    detached: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where we are: an x, and the ends of its 90 % interval (``high`` None: beyond the picture)."""

    x: float
    low: float
    high: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Curves:
    """All that a picture of them shows. ``saturation`` is the x from which on the synchronous pool is saturated (None:
    beyond the picture)."""

    title: str
    x_label: str
    x_is_share: bool
    x: tuple[float, ...]
    panels: tuple[Panel, ...]
    saturation: float | None
    mark: Mark | None


@lru_cache(maxsize=16)  # a picture and a text of one projection
def curves(found: Projection) -> Curves:
    """The curves around a projection: over the silent share where the rate is known, over the load where it is not."""
    known = found.rate_per_second, found.close_deadline_seconds
    if known[0] and known[1] is not None and found.captures is None:
        demand = Demand(
            found.workers,
            known[0],
            found.silent_fraction or 0.0,
            known[1],
            found.service_seconds or 0.0,
        )
        return _over_share(demand)
    return _over_load(found)


def _over_share(demand: Demand) -> Curves:
    spare = demand.workers - demand.rate_per_second * demand.service_seconds
    full = spare / (demand.rate_per_second * demand.close_deadline_seconds)
    end = min(1.0, max(_BEYOND * full, 1.25 * demand.silent_fraction)) if full > 0 else 1.0
    x = tuple(end * place / (POINTS - 1) for place in range(POINTS))
    demands = [replace(demand, silent_fraction=share) for share in x]
    writing = demand.detached()
    fast = _done(writing)
    return Curves(
        title=f"{demand.workers:,} workers, {demand.rate_per_second:,.4g} tasks/s, "
        f"a silent peer blocks a worker for {demand.close_deadline_seconds:g} s",
        x_label="share of silent peers",
        x_is_share=True,
        x=x,
        panels=(
            Panel(
                "tasks that wait",
                wait_probabilities(demands),
                wait_probabilities([writing]) * len(x),
            ),
            Panel("tasks done per second", tuple(_done(one) for one in demands), tuple(fast for _ in x)),
        ),
        saturation=full if 0 <= full <= end else None,
        mark=Mark(demand.silent_fraction, demand.silent_fraction, demand.silent_fraction, "given"),
    )


def _done(demand: Demand) -> float:
    capacity = demand.capacity_per_second
    return demand.rate_per_second if capacity is None else min(demand.rate_per_second, capacity)


def _over_load(found: Projection) -> Curves:
    workers = found.workers
    low, high = found.stall_load_interval or (0.0, None)
    end = max(_BEYOND * workers, 1.1 * (high or low), 1.1 * (found.stall_load_erlangs or 0.0))
    x = tuple(end * place / (POINTS - 1) for place in range(POINTS))
    waiting = tuple(
        1.0 if load > checks.below_saturation(workers) else DeterministicQueue(workers, load, 1.0).wait_probability
        for load in x
    )
    at = found.stall_load_erlangs if found.stall_load_erlangs is not None else low
    return Curves(
        title=f"{workers:,} workers",
        x_label="stall load in erlangs (silent sends per second × seconds each blocks a worker)",
        x_is_share=False,
        x=x,
        panels=(
            Panel("tasks that wait", waiting, (0.0,) * len(x)),
            Panel(
                "share of tasks done",
                tuple(min(1.0, workers / load) if load else 1.0 for load in x),
                (1.0,) * len(x),
            ),
        ),
        saturation=float(workers),
        mark=None if found.endless else Mark(at, low, high, "captures"),
    )
