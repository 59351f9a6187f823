"""From a snapshot and what was made of it to its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from stackscan.analysis.affected import modules
from stackscan.analysis.finding import Finding, FindingKey, goroutines_by_stack
from stackscan.formats.symbol import deciding_frame, origin, outside_runtime
from stackscan.knowledge.language import index_of
from stackscan.model import bucket
from stackscan.report import locks as lock_report
from stackscan.report import verdict
from stackscan.report.folding import fold
from stackscan.report.later import Later
from stackscan.report.model import SnapshotReport, StackReport

if TYPE_CHECKING:
    from stackscan.analysis.analyse import Analysis
    from stackscan.analysis.locks import Locks
    from stackscan.model.bucket import Bucket
    from stackscan.model.snapshot import Frame, Snapshot, Stack
    from stackscan.queueing.outlook import Outlook
    from stackscan.queueing.projection import Projection
    from stackscan.report.graph import Graph
    from stackscan.report.individuals import Individuals

#: Stacks that the short forms of a report show unless a number is given.
SHOWN: Final = 10
#: Of these, the stacks that a report on one screen shows.
ON_SCREEN: Final = 3


@dataclass(frozen=True, slots=True)
class View:
    """What of a snapshot a report shows: ``top`` limits its buckets (None: all are kept, and SHOWN of them are shown);
    ``everything``: idle goroutines and all details are shown as well; ``explained``: findings say why;
    ``individually``: it holds every goroutine."""

    top: int | None = None
    everything: bool = False
    explained: bool = False
    individually: bool = False

    @property
    def on_screen(self) -> int:
        """How many stacks fit on the screen: a few, unless a number or everything is asked for."""
        return ON_SCREEN if self.top is None and not self.everything else (SHOWN if self.top is None else self.top)


#: Findings whose wait-for graph is drawn: the worst.
MOST_GRAPHS: Final = 40
#: All buckets, without what is idle.
_WHOLE: Final = View()


def build_snapshot(
    analysis: Analysis,
    *,
    projections: Sequence[tuple[str, Projection]] = (),
    outlooks: Sequence[tuple[str, Outlook]] = (),
    view: View = _WHOLE,
) -> SnapshotReport:
    """The report of one capture. ``projections`` are what the pool model says of its pools, by their names, and
    ``outlooks`` what may be drawn of them."""
    place, snapshot = analysis.capture.place, analysis.capture.snapshot
    top, everything, selection = view.top, view.everything, analysis.selection
    buckets = bucket.group(snapshot)
    longest = max(filter(None, snapshot.column("wait_minutes")), default=0)
    stuck, healthy = analysis.stuck, analysis.healthy
    decided = _decided(snapshot, analysis.findings)
    caught = {snapshot.stacks[stack_id] for finding in stuck for stack_id in finding.stack_ids}
    aside = _aside(snapshot, healthy)
    hidden = set() if everything else aside
    left = buckets.without(hidden)
    locks = analysis.locks(idle_too=everything)
    suspicions = [] if any(finding.cause for finding in stuck) else lock_report.verdicts(locks)
    return SnapshotReport(
        source=place.source,
        member=place.member,
        position=place.position,
        snapshots_in_member=place.snapshots_in_member,
        wrapper=place.wrapper,
        stream=place.stream,
        format=snapshot.format,
        dialect=snapshot.dialect,
        cause=snapshot.cause,
        goroutines=snapshot.total,
        header_lines=snapshot.header_lines,
        distinct_stacks=len(set(snapshot.column("stack_id"))),
        distinct_buckets=len(buckets),
        complete=snapshot.complete,
        longest_wait_minutes=longest,
        problems=snapshot.problems,
        wait_reasons=_wait_reasons(snapshot),
        modules=modules(snapshot),
        verdicts=verdict.judge(
            snapshot,
            left,
            stuck,
            analysis.samples,
            suspicions=suspicions,
            doubts=analysis.doubts,
            selected=selection is not None,
        ),
        findings=tuple(replace(finding, waits=None) if finding.waits else finding for finding in stuck),
        pools=analysis.samples,
        projections=tuple(projections),
        outlooks=tuple(outlooks),
        phases=analysis.defects,
        locks=locks,
        families=analysis.creation_sites(idle_too=everything),
        finding_families=analysis.finding_sites,
        ending=verdict.of_ending(snapshot, stuck),
        finding_frames=tuple((f.key, frame) for f in stuck if (frame := _location(f, snapshot)) is not None),
        buckets=Later(partial(_stack_reports, buckets[:top], decided, aside)),
        shown=_stack_reports(left.with_first(caught)[: SHOWN if top is None else top], decided, aside),
        set_aside=healthy,
        everything=everything,
        explained=view.explained,
        on_screen=view.on_screen,
        selection=selection,
        proposals=analysis.proposals,
        cut=place.cut,
        leak_profile=snapshot.leak_profile,
        go_version=analysis.capture.go_version,
        individuals=_individuals(analysis, buckets[:top], locks) if view.individually else None,
        graphs=tuple(_graphs(stuck)) if view.individually else (),
        breakdown=analysis.breakdown,
    )


def _graphs(findings: Iterable[Finding]) -> Iterator[tuple[FindingKey, Graph]]:
    """Who waits for whom, of the worst findings that know it. What they know of it holds the whole dump, which is why
    it does not stay in the report."""
    from stackscan.report.graph import graph_of  # few outputs draw them

    for finding in islice((one for one in findings if one.waits is not None), MOST_GRAPHS):
        graph = graph_of(finding)
        if graph is not None:
            yield finding.key, graph


def _individuals(analysis: Analysis, buckets: Sequence[Bucket], locks: Locks) -> Individuals:
    from stackscan.report.individuals import individuals  # few outputs ask for it
    from stackscan.report.locks import instances

    return individuals(analysis, buckets, instances(locks))


def _location(finding: Finding, snapshot: Snapshot) -> Frame | None:
    """The frame that decided for most of a finding's goroutines, or the first outside the standard library if it is in
    there; None where they have no frames."""
    if finding.steps and finding.steps[0].frame is not None:
        return finding.steps[0].frame  # the culprit's
    counts = goroutines_by_stack(finding, snapshot)
    located = [n for n in finding.stack_ids if snapshot.stacks[n].frames and n <= max(counts, default=-1)]
    if not located:
        return None
    stack_id = max(located, key=lambda n: (counts[n], -n))
    stack = snapshot.stacks[stack_id]
    frame = stack.frames[finding.deciding[stack_id]]
    return stack.frames[deciding_frame(stack)] if origin(frame).kind == "std" else frame


def _aside(snapshot: Snapshot, healthy: Iterable[Finding]) -> set[tuple[Stack, str | None]]:
    """The buckets all of whose goroutines are idle, as expected."""
    index = index_of(snapshot)
    caught = Counter(index.row_cell[row] for finding in healthy for row in finding.rows)
    whole = (cell for cell, count in caught.items() if count >= len(index.cell_rows[cell]))
    return {(snapshot.stacks[index.cell_stack[cell]], index.cell_reason[cell]) for cell in whole}


def _wait_reasons(snapshot: Snapshot) -> tuple[tuple[str, int], ...]:
    counts = {reason: count for (reason,), count in snapshot.counts_by("wait_reason").items() if reason is not None}
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _decided(snapshot: Snapshot, findings: Iterable[Finding]) -> dict[Stack, tuple[int, tuple[str, ...]]]:
    """For each stack that a rule caught: the frame that decided, and the rules."""
    decided: dict[Stack, tuple[int, tuple[str, ...]]] = {}
    for finding in findings:
        for stack_id in finding.stack_ids:
            stack = snapshot.stacks[stack_id]
            frame, names = decided.get(stack, (outside_runtime(finding.deciding[stack_id], stack), ()))
            decided[stack] = frame, (*names, finding.rule.name)
    return decided


def _stack_reports(
    buckets: Iterable[Bucket],
    decided: dict[Stack, tuple[int, tuple[str, ...]]],
    aside: set[tuple[Stack, str | None]],
) -> tuple[StackReport, ...]:
    reports = []
    for found in buckets:
        frame, names = decided.get(found.stack) or (deciding_frame(found.stack), ())
        is_aside = (found.stack, found.wait_reason) in aside
        reports.append(StackReport(found, fold(found.stack, frame), names, is_aside))
    return tuple(reports)
