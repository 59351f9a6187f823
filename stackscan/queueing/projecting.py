"""Makes projections: of given numbers, or of a load that captures show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.calibration import Load
from stackscan.queueing.demand import Demand
from stackscan.queueing.detached import STREAMS_A_PEER, closers, closers_of, stream_bound_seconds
from stackscan.queueing.projection import Captures, Detached, Peers, Projection, Synchronous
from stackscan.queueing.steady import SteadyState, steady_state
from stackscan.queueing.unexplained import Symptom, unexplained
from stackscan.queueing.waits import waits_of
from stackscan.queueing.whatifs import what_ifs

#: How long a close waits for a silent peer since go-libp2p v0.47, and a probe for its answer.
DEADLINE_SECONDS: Final = 10.0
PROBE_SECONDS: Final = 30.0
_SATURATED: Final = Demand(1, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Given:
    """Numbers that are known besides captures; None: not known. Times in seconds."""

    holding_seconds: float | None = None
    endless: bool = False
    probe_timeout_seconds: float = PROBE_SECONDS
    rate_per_second: float | None = None
    silent_fraction: float | None = None
    service_seconds: float | None = None

    def __post_init__(self) -> None:
        checks.positive(self.probe_timeout_seconds, "probe time-out (seconds)", most=checks.MOST_SECONDS)
        if self.holding_seconds is not None:
            checks.positive(self.holding_seconds, "close deadline (seconds)", most=checks.MOST_SECONDS)
        if self.rate_per_second is not None:
            checks.between(self.rate_per_second, "rate (tasks per second)", least=0, most=checks.MOST_RATE)
        if self.silent_fraction is not None:
            checks.share(self.silent_fraction, "silent fraction")
        if self.service_seconds is not None:
            checks.between(self.service_seconds, "service time (seconds)", least=0, most=checks.MOST_SECONDS)


def project(demand: Demand, *, probe_timeout_seconds: float = PROBE_SECONDS, peers: int | None = None) -> Projection:
    """The projection of given numbers. ``peers`` spreads the silent sends over so many silent peers."""
    probe = checks.positive(probe_timeout_seconds, "probe time-out (seconds)", most=checks.MOST_SECONDS)
    state = steady_state(demand, probe_timeout_seconds=probe)
    writing = demand.detached()
    beside = steady_state(writing, probe_timeout_seconds=probe)
    counted = closers_of(demand)
    load, deadline = demand.stall_load_erlangs, demand.close_deadline_seconds
    return Projection(
        workers=demand.workers,
        rate_per_second=demand.rate_per_second,
        silent_fraction=demand.silent_fraction,
        close_deadline_seconds=deadline,
        service_seconds=demand.service_seconds,
        probe_timeout_seconds=probe,
        stall_load_erlangs=load,
        synchronous=_synchronous(
            state,
            holding_seconds=deadline,
            saturated=demand.saturated,
            capacity=demand.capacity_per_second,
            utilization=demand.utilization,
            growth=demand.growth_per_second,
        ),
        detached=Detached(
            capacity_per_second=writing.capacity_per_second,
            utilization=writing.utilization,
            saturated=writing.saturated,
            mean_wait_seconds=beside.mean_wait_seconds,
            closers_mean=counted.mean,
            closers_p999=counted.p999,
            goroutines_p999=counted.goroutines_p999,
            memory_bytes_p999=counted.memory_bytes_p999,
        ),
        what_ifs=what_ifs(demand, probe_timeout_seconds=probe),
        method=state.method,
        peers=None if peers is None else _peers(demand, peers),
        silent_capacity_per_second=demand.workers / deadline,
    )


def project_load(load: Load, *, workers: int, captures: Captures, given: Given, symptom: Symptom) -> Projection:
    """The projection of what captures show: ``load`` by calibration, of a pool of ``workers``.

    A load beyond what is carried (every capture full) has only a lower bound; then the pool is taken as saturated and
    everything that needs a load uses that bound.
    """
    holding = None if given.endless else given.holding_seconds
    unit = holding or 1.0
    erlangs, low, high = load.erlangs, load.low, load.high
    saturated = erlangs is None or erlangs > checks.below_saturation(workers)
    usable = low if erlangs is None else erlangs
    probe = given.probe_timeout_seconds
    demand = _demand(workers, usable, unit, given)
    is_full = saturated or given.endless or demand.saturated
    state = steady_state(_SATURATED if is_full else demand, probe_timeout_seconds=probe)
    worst = None if saturated or holding is None else _probe_at(high, demand, given, probe)
    silent_capacity = None if holding is None else workers / holding
    counted = closers(usable)
    found = Projection(
        workers=workers,
        rate_per_second=given.rate_per_second,
        silent_fraction=given.silent_fraction,
        close_deadline_seconds=holding,
        service_seconds=given.service_seconds,
        probe_timeout_seconds=probe if holding is not None else None,
        stall_load_erlangs=None if given.endless else erlangs,
        stall_load_interval=None if given.endless else (low, high),
        endless=given.endless,
        synchronous=_synchronous(
            state,
            holding_seconds=holding,
            saturated=is_full,
            capacity=None,
            utilization=None if erlangs is None else erlangs / workers,
            growth=_growth(given, silent_capacity),
        ),
        detached=Detached(
            capacity_per_second=workers / given.service_seconds if given.service_seconds else None,
            closers_mean=counted.mean,
            closers_p999=counted.p999,
            goroutines_p999=counted.goroutines_p999,
            memory_bytes_p999=counted.memory_bytes_p999,
            is_lower_bound=erlangs is None,
        ),
        what_ifs=() if holding is None else what_ifs(demand, probe_timeout_seconds=probe, censored=erlangs is None),
        method="no steady state: holds without end" if given.endless else state.method,
        captures=captures,
        probe_timeout_probability_high=worst,
        silent_capacity_per_second=silent_capacity,
    )
    return replace(found, unexplained=unexplained(found, symptom))


def _demand(workers: int, load: float, unit: float, given: Given) -> Demand:
    return Demand.of_load(
        load,
        workers=workers,
        close_deadline_seconds=unit,
        rate_per_second=given.rate_per_second,
        service_seconds=given.service_seconds,
    )


def _probe_at(load: float | None, demand: Demand, given: Given, probe: float) -> float | None:
    """P(a probe times out) at the upper end of the load."""
    if load is None:
        return 1.0
    worst = _demand(demand.workers, load, demand.close_deadline_seconds, given)
    return 1.0 if worst.saturated else waits_of(worst).exceeds(probe).value


def _growth(given: Given, silent_capacity: float | None) -> float | None:
    """How fast the queue grows, in tasks per second; None: not known. Healthy tasks wait behind the silent ones."""
    rate, share = given.rate_per_second, given.silent_fraction
    if rate is None or share is None or silent_capacity is None:
        return None
    return max(0.0, rate * share - silent_capacity) / share if share else 0.0


def _synchronous(
    state: SteadyState,
    *,
    holding_seconds: float | None,
    saturated: bool,
    capacity: float | None,
    utilization: float | None,
    growth: float | None,
) -> Synchronous:
    known = holding_seconds is not None
    mean = state.mean_wait_seconds
    return Synchronous(
        capacity_per_second=capacity,
        utilization=utilization,
        saturated=saturated,
        wait_probability=state.wait_probability,
        mean_wait_seconds=mean if known else None,
        mean_wait_holding_times=None if mean is None else mean / (holding_seconds or 1.0),
        wait_quantiles_seconds=tuple((q, v if known else None) for q, v in state.wait_quantiles_seconds),
        probe_timeout_probability=state.probe_timeout_probability if known else None,
        growth_per_second=growth,
        intervals=state.intervals,
    )


def _peers(demand: Demand, peers: int) -> Peers:
    seconds = stream_bound_seconds(demand, peers)
    each = demand.close_deadline_seconds * STREAMS_A_PEER / seconds  # sends to one peer within a deadline
    return Peers(peers, each, STREAMS_A_PEER)
