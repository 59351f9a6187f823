"""The report for a terminal: the verdict first, then findings, pools, the largest stacks, and problems last.

Colour carries meaning (red: act, yellow: doubt, green: fine, cyan: where to look) and is never the only carrier: marks
and words say the same. In a pipe there is no colour and nothing is cut or wrapped at a terminal's width.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from rich.text import Text

from stackscan.analysis.classify import Finding, told_by
from stackscan.analysis.occupancy import PoolSample
from stackscan.analysis.proposals import Proposal
from stackscan.render import waiting, words
from stackscan.render.projection import Block, aligned, block
from stackscan.render.text.page import Page, page_on
from stackscan.report import (
    BundleReport,
    ContentionReport,
    Fold,
    FrameReport,
    Report,
    SnapshotReport,
    StackReport,
    second_views,
)

_MARKS: Final = {
    "error": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "info": ("i", "cyan"),
    "ok": ("✓", "green"),
}
_ROLES: Final = {
    "count": "bold",
    "what": "cyan",
    "name": "bold",
    "place": "dim",
    "note": "dim",
    "alarm": "bold yellow",
    "": "",
}
_MOST_PROBLEMS: Final = 20
_BAR: Final = 24
_STATE_STYLES: Final = ("red", "magenta", "blue", "yellow", "cyan")


def render(report: Report, out: TextIO) -> None:
    """Write the report to a terminal or a pipe."""
    shown = page(out)
    seconds = second_views(report)
    started = False
    for snapshot in report.snapshots:
        if (snapshot.source, snapshot.member) in seconds:
            continue  # another view of a process that is shown already: the bundle's list says how they agree
        shown.rule(started)
        shown.snapshot(snapshot)
        started = True
    for bundle in report.bundles:
        shown.rule(started)
        shown.bundle(bundle)
        started = True


def page(out: TextIO) -> _Page:
    """What writes to a terminal or a pipe as a report does."""
    return page_on(out, _Page)


class _Page(Page):
    """A report's parts, in the order in which they are read."""

    def rule(self, wanted: bool) -> None:
        """What separates two parts of a report."""
        if wanted:
            self.line()
            self.line("─" * self.width, "dim")
            self.line()

    # -- a bundle --------------------------------------------------------------------------------------------------

    def bundle(self, bundle: BundleReport) -> None:
        self.line(("Bundle  ", "bold"), (words.plain(bundle.source), "bold"))
        if bundle.version:
            self.line(words.plain(words.program(bundle.version)), indent=2)
        name_width = min(max(len(member.name) for member in bundle.members), 48)
        kind_width = max(len(member.kind) for member in bundle.members)
        for member in bundle.members:
            size = "" if member.size is None else f"{member.size:,}"
            goroutines = "" if member.goroutines is None else words.count(member.goroutines, "goroutines")
            name = words.plain(words.fit(member.name, name_width))
            self.line(
                f"{name:<{name_width}}  {member.kind:<{kind_width}}  {size:>13}  ",
                goroutines,
                (words.plain(f"  {member.note}" if member.note else ""), "yellow"),
                indent=2,
            )
        for views in bundle.views:
            self.prose("", words.agreement(views))
        for profile in bundle.contention:
            self.contention(profile)

    def contention(self, profile: ContentionReport) -> None:
        """Where the waiting was; a profile without waits is not worth a line."""
        if not profile.stacks:
            return
        self.line()
        what = "waits for locks" if profile.kind == "mutex" else "waits on channels, locks and timers"
        self.line(
            (words.plain(profile.member), "bold"), (f"  {what}: {words.seconds(profile.delay_seconds)} in all", "dim")
        )
        for stack in profile.stacks:
            name, location = words.short_symbol(stack.frame.function), words.short_location(stack.frame)
            self.line(
                (f"{words.seconds(stack.delay_seconds):>12}  {stack.waits:>9,} ×  ", ""),
                (words.fit(name, max(self.width - 40 - len(location), 16)) if self.cuts else name, "bold"),
                (f"  {location}", "dim"),
            )

    # -- a snapshot ------------------------------------------------------------------------------------------------

    def snapshot(self, snapshot: SnapshotReport) -> None:
        for verdict in snapshot.verdicts:
            mark, style = _MARKS[verdict.level]
            self.marked(mark, verdict.text, style)
        name = words.where(snapshot)
        self.line((words.fit(name, self.width - 2) if self.cuts else name, "bold"), indent=2)
        self.line((words.summary(snapshot), "" if snapshot.complete else "yellow"), indent=2)
        for judgement in snapshot.phases:
            self.prose(
                "",
                words.phase(judgement),
                style="" if judgement.phase.fixed and not judgement.contradicted_by else "yellow",
            )
        self.findings(snapshot)
        if snapshot.set_aside:
            self.aside(snapshot)
        if snapshot.pools:
            self.heading("Pools")
            self.pools(snapshot.pools)
            self.loads(snapshot)
        if snapshot.proposals:
            self.proposals(snapshot.proposals)
        self.waiting(snapshot)
        if snapshot.shown:
            self.heading("Stacks", words.selection(snapshot))
            for found in snapshot.shown:
                self.stack(found)
        if snapshot.problems:
            self.problems(snapshot)

    def waiting(self, snapshot: SnapshotReport) -> None:
        """Locks and creation sites, where there is something to say of them."""
        if waiting.has_locks(snapshot):
            self.heading("Locks", waiting.LOCKS_NOTE)
            for line in waiting.lock_lines(snapshot.locks):
                self.line(*((text, _ROLES[role]) for text, role in line))
        if snapshot.families:
            self.heading("Started by", waiting.SITES_NOTE)
            for line in waiting.site_lines(snapshot.families):
                self.line(*((text, _ROLES[role]) for text, role in line))

    def findings(self, snapshot: SnapshotReport) -> None:
        if snapshot.findings:
            self.heading("Findings")
        for place, finding in enumerate(snapshot.findings):
            if place:
                self.line()
            families = dict(snapshot.finding_families).get(finding.rule.name, ())
            teller = told_by(finding, snapshot.findings)
            self.finding(finding, teller, words.applies(finding, snapshot), waiting.family_text(families))

    def aside(self, snapshot: SnapshotReport) -> None:
        """What waits as it should: one line, or a line each where all is to be shown."""
        self.heading("Set aside", "" if snapshot.everything else "--all shows them")
        self.prose("", words.set_aside(snapshot))
        for finding in snapshot.set_aside if snapshot.everything else ():
            self.prose(f"{finding.count:>9,}", f"{finding.title} ({finding.rule.name})")

    def proposals(self, proposals: Iterable[Proposal]) -> None:
        """Pools that nobody described, each with what to paste."""
        self.heading("Perhaps pools")
        for proposal in proposals:
            self.prose("", words.proposal(proposal))
            for line in proposal.toml.splitlines():
                self.console.print(Text(f"    {words.plain(line)}", style="dim"), soft_wrap=True)  # whole, to be copied

    def finding(self, finding: Finding, teller: Finding | None, applies: str, family: str) -> None:
        mark, style = _MARKS[finding.severity]
        self.line(
            (f"{mark} {finding.rule.name}", style),
            (words.plain(f"  {words.count(finding.count, finding.rule.noun)}"), "bold"),
        )
        self.prose("", finding.title)
        if teller is not None:
            self.prose("", f"The same {words.count(finding.count, finding.rule.noun)}: {teller.rule.name} says it all.")
            return
        self.prose("evidence", words.evidence(finding))
        if applies:
            self.prose("versions", applies)
        if finding.rule.evidence_level == "heuristic":
            self.prose("doubt", "the pattern is a heuristic: it may be something else")
        self.prose("why", finding.rule.why)
        self.prose("do", finding.rule.fix, style="bold" if finding.severity == "error" else "")
        if finding.goroutine_ids:  # counted formats have none
            self.prose("ids", words.ids(finding.goroutine_ids, finding.count), style="dim")
        if family:
            self.prose("family", family)
        for place, reference in enumerate(finding.rule.references):
            self.line((f"{'see' if place == 0 else '':<10}", "dim"), (words.plain(reference), "dim"), indent=2)

    def pools(self, samples: Iterable[PoolSample]) -> None:
        samples = list(samples)
        name_width = max(len(sample.pool.name) for sample in samples)
        for sample in samples:
            busy = sum(number for state, number in sample.states.items() if state not in sample.idle_states)
            self.line(
                (f"{words.plain(sample.pool.name):<{name_width}}  ", ""),
                *_bar(sample),
                (f"  {busy} of {sample.workers} busy ({sample.occupancy:.0%})", "bold"),
                indent=2,
            )
            states = []
            for state, number in sample.states.items():
                if number:
                    finer = ", ".join(f"{n} {name}" for name, n in sample.detail.get(state, {}).items())
                    states.append(f"{number} {state}" + (f" ({finer})" if finer else ""))
            self.line((" " * name_width + "  " + words.plain(" · ".join(states)), ""), indent=2)

    def loads(self, snapshot: SnapshotReport) -> None:
        """What the pool model says of pools that have one."""
        models = {sample.pool.name: sample.pool.model for sample in snapshot.pools}
        for name, projected in snapshot.projections:
            model = models[name]
            self.heading("Load", words.plain(name))
            self.block(block(projected, fix=model.fix if model else ""))

    def block(self, said: Block) -> None:
        """A projection in words."""
        self.prose("", said.headline, style={"error": "bold red", "warning": "bold yellow", "ok": "bold"}[said.level])
        for label, text in said.facts:
            self.prose(label, text)
        for place, text in enumerate(said.unexplained):
            self.prose("but" if place == 0 else " ", text, style="bold" if place == 0 else "")
        for place, line in enumerate(aligned(said.table)):
            self.line((line, "dim" if place == 0 else ""), indent=2)

    def stack(self, found: StackReport) -> None:
        bucket = found.bucket
        waits = words.wait(bucket.min_wait_minutes, bucket.max_wait_minutes)
        reason = words.plain(bucket.wait_reason or "state unknown")
        rules = f"  {', '.join(found.rules)}" if found.rules else ""
        style = "dim" if found.aside else "red"
        self.line(
            (f"{bucket.count:>8,} ", "bold"),
            (reason, "cyan"),
            (f"  {waits}" if waits else "", "yellow"),
            (rules, style),
        )
        for line in found.lines:
            if isinstance(line, Fold):
                self.line((words.folded(line), "dim"), indent=11)
            else:
                self.frame(line)
        if bucket.stack.unavailable:
            self.line(("running on another thread; stack unavailable", "dim"), indent=11)
        creator = bucket.stack.created_by
        if creator is not None:
            self._located("created by ", words.short_symbol(creator.function), words.short_location(creator), "dim")

    def frame(self, line: FrameReport) -> None:
        name = words.short_symbol(line.frame.function)
        style = "bold" if line.deciding else "" if line.kind != "std" else "dim"
        self._located("▸ " if line.deciding else "  ", name, words.short_location(line.frame), style)

    def _located(self, lead: str, name: str, location: str, style: str) -> None:
        indent = 9 if lead.strip() == "▸" or not lead.strip() else 11
        if self.cuts:
            name = words.fit(name, max(self.width - indent - len(lead) - len(location) - 2, 16))
        lead_style = "bold cyan" if lead.startswith("▸") else "dim"
        self.line((lead, lead_style), (name, style), (f"  {location}", "dim"), indent=indent)

    def problems(self, snapshot: SnapshotReport) -> None:
        total = len(snapshot.problems)
        self.heading("Problems", "places in the text that are damaged or doubtful")
        for problem in snapshot.problems[:_MOST_PROBLEMS]:
            self.prose(f"line {problem.line:,}", problem.reason)
            if problem.excerpt:
                self.line((words.plain(problem.excerpt), "dim"), indent=12)
        if total > _MOST_PROBLEMS:
            self.line((f"and {total - _MOST_PROBLEMS:,} more; --format json lists them", "dim"), indent=2)


def _bar(sample: PoolSample) -> list[tuple[str, str]]:
    """Workers by state, busy ones first, each with a colour of its own; the idle rest is a thin line."""
    busy = [(state, number) for state, number in sample.states.items() if state not in sample.idle_states]
    cells = _share([number for _, number in busy], sample.workers)
    parts = [("█" * n, style) for n, style in zip(cells, [*_STATE_STYLES, *["white"] * len(cells)], strict=False)]
    return [*parts, ("─" * (_BAR - sum(cells)), "green dim")]


def _share(numbers: list[int], total: int) -> list[int]:
    """Bar cells for each number, at least one for any that is not zero, together never more than the bar."""
    ends, reached = [], 0
    for number in numbers:
        reached += number
        ends.append(round(_BAR * reached / total))
    cells = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    for place, number in enumerate(numbers):
        if number and not cells[place] and max(cells) > 1:
            cells[cells.index(max(cells))] -= 1
            cells[place] = 1
        elif number and not cells[place] and sum(cells) < _BAR:
            cells[place] = 1
    return cells
