"""The answer over a fleet, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stackscan.knowledge.rule import SEVERITIES, Severity

Kind = Literal["rule", "leak", "crowd"]
ChangeKind = Literal["new", "gone", "worse", "better", "same"]


@dataclass(frozen=True, slots=True)
class Worst:
    """The capture with most goroutines of a finding. None: unknown."""

    service: str | None
    host: str | None
    capture: str
    count: int


@dataclass(frozen=True, slots=True)
class Trend:
    """How a finding's goroutines change on the hosts that have it.

    ``judged`` hosts have three captures or more of one format and version with known times; ``growing`` of them only
    gain goroutines. ``rate_per_hour`` is the median of these, in goroutines an hour on one host (None: none grows).
    """

    judged: int
    growing: int
    rate_per_hour: float | None


@dataclass(frozen=True, slots=True)
class Named:
    """What a finding is, before hosts are counted: one of a rule or cause, one place that grows, or one line with very
    many goroutines. ``place`` is the function to look at, ``location`` its file and line in most captures;
    ``packages`` are those on the stack outside the standard library, innermost first, then that of the creator."""

    kind: Kind
    cause: str | None
    rule: str | None
    severity: Severity
    title: str
    fix: str
    place: str | None
    location: str
    packages: tuple[str, ...]

    @property
    def name(self) -> str:
        """How lists name it."""
        return self.rule or self.cause or self.kind


@dataclass(frozen=True, slots=True)
class Peak:
    """The most goroutines of a finding in one capture of a host. None: unknown."""

    service: str | None
    host: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """How a finding differs between two versions: the hosts that have it, of all hosts on that version (``seen``), and
    the mean of goroutines on a host.

    ``chance`` is the chance of such a difference when the versions are alike, over all findings. ``new`` and ``gone``
    are none on the one version, whatever the chance; ``worse`` and ``better`` are more than chance explains.
    """

    kind: ChangeKind
    chance: float
    hosts_before: int
    seen_before: int
    mean_before: float
    hosts_after: int
    seen_after: int
    mean_after: float

    @property
    def certain(self) -> bool:
        """Whether chance does not explain it (1 in 100)."""
        return self.chance <= 0.01


@dataclass(frozen=True, slots=True)
class VersionPair:
    """The two versions that are compared, in the ``services`` with captures of both; ``left_out`` services have one of
    them, and ``unknown`` captures no version."""

    before: str
    after: str
    services: tuple[str | None, ...]
    left_out: int
    unknown: int


@dataclass(frozen=True, slots=True)
class FleetFinding(Named):
    """A finding over all hosts.

    A host counts with its largest capture, of which ``peaks`` has the goroutines, most first: ``total`` is the sum over
    hosts, ``rms`` the root mean square over all hosts seen, those without it included. ``hosts_seen`` are the hosts of
    the ``services`` that have it. A capture of an unknown host counts as a host; ``unknown_hosts`` are those among
    ``hosts_hit``, and ``hosts`` names the others. ``new``: it was first seen after the time that the user gave (None:
    no time given, or no earlier capture to compare with). ``owners``: who owns its package (empty: nobody, or nobody
    asked). ``change``: how two versions differ in it (None: nobody asked, or its services do not have both).
    """

    services: tuple[str | None, ...]
    hosts: tuple[str, ...]
    hosts_hit: int
    hosts_seen: int
    unknown_hosts: int
    captures: int
    total: int
    rms: float
    worst: Worst
    first_seen: datetime | None
    last_seen: datetime | None
    versions: tuple[str, ...]
    versions_without: tuple[str, ...]
    trend: Trend
    peaks: tuple[Peak, ...]
    new: bool | None = None
    owners: tuple[str, ...] = ()
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs on an odd host: goroutines in a place, beside the median of its siblings, and by how many standard
    deviations."""

    place: str | None
    state: str | None
    count: float
    median: float
    deviations: float


@dataclass(frozen=True, slots=True)
class OddHost:
    """A host that differs from its siblings, the ``siblings`` other hosts with its service and version. ``capture`` is
    one that shows it; the largest difference is the first."""

    service: str | None
    version: str | None
    host: str | None
    capture: str
    siblings: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class PoolHost:
    """One host's pool: the mean of its busy workers over its captures."""

    service: str | None
    host: str | None
    capture: str
    workers: int
    busy: float

    @property
    def occupancy(self) -> float:
        """The share of workers that are busy, 0 to 1."""
        return self.busy / self.workers if self.workers else 0.0


@dataclass(frozen=True, slots=True)
class FleetPool:
    """A worker pool over all hosts; ``known``: it is described, else it only looks like one.

    ``offered_load_erlangs`` is the sum of busy workers over hosts, each the mean of its captures: what all hosts
    together need, as long as none is saturated; ``low`` and ``high`` are the ends of its 90 % interval (``high`` None:
    without bound, for a full pool shows only that the load is not small). ``near`` are hosts with nine of ten workers
    busy or more, worst first.
    """

    name: str
    known: bool
    services: tuple[str | None, ...]
    hosts: int
    workers: int
    offered_load_erlangs: float
    low: float
    high: float | None
    near: tuple[PoolHost, ...]

    @property
    def occupancy(self) -> float:
        """The share of workers that are busy, 0 to 1."""
        return self.offered_load_erlangs / self.workers if self.workers else 0.0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A capture that could not be read, and why."""

    service: str | None
    host: str | None
    capture: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """The answer over all captures.

    ``captures`` are those that count, ``equal`` those with the same content as another one, ``views`` other formats of
    the same moment of a host, ``incomplete`` those that are cut, ``other_files`` those that hold no goroutines.
    ``hosts`` counts captures of unknown hosts as a host each, which are ``unknown_hosts``. ``seconds`` is what reading
    took, summed over processes. ``owned``: a file of owners was given; with ``owner`` (None: of all) there are the
    findings of that owner alone, without ``others``. ``versions_compared``: those that the
    ``change`` of each finding is about.
    """

    findings: tuple[FleetFinding, ...]
    odd_hosts: tuple[OddHost, ...]
    pools: tuple[FleetPool, ...]
    unreadable: tuple[Unreadable, ...]
    captures: int
    equal: int
    views: int
    incomplete: int
    other_files: int
    hosts: int
    unknown_hosts: int
    services: tuple[str, ...]
    unknown_services: int
    versions: tuple[str, ...]
    goroutines: int
    first_captured: datetime | None
    last_captured: datetime | None
    unknown_times: int
    threshold: int
    since: datetime | None
    seconds: float
    owned: bool = False
    owner: str | None = None
    others: int = 0
    versions_compared: VersionPair | None = None

    def fails(self, level: Severity) -> bool:
        """Whether any finding is of this severity or a worse one; since a time, any new one; of two versions, any that
        is new or worse in the second."""
        bad = SEVERITIES[: SEVERITIES.index(level) + 1]
        return any(one.severity in bad and self._counts(one) for one in self.findings)

    def _counts(self, one: FleetFinding) -> bool:
        if self.versions_compared is not None and (one.change is None or one.change.kind not in ("new", "worse")):
            return False
        return self.since is None or one.new is not False
