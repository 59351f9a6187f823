"""Runs rules over a snapshot: patterns on distinct stacks, then columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from stackscan.match import AnyOf
from stackscan.rules.description import SEVERITIES, Kind, Rule, Severity
from stackscan.snapshot import Snapshot, Stack

_IDS_SHOWN: Final = 20
_UNKNOWN: Final = "unknown"

#: What a finding rests on: numbers, or numbers by name.
Evidence = dict[str, int | dict[str, int] | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule caught in one snapshot.

    ``count`` goroutines in the stacks ``stack_ids``, of which the first 20 ids are kept; ``deciding`` maps a stack id
    to the index of the frame that made it match.
    """

    rule: Rule
    severity: Severity
    count: int
    goroutine_ids: tuple[int, ...]
    evidence: Evidence
    stack_ids: tuple[int, ...]
    deciding: dict[int, int]


def classify(
    snapshot: Snapshot, rules: Iterable[Rule], pool_sizes: Mapping[str, int] | None = None
) -> tuple[Finding, ...]:
    """What the rules find, worst severity first, then by count. ``pool_sizes``: workers by pool, for minor findings."""
    found = [finding for rule in rules if (finding := _apply(rule, snapshot, pool_sizes or {})) is not None]
    order = lambda f: (SEVERITIES.index(f.severity), -f.count, f.rule.extends is None, f.rule.name)  # noqa: E731
    return tuple(sorted(found, key=order))


def told_by(finding: Finding, findings: Iterable[Finding]) -> Finding | None:
    """The finding that extends this one and caught the same goroutines, if there is one: it says it all."""
    return next((o for o in findings if o.rule.extends == finding.rule.name and o.count == finding.count), None)


def _severity(rule: Rule, count: int, pool_sizes: Mapping[str, int]) -> Severity:
    workers = pool_sizes.get(rule.pool or "", 0)
    if rule.minor is not None and workers and count < rule.minor.below_share * workers:
        return rule.minor.severity
    return rule.severity


def _apply(rule: Rule, snapshot: Snapshot, pool_sizes: Mapping[str, int]) -> Finding | None:
    deciding = _matching(rule.when, snapshot.stacks)
    if not deciding:
        return None
    caught = _rows(snapshot, deciding)
    if rule.min_wait_minutes:
        caught = caught.filter(pl.col("wait_minutes") >= rule.min_wait_minutes)
    if caught.is_empty():
        return None
    ids = caught["goroutine_id"].drop_nulls().head(_IDS_SHOWN).to_list()
    stack_ids = caught["stack_id"].unique(maintain_order=True).to_list()
    severity = _severity(rule, len(caught), pool_sizes)
    evidence = _evidence(rule, snapshot, caught)
    return Finding(rule, severity, len(caught), tuple(ids), evidence, tuple(stack_ids), deciding)


def _matching(when: AnyOf, stacks: Sequence[Stack]) -> dict[int, int]:
    """The ids of the stacks that match, each with its deciding frame."""
    decided = ((stack_id, when.decide(stack)) for stack_id, stack in enumerate(stacks))
    return {stack_id: frame for stack_id, frame in decided if frame is not None}


def _rows(snapshot: Snapshot, stack_ids: Iterable[int]) -> pl.DataFrame:
    wanted = pl.Series(list(stack_ids), dtype=pl.UInt32)
    return snapshot.goroutines.filter(pl.col("stack_id").is_in(wanted.implode()))


def _evidence(rule: Rule, snapshot: Snapshot, caught: pl.DataFrame) -> Evidence:
    evidence: Evidence = {rule.noun: len(caught)}
    own = caught["stack_id"].to_list()
    if rule.shapes:
        shapes = Counter(_kind(rule.shapes, snapshot.stacks[stack_id]) for stack_id in own)
        evidence |= {shape.name: shapes[shape.name] for shape in rule.shapes}
    companions: dict[int, list[int]] = {}
    if rule.companion is not None:
        companions = _companions(rule.companion, snapshot, caught)
        # Before Go 1.21 a goroutine does not name its creator: companions cannot be told from other peers' readers.
        known = snapshot.goroutines["creator_id"].null_count() < len(snapshot.goroutines)
        evidence["companions"] = sum(map(len, companions.values())) if known else None
    if rule.transports:
        evidence["transports"] = _transports(rule, snapshot, caught, companions)
    longest = caught["wait_minutes"].max()
    evidence["longest_wait_minutes"] = longest if isinstance(longest, int) else None
    return evidence


def _kind(kinds: Sequence[Kind], stack: Stack) -> str:
    return next((kind.name for kind in kinds if kind.when.decide(stack) is not None), _UNKNOWN)


def _companions(when: AnyOf, snapshot: Snapshot, caught: pl.DataFrame) -> dict[int, list[int]]:
    """The stacks of the goroutines that belong to each caught one, by its id.

    A closer is created by the worker that sent, and so is its companion: for it the shared creator is the link.
    """
    candidates = _rows(snapshot, _matching(when, snapshot.stacks)).filter(pl.col("creator_id").is_not_null())
    by_creator: dict[int, list[int]] = {}
    for creator, stack_id in candidates.select("creator_id", "stack_id").iter_rows():
        by_creator.setdefault(creator, []).append(stack_id)
    owned = {
        goroutine: by_creator[goroutine] for goroutine in caught["goroutine_id"].to_list() if goroutine in by_creator
    }
    if owned:
        return owned
    shared = set(caught["creator_id"].drop_nulls().to_list())
    return {creator: stacks for creator, stacks in by_creator.items() if creator in shared}


def _transports(
    rule: Rule, snapshot: Snapshot, caught: pl.DataFrame, companions: dict[int, list[int]]
) -> dict[str, int]:
    """How many of the caught goroutines wait on each transport: told by whoever of the two reads."""
    counts: Counter[str] = Counter()
    unread = {key: [_kind(rule.transports, snapshot.stacks[s]) for s in stacks] for key, stacks in companions.items()}
    for goroutine, creator, stack_id in caught.select("goroutine_id", "creator_id", "stack_id").iter_rows():
        name = _kind(rule.transports, snapshot.stacks[stack_id])
        if name == _UNKNOWN:
            candidates = unread.get(goroutine) or unread.get(creator) or []
            name = next((kind for kind in candidates if kind != _UNKNOWN), _UNKNOWN)
            if name != _UNKNOWN:
                candidates.remove(name)
        counts[name] += 1
    return dict(sorted(counts.items()))
