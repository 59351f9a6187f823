"""Threads in place of goroutines: parked beforehand, for starting one costs a hundred times what ``go`` does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from stackscan.errors import ReproducerError

#: A thread here calls a few functions deep: little stack is enough, and thousands may be wanted.
_STACK_BYTES: Final = 256 * 1024


class Threads:
    """Runs functions, each in its own thread at once; a thread that is done waits for the next function.

    The first exception that a function raises is kept in ``failure``.
    """

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._parked: deque[None] = deque()  # one for each thread that waits and is not yet promised a function
        self._starting = threading.Lock()  # the size of a stack is set for the whole process
        self._stopped = False
        self._all: list[threading.Thread] = []

    def go(self, function: Callable[[], None]) -> None:
        """Run a function in its own thread, now; once stopped, do nothing.

        Raises ReproducerError when the system has no thread left.
        """
        if self._stopped:
            return
        try:
            self._parked.pop()  # a deque needs no lock, and a lock here would line up all workers
        except IndexError:
            self._start(function)
        else:
            self._work.put(function)

    def park(self, number: int) -> None:
        """Have so many threads wait for work. Raises ReproducerError when the system has no thread left."""
        for _ in range(number):
            self._start(None)

    def stop(self, *, within_seconds: float) -> int:
        """End all threads, and wait for those still at work; how many are left after this time (0 is right)."""
        until = time.monotonic() + within_seconds
        with self._starting:
            self._stopped = True
            ending = tuple(self._all)
        for _ in ending:
            self._work.put(None)
        for thread in ending:
            thread.join(max(0.0, until - time.monotonic()))
        return sum(thread.is_alive() for thread in ending)

    def _start(self, first: Callable[[], None] | None) -> None:
        thread = threading.Thread(target=self._run, args=(first,), name="go", daemon=True)
        with self._starting:
            if self._stopped:
                return
            before = threading.stack_size(_STACK_BYTES)
            try:
                thread.start()
            except RuntimeError as error:  # can't start new thread
                raise ReproducerError(
                    f"the system refuses more threads: {len(self._all)} were started",
                    hint="Fewer silent tasks need fewer threads; `ulimit -u` and the container limit their number.",
                ) from error
            finally:
                threading.stack_size(before)
            self._all.append(thread)

    def _run(self, function: Callable[[], None] | None) -> None:
        while True:
            if function is not None:
                self._call(function)
            self._parked.append(None)
            function = self._work.get()
            if function is None:
                return

    def _call(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - whatever it was, the experiment has failed and says so
            self.failure = self.failure or error
