"""Hosts that differ from their siblings, and in what.

Siblings have the same service, version and format. For each place in the code a host counts with the median of its
captures, and is compared with the median of its siblings. The scale is the median absolute deviation (times 1.4826, as
for a normal distribution), but not less than how much the counts of this fleet vary: few siblings may be alike by
chance. Small counts vary like Poisson's, or by a multiple of that; large ones in proportion, for some hosts have more
load. Over all hosts and places together the chance of one false alarm is 1 in 100 (Bonferroni). A difference must also
be ten goroutines, and half of the median. What a finding explains is left out, and a host that a finding singles out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import sqrt
from statistics import NormalDist, median
from typing import Final

from stackscan.fleet.captures import Instance
from stackscan.fleet.counted import Counted
from stackscan.fleet.findings import Told
from stackscan.fleet.model import Difference, OddHost
from stackscan.report.places import CodePlace

#: Service, version, format.
Kin = tuple[str | None, str | None, str]
#: Hosts with their captures.
Hosts = Mapping[Instance, Sequence[int]]
#: A host with two siblings or more is compared; where the service is unknown, with so many.
_FEWEST: Final = 3
_FEWEST_UNKNOWN: Final = 5
#: Captures of an unknown service are of one program where they share this part of the places that most have.
_SAME_PROGRAM: Final = 0.5
_FALSE_ALARMS: Final = 0.01
_NORMAL: Final = 1.4826
_LEAST: Final = 10
_LEAST_SHARE: Final = 0.5
#: Places with such medians say how much small counts vary, and those above how much large ones do; of both this
#: quantile is taken.
_TYPICAL: Final = 4
_LARGE: Final = 30
_QUANTILE: Final = 0.9
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Place:
    """The goroutines of one place on each host of a kin, in the order of its hosts, and which of them a finding
    explains."""

    kin: Kin
    place: CodePlace
    values: array[float]
    middle: float
    deviation: float
    explained: bytearray


def odd_hosts(counted: Counted, told: Told) -> tuple[OddHost, ...]:
    """The hosts that differ, each once, the largest difference first. ``told`` is what findings explain."""
    hosts = _kin(counted)
    places = [*_places(counted, hosts, told)]
    tests = sum(len(place.values) for place in places)
    if not tests:
        return ()
    limit = NormalDist().inv_cdf(1 - _FALSE_ALARMS / (2 * tests))
    variation = _Variation.of(places)
    found: dict[tuple[Kin, Instance], list[Difference]] = {}
    for place in places:
        scale = max(_NORMAL * place.deviation, variation.at(place.middle))
        for (host, own), value, is_explained in zip(
            hosts[place.kin].items(), place.values, place.explained, strict=True
        ):
            change = value - place.middle
            least = max(_LEAST, _LEAST_SHARE * place.middle)
            if abs(change) >= least and abs(change) > limit * scale and not is_explained:
                count = int(value) if len(own) % 2 else value
                difference = Difference(place.place[0], place.place[2], count, place.middle, change / scale)
                found.setdefault((place.kin, host), []).append(difference)
    odd = [_odd(counted, kin, host, hosts[kin], differences) for (kin, host), differences in found.items()]
    odd.sort(key=lambda one: (-abs(one.differences[0].deviations), one.service or "", one.capture))
    once = {(one.service, one.host, one.capture if one.host is None else ""): one for one in reversed(odd)}
    return tuple(one for one in odd if one in once.values())


def _kin(counted: Counted) -> dict[Kin, Hosts]:
    """Hosts with their captures, by service, version and format, where there are enough to compare."""
    found: dict[Kin, dict[Instance, array[int]]] = {}
    captures = counted.captures
    for at in counted.kept:
        if captures.complete(at) and not captures.leak_profile(at):
            hosts = found.setdefault((captures.service(at), captures.version(at), captures.format(at)), {})
            if captures.instance(at) not in hosts:
                hosts[captures.instance(at)] = array("I")
            hosts[captures.instance(at)].append(at)
    unknown = {kin: found[kin] for kin in found if kin[0] is None}
    known: dict[Kin, Hosts] = {**found, **_of_one_program(counted, unknown)}
    return {
        kin: hosts for kin, hosts in known.items() if len(hosts) >= (_FEWEST_UNKNOWN if kin in unknown else _FEWEST)
    }


def _of_one_program(counted: Counted, kin: Mapping[Kin, Hosts]) -> dict[Kin, Hosts]:
    """The hosts of unknown services without those that run another program than most."""
    usual = dict.fromkeys(kin, 0)
    shared = {name: dict.fromkeys(hosts, 0) for name, hosts in kin.items()}
    for column in counted.gathering.places.values() if kin else ():
        having = counted.hosts_of(column)
        for name, hosts in kin.items():
            here = hosts.keys() & having
            if 2 * len(here) > len(hosts):
                usual[name] += 1
                for host in here:
                    shared[name][host] += 1
    return {
        name: {
            host: own
            for host, own in hosts.items()
            if usual[name] and shared[name][host] >= _SAME_PROGRAM * usual[name]
        }
        for name, hosts in kin.items()
    }


def _places(counted: Counted, hosts: Mapping[Kin, Hosts], told: Told) -> Iterator[_Place]:
    captures = counted.captures
    names = [*hosts]
    kin_of = array("i", [-1]) * len(captures)
    for number, members in enumerate(hosts.values()):
        for at in chain.from_iterable(members.values()):
            kin_of[at] = number
    for place, column in counted.gathering.places.items():
        counts: dict[int, dict[Instance, array[int]]] = {}
        caught: set[Instance] = set()
        for at, count, _, is_caught in counted.rows(column):
            if kin_of[at] >= 0:
                host = captures.instance(at)
                seen = counts.setdefault(kin_of[at], {})
                if host not in seen:
                    seen[host] = array("Q")
                seen[host].append(count)
                if is_caught or host in told.hosts or (host, place[0]) in told.functions:
                    caught.add(host)
        for number, seen in counts.items():
            members = hosts[names[number]]
            values = [_typical(seen.get(host, ()), len(own)) for host, own in members.items()]
            middle = median(values)
            deviation = median(abs(value - middle) for value in values)
            explained = bytearray(host in caught for host in members)
            yield _Place(names[number], place, array("d", values), middle, deviation, explained)


def _typical(counts: Iterable[int], captures: int) -> float:
    """The median over all captures, of which those that do not have the place have none."""
    known = sorted(counts)
    return median([0] * (captures - len(known)) + known)


@dataclass(frozen=True, slots=True)
class _Variation:
    """How much the counts of siblings vary in this fleet: small ones so many times as much as Poisson's (variances),
    and all by a ``share`` of their size."""

    times: float
    share: float

    @classmethod
    def of(cls, places: Iterable[_Place]) -> _Variation:
        """The variation of these places."""
        small, large = [], []
        for place in places:
            variance = (_NORMAL * place.deviation) ** 2
            if place.middle >= _LARGE:
                large.append(sqrt(max(variance - place.middle, 0)) / place.middle)
            elif place.middle >= _TYPICAL:
                small.append(variance / place.middle)
        return cls(max(1.0, _quantile(small)), _quantile(large))

    def at(self, middle: float) -> float:
        """The standard deviation of counts around a median."""
        return sqrt(self.times * max(middle, 1.0) + (self.share * middle) ** 2)


def _quantile(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[int(_QUANTILE * (len(ordered) - 1))] if ordered else 0.0


def _odd(counted: Counted, kin: Kin, host: Instance, hosts: Hosts, differences: list[Difference]) -> OddHost:
    ordered = sorted(differences, key=lambda one: (-abs(one.deviations), one.place or "", one.state or ""))
    capture = counted.captures.where(hosts[host][-1])
    return OddHost(kin[0], kin[1], host[1], capture, len(hosts) - 1, tuple(ordered[:_SHOWN]))
