"""The outcome of a check as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stackscan.analysis.finding import Confidence
from stackscan.checks.policy import Ignore, Policy
from stackscan.knowledge.rule import Severity
from stackscan.model.snapshot import Frame
from stackscan.report import Report, StackReport

#: A finding beside the baseline and the ignores; ``found``: no baseline, or nothing in it about this finding.
Status = Literal["found", "new", "grown", "known", "ignored"]
Kind = Literal["rule", "limit", "pool", "capture", "growth"]


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing that a check found in a capture.

    ``name`` identifies it from run to run: a rule's name, ``max-goroutines``, ``max-wait-minutes``, ``limit-NAME``,
    ``pool-NAME``, ``growth``, ``leak``, ``crash`` or ``incomplete``. ``count`` goroutines were found where ``allowed``
    were (None: not a matter of counts), or waited for longer than ``allowed_minutes``. ``baseline`` of them are known
    (None: there is none to ask). ``stacks`` are the stacks meant, largest or longest first; ``frame`` is the place to
    look at. ``reason`` is why it is ignored. ``of_crash``: it says how the process died, under the name of its rule.
    ``cause`` is the root cause that it names (None: none is known), ``confidence`` how sure that is.
    """

    name: str
    kind: Kind
    severity: Severity
    message: str  # one line
    status: Status = "found"
    fails: bool = False
    count: int | None = None
    allowed: int | None = None
    allowed_minutes: int | None = None
    baseline: int | None = None
    stacks: tuple[StackReport, ...] = ()
    frame: Frame | None = None
    goroutine_ids: tuple[int, ...] = ()
    why: str = ""
    fix: str = ""
    references: tuple[str, ...] = ()
    reason: str = ""
    cause: str | None = None
    confidence: Confidence | None = None
    of_crash: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names under which a policy may ignore it: every crash is also a ``crash``."""
        return frozenset({self.name, "crash"} if self.of_crash else {self.name})


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """The findings of one dump. ``notes`` say what could not be judged and why."""

    source: str
    member: str | None
    position: int
    snapshots_in_member: int
    format: str
    goroutines: int
    complete: bool
    findings: tuple[CheckFinding, ...]
    notes: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether anything in it fails the check."""
        return any(finding.fails for finding in self.findings)


@dataclass(frozen=True, slots=True)
class SourceResult:
    """One source: its captures, and why it cannot pass whatever they hold (None: it can), with what to do."""

    source: str
    captures: tuple[CaptureResult, ...]
    trouble: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class IgnoreUse:
    """An ignore of the policy: on how many findings it was used, and whether its day has passed."""

    ignore: Ignore
    used: int
    expired: bool


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found in all sources. ``reports`` are the whole reports, for the long form."""

    policy: Policy
    fail_on: Severity
    baseline: str | None
    rules: tuple[str, ...]
    sources: tuple[SourceResult, ...]
    ignores: tuple[IgnoreUse, ...]
    reports: tuple[Report, ...]

    @property
    def captures(self) -> tuple[CaptureResult, ...]:
        """The captures of all sources."""
        return tuple(capture for source in self.sources for capture in source.captures)

    @property
    def exit_code(self) -> int:
        """2 when a source cannot be judged, else 1 when anything fails, else 0."""
        if any(source.trouble is not None for source in self.sources):
            return 2
        return int(any(capture.fails for capture in self.captures))
