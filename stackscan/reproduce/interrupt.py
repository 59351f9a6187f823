"""Requests to stop: Ctrl-C and SIGTERM set a flag that loops check, and raise nothing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue


class Interrupt:
    """Whether a stop was requested, and waits that a request ends at once."""

    def __init__(self) -> None:
        self.requested = False
        self._bell: SimpleQueue[None] = SimpleQueue()  # its put may be called within a signal handler

    def request(self) -> None:
        """Request a stop. Safe in a signal handler, and a second time."""
        self.requested = True
        self._bell.put(None)

    def ring(self) -> None:
        """End a wait early."""
        self._bell.put(None)

    def wait(self, until: float) -> None:
        """Wait until this moment (``time.monotonic``), or less long when the bell rings."""
        left = until - time.monotonic()
        if left > 0 and not self.requested:
            with suppress(Empty):
                self._bell.get(timeout=left)


_listening: list[Interrupt] = []


@contextmanager
def on_signals() -> Iterator[Interrupt]:
    """An Interrupt that SIGINT and SIGTERM request; outside the main thread, only ``request`` does.

    Nested calls yield the outer one: the program begins to listen before it has loaded what it runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interrupt()
        return
    if _listening:
        yield _listening[0]
        return
    interrupt = Interrupt()
    before = {
        number: signal.signal(number, lambda *_: interrupt.request()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    _listening.append(interrupt)
    try:
        yield interrupt
    finally:
        _listening.clear()
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
