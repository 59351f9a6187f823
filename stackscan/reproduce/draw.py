"""Which tasks meet a silent peer: one draw, the same for both ways to close and for the prediction."""

from __future__ import annotations

import random

from stackscan.errors import ReproducerError
from stackscan.reproduce.limits import MOST_TASKS, whole


def by_share(tasks: int, share: float, *, seed: int) -> tuple[bool, ...]:
    """Each task by itself is silent with this probability, 0 to 1. The same seed draws the same tasks everywhere.

    With a larger share the same tasks are silent and others besides; more tasks leave the first ones as they are.
    """
    if not 0 <= share <= 1:
        raise ReproducerError(f"the silent fraction must be from 0 to 1, not {share:g}")
    numbers = random.Random(str(seed))  # noqa: S311 - a draw to repeat, no secret
    return tuple(numbers.random() < share for _ in range(_tasks(tasks)))


def by_count(tasks: int, count: int, *, seed: int) -> tuple[bool, ...]:
    """Exactly so many tasks are silent, anywhere."""
    population = range(_tasks(tasks))
    size = whole(count, "the number of silent tasks", least=0, most=tasks)
    silent = frozenset(random.Random(str(seed)).sample(population, size))  # noqa: S311 - as above
    return tuple(task in silent for task in population)


def every(n: int, tasks: int) -> tuple[bool, ...]:
    """Every n-th task is silent: the 10th, the 20th, … for n = 10."""
    whole(n, "the step from one silent task to the next", most=MOST_TASKS)
    return tuple(task % n == 0 for task in range(1, _tasks(tasks) + 1))


def _tasks(tasks: int) -> int:
    return whole(tasks, "tasks", most=MOST_TASKS)
