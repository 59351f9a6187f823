"""What two versions differ in: each finding's hosts and goroutines on the one and on the other.

Only services of which captures of both versions exist are compared, and a host counts with the mean of its captures of
each version, so that a version with more captures does not count more. Two questions are asked of each finding. Do more
of the hosts have it (Fisher's exact test)? Do they have more goroutines? Hosts that ran both versions are compared with
themselves; where there are none, the hosts of the one version with those of the other. The variance is that of these
differences, but not less than Poisson's. Over all findings and both questions the chance of one false alarm is 1 in 100
(Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, lgamma, sqrt
from statistics import NormalDist, fmean, variance
from typing import Final

from stackscan.errors import UsageError
from stackscan.fleet.captures import Instance
from stackscan.fleet.counted import Counted
from stackscan.fleet.model import Change, ChangeKind, FleetFinding, VersionPair
from stackscan.fleet.packed import Numbers
from stackscan.model.versions import Version, read_version

_FALSE_ALARMS: Final = 0.01
_QUESTIONS: Final = 2
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Versions:
    """Two versions, and how many captures of each there are of each host of the services that have both."""

    pair: VersionPair
    captures: Mapping[str, Mapping[Instance, int]]

    def change(self, counted: Counted, services: Iterable[str | None], column: Numbers) -> Change | None:
        """What changed of a finding with these goroutines in these captures, before all findings are known; None
        where none of its services has both versions."""
        known = set(services) & set(self.pair.services)
        if not known:
            return None
        means = [self._means(version, counted, known, column) for version in (self.pair.before, self.pair.after)]
        before, after = ([*each.values()] for each in means)
        hits = [sum(value > 0 for value in each) for each in (before, after)]
        chance = min(_of_hosts(hits[0], len(before), hits[1], len(after)), _of_goroutines(*means))
        return Change("same", chance, hits[0], len(before), fmean(before), hits[1], len(after), fmean(after))

    def _means(
        self, version: str, counted: Counted, services: set[str | None], column: Numbers
    ) -> dict[Instance, float]:
        """The mean goroutines of each host on a version."""
        totals = {host: 0 for host in self.captures[version] if host[0] in services}
        for at, count, *_ in counted.rows(column):
            host = counted.captures.instance(at)
            if counted.captures.version(at) == version and host in totals:
                totals[host] += count
        return {host: total / self.captures[version][host] for host, total in totals.items()}


def chosen(counted: Counted, asked: str) -> Versions:
    """The versions that the user asked for: ``B``, compared with the one before it, or ``A..B``.

    Raises UsageError for a version that no capture has, and where nothing can be compared.
    """
    captures: dict[str, dict[Instance, int]] = {}
    for at in counted.kept:
        version, host = counted.captures.version(at), counted.captures.instance(at)
        if version is not None:
            of_version = captures.setdefault(version, {})
            of_version[host] = of_version.get(host, 0) + 1
    first, dots, last = asked.partition("..")
    after = _known(last if dots else first, captures)
    before = _known(first, captures) if dots else _before(after, captures)
    if before == after:
        raise UsageError("--compare-version compares two versions", hint="Write it like 1.4.0 or 1.3.9..1.4.0.")
    services = [{host[0] for host in captures[version]} for version in (before, after)]
    both = services[0] & services[1]
    if not both:
        raise UsageError(
            f"no service has captures of both {before} and {after}", hint="Compare versions of one service."
        )
    unknown = sum(counted.captures.version(at) is None for at in counted.kept)
    ordered = tuple(sorted(both, key=lambda name: (name is None, name or "")))
    pair = VersionPair(before, after, ordered, len(services[0] ^ services[1]), unknown)
    kept = {v: {host: n for host, n in captures[v].items() if host[0] in both} for v in (before, after)}
    return Versions(pair, kept)


def _known(name: str, captures: Mapping[str, object]) -> str:
    """A version as captures have it, also with another ``v``."""
    name = name.strip()
    found = next((each for each in (name, f"v{name}", name.removeprefix("v")) if each in captures), None)
    if found is None:
        named = ", ".join(sorted(captures)[:_NAMED]) + (", …" if len(captures) > _NAMED else "")
        hint = f"Known versions: {named}." if captures else "Name versions with --pattern; docs/fleet.md says how."
        raise UsageError(f"no capture is of version {name!r}", hint=hint)
    return found


def _before(after: str, captures: Mapping[str, Mapping[Instance, int]]) -> str:
    """The highest version below this one, of the services that have it."""
    services = {host[0] for host in captures[after]}
    limit = read_version(after)
    found: list[tuple[Version, str]] = []
    for name, hosts in captures.items():
        version = read_version(name)
        if (
            limit is not None
            and version is not None
            and version < limit
            and not services.isdisjoint(h[0] for h in hosts)
        ):
            found.append((version, name))
    if not found:
        what = "is no semantic version" if limit is None else "has no version before it here"
        raise UsageError(f"{after} {what}", hint="Name both: --compare-version OLD..NEW.")
    return max(found)[1]


def judged(findings: Sequence[FleetFinding]) -> list[FleetFinding]:
    """The findings, of each whether its change is more than chance explains."""
    tests = _QUESTIONS * sum(one.change is not None for one in findings)
    return [one if one.change is None else replace(one, change=_judged(one.change, tests)) for one in findings]


def _judged(change: Change, tests: int) -> Change:
    chance = min(1.0, change.chance * tests)
    kind: ChangeKind
    if not change.hosts_before or not change.hosts_after:
        kind = "new" if change.hosts_after else "gone" if change.hosts_before else "same"
    elif chance > _FALSE_ALARMS:
        kind = "same"
    else:
        kind = "worse" if change.mean_after > change.mean_before else "better"
    return replace(change, kind=kind, chance=chance)


def _of_hosts(hits: int, hosts: int, hits_after: int, hosts_after: int) -> float:
    """The chance that as many hosts or more of one version have it when the versions are alike (two-sided)."""
    total, most = hosts + hosts_after, hits + hits_after

    def law(count: int) -> float:
        return exp(_choose(hosts, count) + _choose(hosts_after, most - count) - _choose(total, most))

    lowest, highest = max(0, most - hosts_after), min(hosts, most)
    tails = sum(map(law, range(lowest, hits + 1))), sum(map(law, range(hits, highest + 1)))
    return min(1.0, 2 * min(tails))


def _choose(n: int, k: int) -> float:
    """The logarithm of a binomial coefficient."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _of_goroutines(before: Mapping[Instance, float], after: Mapping[Instance, float]) -> float:
    """The chance of such a difference in goroutines when the versions are alike (two-sided)."""
    both = [(before[host], after[host]) for host in before if host in after]
    if both:
        changes = [second - first for first, second in both]
        change, spread = sum(changes), sum(map(sum, both))
        spread = max(spread, len(both) * _variance(changes))
    else:
        first, second = [*before.values()], [*after.values()]
        change = fmean(second) - fmean(first)
        spread = sum(max(fmean(each), _variance(each)) / len(each) for each in (first, second))
    return 1.0 if not spread else 2 * NormalDist().cdf(-abs(change) / sqrt(spread))


def _variance(values: Sequence[float]) -> float:
    return variance(values) if len(values) > 1 else 0.0
