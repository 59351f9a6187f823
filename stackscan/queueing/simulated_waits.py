"""Waits of a pool of two kinds of tasks, simulated until they are known well enough.

What is stated is measured: 90 % intervals by batches of replications, narrowed by a control variate. That is the M/D/c
queue of the silent tasks alone, each held for all the work that comes with it (its own and that of the healthy tasks
between it and the next), simulated by the same random numbers and known exactly.

Where healthy tasks come by the ten thousands between two events that matter, they are taken in lumps: one of m times
the service for m of them. Silent tasks, the healthy load, and the chance that the workers beside the silent ones are
all busy stay as they are; waits as short as a lump do not. What that changes is measured by lumps twice as large, taken
back (Richardson's extrapolation to single tasks), and half of it is added to each interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import Estimate, controlled, of_batches
from stackscan.queueing.tally import BATCHES, Tally, edge
from stackscan.queueing.two_kinds import TwoKindPool

Floats = NDArray[np.float64]

#: Replications of every simulation, always the same, so that two pools meet the same random numbers: what is asked of
#: a larger pool, a smaller load or a shorter hold is then never answered by a longer wait.
REPLICATIONS: Final = 400
SEED: Final = 1
_CHUNK: Final = 256
#: Tasks of a replication within the time that the queue needs to forget; more are taken in lumps.
_MOST_TO_FORGET: Final = 12_000
#: A lump is at most this share of a silent task's hold: waits as short as a lump are not as they are without.
_LARGEST_LUMP: Final = 0.01
#: Below this share of the load, healthy tasks leave the control variate close enough to be worth its time.
_CONTROLLED_BELOW: Final = 0.5
#: Bins around a quantile in which it is looked for: to 40 % on either side.
_BINS_AROUND: Final = 64


@dataclass(frozen=True, slots=True)
class Flow:
    """What is simulated: Poisson arrivals, a share of them long, each kind's hold; times in seconds. ``lump``: how many
    healthy tasks are taken as one."""

    workers: int
    rate_per_second: float
    long_share: float
    short_seconds: float
    long_seconds: float
    lump: int

    @classmethod
    def of(cls, demand: Demand, *, lump: int = 1) -> Flow:
        """The flow of a demand, its healthy tasks in lumps of so many."""
        silent = demand.rate_per_second * demand.silent_fraction
        rate = silent + (demand.rate_per_second - silent) / lump
        short = demand.healthy_hold_seconds * lump
        return cls(demand.workers, rate, silent / rate, short, demand.silent_hold_seconds, lump)


def memory_seconds(demand: Demand) -> float:
    """How long the queue remembers: a longest hold, and the time in which its work wanders as far as it lasts (the
    relaxation time of a random walk with the work's variance and drift)."""
    spare = demand.workers - demand.load_erlangs
    longest = demand.silent_hold_seconds if demand.silent_fraction else demand.healthy_hold_seconds
    return longest + demand.rate_per_second * demand.second_moment / spare**2


def mean_beyond_seconds(demand: Demand) -> float:
    """The heavy-traffic limit of the mean wait of a task that waits, in seconds."""
    return demand.second_moment / (2 * demand.hold_seconds * (demand.workers - demand.load_erlangs))


def lump_of(demand: Demand) -> int:
    """How many healthy tasks are taken as one: 1 unless they are too many to follow."""
    memory = memory_seconds(demand)
    silent = demand.rate_per_second * demand.silent_fraction * memory
    healthy = demand.rate_per_second * (1 - demand.silent_fraction) * memory
    wanted = math.ceil(healthy / max(_MOST_TO_FORGET - silent, _MOST_TO_FORGET / 4))
    short = demand.healthy_hold_seconds
    largest = math.floor(_LARGEST_LUMP * demand.silent_hold_seconds / short) if short else wanted
    return max(1, min(wanted, largest))


def can_be_simulated(demand: Demand) -> bool:
    """Whether the time that the queue needs to forget can be followed at all."""
    flow = Flow.of(demand, lump=lump_of(demand))
    return demand.workers <= 5_000 and flow.rate_per_second * memory_seconds(demand) <= 4 * _MOST_TO_FORGET


class Simulation:
    """One flow, simulated as far as asked; its waits are tallied, those of its control beside them."""

    def __init__(self, demand: Demand, *, lump: int, seed: int = SEED) -> None:
        self.flow = Flow.of(demand, lump=lump)
        self.tally, self._control_tally = Tally(), Tally()
        self._random = np.random.default_rng(seed)
        self._pool = TwoKindPool(demand.workers, REPLICATIONS)
        self.control = _control(demand)
        self._beside = TwoKindPool(demand.workers, REPLICATIONS)
        self._now = np.zeros(REPLICATIONS)
        self._settle(demand)

    def run(self, tasks: int, *, counted: bool = True) -> None:
        """Go on for about ``tasks`` in all replications together."""
        chunk = max(_CHUNK, self.flow.workers)
        for _ in range(max(1, round(tasks / REPLICATIONS / chunk))):
            gaps = self._random.standard_exponential((chunk, REPLICATIONS))
            arrivals = np.cumsum(gaps, axis=0)
            arrivals /= self.flow.rate_per_second
            arrivals += self._now
            long = self._random.random((chunk, REPLICATIONS)) < self.flow.long_share
            free = self._pool.serve(
                arrivals, long, short_seconds=self.flow.short_seconds, long_seconds=self.flow.long_seconds
            )
            if counted:
                self.tally.add(np.maximum(free - arrivals, 0.0))
            if self.control is not None:
                free = self._beside.serve(arrivals, long, short_seconds=0.0, long_seconds=self.control.holding_seconds)
                if counted:
                    self._control_tally.add(np.maximum(free - arrivals, 0.0))
            self._now = arrivals[-1]

    def _settle(self, demand: Demand) -> None:
        """Begin near the steady state, and let that settle for the time that the queue remembers."""
        begin_near_steady(self._pool, demand, self._random, lump=self.flow.lump)
        if self.control is not None:
            rate = self.control.load_erlangs / self.control.holding_seconds
            silent = Demand(demand.workers, rate, 1.0, self.control.holding_seconds, 0.0)
            begin_near_steady(self._beside, silent, self._random)
        self.run(math.ceil(memory_seconds(demand) * self.flow.rate_per_second) * REPLICATIONS, counted=False)

    @property
    def tasks(self) -> int:
        """Tasks whose waits were counted, a lump as one."""
        return self.tally.tasks * BATCHES

    def mean(self) -> Estimate:
        """The mean wait in seconds, of those who do not wait, too."""
        if self.control is None:
            return of_batches(self.tally.means)
        return controlled(self.tally.means, self._control_tally.means, self.control.mean_wait_seconds)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""
        shares = self.tally.above(seconds)
        if not shares.any():
            return Estimate(0.0, 0.0, self._unseen())
        if self.control is None or not (self.control.is_exact or seconds <= 0):
            return of_batches(shares).within(0.0, 1.0)
        expected = self.control.wait_probability if seconds <= 0 else self.control.exceeds(seconds)
        return controlled(shares, self._control_tally.above(seconds), expected).within(0.0, 1.0)

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""
        above = 1 - share
        waits = self.exceeds(0.0)
        if waits.high <= above:
            return Estimate.exactly(0.0)
        middle = self.tally.crude_place(above)
        if middle is None:  # the batches say none wait so often, their interval that some may
            return Estimate(0.0, 0.0, edge(0))
        places = np.arange(max(0, middle - _BINS_AROUND), middle + _BINS_AROUND + 1)
        edges = [edge(int(place)) for place in places]
        shares = [self.exceeds(seconds) for seconds in edges]
        ends = [_crossing(edges, [getattr(s, end) for s in shares], above) for end in ("value", "low", "high")]
        low = 0.0 if waits.low <= above else ends[1]
        return Estimate(0.0 if waits.value <= above else ends[0], low, ends[2])

    def _unseen(self) -> float:
        """An upper end for what was never seen: three over the number of independent looks (Hanley 1983)."""
        independent = REPLICATIONS * max(1.0, self.tally.tasks * BATCHES / REPLICATIONS / _MOST_TO_FORGET)
        return min(1.0, 3 / independent)


def begin_near_steady(
    pool: TwoKindPool, demand: Demand, random: np.random.Generator, *, lump: int = 1, at_seconds: float = 0.0
) -> None:
    """Begin near the steady state: workers hold a task, and tasks wait, about as often as they do there.

    Near enough that what is left of the beginning is soon forgotten.
    """
    if not demand.load_erlangs:
        return
    shape = pool.workers, pool.replications
    silent_load = demand.rate_per_second * demand.silent_fraction * demand.silent_hold_seconds
    long = random.random(shape) < silent_load / demand.load_erlangs
    left = random.random(shape)
    # Sakasegawa's approximation (1977) of the chance that all are busy
    waits = random.random(pool.replications) < demand.utilization ** (math.sqrt(2 * (pool.workers + 1)) - 1)
    backlog = random.exponential(mean_beyond_seconds(demand), pool.replications) * waits
    busy = waits | (random.random(shape) < demand.utilization)
    hold = np.where(long, demand.silent_hold_seconds, demand.healthy_hold_seconds * lump)
    pool.begin(at_seconds + np.where(busy, backlog + left * hold, 0.0), long)


def _control(demand: Demand) -> DeterministicQueue | None:
    healthy = demand.healthy_load_erlangs
    if not demand.silent_fraction or healthy > _CONTROLLED_BELOW * demand.load_erlangs:
        return None
    if demand.load_erlangs > checks.below_saturation(demand.workers):
        return None
    return DeterministicQueue(demand.workers, demand.load_erlangs, demand.hold_seconds / demand.silent_fraction)


def _crossing(edges: list[float], shares: list[float], above: float) -> float:
    """Where a falling curve goes below ``above``, between its points along straight lines."""
    for place in range(1, len(edges)):
        if shares[place] <= above:
            before, after = shares[place - 1], shares[place]
            part = (before - above) / (before - after) if before > after else 0.0
            return edges[place - 1] + min(max(part, 0.0), 1.0) * (edges[place] - edges[place - 1])
    return edges[-1]
