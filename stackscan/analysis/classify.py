"""Runs rules over a snapshot: winners claim goroutines first; each rule's goroutines make a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from stackscan.analysis.affected import affected_by
from stackscan.analysis.finding import Evidence, Finding
from stackscan.knowledge.language import Expression, Index, deciding, index_of, kind_of_rows, mask, select
from stackscan.knowledge.language.index import Numbers
from stackscan.knowledge.language.symbols import Mask
from stackscan.knowledge.precedence import in_order
from stackscan.knowledge.rule import SEVERITIES, Minor, Rule
from stackscan.model.counting import EVENTS
from stackscan.model.snapshot import Snapshot

_IDS_SHOWN: Final = 20
_UNKNOWN: Final = "unknown"


def classify(
    snapshot: Snapshot,
    rules: Iterable[Rule],
    pool_sizes: Mapping[str, int] | None = None,
    versions: Mapping[str, str] | None = None,
    among: Mask | None = None,
) -> tuple[Finding, ...]:
    """What the rules find: what is stuck by severity, then what is healthy; each by count.

    ``pool_sizes``: workers by pool, for minor findings; ``versions``: of the program's modules and of ``go``;
    ``among``: the goroutines that findings are about (all are classified).
    """
    if snapshot.format == EVENTS:  # each is of another moment: no two waited together
        return ()
    index = index_of(snapshot)
    claimed: dict[str, Numbers] = {}
    found = []
    for rule, winners in in_order(tuple(rules)):
        rows = select(rule.when, index, _left_by(winners, claimed, len(index.goroutines)))
        claimed[rule.name] = rows
        reported = rows if among is None else rows[among[rows]]
        if len(reported):
            weight = _weight(rule, index.count(rows), pool_sizes or {})
            found.append(_finding(rule, weight, index, reported, versions or {}))
    order = lambda f: (  # noqa: E731
        f.rule.kind == "healthy", SEVERITIES.index(f.severity), -f.count, f.rule.extends is None, f.rule.name,
    )  # fmt: skip
    return tuple(sorted(found, key=order))


def _left_by(winners: Iterable[str], claimed: Mapping[str, Numbers], goroutines: int) -> Mask | None:
    """The goroutines that the winners did not claim; None: all."""
    taken = [claimed[name] for name in winners if len(claimed[name])]
    if not taken:
        return None
    left = np.ones(goroutines, dtype=np.bool_)
    for rows in taken:
        left[rows] = False
    return left


def _weight(rule: Rule, count: int, pool_sizes: Mapping[str, int]) -> Rule | Minor:
    """The rule itself, or its minor step for a small share of its pool: the finding's severity and verdict."""
    workers = pool_sizes.get(rule.pool or "", 0)
    return next((minor for minor in rule.minor if workers and count / workers < minor.below_share), rule)


def _finding(rule: Rule, weight: Rule | Minor, index: Index, rows: Numbers, versions: Mapping[str, str]) -> Finding:
    stack_ids = tuple(dict.fromkeys(index.row_stack[rows].tolist()))
    ids, known = index.column("goroutine_id")
    return Finding(
        rule=rule,
        severity=weight.severity,
        title=weight.title,
        verdict=weight.verdict,
        count=index.count(rows),
        goroutine_ids=tuple(ids[rows][known[rows]][:_IDS_SHOWN].tolist()),
        evidence=_evidence(rule, index, rows),
        stack_ids=stack_ids,
        deciding={stack_id: deciding(rule.when, index, stack_id) for stack_id in stack_ids},
        applies=affected_by(rule.affected, versions),
        rows=rows,
    )


def _evidence(rule: Rule, index: Index, rows: Numbers) -> Evidence:
    evidence: Evidence = {rule.noun: index.count(rows)}
    if rule.shapes:
        shapes = kind_of_rows(rule.shapes, index, rows)
        evidence |= {shape.name: index.count(rows[shapes == place]) for place, shape in enumerate(rule.shapes)}
    companions: dict[int, list[int]] = {}
    _, known = index.column("creator_id")
    if rule.companion is not None:
        companions = _companions(rule.companion, index, rows)
        # Before Go 1.21 a goroutine does not name its creator: a companion looks like any other peer's reader.
        evidence["companions"] = sum(map(len, companions.values())) if known.any() else None
    if rule.transports:
        evidence["transports"] = _transports(rule, index, rows, companions)
    minutes, waits_known = index.column("wait_minutes")
    evidence["longest_wait_minutes"] = int(minutes[rows].max()) if waits_known[rows].any() else None
    return evidence


def _companions(companion: Expression, index: Index, rows: Numbers) -> dict[int, list[int]]:
    """The rows of the goroutines that belong to each caught one, by its id.

    A closer is created by the worker that sent, and so is its companion: for it the shared creator is the link.
    """
    creators, known = index.column("creator_id")
    ids, _ = index.column("goroutine_id")
    by_creator: dict[int, list[int]] = {}
    for row in np.flatnonzero(mask(companion, index) & known).tolist():
        by_creator.setdefault(int(creators[row]), []).append(row)
    owned = {goroutine: by_creator[goroutine] for goroutine in ids[rows].tolist() if goroutine in by_creator}
    if owned:
        return owned
    shared = set(creators[rows][known[rows]].tolist())
    return {creator: found for creator, found in by_creator.items() if creator in shared}


def _transports(rule: Rule, index: Index, rows: Numbers, companions: dict[int, list[int]]) -> dict[str, int]:
    """How many of the caught goroutines wait on each transport, by their own frames or their companion's."""
    names = [*(kind.name for kind in rule.transports), _UNKNOWN]
    unread = {
        key: kind_of_rows(rule.transports, index, np.array(found, dtype=np.int64)).tolist()
        for key, found in companions.items()
    }
    counts: Counter[str] = Counter()
    own = kind_of_rows(rule.transports, index, rows).tolist()
    ids, creators = (index.column(name)[0][rows].tolist() for name in ("goroutine_id", "creator_id"))
    weights = [1] * len(rows) if index.weights is None else index.weights[rows].tolist()
    for goroutine, creator, transport, weight in zip(ids, creators, own, weights, strict=True):
        place = transport
        if place < 0:
            candidates = unread.get(goroutine) or unread.get(creator) or []
            place = next((candidate for candidate in candidates if candidate >= 0), -1)
            if place >= 0:
                candidates.remove(place)
        counts[names[place]] += weight
    return dict(sorted(counts.items()))
