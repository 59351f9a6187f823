"""Delivers things one after the other in a thread: bounded in number, tried again, and never waited for."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: Things that wait to be delivered.
MOST_WAITING: Final = 200
#: Seconds before the second attempt; each further one waits twice as long.
_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something to be delivered about a process."""

    target: str
    body: Any


class UndeliveredError(Exception):
    """Why something was not delivered, and whether it may be tried again, after so many seconds (None: soon)."""

    def __init__(self, reason: str, *, again: bool = True, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.again = again
        self.after_seconds = after_seconds


@dataclass
class Courier:
    """Delivers parcels to one address, in their order.

    ``deliver`` raises UndeliveredError. ``attempts``: so often one is tried. ``tell`` is called with a text when
    deliveries begin to fail, when one is given up, and when they succeed again; not for each attempt. Where too many
    wait, the older ones of the same process are dropped: the newest state is what counts. ``again`` gives what is to be
    delivered when nothing was for ``again_seconds`` (None: nothing).
    """

    name: str
    deliver: Callable[[Parcel], None]
    tell: Callable[[str], None]
    attempts: int
    again: Callable[[], Parcel | None] = lambda: None
    again_seconds: float | None = None
    most_waiting: int = MOST_WAITING
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    _waiting: deque[Parcel] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _until: float | None = None
    _busy: bool = False
    _failing: bool = False

    def start(self) -> None:
        """Begin to deliver."""
        threading.Thread(target=self._run, name=f"hook {self.name}", daemon=True).start()

    def put(self, parcel: Parcel) -> None:
        """Deliver this, too. Never waits."""
        with self._changed:
            if len(self._waiting) >= self.most_waiting:
                oldest = next((one for one in self._waiting if one.target == parcel.target), self._waiting[0])
                self._waiting.remove(oldest)
                self.dropped += 1
            self._waiting.append(parcel)
            self._changed.notify_all()

    def close(self, until: float) -> None:
        """Try each that waits once more, until this moment (``time.monotonic``), and no longer."""
        with self._changed:
            self._until = until
            self._changed.notify_all()

    def finished(self) -> bool:
        """Wait until all is delivered, or the moment that ``close`` gave has come; whether all is."""
        with self._changed:
            left = 0.0 if self._until is None else self._until - time.monotonic()
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout=max(left, 0.0))

    def _run(self) -> None:
        while True:
            parcel = self._next()
            if parcel is not None:
                self._surely(parcel)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if self._is_late() or (self._until is not None and not self._waiting):
                    return

    def _next(self) -> Parcel | None:
        with self._changed:
            came = self._changed.wait_for(lambda: self._waiting or self._until is not None, timeout=self.again_seconds)
            self._busy = True
            if self._waiting:
                return self._waiting.popleft()
        return None if came else self.again()

    def _is_late(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def _surely(self, parcel: Parcel) -> None:
        """Deliver one, after several attempts if need be."""
        for attempt in range(self.attempts):
            try:
                self.deliver(parcel)
            except UndeliveredError as error:
                last = attempt == self.attempts - 1 or not error.again
                self._failed(error, given_up=last)
                if last or not self._wait(attempt, error):
                    return
            except Exception as error:  # noqa: BLE001 - a fault of ours ends no watching
                self._failed(UndeliveredError(f"{type(error).__name__}: {error}"), given_up=True)
                return
            else:
                self._succeeded()
                return

    def _wait(self, attempt: int, error: UndeliveredError) -> bool:
        """Wait before the next attempt; False where there is none, for all ends."""
        usual = min(_FIRST_SECONDS * 2**attempt, _LONGEST_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        wait = usual if error.after_seconds is None else max(usual, error.after_seconds)
        with self._changed:
            return not self._changed.wait_for(lambda: self._until is not None, timeout=wait)

    def _failed(self, error: UndeliveredError, *, given_up: bool) -> None:
        self.failed += given_up
        if not self._failing:
            self._failing = True
            self.tell(f"{self.name}: {error}")

    def _succeeded(self) -> None:
        self.delivered += 1
        if self._failing:
            self._failing = False
            self.tell(f"{self.name}: it works again ({self.failed:,} not delivered, {self.dropped:,} dropped)")
