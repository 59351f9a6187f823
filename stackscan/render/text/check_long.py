"""The long form of a check: the short answer, and below it the whole report of every source."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

from stackscan.checks import CheckResult
from stackscan.render.text import check as text
from stackscan.render.text import report as report_text
from stackscan.report import Report


def render(result: CheckResult, out: TextIO) -> None:
    """Write the answer, then all details of every report."""
    text.render(result, out, most=None)
    out.write("\n")
    snapshots = tuple(
        replace(snapshot, everything=True, explained=True, on_screen=len(snapshot.shown))
        for report in result.reports
        for snapshot in report.snapshots
    )
    bundles = tuple(bundle for report in result.reports for bundle in report.bundles)
    report_text.render(Report(snapshots, bundles), out)
