"""The report for a terminal: on one screen the verdict, findings, pools in trouble and the stacks that matter.

Everything else is counted in one line, and shown with ``--all``. Colour carries meaning (red: act, yellow: doubt,
green: fine, cyan: where to look) and is never the only carrier: marks and words say the same. In a pipe there is no
colour and nothing is cut or wrapped at a terminal's width.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final, TextIO

from stackscan.render import lock_words, words
from stackscan.render.pieces import OffScreen, Piece, Screen, Spool
from stackscan.render.text.findings import write_findings
from stackscan.render.text.opened import page_on
from stackscan.render.text.page import MARKS, Page
from stackscan.render.text.stacks import write_stacks
from stackscan.report import BundleReport, Report, SnapshotReport, second_views, without_cause

_ROLES: Final = {
    "count": "bold",
    "what": "cyan",
    "name": "bold",
    "place": "dim",
    "note": "dim",
    "alarm": "bold yellow",
    "": "",
}
#: Damaged places that are listed: on one screen, and with everything.
#: Notes on source that one screen shows.
_FEW_NOTES: Final = 2
_FEW_PROBLEMS: Final = 3
_MOST_PROBLEMS: Final = 20


def render(report: Report, out: TextIO) -> None:
    """Write the report to a terminal or a pipe."""
    page = page_on(out)
    _captures(page, report)
    _bundles(page, report)


def piece(report: Report, screen: Screen) -> Piece:
    """What one input adds: its captures, and its bundle."""
    parts = []
    for write in (_captures, _bundles):
        out = OffScreen(screen)
        write(page_on(out), report)
        parts.append(out.getvalue())
    return Piece(*parts)


def assemble(kept: Spool, out: TextIO) -> None:
    """Write the whole report."""
    page = page_on(out)
    for place, captures in enumerate(kept.captures()):
        _rule(page, place > 0)
        out.write(captures)
    out.writelines(kept.bundles())


def _captures(page: Page, report: Report) -> None:
    seconds = second_views(report)
    # A second view of a process that is shown already is left out: the bundle says how the two agree.
    shown = [s for s in report.snapshots if (s.source, s.member) not in seconds]
    bundles = {bundle.source: bundle for bundle in report.bundles}
    last = {snapshot.source: place for place, snapshot in enumerate(shown)}
    for place, snapshot in enumerate(shown):
        _rule(page, place > 0)
        bundle = bundles.get(snapshot.source)
        _snapshot(page, snapshot, bundle, ends=last[snapshot.source] == place)


def _bundles(page: Page, report: Report) -> None:
    for bundle in report.bundles:
        of_bundle = [snapshot for snapshot in report.snapshots if snapshot.source == bundle.source]
        if any(snapshot.everything for snapshot in of_bundle):
            from stackscan.render.text.bundle import write_bundle

            page.link_frames(of_bundle[-1])
            _rule(page, wanted=True)
            write_bundle(page, bundle)


def _rule(page: Page, wanted: bool) -> None:
    """What separates two parts of a report."""
    if wanted:
        page.line()
        page.line("─" * page.width, "dim")
        page.line()


def _snapshot(page: Page, snapshot: SnapshotReport, bundle: BundleReport | None, *, ends: bool) -> None:
    """One snapshot; ``ends``: it is the last of its source, whose bundle is counted here."""
    page.link_frames(snapshot)
    _answer(page, snapshot, bundle)
    write_findings(page, snapshot)
    if snapshot.breakdown is not None:
        from stackscan.render.text.breakdown import write_breakdown  # few reports have one

        write_breakdown(page, snapshot, snapshot.breakdown)
    if snapshot.everything and snapshot.set_aside:
        _idle(page, snapshot)
    _pools(page, snapshot)
    _waiting(page, snapshot)
    write_stacks(page, snapshot)
    if snapshot.problems:
        _problems(page, snapshot)
    if not snapshot.everything:
        if bundle is not None and ends:
            from stackscan.render.text.bundle import write_bundle_trouble

            write_bundle_trouble(page, bundle)
        _rest(page, snapshot, bundle if ends else None)


def _pools(page: Page, snapshot: SnapshotReport) -> None:
    if snapshot.pools or snapshot.proposals:  # few dumps show one
        from stackscan.render.text.pools import write_pools, write_proposals

        write_pools(page, snapshot)
        if snapshot.everything and snapshot.proposals:
            write_proposals(page, snapshot.proposals)


def _pools_in_trouble(snapshot: SnapshotReport) -> int:
    if not snapshot.pools:
        return 0
    from stackscan.render.pool_words import in_trouble

    return len(in_trouble(snapshot))


def _answer(page: Page, snapshot: SnapshotReport, bundle: BundleReport | None) -> None:
    """The verdict, and what it is about."""
    for verdict in snapshot.verdicts:
        mark, style = MARKS[verdict.level]
        page.marked(mark, verdict.text, style)
    page.whole(words.where(snapshot), indent=2, style="bold")
    summary = words.summary(snapshot)
    if bundle is not None and bundle.version and not snapshot.everything:
        summary += f" · {words.program(bundle.version)}"
    page.prose("", summary, style="" if snapshot.complete else "yellow")
    notes = snapshot.source_notes if snapshot.everything else snapshot.source_notes[:_FEW_NOTES]
    for note in notes:
        page.prose("", note, style="yellow")
    if len(snapshot.source_notes) > len(notes):
        page.prose(
            "", f"{len(snapshot.source_notes) - len(notes):,} more notes on source; --all shows them", style="dim"
        )
    for judgement in snapshot.phases:
        fine = judgement.phase.fixed and not judgement.contradicted_by
        for text in words.phase(judgement):
            page.prose("", text, style="" if fine else "yellow")


def _idle(page: Page, snapshot: SnapshotReport) -> None:
    """The goroutines that are idle as expected, by rule."""
    page.heading("Idle", words.idle(snapshot))
    for finding in snapshot.set_aside:
        page.prose(f"{finding.count:>9,}", f"{finding.title} ({finding.rule.name})")


def _waiting(page: Page, snapshot: SnapshotReport) -> None:
    """Locks, and with everything creation sites, where there are any."""
    most = lock_words.ALL if snapshot.everything else lock_words.FEW
    locks = snapshot.locks if snapshot.everything else without_cause(snapshot.locks, snapshot.findings)
    if lock_words.has_locks(locks, most=most):
        page.heading("Locks", lock_words.LOCKS_NOTE)
        _roles(page, lock_words.lock_lines(locks, most=most))
    if snapshot.families and snapshot.everything:
        page.heading("Created at", lock_words.SITES_NOTE)
        _roles(page, lock_words.site_lines(snapshot.families))


def _roles(page: Page, lines: Iterable[lock_words.Line]) -> None:
    for line in lines:
        parts = ([(it, _ROLES[role])] if isinstance(it, str) else page.location(it) for it, role in line)
        page.hanging(*chain.from_iterable(parts))


def _problems(page: Page, snapshot: SnapshotReport) -> None:
    total, most = len(snapshot.problems), _MOST_PROBLEMS if snapshot.everything else _FEW_PROBLEMS
    page.heading("Problems", "damaged or doubtful places in the text")
    for problem in snapshot.problems[:most]:
        page.prose(f"line {problem.line:,}", problem.reason)
        if problem.excerpt:
            page.line((words.plain(problem.excerpt), "dim"), indent=12)
    if total > most:
        lists = "--format json" if snapshot.everything or total > _MOST_PROBLEMS else "--all"
        page.line((f"and {total - most:,} more; {lists} lists them", "dim"), indent=2)


def _rest(page: Page, snapshot: SnapshotReport, bundle: BundleReport | None) -> None:
    """One line for all that has no place on one screen."""
    idle = sum(finding.count for finding in snapshot.set_aside)
    troubled = _pools_in_trouble(snapshot)
    fine = len(snapshot.pools) - troubled
    stacks = snapshot.distinct_buckets - min(len(snapshot.shown), snapshot.on_screen)
    parts = [
        f"{idle:,} idle as expected" if idle else "",
        words.count(fine, "other pools" if troubled else "pools") if fine else "",
        words.count(len(snapshot.proposals), "possible pools") if snapshot.proposals else "",
        words.count(stacks, "more stacks") if stacks else "",
        words.count(len(bundle.members), "files in the bundle") if bundle is not None else "",
    ]
    rest = ", ".join(part for part in parts if part)
    explain = bool(snapshot.findings) and not snapshot.explained
    hints = [f"{rest}; --all shows them"] if rest else []
    if explain:
        hints.append("--explain: why a finding is bad, and the whole fix")
    if hints:
        page.line()
    for hint in hints:
        page.prose("", hint, style="dim", indent=0)
