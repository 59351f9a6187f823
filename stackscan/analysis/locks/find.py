"""From a snapshot to its locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from stackscan.analysis.locks import candidates, cycles
from stackscan.analysis.locks.candidates import Ground
from stackscan.analysis.locks.instances import Instance, find_owners, put_together, waiter_groups
from stackscan.analysis.locks.model import MOST_LOCKS, Asker, Lock, Locks
from stackscan.analysis.locks.sites import NOT_WAITING, Site, receiver_type, site_of
from stackscan.analysis.locks.table import Flags, Integers, Places, WordTable
from stackscan.formats.symbol import origin, read_symbol
from stackscan.model.snapshot import Frame, Snapshot

_IDS: Final = 20


def find_locks(snapshot: Snapshot) -> Locks:
    """The locks that goroutines of a snapshot wait for, most waiters first, with candidates.

    Formats without arguments show that goroutines wait, not for which lock.
    """
    sites = {number: site for number, stack in enumerate(snapshot.stacks) if (site := site_of(stack)) is not None}
    waiting, stacks = _waiting(snapshot, sites)
    count = snapshot.count(np.flatnonzero(waiting).tolist())
    places = Places.of(snapshot.stacks)
    words = WordTable.of(snapshot, places, _frames(snapshot, sites)) if count else None
    if words is None:
        return Locks(waiters=count, unknown=count)
    instances, unknown = put_together(waiter_groups(stacks, waiting, sites, places, words), sites)
    distinct = len(instances)
    instances = sorted(instances, key=lambda instance: -instance.waiters)[:MOST_LOCKS]
    ground = _ground(snapshot, sites, places, words, instances)
    find_owners(instances, words, ground.types, ground.type_ids)
    found = candidates.find(instances, ground) if instances else []
    minutes = snapshot.rows["wait_minutes"].fill_null(0).to_numpy()
    ids = snapshot.rows["goroutine_id"].to_numpy()  # formats with arguments have ids
    locks = []
    for instance, holders in zip(instances, found, strict=True):
        rows = np.sort(np.concatenate([np.array(group.goroutines) for group in instance.groups]))
        locks.append(
            Lock(
                kind=instance.kind,
                address=instance.address,
                owner=instance.owner,
                owner_type=instance.owner_type,
                reliable=instance.reliable,
                waiters=instance.waiters,
                writers=sum(len(group.goroutines) for group in instance.groups if sites[group.stack].writer),
                askers=_askers(instance, snapshot, sites),
                goroutine_ids=tuple(ids[rows[:_IDS]].tolist()),
                max_wait_minutes=int(minutes[rows].max()),
                candidates=holders,
                rows=rows,
            )
        )
    return Locks(tuple(locks), cycles.find(locks), count, unknown, distinct)


def _waiting(snapshot: Snapshot, sites: Mapping[int, Site]) -> tuple[Flags, Integers]:
    """Which goroutines wait for a lock or channel in their stack, and each one's stack."""
    stacks = snapshot.rows["stack_id"].to_numpy().astype(np.int64)
    in_site = np.zeros(len(snapshot.stacks) + 1, dtype=np.bool_)
    in_site[list(sites)] = True
    waits = ~snapshot.rows["wait_reason"].is_in(list(NOT_WAITING)).fill_null(value=False).to_numpy()
    return in_site[stacks] & waits, stacks


def _frames(snapshot: Snapshot, sites: Mapping[int, Site]) -> set[Frame]:
    """The frames whose words can matter: the program's own, those that ask for locks and their packages, sync's."""
    wanted: set[Frame] = set()
    packages: set[str] = set()
    for number, site in sites.items():
        frames = snapshot.stacks[number].frames
        wanted.update(frames[source.frame] for source in site.sources)
        if site.asker is not None:
            packages.add(read_symbol(frames[site.asker].function).package)
    every = {frame for stack in snapshot.stacks for frame in stack.frames}
    wanted.update(f for f in every if origin(f).kind != "std" or read_symbol(f.function).package in packages)
    return wanted


def _ground(
    snapshot: Snapshot, sites: Mapping[int, Site], places: Places, words: WordTable, instances: Sequence[Instance]
) -> Ground:
    type_ids = {name: k for k, name in enumerate(sorted({i.owner_type for i in instances if i.owner_type is not None}))}
    roots = np.zeros(int(places.first[-1]), dtype=np.bool_)
    for stack, each in enumerate(snapshot.stacks):
        own = [at for at, frame in enumerate(each.frames) if ".gowrap" not in frame.function]
        if own and each.frames[own[-1]].function != "runtime.goexit":
            roots[places.first[stack] + own[-1]] = True
    waits_for = np.full(snapshot.rows.height, -1)
    for number, instance in enumerate(instances):
        for group in instance.groups:
            waits_for[group.goroutines] = number
    types = places.numbers(lambda frame: type_ids.get(receiver_type(frame.function) or "", -1))
    return Ground(snapshot, sites, places, words, waits_for, types, type_ids, roots)


def _askers(instance: Instance, snapshot: Snapshot, sites: Mapping[int, Site]) -> tuple[Asker, ...]:
    """The functions that asked for a lock, most waiters first."""
    askers: Counter[str] = Counter()
    for group in instance.groups:
        site, frames = sites[group.stack], snapshot.stacks[group.stack].frames
        if site.asker is not None:
            askers[frames[site.asker].function] += len(group.goroutines)
    return tuple(Asker(name, count) for name, count in askers.most_common())
