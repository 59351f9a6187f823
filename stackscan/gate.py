"""Sources → the outcome of a check: what ``stackscan check`` and the pytest plugin share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from stackscan.check import Baseline, CheckResult, build_baseline, find_policy, judge, read_baseline
from stackscan.configuration import Configuration, shipped
from stackscan.errors import StackscanError
from stackscan.judging import Judging
from stackscan.pipeline import Progress, attempt
from stackscan.report import Report, second_views
from stackscan.rules import Severity


def check(
    chosen: Iterable[str],
    *,
    configuration: Configuration | None = None,
    policy: Path | None = None,
    baseline: Path | None = None,
    accept: bool = False,
    fail_on: Severity | None = None,
    today: date | None = None,
    progress: Progress | None = None,
) -> tuple[CheckResult, Baseline]:
    """Judge sources by a policy and a baseline; with ``accept``, by the baseline that they themselves make.

    ``configuration``: the rules and pools to judge with, and the policy where no other is named (None: what ships).
    Returns the outcome and that baseline. Raises StackscanError for a wrong policy or baseline, and when no source at
    all can be read; where one of several cannot, the outcome says so and its exit code is 2.
    """
    configuration = configuration or shipped()
    settings = find_policy(policy, configuration)
    known = None if baseline is None or accept else read_baseline(baseline)
    scanned = list(attempt(chosen, how=Judging(configuration), progress=progress))
    unread = [report for _, report in scanned if isinstance(report, StackscanError)]
    if len(unread) == len(scanned):
        raise _all(unread)
    new = _baseline(report for _, report in scanned if isinstance(report, Report))
    if accept:
        known = replace(new, where="the baseline of these captures")
    names = tuple(rule.name for rule in configuration.rules)
    return judge(scanned, settings, rules=names, baseline=known, fail_on=fail_on, today=today), new


def _all(errors: list[StackscanError]) -> StackscanError:
    """One error for all."""
    first = errors[0]
    if len(errors) > 1:
        first = type(first)("; ".join(map(str, errors)), hint=first.hint)
    return first


def _baseline(reports: Iterable[Report]) -> Baseline:
    """What the captures of these reports hold, each process by its best view."""
    snapshots = []
    for report in reports:
        hidden = second_views(report)
        snapshots += [s for s in report.snapshots if (s.source, s.member) not in hidden]
    return build_baseline(snapshots)
