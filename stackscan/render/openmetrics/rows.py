"""What a capture shows as rows of metrics. Their number is bounded, whatever a dump holds: what is too much is summed
up as ``other``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan import __version__
from stackscan.knowledge.language.reasons import KNOWN, without_remark
from stackscan.render.openmetrics.families import Row

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.queueing.projection import Projection

#: Of one process or capture: sets of findings with the same labels, and pools.
MOST_FINDINGS: Final = 20
MOST_POOLS: Final = 20
#: What stands for the rest.
OTHER: Final = "other"
_UNKNOWN: Final = "unknown"
_STATES: Final = frozenset(KNOWN)
_WORST_FIRST: Final = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as metrics count it; ``since`` is in seconds since 1970 (None: not known)."""

    rule: str
    severity: str
    cause: str
    goroutines: int
    since: float | None = None

    @property
    def labels(self) -> tuple[str, str, str]:
        """Rule, severity and cause."""
        return self.rule, self.severity, self.cause


def build() -> Iterator[Row]:
    """This program."""
    yield "stackscan_build_info", {"version": __version__}, 1


def goroutines(states: Mapping[str, int], total: int) -> Iterator[Row]:
    """Goroutines by state, ``total`` in all: those in none of the states given are ``other``."""
    found: Counter[str] = Counter()
    for name, count in states.items():
        found[_state(name)] += count
    found[OTHER] += max(0, total - sum(states.values()))
    for name in sorted(found):
        if found[name] or not total:
            yield "stackscan_goroutines", {"state": name}, found[name]


def _state(name: str) -> str:
    """A state that Go prints, without its remark ``(durable)``."""
    if name == "state unknown":
        return _UNKNOWN
    name = without_remark(name)
    return name if name in _STATES else OTHER


def findings(every: Iterable[Found]) -> Iterator[Row]:
    """Findings by rule, severity and cause: the worst ones, and the rest by severity."""
    groups: dict[tuple[str, str, str], list[Found]] = {}
    for one in every:
        groups.setdefault(one.labels, []).append(one)
    worst = sorted(groups, key=lambda labels: (_rank(labels[1]), -_size(groups[labels]), labels))
    for labels in worst[MOST_FINDINGS:]:
        rest = groups.setdefault((OTHER, labels[1], ""), [])
        rest += groups.pop(labels)
    for (rule, severity, cause), group in groups.items():
        names = {"rule": rule, "severity": severity, "cause": cause}
        yield "stackscan_findings", names, len(group)
        yield "stackscan_finding_goroutines", names, _size(group)
        since = [one.since for one in group if one.since is not None]
        if since:
            yield "stackscan_finding_since_timestamp_seconds", names, min(since)


def _rank(severity: str) -> int:
    return _WORST_FIRST.index(severity) if severity in _WORST_FIRST else len(_WORST_FIRST)


def _size(group: Iterable[Found]) -> int:
    return sum(one.goroutines for one in group)


def pools(samples: Iterable[PoolSample], projections: Mapping[str, Projection]) -> Iterator[Row]:
    """The pools with most workers that are not idle, what the model says of them, and the rest as one pool."""
    ordered = sorted(samples, key=lambda pool: (-_busy(pool), pool.pool.name))
    for sample in ordered[:MOST_POOLS]:
        name = sample.pool.name
        for state, count in sample.states.items():
            yield "stackscan_pool_workers", {"pool": name, "state": state}, count
        yield "stackscan_pool_occupancy_ratio", {"pool": name}, sample.occupancy
        if name in projections:
            yield from _load(name, projections[name])
    yield from _other_pools(ordered[MOST_POOLS:])


def _busy(pool: PoolSample) -> int:
    return pool.workers - sum(pool.states[name] for name in pool.idle_states)


def _other_pools(rest: Sequence[PoolSample]) -> Iterator[Row]:
    workers, busy = sum(pool.workers for pool in rest), sum(map(_busy, rest))
    if workers:
        yield "stackscan_pool_workers", {"pool": OTHER, "state": "busy"}, busy
        yield "stackscan_pool_workers", {"pool": OTHER, "state": "idle"}, workers - busy
        yield "stackscan_pool_occupancy_ratio", {"pool": OTHER}, busy / workers


def _load(pool: str, found: Projection) -> Iterator[Row]:
    """The offered load, its interval, and where it is the pool that waits, how likely a task does."""
    labels = {"pool": pool}
    if found.stall_load_erlangs is not None:
        yield "stackscan_pool_offered_load_erlangs", labels, found.stall_load_erlangs
    if found.stall_load_interval is not None:
        low, high = found.stall_load_interval
        yield "stackscan_pool_offered_load_low_erlangs", labels, low
        yield "stackscan_pool_offered_load_high_erlangs", labels, math.inf if high is None else high
    if found.in_force == "synchronous":
        yield "stackscan_pool_wait_probability_ratio", labels, found.synchronous.wait_probability
