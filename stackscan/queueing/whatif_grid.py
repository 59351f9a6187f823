"""The waits of a pool over a bounded grid of workers, close deadlines and silent peers: what a reader may try by hand.

In holding times, a wait of M/D/c depends on the workers and the load alone. So a deadline and a number of silent peers
share their figures with every other pair of the same product, and steps whose products often meet keep the grid small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Final, Literal

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.detached import closers, closers_of
from stackscan.queueing.projection import Projection
from stackscan.queueing.wait_curve import short_waits
from stackscan.queueing.waits import Solved, Waits, healthy_is_negligible, waits_of

#: P(wait), and the mean wait. Both None: only a simulation could tell. P(wait) 1 and no mean: saturated.
Figures = tuple[float | None, float | None]
Unit = Literal["share", "per second", "erlangs"]

_WORKERS: Final = tuple(map(Fraction, ("1/2", "3/4", "1", "5/4", "3/2", "2", "3", "4")))
_DEADLINES: Final = tuple(map(Fraction, ("1/10", "1/5", "3/10", "1/2", "7/10", "1", "3/2", "2", "3", "6")))
_SILENT: Final = tuple(map(Fraction, ("0", "1/10", "1/5", "3/10", "1/2", "7/10", "1", "3/2", "2", "3", "5", "10")))
#: The steps where each figure is simulated: a few seconds in all.
_FEW_WORKERS: Final = tuple(map(Fraction, ("1/2", "1", "3/2", "2", "4")))
_FEW_DEADLINES: Final = tuple(map(Fraction, ("1/5", "1/2", "1", "2")))
_FEW_SILENT: Final = tuple(map(Fraction, ("0", "1")))
#: Whether healthy tasks count is asked at this utilisation, or at the pool's own where that is lower.
_USUAL: Final = 0.8
_SATURATED: Final[Figures] = (1.0, None)
_UNKNOWN: Final[Figures] = (None, None)


@dataclass(frozen=True, slots=True)
class Column:
    """One load of silent peers: its erlangs, the closers that the fix would have at a time (their mean, and what they
    do not exceed in 99.9 % of moments), and by workers P(wait) and the mean wait **in close deadlines**."""

    load_erlangs: float
    closers_mean: float
    closers_p999: int
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All combinations of ``workers``, ``deadlines_seconds`` and ``silent``.

    ``unit`` says what ``silent`` counts: the share of silent peers (where the rate is known), silent sends per second,
    or erlangs (where neither the rate nor the deadline is known; then the one deadline is 1, and waits are in holding
    times). ``start``: the places of the pool as it is. ``places[deadline][silent]`` is the column of a combination
    (None: no peer is silent). ``fixed``: by workers, P(wait) and the mean wait **in seconds** when closes run beside
    the pool, or no peer is silent (empty: not known, but no task waits for a close). ``exact``: nothing is simulated.
    """

    workers: tuple[int, ...]
    deadlines_seconds: tuple[float, ...]
    silent: tuple[float, ...]
    unit: Unit
    start: tuple[int, int, int]
    columns: tuple[Column, ...]
    places: tuple[tuple[int | None, ...], ...]
    fixed: tuple[Figures, ...]
    exact: bool
    is_lower_bound: bool


def grid(found: Projection) -> Grid | None:
    """The grid around a projection; None where no load comes of it: holds without end, or no tasks."""
    if found.endless or (found.captures is None and not found.rate_per_second):
        return None
    pool = _pool(found)
    by_share = found.captures is None or pool.service_seconds > 0
    exact = not by_share or _is_exact(pool)
    steps = (_DEADLINES, _SILENT) if exact else (_FEW_DEADLINES, _FEW_SILENT)
    deadlines = steps[0] if found.close_deadline_seconds is not None else (Fraction(1),)
    silent = tuple(step for step in steps[1] if not by_share or pool.silent_fraction * step <= 1)
    workers = _workers(found, _WORKERS if exact else _FEW_WORKERS)
    columns: dict[tuple[Fraction, Fraction | None], Column] = {}
    places: dict[tuple[Fraction, Fraction], int] = {}
    for deadline, share in product(deadlines, filter(None, silent)):
        one = _moved(pool, deadline, share, by_share=by_share)
        alone = deadline if not exact or (one.silent_fraction == 1 and one.service_seconds) else None
        key = deadline * share, alone
        if key not in columns:
            columns[key] = _column(one, workers, exact=exact)
        places[deadline, share] = list(columns).index(key)
    start = workers.index(found.workers), deadlines.index(Fraction(1)), silent.index(Fraction(1))
    made = Grid(
        workers=workers,
        deadlines_seconds=tuple(pool.close_deadline_seconds * float(step) for step in deadlines),
        silent=tuple((pool.silent_fraction if by_share else pool.rate_per_second) * float(step) for step in silent),
        unit="share" if by_share else "erlangs" if found.close_deadline_seconds is None else "per second",
        start=start if found.stall_load_erlangs != 0 else (*start[:2], 0),
        columns=tuple(columns.values()),
        places=tuple(tuple(places.get((deadline, share)) for share in silent) for deadline in deadlines),
        fixed=tuple(_fixed(replace(pool, workers=count)) for count in workers) if by_share else (),
        exact=exact,
        is_lower_bound=found.detached.is_lower_bound,
    )
    return _as_projected(made, found)


def _pool(found: Projection) -> Demand:
    """The pool as it is; where no peer is silent, with so many that there is something to move: at the upper end of the
    load, or where the pool is full."""
    workers, rate, unit = found.workers, found.rate_per_second, found.close_deadline_seconds or 1.0
    if found.captures is None and rate:
        share = found.silent_fraction or min(1.0, workers / (rate * unit))
        return Demand(workers, rate, share, unit, found.service_seconds or 0.0)
    low, high = found.stall_load_interval or (0.0, None)
    load = found.stall_load_erlangs if found.stall_load_erlangs is not None else low
    return Demand.of_load(
        load or high or float(workers),
        workers=workers,
        close_deadline_seconds=unit,
        rate_per_second=rate,
        service_seconds=found.service_seconds,
    )


def _is_exact(pool: Demand) -> bool:
    usual = min(1.0, _USUAL * pool.workers / (pool.rate_per_second * pool.close_deadline_seconds))
    at = replace(pool, silent_fraction=min(pool.silent_fraction, usual))
    return not pool.service_seconds or healthy_is_negligible(at)


def _workers(found: Projection, steps: Sequence[Fraction]) -> tuple[int, ...]:
    """The steps in whole workers, with those that the what-ifs name."""
    counts = {max(1, round(found.workers * step)) for step in steps} | {case.workers for case in found.what_ifs}
    return tuple(sorted(count for count in counts if count <= checks.MOST_WORKERS))


def _moved(pool: Demand, deadline: Fraction, share: Fraction, *, by_share: bool) -> Demand:
    """The pool with its deadline, and its share or its number of silent sends, so many times as large."""
    seconds = min(pool.close_deadline_seconds * float(deadline), checks.MOST_SECONDS)
    if by_share:
        return replace(pool, close_deadline_seconds=seconds, silent_fraction=pool.silent_fraction * float(share))
    rate = min(pool.rate_per_second * float(share), checks.MOST_RATE)
    return replace(pool, close_deadline_seconds=seconds, rate_per_second=rate)


def _column(demand: Demand, workers: Sequence[int], *, exact: bool) -> Column:
    beside = closers(demand.stall_load_erlangs) if not demand.service_seconds else closers_of(demand)
    figures = (_figures(replace(demand, workers=count), exact=exact) for count in workers)
    unit = demand.close_deadline_seconds
    in_deadlines = tuple((chance, None if mean is None else mean / unit) for chance, mean in figures)
    return Column(demand.stall_load_erlangs, beside.mean, beside.p999, in_deadlines)


def _figures(demand: Demand, *, exact: bool) -> Figures:
    if demand.saturated:
        return _SATURATED
    waits: Waits | None = waits_of(demand)
    if not isinstance(waits, Solved):
        waits = None if exact else short_waits(demand)
    return _UNKNOWN if waits is None else (waits.wait_probability().value, waits.mean_seconds().value)


def _fixed(pool: Demand) -> Figures:
    return _figures(pool.detached(), exact=True)


def _as_projected(made: Grid, found: Projection) -> Grid:
    """The grid with the projection's figures where the pool is: they may have been simulated for longer."""
    workers, deadline, silent = made.start
    place, now = made.places[deadline][silent], found.synchronous
    if place is None or found.stall_load_erlangs is None or now.saturated:
        return made
    figures = list(made.columns[place].figures)
    figures[workers] = now.wait_probability, now.mean_wait_holding_times
    columns = list(made.columns)
    columns[place] = replace(columns[place], figures=tuple(figures))
    return replace(made, columns=tuple(columns))
