"""The lines of source that findings point at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackscan.analysis.finding import Finding, Step
from stackscan.golang.reader import Reader


def with_source(findings: Iterable[Finding], reader: Reader) -> tuple[Finding, ...]:
    """The findings, each step with the lines around its frame, where the source is at hand."""
    return tuple(
        replace(finding, steps=tuple(_with(step, reader) for step in finding.steps)) if finding.steps else finding
        for finding in findings
    )


def _with(step: Step, reader: Reader) -> Step:
    reading = None if step.frame is None else reader.frame(step.frame)
    return step if reading is None else replace(step, source=reading.excerpt)
