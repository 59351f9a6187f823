"""Gathers the rows of captures, in whatever order they come, and says which of them count.

What is kept of a capture is its name and, for each place in its code, three numbers in arrays: ten thousand captures
take some ten megabytes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stackscan.fleet.observe import Row, Seen, Spot, Unread, Workers
from stackscan.fleet.pattern import Origin
from stackscan.knowledge.rule import SEVERITIES
from stackscan.model.counting import worth
from stackscan.report.places import CodePlace

#: Where goroutines of a crew wait, and how many.
Waits = tuple[tuple[str, int], ...]
#: Service, host, and of a capture of an unknown host its name: what counts as one host.
Instance = tuple[str | None, str | None, str]


@dataclass(slots=True)
class Column:
    """The captures that have something, by their places among all, with its goroutines, the minutes that the oldest
    waits, and whether a rule caught it there."""

    captures: array[int] = field(default_factory=lambda: array("I"))
    counts: array[int] = field(default_factory=lambda: array("Q"))
    minutes: array[int] = field(default_factory=lambda: array("I"))
    caught: bytearray = field(default_factory=bytearray)

    def add(self, capture: int, count: int, minutes: int = 0, *, caught: bool = False) -> None:
        """Add what one capture has."""
        self.captures.append(capture)
        self.counts.append(count)
        self.minutes.append(min(minutes, 0xFFFFFFFF))
        self.caught.append(caught)


@dataclass(frozen=True, slots=True)
class Taken:
    """A capture without its places."""

    origin: Origin
    where: str
    digest: bytes
    format: str
    goroutines: int
    complete: bool
    leak_profile: bool

    @property
    def instance(self) -> Instance:
        """What counts as its host."""
        origin = self.origin
        return origin.service, origin.host, "" if origin.host is not None else self.where


@dataclass(frozen=True, slots=True)
class Known:
    """A place in all captures: its file and line, the packages on the stack, and whether it is always idle."""

    location: str
    packages: tuple[str, ...]
    idle: bool


@dataclass(slots=True)
class Gathering:
    """What captures said so far. Text that many have in common is kept once."""

    captures: list[Taken] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    places: dict[CodePlace, Column] = field(default_factory=dict)
    spots: dict[CodePlace, Known] = field(default_factory=dict)
    crowds: dict[tuple[str | None, str], Column] = field(default_factory=dict)
    crowd_spots: dict[tuple[str | None, str], Known] = field(default_factory=dict)
    seen: dict[tuple[str, str | None, str | None], Column] = field(default_factory=dict)
    told: dict[tuple[str, str | None, str | None], Seen] = field(default_factory=dict)  # in its worst capture
    pools: dict[tuple[str, bool], list[tuple[int, int, int]]] = field(default_factory=dict)
    marks: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)  # of pools that nobody described
    crews: dict[tuple[str, str], list[tuple[int, int, Waits]]] = field(default_factory=dict)
    waits: dict[Waits, Waits] = field(default_factory=dict)
    seconds: float = 0.0

    def take(self, row: Row | Unread) -> None:
        """Add what one capture says."""
        if isinstance(row, Unread):
            self.unread.append(row)
            return
        at = len(self.captures)
        self.seconds += row.seconds
        self.captures.append(
            Taken(row.origin, row.where, row.digest, row.format, row.goroutines, row.complete, row.leak_profile)
        )
        for spot in row.spots:
            self._take_spot(at, spot)
        for crowd in row.crowds:
            line = crowd.place[0], crowd.location
            self.crowds.setdefault(line, Column()).add(at, crowd.count, crowd.minutes, caught=crowd.caught)
            self.crowd_spots[line] = _known(self.crowd_spots.get(line), crowd)
        for seen in row.seen:
            self._take_seen(at, seen)
        for pool in row.pools:
            self._take_pool(at, pool)
        for crew in row.crews:
            waits = self.waits.setdefault(crew.waits, crew.waits)
            self.crews.setdefault((crew.root, crew.creator), []).append((at, crew.workers, waits))

    def _take_spot(self, at: int, spot: Spot) -> None:
        self.places.setdefault(spot.place, Column()).add(at, spot.count, spot.minutes, caught=spot.caught)
        self.spots[spot.place] = _known(self.spots.get(spot.place), spot)

    def _take_seen(self, at: int, seen: Seen) -> None:
        key = seen.rule, seen.cause, seen.place
        column = self.seen.setdefault(key, Column())
        if column.captures and column.captures[-1] == at:  # a cause may occur several times in a capture
            column.counts[-1] += seen.count
        else:
            column.add(at, seen.count)
        known = self.told.get(key)
        if known is None or _rank(seen) < _rank(known):
            self.told[key] = seen

    def _take_pool(self, at: int, pool: Workers) -> None:
        self.pools.setdefault((pool.pool, pool.known), []).append((at, pool.workers, pool.busy))
        if not pool.known:
            self.marks.setdefault(pool.pool, Counter())[pool.creator, pool.idle_at] += 1


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


@dataclass(frozen=True, slots=True)
class Counted:
    """The captures that count: each once, and each moment of a host once. ``kept`` are their places among
    ``captures``, by host, time and name; ``instances`` what counts as the host of each."""

    gathering: Gathering
    captures: list[Taken]
    kept: tuple[int, ...]
    instances: dict[int, Instance]
    equal: int
    views: int

    @classmethod
    def of(cls, gathering: Gathering) -> Counted:
        """What counts of all that was gathered."""
        captures = gathering.captures
        order = sorted(range(len(captures)), key=lambda at: _order(captures[at]))
        distinct = _distinct(captures, order)
        kept = _best_views(captures, distinct)
        instances = {at: captures[at].instance for at in kept}
        return cls(gathering, captures, tuple(kept), instances, len(order) - len(distinct), len(distinct) - len(kept))

    def entries(self, column: Column) -> Iterator[tuple[int, int, int, bool]]:
        """What the captures that count have of something: capture, goroutines, minutes, and whether a rule caught
        it."""
        known = self.instances
        columns = zip(column.captures, column.counts, column.minutes, column.caught, strict=True)
        return ((at, count, minutes, bool(caught)) for at, count, minutes, caught in columns if at in known)


def _order(one: Taken) -> tuple[str, str, float, str]:
    origin = one.origin
    return origin.service or "", origin.host or "", origin.time.timestamp() if origin.time else 0.0, one.where


def _distinct(captures: list[Taken], order: list[int]) -> list[int]:
    """The captures without those of equal content. Hosts that are known to differ have different captures, though they
    may be equal (a program that has one goroutine); of an unknown host it is the one that is known."""
    hosts: dict[bytes, set[Instance]] = {}
    for at in order:
        if captures[at].origin.host is not None:
            hosts.setdefault(captures[at].digest, set()).add(captures[at].instance)
    met: set[tuple[bytes, Instance | None]] = set()
    found = []
    for at in order:
        one = captures[at]
        named = hosts.get(one.digest)
        if one.origin.host is None and named:
            continue
        key = one.digest, one.instance if one.origin.host is not None else None
        if key not in met:
            met.add(key)
            found.append(at)
    return found


def _best_views(captures: list[Taken], order: list[int]) -> list[int]:
    """The captures without those that show the same moment of a host in a format that says less."""
    best: dict[tuple[Instance, datetime], int] = {}
    for at in order:
        one = captures[at]
        if one.origin.host is not None and one.origin.time is not None and not one.leak_profile:
            moment = one.instance, one.origin.time
            best[moment] = min(best.get(moment, worth(one.format)), worth(one.format))
    return [at for at in order if not _is_second(captures[at], best)]


def _is_second(one: Taken, best: dict[tuple[Instance, datetime], int]) -> bool:
    if one.origin.time is None or one.leak_profile:
        return False
    return worth(one.format) > best.get((one.instance, one.origin.time), worth(one.format))
