"""Worker pools over all hosts: their offered load, and where they are near saturation."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import Final

from stackscan.fleet.gather import Counted, Instance
from stackscan.fleet.model import FleetPool, PoolHost

#: Busy workers of ten from which on a pool is near saturation: waits grow without bound as it fills.
NEAR: Final = 0.9
#: Looks at workers (workers times captures) below which a full pool says little.
_FEWEST_LOOKS: Final = 8


def pools(counted: Counted) -> tuple[FleetPool, ...]:
    """Every pool, those near saturation first, then the busiest."""
    found = [
        _pool(counted, name, known, [entry for entry in entries if entry[0] in counted.instances])
        for (name, known), entries in counted.gathering.pools.items()
    ]
    present = [pool for pool in found if pool.hosts]
    return tuple(sorted(present, key=lambda pool: (-len(pool.near), -pool.occupancy, pool.name, not pool.known)))


def _pool(counted: Counted, name: str, known: bool, entries: Iterable[tuple[int, int, int]]) -> FleetPool:
    by_host: dict[Instance, list[tuple[int, int, int]]] = {}
    for entry in entries:
        by_host.setdefault(counted.instances[entry[0]], []).append(entry)
    hosts = {host: _host(counted, host, looks) for host, looks in by_host.items()}
    near = [
        one
        for host, one in hosts.items()
        if one.occupancy >= NEAR and sum(workers for _, workers, _ in by_host[host]) >= _FEWEST_LOOKS
    ]
    return FleetPool(
        name=name,
        known=known,
        services=tuple(sorted({service for service, _, _ in hosts}, key=lambda one: (one is None, one or ""))),
        hosts=len(hosts),
        workers=sum(one.workers for one in hosts.values()),
        offered_load_erlangs=sum(one.busy for one in hosts.values()),
        near=tuple(sorted(near, key=lambda one: (-one.occupancy, -one.workers, one.service or "", one.host or ""))),
    )


def _host(counted: Counted, host: Instance, looks: list[tuple[int, int, int]]) -> PoolHost:
    """One host's pool; where its size changed over its captures, of its usual size."""
    sizes = sorted(workers for _, workers, _ in looks)
    workers = sizes[len(sizes) // 2]
    shares = [busy / size for _, size, busy in looks]
    at = min(looks, key=lambda look: (-look[2], counted.captures[look[0]].where))[0]
    return PoolHost(host[0], host[1], counted.captures[at].where, workers, fmean(shares) * workers)
