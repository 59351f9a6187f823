"""Finding: what one rule caught, or one cause that explains what hangs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from stackscan.knowledge.rule import Rule, Severity
from stackscan.model.snapshot import Frame, Snapshot

if TYPE_CHECKING:
    from stackscan.analysis.affected import Verdict
    from stackscan.analysis.wait_graph import WaitGraph
    from stackscan.golang.excerpt import Excerpt

#: The evidence of a finding: numbers, numbers by name, or an argument in words.
Evidence = dict[str, int | dict[str, int] | str | None]
#: What tells a finding from all others of a snapshot.
FindingKey = tuple[str, int]
#: ``proved``: the runtime says so, or one stack shows it alone.
Confidence = Literal["proved", "likely", "possible"]
#: Causes that say how the process ended.
ENDINGS: Final = frozenset({"crash", "test-timeout"})
#: The finding of these goroutines' rule says already how the process ended.
SAID_BY_RULE: Final = "all-asleep-deadlock"
CONFIDENCES: Final[tuple[Confidence, ...]] = get_args(Confidence)


@dataclass(frozen=True, slots=True)
class Step:
    """Goroutines of a cause, what they do (``holds A, waits for B``), and the frame to look at in each. ``ids`` are the
    first 20 of ``count``; ``source`` are the lines of that frame (None: not at hand)."""

    ids: tuple[int, ...]
    count: int
    does: str
    frame: Frame | None
    source: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule caught in one snapshot, or one cause of what hangs.

    ``count`` goroutines in the stacks ``stack_ids``, of which the first 20 ids are kept; ``deciding`` maps a stack
    id to the index of the frame that made it match. ``title`` and ``verdict`` are the rule's, the latter its first
    line of a report, with its placeholders; it and ``severity`` are those of a minor finding where it is one.
    ``applies`` says whether the program's versions have the defect, with the evidence (None: unknown). ``rows``
    are the goroutines' rows in the snapshot, in its order. ``cause`` is the root cause that the finding names (None:
    none is known), ``confidence`` how sure that is, and ``steps`` are its goroutines in order, the culprit first.
    ``waits`` say who waits for what in it (None: nothing to draw).
    """

    rule: Rule
    severity: Severity
    title: str
    verdict: str
    count: int
    goroutine_ids: tuple[int, ...]
    evidence: Evidence
    stack_ids: tuple[int, ...]
    deciding: dict[int, int]
    applies: tuple[Verdict, str] | None = None
    rows: Sequence[int] = field(default=(), repr=False, compare=False)
    cause: str | None = None
    confidence: Confidence | None = None
    steps: tuple[Step, ...] = ()
    waits: WaitGraph | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> FindingKey:
        """What tells it from all others of a snapshot: a cause may occur several times."""
        return self.rule.name, min(self.stack_ids, default=-1)


def told_by(finding: Finding, findings: Iterable[Finding]) -> Finding | None:
    """The finding of an extending rule that caught the same goroutines: it replaces this one. None: there is none."""
    return next((o for o in findings if o.rule.extends == finding.rule.name and o.count == finding.count), None)


def goroutines_by_stack(finding: Finding, snapshot: Snapshot) -> Counter[int]:
    """How many goroutines of a finding are on each stack."""
    stacks, counts = snapshot.column("stack_id"), snapshot.counts
    found: Counter[int] = Counter()
    for row in finding.rows:
        found[stacks[row]] += 1 if counts is None else counts[row]
    return found
