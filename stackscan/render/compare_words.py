"""Wording that the outputs of ``compare`` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from stackscan.comparison import BLOCKED, BucketChange, CaptureSummary, Comparison, Course, Stayed
from stackscan.knowledge.rule import Severity
from stackscan.render import words

#: Captures that get a column each; of more, the first and the last are shown, with a curve.
MOST_COLUMNS: Final = 6
#: What goroutines did over the captures: a heading, and what it means.
COURSES: Final[dict[Course, tuple[str, str]]] = {
    "waiting": ("Stood still", "the same stack and state in every capture, and the wait grew by the time that passed"),
    "appeared": ("Came and stayed", "started after the first capture, in one stack since then"),
    "stayed": ("Same place", "the same stack and state in every capture; the wait does not show that they stood still"),
    "moved": ("Moved", "in the last capture, and elsewhere before"),
    "new": ("New", "in the last capture only"),
    "gone": ("Gone", "not in the last capture"),
    "idle": ("Idle", "idle in every capture that has them, as expected"),
}


def columns(captures: int) -> tuple[int, ...]:
    """The captures that get a column, from 0."""
    return tuple(range(captures)) if captures <= MOST_COLUMNS else (0, captures - 1)


def no_matrix(comparison: Comparison) -> str:
    """Why goroutines cannot be followed from capture to capture."""
    if any(capture.break_before for capture in comparison.captures):
        return "the captures are of different processes, so that the same id may be another goroutine"
    if not all(capture.goroutines for capture in comparison.captures):
        return "one capture has no goroutines"
    return "some captures have no goroutine ids, for their format counts goroutines"


def breaks(comparison: Comparison) -> Iterator[str]:
    """Why neighbours are not captures of one process, or in doubt."""
    for place, capture in enumerate(comparison.captures, start=1):
        if capture.break_before is not None:
            yield f"between captures {place - 1} and {place}: {capture.break_before}"


def stayed_findings(comparison: Comparison) -> Iterator[tuple[Severity, str]]:
    """The findings whose goroutines stayed where they were, with their severities."""
    for finding in comparison.findings:
        if finding.stayed and finding.severity != "info":
            who = words.count(finding.stayed, finding.noun)
            one = finding.stayed == 1
            same = "is the same goroutine in the same stack" if one else "are the same goroutines in the same stacks"
            yield finding.severity, f"{finding.rule}: {who} {same} in {every(comparison)}"


def stayed(comparison: Comparison) -> str:
    """What follows the number of those that stayed."""
    return f"of them stayed: same id and same stack in {every(comparison)}"


def every(comparison: Comparison) -> str:
    """``both captures``, ``all 4 captures``."""
    number = len(comparison.captures)
    return "both captures" if number == 2 else f"all {number} captures"


def how_long(change: BucketChange, found: Stayed) -> str:
    """``bitswap-close-unbounded, waits up to 3 min, 12 waited without a break``."""
    parts = [*change.stack.rules]
    if change.max_wait_minutes[-1]:
        parts.append(f"waits up to {change.max_wait_minutes[-1]:,} min")
    if found.waits_advanced:
        parts.append(f"{found.waits_advanced:,} waited without a break")
    if found.woke:
        parts.append(f"{found.woke:,} woke in between")
    return ", ".join(parts)


def suspicion(change: BucketChange) -> tuple[bool, bool, bool, int, int, str]:
    """What sorts stacks whose goroutines stayed: the most suspicious first."""
    still = change.stayed.goroutines - change.stayed.woke if change.stayed else 0
    reason = change.stack.bucket.wait_reason or ""
    stack = change.stack
    order = (stack.aside, not stack.rules, not reason.startswith(BLOCKED))  # idle ones come last
    return *order, -still, -change.change.counts[-1], change.signature


def signed(number: int) -> str:
    """``+12``, ``-3``, ``±0``."""
    return f"{number:+,}" if number else "±0"


def later(seconds: float | None) -> str:
    """``75 s later``; ``75 s EARLIER`` where the order is wrong; nothing where times are not known."""
    if seconds is None:
        return ""
    return f"{duration(seconds)} later" if seconds >= 0 else f"{duration(-seconds)} EARLIER"


def duration(seconds: float) -> str:
    """``75 s``, ``12 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes:,} min" if minutes < 120 else f"{seconds / 3600:,.1f} h"


def names(captures: Sequence[CaptureSummary]) -> tuple[str, list[str]]:
    """The captures' names without what they share (folder, member), and the folder."""
    members = {capture.member for capture in captures} if all(c.snapshots_in_member == 1 for c in captures) else set()
    if len(members) == 1:
        captures = [replace(capture, member=None) for capture in captures]
    found = [_name(capture) for capture in captures]
    shared = ""
    files = all("://" not in name for name in found)
    for parts in zip(*(name.split("/")[:-1] for name in found), strict=False) if files else ():
        if len(set(parts)) > 1:
            break
        shared += f"{parts[0]}/"
    return shared, [name[len(shared) :] for name in found]


def _name(capture: CaptureSummary) -> str:
    name = "standard input" if capture.source == "-" else capture.source
    if capture.member:
        name = f"{name}, {capture.member}"
    if capture.snapshots_in_member > 1:
        name = f"{name}, snapshot {capture.position} of {capture.snapshots_in_member}"
    return words.plain(name)
