"""Puts what rules caught under the root cause that explains it: root before symptom, one finding for one fault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from stackscan.analysis.finding import CONFIDENCES, ENDINGS, SAID_BY_RULE, Finding
from stackscan.analysis.wait_graph import WaitGraph
from stackscan.formats.symbol import origin
from stackscan.knowledge.language import Index, index_of
from stackscan.knowledge.rule import SEVERITIES, Rule, Severity
from stackscan.model.snapshot import Snapshot, Stack

if TYPE_CHECKING:
    from stackscan.analysis.causes.model import Cause

#: The share of a pile-up that must wait behind a cause to be its symptom.
_SYMPTOM: Final = 0.8
#: The share of a cause that a rule must have caught to know the fault by a better name.
_BY_NAME: Final = 0.5
_IDS_SHOWN: Final = 20


def with_causes(
    findings: Sequence[Finding],
    causes: Sequence[Cause],
    named: Mapping[str, Rule],
    snapshot: Snapshot,
    among: Collection[int] | None = None,
) -> tuple[Finding, ...]:
    """The findings with those of root causes, most severe first.

    ``named`` are the causes that are looked for; ``among`` are the goroutines that findings are about (None: all).
    """
    left = list(findings)
    found: list[Finding] = []
    for cause in causes:
        if cause.name in named:
            finding = _finding(cause, named[cause.name], snapshot, among)
            if finding is not None:
                found.append(_explaining(finding, cause, left))
    known = {row for finding in found for row in finding.rows}
    symptoms = [finding for finding in left if finding.rule.symptom and finding.rule.kind != "healthy"]
    shared = [s for s in symptoms if len(known.intersection(s.rows)) >= _SYMPTOM * len(s.rows)]
    found = [_also(cause, shared, snapshot) for cause in found]
    rest = (_unexplained(finding, known, snapshot) for finding in left if finding not in shared)
    return in_order([*found, *rest])


def with_crash(findings: Sequence[Finding], crash: Finding | None) -> tuple[Finding, ...]:
    """The findings with the one about how the process died.

    A deadlock of all goroutines has a rule of its own. It is left out where the runtime proves a root cause: that says
    why they are asleep.
    """
    proved = any(f.cause is not None and f.cause not in ENDINGS and f.confidence == "proved" for f in findings)
    kept = [finding for finding in findings if not (proved and finding.rule.name == SAID_BY_RULE)]
    said = (
        replace(finding, cause="crash", confidence="proved") if finding.rule.name == SAID_BY_RULE else finding
        for finding in kept
    )
    return in_order([*([] if crash is None else [crash]), *said])


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is stuck by severity, then what is healthy; each by count. Among equals how the process ended is first, then
    root causes."""
    order = lambda f: (  # noqa: E731
        f.rule.kind == "healthy", SEVERITIES.index(f.severity), -f.count, f.cause not in ENDINGS,
        len(CONFIDENCES) if f.confidence is None else CONFIDENCES.index(f.confidence),
        f.rule.extends is None, f.rule.name,
    )  # fmt: skip
    return tuple(sorted(findings, key=order))


def _also(cause: Finding, symptoms: Iterable[Finding], snapshot: Snapshot) -> Finding:
    """The finding of a cause with its share of symptoms that several causes explain together."""
    count = index_of(snapshot).count
    own = frozenset(cause.rows)
    shares = {each.rule.name: count(own.intersection(each.rows)) for each in symptoms}
    shares = {name: goroutines for name, goroutines in shares.items() if goroutines}
    if not shares:
        return cause
    before = cause.evidence.get("also")
    return replace(cause, evidence=cause.evidence | {"also": (before if isinstance(before, dict) else {}) | shares})


def _unexplained(finding: Finding, known: Collection[int], snapshot: Snapshot) -> Finding:
    """What a rule that names a cause caught beyond the goroutines of other causes; any other finding as it is."""
    if finding.rule.cause is None:
        return finding
    named = replace(finding, cause=finding.rule.cause, confidence="proved")
    rows = [row for row in finding.rows if row not in known]
    if len(rows) in (0, len(finding.rows)):
        return named
    index = index_of(snapshot)
    stack_ids = tuple(dict.fromkeys(index.row_stack[row] for row in rows))
    return replace(
        named,
        rows=rows,
        count=index.count(rows),
        goroutine_ids=_ids(index, rows),
        evidence=finding.evidence | {finding.rule.noun: index.count(rows)},
        stack_ids=stack_ids,
        deciding={stack_id: finding.deciding[stack_id] for stack_id in stack_ids},
    )


def _finding(cause: Cause, rule: Rule, snapshot: Snapshot, among: Collection[int] | None) -> Finding | None:
    """The finding of a cause; None where none of its goroutines was selected."""
    rows = [row for row in cause.rows if among is None or row in among]
    if not rows:
        return None
    index = index_of(snapshot)
    minutes = index.column("wait_minutes")
    stack_ids = tuple(dict.fromkeys(index.row_stack[row] for row in rows))
    return Finding(
        rule=rule,
        severity=_severity(cause),
        title=cause.title,
        verdict=cause.title,
        count=index.count(rows),
        goroutine_ids=_ids(index, rows),
        evidence={
            "goroutines": index.count(rows),
            "waiting": cause.waiting,
            "because": cause.argument,
            **({"change": cause.change} if cause.change else {}),
            "longest_wait_minutes": max((minutes[row] for row in rows if minutes[row] is not None), default=None),
        },
        stack_ids=stack_ids,
        deciding={n: cause.deciding.get(n, _first_own(snapshot.stacks[n])) for n in stack_ids},
        rows=sorted(rows),
        cause=cause.name,
        confidence=cause.confidence,
        steps=cause.steps,
        waits=WaitGraph(cause.ties, cause.culprits, snapshot, cause.alike) if cause.ties else None,
    )


def _ids(index: Index, rows: Iterable[int]) -> tuple[int, ...]:
    """The first ids of some goroutines."""
    ids = index.column("goroutine_id")
    return tuple(islice((ids[row] for row in rows if ids[row] is not None), _IDS_SHOWN))


def _first_own(stack: Stack) -> int:
    """The index of the first frame outside the standard library; 0 where there is none."""
    return next((place for place, frame in enumerate(stack.frames) if origin(frame).kind != "std"), 0)


def _severity(cause: Cause) -> Severity:
    """What is proved is an error; what is likely, when something is stuck."""
    if cause.harmless:
        return "info"
    if cause.confidence == "proved" and (cause.stuck or cause.name != "blocked-while-holding-lock"):
        return "error"  # who holds a lock and waits may go on by himself: that is one only when it lasts
    if cause.confidence in ("proved", "likely"):
        return "error" if cause.stuck else "warning"
    return "warning"


def _explaining(cause: Finding, root: Cause, left: list[Finding]) -> Finding:
    """The finding of a cause with its symptoms, which leave ``left``; under the name of a rule that knows the fault."""
    better: Finding | None = None
    also: dict[str, int] = {}
    severity, own = cause.severity, frozenset(cause.rows)
    for finding in list(left):
        if finding.rule.kind == "healthy" or finding.cause is not None:
            continue
        inside = len(own.intersection(finding.rows))
        if finding.rule.symptom and inside >= _SYMPTOM * len(finding.rows):
            left.remove(finding)
            also[finding.rule.name] = finding.count
            if finding.severity != "info":
                severity = min(severity, finding.severity, key=SEVERITIES.index)
        elif (
            not root.concluded and not finding.rule.symptom and inside >= _BY_NAME * len(cause.rows) and better is None
        ):
            left.remove(finding)
            better = finding
    evidence = cause.evidence | ({"also": also} if also else {})
    if better is not None:
        return replace(
            better,
            severity=min(severity, better.severity, key=SEVERITIES.index),
            evidence=better.evidence | {"because": root.argument} | ({"also": also} if also else {}),
            cause=cause.cause,
            confidence=cause.confidence,
            steps=cause.steps,
            waits=cause.waits,
        )
    return replace(cause, severity=severity, evidence=evidence)
