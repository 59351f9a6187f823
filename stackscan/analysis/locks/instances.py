"""Groups waiters by the lock that they wait for.

The lock's own address, where a frame shows it for certain, tells the instance. Otherwise the object does: the receiver
of the method that asked. Both together tell where in the object the lock lies, so that waiters of either kind meet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from stackscan.analysis.locks.model import LARGEST_OBJECT, Kind
from stackscan.analysis.locks.sites import Site
from stackscan.analysis.locks.table import Addresses, Flags, Integers, Places, WordTable


@dataclass(slots=True)
class Instance:
    """One lock while its waiters come together: the rows of those whose stack and words are alike."""

    kind: Kind
    address: int | None
    owner: int | None = None
    owner_type: str | None = None
    reliable: bool = True
    groups: list[Group] = field(default_factory=list)

    @property
    def waiters(self) -> int:
        """How many goroutines wait."""
        return sum(len(group.goroutines) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Group:
    """Waiters (rows of the snapshot) with the same stack and the same words. Address and owner are None when no frame
    shows them."""

    stack: int
    address: int | None
    owner: int | None
    owner_reliable: bool
    goroutines: list[int]


def waiter_groups(
    stacks: Integers, waiting: Flags, sites: Mapping[int, Site], places: Places, words: WordTable
) -> list[Group]:
    """The ``waiting`` goroutines (whose stacks all have a site) by stack and words, in the order of the dump."""
    count = int(places.first[-1])
    offset, rank = np.zeros(count, dtype=np.uint64), np.full(count, -1)
    asks = np.zeros(count, dtype=np.bool_)
    for stack, site in sites.items():
        for source in site.sources:
            offset[places.first[stack] + source.frame] = source.offset
            rank[places.first[stack] + source.frame] = source.rank
        if site.asker is not None and site.owner_type is not None:
            asks[places.first[stack] + site.asker] = True
    first = words.position == 0
    address = np.zeros(len(stacks), dtype=np.uint64)
    for level in (2, 1, 0):  # the better source overwrites
        shown = np.flatnonzero(first & words.reliable & (rank[words.place] == level))
        address[words.goroutine[shown]] = words.word[shown] - offset[words.place[shown]]
    shown = np.flatnonzero(first & asks[words.place])
    owner, reliable = np.zeros(len(stacks), dtype=np.uint64), np.zeros(len(stacks), dtype=np.bool_)
    owner[words.goroutine[shown]] = words.word[shown]
    reliable[words.goroutine[shown]] = words.reliable[shown]
    rows = np.flatnonzero(waiting)
    columns = {"stack": stacks, "address": address, "owner": owner, "reliable": reliable}
    table = pl.DataFrame({"goroutine": rows, **{name: values[rows] for name, values in columns.items()}})
    grouped = table.group_by(*columns, maintain_order=True).agg("goroutine")
    return [Group(s, a or None, o or None, r, rows) for s, a, o, r, rows in grouped.iter_rows()]


def put_together(groups: Sequence[Group], sites: Mapping[int, Site]) -> tuple[list[Instance], int]:
    """The instances, and how many waiters belong to none that is known."""
    at: dict[tuple[Kind, int], Instance] = {}
    for group in groups:
        if group.address is not None:
            kind = sites[group.stack].kind
            at.setdefault((kind, group.address), Instance(kind, group.address)).groups.append(group)
    for instance in at.values():
        _place(instance, sites)
    return _by_owner(groups, list(at.values()), sites)


def _place(instance: Instance, sites: Mapping[int, Site]) -> None:
    """Which object the lock lies in: the nearest receiver before it of those who asked. A lock that lies elsewhere (its
    object holds a pointer to it) belongs to the object that most of them asked through."""
    assert instance.address is not None  # noqa: S101  # by construction
    types: Counter[str] = Counter()
    owners: dict[int, str] = {}
    through: Counter[tuple[str, int]] = Counter()
    for group in instance.groups:
        owner_type = sites[group.stack].owner_type
        if owner_type is None:
            continue
        types[owner_type] += len(group.goroutines)
        if group.owner is not None and 0 <= instance.address - group.owner < LARGEST_OBJECT:
            owners[group.owner] = owner_type  # so close, a doubtful word is no accident
        elif group.owner is not None and group.owner_reliable:
            through[owner_type, group.owner] += len(group.goroutines)
    if owners:
        instance.owner = max(owners)
        instance.owner_type = owners[instance.owner]
    elif through:
        (instance.owner_type, instance.owner), _ = through.most_common(1)[0]
    elif types:
        instance.owner_type = types.most_common(1)[0][0]


def _by_owner(
    groups: Sequence[Group], instances: list[Instance], sites: Mapping[int, Site]
) -> tuple[list[Instance], int]:
    """Add the waiters whose lock's address no frame shows, by the object whose method asked."""
    known = {(i.kind, i.owner_type, i.owner): i for i in reversed(instances) if i.owner is not None}
    seen: Counter[int] = Counter()
    for group in groups:
        if group.owner is not None:
            seen[group.owner] += len(group.goroutines) if not group.owner_reliable else 2
    unknown = 0
    for group in groups:
        if group.address is not None:
            continue
        site = sites[group.stack]
        if group.owner is None or seen[group.owner] < 2:  # a doubtful word that nobody shares says nothing
            unknown += len(group.goroutines)
            continue
        key = (site.kind, site.owner_type, group.owner)
        if key not in known:
            known[key] = Instance(site.kind, None, group.owner, site.owner_type, reliable=False)
            instances.append(known[key])
        known[key].groups.append(group)
        known[key].reliable |= group.owner_reliable
    return instances, unknown


def find_owners(instances: Sequence[Instance], words: WordTable, types: Integers, type_ids: Mapping[str, int]) -> None:
    """Set the owner of each lock to the nearest object before it that a method of its type runs on."""
    placed = [i for i in instances if i.address is not None and i.owner_type is not None]
    if not placed:
        return
    receivers = words.take((words.position == 0) & words.reliable & (types[words.place] >= 0))
    type_of = types[receivers.place]
    of_type: dict[str, list[Instance]] = {}
    for instance in placed:
        of_type.setdefault(instance.owner_type or "", []).append(instance)
    for owner_type, alike in of_type.items():
        objects = np.unique(receivers.word[type_of == type_ids[owner_type]])
        for instance in alike:
            _nearest(instance, objects)


def _nearest(instance: Instance, objects: Addresses) -> None:
    address = instance.address or 0
    place = int(np.searchsorted(objects, np.uint64(address), side="right")) - 1
    nearest = int(objects[place]) if place >= 0 else 0
    known = instance.owner if instance.owner is not None and instance.owner <= address else 0
    if address - nearest < LARGEST_OBJECT and nearest > known:
        instance.owner = nearest
