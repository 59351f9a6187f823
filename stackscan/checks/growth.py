"""What is new or has grown beside a baseline.

Stacks split when one goroutine is a frame deeper than the next, so counts are compared by place (deciding function,
creator, wait reason), and what a rule caught by the rule: a sum stays right however its stacks split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from stackscan.analysis.finding import Finding
from stackscan.checks.baseline import Baseline
from stackscan.checks.model import CheckFinding, Status
from stackscan.checks.policy import Growth
from stackscan.knowledge.rule import Severity
from stackscan.report import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, counts_by_place, place_of


def rule_status(
    finding: Finding, total: int, stacks: Sequence[StackReport], baseline: Baseline, growth: Growth
) -> tuple[Status, int, int]:
    """Status of a rule's finding beside the baseline, with its known and allowed numbers of goroutines.

    ``total`` counts the goroutines of all findings of this name, of which a root cause may have several; ``stacks`` are
    theirs. It is known when the rule caught as many before, or when all its stacks are known as caught (by whatever
    rule) and none has grown: a stall that has lasted long enough for a stricter rule is still the same stall.
    """
    known = baseline.rules.get(finding.rule.name, 0)
    allowed = growth.allowed_of_rule(known)
    if total <= allowed:
        return "known", known, allowed
    before = {s.bucket.signature: baseline.by_signature.get(s.bucket.signature) for s in stacks}
    caught = sum(entry.count for entry in before.values() if entry is not None and entry.rules)
    if stacks and all(entry is not None and entry.rules for entry in before.values()) and total <= caught:
        return "known", caught, caught
    return ("grown" if known else "new"), known, allowed


def growth_findings(
    snapshot: SnapshotReport, baseline: Baseline, growth: Growth, severity: Severity, spoken_for: Collection[str]
) -> Iterator[CheckFinding]:
    """One finding for each place that holds more than it may; not for what the rules of ``spoken_for`` caught."""
    counted = baseline.counted or (
        snapshot.format != "goroutine-text" and all(found.bucket.wait_reason is None for found in snapshot.buckets)
    )
    sums = counts_by_place(snapshot)
    places: dict[CodePlace, list[StackReport]] = defaultdict(list)
    for found in snapshot.buckets:
        if not any(rule in spoken_for for rule in found.rules):
            places[place_of(found, counted=counted)].append(found)
    grown = {place for place in places if sums[place] > growth.allowed(baseline.known_at(place))}
    waiting = {place[:2] for place in grown if place[2] is not None}
    for place, stacks in places.items():
        if place not in grown or (place[2] is None and place[:2] in waiting):
            continue  # of goroutines that pass through where others wait, those that wait speak
        known = baseline.known_at(place)
        yield _finding(place, stacks, sums[place], known, growth.allowed(known), severity)


def _finding(
    place: CodePlace, stacks: Sequence[StackReport], count: int, known: int, allowed: int, severity: Severity
) -> CheckFinding:
    at, created_by, reason = place
    where = f"in {at or 'a place without frames'}" + (f" [{reason}]" if reason else "")
    origin = f", created by {created_by}" if created_by else ""
    was = f"{known:,} in the baseline, {allowed:,} allowed" if known else f"new, {allowed:,} allowed"
    return CheckFinding(
        name="growth",
        kind="growth",
        severity=severity,
        status="grown" if known else "new",
        message=f"{count:,} goroutines {where}{origin}: {was}",
        count=count,
        allowed=allowed,
        baseline=known,
        stacks=tuple(stacks),
        goroutine_ids=stacks[0].bucket.goroutine_ids,
        why="More goroutines are here than in the baseline; if they stay, they leak.",
        fix="Find what should end them. If the growth is intended, write a new baseline (--write-baseline).",
    )
