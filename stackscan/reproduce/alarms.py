"""Deadlines: one thread that calls back when they pass, as Go's runtime does for every stream."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

_Entry = tuple[float, int, Callable[[], None]]


class Alarms:
    """Calls at given moments (``time.monotonic``), from one thread. Calls must be short and raise nothing.

    Nobody who sets an alarm ever waits for a lock: hundreds of threads set theirs within milliseconds.
    """

    def __init__(self) -> None:
        self._new: deque[_Entry] = deque()
        self._order = itertools.count()
        self._earliest = math.inf  # when the thread wakes by itself
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)

    def start(self) -> None:
        """Begin. Raises RuntimeError when the system has no thread left."""
        self._thread.start()

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Call at this moment, or at once when it has passed."""
        self._new.append((moment, next(self._order), call))
        if moment < self._earliest:
            self._bell.put(None)

    def stop(self, *, within_seconds: float) -> None:
        """Forget every deadline and end the thread."""
        self._stopped = True
        self._bell.put(None)
        if self._thread.ident is not None:
            self._thread.join(within_seconds)

    def _run(self) -> None:
        due: list[_Entry] = []
        while not self._stopped:
            self._earliest = math.inf  # an alarm set from here on rings the bell
            while self._new:
                heapq.heappush(due, self._new.popleft())
            while due and due[0][0] <= time.monotonic():
                heapq.heappop(due)[2]()
            self._earliest = due[0][0] if due else math.inf
            self._sleep()

    def _sleep(self) -> None:
        left = None if self._earliest == math.inf else max(0.0, self._earliest - time.monotonic())
        with suppress(Empty):
            self._bell.get(timeout=left)
