"""Findings for a terminal: what was found, where, and what to do, a line each; why on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stackscan.analysis.finding import Finding, told_by
from stackscan.render import lock_words, words
from stackscan.render.text.page import MARKS, Page

if TYPE_CHECKING:
    from stackscan.golang.excerpt import Excerpt
    from stackscan.report import SnapshotReport

#: Findings that the short form shows whole; the others get a line each.
_WHOLE: Final = 5
#: Goroutines of a cause that the short form shows.
_STEPS: Final = 4
#: Pieces of a list of goroutine ids that the short form shows.
_IDS: Final = 8


def write_findings(page: Page, snapshot: SnapshotReport) -> None:
    """All findings. The short form has a line for each part of the first few, and one line for each of the others."""
    if not snapshot.findings:
        return
    page.heading("Findings")
    whole = 0
    for place, finding in enumerate(snapshot.findings):
        teller = told_by(finding, snapshot.findings)
        if teller is None and not snapshot.everything and not snapshot.explained and _is_minor(finding, whole):
            _one_line(page, finding)
            continue
        if place:
            page.line()
        if teller is None:
            whole += 1
            _whole(page, finding, snapshot)
        else:
            _same_as(page, finding, teller)


def _is_minor(finding: Finding, whole: int) -> bool:
    """Whether a line is enough: for information, and for what follows a screen of findings."""
    return finding.severity == "info" or whole >= _WHOLE


def _head(page: Page, finding: Finding) -> None:
    mark, style = MARKS[finding.severity]
    count = words.plain(f"  {words.count(finding.count, finding.rule.noun)}")
    page.line((f"{mark} {finding.rule.name}", style), (count, "bold"))


def _one_line(page: Page, finding: Finding) -> None:
    mark, style = MARKS[finding.severity]
    count = words.count(finding.count, finding.rule.noun)
    page.marked(mark, f"{finding.rule.name}  {count}: {finding.title}", style, styled=len(finding.rule.name))


def _same_as(page: Page, finding: Finding, teller: Finding) -> None:
    _head(page, finding)
    page.prose("", f"the same {words.count(finding.count, finding.rule.noun)} as {teller.rule.name}, which says more")


def _whole(page: Page, finding: Finding, snapshot: SnapshotReport) -> None:
    rule = finding.rule
    _head(page, finding)
    if finding.steps:  # they say what the title does, which is a line of the verdict
        _steps(page, finding, everything=snapshot.everything)
    else:
        page.prose("", finding.title)
    if because := finding.evidence.get("because"):
        page.prose("because", str(because))
    if evidence := words.evidence(finding):
        page.prose("evidence", evidence)
    if applies := words.applies(finding, snapshot):
        page.prose("versions", applies)
    if rule.evidence_level == "heuristic":
        page.prose("doubt", "the pattern is a heuristic: it may match something else")
    if snapshot.explained:
        page.prose("why", rule.why)
    _fix(page, finding, explained=snapshot.explained)
    _location(page, finding, snapshot)
    if snapshot.explained:
        for place, reference in enumerate(rule.references):
            page.line((f"{'see' if place == 0 else '':<10}", "dim"), (words.plain(reference), "dim"), indent=2)


def _fix(page: Page, finding: Finding, *, explained: bool) -> None:
    """What to do: in this code, where its source was read; in general otherwise, or when all is explained."""
    style = "bold" if finding.severity == "error" else ""
    change = str(finding.evidence.get("change") or "")
    if change:
        page.prose("fix", change, style=style)
    if explained or not change:
        general = finding.rule.fix if explained else words.first_sentence(finding.rule.fix)
        page.prose("" if change else "fix", general, style="" if change else style)


def _steps(page: Page, finding: Finding, *, everything: bool) -> None:
    """Who waits for whom, the culprit first, each with the frame to look at. A circle is drawn as one."""
    circle = finding.cause == "lock-order-cycle"
    shown = finding.steps if everything else finding.steps[:_STEPS]
    for place, step in enumerate(shown):
        lead = f"{'who' if place == 0 else '':<10}"
        last = place == len(finding.steps) - 1
        mark, bar = ("", "  ") if not circle else ("╭ " if place == 0 else "├ ", "│ ")
        page.step(lead, mark, words.step(step), continued=bar if circle else "")
        if step.frame is not None:
            page.located(f"{'':<10}{bar if not (circle and last) else '│ '}", step.frame, indent=2, style="cyan")
        if step.source is not None and (place == 0 or everything):
            _source(page, step.source, f"{'':<10}{bar}")
    left = len(finding.steps) - len(shown)
    if left:
        page.step(" " * 10, "├ " if circle else "", f"{left:,} more; --all shows them", continued="")
    if circle and finding.steps:
        page.step(" " * 10, "╰ ", f"{words.who(finding.steps[0])} again", continued="")


def _source(page: Page, source: Excerpt, lead: str) -> None:
    """The lines around the one that matters."""
    digits = len(str(source.lines[-1][0])) if source.lines else 1
    for number, line in source.lines:
        here = number == source.line
        number_style, line_style = ("bold cyan", "bold") if here else ("dim", "dim")
        margin = f"{'▸' if here else ' '} {number:>{digits}}  "
        page.line((lead, "dim"), (margin, number_style), (words.plain(line.expandtabs(4)), line_style), indent=2)


def _location(page: Page, finding: Finding, snapshot: SnapshotReport) -> None:
    """Where the goroutines are, which they are, and who started them."""
    frame = dict(snapshot.finding_frames).get(finding.key)
    if frame is not None and not finding.steps:  # the steps name their own
        page.located(f"{'at':<10}", frame, indent=2)
    most = None if snapshot.everything or snapshot.explained else _IDS
    parts = [words.ids(finding.goroutine_ids, finding.count, most=most)] if finding.goroutine_ids else []
    families = dict(snapshot.finding_families).get(finding.key, ())
    parts += [lock_words.family_text(families)] if families else []
    if parts:  # counted formats have neither
        page.prose("ids" if finding.goroutine_ids else "created", "; ".join(parts), style="dim")
