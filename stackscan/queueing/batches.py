"""Many draws of a batch at once: how many tasks a pool completes before its budget when who is silent is chance."""

from __future__ import annotations

from collections.abc import Callable
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
    """What one kind of pool makes of the draws. ``before_counts`` pairs a number of tasks completed before the budget
    with the share of draws that gave it. ``tasks_per_second``: all draws' tasks before the budget by all their time.
    ``intervals``: the 90 % intervals of what chance leaves open in the means."""

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


Draw = Callable[[np.random.Generator, int], NDArray[np.bool_]]


def drawn(tasks: int, silent_fraction: float) -> Draw:
    """Each task is silent by chance, on its own."""
    share = checks.share(silent_fraction, "silent fraction")
    return lambda random, size: random.random((size, tasks)) < share


def counted(tasks: int, silent: int) -> Draw:
    """Exactly ``silent`` of the tasks, any of them."""
    checks.whole(silent, "silent count", least=0, most=tasks)
    row = np.arange(tasks) < silent
    return lambda random, size: random.permuted(np.broadcast_to(row, (size, tasks)), axis=1)


def replay_chosen(
    batch: Batch,
    *,
    silent_fraction: float | None = None,
    silent_every: int | None = None,
    silent_count: int | None = None,
    replications: int,
    seed: int,
) -> Outcomes:
    """Replay with one way to say who is silent (without any: one in ten by chance). Raises ModelError for several."""
    chosen = [way for way in (silent_fraction, silent_every, silent_count) if way is not None]
    if len(chosen) > 1:
        raise ModelError(
            "more than one option says how many tasks are silent",
            hint="Give one of --silent-fraction, --silent-every and --silent-count.",
        )
    if silent_every is not None:
        flags = np.array([every(silent_every, batch.tasks)])
        return replay_draws(batch, lambda _random, _size: flags, replications=1, seed=None)
    if silent_count is not None:
        return replay_draws(batch, counted(batch.tasks, silent_count), replications=replications, seed=seed)
    draw = drawn(batch.tasks, 0.1 if silent_fraction is None else silent_fraction)
    return replay_draws(batch, draw, replications=replications, seed=seed)


def replay_draws(batch: Batch, draw: Draw, *, replications: int, seed: int | None) -> Outcomes:
    """Replay ``replications`` draws. ``seed`` is None where the draw leaves nothing to chance (then one is enough)."""
    checks.whole(replications, "replications", least=1, most=1_000_000)
    if seed is not None:
        checks.whole(seed, "seed", least=0, most=2**63 - 1)
    workers = min(batch.workers, batch.tasks)
    if seed is not None and batch.tasks * (replications * (workers + 30) + 10_000) > MOST_CELLS:
        raise ModelError(
            f"{batch.tasks:,} tasks on {workers:,} workers in {replications:,} replications are too many to replay",
            hint=f"tasks × (replications × (workers + 30) + 10,000) may be at most {MOST_CELLS:,}: give fewer of one.",
        )
    flags = draw(np.random.default_rng(seed), replications)
    synchronous = _outcome(batch, _ends(batch, flags.T, workers))
    detached = _outcome(batch, _ends(batch, np.zeros((batch.tasks, 1), dtype=np.bool_), workers))
    slow, fast = synchronous.tasks_per_second, detached.tasks_per_second
    return Outcomes(
        synchronous, detached, fast / slow if slow and fast else None, replications, _spread(flags.sum(axis=1)), seed
    )


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
