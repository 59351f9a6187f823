"""The lazy client of multistream-select: it writes at once, and Close waits for the answer.

After ``lazyClientConn`` of go-multistream v0.6.1 (``lazyClient.go``); its Read is left out, for bitswap never reads
from a stream that it sends on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum

from stackscan.reproduce.stream import Stream
from stackscan.reproduce.wire import MULTISTREAM, NOT_AVAILABLE, HandshakeError, buffered, framed, read_token


class Shape(StrEnum):
    """Who reads the peer's answer, and so waits for a silent one. The other waits for the reader."""

    WORKER_READS = "worker-reads"  # the goroutine in Close reads itself
    COMPANION_READS = "companion-reads"  # the goroutine that the first write started reads; Close waits for it


class Once:
    """Runs one function once; other callers wait until it is done (go-multistream's ``once``)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False

    def do(self, function: Callable[[], None]) -> None:
        """Run the function, unless one has run before."""
        with self._lock:
            if not self._done:
                try:
                    function()
                finally:
                    self._done = True


class LazyClient:
    """One stream on which a protocol is assumed, not awaited. ``go`` starts a function beside the caller."""

    def __init__(self, stream: Stream, protocol: bytes, *, go: Callable[[Callable[[], None]], None]) -> None:
        self.shape: Shape | None = None  # None: nobody has begun to read
        self.handshake_error: Exception | None = None  # swallowed by write and close, as in Go
        self._stream = stream
        self._protocols = (MULTISTREAM, protocol)
        self._go = go
        self._reading = Once()
        self._writing = Once()
        self._write_error: OSError | None = None

    def write(self, payload: bytes) -> int:
        """Send the payload, the first time behind the tokens and in the same write; how many bytes of it were sent.

        The first time also starts the companion, which reads the peer's answer. Raises the stream's OSError.
        """
        sent_with_tokens = self._send_first(payload)
        if not (sent_with_tokens and payload):
            self._stream.write(payload)
        return len(payload)

    def flush(self) -> None:
        """Send the tokens, if nothing was sent yet. Raises the stream's OSError."""
        self._send_first(b"")

    def _send_first(self, payload: bytes) -> bool:
        """Start the companion and send tokens and payload, unless another call has; whether this one did."""
        sent = False

        def first() -> None:
            nonlocal sent
            sent = True
            self._go(lambda: self._read_once(Shape.COMPANION_READS))
            self._send(payload)

        self._writing.do(first)
        if self._write_error is not None:
            raise self._write_error
        return sent

    def close(self) -> None:
        """Finish reading the peer's answer, then close. It lasts until the answer, an error, or the read deadline."""
        with suppress(OSError):
            self.flush()
        self._read_once(Shape.WORKER_READS)
        self._stream.close()

    def _send(self, payload: bytes) -> None:
        pieces = [framed(token) for token in self._protocols]
        try:
            for piece in buffered((*pieces, payload)):
                self._stream.write(piece)
        except OSError as error:
            self._write_error = error

    def _read_once(self, shape: Shape) -> None:
        """Read the peer's answer, unless the other side has."""
        self._reading.do(lambda: self._read_handshake(shape))

    def _read_handshake(self, shape: Shape) -> None:
        self.shape = shape
        try:
            for wanted in self._protocols:
                token = read_token(self._stream.read)
                if token != wanted:
                    refused = token == NOT_AVAILABLE
                    text = "protocols not supported" if refused else "protocol mismatch in lazy handshake"
                    raise HandshakeError(text)  # noqa: TRY301 - kept, as in Go
        except (OSError, EOFError, HandshakeError) as error:
            self.handshake_error = error
