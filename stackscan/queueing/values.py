"""Projections, replays and plans as JSON values. Names are kept from version to version; numbers are finite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from stackscan.queueing.projection import Jump, Moments, Projection

if TYPE_CHECKING:  # scipy is loaded for metrics only
    from stackscan.queueing.send_times import SendTimes


def projection_values(found: Projection) -> dict[str, Any]:
    """A projection as ``pool project --format json`` prints it and ``report`` holds it."""
    now, fixed = found.synchronous, found.detached
    return {
        "workers": found.workers,
        "rate_per_second": found.rate_per_second,
        "silent_fraction": found.silent_fraction,
        "close_deadline_seconds": found.close_deadline_seconds,
        "service_seconds": found.service_seconds,
        "probe_timeout_seconds": found.probe_timeout_seconds,
        "stall_load_erlangs": found.stall_load_erlangs,
        "stall_load_interval": None if found.stall_load_interval is None else list(found.stall_load_interval),
        "silent_capacity_per_second": found.silent_capacity_per_second,
        "holds_without_end": found.endless,
        "in_force": found.in_force,
        "synchronous": {
            "capacity_per_second": now.capacity_per_second,
            "utilization": now.utilization,
            "saturated": now.saturated,
            "wait_probability": now.wait_probability,
            "mean_wait_seconds": now.mean_wait_seconds,
            "mean_wait_interval": None if now.mean_wait_interval is None else list(now.mean_wait_interval),
            "mean_wait_holding_times": now.mean_wait_holding_times,
            "wait_quantiles_seconds": {f"{share:g}": value for share, value in now.wait_quantiles_seconds},
            "probe_timeout_probability": now.probe_timeout_probability,
            "probe_timeout_probability_high": found.probe_timeout_probability_high,
            "growth_per_second": now.growth_per_second,
            "intervals": intervals_values(now.intervals),
        },
        "detached": {
            "capacity_per_second": fixed.capacity_per_second,
            "utilization": fixed.utilization,
            "saturated": fixed.saturated,
            "mean_wait_seconds": fixed.mean_wait_seconds,
            "closers_mean": fixed.closers_mean,
            "closers_p999": fixed.closers_p999,
            "goroutines_p999": fixed.goroutines_p999,
            "memory_bytes_p999": fixed.memory_bytes_p999,
            "is_lower_bound": fixed.is_lower_bound,
        },
        "what_ifs": [
            {
                "name": case.name,
                "workers": case.workers,
                "stall_load_erlangs": case.stall_load_erlangs,
                "saturated": case.saturated,
                "wait_probability": case.wait_probability,
                "mean_wait_seconds": case.mean_wait_seconds,
                "probe_timeout_probability": case.probe_timeout_probability,
                "intervals": intervals_values(case.intervals),
            }
            for case in found.what_ifs
        ],
        "unexplained": list(found.unexplained),
        "captures": _captures(found),
        "peers": _peers(found),
        "jump": None if found.jump is None else _jump(found.jump),
        "method": found.method,
    }


def intervals_values(intervals: Iterable[tuple[str, tuple[float | None, float | None]]]) -> dict[str, Any]:
    """Intervals by the names of their figures; those of quantiles lie one level deeper, as the quantiles do."""
    found: dict[str, Any] = {}
    for name, ends in intervals:
        key, _, inner = name.partition(".")
        if inner:
            found.setdefault(key, {})[inner] = list(ends)
        else:
            found[key] = list(ends)
    return found


def _captures(found: Projection) -> dict[str, Any] | None:
    captures = found.captures
    if captures is None:
        return None
    return {
        "held": list(captures.held),
        "full": captures.full,
        "left_out": captures.left_out,
        "left_out_because": captures.reason or None,
        "independent": captures.independent,
        "times_known": not captures.untimed,
    }


def _peers(found: Projection) -> dict[str, Any] | None:
    peers = found.peers
    if peers is None:
        return None
    return {
        "peers": peers.peers,
        "streams_each": peers.streams_each,
        "streams_most": peers.streams_most,
        "exceeded": peers.exceeded,
    }


def _jump(jump: Jump) -> dict[str, Any]:
    return {
        "silent_fraction_before": jump.before,
        "lasting_seconds": jump.lasting_seconds,
        "time_to_full_seconds": _moments(jump.time_to_full),
        "time_to_drain_seconds": _moments(jump.time_to_drain),
        "fluid_time_to_full_seconds": jump.fluid_time_to_full_seconds,
        "method": jump.method,
    }


def _moments(moments: Moments) -> dict[str, Any]:
    return {
        "share": moments.share,
        "p05": moments.p05,
        "p50": moments.p50,
        "p95": moments.p95,
        "intervals": intervals_values(moments.intervals),
    }


def metrics_values(measured: SendTimes) -> dict[str, Any]:
    """What the metrics of a node said, under the key ``metrics``."""
    load = measured.stall_load_interval
    return {
        "sends": measured.sends,
        "silent": measured.silent,
        "seconds_between": measured.seconds_between,
        "rate_per_second": measured.rate_per_second,
        "silent_fraction": measured.silent_fraction,
        "silent_fraction_interval": list(measured.silent_fraction_interval),
        "service_seconds": measured.service_seconds,
        "stall_load_erlangs": measured.stall_load_erlangs,
        "stall_load_interval": None if load is None else list(load),
    }
