"""Many draws of a batch at once: how many tasks a pool completes in its budget when silence is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.estimate import Estimate, named_intervals, of_batches
from stackscan.queueing.projection import Intervals
from stackscan.queueing.replay import MOST_TASKS, SERVICE_SECONDS, every, race_seconds, replay

#: The most steps × columns that the draws of one call may cost: some seconds.
MOST_CELLS: Final = 2_000_000_000
_PERCENTILES: Final = (5, 50, 95)


@dataclass(frozen=True, slots=True)
class Batch:
    """The batch and its pool. Times in seconds. Raises ModelError for numbers that make none."""

    workers: int
    tasks: int
    close_deadline_seconds: float
    budget_seconds: float
    service_seconds: float = SERVICE_SECONDS

    def __post_init__(self) -> None:
        checks.whole(self.workers, "workers", least=1, most=checks.MOST_WORKERS)
        checks.whole(self.tasks, "tasks", least=1, most=MOST_TASKS)
        checks.positive(self.close_deadline_seconds, "close deadline (seconds)", most=checks.MOST_SECONDS)
        checks.positive(self.budget_seconds, "budget (seconds)", most=checks.MOST_SECONDS)
        checks.between(self.service_seconds, "service time (seconds)", least=0, most=checks.MOST_SECONDS)


@dataclass(frozen=True, slots=True)
class Spread:
    """A count over draws."""

    mean: float
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of all draws for one kind of pool.

    ``before_counts`` pairs numbers of tasks completed before the budget with the share of draws that gave them.
    ``tasks_per_second``: all draws' tasks before the budget by all their time. ``intervals``: 90 %, of the means.
    """

    completed_before_budget: Spread
    completed_at_budget: Spread
    tasks_per_second: float
    makespan_seconds: float
    before_counts: tuple[tuple[int, float], ...]
    intervals: Intervals = ()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Both kinds of pool on the same draws. ``throughput_ratio`` is None where the synchronous pool completes nothing
    before the budget, or where a batch takes no time."""

    synchronous: Outcome
    detached: Outcome
    throughput_ratio: float | None
    replications: int
    silent: Spread
    seed: int | None


def replay_chosen(
    batch: Batch,
    *,
    silent_fraction: float | None = None,
    silent_every: int | None = None,
    silent_count: int | None = None,
    replications: int,
    seed: int,
) -> Outcomes:
    """Replay many draws of which tasks are silent, by one of three ways (default: each by a chance of one in ten).

    ``silent_every`` leaves nothing to chance: one replication is enough then, and needs no seed. Raises ModelError for
    numbers out of range, for several ways, and for more than MOST_CELLS steps.
    """
    if sum(way is not None for way in (silent_fraction, silent_every, silent_count)) > 1:
        raise ModelError(
            "more than one option says how many tasks are silent",
            hint="Give one of --silent-fraction, --silent-every and --silent-count.",
        )
    tasks, workers = batch.tasks, min(batch.workers, batch.tasks)
    if silent_every is not None:
        return _outcomes(batch, np.array([every(silent_every, tasks)]), None)
    checks.whole(replications, "replications", least=1, most=1_000_000)
    checks.whole(seed, "seed", least=0, most=2**63 - 1)
    share = checks.share(0.1 if silent_fraction is None else silent_fraction, "silent fraction")
    count = None if silent_count is None else checks.whole(silent_count, "silent count", least=0, most=tasks)
    if tasks * (replications * (workers + 30) + 10_000) > MOST_CELLS:
        raise ModelError(
            f"{tasks:,} tasks on {workers:,} workers in {replications:,} replications are too many to replay",
            hint=f"tasks × (replications × (workers + 30) + 10,000) may be at most {MOST_CELLS:,}: give fewer of one.",
        )
    random, shape = np.random.default_rng(seed), (replications, tasks)
    if count is None:
        return _outcomes(batch, random.random(shape) < share, seed)
    return _outcomes(batch, random.permuted(np.broadcast_to(np.arange(tasks) < count, shape), axis=1), seed)


def _outcomes(batch: Batch, silent: NDArray[np.bool_], seed: int | None) -> Outcomes:
    """Replay draws: a row a draw, a column a task."""
    workers = min(batch.workers, batch.tasks)
    synchronous = _outcome(batch, _ends(batch, silent.T, workers))
    detached = _outcome(batch, _ends(batch, np.zeros((batch.tasks, 1), dtype=np.bool_), workers))
    slow, fast = synchronous.tasks_per_second, detached.tasks_per_second
    ratio = fast / slow if slow and fast else None
    return Outcomes(synchronous, detached, ratio, len(silent), _spread(silent.sum(axis=1)), seed)


def _ends(batch: Batch, flags: NDArray[np.bool_], workers: int) -> NDArray[np.float64]:
    """When each task (row) of each draw (column) ends, by list scheduling."""
    if flags.shape[1] == 1:  # one draw: a heap is faster than arrays of one
        one = replay(
            flags[:, 0].tolist(),
            workers=workers,
            deadline_seconds=batch.close_deadline_seconds,
            budget_seconds=batch.budget_seconds,
            service_seconds=batch.service_seconds,
        )
        return np.array(one.finish_seconds)[:, np.newaxis]
    free = np.zeros((workers, flags.shape[1]))
    column = np.arange(flags.shape[1])
    ends = np.empty(flags.shape)
    for place, silent in enumerate(flags):
        first = free.argmin(axis=0)
        ends[place] = free[first, column] + (batch.service_seconds + silent * batch.close_deadline_seconds)
        free[first, column] = ends[place]
    return ends


def _outcome(batch: Batch, ends: NDArray[np.float64]) -> Outcome:
    budget = batch.budget_seconds
    race = race_seconds(
        batch.tasks,
        service_seconds=batch.service_seconds,
        deadline_seconds=batch.close_deadline_seconds,
        budget_seconds=budget,
    )
    before = (ends < budget * (1 - 1e-9)).sum(axis=0)
    at = (ends <= budget * (1 + 1e-9) + race).sum(axis=0)
    makespans = ends.max(axis=0)
    values, times = np.unique(before, return_counts=True)
    shares = tuple((int(v), float(n) / len(before)) for v, n in zip(values, times, strict=True))
    rate = _rate(before, np.minimum(makespans, budget))
    intervals = {
        "completed_before_budget.mean": _mean(before),
        "completed_at_budget.mean": _mean(at),
        "tasks_per_second": rate,
        "makespan_seconds": _mean(makespans),
    }
    return Outcome(
        _spread(before),
        _spread(at),
        rate.value,
        float(makespans.mean()),
        shares,
        named_intervals(**intervals),
    )


def _rate(completed: NDArray[np.int_], seconds: NDArray[np.float64]) -> Estimate:
    """All tasks of all draws by all the time they took: what many batches one after another come to. The mean of the
    draws' own rates would be that of the one lucky draw without a silent peer. The interval is the delta method's."""
    if not seconds.sum():
        return Estimate.exactly(0.0)
    rate = float(completed.sum() / seconds.sum())
    off = completed - rate * seconds
    found = _mean(off)
    half = (found.high - found.low) / 2 / float(seconds.mean())
    return Estimate(rate, max(0.0, rate - half), rate + half)


def _mean(values: NDArray[np.float64] | NDArray[np.int_]) -> Estimate:
    if len(values) < 2:
        return Estimate.exactly(float(values.mean()))
    return of_batches(np.asarray(values, dtype=np.float64))


def _spread(counts: NDArray[np.int_]) -> Spread:
    low, middle, high = (float(v) for v in np.percentile(counts, _PERCENTILES, method="inverted_cdf"))
    return Spread(float(counts.mean()), low, middle, high)
