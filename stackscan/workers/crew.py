"""Processes that work on tasks, and what this process does for each of them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic

from stackscan.errors import WorkerError
from stackscan.workers.messages import FAILURE, GIVEN, PROGRESS, receive, send
from stackscan.workers.work import Progress, Result, Task, Work, cores

if TYPE_CHECKING:
    import subprocess

#: Results that may wait for a slow one before them, a process.
_AHEAD: Final = 4
#: Seconds after which a waiting process looks whether it is asked to stop.
_LOOK_SECONDS: Final = 0.1
#: What the other process runs, with our path.
_PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from stackscan.workers.serve import serve; serve()"
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Crew(Generic[Task, Result]):
    """Processes that work on tasks, a thread of this process for each, and the results that nobody took yet."""

    def __init__(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        processes: int,
        progress: Progress | None,
        here: Callable[[Task], bool],
    ) -> None:
        from pickle import dumps, loads  # with one input nobody needs it

        self._dumps, self._loads = dumps, loads
        self._tasks, self._work, self._progress, self._here = tasks, work, progress, here
        self._given = (dumps(work), dumps(progress is not None))
        self._ahead = _AHEAD * processes
        self._threads_each = max(1, cores() // processes)
        self._changed = threading.Condition()
        self._next = self._taken = 0  # the first task that nobody works on, the first result that nobody took
        self._found: dict[int, tuple[bytes, bytes]] = {}
        self._over = False
        self._processes: list[subprocess.Popen[bytes]] = []
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
            kind, content = self._take(place) or (b"", b"")
            found = self._loads(content)
            if kind == FAILURE:
                raise found
            yield found

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
        """Start one process and give it one task after the other: what a thread does."""
        process: subprocess.Popen[bytes] | None = None
        place = None
        try:
            while (place := self._assigned()) is not None:
                process = process or self._start()
                if process is None:
                    return
                send(process.stdin, GIVEN, self._dumps(self._tasks[place]))
                self._hand_over(place, self._received(process))
        except (OSError, EOFError) as error:
            self._hand_over(place, (FAILURE, self._dumps(self._lost(process, place, error))))
        finally:
            if process is not None:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    with suppress(OSError):  # what did not fit any more
                        pipe.close()  # type: ignore[union-attr]  # both are pipes

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

    def _start(self) -> subprocess.Popen[bytes] | None:
        """A new process; None when all is over."""
        import subprocess

        if hasattr(signal, "pthread_sigmask"):  # what ends this process ends that one: by us, and in order
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        environment = {"POLARS_MAX_THREADS": str(self._threads_each), **os.environ}
        with self._changed:
            if self._over:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-c", _PROGRAM.format(path=sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
            self._processes.append(process)
        for each in self._given:
            send(process.stdin, GIVEN, each)
        return process

    def _received(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        while True:
            kind, content = receive(process.stdout)
            if kind != PROGRESS:
                return kind, content
            if self._progress is not None:
                self._progress(*self._loads(content))

    def _hand_over(self, place: int | None, found: tuple[bytes, bytes]) -> None:
        with self._changed:
            if place is not None:
                self._found[place] = found
            self._changed.notify_all()

    def _lost(self, process: subprocess.Popen[bytes] | None, place: int | None, error: Exception) -> Exception:
        """Why there is no result: the process ended without one, or none could be started."""
        if process is None or place is None:
            return WorkerError(f"a process cannot be started: {getattr(error, 'strerror', None) or error}")
        code = process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return WorkerError(f"{self._tasks[place]}: the process that read it {how}")
