"""The second reproducer: workers send to peers, some of them silent, and close in either way."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from stackscan.reproduce import limits
from stackscan.reproduce.close import PAYLOAD
from stackscan.reproduce.interrupt import Interrupt
from stackscan.reproduce.lazy import LazyClient, Shape
from stackscan.reproduce.loopback import Loopback
from stackscan.reproduce.peers import Kind
from stackscan.reproduce.stream import AbortedError
from stackscan.reproduce.wire import BITSWAP

_TICK_SECONDS: Final = 0.1
#: So many connections wait to be accepted at most: a full backlog would drop one, which comes again a second later.
_TOGETHER: Final = 500
#: A run that is not longer than this is repeated: so often, and no longer than so many seconds in all.
_SHORT_SECONDS: Final = 0.5
_ROUNDS: Final = 5
_ROUNDS_SECONDS: Final = 2.0
#: A close that has begun has its reader within microseconds; on a machine out of breath, later.
_SETTLE_SECONDS: Final = 0.25
#: At most so many threads are parked for closes of answering peers, which may all be under way at once.
_SPARE_THREADS: Final = 600


class Mode(StrEnum):
    """Where a stream is closed."""

    SYNCHRONOUS = "synchronous"  # in the worker (boxo to v0.38.0)
    DETACHED = "detached"  # beside it (boxo v0.39.0 and later)


class Ended(StrEnum):
    """Why a run ended."""

    DONE = "done"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class PoolSetup:
    """One experiment: of each task, in the order of the queue, whether its peer is silent; and the pool. ``seed`` is
    what the silent tasks were drawn with (None: they were not drawn)."""

    silent: tuple[bool, ...]
    workers: int = 12
    close_deadline_seconds: float = 10.0
    budget_seconds: float = 20.0
    seed: int | None = None

    def __post_init__(self) -> None:
        limits.whole(len(self.silent), "tasks", most=limits.MOST_TASKS)
        limits.whole(self.workers, "workers", most=limits.MOST_WORKERS)
        limits.seconds(self.close_deadline_seconds, "the close deadline")
        limits.seconds(self.budget_seconds, "the budget")


@dataclass(frozen=True, slots=True)
class Wave:
    """Tasks that were completed one soon after the other: how many, and when (seconds from the start)."""

    tasks: int
    first_seconds: float
    last_seconds: float


@dataclass(frozen=True, slots=True)
class SilentCloses:
    """The closes of silent peers: begun, open when the run ended, and who read (or reads) in those begun."""

    begun: int
    still_open: int
    worker_reads: int
    companion_reads: int


@dataclass(frozen=True, slots=True)
class ModeResult:
    """The result of one way to close.

    A task is ``completed`` when its worker is free again: synchronously after Close, detached after the write.
    ``seconds`` last until the last of all tasks, or else until the budget or the interruption. A run of milliseconds is
    repeated, for other programs disturb it: this is then the shortest run, and ``rounds_seconds`` has all.
    """

    tasks: int
    completed: int
    seconds: float
    ended: Ended
    waves: tuple[Wave, ...]
    silent_closes: SilentCloses
    rounds_seconds: tuple[float, ...] = ()

    @property
    def tasks_per_second(self) -> float:
        """Completed tasks by the time they took; 0 when none was completed."""
        return self.completed / self.seconds if self.completed and self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class PoolResult:
    """Both ways to close; None for one that an interruption left out."""

    setup: PoolSetup
    synchronous: ModeResult | None
    detached: ModeResult | None
    interrupted: bool

    @property
    def throughput_ratio(self) -> float | None:
        """How many times as many tasks a second were completed detached; None when there is nothing to compare."""
        if self.synchronous is None or self.detached is None or not self.synchronous.completed:
            return None
        if Ended.INTERRUPTED in (self.synchronous.ended, self.detached.ended):
            return None
        return self.detached.tasks_per_second / self.synchronous.tasks_per_second


#: Called ten times a second with the mode, tasks completed, tasks in all, seconds since its start.
Progress = Callable[[Mode, int, int, float], None]


def run_pool(setup: PoolSetup, *, interrupt: Interrupt | None = None, progress: Progress | None = None) -> PoolResult:
    """Run the batch with synchronous closes, then with detached ones; runs of milliseconds are repeated.

    Connections stand before the clock starts, as a stream on an existing connection costs no round trip; so do threads.
    Raises ReproducerError when the machine has no files, threads or ports left.
    """
    interrupt = interrupt or Interrupt()
    limits.ensure_threads(_threads(setup))
    limits.ensure_files(2 * len(setup.silent))
    synchronous, detached = (
        None if interrupt.requested else _rounds(setup, mode, interrupt, progress) for mode in Mode
    )
    return PoolResult(setup, synchronous, detached, interrupted=interrupt.requested)


def _rounds(setup: PoolSetup, mode: Mode, interrupt: Interrupt, progress: Progress | None) -> ModeResult | None:
    until = time.monotonic() + _ROUNDS_SECONDS
    runs: list[ModeResult] = []
    while len(runs) < _ROUNDS and not interrupt.requested and (not runs or time.monotonic() < until):
        run = _run(setup, mode, interrupt, progress)
        if run is None or (runs and run.ended is not Ended.DONE):
            break
        runs.append(run)
        if run.seconds > _SHORT_SECONDS:
            break
    if not runs:
        return None
    shortest = min(runs, key=lambda run: run.seconds)
    return replace(shortest, rounds_seconds=tuple(run.seconds for run in runs))


def _run(setup: PoolSetup, mode: Mode, interrupt: Interrupt, progress: Progress | None) -> ModeResult | None:
    with Loopback((Kind.ANSWERING, Kind.SILENT)) as net:
        batch = _Batch(setup, mode, net, interrupt)
        if not batch.ready():
            return None
        started = batch.start()
        end = started + setup.budget_seconds
        while not (interrupt.requested or batch.done or net.threads.failure) and (now := time.monotonic()) < end:
            if progress is not None:
                progress(mode, batch.completed, len(setup.silent), now - started)
            interrupt.wait(min(now + _TICK_SECONDS, end))
        ended = time.monotonic()
        batch.settle()
        return batch.stop(started, ended)


class _Batch:
    """The tasks of one run, and the workers that take them in turn."""

    def __init__(self, setup: PoolSetup, mode: Mode, net: Loopback, interrupt: Interrupt) -> None:
        self._setup = setup
        self._detached = mode is Mode.DETACHED
        self._net = net
        self._interrupt = interrupt
        self._tasks = len(setup.silent)
        self._clients: list[LazyClient] = []
        self._deadlines: list[Callable[[float], None]] = []
        self._completed_at: list[float | None] = [None] * self._tasks
        self._closing = [False] * self._tasks
        self._closed = [False] * self._tasks
        self._queue = itertools.count()  # both counters: next() is atomic
        self._ends = itertools.count(1)
        self._start = threading.Event()
        self._over = False
        self.done = False

    def ready(self) -> bool:
        """Connect and park threads; False when a stop was requested meanwhile."""
        for _ in range(_threads(self._setup) if self._detached else 2 * self._setup.workers):
            if self._interrupt.requested:
                return False
            self._net.threads.park(1)
        for task, silent in enumerate(self._setup.silent):
            if self._interrupt.requested or (task % _TOGETHER == 0 and not self._net.accepted(self._interrupt)):
                return False
            stream = self._net.connect(Kind.SILENT if silent else Kind.ANSWERING)
            self._clients.append(LazyClient(stream, BITSWAP, go=self._net.go))
            self._deadlines.append(stream.set_read_deadline)
        for _ in range(self._setup.workers):
            self._net.go(self._work)
        return self._net.accepted(self._interrupt)

    def start(self) -> float:
        """Start the workers, and return the time."""
        started = time.monotonic()
        self._start.set()
        return started

    @property
    def completed(self) -> int:
        return sum(moment is not None for moment in self._completed_at)

    def settle(self) -> None:
        """Give out no more tasks, and wait until somebody reads in every close that has begun."""
        self._over = True
        until = time.monotonic() + _SETTLE_SECONDS
        while not self._interrupt.requested and time.monotonic() < until and None in self._shapes().values():
            self._interrupt.wait(time.monotonic() + _SETTLE_SECONDS / 50)

    def stop(self, started: float, now: float) -> ModeResult:
        """The result at this time."""
        moments = sorted(moment - started for moment in self._completed_at if moment is not None)
        budget = self._setup.budget_seconds
        in_time = [moment for moment in moments if moment <= budget]
        if len(in_time) == self._tasks:
            seconds, ended = in_time[-1], Ended.DONE
        elif self._interrupt.requested and now - started < budget:
            seconds, ended = now - started, Ended.INTERRUPTED
        else:
            seconds, ended = budget, Ended.BUDGET
        return ModeResult(
            tasks=self._tasks,
            completed=len(in_time),
            seconds=seconds,
            ended=ended,
            waves=_waves(in_time, apart_seconds=self._setup.close_deadline_seconds / 4),
            silent_closes=self._silent_closes(),
        )

    def _silent_closes(self) -> SilentCloses:
        begun = self._shapes()
        shapes = Counter(begun.values())
        return SilentCloses(
            begun=len(begun),
            still_open=sum(not self._closed[task] for task in begun),
            worker_reads=shapes[Shape.WORKER_READS],
            companion_reads=shapes[Shape.COMPANION_READS],
        )

    def _shapes(self) -> dict[int, Shape | None]:
        """Who reads, in each close of a silent peer that has begun."""
        begun = (task for task, silent in enumerate(self._setup.silent) if silent and self._closing[task])
        return {task: self._clients[task].shape for task in begun}

    def _work(self) -> None:
        self._start.wait()
        while not self._over and (task := next(self._queue)) < self._tasks:
            try:
                self._send(task)
            except AbortedError:  # the run is over
                return

    def _send(self, task: int) -> None:
        self._clients[task].write(PAYLOAD)
        self._closing[task] = True
        if self._detached:
            self._net.go(lambda: self._close(task))
        else:
            self._close(task)
        if self._over:  # what ended after the run does not count, nor what its end released
            return
        self._completed_at[task] = time.monotonic()
        if next(self._ends) == self._tasks:
            self.done = True
            self._interrupt.ring()

    def _close(self, task: int) -> None:
        self._deadlines[task](self._setup.close_deadline_seconds)
        self._clients[task].close()
        self._closed[task] = not self._over


def _threads(setup: PoolSetup) -> int:
    """The workers, and of each close the closer and its companion."""
    silent = sum(setup.silent)
    return setup.workers + 2 * silent + min(2 * (len(setup.silent) - silent), _SPARE_THREADS)


def _waves(moments: Sequence[float], *, apart_seconds: float) -> tuple[Wave, ...]:
    """Sorted moments, parted where none lies for longer than ``apart_seconds``."""
    waves: list[Wave] = []
    for moment in moments:
        if waves and moment - waves[-1].last_seconds <= apart_seconds:
            last = waves.pop()
            waves.append(Wave(last.tasks + 1, last.first_seconds, moment))
        else:
            waves.append(Wave(1, moment, moment))
    return tuple(waves)
