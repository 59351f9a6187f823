"""Projections of a pool as data: no numpy here, so that renderers load nothing else.

Times are in seconds where the holding time is known. Where it is not, the model still knows waits *in holding times*,
and the seconds are None. None also stands for *without bound*; then ``saturated`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Named figures with their 90 % intervals: those that were simulated.
Intervals = tuple[tuple[str, tuple[float, float]], ...]


@dataclass(frozen=True, slots=True)
class Synchronous:
    """The pool whose workers close the streams themselves.

    ``growth_per_second`` is how fast the queue grows beyond saturation (None: the rate is not known).
    ``intervals`` has the 90 % interval of each figure that was simulated, by its name (``wait_probability``,
    ``wait_quantiles_seconds.0.99``).
    """

    capacity_per_second: float | None
    utilization: float | None
    saturated: bool
    wait_probability: float
    mean_wait_seconds: float | None
    mean_wait_holding_times: float | None
    wait_quantiles_seconds: tuple[tuple[float, float | None], ...]
    probe_timeout_probability: float | None
    growth_per_second: float | None
    intervals: Intervals = ()

    @property
    def mean_wait_interval(self) -> tuple[float, float] | None:
        """The interval of the mean wait, where it was simulated."""
        return dict(self.intervals).get("mean_wait_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """The pool whose closes run beside its workers. ``is_lower_bound``: so is the load."""

    capacity_per_second: float | None
    utilization: float | None = None
    saturated: bool | None = None
    mean_wait_seconds: float | None = None
    closers_mean: float
    closers_p999: int
    goroutines_p999: int
    memory_bytes_p999: int
    is_lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The same silent peers on another pool. ``name`` is stable (``more-workers``), ``says`` is for people."""

    name: str
    says: str
    workers: int
    stall_load_erlangs: float
    saturated: bool
    wait_probability: float
    mean_wait_seconds: float | None
    probe_timeout_probability: float | None
    intervals: Intervals = ()


@dataclass(frozen=True, slots=True)
class Captures:
    """The captures of a projection: how many workers each showed held, how many were full, how many more dumps were
    left out (``reason`` says why), and whether the held ones are closers beside the pool. ``independent``:
    the number of dumps far apart with the same information; ``untimed``: when they were taken is unknown."""

    held: tuple[int, ...]
    full: int
    left_out: int = 0
    reason: str = ""
    beside: bool = False
    independent: float = 1.0
    untimed: bool = False


@dataclass(frozen=True, slots=True)
class Peers:
    """Silent sends spread over some silent peers: how many streams each would hold open, of how many it takes."""

    peers: int
    streams_each: float
    streams_most: int

    @property
    def exceeded(self) -> bool:
        """Whether the stall moves to the opening of streams."""
        return self.streams_each >= self.streams_most


@dataclass(frozen=True, slots=True)
class Moments:
    """A time over replications, in seconds: how often it came at all, and its 5th, 50th and 95th percentile among all
    replications (None: it did not come in that many). ``intervals`` has the 90 % interval of each of the four; an end
    that is None lies beyond all that was seen."""

    share: float
    p05: float | None
    p50: float | None
    p95: float | None
    intervals: tuple[tuple[str, tuple[float | None, float | None]], ...] = ()


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump of the silent fraction from ``before`` to the demand's own, for ``lasting_seconds`` from t = 0.

    ``time_to_full``: until all workers are held, within the jump. ``time_to_drain``: from its end until an arrival
    finds a free worker and nobody ahead, over those runs in which the pool was full. ``fluid_time_to_full_seconds`` is
    what the mean does: the load climbs along a straight line for one deadline; None where it does not reach the
    workers.
    """

    before: float
    lasting_seconds: float
    time_to_full: Moments
    time_to_drain: Moments
    fluid_time_to_full_seconds: float | None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The projection of a pool. Loads in erlangs: workers held on average. ``stall_load_interval``: 90 %, its upper end
    None when only a lower bound is known. ``unexplained``: what these numbers do *not* explain, in sentences."""

    workers: int
    rate_per_second: float | None
    silent_fraction: float | None
    close_deadline_seconds: float | None
    service_seconds: float | None
    probe_timeout_seconds: float | None
    stall_load_erlangs: float | None
    stall_load_interval: tuple[float, float | None] | None = None
    endless: bool = False
    synchronous: Synchronous
    detached: Detached
    what_ifs: tuple[WhatIf, ...]
    unexplained: tuple[str, ...] = ()
    method: str
    captures: Captures | None = None
    peers: Peers | None = None
    jump: Jump | None = None
    probe_timeout_probability_high: float | None = None
    silent_capacity_per_second: float | None = None

    @property
    def in_force(self) -> str:
        """Which of the two the captures show: closes beside the pool, or in its workers."""
        return "detached" if self.captures is not None and self.captures.beside else "synchronous"
