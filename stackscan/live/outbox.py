"""Lines for a reader that may be slow: a thread writes them, and who adds one never waits."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

#: Bytes that wait for a slow reader. Beyond these the oldest lines are dropped.
MOST_BYTES: Final = 16 << 20


class Outbox:
    """Writes lines to a descriptor, each whole and at once. Lines are dropped only where the reader is so slow that
    MOST_BYTES wait for it: ``dropped`` counts them, and ``tell_dropped`` is called with the number of each such time.

    ``failure`` is why it writes no more: a BrokenPipeError for a reader that went away, another OSError for a disk that
    is full. ``ended`` is called then.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        ended: Callable[[], None],
        tell_dropped: Callable[[int], None],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._descriptor = descriptor
        self._ended = ended
        self._tell_dropped = tell_dropped
        self._most = most_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._writing = False
        self._lately = 0
        self.dropped = 0
        self.failure: OSError | None = None
        threading.Thread(target=self._run, name="output", daemon=True).start()

    def add(self, line: str) -> None:
        """Add a line, given without its end."""
        data = f"{line}\n".encode("ascii", "backslashreplace")
        with self._changed:
            if self.failure is not None:
                return
            self._waiting.append(data)
            self._bytes += len(data)
            while self._bytes > self._most and len(self._waiting) > 1:
                self._bytes -= len(self._waiting.popleft())
                self.dropped += 1
                self._lately += 1
            self._changed.notify_all()

    def close(self, seconds: float) -> bool:
        """Wait until all is written, at most so long; whether it is."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout=seconds)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._write(data)
            except OSError as error:
                self._fail(error)
                return
            finally:
                with self._changed:
                    self._writing = False
                    self._changed.notify_all()

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            data = self._waiting.popleft()
            self._bytes -= len(data)
            self._writing = True
            dropped, self._lately = self._lately, 0
        if dropped:
            self._tell_dropped(dropped)
        return data

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # somebody made the pipe non-blocking, and it is full
                select.select([], [self._descriptor], [])

    def _fail(self, error: OSError) -> None:
        with self._changed:
            self.failure = error
            self._waiting.clear()
            self._bytes = 0
        self._ended()
