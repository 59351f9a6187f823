"""The answer over a fleet as one JSON object, for scripts. Fields are added, never renamed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TextIO

from stackscan import __version__
from stackscan.fleet.model import Fleet, FleetFinding, FleetPool, OddHost
from stackscan.render import fleet_words as wording
from stackscan.render.json.write import write

SCHEMA: Final = "stackscan.fleet"
SCHEMA_VERSION: Final = 1


def render(fleet: Fleet, out: TextIO, *, top: int | None = None, everything: bool = False) -> None:
    """Write the whole answer; ``top`` limits each list (None: all of it, as ``everything`` says)."""
    write(as_json(fleet, None if everything else top), out)


def as_json(fleet: Fleet, top: int | None = None) -> dict[str, Any]:
    """The answer as JSON values."""
    level, text = wording.verdict(fleet)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        "verdict": {"level": level, "text": text},
        "captures": fleet.captures,
        "captures_equal": fleet.equal,
        "captures_second_format": fleet.views,
        "captures_incomplete": fleet.incomplete,
        "captures_unknown_time": fleet.unknown_times,
        "captures_unknown_service": fleet.unknown_services,
        "other_files": fleet.other_files,
        "hosts": fleet.hosts,
        "unknown_hosts": fleet.unknown_hosts,
        "services": list(fleet.services),
        "versions": list(fleet.versions),
        "goroutines": fleet.goroutines,
        "first_captured": _time(fleet.first_captured),
        "last_captured": _time(fleet.last_captured),
        "threshold": fleet.threshold,
        "since": _time(fleet.since),
        "owner": fleet.owner,
        "findings_of_others": fleet.others,
        "versions_compared": None if fleet.versions_compared is None else asdict(fleet.versions_compared),
        "findings": [_finding(one) for one in fleet.findings[:top]],
        "odd_hosts": [_odd(one) for one in fleet.odd_hosts[:top]],
        "pools": [_pool(one) for one in fleet.pools[:top]],
        "unreadable": [asdict(one) for one in fleet.unreadable[:top]],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _finding(one: FleetFinding) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "cause": one.cause,
        "rule": one.rule,
        "severity": one.severity,
        "title": one.title,
        "place": one.place,
        "location": one.location or None,
        "services": list(one.services),
        "hosts": list(one.hosts),
        "hosts_hit": one.hosts_hit,
        "hosts_seen": one.hosts_seen,
        "unknown_hosts": one.unknown_hosts,
        "captures": one.captures,
        "total": one.total,
        "rms": one.rms,
        "worst": asdict(one.worst),
        "first_seen": _time(one.first_seen),
        "last_seen": _time(one.last_seen),
        "versions": list(one.versions),
        "versions_without": list(one.versions_without),
        "trend": asdict(one.trend),
        "new": one.new,
        "owners": list(one.owners),
        "change": None if one.change is None else asdict(one.change) | {"certain": one.change.certain},
        "fix": one.fix,
    }


def _odd(one: OddHost) -> dict[str, Any]:
    return {**asdict(one), "reason": wording.odd(one), "differences": [asdict(each) for each in one.differences]}


def _pool(one: FleetPool) -> dict[str, Any]:
    return {
        "pool": one.name,
        "known": one.known,
        "services": list(one.services),
        "hosts": one.hosts,
        "workers": one.workers,
        "offered_load_erlangs": one.offered_load_erlangs,
        "offered_load_interval": None if one.high is None else [one.low, one.high],
        "offered_load_at_least": one.low if one.high is None else None,
        "occupancy": one.occupancy,
        "near_saturation": [{**asdict(each), "occupancy": each.occupancy} for each in one.near],
    }
