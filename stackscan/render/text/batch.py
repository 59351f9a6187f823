"""What became of a batch, for a terminal or a pipe."""

from __future__ import annotations

from typing import TextIO

from stackscan.queueing.batches import Batch, Outcomes, Spread
from stackscan.render.projection import aligned, duration, number, share

_LIKELY = 5


def render(batch: Batch, outcomes: Outcomes, out: TextIO) -> None:
    """Write the verdict, then the table of boxo #1142."""
    out.write("\n".join(_lines(batch, outcomes)) + "\n")


def _lines(batch: Batch, outcomes: Outcomes) -> tuple[str, ...]:
    slow = outcomes.synchronous
    ratio = "" if outcomes.throughput_ratio is None else f"; detached {number(outcomes.throughput_ratio)} × as fast"
    head = f"{_range(slow.completed_before_budget)} of {batch.tasks:,} tasks before the budget of "
    head += f"{duration(batch.budget_seconds)}, {_range(slow.completed_at_budget)} at it{ratio}"
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
    lines = [head, "", *(f"  {line}" for line in aligned(rows)), "", f"  {_basis(batch, outcomes)}"]
    if len(slow.before_counts) > 1:
        likely = sorted(slow.before_counts, key=lambda pair: (-pair[1], pair[0]))[:_LIKELY]
        lines.append("  most likely before the budget: " + ", ".join(f"{n:,} ({share(part)})" for n, part in likely))
    return tuple(lines)


def _basis(batch: Batch, outcomes: Outcomes) -> str:
    silent = f"{_range(outcomes.silent)} silent, {batch.workers:,} workers, a close of a silent peer "
    silent += f"{duration(batch.close_deadline_seconds)}, a write {duration(batch.service_seconds)}"
    if outcomes.seed is None:
        return silent
    return f"{silent}; {outcomes.replications:,} draws, seed {outcomes.seed}; 5% to 95% of them, the median before"


def _range(found: Spread) -> str:
    middle = f"{found.p50:,.0f}"
    return middle if found.p05 == found.p95 else f"{middle} ({found.p05:,.0f} to {found.p95:,.0f})"
