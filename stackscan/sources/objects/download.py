"""One object as a file that is read while it arrives."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from stackscan.errors import LimitError, SourceError
from stackscan.sources import Progress, limits
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.store import asked, open_store

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import GetResult

_PIECE: Final = 4 << 20
#: What an object's metadata may say of a capture.
FIELDS: Final = ("service", "host", "version", "time")


class Download(io.RawIOBase):
    """An open object: its bytes, its ``size``, and what its ``metadata`` say of a capture.

    Made by one request. Reading raises SourceError when the connection breaks; what came before is then not used, since
    the object can be read again.
    """

    def __init__(self, address: ObjectAddress, progress: Progress | None = None) -> None:
        """Open it. Raises FileNotFoundError where there is no such object, SourceError and LimitError."""
        super().__init__()
        self._address, self._progress = address, progress
        given = address.timeout_seconds
        self._ends = time.monotonic() + (limits.TOTAL_SECONDS if given is None else given)
        store = open_store(address)

        def begin() -> tuple[GetResult, Iterator[bytes], bytes]:
            result = store.get(address.key)
            pieces = iter(result.stream(min_chunk_size=_PIECE))
            return result, pieces, bytes(next(pieces, b""))

        result, self._pieces, self._piece = asked(address, self._left(), begin)
        self._place = 0
        self._read = len(self._piece)
        self.size = result.meta["size"]
        self.metadata = told(result.attributes)
        if self.size > limits.MAX_DOWNLOAD_BYTES:
            raise LimitError(f"{address} has more than {limits.MAX_DOWNLOAD_BYTES >> 20:,} MiB")

    def _left(self) -> float:
        return self._ends - time.monotonic()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer with the next bytes; 0 at the end."""
        if self._place == len(self._piece) and self._read < self.size:
            self._piece, self._place = self._next(), 0
        view = memoryview(buffer).cast("B")
        taken = min(len(view), len(self._piece) - self._place)
        view[:taken] = self._piece[self._place : self._place + taken]
        self._place += taken
        return taken

    def _next(self) -> bytes:
        piece = asked(self._address, self._left(), lambda: bytes(next(self._pieces, b"")))
        if not piece:
            raise SourceError(f"{self._address} cannot be read: it ended after {self._read:,} of {self.size:,} bytes")
        self._read += len(piece)
        if self._progress is not None:
            self._progress(self._read, self.size)
        return piece


def told(attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What user metadata say of a capture, by field."""
    found = {name.lower().removeprefix("x-amz-meta-"): value for name, value in attributes.items()}
    return tuple((name, found[name]) for name in FIELDS if found.get(name))
