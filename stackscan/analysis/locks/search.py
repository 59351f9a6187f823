"""The search for the locks that goroutines wait for: which instance each is, and who may hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final

from stackscan.analysis.locks import candidates, cycles
from stackscan.analysis.locks.ground import Ground
from stackscan.analysis.locks.instances import Group, Instance, find_owners, put_together, waiter_groups
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
    locks = list(map(_Maker(snapshot, sites).lock, instances, found))
    return Locks(tuple(locks), cycles.find(locks), snapshot.count(waiting), unknown, distinct)


class _Maker:
    """Makes locks of instances."""

    def __init__(self, snapshot: Snapshot, sites: Mapping[int, Site]) -> None:
        stacks = snapshot.stacks
        asks = ((number, site.asker) for number, site in sites.items() if site.asker is not None)
        self._functions = {number: stacks[number].frames[at].function for number, at in asks}
        self._writing = frozenset(number for number, site in sites.items() if site.writer)
        self._ids, self._minutes = snapshot.column("goroutine_id"), snapshot.column("wait_minutes")
        self._asker = lru_cache(maxsize=1024)(Asker)  # most are alike

    def lock(self, instance: Instance, holders: tuple[Candidate, ...]) -> Lock:
        """An instance as a report shows it."""
        groups, ids, minutes = instance.groups, self._ids, self._minutes
        rows = groups[0].goroutines if len(groups) == 1 else sorted([r for group in groups for r in group.goroutines])
        return Lock(
            kind=instance.kind,
            address=instance.address,
            owner=instance.owner,
            owner_type=instance.owner_type,
            reliable=instance.reliable,
            waiters=len(rows),
            writers=sum([len(group.goroutines) for group in groups if group.stack in self._writing]),
            askers=self._askers(groups),
            goroutine_ids=tuple([ids[row] for row in rows[:_IDS] if ids[row] is not None]),
            max_wait_minutes=max([minutes[row] or 0 for row in rows]),
            candidates=holders,
            rows=tuple(rows),
        )

    def _askers(self, groups: Sequence[Group]) -> tuple[Asker, ...]:
        """The functions that asked for a lock, most waiters first."""
        counts: dict[str, int] = {}
        for group in groups:
            function = self._functions.get(group.stack)
            if function is not None:
                counts[function] = counts.get(function, 0) + len(group.goroutines)
        order = sorted(counts, key=counts.__getitem__, reverse=True) if len(counts) > 1 else counts
        return tuple([self._asker(name, counts[name]) for name in order])
