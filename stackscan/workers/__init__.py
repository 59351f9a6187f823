"""Work on many things by several processes: results in order, few at a time, and no process that outlives its parent.

``in_order`` gives what a function makes of each thing. It works in this process as long as that takes a moment, and
with one thing it loads nothing. Where more is left it starts this program again, once a processor (no fork: libraries
with threads do not survive one), gives each one thing at a time, and keeps as many results as a slow first one may
pile up.
A thing travels as a pickle over a pipe between processes of one program, and so does its result, or its error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stackscan.workers.crew import Crew
    from stackscan.workers.work import Progress, Result, Task, Work

#: Seconds of work here before others are asked to help, and the least that they must save.
_PATIENCE_SECONDS: Final = 0.5
_WORTH_SECONDS: Final = 0.5
#: Things of which one by itself says how long each takes.
_LONG_SECONDS: Final = 1.5
#: Another process for so many things at least.
_LEAST: Final = 2


@contextmanager
def in_order(
    tasks: Sequence[Task],
    work: Work[Task, Result],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    here: Callable[[Task], bool] = lambda _: False,
) -> Iterator[Iterator[Result]]:
    """Within it: what ``work`` makes of each task, in their order; its error is raised where its result would come.

    ``jobs``: so many processes (1: this one only; None: as many as there are processors, once the work lasts). Things
    that ``here`` says so of are worked on in this process. ``work`` and the results must be what pickle takes. When the
    block ends, however it ends, no process is left. Raises WorkerError when a process is killed.
    """
    crew: list[Crew[Task, Result]] = []
    try:
        yield _results(tasks, work, crew, jobs=jobs, progress=progress, here=here)
    finally:
        for each in crew:
            each.dismiss()


def _results(
    tasks: Sequence[Task],
    work: Work[Task, Result],
    crew: list[Crew[Task, Result]],
    *,
    jobs: int | None,
    progress: Progress | None,
    here: Callable[[Task], bool],
) -> Iterator[Result]:
    least = None
    started = time.monotonic()
    most = jobs or (_cores() if len(tasks) > 1 else 1)
    for place, task in enumerate(tasks):
        left = len(tasks) - place
        processes = min(most, left if jobs else left // _LEAST)
        if processes > 1 and (jobs or _lasts(time.monotonic() - started, place, least, left)):
            from stackscan.workers.crew import Crew  # one input needs no other process

            crew.append(Crew(tasks[place:], work, processes, progress, here))
            yield from crew[0].results()
            return
        began = time.monotonic()
        yield work(task, progress)
        took = time.monotonic() - began
        least = took if least is None else min(least, took)


def _cores() -> int:
    from stackscan.workers.work import cores  # one input asks for no other process

    return cores()


def _lasts(seconds: float, done: int, least: float | None, left: int) -> bool:
    """Whether what is left takes long enough to start processes for it, by what was done. The first thing also loads
    what all others need."""
    if least is None or seconds < _PATIENCE_SECONDS or (done < 2 and least < _LONG_SECONDS):
        return False
    return least * left / 2 > _WORTH_SECONDS
