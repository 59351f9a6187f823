"""Opens all that one experiment needs (peers, streams, threads, deadlines), and closes it all afterwards."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from stackscan.errors import ReproducerError
from stackscan.reproduce.alarms import Alarms
from stackscan.reproduce.interrupt import Interrupt
from stackscan.reproduce.peers import Kind, Peers
from stackscan.reproduce.stream import Stream
from stackscan.reproduce.threads import Threads

#: Loopback connects at once or not at all.
_CONNECT_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.001
#: How long leaving may take: every thread here ends as soon as its stream is aborted.
_LEAVE_SECONDS: Final = 0.8
_EXHAUSTED: Final = {
    errno.EMFILE: "no more files can be opened",
    errno.ENFILE: "the system can open no more files",
    errno.EADDRNOTAVAIL: "no free port is left",
    errno.ENOBUFS: "the system has no buffers left",
    errno.ENOMEM: "the system has no memory left",
}


class Loopback:
    """A context manager: within it there are peers to connect to; leaving it ends every stream, thread and socket."""

    def __init__(self, kinds: Iterable[Kind], *, answer_after_seconds: float = 0.0, keep_bytes: int = 0) -> None:
        self.threads = Threads()
        self.go = self.threads.go  # runs a function in its own thread
        self._alarms = Alarms()
        self._streams: list[Stream] = []
        try:
            self.peers = Peers(kinds, answer_after_seconds=answer_after_seconds, keep_bytes=keep_bytes)
        except OSError as error:
            raise _refused(error) from error

    def __enter__(self) -> Self:
        try:
            self._alarms.start()
            self.peers.start()
        except RuntimeError as error:
            self._leave()
            raise ReproducerError(f"the system refuses more threads: {error}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()
        if error is None and self.threads.failure is not None:
            raise self.threads.failure

    def connect(self, kind: Kind) -> Stream:
        """A new stream to a peer of this kind. Raises ReproducerError when files or ports have run out."""
        return self.connect_to(self.peers.address(kind))

    def connect_to(self, address: tuple[str, int]) -> Stream:
        """A new stream to a peer elsewhere on this machine."""
        try:
            connection = socket.create_connection(address, timeout=_CONNECT_SECONDS)
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go does
        except OSError as error:
            raise _refused(error) from error
        stream = Stream(connection, self._alarms)
        self._streams.append(stream)
        return stream

    def accepted(self, interrupt: Interrupt) -> bool:
        """Wait until the peers have accepted every stream; False when a stop was requested meanwhile.

        Raises ReproducerError when they do not.
        """
        until = time.monotonic() + _CONNECT_SECONDS
        while self.peers.accepted < len(self._streams) and not interrupt.requested:
            if time.monotonic() > until:
                raise ReproducerError("the peers do not accept their connections: this machine is too busy")
            interrupt.wait(time.monotonic() + _LOOK_SECONDS)
        return not interrupt.requested

    def _leave(self) -> None:
        until = time.monotonic() + _LEAVE_SECONDS
        for stream in self._streams:
            stream.abort()
        self.peers.stop(within_seconds=_LEAVE_SECONDS / 2)  # resets what is open, which wakes readers
        for stream in self._streams:
            stream.wake()  # of a peer elsewhere
        self.threads.stop(within_seconds=max(0.0, until - time.monotonic()))
        self._alarms.stop(within_seconds=max(0.0, until - time.monotonic()))
        for stream in self._streams:
            stream.close()


def _refused(error: OSError) -> ReproducerError:
    why = _EXHAUSTED.get(error.errno or 0, error.strerror or str(error))
    return ReproducerError(f"a loopback connection cannot be made: {why}")
