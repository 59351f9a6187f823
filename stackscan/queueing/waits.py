"""The one model of a pool: how long tasks wait, by the best way that the numbers allow, which it names.

All figures about waits come from here: projections, plans, what-ifs, curves. A task that is not silent
holds a worker for ``s + r``, a silent one for ``s + D``.

* All hold equally long, or healthy tasks change nothing that matters: exact M/D/c.
* One worker: P(wait) and the mean wait exactly (Pollaczek 1930, Khinchine 1932), the law by simulation.
* Otherwise: simulation, with a 90 % interval at each figure.
* Too near to saturation, or too large, for that: between a simulation of less and the limit at saturation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Protocol

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import CONFIDENCE, Estimate
from stackscan.queueing.near_saturation import NearSaturation
from stackscan.queueing.simulated_waits import REPLICATIONS, SEED, Simulation, can_be_simulated, lump_of

#: What healthy tasks may change of P(wait) and of the mean before they count: this share of it, or so little at all.
_NEGLIGIBLE_SHARE: Final = 0.01
_NEGLIGIBLE: Final = 1e-6
#: A simulation ends when all that is asked is known so well, or after so many tasks (some seconds).
PRECISION: Final = 0.01
#: An interval so narrow is enough for a figure that is small: a share of tasks, a time as a share of a silent hold.
_RARE: Final = 1e-4
_SHORT: Final = 1e-5
_FIRST_TASKS: Final = 2_000_000
MOST_TASKS: Final = 20_000_000
#: Quantiles better than this need no word.
QUANTILE_PRECISION: Final = 0.02
SHARES: Final = (0.5, 0.9, 0.99)


class Waits(Protocol):
    """The waits of tasks in the steady state, in seconds, each figure with its interval."""

    @property
    def method(self) -> str:
        """How they were found."""

    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all."""

    def mean_seconds(self) -> Estimate:
        """The mean wait, of tasks that do not wait, too."""

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""


@lru_cache(maxsize=16)  # one answer asks for one pool several times, and a simulation goes on where it was
def waits_of(demand: Demand) -> Waits:
    """The waits at this demand, which must be below saturation."""
    if not demand.rate_per_second or not demand.hold_seconds:
        return Solved(DeterministicQueue(demand.workers, 0.0, 1.0))
    if demand.silent_fraction in (0.0, 1.0):
        return Solved(DeterministicQueue(demand.workers, demand.load_erlangs, demand.hold_seconds))
    if healthy_is_negligible(demand):
        return Solved(DeterministicQueue(demand.workers, demand.stall_load_erlangs, demand.close_deadline_seconds))
    if can_be_simulated(demand):
        return Measured(demand)
    return NearSaturation(demand)


def healthy_is_negligible(demand: Demand) -> bool:
    """Whether healthy tasks could be left out: all of them together change P(wait) and the mean by less than a
    hundredth, also when each held its worker as long as a silent one."""
    load, workers = demand.stall_load_erlangs, demand.workers
    raised = load + demand.healthy_load_erlangs
    if raised > checks.below_saturation(workers):
        return False
    plain = DeterministicQueue(workers, load, demand.close_deadline_seconds)
    more = DeterministicQueue(workers, raised, demand.close_deadline_seconds)
    change = more.wait_probability - plain.wait_probability
    if change > max(_NEGLIGIBLE, _NEGLIGIBLE_SHARE * plain.wait_probability):
        return False
    slower = more.mean_wait_seconds - plain.mean_wait_seconds
    least = _NEGLIGIBLE * demand.close_deadline_seconds
    return slower <= max(least, _NEGLIGIBLE_SHARE * plain.mean_wait_seconds)


@dataclass(frozen=True)
class Solved:
    """An M/D/c queue."""

    queue: DeterministicQueue

    @property
    def method(self) -> str:
        """How they were found."""
        if not self.queue.is_exact and self.queue.wait_probability:
            return "exact M/D/c; waiting-time quantiles from the exponential tail"
        return "exact M/D/c"

    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all."""
        return Estimate.exactly(self.queue.wait_probability)

    def mean_seconds(self) -> Estimate:
        """The mean wait, of tasks that do not wait, too."""
        return Estimate.exactly(self.queue.mean_wait_seconds)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""
        return Estimate.exactly(self.queue.exceeds(seconds))

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""
        return Estimate.exactly(self.queue.quantile_seconds(share))


@dataclass(frozen=True)
class Measured:
    """A pool of two kinds of tasks, simulated on first use and further when a figure needs it."""

    demand: Demand
    first_tasks: int = _FIRST_TASKS
    most_tasks: int = MOST_TASKS

    @cached_property
    def _simulations(self) -> tuple[Simulation, ...]:
        """The simulation, and where healthy tasks are taken in lumps one with lumps twice as large."""
        lump = lump_of(self.demand)
        return tuple(Simulation(self.demand, lump=size) for size in ([lump] if lump == 1 else [lump, 2 * lump]))

    def run_until(self, figure: str, *arguments: float, precision: float, enough: float) -> Estimate:
        """A figure (``mean``, ``exceeds``, ``quantile_seconds``), simulated until its interval is narrow enough.

        That is: ``precision`` in proportion to the figure, or ``enough`` in its unit, or all tasks are used up.
        """
        found = self.figure(figure, *arguments)
        while found.relative_error > precision and found.high - found.low > enough and self.go_on():
            found = self.figure(figure, *arguments)
        return found

    @property
    def _short_seconds(self) -> float:
        """A time that is nothing beside a hold."""
        return _SHORT * self.demand.silent_hold_seconds

    def go_on(self) -> bool:
        """Simulate as much again; False where all tasks are used up."""
        done = self._simulations[0].tasks
        if done >= self.most_tasks / len(self._simulations):
            return False
        for simulation in self._simulations:
            simulation.run(max(self.first_tasks, done))
        return True

    def figure(self, figure: str, *arguments: float) -> Estimate:
        """A figure as far as it is known; from lumps, and lumps twice as large, carried over to single tasks."""
        if not self._simulations[0].tasks:
            self.go_on()
        first, *rest = (getattr(one, figure)(*arguments) for one in self._simulations)
        return single_tasks(first, rest[0], lump=self._simulations[0].flow.lump) if rest else first

    @property
    def method(self) -> str:
        """How they were found."""
        first = self._simulations[0]
        lump = f", {first.flow.lump} healthy tasks taken as one" if first.flow.lump > 1 else ""
        return (
            f"simulation ({REPLICATIONS} replications, {first.tasks:,} tasks{lump}, seed {SEED}, "
            f"{CONFIDENCE * 100:.0f} % intervals)"
        )

    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all."""
        if self.demand.workers == 1:
            return Estimate.exactly(self.demand.load_erlangs)  # the chance to find the one worker held
        return self.run_until("exceeds", 0.0, precision=PRECISION, enough=_RARE).within(0.0, 1.0)

    def mean_seconds(self) -> Estimate:
        """The mean wait, of tasks that do not wait, too."""
        if self.demand.workers == 1:
            rate, spare = self.demand.rate_per_second, 1 - self.demand.load_erlangs  # Pollaczek and Khinchine
            return Estimate.exactly(rate * self.demand.second_moment / (2 * spare))
        return self.run_until("mean", precision=PRECISION, enough=self._short_seconds)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""
        if seconds < 0:
            return Estimate.exactly(1.0)
        return self.figure("exceeds", seconds).within(0.0, 1.0)

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""
        return self.run_until("quantile_seconds", share, precision=QUANTILE_PRECISION, enough=self._short_seconds)


def single_tasks(lumps: Estimate, double: Estimate, *, lump: int) -> Estimate:
    """The figure without lumps, which change it in proportion to their size (Richardson's extrapolation)."""
    back = (lump - 1) / lump * (lumps.value - double.value)
    half = math.hypot(lumps.high - lumps.low, (double.high - double.low) / 2) + abs(back) / 2
    value = max(0.0, lumps.value + back)
    return Estimate(value, max(0.0, value - half), value + half)
