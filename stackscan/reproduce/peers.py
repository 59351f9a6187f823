"""The other side: peers of every kind on one port each, all served by one thread.

An answering peer does what ``MultistreamMuxer.Negotiate`` of go-multistream v0.6.1 does: it sends its own token before
it has read anything, then reads, and answers each proposal with the protocol or ``na``.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from stackscan.reproduce.wire import BITSWAP, MULTISTREAM, NOT_AVAILABLE, HandshakeError, framed, take_token

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 4096
_CHUNK_BYTES: Final = 1 << 16
_RESET: Final = struct.pack("ii", 1, 0)  # linger for 0 s: close sends RST


class Kind(StrEnum):
    """What a peer does with a stream."""

    ANSWERING = "answering"  # negotiates at once
    SILENT = "silent"  # accepts, reads, and never says a word
    HALF_SILENT = "half-silent"  # sends the first token, and never the second
    CLOSING = "closing"  # closes when the first bytes arrive
    RESETTING = "resetting"  # resets when the first bytes arrive
    REFUSING = "refusing"  # negotiates, but does not speak the protocol
    SLOW = "slow"  # negotiates, but only a while after the first bytes arrived


_GREETS: Final = frozenset({Kind.ANSWERING, Kind.HALF_SILENT, Kind.REFUSING})
_NEGOTIATES: Final = frozenset({Kind.ANSWERING, Kind.REFUSING, Kind.SLOW})


@dataclass(eq=False, slots=True)
class _Connection:
    """One accepted stream; ``port`` is the client's."""

    socket: socket.socket
    kind: Kind
    port: int
    unread: bytearray = field(default_factory=bytearray)
    tokens: int = 0
    waits: bool = False  # a slow peer that has received something, and has not answered yet
    answers: bool = False


class Peers:
    """Peers of some kinds on 127.0.0.1, each kind on a port that the system chooses.

    ``received`` holds, by the client's port, the first ``keep_bytes`` bytes of what each stream brought.
    """

    def __init__(self, kinds: Iterable[Kind], *, answer_after_seconds: float = 0.0, keep_bytes: int = 0) -> None:
        self.received: dict[int, bytearray] = {}
        self.accepted = 0
        self._answer_after_seconds = answer_after_seconds
        self._keep_bytes = keep_bytes
        self._selector = selectors.DefaultSelector()
        self._later: list[tuple[float, int, _Connection]] = []
        self._order = itertools.count()
        self._open: set[_Connection] = set()
        self._stopped = False
        self._woken, self._waker = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="peers", daemon=True)
        self._listeners: dict[Kind, socket.socket] = {}
        try:
            for kind in kinds:
                listener = self._listeners[kind] = socket.create_server((HOST, 0), backlog=_BACKLOG)
                listener.settimeout(0)
                self._selector.register(listener, selectors.EVENT_READ, kind)
        except OSError:
            self.stop(within_seconds=0)
            raise

    def start(self) -> None:
        """Begin to accept. Raises RuntimeError when the system has no thread left."""
        self._thread.start()

    def address(self, kind: Kind) -> tuple[str, int]:
        """Where to connect to a peer of this kind."""
        return HOST, self._listeners[kind].getsockname()[1]

    def stop(self, *, within_seconds: float) -> None:
        """Reset every stream, so that none lingers in TIME_WAIT, and end the thread."""
        self._stopped = True
        with suppress(OSError):
            self._waker.send(b"\0")
        if self._thread.ident is not None:
            self._thread.join(within_seconds)
        self._selector.close()
        for listener in self._listeners.values():
            listener.close()
        for connection in self._open:
            _reset_on_close(connection)
            connection.socket.close()
        self._woken.close()
        self._waker.close()

    def _run(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select(self._seconds_to_next()):
                if isinstance(key.data, Kind):
                    self._accept(self._listeners[key.data], key.data)
                elif isinstance(key.data, _Connection):
                    self._read(key.data)
            self._serve_late()

    def _seconds_to_next(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _accept(self, listener: socket.socket, kind: Kind) -> None:
        with suppress(OSError):  # BlockingIOError: all are accepted; others: that client is gone, or comes again
            while not self._stopped:
                accepted, (_, port) = listener.accept()
                accepted.settimeout(0)
                connection = _Connection(accepted, kind, port)
                self._open.add(connection)
                self.accepted += 1
                if kind in _GREETS:
                    _greet(connection)
                self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _serve_late(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            connection = heapq.heappop(self._later)[2]
            connection.waits = False
            if connection in self._open:  # else it has closed meanwhile
                _greet(connection)
                self._react(connection, b"")

    def _read(self, connection: _Connection) -> None:
        try:
            chunk = connection.socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk and self._keep_bytes:
            kept = self.received.setdefault(connection.port, bytearray())
            kept += chunk[: self._keep_bytes - len(kept)]
        if chunk and connection.kind is Kind.SLOW and not connection.answers:
            self._put_off(connection, chunk)
        elif chunk:
            self._react(connection, chunk)
        else:
            self._drop(connection)

    def _put_off(self, connection: _Connection, chunk: bytes) -> None:
        """Keep what a slow peer has received, and answer later."""
        connection.unread += chunk
        if not connection.waits:
            connection.waits = True
            moment = time.monotonic() + self._answer_after_seconds
            heapq.heappush(self._later, (moment, next(self._order), connection))

    def _react(self, connection: _Connection, chunk: bytes) -> None:
        connection.answers = True
        if not _keeps_open(connection, chunk):
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        self._open.discard(connection)
        connection.socket.close()


def _greet(connection: _Connection) -> None:
    with suppress(OSError):  # as in Go: the handshake goes on, even where nobody listens
        connection.socket.send(framed(MULTISTREAM))


def _reset_on_close(connection: _Connection) -> None:
    with suppress(OSError):  # the client is gone already
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _keeps_open(connection: _Connection, chunk: bytes) -> bool:
    """React to what has arrived; False closes the stream. Silent peers drop it, or the client's writes would stop."""
    if connection.kind is Kind.RESETTING:
        _reset_on_close(connection)
    if connection.kind in _NEGOTIATES:
        return _negotiate(connection, chunk)
    return connection.kind not in (Kind.CLOSING, Kind.RESETTING)


def _negotiate(connection: _Connection, chunk: bytes) -> bool:
    """Go on negotiating with what has arrived; False closes the stream."""
    if connection.tokens == 2:  # all agreed: the rest is the message
        return True
    connection.unread += chunk
    try:
        while connection.tokens < 2 and (token := take_token(connection.unread)) is not None:
            if connection.tokens == 0:
                if token != MULTISTREAM:
                    return False
                connection.tokens = 1
            elif token == BITSWAP and connection.kind is not Kind.REFUSING:
                connection.tokens = 2
                connection.socket.send(framed(token))
            else:
                connection.socket.send(framed(NOT_AVAILABLE))
    except HandshakeError:
        return False
    except OSError:  # the client is gone; its end of the stream comes next
        return True
    return True
