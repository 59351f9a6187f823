"""The search for the locks that goroutines wait for: which instance each is, and who may hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from stackscan.analysis.locks import candidates, cycles
from stackscan.analysis.locks.ground import Ground
from stackscan.analysis.locks.instances import Instance, find_owners, put_together, waiter_groups
from stackscan.analysis.locks.model import MOST_LOCKS, Asker, Candidate, Lock, Locks
from stackscan.analysis.locks.sites import Site
from stackscan.model.snapshot import Snapshot

_IDS: Final = 20


def search(snapshot: Snapshot, sites: Mapping[int, Site], waiting: Sequence[int]) -> Locks:
    """The locks of the ``waiting`` goroutines (rows), whose stacks have these sites, in a format with arguments."""
    ground = Ground(snapshot, sites)
    instances, unknown = put_together(waiter_groups(ground.asking, ground.stacks, waiting, sites), sites)
    distinct = len(instances)
    instances = sorted(instances, key=attrgetter("waiters"), reverse=True)[:MOST_LOCKS]
    ground.set_instances(instances)
    find_owners(instances, ground.objects())
    found = candidates.find(instances, ground) if instances else []
    locks = [_lock(instance, holders, snapshot, sites) for instance, holders in zip(instances, found, strict=True)]
    return Locks(tuple(locks), cycles.find(locks), snapshot.count(waiting), unknown, distinct)


def _lock(instance: Instance, holders: tuple[Candidate, ...], snapshot: Snapshot, sites: Mapping[int, Site]) -> Lock:
    groups = instance.groups
    rows = groups[0].goroutines if len(groups) == 1 else sorted(row for group in groups for row in group.goroutines)
    ids, minutes = snapshot.column("goroutine_id"), snapshot.column("wait_minutes")
    return Lock(
        kind=instance.kind,
        address=instance.address,
        owner=instance.owner,
        owner_type=instance.owner_type,
        reliable=instance.reliable,
        waiters=len(rows),
        writers=sum([len(group.goroutines) for group in groups if sites[group.stack].writer]),
        askers=_askers(instance, snapshot, sites),
        goroutine_ids=tuple([ids[row] for row in rows[:_IDS] if ids[row] is not None]),
        max_wait_minutes=max([minutes[row] or 0 for row in rows]),
        candidates=holders,
        rows=tuple(rows),
    )


def _askers(instance: Instance, snapshot: Snapshot, sites: Mapping[int, Site]) -> tuple[Asker, ...]:
    """The functions that asked for a lock, most waiters first."""
    counts: dict[str, int] = {}
    for group in instance.groups:
        asker = sites[group.stack].asker
        if asker is not None:
            function = snapshot.stacks[group.stack].frames[asker].function
            counts[function] = counts.get(function, 0) + len(group.goroutines)
    return tuple(Asker(name, counts[name]) for name in sorted(counts, key=counts.__getitem__, reverse=True))
