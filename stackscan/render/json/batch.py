"""What became of a batch, as one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TextIO

from stackscan.queueing.batches import Batch, Outcome, Outcomes
from stackscan.queueing.values import intervals_values
from stackscan.render.json.write import write


def render(batch: Batch, outcomes: Outcomes, out: TextIO) -> None:
    """Write it."""
    write(as_json(batch, outcomes), out)


def as_json(batch: Batch, outcomes: Outcomes) -> dict[str, Any]:
    """As JSON values."""
    return {
        "workers": batch.workers,
        "tasks": batch.tasks,
        "silent": asdict(outcomes.silent),
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


def _outcome(found: Outcome) -> dict[str, Any]:
    return {
        "completed_before_budget": asdict(found.completed_before_budget),
        "completed_at_budget": asdict(found.completed_at_budget),
        "tasks_per_second": found.tasks_per_second,
        "makespan_seconds": found.makespan_seconds,
        "intervals": intervals_values(found.intervals),
        "probabilities_before_budget": {str(count): part for count, part in found.before_counts},
    }
