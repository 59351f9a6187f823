"""The outcome of a check as SARIF 2.1.0 (OASIS, errata 01), for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, TextIO
from urllib.parse import quote

from stackscan import __version__
from stackscan.checks import CaptureResult, CheckFinding, CheckResult
from stackscan.checks.policy import Policy
from stackscan.model.snapshot import Frame
from stackscan.render import check_words as wording
from stackscan.render import words
from stackscan.render.json.write import write

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
_STATES: Final = {"new": "new", "grown": "updated", "known": "unchanged"}
_STACKS: Final = 5


def render(result: CheckResult, out: TextIO) -> None:
    """Write the log."""
    write(as_sarif(result), out)


def as_sarif(result: CheckResult) -> dict[str, Any]:
    """The log as JSON values: one run, a result for each finding, also for what is known or ignored."""
    findings = [(capture, finding) for capture in result.captures for finding in capture.findings]
    rules: dict[str, dict[str, Any]] = {}
    for _, finding in findings:
        rules.setdefault(finding.name, _rule(finding))
    ids = list(rules)
    driver = {
        "name": "stackscan",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": list(rules.values()),
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "invocations": [_invocation(result)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, capture, ids.index(finding.name), result.policy) for capture, finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(finding: CheckFinding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.name,
        "shortDescription": {"text": _short(finding)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }
    if finding.why:
        rule["fullDescription"] = {"text": _line(finding.why)}
    if finding.fix:
        rule["help"] = {"text": _line(finding.fix)}
    if finding.references:
        rule["helpUri"] = quote(finding.references[0], safe=_URI)
    return rule


def _short(finding: CheckFinding) -> str:
    """What is true of every result of a rule: without its numbers."""
    return (
        words.shortened(_line(finding.message.partition(": ")[2] or finding.name))
        if finding.kind == "rule"
        else finding.name
    )


def _invocation(result: CheckResult) -> dict[str, Any]:
    troubles = [(source, source.trouble) for source in result.sources if source.trouble is not None]
    notes = [note for capture in result.captures for note in capture.notes]
    invocation: dict[str, Any] = {
        "executionSuccessful": not troubles,
        "exitCode": result.exit_code,
        "exitCodeDescription": _line(wording.answer(result)),
    }
    if troubles:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": _message(f"{trouble}. {source.hint}")}}
            for source, trouble in troubles
        ]
    told = [("note", note) for note in notes] + [("warning", text) for text in wording.complaints(result)]
    if told:
        invocation["toolConfigurationNotifications"] = [
            {"level": level, "message": {"text": _message(text)}} for level, text in told
        ]
    return invocation


def _result(finding: CheckFinding, capture: CaptureResult, index: int, policy: Policy) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "ruleId": finding.name,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(f"{wording.message(finding)} ({wording.capture_name(capture)})")},
        "locations": [_place(finding, capture, policy)],
        "partialFingerprints": {"stackscan/v1": _fingerprint(finding)},
        "properties": {"fails": finding.fails, "status": finding.status, "capture": wording.capture_name(capture)},
    }
    if finding.cause is not None:
        entry["properties"] |= {"cause": finding.cause, "confidence": finding.confidence}
    if finding.status in _STATES:
        entry["baselineState"] = _STATES[finding.status]
    if finding.status == "ignored":
        entry["suppressions"] = [{"kind": "external", "justification": _line(finding.reason)}]
    if finding.count:
        entry["occurrenceCount"] = finding.count
    if finding.stacks:
        entry["stacks"] = [
            {
                "message": {"text": _message(f"{found.bucket.count:,}, {found.state}")},
                "frames": [{"location": _location(frame, policy)} for frame in found.bucket.stack.frames],
            }
            for found in finding.stacks[:_STACKS]
        ]
    return entry


def _fingerprint(finding: CheckFinding) -> str:
    """The same for the same finding in the same place, over rebuilds: no lines and no counts go into it."""
    at = finding.frame.function if finding.frame else ""
    return hashlib.sha256(f"{finding.name}\0{at}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _place(finding: CheckFinding, capture: CaptureResult, policy: Policy) -> dict[str, Any]:
    """Where a finding is: its frame, else the capture itself, for code scanning refuses a result without a file."""
    if finding.frame is not None and finding.frame.file:
        return _location(finding.frame, policy)
    name = "stdin" if capture.source == "-" else "/".join(filter(None, (capture.source, capture.member)))
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(name)}}}


def _location(frame: Frame, policy: Policy) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": _line(frame.function), "kind": "function"}],
    }
    if frame.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(wording.own_path(frame, policy) or frame.file)}}
        if frame.line > 0:
            physical["region"] = {"startLine": frame.line}
        location["physicalLocation"] = physical
    return location


_URI: Final = "/:@!$&'()*+,;=?#%~"


def _uri(path: str) -> str:
    """A file name of a stack as a URI: absolute paths as ``file:``, others (of modules) relative."""
    text = words.plain(path).replace("\\", "/")
    if text[1:3] == ":/":
        return "file:///" + quote(text, safe="/:@!$&'()*+,;=~")
    quoted = quote(text, safe="/@!$&'()*+,;=~")  # a colon in a relative path would be a scheme
    return "file://" + quoted if quoted.startswith("/") else quoted


def _message(text: str) -> str:
    """A message's text: braces would be placeholders (section 3.11.5), ``[a](b)`` a link (3.11.6); names for people."""
    return words.shortened(_line(text)).replace("](", "] (").replace("{", "{{").replace("}", "}}")


def _line(text: str) -> str:
    return words.plain(" ".join(text.split()))
