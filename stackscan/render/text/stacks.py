"""Stacks for a terminal: whole ones as the report folds them, or only the frames that say where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackscan.render import words
from stackscan.report import Fold, FrameReport, SnapshotReport, StackReport

if TYPE_CHECKING:
    from stackscan.render.text.page import Page


def write_stacks(page: Page, snapshot: SnapshotReport) -> None:
    """The stacks of the report, what rules caught first; the short form shows a few, each in a few lines."""
    shown = snapshot.shown[: snapshot.on_screen]
    if not shown:
        return
    page.heading("Stacks", words.selection(snapshot, len(shown)))
    for found in shown:
        _head(page, found)
        _folded(page, found) if snapshot.everything else _short(page, found)
        if found.bucket.stack.unavailable:
            page.line(("running on another thread; stack unavailable", "dim"), indent=8)
        creator = found.bucket.stack.created_by
        if creator is not None:
            page.located("created by ", creator, indent=8, style="dim")


def _head(page: Page, found: StackReport) -> None:
    bucket = found.bucket
    waits = words.wait(bucket.min_wait_minutes, bucket.max_wait_minutes)
    page.line(
        (f"{bucket.count:>6,} ", "bold"),
        (words.plain(found.state), "cyan"),
        (f"  {waits}" if waits else "", "yellow"),
        (f"  {', '.join(found.rules)}" if found.rules else "", "dim" if found.aside else "red"),
    )


def _folded(page: Page, found: StackReport) -> None:
    """Every line that the report chose."""
    for line in found.lines:
        if isinstance(line, Fold):
            page.line((words.folded(line), "dim"), indent=8)
        else:
            _frame(page, line, "▸ " if line.deciding else "  ", indent=6)


def _short(page: Page, found: StackReport) -> None:
    """The innermost frame, the deciding one, the innermost outside the standard library where that decides, and the
    outermost; a leading … stands for frames left out before it."""
    frames = [line for line in found.lines if isinstance(line, FrameReport)]
    decided_by_std = any(frame.deciding and frame.kind == "std" for frame in frames)
    own = [place for place, frame in enumerate(frames) if frame.kind != "std"][: int(decided_by_std)]
    kept = [f for place, f in enumerate(frames) if f.deciding or place in (0, *own, len(frames) - 1)]
    left_out = False
    for line in found.lines:
        if isinstance(line, FrameReport) and any(line is frame for frame in kept):
            _frame(page, line, ("…" if left_out else " ") + (" ▸ " if line.deciding else "   "), indent=4)
            left_out = False
        else:
            left_out = True


def _frame(page: Page, line: FrameReport, lead: str, *, indent: int) -> None:
    style = "bold" if line.deciding else "" if line.kind != "std" else "dim"
    page.located(lead, line.frame, indent=indent, style=style, lead_style="bold cyan" if line.deciding else "dim")
