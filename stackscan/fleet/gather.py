"""Gathers the rows of captures, in whatever order they come.

What is kept of a capture are its name and a few numbers for each place in its code, all of them compressed: ten
thousand captures take some three megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from stackscan.fleet.captures import Captures, Numbered
from stackscan.fleet.packed import Numbers
from stackscan.fleet.row import Row, Seen, Spot, Unread, Workers
from stackscan.knowledge.rule import SEVERITIES
from stackscan.report.places import CodePlace

Key = TypeVar("Key", bound=Hashable)
#: Where goroutines of a crew wait, and how many.
Waits = tuple[tuple[str, int], ...]
#: The most minutes that are kept: eight thousand years.
_MOST_MINUTES: Final = 0xFFFFFFFF


def column() -> Numbers:
    """The captures that have something, by their places among all, with its goroutines, the minutes that the oldest
    waits, and whether a rule caught it there."""
    return Numbers(4)


def _looks() -> Numbers:
    """Captures with the workers of something, and a number that says what these do."""
    return Numbers(3)


@dataclass(frozen=True, slots=True)
class Known:
    """A place in all captures: its file and line, the packages on the stack, and whether it is always idle."""

    location: str
    packages: tuple[str, ...]
    idle: bool


@dataclass(slots=True)
class Gathering:
    """What captures said so far. Text that many have in common is kept once."""

    captures: Captures = field(default_factory=Captures)
    unread: list[Unread] = field(default_factory=list)
    places: dict[CodePlace, Numbers] = field(default_factory=dict)
    spots: dict[CodePlace, Known] = field(default_factory=dict)
    crowds: dict[tuple[str | None, str], Numbers] = field(default_factory=dict)
    crowd_spots: dict[tuple[str | None, str], Known] = field(default_factory=dict)
    seen: dict[tuple[str, str | None, str | None], Numbers] = field(default_factory=dict)
    told: dict[tuple[str, str | None, str | None], Seen] = field(default_factory=dict)  # in its worst capture
    pools: dict[tuple[str, bool], Numbers] = field(default_factory=dict)  # with busy workers
    marks: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)  # of pools that nobody described
    crews: dict[tuple[str, str], Numbers] = field(default_factory=dict)  # with the number of their waits
    waits: Numbered[Waits] = field(default_factory=Numbered)
    seconds: float = 0.0

    def take(self, row: Row | Unread) -> None:
        """Add what one capture says."""
        if isinstance(row, Unread):
            self.unread.append(row)
            return
        at = self.captures.add(row)
        self.seconds += row.seconds
        for spot in row.spots:
            self.spots[spot.place] = _known(self.spots.get(spot.place), spot)
            _add(self.places, spot.place, at, spot)
        for crowd in row.crowds:
            line = crowd.place[0], crowd.location
            self.crowd_spots[line] = _known(self.crowd_spots.get(line), crowd)
            _add(self.crowds, line, at, crowd)
        self._take_seen(at, row.seen)
        for pool in row.pools:
            self._take_pool(at, pool)
        for crew in row.crews:
            looks = self.crews.setdefault((crew.root, crew.creator), _looks())
            looks.append(at, crew.workers, self.waits.number(crew.waits))

    def _take_seen(self, at: int, seen: Iterable[Seen]) -> None:
        counts: dict[tuple[str, str | None, str | None], int] = {}
        for one in seen:
            key = one.rule, one.cause, one.place
            counts[key] = counts.get(key, 0) + one.count  # a cause may occur several times in a capture
            known = self.told.get(key)
            if known is None or _rank(one) < _rank(known):
                self.told[key] = one
        for key, count in counts.items():
            self.seen.setdefault(key, column()).append(at, count, 0, False)

    def _take_pool(self, at: int, pool: Workers) -> None:
        self.pools.setdefault((pool.pool, pool.known), _looks()).append(at, pool.workers, pool.busy)
        if not pool.known:
            self.marks.setdefault(pool.pool, Counter())[pool.creator, pool.idle_at] += 1


def _add(columns: dict[Key, Numbers], key: Key, at: int, spot: Spot) -> None:
    if key not in columns:
        columns[key] = column()
    columns[key].append(at, spot.count, min(spot.minutes, _MOST_MINUTES), spot.caught)


def _rank(seen: Seen) -> tuple[int, int, str, str, tuple[str, ...]]:
    return SEVERITIES.index(seen.severity), -seen.count, seen.title, seen.location, seen.packages


def _known(known: Known | None, spot: Spot) -> Known:
    """What is known of a place with one more capture, whatever their order."""
    if known is None:
        return Known(spot.location, spot.packages, spot.idle)
    if (known.location, known.packages) <= (spot.location, spot.packages) and known.idle <= spot.idle:
        return known
    location, packages = min((known.location, known.packages), (spot.location, spot.packages))
    return Known(location, packages, known.idle and spot.idle)
