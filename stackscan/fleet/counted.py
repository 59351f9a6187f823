"""Which captures count, of all that were gathered: each once, and each moment of a host once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from stackscan.fleet.captures import Captures, Instance
from stackscan.fleet.gather import Gathering
from stackscan.fleet.packed import Numbers
from stackscan.model.counting import worth


@dataclass(slots=True)
class Counts:
    """What the captures of one host have of something: their places among all, goroutines, and the minutes that the
    oldest waits; and whether a rule caught any of them."""

    captures: array[int] = field(default_factory=lambda: array("I"))
    goroutines: array[int] = field(default_factory=lambda: array("Q"))
    minutes: array[int] = field(default_factory=lambda: array("I"))
    caught: bool = False

    def add(self, at: int, count: int, minutes: int, *, caught: bool) -> None:
        """Add what one capture has."""
        self.captures.append(at)
        self.goroutines.append(count)
        self.minutes.append(minutes)
        self.caught = self.caught or caught

    def of(self, captures: Iterable[int]) -> list[tuple[int, int]]:
        """Goroutines and minutes of each of these captures, none for one that does not have it."""
        known = dict(zip(self.captures, zip(self.goroutines, self.minutes, strict=True), strict=True))
        return [known.get(at, (0, 0)) for at in captures]


@dataclass(frozen=True, slots=True)
class Counted:
    """The captures that count: ``kept`` are their places among ``captures``, by host, time and name, and ``counts``
    says of each of all whether it does."""

    gathering: Gathering
    captures: Captures
    kept: Sequence[int]
    counts: bytearray
    equal: int
    views: int

    @classmethod
    def of(cls, gathering: Gathering) -> Counted:
        """What counts of all that was gathered."""
        captures = gathering.captures
        order = _order(captures)
        distinct = _distinct(captures, order)
        kept = _best_views(captures, distinct)
        counts = bytearray(len(captures))
        for at in kept:
            counts[at] = True
        return cls(gathering, captures, kept, counts, len(order) - len(distinct), len(distinct) - len(kept))

    def rows(self, numbers: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
        """The rows of the captures that count."""
        return (row for row in numbers if self.counts[row[0]])

    def by_host(self, column: Numbers) -> dict[Instance, Counts]:
        """What each host has of something."""
        found: dict[Instance, Counts] = {}
        for at, count, minutes, caught in self.rows(column):
            host = self.captures.instance(at)
            if host not in found:
                found[host] = Counts()
            found[host].add(at, count, minutes, caught=bool(caught))
        return found

    def hosts_of(self, column: Numbers) -> set[Instance]:
        """The hosts that have something."""
        return {self.captures.instance(row[0]) for row in self.rows(column)}


def _order(captures: Captures) -> array[int]:
    """All captures by service, host, time and name."""
    hosts: dict[tuple[str, str], array[int]] = {}
    for at in range(len(captures)):
        host = captures.service(at) or "", captures.host(at) or ""
        if host not in hosts:
            hosts[host] = array("I")
        hosts[host].append(at)

    def moment(at: int) -> int:
        return captures.moment(at) or 0

    found = array("I")
    for host in sorted(hosts):
        for _, same in groupby(sorted(hosts[host], key=moment), moment):
            found.extend(sorted(same, key=captures.where))
    return found


def _distinct(captures: Captures, order: Sequence[int]) -> array[int]:
    """The captures without those of equal content. Hosts that are known to differ have different captures, though they
    may be equal (a program that has one goroutine); of an unknown host it is the one that is known."""
    is_known = bytearray(captures.host(at) is not None for at in range(len(captures)))
    every_known = len(captures) == sum(is_known)
    named = set() if every_known else {captures.digest(at) for at in order if is_known[at]}
    met: set[bytes] = set()
    found = array("I")
    for at in order:
        digest = captures.digest(at)
        if not is_known[at] and digest in named:
            continue
        key = digest + (captures.instance_number(at).to_bytes(4, "little") if is_known[at] else b"")
        if key not in met:
            met.add(key)
            found.append(at)
    return found


def _best_views(captures: Captures, order: Sequence[int]) -> array[int]:
    """The captures without those that show the same moment of a host in a format that says less."""

    def moment(at: int) -> tuple[str, str, int | None]:
        return captures.service(at) or "", captures.host(at) or "", captures.moment(at)

    found = array("I")
    for _, group in groupby(order, moment):
        found.extend(_best(captures, [*group]))
    return found


def _best(captures: Captures, same: Sequence[int]) -> Iterable[int]:
    """The same for the captures of one moment."""
    best: dict[Instance, int] = {}
    judged = [at for at in same if captures.moment(at) is not None and not captures.leak_profile(at)]
    for at in judged:
        if captures.host(at) is not None:
            value = worth(captures.format(at))
            best[captures.instance(at)] = min(best.get(captures.instance(at), value), value)
    less = {
        at
        for at in judged
        if captures.instance(at) in best and worth(captures.format(at)) > best[captures.instance(at)]
    }
    return (at for at in same if at not in less)
