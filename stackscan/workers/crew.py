"""Processes that work on tasks, and what this process does for each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic

from stackscan.errors import WorkerError
from stackscan.workers.messages import FAILURE, LOSS
from stackscan.workers.process import Process
from stackscan.workers.work import Lost, Progress, Result, Task, Work, cores

#: Results that may wait for a slow one before them, a process.
_AHEAD: Final = 4
#: Seconds after which a waiting process looks whether it is asked to stop, and whether others still work.
_LOOK_SECONDS: Final = 0.1


class Crew(Generic[Task, Result]):
    """Processes that work on tasks, a thread of this process for each, and the results that nobody took yet.

    ``lost`` makes the result of a task whose process ended (None: that is an error). A process that works for
    ``patience`` seconds without a sign of life is ended (None: it may take as long as it wants).
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        processes: int,
        progress: Progress | None = None,
        here: Callable[[Task], bool] = lambda _: False,
        lost: Lost[Task, Result] | None = None,
        patience: float | None = None,
    ) -> None:
        from pickle import dumps, loads  # with one input nobody needs it

        self._dumps, self._loads = dumps, loads
        self._tasks, self._work, self._progress, self._here = tasks, work, progress, here
        self._lost, self._patience = lost, patience
        self._given = (dumps(work), dumps(progress is not None or patience is not None))
        self._ahead = _AHEAD * processes
        self._threads_each = max(1, cores() // processes)
        self._changed = threading.Condition()
        self._next = self._taken = 0  # the first task that nobody works on, the first result that nobody took
        self._found: dict[int, tuple[bytes, bytes]] = {}
        self._over = False
        self._processes: set[Process] = set()
        self._threads = [threading.Thread(target=self._lead, daemon=True, name="worker") for _ in range(processes)]
        for thread in self._threads:
            thread.start()

    def results(self) -> Iterator[Result]:
        """Each result, in order; raises the error that came in its place."""
        for place, task in enumerate(self._tasks):
            if self._here(task):
                yield self._work(task, self._progress)
                self._take(place)
                continue
            with self._changed:
                while place not in self._found:  # polars' handler of SIGINT wakes nobody: Python's then runs in between
                    self._changed.wait(_LOOK_SECONDS)
                    self._look()
            kind, content = self._take(place) or (b"", b"")
            found = self._loads(content)
            if kind == LOSS and self._lost is not None:
                yield self._lost(task, found)
            elif kind in {FAILURE, LOSS}:
                raise found
            else:
                yield found

    def _look(self) -> None:
        """End what works for too long."""
        if self._patience is not None:
            for process in self._processes:
                process.kill_if_silent(self._patience)

    def _take(self, place: int) -> tuple[bytes, bytes] | None:
        with self._changed:
            self._taken = place + 1
            self._changed.notify_all()
            return self._found.pop(place, None)

    def dismiss(self) -> None:
        """End all processes, whatever they do."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
            for process in self._processes:
                process.kill()
        for thread in self._threads:
            thread.join()

    def _lead(self) -> None:
        """Start one process and give it one task after the other; another one where it ended: what a thread does."""
        process: Process | None = None
        place = None
        try:
            while (place := self._assigned()) is not None:
                process = process or self._start()
                if process is None:
                    return
                found = self._answer(process, self._tasks[place])
                if found[0] == LOSS:
                    self._end(process)
                    process = None
                self._hand_over(place, found)
        except OSError as error:
            reason = WorkerError(f"a process cannot be started: {error.strerror or error}")
            self._hand_over(place, (FAILURE, self._dumps(reason)))
        finally:
            if process is not None:
                self._end(process)

    def _answer(self, process: Process, task: Task) -> tuple[bytes, bytes]:
        try:
            return process.ask(self._dumps(task), self._tell)
        except (OSError, EOFError):
            return LOSS, self._dumps(process.loss(task))

    def _tell(self, content: bytes) -> None:
        if self._progress is not None:
            self._progress(*self._loads(content))

    def _assigned(self) -> int | None:
        """The next task for a process, once results do not pile up; None: there is none."""
        with self._changed:
            while not self._over:
                while self._next < len(self._tasks) and self._here(self._tasks[self._next]):
                    self._next += 1
                if self._next >= len(self._tasks):
                    return None
                if self._next < self._taken + self._ahead:
                    self._next += 1
                    return self._next - 1
                self._changed.wait()
        return None

    def _start(self) -> Process | None:
        """A new process; None when all is over."""
        with self._changed:
            if self._over:
                return None
            process = Process(self._given, self._threads_each)
            self._processes.add(process)
        return process

    def _end(self, process: Process) -> None:
        process.end()
        with self._changed:
            self._processes.discard(process)

    def _hand_over(self, place: int | None, found: tuple[bytes, bytes]) -> None:
        with self._changed:
            if place is not None:
                self._found[place] = found
            self._changed.notify_all()
