"""The outcome of a check for editors: ``store/cache.go:42: error: 3 goroutines … [rule] in after.stacks``.

A line for each finding that is neither known nor ignored, as gcc, go vet and golangci-lint print theirs.
"""

from __future__ import annotations

from typing import Final, TextIO

from stackscan.checks import CaptureResult, CheckFinding, CheckResult
from stackscan.render import check_words as wording
from stackscan.render import words
from stackscan.render.local_files import Find, local_path

_KINDS: Final = {"error": "error", "warning": "warning", "info": "note"}


def render(result: CheckResult, out: TextIO, *, find: Find | None = None) -> None:
    """Write the lines. ``find`` finds the file of a frame on this machine (None: none is looked for)."""
    for source in result.sources:
        if source.trouble is not None:
            out.write(f"{_name(source.source)}:1: error: {_text(source.trouble)} [not-checked]\n")
        for capture in source.captures:
            for finding in capture.findings:
                if finding.status not in ("known", "ignored"):
                    out.write(_line(finding, capture, result, find))


def _line(finding: CheckFinding, capture: CaptureResult, result: CheckResult, find: Find | None) -> str:
    kind = "error" if finding.fails else _KINDS[finding.severity]
    said = f"{kind}: {_text(wording.message(finding))} [{words.plain(finding.name)}]"
    return f"{_place(finding, capture, result, find)}: {said} in {wording.capture_name(capture)}\n"


def _place(finding: CheckFinding, capture: CaptureResult, result: CheckResult, find: Find | None) -> str:
    """File and line of the finding's frame; of a finding without one, the capture's."""
    frame = finding.frame
    if frame is None or not frame.file or frame.line < 1:
        return f"{_name(capture.source)}:1"
    path = wording.own_path(frame, result.policy) or local_path(frame, find) or frame.file
    return f"{_text(path)}:{frame.line}"


def _name(source: str) -> str:
    return "stdin" if source == "-" else _text(source)


def _text(text: str) -> str:
    return words.plain(" ".join(text.split()))
