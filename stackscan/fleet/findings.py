"""Findings over all hosts: each rule and cause, each place that grows, and each line with many goroutines, once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import partial
from itertools import chain
from math import sqrt
from typing import Any

from stackscan.fleet.captures import Instance, moment_of, time_of
from stackscan.fleet.counted import Counted
from stackscan.fleet.gather import column as new_column
from stackscan.fleet.model import Change, FleetFinding, Named, Peak, Worst
from stackscan.fleet.packed import Numbers
from stackscan.fleet.trend import AllSeries, series_of, trend_of
from stackscan.fleet.versions import Versions, judged
from stackscan.knowledge.rule import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class Told:
    """What findings explain: functions of some hosts, and whole ``hosts`` that one of them singles out (at most half of
    those seen have it)."""

    functions: set[tuple[Instance, str | None]] = field(default_factory=set)
    hosts: set[Instance] = field(default_factory=set)


_LEAK_FIX = (
    "Find what should end these goroutines: a context, a closed channel, a time limit on the call they wait for."
)
_CROWD_FIX = "Look at what they wait for at this line. If so many are intended, raise --threshold."


def findings(
    counted: Counted, *, threshold: int, since: datetime | None, versions: Versions | None = None
) -> tuple[tuple[FleetFinding, ...], Told]:
    """All findings, the worst first (severity, then root mean square), and which hosts and functions they explain."""
    series = series_of(counted)
    told = Told()
    build = partial(_finding, _Fleet.of(counted, told.hosts, versions), series, since)
    found = [build(_of_rule(counted, key), column) for key, column in counted.gathering.seen.items()]
    found += _leaks(counted, series, build, told)
    found += _crowds(counted, build, told, threshold)
    present = judged([one for one in found if one is not None])
    return tuple(sorted(present, key=_rank)), told


def _rank(one: FleetFinding) -> tuple[int, float, str, str, str]:
    return SEVERITIES.index(one.severity), -one.rms, one.name, one.place or "", one.cause or ""


def _of_rule(counted: Counted, key: tuple[str, str | None, str | None]) -> Named:
    one = counted.gathering.told[key]
    words = one.title, one.fix, one.place, one.location, one.packages
    return Named("rule", one.cause, one.rule, one.severity, *words)


Build = Callable[[Named, Numbers], FleetFinding | None]


def _leaks(counted: Counted, series: AllSeries, build: Build, told: Told) -> Iterable[FleetFinding | None]:
    """Places that grow on some host, where no rule says already what is wrong."""
    for place, column in counted.gathering.places.items():
        rates = series.rates({host: found for host, found in counted.by_host(column).items() if not found.caught})
        grown = {host for host, rate in rates.items() if rate is not None}
        if not grown:
            continue
        told.functions.update((host, place[0]) for host in grown)
        known = counted.gathering.spots[place]
        state = f" [{place[2]}]" if place[2] else ""
        title = f"goroutines in {_short(place[0])}{state} grow from capture to capture and never fall"
        severity: Severity = "info" if known.idle else "error"
        named = Named("leak", "leak", None, severity, title, _LEAK_FIX, place[0], known.location, known.packages)
        yield build(named, _of_hosts(counted, column, grown))


def _of_hosts(counted: Counted, column: Numbers, hosts: set[Instance]) -> Numbers:
    """The part of a column that is of these hosts."""
    found = new_column()
    for row in counted.rows(column):
        if counted.captures.instance(row[0]) in hosts:
            found.append(*row)
    return found


def _crowds(counted: Counted, build: Build, told: Told, threshold: int) -> Iterable[FleetFinding | None]:
    """Lines with very many goroutines, where nothing else says what is wrong."""
    for (function, location), column in counted.gathering.crowds.items():
        every = counted.by_host(column)
        hosts = {host for host, found in every.items() if not found.caught and (host, function) not in told.functions}
        told.functions.update((host, function) for host in hosts)
        spot = counted.gathering.crowd_spots[function, location]
        title = f"{threshold:,} goroutines or more at one line, {_short(function)}"
        severity: Severity = "info" if spot.idle else "warning"
        named = Named("crowd", "crowd", None, severity, title, _CROWD_FIX, function, location, spot.packages)
        yield build(named, _of_hosts(counted, column, hosts))


def _short(function: str | None) -> str:
    return "a place without frames" if function is None else function.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What findings are compared with: the hosts of each service, its versions, and its first moment. ``singled``
    gathers the hosts that a finding singles out; ``compared`` are the versions to compare (None: nobody asks)."""

    counted: Counted
    hosts: Mapping[str | None, int]
    versions: Mapping[str | None, set[str]]
    first: Mapping[str | None, int]
    singled: set[Instance]
    compared: Versions | None

    @classmethod
    def of(cls, counted: Counted, singled: set[Instance], compared: Versions | None) -> _Fleet:
        """The services of all captures."""
        hosts: dict[str | None, set[Instance]] = {}
        versions: dict[str | None, set[str]] = {}
        first: dict[str | None, int] = {}
        captures = counted.captures
        for at in counted.kept:
            service, version, moment = captures.service(at), captures.version(at), captures.moment(at)
            hosts.setdefault(service, set()).add(captures.instance(at))
            if version is not None:
                versions.setdefault(service, set()).add(version)
            if moment is not None:
                first[service] = min(first.get(service, moment), moment)
        seen = {service: len(found) for service, found in hosts.items()}
        return cls(counted, seen, versions, first, singled, compared)

    def change(self, services: Iterable[str | None], column: Numbers) -> Change | None:
        """What two versions differ in of a finding with these goroutines by capture."""
        return None if self.compared is None else self.compared.change(self.counted, services, column)


def _finding(
    fleet: _Fleet, series: AllSeries, since: datetime | None, named: Named, column: Numbers
) -> FleetFinding | None:
    """The finding of those captures that count; None where none of them has it."""
    counted = fleet.counted
    hosts = counted.by_host(column)
    if not hosts:
        return None
    peaks = [Peak(host[0], host[1], max(found.goroutines)) for host, found in hosts.items()]
    peaks.sort(key=lambda one: (-one.count, one.service or "", one.host or ""))
    services = sorted({service for service, _, _ in hosts}, key=lambda name: (name is None, name or ""))
    seen = sum(fleet.hosts[service] for service in services)
    taken = array("I", chain.from_iterable(found.captures for found in hosts.values()))
    moments = array("q", (moment for at in taken if (moment := counted.captures.moment(at)) is not None))
    first = min(moments, default=None)
    versions = {version for at in taken if (version := counted.captures.version(at)) is not None}
    every = {version for service in services for version in fleet.versions.get(service, ())}
    waits = named.kind == "leak"
    trend = trend_of(series.rates(hosts, waits=waits).values())
    names = {host for _, host, _ in hosts if host is not None}
    is_growing_rule = named.kind == "rule" and trend.growing > 0
    severity: Severity = "warning" if named.severity == "info" and is_growing_rule else named.severity
    if severity != "info" and 2 * len(hosts) <= seen:
        fleet.singled.update(hosts)
    return FleetFinding(
        **_fields(replace(named, severity=severity)),
        services=tuple(services),
        hosts=tuple(sorted(names)),
        hosts_hit=len(hosts),
        hosts_seen=seen,
        unknown_hosts=sum(host is None for _, host, _ in hosts),
        captures=len(taken),
        total=sum(peak.count for peak in peaks),
        rms=sqrt(sum(peak.count**2 for peak in peaks) / seen),
        worst=_worst(counted, column),
        first_seen=time_of(first),
        last_seen=time_of(max(moments, default=None)),
        versions=tuple(sorted(versions)),
        versions_without=tuple(sorted(every - versions)),
        trend=trend,
        peaks=tuple(peaks),
        new=_is_new(fleet, services, first, since),
        change=fleet.change(services, column),
    )


def _fields(named: Named) -> dict[str, Any]:
    return {one.name: getattr(named, one.name) for one in fields(named)}


def _worst(counted: Counted, column: Numbers) -> Worst:
    """The capture with most; of several the first by name."""
    captures = counted.captures
    worst, most, name = 0, -1, ""
    for at, count, *_ in counted.rows(column):
        if count > most or (count == most and captures.where(at) < name):
            worst, most, name = at, count, captures.where(at)
    return Worst(captures.service(worst), captures.host(worst), name, most)


def _is_new(fleet: _Fleet, services: Iterable[str | None], first: int | None, since: datetime | None) -> bool | None:
    """Whether a finding was first seen at this time or later, though there are earlier captures of its services."""
    if since is None or first is None:
        return None
    moment = moment_of(since)
    if first < moment:
        return False
    earlier = any(fleet.first[service] < moment for service in services if service in fleet.first)
    return True if earlier else None
