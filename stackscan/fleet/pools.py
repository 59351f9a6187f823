"""Worker pools over all hosts: their offered load, and where they are near saturation.

A pool that nobody described is recognised in a capture where some of its workers are idle and some are not. Where all
are busy, or all idle, its crew (goroutines of the same root and creator) is the pool if hosts of its service show one
of that size: so a saturated host is found, and a host without work counts too.

The interval of a load is Poisson's (Garwood 1936), of as many goroutines as the mean over the captures of each host
adds up to: nothing says how long a worker is busy, so that all captures of a host count as one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import merge
from itertools import groupby
from operator import itemgetter
from statistics import fmean, median
from typing import Final

from stackscan.fleet.captures import Instance
from stackscan.fleet.counted import Counted
from stackscan.fleet.model import FleetPool, PoolHost
from stackscan.fleet.packed import Numbers

#: Busy workers of ten from which on a pool is near saturation: waits grow without bound as it fills.
NEAR: Final = 0.9
#: Looks at workers (workers times captures) below which a full pool says little.
_FEWEST_LOOKS: Final = 8
#: How much the size of a crew may differ, in parts of a pool's usual size.
_SAME_SIZE: Final = 0.1


#: A capture, its workers, and how many of them are busy.
_Look = tuple[int, ...]


def pools(counted: Counted) -> tuple[FleetPool, ...]:
    """Every pool, those near saturation first, then the busiest."""
    found = []
    for (name, known), numbers in counted.gathering.pools.items():
        hosts = _by_host(counted, counted.rows(numbers) if known else _with_crews(counted, name, numbers))
        if hosts:
            found.append(_pool(name, known, hosts))
    return tuple(sorted(found, key=lambda pool: (-len(pool.near), -pool.occupancy, pool.name, not pool.known)))


def _with_crews(counted: Counted, name: str, numbers: Numbers) -> Iterator[_Look]:
    """What captures show of a pool that nobody described, those too in which no worker is idle, or all are; in the
    order of captures, each once."""
    shown = (list(same)[-1] for _, same in groupby(counted.rows(numbers), itemgetter(0)))
    both = merge(shown, _crews(counted, name, numbers), key=itemgetter(0))  # of one capture those that are shown first
    return (next(same) for _, same in groupby(both, itemgetter(0)))


def _crews(counted: Counted, name: str, numbers: Numbers) -> Iterator[_Look]:
    """The crews that are as large as the pool usually is in their service."""
    marks = counted.gathering.marks[name]
    creator, idle_at = min(marks, key=lambda mark: (-marks[mark], mark))
    sizes: dict[str | None, array[int]] = {}
    for at, workers, _ in counted.rows(numbers):
        service = counted.captures.service(at)
        if service not in sizes:
            sizes[service] = array("Q")
        sizes[service].append(workers)
    usual = {service: median(found) for service, found in sizes.items()}
    idle = [dict(waits).get(idle_at, 0) for waits in counted.gathering.waits.values]
    for at, workers, waits in counted.rows(counted.gathering.crews.get((name, creator), ())):
        size = usual.get(counted.captures.service(at))
        if size is not None and abs(workers - size) <= _SAME_SIZE * size:
            yield at, workers, workers - idle[waits]


@dataclass(slots=True)
class _Looks:
    """What the captures of one host show of a pool, and the name of the one with most busy workers."""

    workers: array[int] = field(default_factory=lambda: array("Q"))
    busy: array[int] = field(default_factory=lambda: array("Q"))
    most: int = -1
    capture: str = ""

    def add(self, workers: int, busy: int, name: Callable[[], str]) -> None:
        """Add what one shows; of several with as many, the first by name is shown."""
        self.workers.append(workers)
        self.busy.append(busy)
        if busy > self.most or (busy == self.most and name() < self.capture):
            self.most, self.capture = busy, name()


def _by_host(counted: Counted, looks: Iterable[_Look]) -> dict[Instance, _Looks]:
    found: dict[Instance, _Looks] = {}
    for at, workers, busy in looks:
        host = counted.captures.instance(at)
        if host not in found:
            found[host] = _Looks()
        found[host].add(workers, busy, partial(counted.captures.where, at))
    return found


def _pool(name: str, known: bool, looks: Mapping[Instance, _Looks]) -> FleetPool:
    from stackscan.queueing.estimate import poisson_interval

    hosts = {host: _host(host, found) for host, found in looks.items()}
    near = [one for host, one in hosts.items() if one.occupancy >= NEAR and sum(looks[host].workers) >= _FEWEST_LOOKS]
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


def _host(host: Instance, looks: _Looks) -> PoolHost:
    """One host's pool; where its size changed over its captures, of its usual size."""
    sizes = sorted(looks.workers)
    workers = sizes[len(sizes) // 2]
    shares = [busy / size for size, busy in zip(looks.workers, looks.busy, strict=True)]
    return PoolHost(host[0], host[1], looks.capture, workers, fmean(shares) * workers)
