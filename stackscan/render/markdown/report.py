"""The report to paste into an issue: verdict, a table, findings, and the stacks folded away."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final, TextIO

from stackscan.analysis.finding import Finding, Step, told_by
from stackscan.analysis.occupancy import PoolSample
from stackscan.model.snapshot import Frame
from stackscan.queueing.projection import Projection
from stackscan.render import lock_words, pool_words, words
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.report import Fold, Report, SnapshotReport, StackReport

_MARKS: Final = {"error": "🔴", "warning": "🟡", "info": "🔵", "ok": "🟢"}
_MARKUP: Final = re.compile(r"([\\`*_\[\]|~!])")
#: What GitHub turns into links to people and issues; an empty comment behind the sign keeps it text.
_MENTION: Final = re.compile(r"([@#])(?=\w)")
_MOST_PROBLEMS: Final = 20
#: What separates two captures.
_BETWEEN: Final = "\n\n---\n\n"


def render(report: Report, out: TextIO) -> None:
    """Write GitHub-flavoured Markdown."""
    out.write(_BETWEEN.join(_snapshot(snapshot) for snapshot in report.snapshots) + "\n")


def piece(report: Report, _: Screen) -> Piece:
    """The captures of one input."""
    return Piece(_BETWEEN.join(_snapshot(snapshot) for snapshot in report.snapshots), "")


def assemble(kept: Spool, out: TextIO) -> None:
    """Write the whole report."""
    for place, captures in enumerate(kept.captures()):
        out.write(_BETWEEN if place else "")
        out.write(captures)
    out.write("\n")


def _snapshot(snapshot: SnapshotReport) -> str:
    parts = [
        "\n".join(f"**{_MARKS[line.level]} {_text(line.text)}**  " for line in snapshot.verdicts),
        f"{_code(words.where(snapshot))}: {_text(words.summary(snapshot))}",
        *(_finding(finding, snapshot) for finding in snapshot.findings if told_by(finding, snapshot.findings) is None),
        f"{_text(words.idle_by_rule(snapshot))}." if snapshot.set_aside else "",
        _pools(snapshot.pools),
        *(_projection(name, found, snapshot.pools) for name, found in snapshot.projections),
        *(f"{_text(words.proposal(p))}\n\n{_fence(p.toml.rstrip())}" for p in snapshot.proposals),
        _waiting(snapshot),
        _stacks(snapshot),
        _problems(snapshot),
    ]
    return "\n\n".join(part for part in parts if part)


def _finding(finding: Finding, snapshot: SnapshotReport) -> str:
    rule = finding.rule
    applies = words.applies(finding, snapshot)
    families = dict(snapshot.finding_families).get(finding.key, ())
    references = " ".join(f"<{words.plain(reference)}>" for reference in rule.references)
    return "\n".join(
        (
            f"### {_code(rule.name)} ({finding.severity}): {_text(words.count(finding.count, rule.noun))}",
            "",
            _text(finding.title) + ".",
            "",
            *(f"{place}. {_step(step)}" for place, step in enumerate(finding.steps, start=1)),
            *([""] if finding.steps else []),
            *_source(finding),
            *([f"* **Because:** {_text(str(because))}"] if (because := finding.evidence.get("because")) else []),
            *([f"* **Evidence:** {_text(evidence)}"] if (evidence := words.evidence(finding)) else []),
            *([f"* **Versions:** {_text(applies)}"] if applies else []),
            f"* **Why:** {_text(' '.join(rule.why.split()))}",
            f"* **Fix:** {_text(words.fix(finding))}",
            *(
                [f"* **Goroutines:** {words.ids(finding.goroutine_ids, finding.count)}"]
                if finding.goroutine_ids
                else []
            ),
            *([f"* **Created:** {_text(lock_words.family_text(families))}"] if families else []),
            f"* **See:** {references}",
        )
    )


def _step(step: Step) -> str:
    """``goroutine 19 likely holds A, waits for B, in main.f (main.go:12)``."""
    frame = step.frame
    place = "" if frame is None else f", in {_code(words.short_symbol(frame.function))} {words.short_location(frame)}"
    return _text(words.step(step)) + place.rstrip()


def _source(finding: Finding) -> Iterable[str]:
    """The lines of source that the culprit's frame points at."""
    source = finding.steps[0].source if finding.steps else None
    if source is not None:
        lines = (f"{'>' if n == source.line else ' '} {n}  {line.expandtabs(4)}" for n, line in source.lines)
        yield f"{_code(source.file)}\n\n{_fence(chr(10).join(map(words.plain, lines)))}\n"


def _pools(samples: Iterable[PoolSample]) -> str:
    rows = [
        f"| {_code(sample.pool.name)} | {sample.workers} | {sample.occupancy:.0%} | "
        + _text(", ".join(f"{number} {state}" for state, number in sample.states.items() if number))
        + " |"
        for sample in samples
    ]
    return "\n".join(["| pool | workers | busy | states |", "|---|---:|---:|---|", *rows]) if rows else ""


def _projection(name: str, found: Projection, samples: Iterable[PoolSample]) -> str:
    """A pool's projection: sentences, and the table of what would change folded away."""
    fix = next((s.pool.model.fix for s in samples if s.pool.name == name and s.pool.model), "")
    shown = pool_words.block(found, fix=fix)
    parts = [f"**Load of {_code(name)}:** {_text(shown.headline)}."]
    parts.append("\n".join(f"* **{_text(label)}:** {_text(text)}" for label, text in shown.facts))
    parts.append("\n".join(f"> {_text(text)}" for text in shown.unexplained))
    if shown.table:
        header, *rows = (f"| {' | '.join(map(_text, row))} |" for row in shown.table)
        body = "\n".join([header, "|---|" + "---:|" * (len(shown.table[0]) - 1), *rows])
        parts.append(f"<details><summary>What would change</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(part for part in parts if part)


def _waiting(snapshot: SnapshotReport) -> str:
    """Locks and creation sites, each list as a terminal shows it."""
    parts = []
    if lock_words.has_locks(snapshot.locks):
        parts.append(f"**Locks**: {lock_words.LOCKS_NOTE}\n\n{_fence(_lines(lock_words.lock_lines(snapshot.locks)))}")
    if snapshot.families:
        parts.append(
            f"**Created at**: {lock_words.SITES_NOTE}\n\n{_fence(_lines(lock_words.site_lines(snapshot.families)))}"
        )
    return "\n\n".join(parts)


def _lines(lines: Iterable[lock_words.Line]) -> str:
    def plain(text: str | Frame) -> str:
        return text if isinstance(text, str) else f"  {words.short_location(text)}"

    return "\n".join("".join(plain(text) for text, _ in line).rstrip() for line in lines)


def _stacks(snapshot: SnapshotReport) -> str:
    if not snapshot.shown:
        return ""
    body = "\n\n".join(_stack(found) for found in snapshot.shown)
    title = f"Stacks: {words.selection(snapshot, len(snapshot.shown))}"
    return f"<details><summary>{title}</summary>\n\n{_fence(body)}\n\n</details>"


def _stack(found: StackReport) -> str:
    bucket = found.bucket
    waits = words.wait(bucket.min_wait_minutes, bucket.max_wait_minutes)
    lines = [f"{bucket.count:,} × {words.plain(found.state)}{', ' + waits if waits else ''}"]
    for line in found.lines:
        if isinstance(line, Fold):
            lines.append(f"    {words.folded(line)}")
        else:
            mark = "  ▸ " if line.deciding else "    "
            lines.append(
                f"{mark}{words.shortened(words.plain(line.frame.function))}  {words.short_location(line.frame)}"
            )
    if bucket.stack.created_by is not None:
        lines.append(f"    created by {words.shortened(words.plain(bucket.stack.created_by.function))}")
    return "\n".join(lines)


def _problems(snapshot: SnapshotReport) -> str:
    if not snapshot.problems:
        return ""
    lines = [
        f"* line {p.line:,}: {_text(p.reason)}" + (f": {_code(p.excerpt)}" if p.excerpt else "")
        for p in snapshot.problems
    ]
    more = len(lines) - _MOST_PROBLEMS
    if more > 0:
        lines = [*lines[:_MOST_PROBLEMS], f"* and {more:,} more"]
    return "**Problems**\n\n" + "\n".join(lines)


def _text(text: str) -> str:
    """Text as text: no Markdown, no HTML, no mention of a user."""
    return _MENTION.sub(
        r"\1<!-- -->", html.escape(_MARKUP.sub(r"\\\1", words.shortened(words.plain(text))), quote=False)
    )


def _code(text: str) -> str:
    """A code span around any text: its fence is longer than any run of backticks inside."""
    text = words.shortened(words.plain(text))
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text.replace('|', chr(0x2502))}{pad}{fence}"


def _fence(text: str) -> str:
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}\n{text}\n{fence}"
