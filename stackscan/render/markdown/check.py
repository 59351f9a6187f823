"""The outcome of a check for the summary of a CI job or a comment: the answer, what fails and its fix, a table.

GitHub takes a summary of at most 1 MiB, so that lists are short; ``--format json`` has all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from stackscan.checks import CaptureResult, CheckFinding, CheckResult, SourceResult
from stackscan.render import check_words as wording
from stackscan.render import words
from stackscan.render.markdown.escapes import MARKS, code, escaped

#: Captures of which the findings are shown, findings of each, and rows of the table.
_DETAILED: Final = 20
_FINDINGS: Final = 10
_ROWS: Final = 100
_ANSWERS: Final = {0: "ok", 1: "error", 2: "warning"}


def render(result: CheckResult, out: TextIO) -> None:
    """Write GitHub-flavoured Markdown."""
    answer = f"**{MARKS[_ANSWERS[result.exit_code]]} {escaped(wording.answer(result))}**"
    parts = [
        f"{answer}  \n{escaped(wording.settings(result))}",
        *_troubles(result),
        *_details(result),
        _table(result),
        "\n".join(f"* {escaped(text)}" for text in wording.complaints(result)),
    ]
    out.write("\n\n".join(part for part in parts if part) + "\n")


def _troubles(result: CheckResult) -> Iterator[str]:
    """The inputs that cannot be checked."""
    troubled = [source for source in result.sources if source.trouble is not None]
    for source in troubled[:_DETAILED]:
        yield f"**{MARKS['warning']} {escaped(source.trouble or '')}**  \n{escaped(source.hint)}"
    yield _rest(len(troubled), _DETAILED, "inputs cannot be checked")


def _details(result: CheckResult) -> Iterator[str]:
    """The captures in which something new was found, each with its findings."""
    shown = [capture for capture in result.captures if any(map(_is_shown, capture.findings))]
    shown.sort(key=lambda capture: not capture.fails)
    for capture in shown[:_DETAILED]:
        findings = [finding for finding in capture.findings if _is_shown(finding)]
        rest = _rest(len(findings), _FINDINGS, "findings")
        listed = "\n".join([*map(_finding, findings[:_FINDINGS]), *([f"* {rest}"] if rest else [])])
        yield f"### {MARKS['error' if capture.fails else 'ok']} {code(wording.capture_name(capture))}\n\n{listed}"
    yield _rest(len(shown), _DETAILED, "captures with findings")


def _is_shown(finding: CheckFinding) -> bool:
    return finding.status not in ("known", "ignored") and (finding.fails or finding.severity != "info")


def _finding(finding: CheckFinding) -> str:
    lines = [f"* {MARKS[finding.severity]} {code(finding.name)} {escaped(wording.message(finding))}"]
    frame = finding.frame
    if frame is not None:
        lines.append(f"{code(words.short_symbol(frame.function))} {escaped(words.short_location(frame))}".rstrip())
    if finding.fix and finding.fails:
        lines.append(f"**Fix:** {escaped(words.first_sentence(finding.fix))}")
    return "  \n  ".join(lines)


def _table(result: CheckResult) -> str:
    """All captures, a row each."""
    rows = [(source, capture) for source in result.sources for capture in source.captures]
    if not rows:
        return ""
    lines = [_row(source, capture) for source, capture in rows[:_ROWS]]
    table = "\n".join(["| | capture | goroutines | findings |", "|---|---|---:|---|", *lines])
    rest = _rest(len(rows), _ROWS, "captures")
    return f"<details><summary>{words.count(len(rows), 'captures')}</summary>\n\n{table}\n\n{rest}</details>"


def _row(source: SourceResult, capture: CaptureResult) -> str:
    mark = "✗" if capture.fails else "✓" if source.trouble is None else "?"
    size = f"{capture.goroutines:,}" + ("" if capture.complete else " INCOMPLETE")
    return f"| {mark} | {code(wording.capture_name(capture))} | {size} | {_counted(capture.findings)} |"


def _counted(findings: Iterable[CheckFinding]) -> str:
    """``2 fail, 1 known, 1 ignored``."""
    counts = {"fail": 0, "reported": 0, "known": 0, "ignored": 0}
    for finding in findings:
        counts[finding.status if finding.status in counts else "fail" if finding.fails else "reported"] += 1
    return ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)


def _rest(given: int, most: int, what: str) -> str:
    return f"and {given - most:,} more {what}" if given > most else ""
