"""The pool in its steady state: the figures that are shown of its waits."""

from __future__ import annotations

from dataclasses import dataclass

from stackscan.queueing.demand import Demand
from stackscan.queueing.estimate import Estimate, named_intervals
from stackscan.queueing.projection import Intervals
from stackscan.queueing.waits import QUANTILE_PRECISION, SHARES, Waits, waits_of


@dataclass(frozen=True, slots=True)
class SteadyState:
    """Waits in the steady state, in seconds. None stands for *without bound*: the pool is saturated.

    ``wait_quantiles_seconds`` pairs a share of tasks with the wait that they do not exceed. ``intervals`` has the 90 %
    interval of each figure that was simulated, by its name; that of a quantile is ``wait_quantiles_seconds.0.99``.
    """

    method: str
    wait_probability: float
    mean_wait_seconds: float | None
    wait_quantiles_seconds: tuple[tuple[float, float | None], ...]
    probe_timeout_probability: float
    intervals: Intervals = ()


def steady_state(demand: Demand, *, probe_timeout_seconds: float) -> SteadyState:
    """The waits of tasks behind closes to silent peers."""
    if demand.saturated:
        return SteadyState("saturated: no steady state", 1.0, None, tuple((share, None) for share in SHARES), 1.0)
    waits = waits_of(demand)
    _figures(waits, probe_timeout_seconds)  # each figure may simulate more; the second time all of them use all of it
    chance, mean, late, quantiles = _figures(waits, probe_timeout_seconds)
    method = waits.method
    if any(found.relative_error > QUANTILE_PRECISION for _, found in quantiles):
        worst = max(found.relative_error for _, found in quantiles)
        method += f"; quantiles within {worst * 100:.2g} %" if worst < 1 else "; quantiles are not known"
    return SteadyState(
        method=method,
        wait_probability=chance.value,
        mean_wait_seconds=mean.value,
        wait_quantiles_seconds=tuple((share, found.value) for share, found in quantiles),
        probe_timeout_probability=late.value,
        intervals=named_intervals(
            wait_probability=chance,
            mean_wait_seconds=mean,
            probe_timeout_probability=late,
            **{f"wait_quantiles_seconds.{share:g}": found for share, found in quantiles},
        ),
    )


def _figures(waits: Waits, probe_seconds: float) -> tuple[Estimate, Estimate, Estimate, list[tuple[float, Estimate]]]:
    quantiles = [(share, waits.quantile_seconds(share)) for share in SHARES]
    return waits.wait_probability(), waits.mean_seconds(), waits.exceeds(probe_seconds), quantiles
