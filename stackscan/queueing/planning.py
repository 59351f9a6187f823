"""What would hold a target: how many workers, how large a share of silent peers, how long a deadline.

The target is a wait and the share of tasks that must not exceed it. Each question is monotone in its number, so each
answer is found by halving an interval. Whether a pool holds the target, the one model says (waits.py): exactly, or by a
simulation that goes on until its interval lies on one side of the target, always with the same random numbers.
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
from stackscan.queueing.estimate import named_intervals
from stackscan.queueing.projection import Intervals
from stackscan.queueing.waits import MOST_TASKS, Measured, waits_of

#: How near the largest share and the longest deadline are found.
_TOLERANCE: Final = 2e-3
#: Tasks simulated before the first look at a pool: most pools are far from the target. Numbers of workers are decided
#: by as many as it takes; limits of a share or a time, which have no next number, by these.
_FIRST_LOOK: Final = 400_000
_LIMIT_TASKS: Final = 1_600_000


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
                "a target probability of 1 cannot be met: a task may always wait longer",
                hint="Give one below 1, such as 0.999.",
            )

    def is_held_by(self, demand: Demand) -> bool:
        """Whether the synchronous pool holds it at this demand, within _LIMIT_TASKS."""
        return self.judge(demand, most_tasks=_LIMIT_TASKS).holds

    def judge(self, demand: Demand, *, most_tasks: int = MOST_TASKS) -> Judgement:
        """Whether the synchronous pool holds it, and whether that is certain."""
        if demand.saturated:
            return Judgement(holds=False, certain=True)
        waits, most = waits_of(demand), 1 - self.probability + 1e-12
        if not isinstance(waits, Measured):
            found = waits.exceeds(self.wait_seconds)
            return Judgement(holds=found.value <= most, certain=found.high <= most or found.low > most)
        waits = replace(waits, first_tasks=_FIRST_LOOK, most_tasks=most_tasks)
        while True:
            found = waits.figure("exceeds", self.wait_seconds)
            certain = found.high <= most or found.low > most
            if certain or not waits.go_on():
                return Judgement(holds=found.value <= most, certain=certain)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a pool holds a target. ``certain``: the target lies outside the interval of what was simulated."""

    holds: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The answers: workers with the close in them and beside them (None: MOST_WORKERS do not hold the target), and the
    limits of the given pool (None: it fails without any silent peer).

    The waits are those with ``workers_needed``, found by ``method``, with the intervals of what was simulated.
    ``near``: numbers of workers that are too close to the target to be certain.
    """

    holds_now: bool
    workers_needed: int | None
    writers_needed: int | None
    largest_silent_fraction: float | None
    longest_deadline_seconds: float | None
    wait_probability: float | None
    mean_wait_seconds: float | None
    closers: Closers
    method: str
    intervals: Intervals = ()
    near: tuple[int, ...] = ()


def plan(demand: Demand, target: Target) -> Plan:
    """All answers for one demand."""
    judged: dict[int, Judgement] = {}

    def holds(workers: int) -> bool:
        if workers not in judged:
            judged[workers] = target.judge(replace(demand, workers=workers))
        return judged[workers].holds

    needed = _workers_needed(demand, holds)
    waits = None if needed is None else waits_of(replace(demand, workers=needed))
    chance = None if waits is None else waits.wait_probability()
    mean = None if waits is None else waits.mean_seconds()
    return Plan(
        holds_now=holds(demand.workers),
        workers_needed=needed,
        writers_needed=writers_needed(demand, target),
        largest_silent_fraction=largest_silent_fraction(demand, target),
        longest_deadline_seconds=longest_deadline_seconds(demand, target),
        wait_probability=None if chance is None else chance.value,
        mean_wait_seconds=None if mean is None else mean.value,
        closers=closers(demand.stall_load_erlangs),
        method="no number of workers holds it" if waits is None else waits.method,
        intervals=named_intervals(wait_probability=chance, mean_wait_seconds=mean),
        near=tuple(sorted(workers for workers, found in judged.items() if not found.certain)),
    )


def workers_needed(demand: Demand, target: Target) -> int | None:
    """The fewest workers that hold the target with closes in the worker; None when MOST_WORKERS do not."""
    return _workers_needed(demand, lambda workers: target.judge(replace(demand, workers=workers)).holds)


def _workers_needed(demand: Demand, holds: Callable[[int], bool]) -> int | None:
    load = demand.load_erlangs
    guess = math.ceil(load + math.sqrt(load)) + 1  # what a pool of this load needs, more or less (square-root staffing)
    return _fewest(holds, at_least=math.floor(load), guess=guess)


def writers_needed(demand: Demand, target: Target) -> int | None:
    """The fewest workers that hold the target when closes are detached: only writing holds them then."""
    service, load = demand.service_seconds, demand.rate_per_second * demand.service_seconds
    if not load:
        return 1

    def holds(workers: int) -> bool:
        if load > checks.below_saturation(workers):
            return False
        queue = DeterministicQueue(workers, load, service)
        return queue.exceeds(target.wait_seconds) <= 1 - target.probability + 1e-12

    return _fewest(holds, at_least=math.floor(load), guess=math.floor(load) + 1)


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


def _fewest(holds: Callable[[int], bool], *, at_least: int, guess: int) -> int | None:
    """The smallest number above ``at_least`` that holds, looked for around a guess."""
    low = min(max(at_least, 0), checks.MOST_WORKERS - 1)
    high = min(max(guess, low + 1), checks.MOST_WORKERS)
    step = 1
    while not holds(high):
        if high == checks.MOST_WORKERS:
            return None
        low, high, step = high, min(high + step, checks.MOST_WORKERS), step * 2
    step = 1
    while high - low > 1:  # gallop down from what holds, then halve
        middle = max(high - step, (low + high) // 2)
        if holds(middle):
            high, step = middle, step * 2
        else:
            low = middle
    return high


def _largest(holds: Callable[[float], bool], *, most: float) -> float | None:
    """The largest number up to ``most`` that holds, to a thousandth."""
    if holds(most):
        return most
    if not holds(0.0):
        return None
    low, high = 0.0, most
    while high - low > _TOLERANCE * high and high > 1e-12 * most:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
