"""What the report of a capture has for the fleet: its findings, the places in its code, crowded lines, and pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackscan.analysis.finding import told_by
from stackscan.fleet.row import Seen, Spot, Workers
from stackscan.fleet.stacks import packages_on, printed
from stackscan.model.snapshot import Frame, Stack
from stackscan.report import SnapshotReport, StackReport
from stackscan.report.places import CodePlace, place_of


def seen(report: SnapshotReport) -> Iterator[Seen]:
    """Its findings, without those that another one explains."""
    frames = dict(report.finding_frames)
    for finding in report.findings:
        if told_by(finding, report.findings) is None:
            frame = frames.get(finding.key)
            yield Seen(
                rule=finding.rule.name,
                cause=finding.cause,
                severity=finding.severity,
                title=finding.title,
                fix=finding.rule.fix,
                place=None if frame is None else frame.function,
                location=_location(frame),
                count=finding.count,
                packages=_packages_of(finding.rule.name, frame, report),
            )


def _packages_of(rule: str, frame: Frame | None, report: SnapshotReport) -> tuple[str, ...]:
    """The packages of the largest stack that a rule caught and that has this frame."""
    caught = (found.bucket.stack for found in report.buckets if rule in found.rules)
    stack = next((each for each in caught if frame is None or frame in each.frames), None)
    if stack is not None:
        return packages_on(stack)
    return () if frame is None else packages_on(Stack((frame,)))


def _location(frame: Frame | None) -> str:
    """``server.go:278``; empty where it is not known."""
    return (
        f"{frame.file.replace(chr(92), '/').rpartition('/')[2]}:{frame.line}"
        if frame is not None and frame.file
        else ""
    )


def spots(report: SnapshotReport, *, stacks: bool) -> Iterator[Spot]:
    """The places of a capture."""
    stuck = _alarming(report)
    found_at: dict[CodePlace, list[StackReport]] = {}
    for found in report.buckets:  # the largest first
        found_at.setdefault(place_of(found), []).append(found)
    for place, here in found_at.items():
        yield _spot(place, here, stuck, stacks)


def _alarming(report: SnapshotReport) -> set[str]:
    """The rules whose goroutines need no other finding: what is only information may still leak."""
    return {finding.rule.name for finding in report.findings if finding.severity != "info"}


def _spot(place: CodePlace, here: Sequence[StackReport], stuck: set[str], stacks: bool) -> Spot:
    return Spot(
        place=place,
        location=_location(here[0].deciding_frame),
        count=sum(found.bucket.count for found in here),
        minutes=max(found.bucket.max_wait_minutes for found in here),
        idle=all(found.aside for found in here),
        caught=any(not stuck.isdisjoint(found.rules) for found in here),
        packages=packages_on(here[0].bucket.stack),
        stack=printed(here[0].bucket.stack) if stacks else "",
    )


def crowds(report: SnapshotReport, threshold: int, *, stacks: bool) -> Iterator[Spot]:
    """Lines at which very many goroutines are, of whatever state and creator."""
    if report.goroutines < threshold:
        return
    stuck = _alarming(report)
    lines: dict[tuple[str | None, str], list[StackReport]] = {}
    for found in report.buckets:
        frame = found.deciding_frame
        lines.setdefault((None if frame is None else frame.function, _location(frame)), []).append(found)
    for (function, _), here in lines.items():
        crowd = _spot((function, None, None), here, stuck, stacks)
        if crowd.count >= threshold:
            yield crowd


def pools(report: SnapshotReport) -> Iterator[Workers]:
    """Its pools that can be full, described or possible."""
    for sample in report.pools:
        if not sample.is_bounded:
            continue
        idle = sum(sample.states[state] for state in sample.idle_states)
        yield Workers(sample.pool.name, sample.workers, sample.workers - idle)
    for proposal in report.proposals:
        busy = proposal.workers - proposal.idle
        yield Workers(
            proposal.root, proposal.workers, busy, known=False, creator=proposal.creator, idle_at=proposal.idle_at
        )
