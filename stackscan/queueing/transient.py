"""A jump: silent peers arrive at once. How long until the pool is full, and until it has drained."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.errors import ModelError
from stackscan.queueing import checks, special
from stackscan.queueing.demand import Demand
from stackscan.queueing.estimate import CONFIDENCE, binomial_interval
from stackscan.queueing.projection import Jump, Moments
from stackscan.queueing.simulated_waits import REPLICATIONS, SEED, begin_near_steady, memory_seconds
from stackscan.queueing.two_kinds import TwoKindPool
from stackscan.queueing.waits import healthy_is_negligible

Floats = NDArray[np.float64]

#: Tasks of one replication that are followed; more cannot be in bounded time.
MOST_TASKS: Final = 100_000
_CHUNK: Final = 256
#: Replications: many of a short jump, fewer of a long one.
_MANY, _FEW, _SHORT_TASKS = 1_000, REPLICATIONS, 20_000
_SHARES: Final = (0.05, 0.5, 0.95)


def jump(demand: Demand, *, silent_fraction_before: float, lasting_seconds: float) -> Jump:
    """Simulate the pool through a jump of the silent fraction, from its steady state before.

    Healthy tasks that change nothing are left out. Raises ModelError when the demand before the jump saturates the pool
    already, or for more than MOST_TASKS.
    """
    calm = replace(demand, silent_fraction=silent_fraction_before)
    lasting = checks.positive(lasting_seconds, "jump (seconds)", most=checks.MOST_SECONDS)
    if calm.saturated:
        raise ModelError("the pool is saturated before the jump", hint="Give a smaller --jump-from, or more workers.")
    course = _Course(calm, demand, lasting)
    tasks = course.expected_tasks
    if tasks > MOST_TASKS or demand.workers > MOST_TASKS // 10:
        raise ModelError(
            f"a jump with {tasks:,.0f} tasks on {demand.workers:,} workers cannot be simulated; the limit is "
            f"{MOST_TASKS:,} on {MOST_TASKS // 10:,}",
            hint="Give a shorter --jump-time, a smaller --jump-from, or leave the jump out.",
        )
    full, drained = course.follow()
    return Jump(
        before=silent_fraction_before,
        lasting_seconds=lasting,
        time_to_full=_moments(full),
        time_to_drain=_moments(drained[np.isfinite(full)]),
        fluid_time_to_full_seconds=_fluid(demand, calm, lasting),
        method=f"simulation ({course.replications} replications, seed {SEED}, 90 % intervals)",
    )


class _Course:
    """The arrivals of a jump: as before it until 0, as within it until ``lasting``, as before it again then."""

    def __init__(self, calm: Demand, within: Demand, lasting: float) -> None:
        self.lasting = lasting
        self.only_silent = all(one.saturated or healthy_is_negligible(one) for one in (calm, within))
        self.calm, self.within = (_silent_part(one) if self.only_silent else one for one in (calm, within))
        self.settling = memory_seconds(self.calm) if self.calm.rate_per_second else 0.0
        backlog = max(0.0, self.within.load_erlangs - calm.workers) * lasting  # work that waits at its end
        spare = calm.workers - self.calm.load_erlangs
        longest = self.within.silent_hold_seconds
        self.drain = 3 * longest + 3 * (backlog + 3 * math.sqrt(calm.workers) * longest) / spare

    @property
    def expected_tasks(self) -> float:
        """Tasks of one replication, about."""
        calm, within = self.calm.rate_per_second, self.within.rate_per_second
        return calm * (self.settling + self.drain) + within * self.lasting

    @property
    def replications(self) -> int:
        """How many are followed."""
        return _MANY if self.expected_tasks <= _SHORT_TASKS else _FEW

    def follow(self) -> tuple[Floats, Floats]:
        """When each replication was first full within the jump, and when it had drained, in seconds from its end.

        Drained: a worker is free and nobody waits. Infinite where that did not come.
        """
        random = np.random.default_rng(SEED)
        pool = TwoKindPool(self.calm.workers, self.replications)
        begin_near_steady(pool, self.calm, random, at_seconds=-self.settling)
        full, drained = np.full(self.replications, np.inf), np.full(self.replications, np.inf)
        passed, before = np.zeros(self.replications), np.full(self.replications, -self.settling)
        for _ in range(4 * MOST_TASKS // _CHUNK):  # an end where the pool never drains
            passed, arrivals = self._arrivals(random, passed)
            silent = random.random(arrivals.shape) < self._silent_share(arrivals)
            free = pool.serve(
                arrivals,
                silent,
                short_seconds=self.within.healthy_hold_seconds,
                long_seconds=self.within.silent_hold_seconds,
            )
            held_from = np.maximum(arrivals, 0.0)  # a pool that is full before the jump is full at its start
            is_held = (np.vstack([free[1:], pool.first_free]) > held_from) & (held_from < self.lasting)
            np.minimum(full, np.where(is_held, held_from, np.inf).min(axis=0), out=full)
            # between two arrivals, the pool is free from when a worker is
            earlier = np.vstack([before, arrivals[:-1]])
            at = np.maximum(np.maximum(free, earlier), self.lasting)
            np.minimum(drained, np.where(at <= arrivals, at, np.inf).min(axis=0), out=drained)
            before = arrivals[-1]
            if before.min() > self.lasting and np.isfinite(drained).all():
                break
        return full, drained - self.lasting

    def _arrivals(self, random: np.random.Generator, passed: Floats) -> tuple[Floats, Floats]:
        """The next arrivals of a Poisson stream whose rate has two jumps: those of one of rate 1, in its own time."""
        gaps = random.standard_exponential((_CHUNK, self.replications))
        counts = passed + np.cumsum(gaps, axis=0)
        least = 1e-9 / (self.settling + self.lasting + self.drain)  # a stream of no rate comes after everything
        calm, within = max(self.calm.rate_per_second, least), max(self.within.rate_per_second, least)
        first = calm * self.settling
        second = first + within * self.lasting
        times = np.where(
            counts < first,
            counts / calm - self.settling,
            np.where(counts < second, (counts - first) / within, self.lasting + (counts - second) / calm),
        )
        return counts[-1], times

    def _silent_share(self, arrivals: Floats) -> Floats:
        in_jump = (arrivals >= 0) & (arrivals < self.lasting)
        return np.where(in_jump, self.within.silent_fraction, self.calm.silent_fraction)


def _silent_part(demand: Demand) -> Demand:
    rate = demand.rate_per_second * demand.silent_fraction
    return replace(demand, rate_per_second=rate, silent_fraction=1.0, service_seconds=0.0, answer_seconds=0.0)


def _fluid(demand: Demand, calm: Demand, lasting: float) -> float | None:
    rise = demand.stall_load_erlangs - calm.stall_load_erlangs
    missing = demand.workers - calm.load_erlangs
    seconds = demand.close_deadline_seconds * missing / rise if rise > 0 else math.inf
    return seconds if seconds <= min(lasting, demand.close_deadline_seconds) else None


def _moments(times: Floats) -> Moments:
    if not len(times):
        return Moments(0.0, None, None, None)
    ordered = np.sort(times)
    came = int(np.isfinite(times).sum())
    named = zip(("p05", "p50", "p95"), _SHARES, strict=True)
    ends = ((name, _ends(ordered, share)) for name, share in named)
    p05, p50, p95 = (_at(ordered, share) for share in _SHARES)
    intervals = (("share", binomial_interval(came, len(times))), *ends)
    return Moments(came / len(times), p05, p50, p95, intervals)


def _at(ordered: Floats, share: float) -> float | None:
    place = min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)
    return float(ordered[place]) if math.isfinite(ordered[place]) else None


def _ends(ordered: Floats, share: float) -> tuple[float | None, float | None]:
    """The interval of a percentile: between those order statistics that it lies between nine times in ten."""
    width = special.ndtri((1 + CONFIDENCE) / 2) * math.sqrt(share * (1 - share) / len(ordered))
    return _at(ordered, max(share - width, 0.0)), _at(ordered, min(share + width, 1.0))
