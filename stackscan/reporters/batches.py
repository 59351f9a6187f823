"""How ``pool replay`` tells what became of a batch."""

from __future__ import annotations

from typing import Any

from stackscan.queueing.batches import Batch, Outcome, Outcomes, Spread
from stackscan.queueing.values import intervals_values
from stackscan.reporters.projection import aligned, duration, number, share

_LIKELY = 5


def batch_values(batch: Batch, outcomes: Outcomes) -> dict[str, Any]:
    """As JSON values."""
    return {
        "workers": batch.workers,
        "tasks": batch.tasks,
        "silent": _spread(outcomes.silent),
        "close_deadline_seconds": batch.close_deadline_seconds,
        "budget_seconds": batch.budget_seconds,
        "service_seconds": batch.service_seconds,
        "synchronous": _outcome(outcomes.synchronous),
        "detached": _outcome(outcomes.detached),
        "throughput_ratio": outcomes.throughput_ratio,
        "replications": outcomes.replications,
        "seed": outcomes.seed,
        "method": "list scheduling, every draw played through",
    }


def batch_lines(batch: Batch, outcomes: Outcomes) -> tuple[str, ...]:
    """For people: the verdict, then the table of boxo #1142."""
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


def _outcome(found: Outcome) -> dict[str, Any]:
    return {
        "completed_before_budget": _spread(found.completed_before_budget),
        "completed_at_budget": _spread(found.completed_at_budget),
        "tasks_per_second": found.tasks_per_second,
        "makespan_seconds": found.makespan_seconds,
        "intervals": intervals_values(found.intervals),
        "probabilities_before_budget": {str(count): part for count, part in found.before_counts},
    }


def _spread(found: Spread) -> dict[str, float]:
    return {"mean": found.mean, "p05": found.p05, "p50": found.p50, "p95": found.p95}
