"""What is done with a thing, and by how many processes at most."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from stackscan.errors import WorkerError

Task = TypeVar("Task")
Result = TypeVar("Result")
#: Called with what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]
#: What is done with one thing.
Work = Callable[[Task, Progress | None], Result]
#: What is made of a thing whose process ended, and how it did.
Lost = Callable[[Task, WorkerError], Result]


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
