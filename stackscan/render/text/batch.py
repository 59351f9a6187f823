"""The output of ``pool replay``: how much of a batch was done."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.batches import Batch, Outcomes, Spread
from stackscan.render import words
from stackscan.render.numbers import duration, number, share
from stackscan.render.pool_words import aligned

_LIKELY = 5


def render(batch: Batch, outcomes: Outcomes, out: TextIO) -> None:
    """Write the verdict, then the table of boxo #1142."""
    out.write("\n".join(_lines(batch, outcomes)) + "\n")


def _lines(batch: Batch, outcomes: Outcomes) -> tuple[str, ...]:
    slow = outcomes.synchronous
    ratio = (
        "" if outcomes.throughput_ratio is None else f"; detached is {number(outcomes.throughput_ratio)} times as fast"
    )
    head = f"{_range(slow.completed_before_budget)} of {batch.tasks:,} tasks done before the budget of "
    head += f"{duration(batch.budget_seconds)} ends{ratio}"
    rows = (
        ("", "before budget", "at budget", "tasks a second", "all done after"),
        *(
            (
                name,
                _range(found.completed_before_budget),
                _range(found.completed_at_budget),
                number(found.tasks_per_second),
                duration(found.makespan_seconds),
            )
            for name, found in (("synchronous", slow), ("detached", outcomes.detached))
        ),
    )
    lines = [head, "", *(f"  {line}" for line in aligned(rows)), "", *(f"  {line}" for line in _basis(batch, outcomes))]
    if len(slow.before_counts) > 1:
        likely = sorted(slow.before_counts, key=lambda pair: (-pair[1], pair[0]))[:_LIKELY]
        lines.append("  most frequent: " + ", ".join(f"{n:,} ({share(part)})" for n, part in likely))
    return tuple(lines)


def _basis(batch: Batch, outcomes: Outcomes) -> list[str]:
    text = f"{words.count(batch.workers, 'workers')}, {_range(outcomes.silent)} silent peers "
    text += f"({duration(batch.close_deadline_seconds)} each), {duration(batch.service_seconds)} per write"
    lines = [text]
    if outcomes.seed is not None:
        lines.append(f"{outcomes.replications:,} runs, seed {outcomes.seed}: median (p5 to p95)")
    return lines


def _range(found: Spread) -> str:
    middle = f"{found.p50:,.0f}"
    return middle if found.p05 == found.p95 else f"{middle} ({found.p05:,.0f} to {found.p95:,.0f})"
