"""The answer of all rows that were gathered."""

from __future__ import annotations

from datetime import datetime

from stackscan.fleet.findings import findings
from stackscan.fleet.gather import Counted, Gathering
from stackscan.fleet.model import Fleet, Unreadable
from stackscan.fleet.observe import Unread
from stackscan.fleet.odd import odd_hosts
from stackscan.fleet.pools import pools
from stackscan.fleet.versions import chosen


def answer(
    gathering: Gathering, *, threshold: int, since: datetime | None = None, compared: str | None = None
) -> Fleet:
    """The answer; ``threshold`` is the one that rows were made with, ``since`` the time from which on things are new
    (None: nobody asks), ``compared`` the version, or two, whose differences are wanted."""
    counted = Counted.of(gathering)
    versions = None if compared is None else chosen(counted, compared)
    found, told = findings(counted, threshold=threshold, since=since, versions=versions)
    taken = [counted.captures[at] for at in counted.kept]
    instances = set(counted.instances.values())
    times = sorted(one.origin.time for one in taken if one.origin.time is not None)
    lost = [one for one in gathering.unread if not one.other]
    return Fleet(
        findings=found,
        odd_hosts=odd_hosts(counted, told),
        pools=pools(counted),
        unreadable=tuple(map(_unreadable, sorted(lost, key=lambda one: (one.where, one.reason)))),
        captures=len(taken),
        equal=counted.equal,
        views=counted.views,
        incomplete=sum(not one.complete for one in taken),
        other_files=len(gathering.unread) - len(lost),
        hosts=len(instances),
        unknown_hosts=sum(host is None for _, host, _ in instances),
        services=tuple(sorted({service for service, _, _ in instances if service is not None})),
        unknown_services=sum(one.origin.service is None for one in taken),
        versions=tuple(sorted({one.origin.version for one in taken if one.origin.version is not None})),
        goroutines=sum(one.goroutines for one in taken),
        first_captured=times[0] if times else None,
        last_captured=times[-1] if times else None,
        unknown_times=len(taken) - len(times),
        threshold=threshold,
        since=since,
        seconds=gathering.seconds,
        versions_compared=None if versions is None else versions.pair,
    )


def _unreadable(one: Unread) -> Unreadable:
    return Unreadable(one.origin.service, one.origin.host, one.where, one.reason)
