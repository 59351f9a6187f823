"""From a capture to its Analysis: the one path of every command, plugin and program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from stackscan.analysis import classify, occupancy
from stackscan.analysis.affected import go_version, modules
from stackscan.analysis.causes import Scene, find_causes
from stackscan.analysis.doubts import doubts
from stackscan.analysis.locks import Locks, find_locks
from stackscan.analysis.oldest import UNEXPLAINED, unexplained
from stackscan.knowledge.configuration import Configuration
from stackscan.knowledge.language import prepare
from stackscan.model.capture import Capture
from stackscan.model.snapshot import Snapshot

if TYPE_CHECKING:  # what few captures need is loaded when one does
    from stackscan.analysis.breakdown import Breakdown
    from stackscan.analysis.causes.model import Cause
    from stackscan.analysis.creation_sites import Family
    from stackscan.analysis.defects import Judgement
    from stackscan.analysis.finding import Finding, FindingKey
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.analysis.proposals import Proposal
    from stackscan.analysis.selection import SelectedRows, Selection
    from stackscan.formats.contended import ContentionProfile
    from stackscan.golang.reader import Reader

#: Fewer goroutines than this are no pool that is worth a description.
_FEWEST_WORKERS: Final = 8


@dataclass(frozen=True)
class Analysis:
    """The analysis of one capture.

    ``capture`` is the capture as it may be shown: redacted, or only the goroutines of ``selection`` (None: all).
    ``findings`` are what is stuck, with the root cause where one is found, and what is idle as expected; their rows are
    those of this capture. ``known_locks``: who waits for which lock, where that was looked into already;
    ``doubts``: why all may not be well though nothing was found, a clause each. ``breakdown``: how many
    there are of all that by the values of a label or another key (None: nobody asked).
    """

    capture: Capture
    findings: tuple[Finding, ...]
    samples: tuple[PoolSample, ...]
    defects: tuple[Judgement, ...]
    proposals: tuple[Proposal, ...] = ()
    selection: Selection | None = None
    known_locks: Locks | None = None
    doubts: tuple[str, ...] = ()
    breakdown: Breakdown | None = None

    @property
    def stuck(self) -> tuple[Finding, ...]:
        """What is stuck."""
        return tuple(finding for finding in self.findings if finding.rule.kind == "stuck")

    @property
    def healthy(self) -> tuple[Finding, ...]:
        """What is idle as expected."""
        return tuple(finding for finding in self.findings if finding.rule.kind == "healthy")

    @cached_property
    def _locks(self) -> Locks:
        """Who waits for which lock; nothing for a selection, which may leave the holder out."""
        if self.selection is not None:
            return Locks()
        return self.known_locks or find_locks(self.capture.snapshot)

    def locks(self, *, idle_too: bool = False) -> Locks:
        """Who waits for which lock. Those whose waiters are all idle as expected are marked, unless ``idle_too``."""
        locks = self._locks
        rows = _rows(self.healthy) if locks.locks and not idle_too else []
        if not rows:
            return locks
        ids = self.capture.snapshot.column("goroutine_id")
        idle = {ids[row] for row in rows}
        marked = (replace(lock, aside=idle.issuperset(lock.goroutine_ids)) for lock in locks.locks)
        return replace(locks, locks=tuple(marked))

    def creation_sites(self, *, idle_too: bool = False) -> tuple[Family, ...]:
        """Where most goroutines were started; those idle as expected count only with ``idle_too``."""
        if not any(stack.created_by for stack in self.capture.snapshot.stacks):
            return ()
        from stackscan.analysis.creation_sites import creation_sites

        return creation_sites(self.capture.snapshot, aside=() if idle_too else _rows(self.healthy))

    @cached_property
    def finding_sites(self) -> tuple[tuple[FindingKey, tuple[Family, ...]], ...]:
        """Where the goroutines of alarming findings were started, by finding."""
        alarming = list(filter(_alarms, self.stuck))
        if not alarming:
            return ()
        from stackscan.analysis.creation_sites import families_of

        sites = families_of(self.capture.snapshot, [finding.stack_ids for finding in alarming])
        found = zip((finding.key for finding in alarming), sites, strict=True)
        return tuple((key, families) for key, families in found if families)


def analyse(
    capture: Capture,
    knowledge: Configuration,
    *,
    where: str | None = None,
    shown: Capture | None = None,
    contention: Sequence[ContentionProfile] = (),
    reader: Reader | None = None,
    by: str | None = None,
) -> Analysis:
    """Analyse a capture with these rules and pools.

    ``where`` is an expression that selects goroutines. The dump is still analysed as a whole, since a worker is one of
    all its pool's; findings then count what was selected. ``shown`` is the same capture redacted; ``contention`` are
    the mutex and block profiles of the same process;
    ``reader`` reads its source; ``by`` is what goroutines are counted by. Raises ExpressionError for a wrong
    expression, and UsageError for a wrong ``by``.
    """
    if by is not None:
        from stackscan.analysis.breakdown import check_key

        check_key(by)
    prepare(knowledge, knowledge.expressions)
    snapshot = capture.snapshot
    redacted = shown is not None and shown is not capture
    shown = shown or capture
    selected = None if where is None else _select(snapshot, where)
    samples = tuple(occupancy.sample(snapshot, knowledge.pools))
    sizes = {sample.pool.name: sample.workers for sample in samples}
    versions = dict(modules(snapshot))
    go = go_version(snapshot)
    known = versions | ({"go": go} if go else {})
    among = None if selected is None else selected.mask
    every = classify.classify(snapshot, knowledge.rules, sizes, known)
    caught = every if among is None else classify.classify(snapshot, knowledge.rules, sizes, known, among)
    locks = find_locks(snapshot)
    scene = Scene(snapshot, locks, _rows(one for one in every if one.rule.kind == "healthy"), shown.snapshot.stacks)
    told = _concluded(snapshot, shown.snapshot)
    crash = _crash(snapshot, shown.snapshot, knowledge, among)
    findings = _explained(caught, scene, told, knowledge, among, crash, None if redacted else reader)
    if contention and not redacted:  # profiles name functions
        from stackscan.analysis.contended import with_contention

        findings = with_contention(findings, contention)
    if reader is not None and not redacted and findings:
        from stackscan.analysis.lines import with_source

        findings = with_source(findings, reader)
    found = Analysis(
        capture=shown,
        findings=findings,
        samples=samples,
        defects=_judged(versions, shown.release, sizes, findings) if sizes else (),
        known_locks=None if redacted else locks,
        doubts=() if selected is not None or any(map(_alarms, findings)) else doubts(capture, scene),
    )
    if by is not None:  # before rows become those of a selection
        found = replace(found, breakdown=_broken_down(found, by, snapshot, None if selected is None else selected.rows))
    if selected is not None:
        return _narrowed(found, selected, "(redacted)" if redacted else where or "", capture)
    if redacted:
        return found  # a proposal names functions
    return replace(found, proposals=_proposed(snapshot, knowledge, findings))


def _select(snapshot: Snapshot, where: str) -> SelectedRows:
    from stackscan.analysis.selection import select_rows

    return select_rows(snapshot, where)


def _broken_down(found: Analysis, by: str, snapshot: Snapshot, among: Sequence[int] | None) -> Breakdown:
    from stackscan.analysis.breakdown import break_down  # few runs ask for it

    findings, samples = found.findings, found.samples
    return break_down(by, found.capture, snapshot, findings=findings, samples=samples, among=among)


def _judged(
    versions: Mapping[str, str], release: str | None, pools: Iterable[str], findings: Iterable[Finding]
) -> tuple[Judgement, ...]:
    """The phases of the defects of these pools."""
    from stackscan.analysis import defects
    from stackscan.knowledge import defect

    return defects.judge(
        defect.catalogue(),
        modules=versions,
        kubo=release,
        pools=pools,
        caught=(finding.rule.name for finding in findings),
    )


def _proposed(snapshot: Snapshot, knowledge: Configuration, findings: Iterable[Finding]) -> tuple[Proposal, ...]:
    """What may be pools without a description: in a small dump none."""
    if snapshot.total < _FEWEST_WORKERS:
        return ()
    from stackscan.analysis.proposals import propose

    return propose(snapshot, knowledge.pools, (finding.rows for finding in findings))


def _crash(
    snapshot: Snapshot, shown: Snapshot, knowledge: Configuration, among: Collection[int] | None
) -> Finding | None:
    """How the process ended, or what it reported; nothing in most dumps."""
    if not snapshot.message and not snapshot.conclusions:
        return None
    from stackscan.analysis.crashes import find_crash

    return find_crash(snapshot, shown, knowledge.crashes, among)


def _concluded(snapshot: Snapshot, shown: Snapshot) -> list[Cause]:
    """What the tool that printed the text concludes: nothing in a dump, which need not load how that is told."""
    if not snapshot.conclusions:
        return []
    from stackscan.analysis.conclusions import concluded

    return concluded(snapshot, shown)


def _explained(
    caught: Sequence[Finding],
    scene: Scene,
    told: Sequence[Cause],
    knowledge: Configuration,
    among: Collection[int] | None,
    crash: Finding | None,
    reader: Reader | None,
) -> tuple[Finding, ...]:
    """How the process ended, what rules caught, and what explains it: what the text's tool concludes (``told``), root
    causes of the whole dump, and the oldest wait that is left."""
    named = {cause.name: cause for cause in knowledge.causes}
    told = [cause for cause in told if cause.name in named]
    causes = find_causes(scene, reader) if named else []
    if told:
        from stackscan.analysis.conclusions.find import beside, with_argued

        caught, causes = beside(caught, told), with_argued(told, causes)
    findings = tuple(caught)
    if findings or causes or crash is not None:
        from stackscan.analysis.explain import with_causes, with_crash

        findings = with_crash(with_causes(caught, causes, named, scene.snapshot, among), crash)
    oldest = unexplained(scene, findings, named[UNEXPLAINED]) if UNEXPLAINED in named and among is None else None
    if oldest is None:
        return findings
    from stackscan.analysis.explain import in_order

    return in_order([*findings, oldest])


def _alarms(finding: Finding) -> bool:
    return finding.severity in ("error", "warning")


def _narrowed(found: Analysis, selected: SelectedRows, expression: str, whole: Capture) -> Analysis:
    """The part of an analysis that is about the selected goroutines."""
    from stackscan.analysis.selection import Selection

    return replace(
        found,
        capture=replace(found.capture, snapshot=selected.only(found.capture.snapshot)),
        findings=tuple(selected.narrowed(finding) for finding in found.findings),
        samples=tuple(sample for sample in found.samples if selected.has_worker(sample.pool, whole.snapshot)),
        selection=Selection(expression, whole.snapshot.total),
    )


def _rows(findings: Iterable[Finding]) -> list[int]:
    return [row for finding in findings for row in finding.rows]
