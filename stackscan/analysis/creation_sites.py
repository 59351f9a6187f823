"""Where goroutines were started: creation sites, creators, and the goroutines of each.

A goroutine's last line names the ``go`` statement that started it and, since Go 1.21, the goroutine that ran it; with
GODEBUG=tracebackancestors its ancestors, too. Counted formats keep neither ids nor creators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stackscan.knowledge.language import index_of
from stackscan.model.snapshot import Frame, Snapshot

#: Creation sites with fewer goroutines than this are not worth listing.
LEAST: Final = 10
#: The most creation sites that are listed.
MOST: Final = 20
_CREATORS: Final = 5
_STATES: Final = 6


@dataclass(frozen=True, slots=True)
class Creator:
    """A goroutine that started others: its id, how many it started here, whether the dump still lists it (None:
    it lists only some), and then where it is (its innermost function outside the runtime and its wait reason)."""

    goroutine_id: int
    count: int
    alive: bool | None
    function: str | None
    wait_reason: str | None


@dataclass(frozen=True, slots=True)
class Family:
    """The goroutines that one ``go`` statement started: ``count`` of them, by wait reason in ``states`` (most first).

    ``creators`` are the goroutines that started most of them, at most 5 of ``distinct_creators`` (None: the dump names
    none). ``caught`` says how many of the family a finding caught (a family of the whole snapshot: None). ``ancestry``
    are functions that started the creator, its creator and so on, as far as the dump has them.
    """

    created_by: Frame
    count: int
    states: tuple[tuple[str, int], ...]
    max_wait_minutes: int
    creators: tuple[Creator, ...]
    distinct_creators: int | None
    ancestry: tuple[str, ...] = ()
    caught: int | None = None


def creation_sites(
    snapshot: Snapshot, *, aside: Iterable[int] = (), least: int = LEAST, most: int = MOST
) -> tuple[Family, ...]:
    """The creation sites of at least ``least`` goroutines, largest first, at most ``most``.

    ``aside``: rows of goroutines that do not count, because they are idle as expected.
    """
    return _families(snapshot, (None,), least, most, aside)[0]


def families_of(
    snapshot: Snapshot, findings: Iterable[Iterable[int]], *, most: int = 3
) -> tuple[tuple[Family, ...], ...]:
    """For each finding (its goroutines' stacks) their creation sites, most of them first.

    Goroutines from the same site that the finding did not catch count too.
    """
    return _families(snapshot, [list(stacks) for stacks in findings], 1, most)


#: The stacks of a finding's goroutines; None: nobody's, all creation sites are asked for.
_Question = Sequence[int] | None


def _families(
    snapshot: Snapshot, questions: Sequence[_Question], least: int, most: int, aside: Iterable[int] = ()
) -> tuple[tuple[Family, ...], ...]:
    """The families of several questions. What costs, the look at all goroutines, is done once for all of them."""
    if not any(stack.created_by for stack in snapshot.stacks) or (questions == (None,) and snapshot.total < least):
        return ((),) * len(questions)
    sites = _sites(snapshot, aside)
    chosen = [_chosen(sites, question, least, most) for question in questions]
    asked = {id(site): site for found in chosen for site, _ in found}
    creators = {key: _started_most(site) for key, site in asked.items()}
    living = _living(snapshot, {number for found in creators.values() for number, _ in found})
    ancestries = _ancestries(snapshot, {key: found[0][0] for key, found in creators.items() if found})

    def family(site: _Site, caught: int | None) -> Family:
        return Family(
            created_by=site.created_by,
            count=site.count,
            states=_states(site),
            max_wait_minutes=site.minutes,
            creators=tuple(_creator(snapshot, number, count, living) for number, count in creators[id(site)]),
            distinct_creators=len(site.creators) or None,
            ancestry=_printed(snapshot, site.first_id) or ancestries.get(id(site), ()),
            caught=caught,
        )

    return tuple(tuple(family(*found) for found in of_question) for of_question in chosen)


@dataclass(slots=True)
class _Site:
    """What the goroutines of a creation site sum up to: how many in all, by stack, wait reason and creator; the longest
    wait, the id of the first."""

    created_by: Frame
    first_id: int | None
    count: int = 0
    minutes: int = 0
    stacks: dict[int, int] = field(default_factory=dict)
    reasons: dict[str | None, int] = field(default_factory=dict)
    creators: Counter[int] = field(default_factory=Counter)


def _sites(snapshot: Snapshot, aside: Iterable[int]) -> list[_Site]:
    """The creation sites of the goroutines that count, in the order in which stacks name them."""
    by_frame: dict[Frame, _Site] = {}
    left_out = frozenset(aside)
    ids, minutes, creators = map(snapshot.column, ("goroutine_id", "wait_minutes", "creator_id"))
    first_rows: dict[Frame, int] = {}
    for (stack_id, reason), every in snapshot.cells.items():
        created_by = snapshot.stacks[stack_id].created_by
        rows = every if left_out.isdisjoint(every) else [row for row in every if row not in left_out]
        if created_by is None or not rows:
            continue
        site = by_frame.get(created_by)
        if site is None:
            site = by_frame[created_by] = _Site(created_by, None)
        if rows[0] < first_rows.setdefault(created_by, len(ids)):
            first_rows[created_by], site.first_id = rows[0], ids[rows[0]]
        count = snapshot.count(rows)
        site.count += count
        longest = max(minutes[row] or 0 for row in rows)
        site.minutes = max(site.minutes, longest)
        site.stacks[stack_id] = site.stacks.get(stack_id, 0) + count
        site.reasons[reason] = site.reasons.get(reason, 0) + count
        _add_creators(site.creators, rows, creators, snapshot.counts)
    frames = dict.fromkeys(stack.created_by for stack in snapshot.stacks)
    return [by_frame[frame] for frame in frames if frame in by_frame]


def _add_creators(
    found: Counter[int], rows: Iterable[int], creators: Sequence[int | None], counts: Sequence[int] | None
) -> None:
    """Count who started some goroutines."""
    if counts is None:
        found.update(creator for row in rows if (creator := creators[row]) is not None)
        return
    for row in rows:
        creator = creators[row]
        if creator is not None:
            found[creator] += counts[row]


def _chosen(sites: Sequence[_Site], question: _Question, least: int, most: int) -> list[tuple[_Site, int | None]]:
    """The sites for a question, most caught and largest first, each with how many of it are caught."""
    large = [site for site in sites if site.count >= least]
    if question is None:
        return [(site, None) for site in sorted(large, key=lambda site: -site.count)[:most]]
    asked = frozenset(question)
    caught = [(site, sum(site.stacks[stack_id] for stack_id in asked.intersection(site.stacks))) for site in large]
    some = sorted((found for found in caught if found[1]), key=lambda found: (-found[1], -found[0].count))
    return [(site, count) for site, count in some[:most]]


def _states(site: _Site) -> tuple[tuple[str, int], ...]:
    order = sorted(site.reasons.items(), key=lambda each: (-each[1], each[0] is not None, each[0] or ""))
    return tuple((reason or "state unknown", count) for reason, count in order[:_STATES])


def _started_most(site: _Site) -> list[tuple[int, int]]:
    """The goroutines that started most of a site's, and how many each."""
    return sorted(site.creators.items(), key=lambda each: (-each[1], each[0]))[:_CREATORS]


#: Stack, wait reason and creator of goroutines that the dump lists, by id.
_Living = dict[int, tuple[int, str | None, int | None]]


def _living(snapshot: Snapshot, ids: Collection[int]) -> _Living:
    last_row, names = index_of(snapshot).last_row, ("stack_id", "wait_reason", "creator_id")
    stacks, reasons, creators = map(snapshot.column, names)
    rows = {number: last_row[number] for number in ids if number in last_row}
    return {number: (stacks[row], reasons[row], creators[row]) for number, row in rows.items()}


def _creator(snapshot: Snapshot, goroutine_id: int, count: int, living: _Living) -> Creator:
    if goroutine_id not in living:
        alive = None if snapshot.conclusions else False  # what a tool concludes of some goroutines names only those
        return Creator(goroutine_id, count, alive=alive, function=None, wait_reason=None)
    stack, reason, _ = living[goroutine_id]
    own = [f for f in snapshot.stacks[stack].functions if not f.startswith(("runtime.", "internal/runtime/"))]
    return Creator(goroutine_id, count, alive=True, function=own[0] if own else None, wait_reason=reason)


_MOST_ANCESTORS: Final = 10


def _ancestries(snapshot: Snapshot, creators: Mapping[int, int]) -> dict[int, tuple[str, ...]]:
    """For each site the functions that started its first creator, its creator and so on, while they live."""
    found: dict[int, tuple[str, ...]] = dict.fromkeys(creators, ())
    at = dict(creators)
    for _ in range(_MOST_ANCESTORS):
        living = _living(snapshot, set(at.values()))
        above: dict[int, int] = {}
        for site, number in at.items():
            row = living.get(number)
            creator = snapshot.stacks[row[0]].created_by if row is not None else None
            if row is None or creator is None:
                continue
            found[site] += (creator.function,)
            if row[2] is not None:
                above[site] = row[2]
        at = above
        if not at:
            break
    return found


def _printed(snapshot: Snapshot, goroutine_id: int | None) -> tuple[str, ...]:
    """The same from printed ancestors."""
    ancestors = snapshot.ancestor_table
    if not len(ancestors):
        return ()
    rows = zip(*map(ancestors.column, ("goroutine_id", "depth", "stack_id")), strict=True)
    mine = sorted((depth, stack) for number, depth, stack in rows if number == goroutine_id)
    creators = [snapshot.stacks[stack].created_by for _, stack in mine]
    return tuple(creator.function for creator in creators if creator is not None)
