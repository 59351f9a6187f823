"""Projections, replays and plans as JSON values. Names are kept from version to version; numbers are finite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackscan.queueing.projection import Jump, Moments, Projection, WhatIf

if TYPE_CHECKING:  # numpy is loaded for metrics only
    from stackscan.queueing.send_times import SendTimes


def projection_values(found: Projection) -> dict[str, Any]:
    """A projection as ``pool project --format json`` prints it and ``report`` holds it."""
    now = found.synchronous
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
            **asdict(now),
            "mean_wait_interval": now.mean_wait_interval,
            "wait_quantiles_seconds": {f"{share:g}": value for share, value in now.wait_quantiles_seconds},
            "probe_timeout_probability_high": found.probe_timeout_probability_high,
            "intervals": intervals_values(now.intervals),
        },
        "detached": asdict(found.detached),
        "what_ifs": [_what_if(case) for case in found.what_ifs],
        "unexplained": list(found.unexplained),
        "captures": _captures(found),
        "peers": None if found.peers is None else asdict(found.peers) | {"exceeded": found.peers.exceeded},
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


def _what_if(case: WhatIf) -> dict[str, Any]:
    values = asdict(case) | {"intervals": intervals_values(case.intervals)}
    del values["says"]  # for people
    return values


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
    return asdict(moments) | {"intervals": intervals_values(moments.intervals)}


def metrics_values(measured: SendTimes) -> dict[str, Any]:
    """The measurements of a node, for the key ``metrics``."""
    return asdict(measured)
