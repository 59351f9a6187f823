"""SIGINT, SIGTERM and SIGHUP end a watching command with exit code 0, within a second, nothing half-written.

A signal raises nothing: it sets a flag and wakes who waits. So it may come at any moment, also while a table is drawn.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: How long the command may take to end; then the process ends, whatever it waits for.
GRACE_SECONDS: Final = 0.8


class Stop:
    """A request to stop, and what a main thread waits with."""

    def __init__(self) -> None:
        self.requested = False
        #: Called where the command itself does not end in time: the terminal must be usable again.
        self.at_last: Callable[[], None] = lambda: None
        self._bell, self._clapper = os.pipe()
        for end in (self._bell, self._clapper):
            os.set_blocking(end, False)

    def request(self) -> None:
        """Request a stop, from any thread."""
        self.requested = True
        self.ring()

    def ring(self) -> None:
        """End a wait early, from any thread."""
        with suppress(OSError):  # it rings already
            os.write(self._clapper, b"\0")

    def wait(self, seconds: float | None, reading: Sequence[int] = (), hearing: Sequence[int] = ()) -> set[int]:
        """Wait until a stop is requested, the bell rings, one of the descriptors ``reading`` has something to read, or
        one of ``hearing`` has lost its other end. Returns the descriptors of which that is true."""
        if self.requested:
            return set()
        poll = select.poll()
        for one in (self._bell, *reading):
            poll.register(one, select.POLLIN)
        for one in hearing:
            poll.register(one, 0)
        came = {one for one, _ in poll.poll(None if seconds is None else max(0, int(seconds * 1000)))}
        if self._bell in came:
            os.read(self._bell, 4096)
        return came - {self._bell}

    def pause(self, seconds: float, reading: Sequence[int] = ()) -> None:
        """Wait so long, whatever rings, or until one of the descriptors has something to read."""
        if not self.requested:
            select.select(list(reading), [], [], seconds)


_listening: list[Stop] = []


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A Stop that signals request; outside the main thread only ``request`` does.

    Nested calls yield the outer one: the program listens before it has loaded what it runs. A signal that the parent
    process ignores (nohup) stays ignored.
    """
    if _listening or threading.current_thread() is not threading.main_thread():
        yield _listening[0] if _listening else Stop()
        return
    stop = Stop()
    usual = (signal.SIG_DFL, signal.default_int_handler)
    heard = [number for number in _ENDING if signal.getsignal(number) in usual]
    received, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    # The thread hears a signal also while the main thread is busy outside Python.
    threading.Thread(target=_listen, args=(received, heard, stop), name="signals", daemon=True).start()
    woken = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in heard}
    _listening.append(stop)
    try:
        yield stop
    finally:
        _listening.clear()
        if not stop.requested:  # else later signals do not disturb the end
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken)
            os.close(wakeup)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The thread does what is to be done."""


def _listen(received: int, heard: Sequence[int], stop: Stop) -> None:
    while numbers := os.read(received, 64):
        if any(number in heard for number in numbers):
            stop.request()
            time.sleep(GRACE_SECONDS)
            _end(stop)


def _end(stop: Stop) -> None:
    """End the process now: a reader that does not read, or work that lasts, holds the main thread."""
    try:
        stop.at_last()
    finally:
        os._exit(0)
