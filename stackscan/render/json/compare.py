"""A comparison as one JSON object, for scripts. Fields are added, never renamed."""

from __future__ import annotations

from typing import Any, Final, TextIO

from stackscan import __version__
from stackscan.comparison import model
from stackscan.render.json.write import write
from stackscan.report.growth import Leak, PlaceGrowth, leak_text, sentence

SCHEMA: Final = "stackscan.compare"
SCHEMA_VERSION: Final = 1


def render(comparison: model.Comparison, out: TextIO) -> None:
    """Write the whole comparison."""
    write(as_json(comparison), out)


def as_json(comparison: model.Comparison) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        "verdict": _verdict(comparison),
        "snapshots": [capture.source for capture in comparison.captures],
        "captures": [_capture(capture) for capture in comparison.captures],
        "intervals_seconds": list(comparison.intervals_seconds),
        "functions_only": comparison.functions_only,
        "one_process": not any(capture.break_before for capture in comparison.captures),
        "goroutines": _change(comparison.total),
        "persisted": comparison.stayed,
        "buckets": [_bucket(change) for change in comparison.buckets],
        "standings": [_standing(change) for change in comparison.standings],
        "creators": [{"created_by": creator, **_change(change)} for creator, change in comparison.creators],
        "pools": [_pool(change) for change in comparison.pools],
        "findings": [_finding(change) for change in comparison.findings],
        "notes": list(comparison.notes),
    }


def _verdict(comparison: model.Comparison) -> dict[str, Any]:
    verdict = comparison.verdict
    return {
        "kind": verdict.kind,
        "text": sentence(verdict, len(comparison.captures)),
        "captures": list(verdict.captures),
        "goroutines": list(verdict.totals),
        "seconds": verdict.seconds,
        "places": [_place(place) for place in verdict.places],
        "leaks": [_leak(leak) for leak in verdict.leaks],
        "because": verdict.because or None,
    }


def _place(place: PlaceGrowth) -> dict[str, Any]:
    frame = place.frame
    return {
        "signature": place.signature,
        "function": place.function,
        "created_by": place.place[1],
        "wait_reason": place.place[2],
        "file": None if frame is None else frame.file,
        "line": None if frame is None else frame.line,
        "counts": list(place.counts),
        "stayed": None if place.stayed is None else list(place.stayed),
        "rate_per_second": place.rate_per_second,
        "oldest_minutes": None if place.oldest_minutes is None else list(place.oldest_minutes),
    }


def _leak(leak: Leak) -> dict[str, Any]:
    return {
        "text": leak_text(leak),
        "places": [place.signature for place in leak.places],
        "confidence": leak.confidence,
        "witnesses": {"growth": "yes", "age": leak.age, "detector": leak.detector},
        "leaked": leak.leaked,
    }


def _capture(capture: model.CaptureSummary) -> dict[str, Any]:
    return {
        "source": capture.source,
        "member": capture.member,
        "position": capture.position,
        "format": capture.format,
        "goroutines": capture.goroutines,
        "complete": capture.complete,
        "captured_at": None if capture.captured_at is None else capture.captured_at.isoformat(),
        "longest_wait_minutes": capture.longest_wait_minutes,
        "break_before": capture.break_before,
    }


def _change(change: model.Change) -> dict[str, Any]:
    return {"counts": list(change.counts), "change": change.change, "verdict": change.verdict}


def _bucket(change: model.BucketChange) -> dict[str, Any]:
    found, stayed = change.stack, change.stayed
    creator = found.bucket.stack.created_by
    return {
        "signature": change.signature,
        **_change(change.change),
        "least": min(change.change.counts),
        "persisted": None if stayed is None else stayed.goroutines,
        "woke": None if stayed is None else stayed.woke,
        "waits_advanced": None if stayed is None else stayed.waits_advanced,
        "max_wait_minutes": list(change.max_wait_minutes),
        "wait_reason": found.bucket.wait_reason,
        "created_by": None if creator is None else creator.function,
        "at": None if found.deciding_frame is None else found.deciding_frame.function,
        "rules": list(found.rules),
        "goroutine_ids": list(found.bucket.goroutine_ids),
        "frames": [{"function": f.function, "file": f.file, "line": f.line} for f in found.bucket.stack.frames],
    }


def _standing(change: model.StandingChange) -> dict[str, Any]:
    return {
        "at": change.at,
        "created_by": change.created_by,
        "wait_reason": change.wait_reason,
        **_change(change.change),
        "least": min(change.change.counts),
        "stacks": change.stacks,
        "persisted": change.stayed,
    }


def _pool(change: model.PoolChange) -> dict[str, Any]:
    return {
        "pool": change.pool,
        "workers": list(change.workers),
        "busy": list(change.busy),
        "states": {state: list(numbers) for state, numbers in change.states},
    }


def _finding(change: model.FindingChange) -> dict[str, Any]:
    return {
        "rule": change.rule,
        "severity": change.severity,
        "title": change.title,
        "cause": change.cause,
        "confidence": change.confidence,
        **_change(change.change),
        "persisted": change.stayed,
    }
