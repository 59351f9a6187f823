"""Deadlines: one thread that calls back when they pass, as Go's runtime does for every stream."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Alarms:
    """Calls at given moments (``time.monotonic``), from one thread. Calls must be short and raise nothing."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)

    def start(self) -> None:
        """Begin. Raises RuntimeError when the system has no thread left."""
        self._thread.start()

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Call at this moment, or at once when it has passed."""
        with self._changed:
            entry = (moment, next(self._order), call)
            heapq.heappush(self._due, entry)
            if self._due[0] is entry:
                self._changed.notify()

    def stop(self, *, within_seconds: float) -> None:
        """Forget every deadline and end the thread."""
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(within_seconds)

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
            return None
