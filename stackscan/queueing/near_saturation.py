"""Waits of a pool too near to saturation, or too large, to be simulated: carried over from what can be.

At saturation every pool has one limit: waits are exponential, with a mean of the second moment of the holds over twice
their mean and the spare workers (Köllerström 1974). The M/D/c queue with the same load has it, too, in units of
``E[S²] / E[S]``. How far the pool is from that queue is measured by simulation at the highest utilisation that can be
simulated; from there to saturation, where it is nothing, it falls along a straight line. The interval holds both ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import Estimate
from stackscan.queueing.simulated_waits import Simulation, can_be_simulated, lump_of

#: Where nothing like it can be simulated, the pool is within this factor of the limit: a guess, and said to be one.
_UNKNOWN: Final = 3.0
_TASKS: Final = 4_000_000
_LOWEST: Final = 1e-3
#: No interval reaches further down than to this share of the limit.
_LEAST: Final = 1e-3


@dataclass(frozen=True)
class NearSaturation:
    """The waits, in seconds."""

    demand: Demand

    @property
    def method(self) -> str:
        """How they were found."""
        if self._measured is None:
            return "limit at saturation, within a factor of 3 (a guess: too large to simulate)"
        at = self._measured[0].utilization
        return f"carried over from a simulation at utilisation {at:.3g} to the limit at saturation"

    @property
    def _unit_seconds(self) -> float:
        return self.demand.second_moment / self.demand.hold_seconds

    @cached_property
    def _like(self) -> DeterministicQueue:
        return DeterministicQueue(self.demand.workers, self.demand.load_erlangs, 1.0)

    @cached_property
    def _measured(self) -> tuple[Demand, Estimate, Estimate] | None:
        """A smaller demand on the same pool, and its P(wait) and mean wait over those of the M/D/c queue."""
        low, high = _LOWEST, 1.0
        if not can_be_simulated(replace(self.demand, rate_per_second=low * self.demand.rate_per_second)):
            return None
        for _ in range(20):
            middle = (low + high) / 2
            fits = can_be_simulated(replace(self.demand, rate_per_second=middle * self.demand.rate_per_second))
            low, high = (middle, high) if fits else (low, middle)
        less = replace(self.demand, rate_per_second=low * self.demand.rate_per_second)
        like = DeterministicQueue(less.workers, less.load_erlangs, 1.0)
        if not like.wait_probability or not like.mean_wait_seconds:
            return None
        done = Simulation(less, lump=lump_of(less))
        done.run(_TASKS)
        often = done.exceeds(0.0).scaled(1 / like.wait_probability)
        long = done.mean().scaled(1 / (like.mean_wait_seconds * self._unit_seconds))
        return less, often, long

    def _ratio(self, figure: Literal[1, 2]) -> Estimate:
        """P(wait) (1) or the mean wait (2) over that of the M/D/c queue: from ``_measured``, carried over to here."""
        if self._measured is None:
            return Estimate(1.0, 1 / _UNKNOWN, _UNKNOWN)
        there = self._measured[figure]
        part = (self.demand.utilization - self._measured[0].utilization) / (1 - self._measured[0].utilization)
        at = max(there.value + min(max(part, 0.0), 1.0) * (1.0 - there.value), _LEAST)
        return Estimate(at, max(min(there.low, 1.0), _LEAST), max(there.high, 1.0))

    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all."""
        return self._ratio(1).scaled(self._like.wait_probability).within(0.0, 1.0)

    def mean_seconds(self) -> Estimate:
        """The mean wait, of tasks that do not wait, too."""
        return self._ratio(2).scaled(self._like.mean_wait_seconds * self._unit_seconds)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""
        if seconds <= 0:
            return self.wait_probability() if not seconds else Estimate.exactly(1.0)
        ratio = self._ratio(2)
        ends = (self._like.exceeds(seconds / self._unit_seconds / r) for r in (ratio.value, ratio.low, ratio.high))
        return Estimate(*ends)

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""
        return self._ratio(2).scaled(self._like.quantile_seconds(share) * self._unit_seconds)
