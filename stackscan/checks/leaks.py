"""Leaks that several captures of one process show: a finding in the last of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stackscan.checks.baseline import Baseline
from stackscan.checks.model import CheckFinding, Status
from stackscan.checks.policy import Growth as Allowance
from stackscan.knowledge import cause
from stackscan.knowledge.rule import Severity
from stackscan.report import SnapshotReport
from stackscan.report.growth import REFERENCES, WHY, Growth, Leak, Observation, leak_text, place_text, witnesses

#: The name of the finding.
LEAK: Final = "leak"
#: Source, member, stream and position of a capture.
Key = tuple[str, str | None, str, int]


def key_of(report: SnapshotReport) -> Key:
    """What tells a capture from all others of a check."""
    return report.source, report.member, report.stream, report.position


def leaks_by_capture(observations: Sequence[Observation], growths: Iterable[Growth]) -> dict[Key, list[Leak]]:
    """The leaks by the last capture of their process."""
    found: dict[Key, list[Leak]] = {}
    for growth in growths:
        if growth.leaks:
            last = observations[growth.captures[-1]]
            key = (last.source, last.member, last.stream, last.position)
            found.setdefault(key, []).extend(growth.leaks)
    return found


def leak_findings(
    leaks: Iterable[Leak], severity: Severity, baseline: Baseline | None, allowance: Allowance
) -> Iterator[CheckFinding]:
    """The findings for the leaks that end in one capture."""
    for leak in leaks:
        status, known, allowed = _status(leak, baseline, allowance)
        others = "".join(f"; with it {place_text(place)}" for place in leak.places[1:])
        yield CheckFinding(
            name=LEAK,
            kind="growth",
            severity=severity,
            message=f"{leak_text(leak)}{others}",
            status=status,
            count=leak.count,
            allowed=allowed,
            baseline=known,
            stacks=tuple(place.stack for place in leak.places),
            goroutine_ids=leak.places[0].stack.bucket.goroutine_ids,
            why=f"{WHY} {'. '.join(witnesses(leak))}.",
            fix=cause.fix_of(LEAK),
            references=REFERENCES,
            cause=LEAK,
            confidence=leak.confidence,
        )


def _status(leak: Leak, baseline: Baseline | None, allowance: Allowance) -> tuple[Status, int | None, int | None]:
    """Whether the baseline has as many goroutines in each of its places, with their known and allowed numbers."""
    if baseline is None:
        return "found", None, None
    known = [baseline.known_at(place.place) for place in leak.places]
    allowed = [allowance.allowed(number) for number in known]
    inside = all(p.counts[-1] <= most for p, most in zip(leak.places, allowed, strict=True))
    status: Status = "known" if inside and all(known) else "grown" if any(known) else "new"
    return status, sum(known), sum(allowed)


def is_of_leak(finding: CheckFinding, leaks: Iterable[Leak]) -> bool:
    """Whether a growth beside the baseline is in a place of a leak, which says more."""
    functions = {frame.function for found in finding.stacks[:1] if (frame := found.deciding_frame) is not None}
    return any(place.frame is not None and place.frame.function in functions for leak in leaks for place in leak.places)
