"""The report to paste into an issue: verdict, a table, findings, and the stacks folded away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from stackscan.analysis.finding import Finding, Step, told_by
from stackscan.analysis.occupancy import PoolSample
from stackscan.model.snapshot import Frame
from stackscan.queueing.projection import Projection
from stackscan.render import lock_words, pool_words, words
from stackscan.render.markdown.escapes import MARKS, code, escaped, fence
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.report import Fold, Report, SnapshotReport, StackReport

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
        "\n".join(f"**{MARKS[line.level]} {escaped(line.text)}**  " for line in snapshot.verdicts),
        f"{code(words.where(snapshot))}: {escaped(words.summary(snapshot))}",
        *(_finding(finding, snapshot) for finding in snapshot.findings if told_by(finding, snapshot.findings) is None),
        _breakdown(snapshot),
        f"{escaped(words.idle_by_rule(snapshot))}." if snapshot.set_aside else "",
        _pools(snapshot.pools),
        *(_projection(name, found, snapshot.pools) for name, found in snapshot.projections),
        *(f"{escaped(words.proposal(p))}\n\n{fence(p.toml.rstrip())}" for p in snapshot.proposals),
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
            f"### {code(rule.name)} ({finding.severity}): {escaped(words.count(finding.count, rule.noun))}",
            "",
            escaped(finding.title) + ".",
            "",
            *(f"{place}. {_step(step)}" for place, step in enumerate(finding.steps, start=1)),
            *([""] if finding.steps else []),
            *_source(finding),
            *([f"* **Because:** {escaped(str(because))}"] if (because := finding.evidence.get("because")) else []),
            *([f"* **Evidence:** {escaped(evidence)}"] if (evidence := words.evidence(finding)) else []),
            *([f"* **Versions:** {escaped(applies)}"] if applies else []),
            f"* **Why:** {escaped(' '.join(rule.why.split()))}",
            f"* **Fix:** {escaped(words.fix(finding))}",
            *(
                [f"* **Goroutines:** {words.ids(finding.goroutine_ids, finding.count)}"]
                if finding.goroutine_ids
                else []
            ),
            *([f"* **Created:** {escaped(lock_words.family_text(families))}"] if families else []),
            f"* **See:** {references}",
        )
    )


def _step(step: Step) -> str:
    """``goroutine 19 likely holds A, waits for B, in main.f (main.go:12)``."""
    frame = step.frame
    place = "" if frame is None else f", in {code(words.short_symbol(frame.function))} {words.short_location(frame)}"
    return escaped(words.step(step)) + place.rstrip()


def _source(finding: Finding) -> Iterable[str]:
    """The lines of source that the culprit's frame points at."""
    source = finding.steps[0].source if finding.steps else None
    if source is not None:
        lines = (f"{'>' if n == source.line else ' '} {n}  {line.expandtabs(4)}" for n, line in source.lines)
        yield f"{code(source.file)}\n\n{fence(chr(10).join(map(words.plain, lines)))}\n"


def _breakdown(snapshot: SnapshotReport) -> str:
    """Goroutines, findings and pools by the values of a label or another key."""
    if snapshot.breakdown is None or not snapshot.goroutines:
        return ""
    from stackscan.render.breakdown_words import BETWEEN, rows_of, title

    head, note = title(snapshot.breakdown)
    rows = [
        f"| {code(row.value) if row.is_value else escaped(row.value)} | {row.goroutines:,} | "
        f"{escaped(BETWEEN.join(row.says))} |"
        for row in rows_of(snapshot)
    ]
    table = ["| value | goroutines | findings and pools |", "|---|---:|---|", *rows] if rows else []
    return "\n".join([f"**{escaped(head)}**: {escaped(note)}", "", *table]).rstrip()


def _pools(samples: Iterable[PoolSample]) -> str:
    rows = [
        f"| {code(sample.pool.name)} | {sample.workers} | {sample.occupancy:.0%} | "
        + escaped(", ".join(f"{number} {state}" for state, number in sample.states.items() if number))
        + " |"
        for sample in samples
    ]
    return "\n".join(["| pool | workers | busy | states |", "|---|---:|---:|---|", *rows]) if rows else ""


def _projection(name: str, found: Projection, samples: Iterable[PoolSample]) -> str:
    """A pool's projection: sentences, and the table of what would change folded away."""
    fix = next((s.pool.model.fix for s in samples if s.pool.name == name and s.pool.model), "")
    shown = pool_words.block(found, fix=fix)
    parts = [f"**Load of {code(name)}:** {escaped(shown.headline)}."]
    parts.append("\n".join(f"* **{escaped(label)}:** {escaped(text)}" for label, text in shown.facts))
    parts.append("\n".join(f"> {escaped(text)}" for text in shown.unexplained))
    if shown.table:
        header, *rows = (f"| {' | '.join(map(escaped, row))} |" for row in shown.table)
        body = "\n".join([header, "|---|" + "---:|" * (len(shown.table[0]) - 1), *rows])
        parts.append(f"<details><summary>What would change</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(part for part in parts if part)


def _waiting(snapshot: SnapshotReport) -> str:
    """Locks and creation sites, each list as a terminal shows it."""
    parts = []
    if lock_words.has_locks(snapshot.locks):
        parts.append(f"**Locks**: {lock_words.LOCKS_NOTE}\n\n{fence(_lines(lock_words.lock_lines(snapshot.locks)))}")
    if snapshot.families:
        parts.append(
            f"**Created at**: {lock_words.SITES_NOTE}\n\n{fence(_lines(lock_words.site_lines(snapshot.families)))}"
        )
    return "\n\n".join(parts)


def _lines(lines: Iterable[lock_words.Line]) -> str:
    def plain(text: str | Frame) -> str:
        return text if isinstance(text, str) else f"  {words.short_location(text)}"

    return "\n".join(words.shortened("".join(plain(text) for text, _ in line).rstrip()) for line in lines)


def _stacks(snapshot: SnapshotReport) -> str:
    if not snapshot.shown:
        return ""
    body = "\n\n".join(_stack(found) for found in snapshot.shown)
    title = f"Stacks: {words.selection(snapshot, len(snapshot.shown))}"
    return f"<details><summary>{title}</summary>\n\n{fence(body)}\n\n</details>"


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
        f"* line {p.line:,}: {escaped(p.reason)}" + (f": {code(p.excerpt)}" if p.excerpt else "")
        for p in snapshot.problems
    ]
    more = len(lines) - _MOST_PROBLEMS
    if more > 0:
        lines = [*lines[:_MOST_PROBLEMS], f"* and {more:,} more"]
    return "**Problems**\n\n" + "\n".join(lines)
