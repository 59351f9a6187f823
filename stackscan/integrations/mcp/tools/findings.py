"""The tools ``report``, ``explain`` and ``rules``: what is wrong, why, and what to do about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stackscan.analysis.occupancy import workers_of
from stackscan.errors import UsageError
from stackscan.integrations.mcp.claims import Claim, Evidence, place
from stackscan.integrations.mcp.paging import Found
from stackscan.integrations.mcp.quoting import quoted
from stackscan.render.words import count, first_sentence

if TYPE_CHECKING:
    from stackscan.analysis.finding import Finding, Step
    from stackscan.integrations.mcp.captures import Captures, Loaded, Shown
    from stackscan.integrations.mcp.stopping import Stop
    from stackscan.knowledge.pool import Pool
    from stackscan.knowledge.rule import Rule


def report(captures: Captures, stop: Stop, source: str, snapshot: str | None) -> Found:
    """The verdict on a source, its findings, its pools, and what its goroutines wait for."""
    loaded = captures.load(source, stop)
    chosen = loaded.chosen(snapshot)
    claims = [claim for shown in chosen for claim in _reported(shown)]
    return Found(f"{_verdict(chosen)}{_size(loaded, chosen)}", claims, (loaded,))


def _verdict(chosen: Iterable[Shown]) -> str:
    """The first line of the worst verdict."""
    order = ("error", "warning", "info", "ok")
    lines = [line for shown in chosen for line in shown.capture.report.verdicts]
    worst = min(lines, key=lambda line: order.index(line.level), default=None)
    return "" if worst is None else f"{worst.level}: {quoted(worst.text)}. "


def _size(loaded: Loaded, chosen: Iterable[Shown]) -> str:
    shown = list(chosen)
    total = sum(one.capture.report.goroutines for one in shown)
    version = (loaded.bundle.version or {}).get("Version") if loaded.bundle else None
    says = f"; version.json says {quoted(version, 40)}" if version else ""
    return f"{count(total, 'goroutines')} in {count(len(shown), 'snapshots')}{says}."


def _reported(shown: Shown) -> Iterator[Claim]:
    report = shown.capture.report
    for line in report.verdicts:
        yield Claim("verdict", f"{line.level}: {quoted(line.text)}", Evidence(shown.id))
    for finding in report.findings:
        yield Claim(
            "finding",
            f"{finding.severity}: {quoted(finding.title)}. Fix: {first_sentence(finding.rule.fix)}",
            evidence_of(finding, shown),
            {"cause": finding.cause, "confidence": finding.confidence},
        )
    for sample in report.pools:
        states = ", ".join(f"{number:,} {state}" for state, number in sample.states.items() if number)
        text = f"pool {quoted(sample.pool.name)}: {count(sample.workers, 'workers')}: {states}"
        yield Claim("pool", text, workers_in(shown, sample.pool), {"occupancy": round(sample.occupancy, 4)})
    waits = dict(report.wait_reasons[:8])
    if waits:
        text = "wait reasons: " + ", ".join(f"{quoted(reason, 40)} {number:,}" for reason, number in waits.items())
        longest = {"longest_wait_minutes": report.longest_wait_minutes}
        yield Claim("waits", text, Evidence(shown.id, count=report.goroutines), longest)


def evidence_of(finding: Finding, shown: Shown) -> Evidence:
    """Where a finding can be checked."""
    frame = dict(shown.capture.report.finding_frames).get(finding.key)
    stacks = set(finding.stack_ids)
    snapshot = shown.capture.capture.snapshot
    here = {id(snapshot.stacks[number]) for number in stacks}
    signature = next((b.bucket.signature for b in shown.capture.report.buckets if id(b.bucket.stack) in here), None)
    return Evidence(shown.id, finding.goroutine_ids, finding.count, signature, finding.rule.name, place(frame))


def workers_in(shown: Shown, pool: Pool) -> Evidence:
    """The busy workers of a pool in a snapshot; where none is busy, all."""
    snapshot = shown.capture.capture.snapshot
    workers = workers_of(pool, snapshot)
    rows = [row for row, busy in workers if busy] or [row for row, _ in workers]
    ids, counts = snapshot.column("goroutine_id"), snapshot.counts
    known = sorted(number for row in rows if (number := ids[row]) is not None)
    return Evidence(shown.id, tuple(known), len(rows) if counts is None else sum(counts[row] for row in rows))


def explain(captures: Captures, stop: Stop, source: str, rule: str | None, snapshot: str | None) -> Found:
    """Why each finding of a source (or that of one rule) is one, step by step, and what to do about it."""
    loaded = captures.load(source, stop)
    pairs = [(shown, one) for shown in loaded.chosen(snapshot) for one in shown.capture.report.findings]
    wanted = [(shown, one) for shown, one in pairs if rule is None or rule in (one.rule.name, one.cause)]
    if rule is not None and not wanted:
        known = ", ".join(sorted({one.rule.name for _, one in pairs})) or "none"
        raise UsageError(f"{quoted(rule, 60)} is no finding of this source", hint=f"Its findings: {known}.")
    claims = [claim for shown, one in wanted for claim in _explained(one, shown)]
    claims += [claim for shown in loaded.chosen(snapshot) for claim in _defects(shown)]
    names = ", ".join(dict.fromkeys(one.rule.name for _, one in wanted))
    summary = (
        f"{count(len(wanted), 'findings')}: {names}." if wanted else "Nothing stuck was found, so nothing to explain."
    )
    return Found(summary, claims, (loaded,))


def _explained(finding: Finding, shown: Shown) -> Iterator[Claim]:
    evidence, rule = evidence_of(finding, shown), finding.rule
    yield Claim("finding", f"{finding.severity}: {quoted(finding.title)}", evidence, {"evidence": finding.evidence})
    for step in finding.steps:
        yield _step(step, finding, shown)
    if finding.applies is not None:
        verdict, basis = finding.applies
        affected = [str(entry) for entry in rule.affected]
        yield Claim(
            "version", f"{verdict}: {quoted(basis)}", _only(rule, shown), {"affected": affected, "fixed": rule.fixed}
        )
    for kind, text in (("why", rule.why), ("fix", rule.fix)):
        yield Claim(kind, " ".join(text.split()), _only(rule, shown))
    if rule.references:
        yield Claim("references", " ".join(rule.references), _only(rule, shown))


def _only(rule: Rule, shown: Shown) -> Evidence:
    return Evidence(shown.id, rule=rule.name)


def _step(step: Step, finding: Finding, shown: Shown) -> Claim:
    where = None if step.frame is None else quoted(step.frame.function)
    text = quoted(step.does) + (f" in {where}" if where else "")
    evidence = Evidence(shown.id, step.ids, step.count, rule=finding.rule.name, line=place(step.frame))
    return Claim("step", text, evidence)


def _defects(shown: Shown) -> Iterator[Claim]:
    """What the versions in the dump say of known defects."""
    for judgement in shown.capture.report.phases:
        phase = judgement.phase
        fixed = "" if phase.fixed else f" Fixed in {judgement.defect.fixed_in}."
        text = f"defect {judgement.defect.name}: {phase.says}.{fixed} By version: {quoted(judgement.basis)}"
        more = {"contradicted_by": list(judgement.contradicted_by)} if judgement.contradicted_by else {}
        yield Claim("defect", text, Evidence(shown.id), more)


def rules(captures: Captures, stop: Stop, name: str | None) -> Found:
    """The known rules and pools in a line each, or all about one."""
    del stop
    known = captures.configuration
    every = sorted(known.every_rule, key=lambda rule: rule.name)
    version = hashlib.sha256("\n".join(f"{r.name}{r.why}{r.fix}{r.expression}" for r in every).encode()).hexdigest()
    if name is None:
        lines = [Claim("rule", f"{r.severity} ({r.kind}): {r.title}", Evidence(rule=r.name)) for r in every]
        lines += [Claim("pool", f"{p.name}: {p.title}") for p in known.pools]
        return Found(f"{count(len(every), 'rules')} and {count(len(known.pools), 'pools')}.", lines, version=version)
    found = [rule for rule in every if rule.name == name]
    if not found:
        raise UsageError(f"there is no rule {quoted(name, 60)}", hint="The tool `rules` without a name lists them.")
    return Found(f"{found[0].name}: {found[0].title}.", [c for r in found for c in _described(r)], version=version)


def _described(rule: Rule) -> Iterator[Claim]:
    evidence = Evidence(rule=rule.name)
    more = {"kind": rule.kind, "severity": rule.severity, "evidence_level": rule.evidence_level, "fixed": rule.fixed}
    yield Claim("rule", rule.title, evidence, more | {"affected": [str(entry) for entry in rule.affected]})
    for kind, text in (("why", rule.why), ("fix", rule.fix), ("when", rule.expression)):
        if text:
            yield Claim(kind, " ".join(text.split()), evidence)
    if rule.references:
        yield Claim("references", " ".join(rule.references), evidence)
