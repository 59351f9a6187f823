"""SIGTERM and SIGHUP end a run as Ctrl-C does: cleanly, nothing half-written, with exit code 143 and 129.

Python runs a signal's handler only between two of its own steps. A thread that receives the same signals wakes what
computes outside Python (polars stops at SIGINT); if that does not help either, it ends the process. What that process
had begun to write is removed by the next run that writes there (atomic.py).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
#: How long Python gets to run the handler before it is woken, and how long it then gets before the process ends.
_PATIENCE_SECONDS: Final = 0.1
_LAST_SECONDS: Final = 5.0


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP end the run.

    A signal that the parent process ignores (nohup) stays ignored. Outside the main thread nothing
    changes. Raises SystemExit with the exit code.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    run = _Run()
    handlers: dict[int, _Handler] = {
        number: run.end for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL
    }
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        handlers[signal.SIGINT] = run.interrupt
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        with run.watched():
            yield
    except (KeyboardInterrupt, SystemExit):
        if run.ended_by is None:
            raise
        raise SystemExit(128 + run.ended_by) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_Handler = Callable[[int, FrameType | None], None]


class _Run:
    """One run of the program, and the signal that ended it."""

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self._handled = threading.Event()
        self._woken = False

    def end(self, number: int, _frame: FrameType | None) -> None:
        """End the run at the first signal; later ones do not disturb its clearing up."""
        if not self._handled.is_set():
            self.ended_by = number
            self._handled.set()
            raise SystemExit(128 + number)

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C, unless it is ours: that is only meant for what computes outside Python."""
        if not self._woken:
            signal.default_int_handler(number, frame)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Listen beside the main thread."""
        received, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        before = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        listener = threading.Thread(target=self._listen, args=(received,), daemon=True, name="signals")
        listener.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            os.close(wakeup)  # the listener reads the end, and ends

    def _listen(self, received: int) -> None:
        while numbers := os.read(received, 64):
            ending = [number for number in numbers if number in _ENDING]
            if ending:
                self._end_soon(ending[0])
        os.close(received)

    def _end_soon(self, number: int) -> None:
        if self._handled.wait(_PATIENCE_SECONDS):
            return
        self.ended_by = number
        self._woken = True
        os.kill(os.getpid(), signal.SIGINT)
        if not self._handled.wait(_LAST_SECONDS):
            os._exit(128 + number)
