"""Wording that the outputs of ``check`` share."""

from __future__ import annotations

from datetime import date

from stackscan.checks import CaptureResult, CheckFinding, CheckResult, IgnoreUse
from stackscan.checks.policy import Policy
from stackscan.model.snapshot import Frame
from stackscan.render import words


def capture_name(capture: CaptureResult) -> str:
    """``standard input``, ``bundle.zip, goroutines.stacks``, ``log.txt, snapshot 2 of 3``."""
    name = "standard input" if capture.source == "-" else capture.source
    if capture.member:
        name = f"{name}, {capture.member}"
    if capture.snapshots_in_member > 1:
        name = f"{name}, snapshot {capture.position} of {capture.snapshots_in_member}"
    return words.plain(name)


def message(finding: CheckFinding) -> str:
    """What was found, on one line; beside a baseline also how it differs."""
    text = finding.message
    if finding.kind == "rule" and finding.status in ("new", "grown", "known"):
        text += {
            "new": " (new: not in the baseline)",
            "grown": f" (grown: {finding.baseline:,} in the baseline)",
            "known": f" ({finding.baseline:,} in the baseline)",
        }[finding.status]
    return words.plain(" ".join(text.split()))


def cause(finding: CheckFinding) -> str:
    """``cause: leak (proved)``."""
    return words.plain(f"cause: {finding.cause}" + (f" ({finding.confidence})" if finding.confidence else ""))


def complaints(result: CheckResult) -> tuple[str, ...]:
    """Problems of the policy itself: ignores that have expired or match nothing."""
    return tuple(text for use in result.ignores if (text := ignore_complaint(use, result)) is not None)


def ignore_complaint(use: IgnoreUse, result: CheckResult) -> str | None:
    """What is wrong with an ignore; None when it is in use, or is about growth and there is no baseline."""
    ignore = use.ignore
    if ignore.finding == "growth" and result.baseline is None and not use.expired:
        return None
    what = ", ".join(
        part
        for part in (
            ignore.finding,
            f"signature {ignore.signature}" if ignore.signature else None,
            f"function {ignore.function.texts[0]}" if ignore.function else None,
        )
        if part
    )
    if use.expired and isinstance(ignore.expires, date):
        state = "its finding counts again" if use.used else "it matches nothing any more, remove it"
        return words.plain(f"ignore {ignore.place} ({what}) expired on {ignore.expires}: {state} ({ignore.reason})")
    if not use.used:
        return words.plain(f"ignore {ignore.place} ({what}) matches nothing: remove it ({ignore.reason})")
    return None


def answer(result: CheckResult) -> str:
    """``1 of 2 captures fails (1 known)``; a capture of an input that cannot be checked does not pass."""
    captures = result.captures
    failing = [capture for capture in captures if capture.fails]
    troubled = [source for source in result.sources if source.trouble is not None]
    passing = sum(
        not capture.fails for source in result.sources if source.trouble is None for capture in source.captures
    )
    known = sum(finding.status == "known" for capture in captures for finding in capture.findings)
    ignored = sum(finding.status == "ignored" for capture in captures for finding in capture.findings)
    if failing:
        of = f"{len(failing):,} of " if len(captures) > 1 else ""
        text = f"{of}{words.count(len(captures), 'captures')} {'fails' if len(failing) == 1 else 'fail'}"
    else:
        text = f"{words.count(passing, 'captures')} {'passes' if passing == 1 else 'pass'}"
    if troubled:
        text += f"; {words.count(len(troubled), 'inputs')} cannot be checked"
    aside = [f"{known:,} known"] * bool(known) + [f"{ignored:,} ignored"] * bool(ignored)
    return text + (f" ({', '.join(aside)})" if aside else "")


def settings(result: CheckResult) -> str:
    """``fails on error · policy stackscan.toml · baseline known.json``."""
    parts = [f"fails on {result.fail_on}"]
    parts += [f"policy {result.policy.where}"] * (result.policy.where is not None)
    parts += [f"baseline {result.baseline}"] * (result.baseline is not None)
    return words.plain(" · ".join(parts))


def own_path(frame: Frame, policy: Policy) -> str | None:
    """A frame's file relative to the repository, where one of the policy's ``source_prefixes`` matches."""
    for prefix in policy.source_prefixes:
        if frame.file.startswith(prefix):
            return frame.file[len(prefix) :].lstrip("/")
    return None
