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
    from stackscan.workers.work import Lost, Progress, Result, Task, Work

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
    lost: Lost[Task, Result] | None = None,
    patience: float | None = None,
) -> Iterator[Iterator[Result]]:
    """Within it: what ``work`` makes of each task, in their order; its error is raised where its result would come.

    ``jobs``: so many processes (1: this one only; None: as many as there are processors, once the work lasts). Things
    that ``here`` says so of are worked on in this process. ``work`` and the results must be what pickle takes. When the
    block ends, however it ends, no process is left.

    Where a process is killed, WorkerError is raised, or with ``lost`` its result taken and the rest goes on: then other
    processes work from the first of several tasks on. One that gives no sign of life (progress) for ``patience``
    seconds is killed.
    """
    crew: list[Crew[Task, Result]] = []

    def hire(place: int, processes: int) -> Crew[Task, Result]:
        from stackscan.workers.crew import Crew  # one input needs no other process

        crew.append(Crew(tasks[place:] if place else tasks, work, processes, progress, here, lost, patience))
        return crew[0]

    try:
        yield _results(tasks, work, hire, jobs=jobs, progress=progress, at_once=lost is not None)
    finally:
        for each in crew:
            each.dismiss()


def apart(task: Task, work: Work[Task, Result], *, patience: float | None = None) -> Result:
    """What ``work`` makes of a task in a new process. Raises WorkerError when that is killed; ``patience`` as above."""
    from stackscan.workers.crew import Crew

    crew = Crew([task], work, 1, patience=patience)
    try:
        return next(crew.results())
    finally:
        crew.dismiss()


def _results(
    tasks: Sequence[Task],
    work: Work[Task, Result],
    hire: Callable[[int, int], Crew[Task, Result]],
    *,
    jobs: int | None,
    progress: Progress | None,
    at_once: bool,
) -> Iterator[Result]:
    most = jobs or (_cores() if len(tasks) > 1 else 1)
    if at_once and jobs != 1 and len(tasks) > 1:
        yield from hire(0, min(most, len(tasks))).results()
        return
    least = None
    started = time.monotonic()
    for place, task in enumerate(tasks):
        left = len(tasks) - place
        processes = min(most, left if jobs else left // _LEAST)
        if processes > 1 and (jobs or _lasts(time.monotonic() - started, place, least, left)):
            yield from hire(place, processes).results()
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
