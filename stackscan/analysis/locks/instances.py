"""Groups waiters by the lock that they wait for.

The lock's own address, where a frame shows it for certain, tells the instance. Otherwise the object does: the receiver
of the method that asked. Both together tell where in the object the lock lies, so that waiters of either kind meet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stackscan.analysis.locks.model import LARGEST_OBJECT, Kind
from stackscan.analysis.locks.sites import Site
from stackscan.model.arguments import Words

#: Behind every source of an address.
_LAST: Final = 3
_NO_SOURCE: Final = (_LAST + 1, 0)
_NO_OWNER: Final = (None, False)


@dataclass(slots=True)
class Group:
    """Waiters (rows of the snapshot) with the same stack and the same words. Address and owner are None when no frame
    shows them."""

    stack: int
    address: int | None
    owner: int | None
    owner_reliable: bool
    goroutines: list[int]


@dataclass(slots=True)
class Instance:
    """One lock while its waiters come together: the rows of those whose stack and words are alike."""

    kind: Kind
    address: int | None
    owner: int | None = None
    owner_type: str | None = None
    reliable: bool = True
    groups: list[Group] = field(default_factory=list)
    waiters: int = 0

    def add(self, group: Group) -> None:
        """Add waiters."""
        self.groups.append(group)
        self.waiters += len(group.goroutines)


def waiter_groups(
    words: Words, stacks: Sequence[int], waiting: Sequence[int], sites: Mapping[int, Site]
) -> list[Group]:
    """The ``waiting`` goroutines (whose ``stacks`` all have a site) by stack and words, in the order of the dump.
    ``words`` are those of the frames that ask."""
    ranks = {number: {s.frame: (s.rank, s.offset) for s in site.sources} for number, site in sites.items()}
    asks = {number: site.asker for number, site in sites.items() if site.owner_type is not None}
    address: dict[int, int] = {}
    best: dict[int, int] = {}
    owner: dict[int, tuple[int, bool]] = {}
    for row, frame, position, word, reliable in words:
        stack = stacks[row]
        if position or stack not in ranks:
            continue
        rank, offset = ranks[stack].get(frame, _NO_SOURCE)
        if reliable and rank <= best.get(row, _LAST):
            best[row], address[row] = rank, word - offset
        if asks.get(stack) == frame:
            owner[row] = word, reliable
    groups: dict[tuple[int, int | None, int | None, bool], list[int]] = {}
    for row in waiting:
        groups.setdefault((stacks[row], address.get(row), *owner.get(row, _NO_OWNER)), []).append(row)
    return [Group(*key, rows) for key, rows in groups.items()]


def put_together(groups: Sequence[Group], sites: Mapping[int, Site]) -> tuple[list[Instance], int]:
    """The instances, and how many waiters belong to none that is known."""
    at: dict[tuple[Kind, int], Instance] = {}
    for group in groups:
        if group.address is not None:
            kind = sites[group.stack].kind
            known = at.get((kind, group.address))
            if known is None:
                known = at[kind, group.address] = Instance(kind, group.address)
            known.add(group)
    for instance in at.values():
        _place(instance, sites)
    return _by_owner(groups, list(at.values()), sites)


def _place(instance: Instance, sites: Mapping[int, Site]) -> None:
    """Which object the lock lies in: the nearest receiver before it of those who asked. A lock that lies elsewhere (its
    object holds a pointer to it) belongs to the object that most of them asked through."""
    assert instance.address is not None  # noqa: S101  # by construction
    types: dict[str, int] = {}
    owners: dict[int, str] = {}
    through: dict[tuple[str, int], int] = {}
    for group in instance.groups:
        owner_type = sites[group.stack].owner_type
        if owner_type is None:
            continue
        types[owner_type] = types.get(owner_type, 0) + len(group.goroutines)
        if group.owner is not None and 0 <= instance.address - group.owner < LARGEST_OBJECT:
            owners[group.owner] = owner_type  # so close, a doubtful word is no accident
        elif group.owner is not None and group.owner_reliable:
            key = owner_type, group.owner
            through[key] = through.get(key, 0) + len(group.goroutines)
    if owners:
        instance.owner = max(owners)
        instance.owner_type = owners[instance.owner]
    elif through:
        instance.owner_type, instance.owner = max(through, key=through.__getitem__)
    elif types:
        instance.owner_type = max(types, key=types.__getitem__)


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
        known[key].add(group)
        known[key].reliable |= group.owner_reliable
    return instances, unknown


def find_owners(instances: Sequence[Instance], objects: Mapping[str, Sequence[int]]) -> None:
    """Set the owner of each lock to the nearest object before it that a method of its type runs on: ``objects`` are
    these, by type, ascending."""
    for instance in instances:
        if instance.address is not None and instance.owner_type is not None:
            _set_nearest(instance, instance.address, objects.get(instance.owner_type, ()))


def _set_nearest(instance: Instance, address: int, objects: Sequence[int]) -> None:
    place = bisect_right(objects, address) - 1
    nearest = objects[place] if place >= 0 else 0
    known = instance.owner if instance.owner is not None and instance.owner <= address else 0
    if address - nearest < LARGEST_OBJECT and nearest > known:
        instance.owner = nearest
