"""The outcome of a check as GitHub Actions workflow commands: annotations of the run, and of the lines they name.

The commands and their escapes are those of actions/toolkit, packages/core/src/command.ts: in the message %, CR and LF;
in a property also colon and comma. GitHub shows ten annotations of a kind a step, so what fails comes first.
"""

from __future__ import annotations

from typing import Final, TextIO

from stackscan.checks import CaptureResult, CheckFinding, CheckResult
from stackscan.render import check_words as wording
from stackscan.render import words

_COMMANDS: Final = {"error": "error", "warning": "warning", "info": "notice"}


def render(result: CheckResult, out: TextIO) -> None:
    """Write one command a line, and the answer last."""
    for source in result.sources:
        if source.trouble is not None:
            out.write(_command("error", f"{source.trouble}\n{source.hint}", title="stackscan: not judged"))
        for capture in source.captures:
            for finding in capture.findings:
                if finding.status not in ("known", "ignored"):
                    out.write(_annotation(finding, capture, result))
            out.writelines(_command("notice", note, title="stackscan") for note in capture.notes)
    out.writelines(
        _command("warning", complaint, title="stackscan: policy") for complaint in wording.complaints(result)
    )
    out.write(f"stackscan: {wording.answer(result)}\n")


def _annotation(finding: CheckFinding, capture: CaptureResult, result: CheckResult) -> str:
    # What fails is an error for the reader of the run, also where --fail-on warning made it so.
    kind = "error" if finding.fails else _COMMANDS[finding.severity]
    lines = [wording.message(finding), f"in {wording.capture_name(capture)}"]
    if finding.cause is not None:
        lines.append(wording.cause(finding))
    frame = finding.frame
    properties = {"title": f"stackscan: {finding.name}"}
    if frame is not None:
        lines.append(f"at {words.plain(frame.function)} ({words.plain(frame.file)}:{frame.line})")
        own = wording.own_path(frame, result.policy)
        if own is not None and frame.line > 0:
            properties = {"file": own, "line": str(frame.line), **properties}
    if finding.fix and finding.fails:
        lines.append(words.plain(" ".join(finding.fix.split())))
    return _command(kind, "\n".join(lines), **properties)


def _command(kind: str, message: str, **properties: str) -> str:
    given = ",".join(f"{key}={_property(words.plain(value))}" for key, value in properties.items())
    text = "\n".join(words.shortened(words.plain(line)) for line in message.splitlines())
    return f"::{kind} {given}::{_message(text)}\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
