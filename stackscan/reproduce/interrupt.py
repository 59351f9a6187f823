"""Being asked to stop: Ctrl-C and SIGTERM as a value that loops look at, never an exception out of nowhere."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue


class Interrupt:
    """Whether somebody asked to stop, and waits that such a request ends at once."""

    def __init__(self) -> None:
        self.asked = False
        self._bell: SimpleQueue[None] = SimpleQueue()  # its put may be called within a signal handler

    def ask(self) -> None:
        """Ask to stop. Safe in a signal handler, and a second time."""
        self.asked = True
        self._bell.put(None)

    def ring(self) -> None:
        """End a wait early: something has happened."""
        self._bell.put(None)

    def wait(self, until: float) -> None:
        """Wait until this moment (``time.monotonic``), or less long when the bell rings."""
        left = until - time.monotonic()
        if left > 0 and not self.asked:
            try:
                self._bell.get(timeout=left)
            except Empty:
                return


_listening: list[Interrupt] = []


@contextmanager
def on_signals() -> Iterator[Interrupt]:
    """An Interrupt that SIGINT and SIGTERM ask; outside the main thread, one that only ``ask`` asks.

    Within another one it is that other one: the program begins to listen before it has loaded what it runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interrupt()
        return
    if _listening:
        yield _listening[0]
        return
    interrupt = Interrupt()
    before = {number: signal.signal(number, lambda *_: interrupt.ask()) for number in (signal.SIGINT, signal.SIGTERM)}
    _listening.append(interrupt)
    try:
        yield interrupt
    finally:
        _listening.clear()
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
