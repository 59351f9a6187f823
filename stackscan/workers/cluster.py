"""Work on many things by a Dask cluster: the same as by processes, and lost workers are retried by Dask.

``distributed`` is an optional dependency; only this module and those that it gives work to see it.
"""

from __future__ import annotations

import math
import os
import pickle
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, Generic

from stackscan import __version__
from stackscan.errors import ClusterError, MissingExtraError, UsageError, WorkerError
from stackscan.workers.work import Lost, Progress, Result, Task, Work, cores

#: Works that are given to the cluster at a time, a thread of it.
_AHEAD: Final = 4
#: Tasks that a worker gets at a time: each task costs Dask some milliseconds.
_MOST_TOGETHER: Final = 32
#: Seconds after which the threads of the cluster are counted again.
_COUNT_SECONDS: Final = 5.0
#: Seconds between two looks at what is done, and how long to wait for a cluster.
_LOOK_SECONDS: Final = 0.01
_CONNECT_SECONDS: Final = 10
#: A task that takes so many times as long as the median of the others, and so many seconds, is given to another worker
#: as well.
_STRAGGLES: Final = 5.0
_STRAGGLES_SECONDS: Final = 10.0
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_LOCAL: Final = re.compile(r"local(?::(\d{1,3}))?", re.ASCII)
#: Python's threads share one processor, and the caches of this program are made for one of them.
_ONE: Final = threading.Lock()


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The cluster at an address (``tcp://HOST:PORT``), or ``local`` or ``local:N``: N processes on this machine, which
    end with the block.

    Raises MissingExtraError without Dask; UsageError where the address is none or the workers have another version of
    stackscan; WorkerError where nobody answers.
    """
    try:
        import distributed
    except ImportError:
        raise MissingExtraError("--dask", library="distributed", extra="dask") from None
    local = _LOCAL.fullmatch(address)
    if local is None and "://" not in address:
        raise UsageError(
            f"--dask: {address!r} is no address of a Dask scheduler",
            hint="Give tcp://HOST:PORT, tls://HOST:PORT, local, or local:N for N processes on this machine.",
        )
    with _started(int(local[1] or cores())) if local else _connected(address) as client:
        _check_versions(client, address)
        yield Cluster(client, distributed.KilledWorker, "the process" if local else "Dask workers")


@contextmanager
def _started(count: int) -> Iterator[Any]:
    """A client of a new cluster on this machine, whose processes get no signals of the terminal."""
    import dask
    from distributed import Client, LocalCluster

    if count < 1:
        raise UsageError("--dask local:N needs at least one process")
    with _signals_blocked(), dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        started = LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60, host="127.0.0.1"
        )
        client = Client(started)
    try:
        yield client
    finally:
        client.close()
        started.close()


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from None
    try:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        except TimeoutError:
            raise ClusterError(f"the Dask scheduler at {address} has no worker") from None
        yield client
    finally:
        client.close()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Threads and processes that start within it get no signals of the terminal: we end them, and in order."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _reached() -> Iterator[None]:
    """Within it the cluster is asked; raises ClusterError when nobody answers any more."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ClusterError(f"the Dask cluster is gone: {error}") from None


def _check_versions(client: Any, address: str) -> None:
    """Raise UsageError where a worker has another version of stackscan, or none."""
    known = client.get_versions(packages=["stackscan"])["workers"]
    found = {worker: (each or {}).get("packages", {}).get("stackscan") for worker, each in known.items()}
    for worker, version in sorted(found.items()):
        if version != __version__:
            has = f"stackscan {version}" if version and version[0].isdigit() else "no stackscan"
            raise UsageError(
                f"--dask {address}: the worker {worker} has {has}, and this is {__version__}",
                hint="Install the same version where the workers run.",
            )


@dataclass(slots=True)
class _Given(Generic[Task]):
    """Tasks that the cluster works on together: their futures, two where the first one takes long, and none where this
    process works."""

    tasks: Sequence[Task]
    futures: list[Any]

    @property
    def done(self) -> Any:
        """The future that is done; None: none is."""
        return next((one for one in self.futures if one.done()), None)


class Cluster:
    """A connected cluster. ``victims`` is what a task that kills its worker kills."""

    def __init__(self, client: Any, killed: type[Exception], victims: str) -> None:
        self._client, self._killed, self._victims = client, killed, victims
        self._took: deque[float] = deque(maxlen=100)  # seconds of the last works
        self._threads, self._counted = 1, -math.inf  # of the cluster, and when they were counted

    def in_order(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        *,
        lost: Lost[Task, Result],
        here: Callable[[Task], bool],
        progress: Progress | None = None,
        patience: float | None = None,
    ) -> Generator[Result, None, None]:
        """What ``work`` makes of each task, in their order, as ``workers.in_order`` does it. What is left is cancelled
        when the iterator is closed."""
        packed = pickle.dumps(work)
        waiting: deque[_Given[Task]] = deque()
        place = 0
        try:
            while waiting or place < len(tasks):
                while place < len(tasks) and len(waiting) < _AHEAD * self._count():
                    waiting.append(self._given(self._together(tasks, place, here), packed, here))
                    place += len(waiting[-1].tasks)
                first = waiting[0]
                if progress is not None:
                    progress(str(first.tasks[0]), 0, 0)
                if first.futures:
                    yield from self._results(first, work, patience, lost)
                else:
                    yield work(first.tasks[0], progress)
                waiting.popleft()
        finally:
            self._cancel([future for given in waiting for future in given.futures])

    def apart(self, task: Task, work: Work[Task, Result], *, patience: float | None = None) -> Result:
        """What ``work`` makes of a task. Raises WorkerError when its worker is killed."""
        packed = pickle.dumps(work)
        given = self._given([task], packed, lambda _: False)
        try:
            found: Result = self._answer(given, packed, patience)[0]
        finally:
            self._cancel(given.futures)
        return found

    def _together(self, tasks: Sequence[Task], place: int, here: Callable[[Task], bool]) -> Sequence[Task]:
        """The next tasks that are given together: fewer at the end, so that all workers end at the same time."""
        most = max(1, min(_MOST_TOGETHER, (len(tasks) - place) // (_AHEAD * self._count())))
        found = [*takewhile(lambda task: not here(task), tasks[place : place + most])]
        return found or tasks[place : place + 1]

    def _count(self) -> int:
        """The threads of the cluster, which may grow and shrink."""
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            with _reached():
                threads: dict[str, int] = self._client.nthreads()
            self._threads, self._counted = max(1, sum(threads.values())), time.monotonic()
        return self._threads

    def _cancel(self, futures: Sequence[Any]) -> None:
        with suppress(OSError, CancelledError):  # of a cluster that is gone
            self._client.cancel(futures)

    def _given(self, tasks: Sequence[Task], packed: bytes, here: Callable[[Task], bool]) -> _Given[Task]:
        with _reached():
            return _Given(tasks, [] if here(tasks[0]) else [self._client.submit(perform, packed, tasks, pure=False)])

    def _results(
        self, given: _Given[Task], work: Work[Task, Result], patience: float | None, lost: Lost[Task, Result]
    ) -> Iterator[Result]:
        try:
            yield from self._answer(given, pickle.dumps(work), patience)
        except WorkerError as error:
            if len(given.tasks) == 1:
                yield lost(given.tasks[0], error)
            else:
                yield from (self._alone(task, work, patience, lost) for task in given.tasks)

    def _alone(self, task: Task, work: Work[Task, Result], patience: float | None, lost: Lost[Task, Result]) -> Result:
        try:
            return self.apart(task, work, patience=patience)
        except WorkerError as error:
            return lost(task, error)

    def _answer(self, given: _Given[Task], packed: bytes, patience: float | None) -> Sequence[Any]:
        """The results of the first of its futures. Raises WorkerError when all its workers are killed, or hang."""
        began = time.monotonic()  # from now on it is the one that others wait for
        while (done := given.done) is None:
            waited = time.monotonic() - began
            if patience is not None and waited > patience:
                detail = f"no end within {patience:g} s"
                raise WorkerError(f"{given.tasks[0]}: {detail}", verb="hung", detail=detail)
            if len(given.futures) == 1 and waited > self._straggles():
                self._give_again(given, packed)
            time.sleep(_LOOK_SECONDS)
        return self._made(given, done)

    def _made(self, given: _Given[Task], done: Any) -> Sequence[Any]:
        try:
            with _reached():
                result: tuple[float, Sequence[Any]] = done.result()
        except self._killed as error:
            tries = getattr(error, "allowed_failures", 0) + 1
            detail = f"{tries} of them each time" if tries > 1 else ""
            what = f"{given.tasks[0]}: its reading killed {self._victims}"
            raise WorkerError(what, verb=f"killed {self._victims}", detail=detail) from None
        self._took.append(result[0])
        return result[1]

    def _straggles(self) -> float:
        """Seconds after which a task takes suspiciously long."""
        middle = sorted(self._took)[len(self._took) // 2] if self._took else 0.0
        return max(_STRAGGLES * middle, _STRAGGLES_SECONDS)

    def _give_again(self, given: _Given[Task], packed: bytes) -> None:
        """Give tasks to another worker as well, if there is one."""
        with _reached():
            busy = {worker for worker, keys in self._client.processing().items() if given.futures[0].key in keys}
            others = sorted(set(self._client.nthreads()) - busy)
        if busy and others:
            given.futures.append(
                self._client.submit(perform, packed, given.tasks, pure=False, workers=others, allow_other_workers=False)
            )


def perform(packed: bytes, tasks: Sequence[Any]) -> tuple[float, list[Any]]:
    """In a worker of the cluster: the seconds that tasks took, and what was made of each."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with _ONE:
        began = time.monotonic()
        work = _work(packed)
        made = [work(task, None) for task in tasks]
        return time.monotonic() - began, made


@lru_cache(maxsize=4)
def _work(packed: bytes) -> Work[Any, Any]:
    """What to do, made once in each worker: rules are compiled only once."""
    found: Work[Any, Any] = pickle.loads(packed)  # noqa: S301 - of our own client
    return found
