"""The limits of a policy: goroutines in all, waits, matching stacks, pools. No baseline lifts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stackscan.analysis.occupancy import PoolSample
from stackscan.checks.model import CheckFinding
from stackscan.checks.policy import Limit, Policy, PoolLimit
from stackscan.knowledge.rule import Severity
from stackscan.report import SnapshotReport, StackReport


def limit_findings(snapshot: SnapshotReport, policy: Policy) -> Iterator[CheckFinding]:
    """What exceeds ``max_goroutines``, ``max_wait_minutes`` and the ``[[check.limit]]`` tables."""
    if policy.max_goroutines is not None and snapshot.goroutines > policy.max_goroutines:
        text = f"{snapshot.goroutines:,} goroutines, the limit is {policy.max_goroutines:,}"
        yield _finding("max-goroutines", "error", text, snapshot.goroutines, policy.max_goroutines, snapshot.buckets)
    if policy.max_wait_minutes is not None:
        waiting = _waiting(snapshot.buckets, policy.max_wait_minutes)
        if waiting:
            yield _too_long("max-wait-minutes", "error", waiting, policy.max_wait_minutes)
    for limit in policy.limits:
        yield from _limit(snapshot, limit)


def _limit(snapshot: SnapshotReport, limit: Limit) -> Iterator[CheckFinding]:
    stacks = tuple(found for found in snapshot.buckets if _matches(found, limit))
    count = sum(found.bucket.count for found in stacks)
    name = f"limit-{limit.name}"
    because = f" ({limit.reason})" if limit.reason else ""
    if limit.max_count is not None and count > limit.max_count:
        text = f"{limit.name}: {count:,} goroutines, the limit is {limit.max_count:,}{because}"
        yield _finding(name, limit.severity, text, count, limit.max_count, stacks)
    if limit.max_wait_minutes is not None:
        waiting = _waiting(stacks, limit.max_wait_minutes)
        if waiting:
            yield _too_long(name, limit.severity, waiting, limit.max_wait_minutes, because)


def _matches(found: StackReport, limit: Limit) -> bool:
    if limit.wait_reasons and found.bucket.wait_reason not in limit.wait_reasons:
        return False
    return limit.when is None or limit.when.matches(found.bucket.stack)


def _waiting(stacks: Sequence[StackReport], minutes: int) -> tuple[StackReport, ...]:
    over = [found for found in stacks if found.bucket.max_wait_minutes > minutes]
    return tuple(sorted(over, key=lambda found: -found.bucket.max_wait_minutes))


def _too_long(
    name: str, severity: Severity, stacks: Sequence[StackReport], allowed: int, because: str = ""
) -> CheckFinding:
    count = sum(found.bucket.count for found in stacks)
    text = wait_message(name, stacks, allowed) + because
    return replace(_finding(name, severity, text, count, None, tuple(stacks)), allowed_minutes=allowed)


def wait_message(name: str, stacks: Sequence[StackReport], allowed: int) -> str:
    """The message for stacks that wait too long, longest wait first; ``name`` is the finding's."""
    lead = "" if name == "max-wait-minutes" else f"{name.removeprefix('limit-')}: "
    longest = stacks[0].bucket.max_wait_minutes
    held = f"{len(stacks):,} stack{'s' if len(stacks) > 1 else ''}"
    return f"{lead}a goroutine waits for {longest:,} min, the limit is {allowed:,} min ({held} above it)"


def _finding(
    name: str, severity: Severity, text: str, count: int, allowed: int | None, stacks: Sequence[StackReport]
) -> CheckFinding:
    return CheckFinding(
        name=name,
        kind="limit",
        severity=severity,
        message=text,
        count=count,
        allowed=allowed,
        stacks=tuple(stacks),
        goroutine_ids=stacks[0].bucket.goroutine_ids if stacks else (),
    )


def pool_findings(snapshot: SnapshotReport, policy: Policy) -> tuple[tuple[CheckFinding, ...], tuple[str, ...]]:
    """What exceeds the ``[[check.pool]]`` tables, and notes on what could not be judged."""
    samples = {sample.pool.name: sample for sample in snapshot.pools}
    projections = dict(snapshot.projections)
    findings: list[CheckFinding] = []
    notes: list[str] = []
    for limit in policy.pools:
        sample = samples.get(limit.pool)
        if sample is None:
            continue
        findings += _occupancy(sample, limit)
        if limit.max_wait_probability is None:
            continue
        if limit.pool not in projections:
            notes.append(f"{limit.pool}: no projection from this capture, so max_wait_probability was not checked")
            continue
        probability = projections[limit.pool].synchronous.wait_probability  # 1 when saturated
        if probability > limit.max_wait_probability:
            findings.append(
                _pool(
                    limit,
                    f"the model projects that {probability:.1%} of the tasks wait, the limit is "
                    f"{limit.max_wait_probability:.1%}",
                )
            )
    return tuple(findings), tuple(notes)


def _occupancy(sample: PoolSample, limit: PoolLimit) -> Iterator[CheckFinding]:
    if limit.max_occupancy is None or sample.occupancy <= limit.max_occupancy:
        return
    busy = round(sample.occupancy * sample.workers)
    text = f"{busy:,} of {sample.workers:,} workers are busy ({sample.occupancy:.0%}), the limit is"
    yield _pool(limit, f"{text} {limit.max_occupancy:.0%}")


def _pool(limit: PoolLimit, text: str) -> CheckFinding:
    return CheckFinding(
        name=f"pool-{limit.pool}",
        kind="pool",
        severity=limit.severity,
        message=f"{limit.pool}: {text}",
    )
