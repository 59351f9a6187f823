"""The short answer for a pipeline's log: what fails, where, and what to do."""

from __future__ import annotations

from typing import Final, TextIO

from stackscan.checks import CaptureResult, CheckFinding, CheckResult
from stackscan.render import check_words as wording
from stackscan.render import words
from stackscan.render.local_files import Find, local_path
from stackscan.render.text.opened import page_on
from stackscan.render.text.page import MARKS, Page

_MOST: Final = 10


def render(
    result: CheckResult,
    out: TextIO,
    *,
    most: int | None = _MOST,
    editor: str | None = None,
    find: Find | None = None,
) -> None:
    """Write the answer; of each capture at most so many findings (None: all). ``editor`` is what links open (None: the
    web), ``find`` finds the file of a frame on this machine (None: none is looked for)."""
    page = page_on(out, editor)
    page.link_frames(find=find)
    page.name_paths(lambda frame: wording.own_path(frame, result.policy) or local_path(frame, find))
    for source in result.sources:
        for capture in source.captures:
            _capture(page, capture, most, judged=source.trouble is None)
        if source.trouble is not None:
            page.marked("?", source.trouble, "bold yellow")
            page.prose("fix", source.hint)
    for complaint in wording.complaints(result):
        page.marked("!", complaint, "yellow")
    style = {0: "bold green", 1: "bold red", 2: "bold yellow"}[result.exit_code]
    page.line((wording.answer(result), style), (f"  [{wording.settings(result)}]", "dim"))


def _capture(page: Page, capture: CaptureResult, most: int | None, *, judged: bool) -> None:
    passes = ("✓", "green") if judged else ("?", "bold yellow")
    mark, style = ("✗", "bold red") if capture.fails else passes
    page.hanging((f"{mark} ", style), (wording.capture_name(capture), "bold"), (f"  {_size(capture)}", "dim"))
    listed = [finding for finding in capture.findings if finding.status not in ("known", "ignored")]
    for finding in listed[:most]:
        _finding(page, finding)
    if most is not None and len(listed) > most:
        page.line((f"and {len(listed) - most:,} more; --output FILE holds the whole report", "dim"), indent=2)
    for finding in capture.findings:
        if finding.status == "ignored":
            page.prose("", f"ignored: {finding.name}, {finding.message} ({finding.reason})", style="dim")
        elif finding.status == "known":
            page.prose("", f"known: {finding.name}, {wording.message(finding)}", style="dim")
    for note in capture.notes:
        page.prose("", f"note: {note}", style="yellow")


def _size(capture: CaptureResult) -> str:
    return words.count(capture.goroutines, "goroutines") + ("" if capture.complete else ", INCOMPLETE")


def _finding(page: Page, finding: CheckFinding) -> None:
    mark, style = MARKS[finding.severity]
    if finding.severity == "info" and not finding.fails:
        page.prose("", f"{mark} {finding.name}, {wording.message(finding)}", style="dim")
        return
    page.line((f"{mark} {words.plain(finding.name)}", style if finding.fails else "bold"), indent=2)
    page.prose("", wording.message(finding), indent=4)
    if finding.frame is not None:
        page.located("▸ ", finding.frame, indent=4, lead_style="bold cyan")
    if finding.fails and finding.fix:
        page.prose("fix", words.first_sentence(finding.fix), indent=4)
