"""Results in a few lines of HTML, for a notebook: no script, no style sheet, and every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stackscan.render import check_words, compare_words, pool_words, words
from stackscan.render.html.page import rendered
from stackscan.report import Verdict, second_views
from stackscan.report.growth import sentence
from stackscan.report.model import Level

if TYPE_CHECKING:
    from stackscan.checks import CheckResult
    from stackscan.comparison import Comparison
    from stackscan.queueing.projection import Projection
    from stackscan.report import Report, SnapshotReport

#: Captures, and rows of a table; the rest is counted.
_MOST_CAPTURES: Final = 10
_MOST_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header and rows, of which the first are shown, and how many more there are."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A heading (empty: none), lines that begin with a level, plain notes, and a table (None: there is none)."""

    title: str
    lines: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    table: Table | None = None


def of_report(found: Report) -> str:
    """The verdict and the findings of each capture; a profile of a process whose text is there too is left out."""
    second = second_views(found)
    shown = [one for one in found.snapshots if (one.source, one.member) not in second]
    return _html(map(_snapshot, shown)) if shown else _html([Part("", (Verdict("info", "no capture"),))])


def of_check(found: CheckResult) -> str:
    """The answer, and what was found in the captures, failing findings first."""
    level: Level = {0: "ok", 1: "error"}.get(found.exit_code, "warning")  # type: ignore[assignment]
    lines = [Verdict(level, check_words.answer(found))]
    lines += [Verdict("warning", source.trouble) for source in found.sources if source.trouble is not None]
    lines += [Verdict("warning", text) for text in check_words.complaints(found)]
    every = [(capture, finding) for capture in found.captures for finding in capture.findings]
    rows = [
        (
            "fails" if finding.fails else finding.status,
            finding.severity,
            finding.name,
            check_words.message(finding),
            check_words.capture_name(capture),
        )
        for capture, finding in sorted(every, key=lambda one: not one[1].fails)
    ]
    header = ("result", "severity", "finding", "message", "capture")
    return _html([Part("", tuple(lines), (check_words.settings(found),), _table(header, rows))])


def of_comparison(found: Comparison) -> str:
    """The verdict, and the findings over time."""
    level: Level = {"leak": "error", "steady": "ok"}.get(found.verdict.kind, "warning")  # type: ignore[assignment]
    lines = [Verdict(level, sentence(found.verdict, len(found.captures)))]
    lines += [Verdict("warning", text) for text in (*compare_words.breaks(found), *found.notes)]
    lines += [Verdict(severity, text) for severity, text in compare_words.stayed_findings(found)]
    rows = [
        (one.severity, one.rule, one.title, _counts(one.change.counts), one.change.verdict) for one in found.findings
    ]
    table = _table(("severity", "finding", "title", "goroutines", "change"), rows)
    return _html([Part("", tuple(lines), (f"{_counts(found.total.counts)} goroutines",), table)])


def of_projection(found: Projection, fix: str) -> str:
    """The headline, its facts, and what would change; ``fix`` says how blocked workers are avoided."""
    shown = pool_words.block(found, fix=fix)
    notes = (*(f"{label}: {text}" for label, text in shown.facts), *shown.unexplained)
    table = _table(shown.table[0], shown.table[1:]) if shown.table else None
    return _html([Part("", (Verdict(shown.level, shown.headline),), notes, table)])


def _snapshot(snapshot: SnapshotReport) -> Part:
    rows = [
        (finding.severity, finding.rule.name, f"{finding.count:,}", finding.title, words.fix(finding))
        for finding in snapshot.findings
    ]
    table = _table(("severity", "finding", "goroutines", "title", "fix"), rows)
    return Part(words.where(snapshot), snapshot.verdicts, (words.summary(snapshot),), table)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table | None:
    return Table(header, tuple(rows[:_MOST_ROWS]), max(len(rows) - _MOST_ROWS, 0)) if rows else None


def _counts(numbers: Sequence[int]) -> str:
    return " → ".join(f"{number:,}" for number in numbers)


def _html(parts: Iterable[Part]) -> str:
    found = list(parts)
    return rendered("fragment", parts=found[:_MOST_CAPTURES], more=max(len(found) - _MOST_CAPTURES, 0))
