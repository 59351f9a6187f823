"""The pool, simulated with every wait kept: for tests, and to measure how fast it is.

Where all hold a worker equally long, they leave in the order in which they came, and task n starts when task n - c is
done: then one step moves on c tasks. Any other pool is two_kinds.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.estimate import Estimate, of_batches
from stackscan.queueing.two_kinds import TwoKindPool

Floats = NDArray[np.float64]

#: The most numbers that one simulation draws and keeps: 400 MB of doubles.
MOST_TASKS: Final = 50_000_000
_CHUNK: Final = 256


@dataclass(frozen=True)
class Simulated:
    """The waits of one simulation, a row a replication, the warm-up left out."""

    waits_seconds: Floats
    seed: int

    @property
    def replications(self) -> int:
        """How many were run."""
        return len(self.waits_seconds)

    @property
    def tasks(self) -> int:
        """Tasks whose waits were kept, over all replications."""
        return self.waits_seconds.size

    @property
    def mean_wait_seconds(self) -> Estimate:
        """Over all tasks, those that do not wait included."""
        return of_batches(self.waits_seconds.mean(axis=1))

    @property
    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all."""
        return self.exceeds(0.0)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``; a billionth of a second is rounding."""
        return of_batches((self.waits_seconds > seconds + 1e-9).mean(axis=1))

    def quantile_seconds(self, share: float) -> float:
        """The wait that ``share`` of all tasks do not exceed."""
        return max(0.0, float(np.quantile(self.waits_seconds, share)))


def simulate(demand: Demand, *, tasks: int, warm_up: int, replications: int = 200, seed: int = 1) -> Simulated:
    """Simulate the synchronous pool: ``tasks`` a replication after the first ``warm_up``, which are thrown away.

    Raises ModelError beyond saturation (there is no steady state) and for more than MOST_TASKS in all.
    """
    if demand.saturated:
        raise ModelError("a saturated pool has no steady state to simulate", hint="Give fewer tasks or more workers.")
    _check(tasks + warm_up, replications)
    rows = list(_waits(demand, tasks + warm_up, replications, np.random.default_rng(seed)))
    return Simulated(np.concatenate(rows)[warm_up:].T, seed)


def _waits(demand: Demand, tasks: int, replications: int, random: np.random.Generator) -> Iterator[Floats]:
    """Waits, a row a task, a column a replication."""
    pool = TwoKindPool(demand.workers, replications)
    now = np.zeros(replications)
    for begin in range(0, tasks, _CHUNK):
        size = min(_CHUNK, tasks - begin), replications
        arrivals = now + np.cumsum(random.exponential(1 / demand.rate_per_second, size), axis=0)
        silent = random.random(size) < demand.silent_fraction
        free = pool.serve(
            arrivals, silent, short_seconds=demand.healthy_hold_seconds, long_seconds=demand.silent_hold_seconds
        )
        now = arrivals[-1]
        yield np.maximum(free - arrivals, 0.0)


def simulate_deterministic(
    workers: int,
    load_erlangs: float,
    *,
    holding_seconds: float,
    tasks: int,
    warm_up: int,
    replications: int = 200,
    seed: int = 1,
) -> Simulated:
    """Simulate M/D/c by the recursion ``start[n] = max(arrival[n], start[n - c] + D)``: the exact model's twin."""
    c = checks.whole(workers, "workers", least=1, most=100_000)
    load = checks.positive(load_erlangs, "load (erlangs)", most=checks.below_saturation(c))
    holding = checks.positive(holding_seconds, "holding time (seconds)", most=checks.MOST_SECONDS)
    steps = -(-(tasks + warm_up) // c)
    _check(steps * c, replications)
    random = np.random.default_rng(seed)
    waits = np.empty((replications, steps * c))
    start = np.full((replications, c), -np.inf)
    now = np.zeros((replications, 1))
    gaps = np.empty((replications, c))
    for step in range(steps):
        random.standard_exponential(out=gaps)
        arrivals = np.cumsum(gaps, axis=1)
        arrivals *= holding / load
        arrivals += now
        start += holding
        np.maximum(start, arrivals, out=start)
        np.subtract(start, arrivals, out=waits[:, step * c : (step + 1) * c])
        now = arrivals[:, -1:]
    return Simulated(waits[:, warm_up : warm_up + tasks], seed)


def _check(tasks: int, replications: int) -> None:
    checks.whole(replications, "replications", least=1, most=1_000_000)
    checks.whole(tasks, "tasks of a replication", least=1, most=MOST_TASKS)
    if tasks * replications > MOST_TASKS:
        raise ModelError(
            f"{tasks:,} tasks in {replications:,} replications are more than {MOST_TASKS:,}",
            hint="Ask for fewer replications or tasks.",
        )
