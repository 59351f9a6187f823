"""A TCP connection with the manners of a Go stream: blocking reads, and a deadline that also ends a read under way."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from stackscan.reproduce.alarms import Alarms


class DeadlineExceededError(OSError):
    """The read deadline of a stream has passed (Go: ``os.ErrDeadlineExceeded``)."""


class AbortedError(OSError):
    """The experiment is over."""


class Stream:
    """The client's end of one stream. Reads block the thread that reads: it is held, as a goroutine is."""

    def __init__(self, connection: socket.socket, alarms: Alarms) -> None:
        self.writes: list[bytes] = []  # what was handed to the system, write by write
        #: The port at this end: by it the peer's side knows whose bytes it received.
        self.local_port: int = connection.getsockname()[1]
        self._connection = connection
        self._alarms = alarms
        self._deadline: float | None = None
        self._aborted = False
        self._ends = threading.Lock()

    def read(self, limit: int) -> bytes:
        """The next bytes, at least one and at most ``limit``; nothing when the peer has closed.

        Raises DeadlineExceededError, AbortedError, or the system's OSError (a reset).
        """
        self._check()
        try:
            return self._connection.recv(limit)
        finally:
            self._check()  # an alarm ends a read by shutting down: that is no end of the stream

    def write(self, data: bytes) -> None:
        """Send all of it in one write. Raises AbortedError or the system's OSError."""
        self.writes.append(data)
        try:
            self._connection.sendall(data)
        finally:
            if self._aborted:
                raise AbortedError

    def set_read_deadline(self, seconds: float) -> None:
        """End reads, also one that has begun, ``seconds`` from now (``SetReadDeadline``)."""
        moment = time.monotonic() + seconds
        self._deadline = moment
        self._alarms.at(moment, self._wake)

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        with self._ends:
            self._connection.close()

    def abort(self) -> None:
        """From now on reads and writes raise AbortedError, however they end: the experiment is over."""
        self._aborted = True

    def wake(self) -> None:
        """End a read or write under way."""
        with self._ends, suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _check(self) -> None:
        if self._aborted:
            raise AbortedError
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise DeadlineExceededError

    def _wake(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:  # else it was moved
            with self._ends, suppress(OSError):
                self._connection.shutdown(socket.SHUT_RD)  # says nothing to the peer, and wakes the reader
