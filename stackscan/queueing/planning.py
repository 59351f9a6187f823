"""What would hold a target: how many workers, how large a share of silent peers, how long a deadline.

The target is a wait and the share of tasks that must not exceed it. Each question is monotone in its number, so each
answer is found by halving an interval; the queue is the exact M/D/c, with the capacity that healthy tasks leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.detached import Closers, closers
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.steady import equivalent

_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Target:
    """No more than ``1 - probability`` of all tasks wait longer than ``wait_seconds``."""

    wait_seconds: float
    probability: float

    def __post_init__(self) -> None:
        checks.between(self.wait_seconds, "target wait (seconds)", least=0, most=checks.MOST_SECONDS)
        checks.share(self.probability, "target probability")
        if self.probability > 1 - 1e-9:
            raise ModelError(
                "a target probability of 1 cannot be held: some task may wait longer, however rarely",
                hint="Give one below 1, such as 0.999.",
            )

    def is_held_by(self, demand: Demand) -> bool:
        """Whether the synchronous pool holds it at this demand."""
        if demand.saturated:
            return False
        return self.is_held_by_queue(equivalent(demand))

    def is_held_by_queue(self, queue: DeterministicQueue) -> bool:
        """Whether this queue holds it."""
        return queue.exceeds(self.wait_seconds) <= 1 - self.probability + 1e-12


@dataclass(frozen=True, slots=True)
class Plan:
    """The answers: workers with the close in them and beside them (None: MOST_WORKERS do not hold the target), and the
    limits of the given pool (None: it fails without any silent peer)."""

    holds_now: bool
    workers_needed: int | None
    writers_needed: int | None
    largest_silent_fraction: float | None
    longest_deadline_seconds: float | None
    wait_probability: float | None
    mean_wait_seconds: float | None
    closers: Closers


def plan(demand: Demand, target: Target) -> Plan:
    """All answers for one demand. The waits are those with ``workers_needed``."""
    needed = workers_needed(demand, target)
    queue = None if needed is None else equivalent(replace(demand, workers=needed))
    return Plan(
        holds_now=target.is_held_by(demand),
        workers_needed=needed,
        writers_needed=writers_needed(demand, target),
        largest_silent_fraction=largest_silent_fraction(demand, target),
        longest_deadline_seconds=longest_deadline_seconds(demand, target),
        wait_probability=None if queue is None else queue.wait_probability,
        mean_wait_seconds=None if queue is None else queue.mean_wait_seconds,
        closers=closers(demand.stall_load_erlangs),
    )


def workers_needed(demand: Demand, target: Target) -> int | None:
    """The fewest workers that hold the target with closes in the worker; None when MOST_WORKERS do not."""
    return _fewest(
        lambda workers: target.is_held_by(replace(demand, workers=workers)), at_least=math.floor(demand.load_erlangs)
    )


def writers_needed(demand: Demand, target: Target) -> int | None:
    """The fewest workers that hold the target when closes are detached: only writing holds them then."""
    service, load = demand.service_seconds, demand.rate_per_second * demand.service_seconds
    if not load:
        return 1

    def holds(workers: int) -> bool:
        if load > checks.below_saturation(workers):
            return False
        return target.is_held_by_queue(DeterministicQueue(workers, load, service))

    return _fewest(holds, at_least=math.floor(load))


def largest_silent_fraction(demand: Demand, target: Target) -> float | None:
    """The largest share of silent peers with which this pool holds the target; None when it fails without any."""
    return _largest(lambda share: target.is_held_by(replace(demand, silent_fraction=share)), most=1.0)


def longest_deadline_seconds(demand: Demand, target: Target) -> float | None:
    """The longest close deadline with which this pool holds the target, up to the one given; None when none does."""
    least = 1e-6 * demand.close_deadline_seconds
    return _largest(
        lambda seconds: target.is_held_by(replace(demand, close_deadline_seconds=max(seconds, least))),
        most=demand.close_deadline_seconds,
    )


def _fewest(holds: Callable[[int], bool], *, at_least: int) -> int | None:
    low, step = min(max(at_least, 0), checks.MOST_WORKERS), 1
    while low + step < checks.MOST_WORKERS and not holds(low + step):
        low, step = low + step, step * 2
    high = min(low + step, checks.MOST_WORKERS)
    if not holds(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _largest(holds: Callable[[float], bool], *, most: float) -> float | None:
    if holds(most):
        return most
    if not holds(0.0):
        return None
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
