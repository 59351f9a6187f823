"""What would hold a target, as one JSON object."""

from __future__ import annotations

from typing import Any, TextIO

from stackscan.queueing.checks import MOST_WORKERS
from stackscan.queueing.demand import Demand
from stackscan.queueing.planning import Plan, Target
from stackscan.queueing.values import intervals_values
from stackscan.render.json.write import write


def render(demand: Demand, target: Target, found: Plan, out: TextIO) -> None:
    """Write it."""
    write(as_json(demand, target, found), out)


def as_json(demand: Demand, target: Target, found: Plan) -> dict[str, Any]:
    """As JSON values."""
    return {
        "rate_per_second": demand.rate_per_second,
        "silent_fraction": demand.silent_fraction,
        "close_deadline_seconds": demand.close_deadline_seconds,
        "service_seconds": demand.service_seconds,
        "stall_load_erlangs": demand.stall_load_erlangs,
        "target_wait_seconds": target.wait_seconds,
        "target_probability": target.probability,
        "synchronous": {
            "workers_needed": found.workers_needed,
            "more_than_workers": MOST_WORKERS if found.workers_needed is None else None,
            "wait_probability": found.wait_probability,
            "mean_wait_seconds": found.mean_wait_seconds,
            "workers": demand.workers,
            "holds": found.holds_now,
            "intervals": intervals_values(found.intervals),
            "near": list(found.near),
            "largest_silent_fraction": found.largest_silent_fraction,
            "longest_close_deadline_seconds": found.longest_deadline_seconds,
        },
        "detached": {
            "workers_needed": found.writers_needed,
            "more_than_workers": MOST_WORKERS if found.writers_needed is None else None,
            "closers_mean": found.closers.mean,
            "closers_p999": found.closers.p999,
            "goroutines_p999": found.closers.goroutines_p999,
            "memory_bytes_p999": found.closers.memory_bytes_p999,
        },
        "method": found.method,
    }
