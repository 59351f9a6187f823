"""Worker pools over all hosts: their offered load, and where they are near saturation.

A pool that nobody described is recognised in a capture where some of its workers are idle and some are not. Where all
are busy, or all idle, its crew (goroutines of the same root and creator) is the pool if hosts of its service show one
of that size: so a saturated host is found, and a host without work counts too.

The interval of a load is Poisson's (Garwood 1936), of as many goroutines as the mean over the captures of each host
adds up to: nothing says how long a worker is busy, so that all captures of a host count as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Final

from stackscan.fleet.gather import Counted, Instance
from stackscan.fleet.model import FleetPool, PoolHost

#: Busy workers of ten from which on a pool is near saturation: waits grow without bound as it fills.
NEAR: Final = 0.9
#: Looks at workers (workers times captures) below which a full pool says little.
_FEWEST_LOOKS: Final = 8
#: How much the size of a crew may differ, in parts of a pool's usual size.
_SAME_SIZE: Final = 0.1


#: A capture, its workers, and how many of them are busy.
_Look = tuple[int, int, int]


def pools(counted: Counted) -> tuple[FleetPool, ...]:
    """Every pool, those near saturation first, then the busiest."""
    found = []
    for (name, known), entries in counted.gathering.pools.items():
        looks = [entry for entry in entries if entry[0] in counted.instances]
        if looks:
            found.append(_pool(counted, name, known, looks if known else _with_crews(counted, name, looks)))
    return tuple(sorted(found, key=lambda pool: (-len(pool.near), -pool.occupancy, pool.name, not pool.known)))


def _with_crews(counted: Counted, name: str, looks: Sequence[_Look]) -> list[_Look]:
    """What captures show of a pool that nobody described, those too in which no worker is idle, or all are."""
    marks = counted.gathering.marks[name]
    creator, idle_at = min(marks, key=lambda mark: (-marks[mark], mark))
    sizes: dict[str | None, list[int]] = {}
    for at, workers, _ in looks:
        sizes.setdefault(counted.instances[at][0], []).append(workers)
    found = {at: (at, workers, busy) for at, workers, busy in looks}
    for at, workers, waits in counted.gathering.crews.get((name, creator), ()):
        service = counted.instances[at][0] if at in counted.instances else None
        if at in counted.instances and at not in found and service in sizes:
            usual = median(sizes[service])
            if abs(workers - usual) <= _SAME_SIZE * usual:
                found[at] = at, workers, workers - dict(waits).get(idle_at, 0)
    return [found[at] for at in sorted(found)]


def _pool(counted: Counted, name: str, known: bool, entries: Iterable[_Look]) -> FleetPool:
    from stackscan.queueing.estimate import poisson_interval

    by_host: dict[Instance, list[_Look]] = {}
    for entry in entries:
        by_host.setdefault(counted.instances[entry[0]], []).append(entry)
    hosts = {host: _host(counted, host, looks) for host, looks in by_host.items()}
    near = [
        one
        for host, one in hosts.items()
        if one.occupancy >= NEAR and sum(workers for _, workers, _ in by_host[host]) >= _FEWEST_LOOKS
    ]
    load = sum(one.busy for one in hosts.values())
    low, high = poisson_interval(load)
    return FleetPool(
        name=name,
        known=known,
        services=tuple(sorted({service for service, _, _ in hosts}, key=lambda one: (one is None, one or ""))),
        hosts=len(hosts),
        workers=sum(one.workers for one in hosts.values()),
        offered_load_erlangs=load,
        low=low,
        high=None if near else high,
        near=tuple(sorted(near, key=lambda one: (-one.occupancy, -one.workers, one.service or "", one.host or ""))),
    )


def _host(counted: Counted, host: Instance, looks: list[_Look]) -> PoolHost:
    """One host's pool; where its size changed over its captures, of its usual size."""
    sizes = sorted(workers for _, workers, _ in looks)
    workers = sizes[len(sizes) // 2]
    shares = [busy / size for _, size, busy in looks]
    at = min(looks, key=lambda look: (-look[2], counted.captures[look[0]].where))[0]
    return PoolHost(host[0], host[1], counted.captures[at].where, workers, fmean(shares) * workers)
