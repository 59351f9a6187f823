"""Judges reports: the outcome of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, get_args

from stackscan.analysis.finding import ENDINGS, Finding, told_by
from stackscan.checks.baseline import Baseline
from stackscan.checks.growth import growth_findings, rule_status
from stackscan.checks.ignores import Ignores
from stackscan.checks.leaks import LEAK, Key, is_of_leak, key_of, leak_findings
from stackscan.checks.limits import limit_findings, pool_findings
from stackscan.checks.model import CaptureResult, CheckFinding, CheckResult, Kind, SourceResult, Status
from stackscan.checks.policy import Policy
from stackscan.errors import StackscanError
from stackscan.knowledge.rule import SEVERITIES, Severity
from stackscan.model.snapshot import Frame
from stackscan.report import Report, SnapshotReport, StackReport, second_views, singular
from stackscan.report.growth import Leak

_EMPTY_HINT: Final = "Check how it was taken; with curl -f, a failed request fails the download."
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_CUT_HINT: Final = "The missing part may hold stuck goroutines: fetch or copy it again."


def judge(
    scanned: Iterable[tuple[str, Report | StackscanError]],
    policy: Policy,
    *,
    rules: Sequence[str],
    baseline: Baseline | None = None,
    fail_on: Severity | None = None,
    today: date | None = None,
    leaks: Callable[[], Mapping[Key, Sequence[Leak]]] = dict,
    whole: bool = True,
) -> CheckResult:
    """The outcome of a check of some sources: of each its report (with all buckets), or why there is none.

    ``scanned`` is read once, and of each report its findings are kept (``whole``: the report, too). ``rules`` are the
    names of all rules that were looked for. ``fail_on`` goes before the policy's; ``today`` (default: the day in UTC)
    decides which ignores have expired. ``leaks``: those that several captures show, by the last; called after the last
    source was read.
    """
    check = _Judge(policy, baseline, fail_on or policy.fail_on, today or datetime.now(UTC).date())
    sources: list[_Source] = []
    reports = []
    for source, report in scanned:
        if isinstance(report, StackscanError):
            sources.append(_Source(SourceResult(source, (), str(report), report.hint)))
            continue
        sources.append(check.source(source, report))
        if whole:
            reports.append(report)
    found = leaks()
    return CheckResult(
        policy=policy,
        fail_on=check.fail_on,
        baseline=None if baseline is None else baseline.where,
        rules=tuple(name for name in rules if policy.rules.get(name) != "off"),
        sources=tuple(check.decided(source, found) for source in sources),
        ignores=check.ignores.uses(),
        reports=tuple(reports),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """A source before leaks are known: its captures with what was found in each, by what tells the captures apart."""

    result: SourceResult
    keys: tuple[Key, ...] = ()


class _Judge:
    """One policy, one baseline, one day."""

    def __init__(self, policy: Policy, baseline: Baseline | None, fail_on: Severity, today: date) -> None:
        self.policy = policy
        self.baseline = baseline
        self.fail_on = fail_on
        self.ignores = Ignores(policy.ignores, today=today)

    def source(self, source: str, report: Report) -> _Source:
        """One source. A dump without goroutines and what was cut on its way prove nothing: neither can pass. An empty
        leak profile is good news."""
        hidden = second_views(report)
        seen = [s for s in report.snapshots if (s.source, s.member) not in hidden]
        trouble, hint = _trouble(source, report)
        result = SourceResult(source, tuple(map(self._capture, seen)), trouble, hint)
        return _Source(result, tuple(map(key_of, seen)))

    def _capture(self, snapshot: SnapshotReport) -> CaptureResult:
        pools, notes = pool_findings(snapshot, self.policy)
        return CaptureResult(
            source=snapshot.source,
            member=snapshot.member,
            position=snapshot.position,
            snapshots_in_member=snapshot.snapshots_in_member,
            format=snapshot.format,
            goroutines=snapshot.goroutines,
            complete=snapshot.complete,
            findings=(
                *self._rules(snapshot),
                *limit_findings(snapshot, self.policy),
                *pools,
                *self._growth(snapshot),
                *_crash(snapshot, self.policy),
                *_incomplete(snapshot, self.policy),
            ),
            notes=notes,
        )

    def decided(self, source: _Source, leaks: Mapping[Key, Sequence[Leak]]) -> SourceResult:
        """The source with its leaks, and of each finding whether it fails."""
        captures = source.result.captures
        found = (self._with_leaks(one, leaks.get(key, ())) for one, key in zip(captures, source.keys, strict=True))
        return replace(source.result, captures=tuple(found))

    def _with_leaks(self, capture: CaptureResult, leaks: Sequence[Leak]) -> CaptureResult:
        severity = self.policy.rules.get(LEAK, "error")
        told = () if severity == "off" else leaks
        found = [one for one in capture.findings if one.kind != "growth" or not is_of_leak(one, told)]
        if severity != "off":
            found += leak_findings(told, severity, self.baseline, self.policy.growth)
        findings = [self._decided(self.ignores.applied(finding)) for finding in found]
        return replace(capture, findings=tuple(sorted(findings, key=_order)))

    def _decided(self, finding: CheckFinding) -> CheckFinding:
        """The finding with its place and whether it fails."""
        bad = SEVERITIES.index(finding.severity) <= SEVERITIES.index(self.fail_on)
        fails = bad and finding.status not in ("known", "ignored")
        prefixes = tuple(self.policy.source_prefixes)
        named = finding.frame
        if named is not None and prefixes and not named.file.startswith(prefixes):
            named = None  # a library's: the repository's own frame is the better place, where there is one
        frame = named or _frame(finding.stacks, prefixes) or finding.frame
        return replace(finding, fails=fails, frame=frame)

    def _rules(self, snapshot: SnapshotReport) -> Iterator[CheckFinding]:
        for finding in snapshot.findings:
            if finding.rule.kind == "healthy":
                continue  # what is idle as expected is no finding
            severity = self.policy.rules.get(finding.rule.name) or self._severity(finding)
            if severity == "off" or severity not in SEVERITIES:
                continue
            extending = told_by(finding, snapshot.findings)
            if extending is not None and self.policy.rules.get(extending.rule.name) != "off":
                continue  # the rule that extends it caught the same goroutines and says more
            yield self._rule(finding, snapshot, severity)

    def _severity(self, finding: Finding) -> str:
        """How bad a finding is; of a crash the policy's ``crash`` says it."""
        if finding.cause not in ENDINGS or self.policy.crash == "fail":
            return finding.severity
        return "off" if self.policy.crash == "ignore" else max(finding.severity, "warning", key=SEVERITIES.index)

    def _rule(self, finding: Finding, snapshot: SnapshotReport, severity: Severity) -> CheckFinding:
        rule = finding.rule
        caught = tuple(found for found in snapshot.buckets if rule.name in found.rules)
        status: Status = "found"
        known = allowed = None
        died = finding.cause in ENDINGS  # a process that died is never as it was
        if self.baseline is not None and not died:
            total = sum(other.count for other in snapshot.findings if other.rule.name == rule.name)
            status, known, allowed = rule_status(finding, total, caught, self.baseline, self.policy.growth)
        stacks = _stacks_of(finding, caught, snapshot)
        return CheckFinding(
            name=rule.name,
            kind="rule",
            severity=severity,
            status=status,
            message=finding.title if finding.steps else f"{_counted(finding.count, rule.noun)}: {finding.title}",
            count=finding.count,
            allowed=allowed,
            baseline=known,
            stacks=stacks,
            goroutine_ids=finding.goroutine_ids,
            why=rule.why,
            fix=" ".join(filter(None, (str(finding.evidence.get("change") or ""), rule.fix))),
            references=rule.references,
            frame=finding.steps[0].frame if finding.steps else None,
            of_crash=died,
            cause=finding.cause,
            confidence=finding.confidence,
        )

    def _growth(self, snapshot: SnapshotReport) -> Iterator[CheckFinding]:
        severity = self.policy.growth.severity
        if self.baseline is None or severity == "off":
            return
        spoken_for = {
            finding.rule.name
            for finding in snapshot.findings
            if self.policy.rules.get(finding.rule.name, finding.severity) in ("error", "warning")
        }
        yield from growth_findings(snapshot, self.baseline, self.policy.growth, severity, spoken_for)


def _stacks_of(finding: Finding, caught: tuple[StackReport, ...], snapshot: SnapshotReport) -> tuple[StackReport, ...]:
    """The stacks of one finding, where a snapshot has several of its name: those with a frame of its steps."""
    if sum(other.rule.name == finding.rule.name for other in snapshot.findings) < 2:
        return caught
    frames = {step.frame for step in finding.steps if step.frame is not None}
    return tuple(found for found in caught if not frames.isdisjoint(found.bucket.stack.frames)) or caught


def _incomplete(snapshot: SnapshotReport, policy: Policy) -> Iterator[CheckFinding]:
    """A dump that lost goroutines: what is missing may be what is stuck."""
    if snapshot.complete or policy.incomplete == "ignore":
        return
    reasons = sorted((problem.reason for problem in snapshot.problems), key=lambda reason: "cut" not in reason)
    first = reasons[0] if reasons else "goroutines are missing"
    yield CheckFinding(
        name="incomplete",
        kind="capture",
        severity="error" if policy.incomplete == "fail" else "warning",
        message=f"the dump is incomplete: {first}",
        fix="Take it again. A server that cuts dumps at 64 MiB sends all goroutines with debug=0 or debug=1.",
    )


def _crash(snapshot: SnapshotReport, policy: Policy) -> Iterator[CheckFinding]:
    """A dump that was not written on request: the process, or one of its handlers, died, and no finding says it."""
    ending = snapshot.ending
    if ending is None or policy.crash == "ignore" or any(finding.cause in ENDINGS for finding in snapshot.findings):
        return
    if ending.level not in ("error", "warning"):
        return
    yield CheckFinding(
        name="crash",
        kind="capture",
        severity="error" if ending.level == "error" and policy.crash == "fail" else "warning",
        message=ending.text,
        stacks=tuple(snapshot.buckets[:1]),
    )


def _trouble(source: str, report: Report) -> tuple[str | None, str]:
    """Why a source cannot pass, and what to do; None, and nothing, when it can."""
    empty = next((s for s in report.snapshots if not s.goroutines and not _no_leak(s)), None)
    if empty is not None:
        where = source if empty.member is None else f"{source}, {empty.member}"
        return f"{where} has no goroutines", _EMPTY_HINT
    cut = _cut(report)
    return (None, "") if cut is None else (f"{source} is cut: {cut}", _CUT_HINT)


def _no_leak(snapshot: SnapshotReport) -> bool:
    """Whether it is a whole leak profile, in which nothing is good news."""
    return snapshot.leak_profile and snapshot.complete and not snapshot.problems


def _cut(report: Report) -> str | None:
    """What is missing of an archive or a compressed file, None when all is there."""
    for bundle in report.bundles:
        for member in bundle.members:
            if member.cut:
                return f"{member.name}: {member.note}" if member.note else member.name
    cut = next((s for s in report.snapshots if s.cut), None)
    return None if cut is None else cut.problems[-1].reason


def _order(finding: CheckFinding) -> tuple[bool, int, int, int, str]:
    """What fails first; what a rule can explain before what merely grew."""
    kind = _KINDS.index(finding.kind)
    return not finding.fails, SEVERITIES.index(finding.severity), kind, -(finding.count or 0), finding.name


def _counted(number: int, nouns: str) -> str:
    return f"{number:,} {singular(nouns) if number == 1 else nouns}"


def _frame(stacks: Sequence[StackReport], prefixes: Sequence[str]) -> Frame | None:
    """The place to look at: the innermost frame of the repository's own code, else the deciding one of the largest
    stack."""
    for found in stacks:
        for frame in found.bucket.stack.frames:
            if prefixes and frame.file.startswith(tuple(prefixes)):
                return frame
    return next((found.deciding_frame for found in stacks), None)
