"""The report as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackscan.analysis.finding import Finding, FindingKey
from stackscan.analysis.locks import Locks
from stackscan.analysis.occupancy import PoolSample
from stackscan.formats.symbol import Kind
from stackscan.knowledge.language.reasons import names
from stackscan.model.bucket import Bucket
from stackscan.model.capture import Capture, Entry
from stackscan.model.snapshot import Frame, Problem, Stack

if TYPE_CHECKING:
    from stackscan.analysis.agreement import Agreement
    from stackscan.analysis.breakdown import Breakdown
    from stackscan.analysis.creation_sites import Family
    from stackscan.analysis.defects import Judgement
    from stackscan.analysis.proposals import Proposal
    from stackscan.analysis.selection import Selection
    from stackscan.queueing.outlook import Outlook
    from stackscan.queueing.projection import Projection
    from stackscan.report.graph.model import Graph
    from stackscan.report.individuals import Individuals

Level = Literal["error", "warning", "info", "ok"]


def state_of(wait_reason: str | None, stack: Stack) -> str:
    """The printed wait reason, or what the innermost frames tell (``runtime.chansend`` is a send)."""
    told = frozenset((wait_reason,)) if wait_reason is not None else names(None, stack.functions)
    return next(iter(told or ()), "state unknown")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the answer, the worst first."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class FrameReport:
    """A frame that matters; ``deciding`` marks the one that a reader should look at first."""

    frame: Frame
    kind: Kind
    deciding: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """Frames left out here: how many, and whether all of them are the standard library's."""

    count: int
    std: bool


@dataclass(frozen=True, slots=True)
class StackReport:
    """A bucket and how to show its stack."""

    bucket: Bucket
    lines: tuple[FrameReport | Fold, ...]
    rules: tuple[str, ...]  # names of the rules that caught this stack
    aside: bool = False  # all its goroutines are idle, as expected

    @property
    def state(self) -> str:
        """Why its goroutines wait: as printed, or where nothing is printed as their frames tell."""
        return state_of(self.bucket.wait_reason, self.bucket.stack)

    @property
    def deciding_frame(self) -> Frame | None:
        """The frame that a reader should look at first; None for a stack without frames."""
        return next((line.frame for line in self.lines if isinstance(line, FrameReport) and line.deciding), None)

    @property
    def deciding_place(self) -> int | None:
        """The index of that frame in the stack; None for a stack without frames."""
        place = 0
        for line in self.lines:
            if isinstance(line, FrameReport) and line.deciding:
                return place
            place += line.count if isinstance(line, Fold) else 1
        return None


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """One snapshot, judged.

    ``source`` and ``member`` say where it was found and ``position`` which snapshot of that member it is (1-based, of
    ``snapshots_in_member``). ``buckets`` are sorted by count, at most as many as were asked for, of
    ``distinct_buckets``; ``shown`` are those that the short forms show: what rules caught first, then the largest.
    ``on_screen`` is how many of those a report on one screen shows.
    ``modules`` maps module paths to the versions that frame paths name. ``wrapper`` is what a log had put around the
    dump, outermost first (empty: nothing), and ``stream`` whose lines of the log these are. ``findings`` are what is
    stuck, ``set_aside`` what is idle and expected to be (``everything``: that and all other details are shown).
    ``selection`` says which goroutines the report is about (None: all); ``proposals`` are possible pools.
    ``families`` are the largest creation sites, ``finding_families`` those of alarming findings, by finding.
    ``source_notes`` say which source could not be read.
    ``explained``: each finding says why, with its whole fix and its references. ``finding_frames`` holds by finding
    the frame that decided for most of its goroutines. ``ending`` says how the process ended in the words of its
    message, for where no finding says it (None: the text does not say). ``go_version`` (``go1.26.8``) is the release
    of Go that built the program, where something beside the dump says it. ``find_source`` finds the file of a frame on
    this machine (None: no source is read). ``individuals`` are all goroutines, for outputs in which a reader can ask
    for each (None: nobody asked). ``breakdown``: goroutines, findings and pools by the values of a label or another key
    (None: nobody asked).
    """

    source: str
    member: str | None
    position: int
    snapshots_in_member: int
    format: str
    dialect: str | None
    cause: str | None
    goroutines: int
    header_lines: int
    distinct_stacks: int
    distinct_buckets: int
    complete: bool
    longest_wait_minutes: int
    problems: tuple[Problem, ...]
    wait_reasons: tuple[tuple[str, int], ...]
    modules: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    pools: tuple[PoolSample, ...]
    projections: tuple[tuple[str, Projection], ...]  # by the pool's name, of pools with a model
    phases: tuple[Judgement, ...]
    buckets: Sequence[StackReport]
    shown: tuple[StackReport, ...]
    wrapper: tuple[str, ...] = ()
    stream: str = ""
    set_aside: tuple[Finding, ...] = ()
    everything: bool = False
    selection: Selection | None = None
    proposals: tuple[Proposal, ...] = ()
    cut: bool = False  # the file or archive that holds it ends before its end
    locks: Locks = field(default_factory=Locks)
    families: tuple[Family, ...] = ()
    finding_families: tuple[tuple[FindingKey, tuple[Family, ...]], ...] = ()
    finding_frames: tuple[tuple[FindingKey, Frame], ...] = ()
    explained: bool = False
    on_screen: int = 3
    source_notes: tuple[str, ...] = ()
    ending: Verdict | None = None
    leak_profile: bool = False  # Go's goroutineleak profile: it lists leaked goroutines only
    individuals: Individuals | None = None
    graphs: tuple[tuple[FindingKey, Graph], ...] = ()  # who waits for whom in findings, for outputs that draw it
    outlooks: tuple[tuple[str, Outlook], ...] = ()  # of the projections, for outputs that draw them
    go_version: str | None = None
    breakdown: Breakdown | None = None
    find_source: Callable[[Frame], Path | None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """A capture as it may be shown, and its report."""

    capture: Capture
    report: SnapshotReport


@dataclass(frozen=True, slots=True)
class ViewsReport:
    """Two members that show the same process, and how they agree."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class ContendedStack:
    """One place where goroutines waited for locks or channels: seconds of waiting in all (None: the clock's rate is not
    known), how many waits, the frame to look at and the function that began the stack."""

    delay_seconds: float | None
    waits: int
    frame: Frame
    root: str


@dataclass(frozen=True, slots=True)
class ContentionReport:
    """A mutex or block profile of a bundle: all seconds of waiting in it, and the places with most of them."""

    member: str
    kind: str
    delay_seconds: float | None
    stacks: tuple[ContendedStack, ...]


@dataclass(frozen=True, slots=True)
class BundleReport:
    """An archive or directory: its members, what its version.json says (None: it has none), how its views agree, and
    where its mutex and block profiles saw waiting."""

    source: str
    version: dict[str, str] | None
    members: tuple[Entry, ...]
    views: tuple[ViewsReport, ...]
    contention: tuple[ContentionReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in all sources."""

    snapshots: tuple[SnapshotReport, ...]
    bundles: tuple[BundleReport, ...] = ()


def second_views(report: Report) -> frozenset[tuple[str, str | None]]:
    """Source and member of the snapshots that show a process which another one shows better."""
    return frozenset((bundle.source, views.second) for bundle in report.bundles for views in bundle.views)
