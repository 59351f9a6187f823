"""The outcome of a check as one JSON object, for scripts. Fields are added, never renamed."""

from __future__ import annotations

from typing import Any, Final, TextIO

from stackscan import __version__
from stackscan.checks import CaptureResult, CheckFinding, CheckResult, IgnoreUse, SourceResult
from stackscan.render import check_words as wording
from stackscan.render.json.write import write

SCHEMA: Final = "stackscan.check"
SCHEMA_VERSION: Final = 1
_STACKS: Final = 20


def render(result: CheckResult, out: TextIO) -> None:
    """Write the outcome."""
    write(as_json(result), out)


def as_json(result: CheckResult) -> dict[str, Any]:
    """The outcome as JSON values."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "stackscan_version": __version__,
        "exit_code": result.exit_code,
        "answer": wording.answer(result),
        "fail_on": result.fail_on,
        "policy": result.policy.where,
        "baseline": result.baseline,
        "rules": list(result.rules),
        "sources": [_source(source) for source in result.sources],
        "ignores": [_ignore(use, result) for use in result.ignores],
    }


def _source(source: SourceResult) -> dict[str, Any]:
    error = None if source.trouble is None else {"message": source.trouble, "hint": source.hint}
    return {"source": source.source, "error": error, "captures": [_capture(capture) for capture in source.captures]}


def _capture(capture: CaptureResult) -> dict[str, Any]:
    return {
        "source": capture.source,
        "member": capture.member,
        "position": capture.position,
        "format": capture.format,
        "goroutines": capture.goroutines,
        "complete": capture.complete,
        "fails": capture.fails,
        "findings": [_finding(finding) for finding in capture.findings],
        "notes": list(capture.notes),
    }


def _finding(finding: CheckFinding) -> dict[str, Any]:
    frame = finding.frame
    return {
        "name": finding.name,
        "kind": finding.kind,
        "severity": finding.severity,
        "cause": finding.cause,
        "confidence": finding.confidence,
        "status": finding.status,
        "fails": finding.fails,
        "message": finding.message,
        "count": finding.count,
        "allowed": finding.allowed,
        "allowed_minutes": finding.allowed_minutes,
        "baseline": finding.baseline,
        "reason": finding.reason or None,
        "frame": None if frame is None else {"function": frame.function, "file": frame.file, "line": frame.line},
        "goroutine_ids": list(finding.goroutine_ids),
        "stacks": [
            {
                "signature": found.bucket.signature,
                "count": found.bucket.count,
                "wait_reason": found.bucket.wait_reason,
                "max_wait_minutes": found.bucket.max_wait_minutes,
                "at": None if found.deciding_frame is None else found.deciding_frame.function,
            }
            for found in finding.stacks[:_STACKS]
        ],
        "why": finding.why or None,
        "fix": finding.fix or None,
        "references": list(finding.references),
    }


def _ignore(use: IgnoreUse, result: CheckResult) -> dict[str, Any]:
    ignore = use.ignore
    return {
        "finding": ignore.finding,
        "signature": ignore.signature,
        "function": None if ignore.function is None else ignore.function.texts[0],
        "reason": ignore.reason,
        "expires": None if ignore.expires is None else ignore.expires.isoformat(),
        "expired": use.expired,
        "used": use.used,
        "complaint": wording.ignore_complaint(use, result),
    }
