"""Waits of a pool too near to saturation, or too large, to be simulated: proven bounds of the mean, and a law between.

The mean wait lies between Brumelle's lower bound (1971) and Kingman's upper one (1970), which meet at saturation. The
law is that of the M/D/c queue with the same work, which has the same limit there; where the bounds of the mean lie
apart, so do the ends that are stated for it: its time is stretched to either bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from stackscan.queueing.demand import Demand
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.estimate import Estimate


@dataclass(frozen=True)
class Bounded:
    """The waits, in seconds, with intervals that are bounds."""

    demand: Demand

    @property
    def method(self) -> str:
        """How they were found."""
        return "M/D/c with the same work, between bounds (Kingman 1970, Brumelle 1971): too large to simulate"

    @property
    def _silent(self) -> DeterministicQueue:
        """Without the healthy tasks nobody waits longer."""
        demand = self.demand
        return DeterministicQueue(demand.workers, demand.stall_load_erlangs, demand.close_deadline_seconds)

    @property
    def _like(self) -> DeterministicQueue:
        """Each silent task held for all the work that comes with it."""
        demand = self.demand
        return DeterministicQueue(demand.workers, demand.load_erlangs, demand.hold_seconds / demand.silent_fraction)

    def wait_probability(self) -> Estimate:
        """The share of tasks that wait at all: at least that of the silent ones alone."""
        like, least = self._like.wait_probability, self._silent.wait_probability
        return Estimate(max(like, least), least, 1.0)

    def mean_seconds(self) -> Estimate:
        """The mean wait, of tasks that do not wait, too."""
        demand, c, hold = self.demand, self.demand.workers, self.demand.hold_seconds
        second, spare = demand.second_moment, 1 - demand.utilization
        single = demand.rate_per_second * second / c**2 / (2 * spare)  # one worker that is c times as fast
        low = max(self._silent.mean_wait_seconds, single - (c - 1) * second / (2 * c * hold), 0.0)
        spread = max(0.0, second - hold**2) / c + (c - 1) / c**2 * hold**2
        high = (1 / demand.rate_per_second + demand.rate_per_second * spread) / (2 * spare)
        return Estimate(min(max(self._like.mean_wait_seconds, low), high), low, high)

    def exceeds(self, seconds: float) -> Estimate:
        """The share of tasks that wait longer than ``seconds``."""
        if seconds < 0:
            return Estimate.exactly(1.0)
        if not seconds:
            return self.wait_probability()
        mean, like = self.mean_seconds(), self._like
        scale = like.mean_wait_seconds
        ends = [like.exceeds(seconds * scale / m) if m else 0.0 for m in (mean.value, mean.low, mean.high)]
        return Estimate(*ends)

    def quantile_seconds(self, share: float) -> Estimate:
        """The wait that ``share`` of all tasks do not exceed."""
        mean, like = self.mean_seconds(), self._like
        if not like.mean_wait_seconds:
            return Estimate(0.0, 0.0, mean.high / (1 - share))  # Markov
        at = like.quantile_seconds(share) / like.mean_wait_seconds
        return Estimate(at * mean.value, at * mean.low, at * mean.high)
