"""Runs rules over a snapshot: winners claim goroutines first; each rule's goroutines make a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from stackscan.analysis.affected import affected_by
from stackscan.analysis.finding import Evidence, Finding
from stackscan.knowledge.language import (
    Catalogue,
    Expression,
    Index,
    deciding,
    index_of,
    kind_of_rows,
    mask,
    select_in,
)
from stackscan.knowledge.language.index import Rows
from stackscan.knowledge.precedence import in_order
from stackscan.knowledge.rule import SEVERITIES, Minor, Rule
from stackscan.model.counting import EVENTS
from stackscan.model.snapshot import Snapshot

_IDS_SHOWN: Final = 20
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rules in the order in which they claim goroutines, with what each yields to, and their conditions."""

    order: tuple[tuple[Rule, frozenset[str]], ...]
    catalogue: Catalogue


_PLANS: Final[dict[int, tuple[Sequence[Rule], _Plan]]] = {}


def _plan_of(rules: Sequence[Rule]) -> _Plan:
    """The plan for these rules; the same object's is made once."""
    known = _PLANS.get(id(rules))
    if known is None or known[0] is not rules or known[1].catalogue.is_void:
        order = in_order(rules)
        _PLANS.clear()  # a run has one configuration
        known = _PLANS[id(rules)] = rules, _Plan(order, Catalogue.of(rule.when for rule, _ in order))
    return known[1]


def classify(
    snapshot: Snapshot,
    rules: Sequence[Rule],
    pool_sizes: Mapping[str, int] | None = None,
    versions: Mapping[str, str] | None = None,
    among: Collection[int] | None = None,
) -> tuple[Finding, ...]:
    """What the rules find: what is stuck by severity, then what is healthy; each by count.

    ``pool_sizes``: workers by pool, for minor findings; ``versions``: of the program's modules and of ``go``;
    ``among``: the goroutines that findings are about (all are classified).
    """
    if snapshot.format == EVENTS:  # each is of another moment: no two waited together
        return ()
    index, plan = index_of(snapshot), _plan_of(rules)
    claimed: dict[str, list[int]] = {}
    found = []
    possible = plan.catalogue.possible(index)
    for place in sorted(possible):
        rule, winners = plan.order[place]
        taken = {row for name in winners.intersection(claimed) for row in claimed[name]}
        rows = select_in(plan.catalogue.expressions[place], index, possible[place], taken)
        if not rows:
            continue
        claimed[rule.name] = rows
        reported = rows if among is None else [row for row in rows if row in among]
        if reported:
            weight = _weight(rule, index.count(rows), pool_sizes or {})
            found.append(_finding(rule, weight, index, reported, versions or {}))
    order = lambda f: (  # noqa: E731
        f.rule.kind == "healthy", SEVERITIES.index(f.severity), -f.count, f.rule.extends is None, f.rule.name,
    )  # fmt: skip
    return tuple(sorted(found, key=order))


def _weight(rule: Rule, count: int, pool_sizes: Mapping[str, int]) -> Rule | Minor:
    """The rule itself, or its minor step for a small share of its pool: the finding's severity and verdict."""
    workers = pool_sizes.get(rule.pool or "", 0)
    return next((minor for minor in rule.minor if workers and count / workers < minor.below_share), rule)


def _finding(rule: Rule, weight: Rule | Minor, index: Index, rows: Rows, versions: Mapping[str, str]) -> Finding:
    stacks, ids = index.row_stack, index.column("goroutine_id")
    stack_ids = tuple(dict.fromkeys(stacks[row] for row in rows))
    known = (ids[row] for row in rows if ids[row] is not None)
    return Finding(
        rule=rule,
        severity=weight.severity,
        title=weight.title,
        verdict=weight.verdict,
        count=index.count(rows),
        goroutine_ids=tuple(islice(known, _IDS_SHOWN)),
        evidence=_evidence(rule, index, rows),
        stack_ids=stack_ids,
        deciding={stack_id: deciding(rule.when, index.seen(stack_id)) for stack_id in stack_ids},
        applies=affected_by(rule.affected, versions),
        rows=rows,
    )


def _evidence(rule: Rule, index: Index, rows: Rows) -> Evidence:
    evidence: Evidence = {rule.noun: index.count(rows)}
    if rule.shapes:
        shapes = kind_of_rows(rule.shapes, index, rows)
        evidence |= {
            shape.name: index.count([row for row, at in zip(rows, shapes, strict=True) if at == place])
            for place, shape in enumerate(rule.shapes)
        }
    companions: dict[int, list[int]] = {}
    if rule.companion is not None:
        companions = _companions(rule.companion, index, rows)
        # Before Go 1.21 a goroutine does not name its creator: a companion looks like any other peer's reader.
        known = any(creator is not None for creator in index.column("creator_id"))
        evidence["companions"] = sum(map(len, companions.values())) if known else None
    if rule.transports:
        evidence["transports"] = _transports(rule, index, rows, companions)
    minutes = index.column("wait_minutes")
    evidence["longest_wait_minutes"] = max((minutes[row] for row in rows if minutes[row] is not None), default=None)
    return evidence


def _companions(companion: Expression, index: Index, rows: Rows) -> dict[int, list[int]]:
    """The rows of the goroutines that belong to each caught one, by its id.

    A closer is created by the worker that sent, and so is its companion: for it the shared creator is the link.
    """
    creators, ids = index.column("creator_id"), index.column("goroutine_id")
    by_creator: dict[int, list[int]] = {}
    for row in sorted(mask(companion, index)):
        if creators[row] is not None:
            by_creator.setdefault(creators[row], []).append(row)
    owned = {ids[row]: by_creator[ids[row]] for row in rows if ids[row] in by_creator}
    if owned:
        return owned
    shared = {creators[row] for row in rows}
    return {creator: found for creator, found in by_creator.items() if creator in shared}


def _transports(rule: Rule, index: Index, rows: Rows, companions: dict[int, list[int]]) -> dict[str, int]:
    """How many of the caught goroutines wait on each transport, by their own frames or their companion's."""
    names = [*(kind.name for kind in rule.transports), _UNKNOWN]
    unread = {key: kind_of_rows(rule.transports, index, found) for key, found in companions.items()}
    counts: Counter[str] = Counter()
    own = kind_of_rows(rule.transports, index, rows)
    ids, creators, weights = index.column("goroutine_id"), index.column("creator_id"), index.weights
    for row, transport in zip(rows, own, strict=True):
        place = transport
        if place < 0:
            candidates = unread.get(ids[row]) or unread.get(creators[row]) or []
            place = next((candidate for candidate in candidates if candidate >= 0), -1)
            if place >= 0:
                candidates.remove(place)
        counts[names[place]] += 1 if weights is None else weights[row]
    return dict(sorted(counts.items()))
