"""Work on many things by several processes: results in order, few at a time, and no process that outlives its parent.

``in_order`` gives what a function makes of each thing. It works in this process as long as that takes a moment, and
with one thing it loads nothing. Where more is left it starts this program again, once a processor (no fork: libraries
with threads do not survive one), gives each one thing at a time, and keeps as many results as a slow first one may
pile up.
A thing travels as a pickle over a pipe between processes of one program, and so does its result, or its error.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final, Generic, TypeVar

from stackscan.errors import StackscanError, WorkerError

if TYPE_CHECKING:
    import subprocess
    from queue import SimpleQueue

Task = TypeVar("Task")
Result = TypeVar("Result")
#: Called with what is being read, how many bytes of it, and of how many.
Progress = Callable[[str, int, int], None]
#: What is done with one thing.
Work = Callable[[Task, Progress | None], Result]

#: Before each message: its kind, and in so many bytes how long it is.
_LENGTH_BYTES: Final = 8
_GIVEN, _RESULT, _FAILURE, _PROGRESS = b"g", b"r", b"f", b"p"
#: Seconds of work here before others are asked to help, and the least that they must save.
_PATIENCE_SECONDS: Final = 0.5
_WORTH_SECONDS: Final = 0.5
#: Things of which one by itself says how long each takes.
_LONG_SECONDS: Final = 1.5
#: Results that may wait for a slow one before them, a process.
_AHEAD: Final = 4
#: Seconds between two messages on progress.
_TELLING_SECONDS: Final = 0.1
#: Seconds after which a waiting process looks whether it is asked to stop.
_LOOK_SECONDS: Final = 0.1
#: Another process for so many things at least.
_LEAST: Final = 2
#: What the other process runs, with our path.
_PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from stackscan.workers import serve; serve()"
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    crew: list[_Crew[Task, Result]] = []
    try:
        yield _results(tasks, work, crew, jobs=jobs, progress=progress, here=here)
    finally:
        for each in crew:
            each.dismiss()


def _results(
    tasks: Sequence[Task],
    work: Work[Task, Result],
    crew: list[_Crew[Task, Result]],
    *,
    jobs: int | None,
    progress: Progress | None,
    here: Callable[[Task], bool],
) -> Iterator[Result]:
    least = None
    started = time.monotonic()
    most = cores() if jobs is None else jobs
    for place, task in enumerate(tasks):
        left = len(tasks) - place
        processes = min(most, left if jobs else left // _LEAST)
        if processes > 1 and (jobs or _lasts(time.monotonic() - started, place, least, left)):
            crew.append(_Crew(tasks[place:], work, processes, progress, here))
            yield from crew[0].results()
            return
        began = time.monotonic()
        yield work(task, progress)
        took = time.monotonic() - began
        least = took if least is None else min(least, took)


def _lasts(seconds: float, done: int, least: float | None, left: int) -> bool:
    """Whether what is left takes long enough to start processes for it, by what was done. The first thing also loads
    what all others need."""
    if least is None or seconds < _PATIENCE_SECONDS or (done < 2 and least < _LONG_SECONDS):
        return False
    return least * left / 2 > _WORTH_SECONDS


class _Crew(Generic[Task, Result]):
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
            if kind == _FAILURE:
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
                _send(process.stdin, _GIVEN, self._dumps(self._tasks[place]))
                self._hand_over(place, self._received(process))
        except (OSError, EOFError) as error:
            self._hand_over(place, (_FAILURE, self._dumps(self._lost(process, place, error))))
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
            _send(process.stdin, _GIVEN, each)
        return process

    def _received(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        while True:
            kind, content = _receive(process.stdout)
            if kind != _PROGRESS:
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


def _send(pipe: IO[bytes] | None, kind: bytes, content: bytes) -> None:
    assert pipe is not None  # noqa: S101 - for the type checker
    pipe.write(kind + len(content).to_bytes(_LENGTH_BYTES, "little"))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> tuple[bytes, bytes]:
    """The next message. Raises EOFError when the other side is gone."""
    assert pipe is not None  # noqa: S101 - for the type checker
    head = pipe.read(1 + _LENGTH_BYTES)
    if len(head) <= _LENGTH_BYTES:
        raise EOFError
    kind, length = head[:1], int.from_bytes(head[1:], "little")
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return kind, content


# -- in the other process ---------------------------------------------------------------------------------------------


def serve() -> None:
    """Work on the tasks that come in at standard input, as the process of a crew, until nobody is at the other end."""
    import gc
    import pickle
    from queue import SimpleQueue

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    given: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(given,), daemon=True, name="tasks").start()
    gc.set_threshold(100_000, 50, 100)
    work: Work[Any, Any] | None = None
    first = given.get()
    told = pickle.loads(given.get())  # noqa: S301 - of our own parent
    while True:
        task = pickle.loads(given.get())  # noqa: S301 - of our own parent
        try:
            work = work or pickle.loads(first)  # noqa: S301 - of our own parent
            kind, content = _RESULT, pickle.dumps(work(task, _telling(answers) if told else None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent raises it
            kind, content = _FAILURE, _sent(error)
        _send(answers, kind, content)
        del task, content


def _listen(given: SimpleQueue[bytes]) -> None:
    """Pass on what comes in; the end of it is the end of the parent, or of its patience: what is at work stops, too."""
    with suppress(EOFError, OSError):
        while True:
            given.put(_receive(sys.stdin.buffer)[1])
    os._exit(0)


def _telling(answers: IO[bytes]) -> Progress:
    """What passes progress on, some times a second."""
    from pickle import dumps

    last = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _TELLING_SECONDS:
            last = time.monotonic()
            _send(answers, _PROGRESS, dumps((what, done, total)))

    return tell


def _sent(error: BaseException) -> bytes:
    """An error as a pickle, with the way to it for who wants a traceback; of one that is none, what it says."""
    import pickle
    import traceback

    if not isinstance(error, StackscanError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(content := pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - a class that cannot be pickled, or not made again
        other = RuntimeError(f"{type(error).__name__}: {error}")
        other.__notes__ = list(getattr(error, "__notes__", ()))
        return pickle.dumps(other)
    return content
