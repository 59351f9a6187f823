"""A comparison of captures as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stackscan.analysis.finding import Confidence
from stackscan.knowledge.rule import SEVERITIES, Severity
from stackscan.report import StackReport
from stackscan.report.growth import Growth

Verdict = Literal["new", "gone", "grown", "shrunk", "steady"]


@dataclass(frozen=True, slots=True)
class Change:
    """Goroutines in each capture, in time order, and the change from the first to the last."""

    counts: tuple[int, ...]

    @property
    def change(self) -> int:
        """The last count less the first."""
        return self.counts[-1] - self.counts[0]

    @property
    def verdict(self) -> Verdict:
        """``new``: none at first; ``gone``: none at last (also what only came in between); or by the change."""
        if not self.counts[-1]:
            return "gone" if any(self.counts) else "steady"
        if not self.counts[0]:
            return "new"
        return "grown" if self.change > 0 else "shrunk" if self.change < 0 else "steady"


@dataclass(frozen=True, slots=True)
class Stayed:
    """The goroutines with the same id, stack and wait reason in every capture.

    ``woke`` of them waited for less long in a later capture than in an earlier one: they came back to where they were.
    ``waits_advanced`` counts those whose wait grew by about the time between first and last capture (None: the
    captures tell no waits that long).
    """

    goroutines: int
    woke: int
    waits_advanced: int | None


@dataclass(frozen=True, slots=True)
class BucketChange:
    """One stack, by signature: it survives a rebuild. ``stack`` is as the last capture that holds it shows it;
    ``max_wait_minutes`` is per capture (None where the stack is not); ``stayed`` is None where ids tell nothing."""

    signature: str
    change: Change
    stack: StackReport
    max_wait_minutes: tuple[int | None, ...]
    stayed: Stayed | None


@dataclass(frozen=True, slots=True)
class StandingChange:
    """All stacks that share deciding function, creator and wait reason: this sum stays right when stacks split by
    depth. ``stacks`` is how many there are; ``largest`` the one with most goroutines in the last captures."""

    at: str | None
    created_by: str | None
    wait_reason: str | None
    change: Change
    stacks: int
    largest: StackReport
    stayed: int | None


@dataclass(frozen=True, slots=True)
class PoolChange:
    """A pool over time: workers, busy workers and workers by state in each capture (None: no worker was seen)."""

    pool: str
    workers: tuple[int | None, ...]
    busy: tuple[int | None, ...]
    states: tuple[tuple[str, tuple[int | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class FindingChange:
    """What a rule caught over time, or a leak that only time shows; ``severity`` is the worst it had, ``stayed`` how
    many stayed, ``cause`` the root cause (None: none is named) and ``confidence`` how sure that is."""

    rule: str
    title: str
    noun: str
    severity: Severity
    change: Change
    stayed: int | None
    cause: str | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """One of the captures. ``break_before`` says why it cannot be of the same process as the one before it, or why the
    order is in doubt (None: nothing speaks against it)."""

    source: str
    member: str | None
    position: int
    snapshots_in_member: int
    format: str
    goroutines: int
    complete: bool
    captured_at: datetime | None
    longest_wait_minutes: int
    break_before: str | None


#: What a goroutine did over the captures, in the order in which a reader should look: ``waiting``: the same stack and
#: state in every capture, and its wait grew by the time that passed; ``appeared``: it came after the first capture and
#: was in one stack since; ``stayed``: the same in every capture, but its wait does not say that it stood still;
#: ``moved``: it is in the last capture, and was elsewhere before; ``new``: in the last capture only; ``gone``: not in
#: the last; ``idle``: idle, as expected, whatever it did.
Course = Literal["waiting", "appeared", "stayed", "moved", "new", "gone", "idle"]


@dataclass(frozen=True, slots=True)
class Companions:
    """Goroutines that were in the same stacks for the same reasons in all captures.

    ``at`` has for each capture the place of their stack in ``Matrix.stacks`` (None: they are not in the capture).
    ``ids`` ascend. ``minutes`` are the whole minutes that each had waited, for each capture (empty: not in it).
    """

    at: tuple[int | None, ...]
    ids: tuple[int, ...]
    minutes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Goroutines whose places in the code and states were the same in all captures; the most alike first."""

    course: Course
    companions: tuple[Companions, ...]

    @property
    def count(self) -> int:
        """How many goroutines there are."""
        return sum(len(each.ids) for each in self.companions)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every goroutine in every capture: ``crowds`` with what a reader should look at first, and the distinct
    ``stacks`` with their states."""

    stacks: tuple[StackReport, ...]
    crowds: tuple[Crowd, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two or more captures compared.

    ``verdict`` says whether goroutines leak. ``intervals_seconds`` are the times between neighbours (None where not
    known). ``functions_only``: one of them tells no wait reasons, so stacks are compared by their functions outside the
    runtime, and signatures are of those alone. ``matrix`` has every goroutine (None: nobody asked, or ids cannot be
    compared). ``modules`` are those that frames name, with their versions; ``go_version`` is the release that built
    the program (None: not known, or not the same in all captures).
    """

    verdict: Growth
    captures: tuple[CaptureSummary, ...]
    intervals_seconds: tuple[float | None, ...]
    functions_only: bool
    total: Change
    stayed: int | None
    buckets: tuple[BucketChange, ...]
    standings: tuple[StandingChange, ...]
    creators: tuple[tuple[str | None, Change], ...]
    pools: tuple[PoolChange, ...]
    findings: tuple[FindingChange, ...]
    notes: tuple[str, ...]
    matrix: Matrix | None = None
    modules: tuple[tuple[str, str], ...] = ()
    go_version: str | None = None

    def fails(self, level: Severity) -> bool:
        """Whether any finding is of this severity or a worse one."""
        return any(SEVERITIES.index(finding.severity) <= SEVERITIES.index(level) for finding in self.findings)
