"""The report as JSON values, in the shape that scripts rely on. Fields are added, never renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stackscan import __version__
from stackscan.report import locks as lock_report
from stackscan.report.model import BundleReport, Report, SnapshotReport, StackReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackscan.analysis.breakdown import Breakdown, Share
    from stackscan.analysis.creation_sites import Family
    from stackscan.analysis.defects import Judgement
    from stackscan.analysis.finding import Finding, Step
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.model.snapshot import Frame
    from stackscan.queueing.projection import Projection

SCHEMA: Final = "stackscan.report"
SCHEMA_VERSION: Final = 1


def as_json(report: Report) -> dict[str, Any]:
    """The whole report. Numbers are finite; what is unknown is null."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        "snapshots": [_snapshot(snapshot) for snapshot in report.snapshots],
        "bundle": _bundle(report.bundles[0]) if report.bundles else None,
        "bundles": [_bundle(bundle) for bundle in report.bundles],
    }


def _bundle(bundle: BundleReport) -> dict[str, Any]:
    version = bundle.version or {}
    return {
        "source": bundle.source,
        "version": version.get("Version"),
        "commit": version.get("Commit"),
        "golang": version.get("Golang"),
        "system": version.get("System"),
        "members": [
            {"name": m.name, "kind": m.kind, "size": m.size, "goroutines": m.goroutines, "note": m.note}
            for m in bundle.members
        ],
        "views": [
            {
                "members": [views.first, views.second],
                "goroutines": list(views.agreement.goroutines),
                "agreeing_share": views.agreement.share,
                "only_first": views.agreement.only_first,
                "only_second": views.agreement.only_second,
            }
            for views in bundle.views
        ],
        "contention": [
            {
                "member": profile.member,
                "kind": profile.kind,
                "delay_seconds": profile.delay_seconds,
                "stacks": [
                    {"delay_seconds": s.delay_seconds, "waits": s.waits, "root": s.root, **_frame(s.frame)}
                    for s in profile.stacks
                ],
            }
            for profile in bundle.contention
        ],
    }


def _snapshot(snapshot: SnapshotReport) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "member": snapshot.member,
        "wrapper": list(snapshot.wrapper),
        "stream": snapshot.stream or None,
        "position": snapshot.position,
        "format": snapshot.format,
        "leak_profile": snapshot.leak_profile,
        "dialect": snapshot.dialect,
        "cause": snapshot.cause,
        "verdicts": [{"level": line.level, "text": line.text} for line in snapshot.verdicts],
        "goroutines": snapshot.goroutines,
        "header_lines": snapshot.header_lines,
        "distinct_stacks": snapshot.distinct_stacks,
        "distinct_buckets": snapshot.distinct_buckets,
        "complete": snapshot.complete,
        "longest_wait_minutes": snapshot.longest_wait_minutes,
        "problems": [{"line": p.line, "reason": p.reason, "excerpt": p.excerpt} for p in snapshot.problems],
        "wait_reasons": dict(snapshot.wait_reasons),
        "modules": [{"module": module, "version": version} for module, version in snapshot.modules],
        "buckets": [_bucket(found) for found in snapshot.buckets],
        "findings": findings_json(snapshot),
        "set_aside": [
            {"rule": f.rule.name, "title": f.title, "count": f.count, "goroutine_ids": list(f.goroutine_ids)}
            for f in snapshot.set_aside
        ],
        "where": None
        if snapshot.selection is None
        else {"expression": snapshot.selection.expression, "goroutines_in_dump": snapshot.selection.goroutines},
        "pools": pools_json(snapshot),
        "proposed_pools": [
            {"root": p.root, "created_by": p.creator, "workers": p.workers, "idle": p.idle, "toml": p.toml}
            for p in snapshot.proposals
        ],
        "phases": [_phase(judgement) for judgement in snapshot.phases],
        "source_notes": list(snapshot.source_notes),
        "locks": lock_report.locks_json(snapshot.locks),
        "families": lock_report.families_json(snapshot.families),
        "by": None if snapshot.breakdown is None else _breakdown(snapshot.breakdown),
    }


def _breakdown(found: Breakdown) -> dict[str, Any]:
    rest = found.rest
    return {
        "key": found.key,
        "values": [{"value": share.value, **_share(share)} for share in found.shares],
        "other": None if rest is None else {"values": rest.values, **_share(rest.sum)},
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "goroutines": share.goroutines,
        "findings": [{"rule": rule, "count": count} for rule, count in share.findings],
        "pools": [{"pool": one.pool, "workers": one.workers, "busy": one.busy} for one in share.pools],
    }


def _bucket(found: StackReport) -> dict[str, Any]:
    bucket = found.bucket
    creator = bucket.stack.created_by
    return {
        "signature": bucket.signature,
        "count": bucket.count,
        "wait_reason": bucket.wait_reason,
        "state": found.state,
        "min_wait_minutes": bucket.min_wait_minutes,
        "max_wait_minutes": bucket.max_wait_minutes,
        "created_by": creator.function if creator else None,
        "goroutine_ids": list(bucket.goroutine_ids),
        "rules": list(found.rules),
        "set_aside": found.aside,
        "deciding_frame": found.deciding_place,
        "elided_frames": bucket.stack.elided,
        "frames": [_frame(frame) for frame in bucket.stack.frames],
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {"function": frame.function, "file": frame.file, "line": frame.line}


def findings_json(snapshot: SnapshotReport) -> list[dict[str, Any]]:
    """What is stuck in a snapshot."""
    families = dict(snapshot.finding_families)
    return [finding_json(finding, families.get(finding.key, ())) for finding in snapshot.findings]


def finding_json(finding: Finding, families: Sequence[Family] = ()) -> dict[str, Any]:
    """One finding; ``families`` are the creation sites of its goroutines."""
    rule = finding.rule
    return {
        "rule": rule.name,
        "severity": finding.severity,
        "title": finding.title,
        "count": finding.count,
        "goroutine_ids": list(finding.goroutine_ids),
        "evidence": finding.evidence,
        "why": rule.why,
        "fix": rule.fix,
        "references": list(rule.references),
        "cause": finding.cause,
        "confidence": finding.confidence,
        "steps": [_step(step) for step in finding.steps],
        "families": lock_report.families_json(families),
        "evidence_level": rule.evidence_level,
        "affected": [str(entry) for entry in rule.affected],
        "fixed": rule.fixed or None,
        "applies": None if finding.applies is None else {"verdict": finding.applies[0], "basis": finding.applies[1]},
    }


def _step(step: Step) -> dict[str, Any]:
    frame = None if step.frame is None else _frame(step.frame)
    source = step.source
    lines = [] if source is None else [{"line": number, "text": line} for number, line in source.lines]
    return {
        "goroutine_ids": list(step.ids),
        "count": step.count,
        "does": step.does,
        "frame": frame,
        "source": None if source is None else {"file": source.file, "line": source.line, "lines": lines},
    }


def _phase(judgement: Judgement) -> dict[str, Any]:
    return {
        "defect": judgement.defect.name,
        "phase": judgement.phase.name,
        "fixed": judgement.phase.fixed,
        "fixed_in": judgement.defect.fixed_in,
        "says": judgement.phase.says,
        "basis": judgement.basis,
        "contradicted_by": list(judgement.contradicted_by),
        "release_phase": judgement.claimed.name if judgement.claimed else None,
    }


def pools_json(snapshot: SnapshotReport) -> list[dict[str, Any]]:
    """The pools of a snapshot, and what the model says of them."""
    return [_pool(sample, dict(snapshot.projections)) for sample in snapshot.pools]


def _projection(projection: Projection) -> dict[str, Any]:
    from stackscan.queueing.values import projection_values

    return projection_values(projection)


def _pool(sample: PoolSample, projections: dict[str, Projection]) -> dict[str, Any]:
    return {
        "pool": sample.pool.name,
        "title": sample.pool.title,
        "workers": sample.workers,
        "occupancy": round(sample.occupancy, 4),
        "states": sample.states,
        "detail": sample.detail,
        "projection": _projection(projections[sample.pool.name]) if sample.pool.name in projections else None,
    }
