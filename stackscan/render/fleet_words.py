"""The answer over a fleet in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from stackscan.fleet.model import Difference, Fleet, FleetFinding, FleetPool, OddHost, PoolHost, Unreadable
from stackscan.render import fleet_change_words as changes
from stackscan.render import words
from stackscan.render.numbers import number
from stackscan.report.growth.words import rate

Level = Literal["error", "warning", "info", "ok"]
_NAMED: Final = 3


def verdict(fleet: Fleet) -> tuple[Level, str]:
    """The answer in one line, and how bad it is."""
    bad = [one for one in fleet.findings if one.severity in ("error", "warning")]
    parts = []
    if bad:
        changed = f" ({changes.short(fleet)})" if fleet.versions_compared else ""
        parts.append(f"{words.count(len(bad), 'problems')} on {_at_most(bad, fleet)}{changed}")
    if fleet.odd_hosts:
        parts.append(words.count(len(fleet.odd_hosts), "odd hosts"))
    full = [pool for pool in fleet.pools if pool.near]
    if full:
        parts.append(f"{words.count(len(full), 'pools')} near saturation")
    level: Level = bad[0].severity if bad else "warning" if parts else "ok"
    if not parts:
        parts.append(f"no problem found on {counted_hosts(fleet.hosts, fleet.hosts, fleet.unknown_hosts)}")
    if fleet.unreadable:
        level = "warning" if level == "ok" else level
        parts.append(f"{words.count(len(fleet.unreadable), 'captures')} could not be read")
    return level, "; ".join(parts)


def _at_most(bad: Sequence[FleetFinding], fleet: Fleet) -> str:
    """How many hosts have any of them: known by name, so of captures of unknown hosts as many as of the worst."""
    names = {host for one in bad for host in one.hosts}
    hit = min(max([len(names), *(one.hosts_hit for one in bad)]), fleet.hosts)
    return counted_hosts(hit, fleet.hosts, fleet.unknown_hosts)


def counted_hosts(hit: int, seen: int, unknown: int) -> str:
    """``19 of 21 hosts``; captures of unknown hosts are called that."""
    share = f"{hit:,} of {seen:,}" if hit < seen else f"all {seen:,}" if seen > 1 else "1"
    if not unknown:
        return f"{share} host{'' if seen == 1 else 's'}"
    if unknown >= hit:
        return f"{share} capture{'' if seen == 1 else 's'} of unknown hosts"
    return f"{share} hosts ({unknown:,} unknown)"


def scope(fleet: Fleet) -> str:
    """How much was read, and from when."""
    known = fleet.hosts - fleet.unknown_hosts
    parts = [words.count(fleet.captures, "captures")]
    parts.append(words.count(known, "hosts") if known else "hosts unknown: name them with --pattern")
    if known and fleet.unknown_hosts:
        parts.append(f"{words.count(fleet.unknown_hosts, 'captures')} of unknown hosts")
    if fleet.services:
        parts.append(words.count(len(fleet.services), "services"))
    if fleet.versions:
        parts.append(words.count(len(fleet.versions), "versions"))
    if fleet.first_captured and fleet.last_captured:
        parts.append(between(fleet.first_captured, fleet.last_captured) + " UTC")
    return ", ".join(parts)


def left_out(fleet: Fleet) -> str:
    """What was not counted, and why; empty for nothing."""
    parts = [
        f"{words.count(fleet.equal, 'captures')} equal to others" if fleet.equal else "",
        f"{words.count(fleet.views, 'captures')} in a second format" if fleet.views else "",
        f"{words.count(fleet.other_files, 'files')} without goroutines" if fleet.other_files else "",
    ]
    told = ", ".join(filter(None, parts))
    cut = f"{words.count(fleet.incomplete, 'captures')} incomplete" if fleet.incomplete else ""
    return "; ".join(filter(None, (f"not counted: {told}" if told else "", cut)))


def between(first: datetime, last: datetime) -> str:
    """``2026-04-22 10:00 to 12:30``."""
    if moment(first) == moment(last):
        return moment(first)
    same_day = first.date() == last.date()
    return f"{first:%Y-%m-%d %H:%M} to {last:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}}"


def moment(at: datetime) -> str:
    """``2026-04-22 10:00``."""
    return f"{at:%Y-%m-%d %H:%M}"


def size(one: FleetFinding) -> str:
    """On how many hosts, and how many goroutines."""
    hosts = counted_hosts(one.hosts_hit, one.hosts_seen, one.unknown_hosts)
    return f"{hosts}, {words.count(one.total, 'goroutines')} (rms {number(one.rms)})"


def trend(one: FleetFinding) -> str:
    """Whether it grows, and how fast; empty where nothing grows."""
    if not one.trend.growing or one.trend.rate_per_hour is None:
        return ""
    judged = one.trend.judged
    hosts = f"{one.trend.growing:,} of {judged:,} hosts" if judged > one.trend.growing else f"{judged:,} hosts"
    hosts = "1 host" if judged == 1 else hosts
    return f"grows on {hosts}, by {rate(one.trend.rate_per_hour / 3600)} on each"


def short_trend(one: FleetFinding) -> str:
    """The same in a table, also where nothing grows."""
    if not one.trend.judged:
        return "unknown: fewer than 3 captures of a host"
    return trend(one) or "no steady growth"


def place(one: FleetFinding) -> str:
    """Where to look: the function, and its line."""
    if one.place is None:
        return ""
    where = f" ({words.plain(one.location)})" if one.location else ""
    return f"{words.short_symbol(one.place)}{where}"


def worst(one: FleetFinding) -> str:
    """The host with most goroutines, and the capture that shows it."""
    top = one.worst
    return f"most on {host_name(top.service, top.host)}: {top.count:,} in {words.plain(top.capture)}"


def host_name(service: str | None, host: str | None) -> str:
    """``h17 (checkout)``."""
    name = "unknown host" if host is None else words.plain(host)
    return name if service is None else f"{name} ({words.plain(service)})"


def versions(one: FleetFinding) -> str:
    """The versions that have it and those that do not; empty where none is known."""
    if not one.versions:
        return ""
    without = f", not {listed(one.versions_without)}" if one.versions_without else ""
    return f"versions: {listed(one.versions)}{without}"


def owners(fleet: Fleet, one: FleetFinding) -> str:
    """Who owns it; empty where nobody asked."""
    if not fleet.owned:
        return ""
    return f"owner: {', '.join(map(words.plain, one.owners)) or 'nobody'}"


def asked(fleet: Fleet) -> str:
    """Whose findings are shown, and how many others there are; empty for all findings."""
    if fleet.owner is None:
        return ""
    others = words.count(fleet.others, "findings")
    of = "another owner" if fleet.others == 1 else "other owners"
    left = f"; {others} of {of} or of nobody left out" if fleet.others else ""
    return f"findings of {words.plain(fleet.owner)} only{left}"


def notes(fleet: Fleet) -> tuple[str, ...]:
    """What was read, what was left out, what was asked for: a line each."""
    return tuple(filter(None, (scope(fleet), left_out(fleet), since(fleet), asked(fleet))))


def services(one: FleetFinding) -> str:
    """The services that have it; empty where none is known."""
    known = [name for name in one.services if name is not None]
    return f"services: {listed(known)}" if known else ""


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(map(words.plain, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def seen(one: FleetFinding) -> str:
    """From when to when it was seen; whether that is new."""
    new = {True: "NEW, ", False: "", None: ""}[one.new]
    return f"{new}seen {between(one.first_seen, one.last_seen)}" if one.first_seen and one.last_seen else ""


def details(fleet: Fleet, one: FleetFinding) -> tuple[str, ...]:
    """What else is known of a finding, a line each: place and size, worst host, trend with versions and times."""
    where = place(one)
    lines = (
        (f"{where}: {size(one)}" if where else size(one),),
        (worst(one),),
        (trend(one), owners(fleet, one), services(one), versions(one), seen(one)),
    )
    joined = ("; ".join(filter(None, parts)) for parts in lines)
    return tuple(filter(None, joined))


def odd(one: OddHost) -> str:
    """In what a host differs from its siblings."""
    siblings = "its sibling has" if one.siblings == 1 else f"its {one.siblings:,} siblings have"
    return "; ".join(difference(each, siblings if not at else "they have") for at, each in enumerate(one.differences))


def difference(one: Difference, siblings: str) -> str:
    """``412 goroutines in store.(*Cache).Get [select], its 6 siblings have 12``."""
    where = "a place without frames" if one.place is None else words.base_symbol(one.place)
    state = f" [{words.plain(one.state)}]" if one.state else ""
    count = f"{one.count:,.0f} goroutine{'' if one.count == 1 else 's'}"
    return f"{count} in {where}{state}, {siblings} {one.median:,.0f}"


def pool(one: FleetPool) -> str:
    """The load of a pool over all hosts."""
    found = f"{load(one)} on {words.count(one.hosts, 'hosts')}"
    return "; ".join(filter(None, (found if one.known else f"{found} (possible pool)", erlangs(one))))


def erlangs(one: FleetPool) -> str:
    """The offered load with its interval; of a pool that is full somewhere a lower bound. Empty for no load."""
    if not one.offered_load_erlangs:
        return ""
    if one.high is None:
        return f"offered load at least {number(one.low)} erlangs (95%)"
    interval = f"90% interval: {number(one.low)} to {number(one.high)}"
    return f"offered load {number(one.offered_load_erlangs)} erlangs ({interval})"


def load(one: FleetPool) -> str:
    """``61.5 of 144 workers busy``."""
    return f"{number(one.offered_load_erlangs)} of {one.workers:,} workers busy"


def near(one: FleetPool) -> str:
    """The hosts on which a pool is near saturation; empty for none."""
    if not one.near:
        return ""
    named = ", ".join(map(busy, one.near[:_NAMED]))
    unknown = all(host.host is None for host in one.near)
    hosts = words.count(len(one.near), "captures" if unknown else "hosts") + (" of unknown hosts" if unknown else "")
    return f"{hosts} near saturation: {named}" + (", …" if len(one.near) > _NAMED else "")


def busy(one: PoolHost) -> str:
    """``h17 (checkout) 12 of 12``: a host's busy workers."""
    name = words.plain(one.capture) if one.host is None else host_name(one.service, one.host)
    return f"{name} {number(one.busy)} of {one.workers:,}"


def unreadable(one: Unreadable) -> str:
    """A capture that could not be read: host, name, reason."""
    return f"{host_name(one.service, one.host)}: {words.plain(one.capture)}: {words.plain(one.reason)}"


def odd_name(one: OddHost) -> str:
    """An odd host with its version; of an unknown host the capture."""
    version = f" {words.plain(one.version)}" if one.version else ""
    return (words.plain(one.capture) if one.host is None else host_name(one.service, one.host)) + version


def since(fleet: Fleet) -> str:
    """What is new since the time that was asked for; empty where nobody asked."""
    if fleet.since is None:
        return ""
    new = sum(one.new is True for one in fleet.findings)
    unknown = sum(one.new is None for one in fleet.findings)
    told = f"; of {unknown:,} it is not known" if unknown else ""
    return (
        f"new since {fleet.since:%Y-%m-%d %H:%M} UTC: {new:,} of {words.count(len(fleet.findings), 'findings')}{told}"
    )


def more(shown: int, of: int) -> str:
    """A heading's note: ``5 of 12; --all shows all``."""
    return f"{shown:,} of {of:,}; --all shows all" if shown < of else ""
