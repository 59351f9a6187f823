"""Hosts that differ from their siblings, and in what.

Siblings have the same service, version and format. For each place in the code a host counts with the median of its
captures, and is compared with the median of its siblings. The scale is the median absolute deviation (times 1.4826, as
for a normal distribution), but not less than how much the counts of this fleet vary: few siblings may be alike by
chance. Small counts vary like Poisson's, or by a multiple of that; large ones in proportion, for some hosts have more
load. Over all hosts and places together the chance of one false alarm is 1 in 100 (Bonferroni). A difference must also
be ten goroutines, and half of the median. What a finding explains is left out, and a host that a finding singles out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, median
from typing import Final

from stackscan.fleet.findings import Told
from stackscan.fleet.gather import Counted, Instance
from stackscan.fleet.model import Difference, OddHost
from stackscan.report.places import CodePlace

#: Service, version, format.
Kin = tuple[str | None, str | None, str]
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
    """The goroutines of one place on each host of a kin, and which of them a finding explains."""

    kin: Kin
    place: CodePlace
    values: Mapping[Instance, float]
    middle: float
    deviation: float
    explained: frozenset[Instance]


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
        for host, value in place.values.items():
            change = value - place.middle
            least = max(_LEAST, _LEAST_SHARE * place.middle)
            if abs(change) >= least and abs(change) > limit * scale and host not in place.explained:
                difference = Difference(place.place[0], place.place[2], value, place.middle, change / scale)
                found.setdefault((place.kin, host), []).append(difference)
    odd = [_odd(counted, kin, host, hosts[kin], differences) for (kin, host), differences in found.items()]
    odd.sort(key=lambda one: (-abs(one.differences[0].deviations), one.service or "", one.capture))
    once = {(one.service, one.host, one.capture if one.host is None else ""): one for one in reversed(odd)}
    return tuple(one for one in odd if one in once.values())


def _kin(counted: Counted) -> dict[Kin, dict[Instance, list[int]]]:
    """Hosts with their captures, by service, version and format, where there are enough to compare."""
    found: dict[Kin, dict[Instance, list[int]]] = {}
    for at in counted.kept:
        one = counted.captures[at]
        if one.complete and not one.leak_profile:
            kin = one.origin.service, one.origin.version, one.format
            found.setdefault(kin, {}).setdefault(counted.instances[at], []).append(at)
    unknown = {kin for kin in found if kin[0] is None}
    if unknown:
        found |= _of_one_program(counted, {kin: found[kin] for kin in unknown})
    return {
        kin: hosts for kin, hosts in found.items() if len(hosts) >= (_FEWEST_UNKNOWN if kin in unknown else _FEWEST)
    }


def _of_one_program(
    counted: Counted, kin: Mapping[Kin, dict[Instance, list[int]]]
) -> dict[Kin, dict[Instance, list[int]]]:
    """The hosts of unknown services without those that run another program than most."""
    own: dict[Instance, set[CodePlace]] = {host: set() for hosts in kin.values() for host in hosts}
    for place, column in counted.gathering.places.items():
        for at, *_ in counted.entries(column):
            if counted.instances[at] in own:
                own[counted.instances[at]].add(place)
    kept = {}
    for name, hosts in kin.items():
        has: dict[CodePlace, int] = {}
        for host in hosts:
            for place in own[host]:
                has[place] = has.get(place, 0) + 1
        usual = {place for place, number in has.items() if 2 * number > len(hosts)}
        alike = (host for host in hosts if usual and len(own[host] & usual) >= _SAME_PROGRAM * len(usual))
        kept[name] = {host: hosts[host] for host in alike}
    return kept


def _places(counted: Counted, hosts: Mapping[Kin, Mapping[Instance, list[int]]], told: Told) -> Iterator[_Place]:
    kin_of = {at: kin for kin, members in hosts.items() for captures in members.values() for at in captures}
    for place, column in counted.gathering.places.items():
        counts: dict[Kin, dict[Instance, list[int]]] = {}
        caught: set[Instance] = set()
        for at, count, _, is_caught in counted.entries(column):
            kin = kin_of.get(at)
            if kin is not None:
                host = counted.instances[at]
                counts.setdefault(kin, {}).setdefault(host, []).append(count)
                if is_caught or host in told.hosts or (host, place[0]) in told.functions:
                    caught.add(host)
        for kin, seen in counts.items():
            values = {host: _typical(seen.get(host, ()), len(captures)) for host, captures in hosts[kin].items()}
            middle = median(values.values())
            deviation = median(abs(value - middle) for value in values.values())
            yield _Place(kin, place, values, middle, deviation, frozenset(caught))


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


def _odd(
    counted: Counted, kin: Kin, host: Instance, hosts: Mapping[Instance, list[int]], differences: list[Difference]
) -> OddHost:
    ordered = sorted(differences, key=lambda one: (-abs(one.deviations), one.place or "", one.state or ""))
    capture = counted.captures[hosts[host][-1]].where
    return OddHost(kin[0], kin[1], host[1], capture, len(hosts) - 1, tuple(ordered[:_SHOWN]))
