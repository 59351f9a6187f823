"""The synchronous pool in its steady state, by the best way that these numbers allow, which it names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.simulation import Estimate, Simulated, simulate

#: Healthy tasks below this share of the workers are nothing beside silent ones.
_NEGLIGIBLE_SHARE: Final = 0.01
#: What a simulation may cost: tasks of a replication, workers, and how near to saturation it is trusted.
_MOST_STEPS: Final = 120_000
_MOST_WORKERS: Final = 1_000
_MOST_UTILIZATION: Final = 0.97
_SEED: Final = 1
_SHARES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class SteadyState:
    """Waits in the steady state, in seconds. None stands for *without bound*: the pool is saturated.

    ``wait_quantiles_seconds`` pairs a share of tasks with the wait that they do not exceed. ``mean_wait_interval`` is
    there when the figures are simulated (90 %).
    """

    method: str
    wait_probability: float
    mean_wait_seconds: float | None
    wait_quantiles_seconds: tuple[tuple[float, float | None], ...]
    probe_timeout_probability: float
    mean_wait_interval: tuple[float, float] | None = None


def steady_state(demand: Demand, *, probe_timeout_seconds: float) -> SteadyState:
    """The waits of tasks behind closes to silent peers."""
    if demand.saturated:
        return SteadyState("saturated: no steady state", 1.0, None, tuple((share, None) for share in _SHARES), 1.0)
    if demand.silent_fraction in (0.0, 1.0) and demand.hold_seconds:  # all hold equally long
        queue = DeterministicQueue(demand.workers, demand.load_erlangs, demand.hold_seconds)
        return of_queue(queue, probe_timeout_seconds=probe_timeout_seconds)
    if _is_plain(demand):
        return of_queue(
            DeterministicQueue(demand.workers, demand.stall_load_erlangs, demand.close_deadline_seconds),
            probe_timeout_seconds=probe_timeout_seconds,
        )
    tasks, warm_up = _length(demand)
    if demand.utilization <= _MOST_UTILIZATION and demand.workers <= _MOST_WORKERS and tasks + warm_up <= _MOST_STEPS:
        replications = 100
        done = simulate(demand, tasks=tasks, warm_up=warm_up, replications=replications, seed=_SEED)
        return _of_simulation(done, probe_timeout_seconds)
    return of_queue(
        equivalent(demand),
        probe_timeout_seconds=probe_timeout_seconds,
        method="M/D/c with the capacity that healthy tasks leave (an approximation)",
    )


def equivalent(demand: Demand) -> DeterministicQueue:
    """The M/D/c queue of the silent tasks, its load raised by the share of the workers that healthy ones take: the two
    saturate together. It is the queue itself where healthy tasks are nothing."""
    left = demand.workers - demand.healthy_load_erlangs
    load = min(demand.workers * demand.stall_load_erlangs / left, checks.below_saturation(demand.workers))
    return DeterministicQueue(demand.workers, load, demand.close_deadline_seconds)


def of_queue(queue: DeterministicQueue, *, probe_timeout_seconds: float, method: str = "exact M/D/c") -> SteadyState:
    """The steady state of a queue that is solved, not simulated."""
    if not queue.is_exact and queue.wait_probability:
        method += "; waiting-time quantiles from the exponential tail"
    return SteadyState(
        method=method,
        wait_probability=queue.wait_probability,
        mean_wait_seconds=queue.mean_wait_seconds,
        wait_quantiles_seconds=tuple((share, queue.quantile_seconds(share)) for share in _SHARES),
        probe_timeout_probability=queue.exceeds(probe_timeout_seconds),
    )


def _is_plain(demand: Demand) -> bool:
    """Whether only silent tasks count: healthy ones take next to nothing of the workers, also of those left over."""
    healthy = demand.healthy_load_erlangs
    spare = demand.workers - demand.stall_load_erlangs
    return healthy <= _NEGLIGIBLE_SHARE * demand.workers and healthy <= _NEGLIGIBLE_SHARE * spare


def _length(demand: Demand) -> tuple[int, int]:
    """Tasks of a replication and of its warm-up: long beside a deadline and beside the time that a queue needs to
    forget, which grows as the square of the nearness to saturation."""
    longest = max(demand.close_deadline_seconds if demand.silent_fraction else 0.0, demand.service_seconds)
    memory = longest * (5 + 3 / (demand.workers * (1 - demand.utilization) ** 2))
    warm_up = 1000 + min(demand.rate_per_second * memory, 1e9)
    return math.ceil(3 * warm_up), math.ceil(warm_up)


def _of_simulation(done: Simulated, probe_timeout_seconds: float) -> SteadyState:
    mean: Estimate = done.mean_wait_seconds
    return SteadyState(
        method=f"simulation ({done.replications} replications of {done.tasks // done.replications:,} tasks, "
        f"seed {done.seed}, 90 % intervals)",
        wait_probability=done.wait_probability.value,
        mean_wait_seconds=mean.value,
        wait_quantiles_seconds=tuple((share, done.quantile_seconds(share)) for share in _SHARES),
        probe_timeout_probability=done.exceeds(probe_timeout_seconds).value,
        mean_wait_interval=(max(0.0, mean.low), mean.high),
    )
