"""Replays one batch exactly: which tasks a pool completes before a budget is over.

All tasks wait in one queue at t = 0 and each takes the worker that is free first (list scheduling). A worker writes for
``service_seconds``; then, synchronously, it is held by the close: ``deadline_seconds`` when the peer is silent,
``answer_seconds`` when it is not. Detached, the close runs beside it and the worker is free at once.
Plain Python, no numpy: the reproducers use it too. Source: https://github.com/ipfs/boxo/issues/1142.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stackscan.queueing import checks

#: Writing one message, in the issue: 200 tasks on 12 workers took 5 ms.
SERVICE_SECONDS: Final = 300e-6
#: The most tasks that one batch may hold.
MOST_TASKS: Final = 1_000_000
#: Two moments nearer than this share of the budget are one: sums of floats are not exact.
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of one batch.

    ``completed_before_budget`` counts the tasks that end before it; ``completed_at_budget`` also those that end with
    it, up to ``race_seconds`` late: a real run counts some of these and not others. ``tasks_per_second`` are the tasks
    before the budget, by the time they took (the budget, or less when all were done). ``finish_seconds`` has each
    task's own end, in the order of the queue; ``makespan_seconds`` is the last of them.
    """

    tasks: int
    silent: int
    completed_before_budget: int
    completed_at_budget: int
    race_seconds: float
    tasks_per_second: float
    makespan_seconds: float
    finish_seconds: tuple[float, ...]


def replay(
    silent: Iterable[bool],
    *,
    workers: int,
    deadline_seconds: float,
    budget_seconds: float,
    service_seconds: float = SERVICE_SECONDS,
    answer_seconds: float = 0.0,
    detached: bool = False,
) -> Replay:
    """Replay one draw: ``silent`` says of each task, in the order of the queue, whether its peer is silent.

    Raises ModelError for numbers that make no pool (no worker, no deadline, NaN, more than MOST_TASKS tasks).
    """
    flags = tuple(map(bool, silent))
    tasks = checks.whole(len(flags), "tasks", least=1, most=MOST_TASKS)
    workers = checks.whole(workers, "workers", least=1, most=checks.MOST_WORKERS)
    deadline = checks.positive(deadline_seconds, "close deadline (seconds)", most=checks.MOST_SECONDS)
    budget = checks.positive(budget_seconds, "budget (seconds)", most=checks.MOST_SECONDS)
    service = checks.between(service_seconds, "service time (seconds)", least=0, most=checks.MOST_SECONDS)
    answer = checks.between(answer_seconds, "answer time (seconds)", least=0, most=checks.MOST_SECONDS)
    held = (0.0, 0.0) if detached else (answer, deadline)
    free = [0.0] * min(workers, tasks)
    ends = []
    for flag in flags:
        end = free[0] + service + held[flag]
        heapq.heapreplace(free, end)
        ends.append(end)
    race = race_seconds(tasks, service_seconds=service, deadline_seconds=deadline, budget_seconds=budget)
    before = sum(end < budget * (1 - _SAME) for end in ends)
    makespan = max(ends)
    seconds = min(makespan, budget)
    return Replay(
        tasks=tasks,
        silent=sum(flags),
        completed_before_budget=before,
        completed_at_budget=sum(end <= budget * (1 + _SAME) + race for end in ends),
        race_seconds=race,
        tasks_per_second=before / seconds if seconds else 0.0,  # no service time and no silent peer: no time at all
        makespan_seconds=makespan,
        finish_seconds=tuple(ends),
    )


def race_seconds(tasks: int, *, service_seconds: float, deadline_seconds: float, budget_seconds: float) -> float:
    """How long after the budget a task still ends *with* it: what all writes of the batch take one after another, for
    no end is pushed further than that by them; never more than a hundredth of a deadline, or of the budget."""
    return min(tasks * service_seconds, deadline_seconds / 100, budget_seconds / 100)


def every(n: int, tasks: int) -> tuple[bool, ...]:
    """Every n-th of ``tasks`` is silent: the 10th, the 20th, … for n = 10."""
    checks.whole(n, "silent every", least=1, most=MOST_TASKS)
    checks.whole(tasks, "tasks", least=1, most=MOST_TASKS)
    return tuple(place % n == 0 for place in range(1, tasks + 1))
