"""What is made of one snapshot: the only place that classifies, counts pools and finds versions with known defects."""

from __future__ import annotations

from dataclasses import dataclass

from stackscan import phases, pools, rules
from stackscan.configuration import Configuration
from stackscan.language.symbols import Mask
from stackscan.phases import Judgement
from stackscan.pools import PoolSample
from stackscan.report import modules
from stackscan.rules import Finding
from stackscan.rules.affected import go_version
from stackscan.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Analysis:
    """Findings, pools and defects of one snapshot; the snapshot itself is beside it, not in it."""

    findings: tuple[Finding, ...]
    samples: tuple[PoolSample, ...]
    defects: tuple[Judgement, ...]


def analyse(
    snapshot: Snapshot, configuration: Configuration, *, kubo: str | None = None, among: Mask | None = None
) -> Analysis:
    """Analyse a snapshot, always as a whole: a worker is one of all its pool's.

    ``kubo``: the version that the bundle it lies in reports. ``among``: findings count these goroutines only.
    """
    samples = pools.sample(snapshot, configuration.pools)
    sizes = {sample.pool.name: sample.workers for sample in samples}
    versions = dict(modules(snapshot.stacks))
    go = go_version(snapshot.stacks)
    known = versions | ({"go": go} if go else {})
    findings = rules.classify(snapshot, configuration.rules, sizes, known, among)
    defects = phases.judge(
        phases.catalogue(),
        modules=versions,
        kubo=kubo,
        pools=sizes,
        caught=(finding.rule.name for finding in findings),
    )
    return Analysis(tuple(findings), tuple(samples), tuple(defects))
