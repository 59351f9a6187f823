"""Where goroutines were started: creation sites, creators, and the goroutines of each.

A goroutine's last line names the ``go`` statement that started it and, since Go 1.21, the goroutine that ran it; with
GODEBUG=tracebackancestors its ancestors, too. Counted formats keep neither ids nor creators.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

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
    numbers: dict[Frame, int] = {}
    of_stack = [numbers.setdefault(s.created_by, len(numbers)) if s.created_by else None for s in snapshot.stacks]
    if not numbers:
        return ((),) * len(questions)
    site = pl.Series("site", of_stack, dtype=pl.UInt32)
    table = _listed(snapshot, site, aside)
    by_site = _BySite(table, site)
    chosen = [by_site.choose(question, least, most) for question in questions]
    asked = pl.Series(sorted({number for found in chosen for number, _ in found}), dtype=pl.UInt32)
    table = table.filter(pl.col("site").is_in(asked.implode()))
    states = _states(table)
    creators, distinct = _creators(snapshot, table)
    ancestries = _ancestries(snapshot, {s: c[0].goroutine_id for s, c in creators.items()})
    frames = list(numbers)

    def family(number: int, caught: int | None) -> Family:
        return Family(
            created_by=frames[number],
            count=int(by_site.count[number]),
            states=states[number],
            max_wait_minutes=int(by_site.minutes[number]),
            creators=creators.get(number, ()),
            distinct_creators=distinct.get(number),
            ancestry=_printed(snapshot, by_site.first_id(number)) or ancestries.get(number, ()),
            caught=caught,
        )

    return tuple(tuple(family(*found) for found in of_question) for of_question in chosen)


def _listed(snapshot: Snapshot, site: pl.Series, aside: Iterable[int]) -> pl.DataFrame:
    """The goroutines whose creation site is known, those aside left out, each with its site."""
    table = snapshot.counted_rows.select(
        "goroutine_id", "wait_reason", "creator_id", "stack_id", "count", pl.col("wait_minutes").fill_null(0)
    ).with_columns(site.gather(snapshot.rows["stack_id"]))
    counts = np.ones(len(table), dtype=np.bool_)
    counts[list(aside)] = False
    return table.filter(pl.Series(counts) & pl.col("site").is_not_null())


class _BySite:
    """What a table of goroutines sums up to by creation site: how many, the longest wait, the first goroutine."""

    def __init__(self, table: pl.DataFrame, site: pl.Series) -> None:
        self._ids = table["goroutine_id"]
        self._site = site
        self._of_row = table["site"].to_numpy()
        self._stack = table["stack_id"].to_numpy()
        sites = len(site.drop_nulls().unique())
        self._weight = table["count"].to_numpy()
        self.count = np.bincount(self._of_row, weights=self._weight, minlength=sites).astype(np.int64)
        self.minutes = np.zeros(sites, dtype=np.int64)
        np.maximum.at(self.minutes, self._of_row, table["wait_minutes"].to_numpy())

    def choose(self, question: _Question, least: int, most: int) -> list[tuple[int, int | None]]:
        """The sites for a question, most caught and largest first, each with how many of it are caught."""
        if question is None:
            large = np.flatnonzero(self.count >= least)
            return [(number, None) for number in large[np.argsort(-self.count[large], kind="stable")][:most].tolist()]
        caught_stacks = np.zeros(len(self._site), dtype=np.bool_)
        caught_stacks[question] = True
        rows = caught_stacks[self._stack]
        caught = np.bincount(self._of_row[rows], weights=self._weight[rows], minlength=len(self.count)).astype(np.int64)
        some = np.flatnonzero((caught > 0) & (self.count >= least))
        order = np.lexsort((-self.count[some], -caught[some]))
        return [(number, int(caught[number])) for number in some[order][:most].tolist()]

    def first_id(self, number: int) -> int | None:
        """The id of a site's first goroutine."""
        found: int | None = self._ids[int(np.argmax(self._of_row == number))]
        return found


def _states(table: pl.DataFrame) -> dict[int, tuple[tuple[str, int], ...]]:
    counted = (
        table.group_by("site", "wait_reason")
        .agg(pl.col("count").sum())
        .sort(["count", "wait_reason"], descending=[True, False])
    )
    states: dict[int, list[tuple[str, int]]] = {}
    for site, reason, count in counted.iter_rows():
        states.setdefault(site, []).append((reason or "state unknown", count))
    return {site: tuple(found[:_STATES]) for site, found in states.items()}


def _creators(snapshot: Snapshot, table: pl.DataFrame) -> tuple[dict[int, tuple[Creator, ...]], dict[int, int]]:
    """The goroutines that started most of each family, and how many started any."""
    counted = table.drop_nulls("creator_id").group_by("site", "creator_id").agg(pl.col("count").sum())
    distinct = dict(counted.group_by("site").len().iter_rows())
    counted = counted.sort(["count", "creator_id"], descending=[True, False])
    first = counted.group_by("site", maintain_order=True).head(_CREATORS)
    living = _living(snapshot, first["creator_id"])
    creators: dict[int, list[Creator]] = {}
    for site, number, count in first.iter_rows():
        creators.setdefault(site, []).append(_creator(snapshot, number, count, living))
    return {site: tuple(found) for site, found in creators.items()}, distinct


#: Stack, wait reason and creator of goroutines that the dump lists, by id.
_Living = dict[int, tuple[int, str | None, int | None]]


def _living(snapshot: Snapshot, ids: pl.Series | Collection[int]) -> _Living:
    wanted = pl.Series(list(ids), dtype=pl.UInt64).unique()
    found = snapshot.rows.filter(pl.col("goroutine_id").is_in(wanted.implode()))
    rows = found.select("goroutine_id", "stack_id", "wait_reason", "creator_id").iter_rows()
    return {number: (stack, reason, creator) for number, stack, reason, creator in rows}


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
    if not snapshot.ancestors.height:
        return ()
    mine = snapshot.ancestors.filter(pl.col("goroutine_id") == goroutine_id).sort("depth")
    creators = [snapshot.stacks[stack].created_by for stack in mine["stack_id"]]
    return tuple(creator.function for creator in creators if creator is not None)
