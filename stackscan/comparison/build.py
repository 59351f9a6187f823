"""Builds a comparison of captures."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from stackscan.comparison import model
from stackscan.comparison.matrix import build_matrix
from stackscan.comparison.stay import broken, rows, stayed, still
from stackscan.knowledge.rule import SEVERITIES
from stackscan.model import bucket
from stackscan.model.counting import worth
from stackscan.model.snapshot import Snapshot, Stack
from stackscan.report import CaptureReport, SnapshotReport, StackReport
from stackscan.report.growth import Growth, Leak, Observation, judge_series, leak_text, observe
from stackscan.report.places import CodePlace, place_of

if TYPE_CHECKING:
    import polars as pl

_RUNTIME: Final = ("runtime.", "internal/runtime/")


@dataclass(frozen=True)
class Dated:
    """One capture with its report, and when it was taken (None: not known)."""

    report: SnapshotReport
    snapshot: Snapshot
    captured_at: datetime | None = None
    host: str | None = None

    @property
    def observed(self) -> Observation:
        """What the verdict needs of it."""
        return observe(self.report, self.snapshot, self.captured_at, self.host)


def worth_comparing(captures: Sequence[CaptureReport]) -> list[CaptureReport]:
    """Of all captures that an input holds, those of the format that says most. Go's leak profiles are compared only
    where there is nothing else."""
    dumps = [one for one in captures if not one.report.leak_profile] or captures
    best = min((one.report.format for one in dumps), key=worth, default=None)
    return [capture for capture in dumps if capture.report.format == best]


def compare(
    taken: Sequence[Dated],
    *,
    every: timedelta | None = None,
    leak_profiles: Sequence[Dated] = (),
    individually: bool = False,
) -> model.Comparison:
    """Compare captures given in time order, at least two; ``every`` is the time between neighbours, if it is known.

    ``leak_profiles`` are Go's own of the same process: a witness, no captures to compare with full dumps.
    ``individually``: the comparison says of every goroutine where it was in each capture, where ids can be compared.
    """
    if len(taken) < 2:
        raise ValueError("a comparison needs two captures")
    reasons = [_tells_reasons(capture.report) for capture in taken]
    functions_only = any(reasons) and not all(reasons)
    signature = _functions_signature if functions_only else bucket.signature
    tables = [rows(capture.snapshot, signature) for capture in taken]
    breaks = [None, *(broken(before, after) for before, after in itertools.pairwise(tables))]
    intervals = _intervals(taken, every)
    known = [seconds for seconds in intervals if seconds is not None and seconds > 0]
    ids = not any(breaks) and all(not table.is_empty() for table in tables)
    kept = still(tables, known if len(known) == len(intervals) else None) if ids else None
    stays = None if kept is None else stayed(kept)
    buckets = _buckets(taken, functions_only, stays)
    verdict = judge_series(
        [capture.observed for capture in taken],
        [capture.observed for capture in leak_profiles],
        seconds=None if every is None else intervals,
    )
    return model.Comparison(
        verdict=verdict,
        captures=tuple(_capture(capture, reason) for capture, reason in zip(taken, breaks, strict=True)),
        intervals_seconds=tuple(intervals),
        functions_only=functions_only,
        total=model.Change(tuple(capture.report.goroutines for capture in taken)),
        stayed=None if stays is None else sum(entry.goroutines for entry in stays.values()),
        buckets=buckets,
        standings=_standings(taken, buckets, counted=not all(reasons)),
        creators=_creators(taken),
        pools=_pools(taken),
        findings=_findings(taken, buckets, stays is not None, verdict),
        notes=tuple(_notes(taken, intervals, breaks, functions_only, ids)),
        matrix=_matrix(taken, kept, verdict, functions_only) if individually and kept is not None else None,
        modules=tuple(dict.fromkeys(module for capture in taken for module in capture.report.modules)),
        go_version=_one({capture.report.go_version for capture in taken}),
    )


def _matrix(taken: Sequence[Dated], kept: pl.DataFrame, verdict: Growth, functions_only: bool) -> model.Matrix:
    """Every goroutine; ``kept`` are those that stayed (:func:`~stackscan.comparison.stay.still`)."""
    advanced = kept.filter("advanced")["goroutine_id"].to_list()
    return build_matrix(
        [(capture.report, capture.snapshot) for capture in taken],
        waiting=frozenset(advanced),
        growing=frozenset(place.place for place in verdict.places if verdict.leaks),
        reasons=not functions_only,
    )


def _one(versions: set[str | None]) -> str | None:
    """The version that all captures have."""
    return next(iter(versions)) if len(versions) == 1 else None


def _tells_reasons(report: SnapshotReport) -> bool:
    """Whether it tells wait reasons; a dump without goroutines hides none."""
    return not report.goroutines or any(found.bucket.wait_reason is not None for found in report.buckets)


def _functions_signature(_: str | None, stack: Stack) -> str:
    """A signature for views that differ in what they tell: no wait reason, no frames of the runtime."""
    functions = [function for function in stack.functions if not function.startswith(_RUNTIME)]
    return hashlib.sha256("\0".join(functions).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _intervals(taken: Sequence[Dated], every: timedelta | None) -> list[float | None]:
    if every is not None:
        return [every.total_seconds()] * (len(taken) - 1)
    times = [capture.captured_at for capture in taken]
    return [
        None if one is None or other is None else (other - one).total_seconds()
        for one, other in itertools.pairwise(times)
    ]


def _capture(taken: Dated, break_before: str | None) -> model.CaptureSummary:
    report = taken.report
    return model.CaptureSummary(
        source=report.source,
        member=report.member,
        position=report.position,
        snapshots_in_member=report.snapshots_in_member,
        format=report.format,
        goroutines=report.goroutines,
        complete=report.complete,
        captured_at=taken.captured_at,
        longest_wait_minutes=report.longest_wait_minutes,
        break_before=break_before,
    )


def _buckets(
    taken: Sequence[Dated], functions_only: bool, stays: dict[str, model.Stayed] | None
) -> tuple[model.BucketChange, ...]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(taken))
    waits: dict[str, list[int | None]] = defaultdict(lambda: [None] * len(taken))
    shown: dict[str, StackReport] = {}
    for place, capture in enumerate(taken):
        for found in reversed(capture.report.buckets):  # the largest last: it is the one to show
            held = found.bucket
            key = _functions_signature(None, held.stack) if functions_only else held.signature
            counts[key][place] += held.count
            waits[key][place] = max(waits[key][place] or 0, held.max_wait_minutes)
            shown[key] = found
    changes = [
        model.BucketChange(
            key,
            model.Change(tuple(numbers)),
            shown[key],
            tuple(waits[key]),
            None if stays is None else stays.get(key, model.Stayed(0, 0, None)),
        )
        for key, numbers in counts.items()
    ]
    return tuple(sorted(changes, key=lambda b: (-b.change.change, -max(b.change.counts), b.signature)))


def _standings(
    taken: Sequence[Dated], buckets: Sequence[model.BucketChange], *, counted: bool
) -> tuple[model.StandingChange, ...]:
    counts: dict[CodePlace, list[int]] = defaultdict(lambda: [0] * len(taken))
    signatures: dict[CodePlace, set[str]] = defaultdict(set)
    largest: dict[CodePlace, StackReport] = {}
    for place, capture in enumerate(taken):
        for found in reversed(capture.report.buckets):
            standing = place_of(found, counted=counted)
            counts[standing][place] += found.bucket.count
            signatures[standing].add(found.bucket.signature)
            largest[standing] = found
    stayers: Counter[CodePlace] = Counter()
    for change in buckets:
        if change.stayed is not None:
            stayers[place_of(change.stack, counted=counted)] += change.stayed.goroutines
    ids = any(change.stayed is not None for change in buckets)
    changes = [
        model.StandingChange(
            *standing,
            change=model.Change(tuple(numbers)),
            stacks=len(signatures[standing]),
            largest=largest[standing],
            stayed=stayers[standing] if ids else None,
        )
        for standing, numbers in counts.items()
    ]
    order = lambda s: (-s.change.change, -max(s.change.counts), s.at or "", s.created_by or "")  # noqa: E731
    return tuple(sorted(changes, key=order))


def _creators(taken: Sequence[Dated]) -> tuple[tuple[str | None, model.Change], ...]:
    counts: dict[str | None, list[int]] = defaultdict(lambda: [0] * len(taken))
    for place, capture in enumerate(taken):
        for found in capture.report.buckets:
            creator = found.bucket.stack.created_by
            counts[None if creator is None else creator.function][place] += found.bucket.count
    changes = [(creator, model.Change(tuple(numbers))) for creator, numbers in counts.items()]
    return tuple(sorted(changes, key=lambda c: (-c[1].change, -max(c[1].counts), c[0] or "")))


def _pools(taken: Sequence[Dated]) -> tuple[model.PoolChange, ...]:
    samples = [{sample.pool.name: sample for sample in capture.report.pools} for capture in taken]
    changes = []
    for name in sorted({name for seen in samples for name in seen}):
        seen = [found.get(name) for found in samples]
        states = dict.fromkeys(state for sample in seen if sample is not None for state in sample.states)
        changes.append(
            model.PoolChange(
                name,
                tuple(None if sample is None else sample.workers for sample in seen),
                tuple(None if sample is None else round(sample.occupancy * sample.workers) for sample in seen),
                tuple(
                    (state, tuple(None if sample is None else sample.states.get(state, 0) for sample in seen))
                    for state in states
                ),
            )
        )
    return tuple(changes)


def _findings(
    taken: Sequence[Dated], buckets: Sequence[model.BucketChange], ids: bool, verdict: Growth
) -> tuple[model.FindingChange, ...]:
    """What each rule caught in each capture, and what only time shows, worst first. Stacks are those that a rule
    caught in the last capture holding them. A root cause may occur several times in a capture: they are added up."""
    changes = [_leak(leak, verdict, len(taken), buckets if ids else None) for leak in verdict.leaks]
    for name in dict.fromkeys(finding.rule.name for capture in taken for finding in capture.report.findings):
        seen = [[f for f in capture.report.findings if f.rule.name == name] for capture in taken]
        told = [finding for findings in reversed(seen) for finding in findings if finding.severity in SEVERITIES]
        if not told:
            continue
        worst = min(told, key=lambda finding: SEVERITIES.index(finding.severity))
        caught = [change for change in buckets if name in change.stack.rules and change.stayed is not None]
        changes.append(
            model.FindingChange(
                rule=name,
                title=worst.title,
                noun=worst.rule.noun,
                severity=worst.severity,
                change=model.Change(tuple(sum(finding.count for finding in findings) for findings in seen)),
                stayed=sum(c.stayed.goroutines for c in caught if c.stayed is not None) if ids else None,
                cause=worst.cause,
                confidence=worst.confidence,
            )
        )
    return tuple(sorted(changes, key=lambda f: (SEVERITIES.index(f.severity), -f.change.counts[-1], f.rule)))


def _leak(
    leak: Leak, verdict: Growth, captures: int, buckets: Sequence[model.BucketChange] | None
) -> model.FindingChange:
    """A leak as a finding; captures that it was not judged by count no goroutines."""
    counts = [0] * captures
    for place, at in enumerate(verdict.captures):
        counts[at] = sum(each.counts[place] for each in leak.places)
    places = {each.place for each in leak.places}
    held = [b.stayed.goroutines for b in buckets or () if b.stayed is not None and place_of(b.stack) in places]
    return model.FindingChange(
        rule="leak",
        title=leak_text(leak),
        noun="goroutines",
        severity="error",
        change=model.Change(tuple(counts)),
        stayed=None if buckets is None else sum(held),
        cause="leak",
        confidence=leak.confidence,
    )


def _notes(
    taken: Sequence[Dated],
    intervals: Sequence[float | None],
    breaks: Sequence[str | None],
    functions_only: bool,
    ids: bool,
) -> Iterable[str]:
    """What limits the comparison."""
    if any(seconds is not None and seconds < 0 for seconds in intervals):
        yield "the captures are not in time order, by the times in their names"
    if functions_only:
        yield "some captures have no wait reasons: stacks are compared by their functions outside the runtime"
    if any(breaks):
        yield "the captures are of different processes: goroutines that stayed cannot be found by id"
    elif any(not capture.report.goroutines for capture in taken):
        yield "one capture has no goroutines: none can have stayed"
    elif not ids:
        yield "some captures have no goroutine ids: goroutines that stayed cannot be found"
    if any(not capture.report.complete for capture in taken):
        yield "some captures are incomplete: missing goroutines may appear as new or gone"
