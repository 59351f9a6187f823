"""The answer of all rows that were gathered."""

from __future__ import annotations

from array import array
from datetime import datetime

from stackscan.fleet.captures import time_of
from stackscan.fleet.counted import Counted
from stackscan.fleet.findings import findings
from stackscan.fleet.gather import Gathering
from stackscan.fleet.model import Fleet, Unreadable
from stackscan.fleet.odd import odd_hosts
from stackscan.fleet.pools import pools
from stackscan.fleet.row import Unread
from stackscan.fleet.versions import chosen


def answer(
    gathering: Gathering, *, threshold: int, since: datetime | None = None, compared: str | None = None
) -> Fleet:
    """The answer; ``threshold`` is the one that rows were made with, ``since`` the time from which on things are new
    (None: nobody asks), ``compared`` the version, or two, whose differences are wanted."""
    counted = Counted.of(gathering)
    versions = None if compared is None else chosen(counted, compared)
    found, told = findings(counted, threshold=threshold, since=since, versions=versions)
    captures, kept = counted.captures, counted.kept
    instances = {captures.instance(at) for at in kept}
    moments = array("q", (moment for at in kept if (moment := captures.moment(at)) is not None))
    lost = [one for one in gathering.unread if not one.other]
    return Fleet(
        findings=found,
        odd_hosts=odd_hosts(counted, told),
        pools=pools(counted),
        unreadable=tuple(map(_unreadable, sorted(lost, key=lambda one: (one.where, one.reason)))),
        captures=len(kept),
        equal=counted.equal,
        views=counted.views,
        incomplete=sum(not captures.complete(at) for at in kept),
        other_files=len(gathering.unread) - len(lost),
        hosts=len(instances),
        unknown_hosts=sum(host is None for _, host, _ in instances),
        services=tuple(sorted({service for service, _, _ in instances if service is not None})),
        unknown_services=sum(captures.service(at) is None for at in kept),
        versions=tuple(sorted({version for at in kept if (version := captures.version(at)) is not None})),
        goroutines=sum(map(captures.goroutines, kept)),
        first_captured=time_of(min(moments, default=None)),
        last_captured=time_of(max(moments, default=None)),
        unknown_times=len(kept) - len(moments),
        threshold=threshold,
        since=since,
        seconds=gathering.seconds,
        versions_compared=None if versions is None else versions.pair,
    )


def _unreadable(one: Unread) -> Unreadable:
    return Unreadable(one.origin.service, one.origin.host, one.where, one.reason)
