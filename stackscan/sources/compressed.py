"""Takes gzip and zstandard off, by content, bounded in size and ratio; a cut file yields what it still holds."""

from __future__ import annotations

import importlib
import io
import sys
import zlib
from collections.abc import Callable
from typing import IO, Any, Final, cast

from stackscan.errors import SourceError
from stackscan.sources import limits

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
#: A frame that decoders skip: 0x184D2A5?, little-endian. pzstd begins its files with one.
_SKIPPABLE: Final = b"\x2a\x4d\x18"
#: Compressed bytes given to the unpacker at a time, and bytes taken from it.
_PACKED: Final = 64 << 10
_UNPACKED: Final = 4 << 20
_WITH_HEADER: Final = 16 + zlib.MAX_WBITS
_AGAIN: Final = "Fetch or copy the file again."


def decompress(data: bytes, *, where: str) -> tuple[bytes, bool]:
    """The bytes without gzip or zstandard around them, and whether their end is missing.

    Raises SourceError when not even the beginning can be unpacked, LimitError when there is too much of it.
    """
    cut = False
    for _ in range(limits.MAX_LAYERS):
        unpack = _unpacker(data)
        if unpack is None:
            return data, cut
        data, ends_early = unpack(data, where)
        cut |= ends_early
    if _unpacker(data) is not None:
        raise limits.too_many_layers(where=where)
    return data, cut


def head(data: bytes, size: int) -> bytes:
    """The first bytes of what gzip or zstandard packs; none if it is neither or damaged."""
    if data.startswith(_GZIP):
        try:
            return zlib.decompressobj(_WITH_HEADER).decompress(data[:_PACKED], size)
        except zlib.error:
            return b""
    try:
        return zstd_stream(data).read(size) if is_zstd(data) else b""
    except OSError:
        return b""


def is_zstd(data: bytes) -> bool:
    """Whether the bytes begin like a zstandard file."""
    return data.startswith(_ZSTD) or (data[1:4] == _SKIPPABLE and 0x50 <= data[0] <= 0x5F)


def zstd_stream(data: bytes) -> IO[bytes]:
    """The content as a stream, for archives that are unpacked piece by piece. Reading it raises OSError on damage."""
    return cast("IO[bytes]", io.BufferedReader(_ZstdStream(data), _PACKED))


def _unpacker(data: bytes) -> Callable[[bytes, str], tuple[bytes, bool]] | None:
    if data.startswith(_GZIP):
        return _gunzip
    return _unzstd if is_zstd(data) else None


# -- gzip ------------------------------------------------------------------------------------------------------------


def _gunzip(data: bytes, where: str) -> tuple[bytes, bool]:
    """All members of a gzip file, and whether it is cut or damaged further on (what came before is kept)."""
    kept = io.BytesIO()
    start = 0
    unpacker = zlib.decompressobj(_WITH_HEADER)
    while start < len(data):
        packed = data[start : start + _PACKED]
        before = unpacker.copy()
        try:
            kept.write(unpacker.decompress(packed, _UNPACKED))
        except zlib.error as error:
            kept.write(_before_damage(before, packed))
            if not kept.tell():
                raise SourceError(f"{where} is damaged: {error}", hint=_AGAIN) from error
            return kept.getvalue(), True
        start += len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        limits.check_unpacking(kept.tell(), start, where=where)
        if unpacker.eof:  # another member may follow; anything else is padding
            if not data.startswith(_GZIP, start):
                return kept.getvalue(), False
            unpacker = zlib.decompressobj(_WITH_HEADER)
    if not kept.tell():
        raise SourceError(f"{where} is a gzip file that is cut before its content", hint=_AGAIN)
    return kept.getvalue(), True


def _before_damage(unpacker: zlib._Decompress, packed: bytes) -> bytes:
    """What the bytes before the damaged one hold."""
    kept: list[bytes] = []
    for byte in packed:
        try:
            kept.append(unpacker.decompress(bytes((byte,))))
        except zlib.error:
            break
    return b"".join(kept)


# -- zstandard -------------------------------------------------------------------------------------------------------


def _unzstd(data: bytes, where: str) -> tuple[bytes, bool]:
    """All frames of a zstandard file, and whether it is cut or damaged further on (what came before is kept)."""
    frames = _Frames(data)
    kept = io.BytesIO()
    try:
        while piece := frames.read():
            kept.write(piece)
            limits.check_unpacking(kept.tell(), frames.consumed, where=where)
    except _zstd().ZstdError as error:
        kept.write(frames.before_damage())
        if not kept.tell():
            raise SourceError(f"{where} is a damaged zstandard file: {error}", hint=_AGAIN) from error
        return kept.getvalue(), True
    if frames.cut and not kept.tell():
        raise SourceError(f"{where} is a zstandard file that is cut before its content", hint=_AGAIN)
    return kept.getvalue(), frames.cut


class _Frames:
    """The content of one frame after the other, in pieces of bounded size."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._frame = 0  # where the frame begins,
        self._given = 0  # where the piece of it begins that the unpacker got last,
        self._at = 0  # and where the next one does
        self._taken = 0  # bytes of this frame's content that were read
        self._unpacker = _zstd_unpacker()
        self._ended = False
        self.cut = False

    @property
    def consumed(self) -> int:
        """Compressed bytes that were given to the unpacker."""
        return self._at

    def read(self) -> bytes:
        """The next bytes; none at the end. Raises ZstdError on damage."""
        while not self._ended and (not self._unpacker.eof or self._next_frame()):
            packed = b""
            if self._unpacker.needs_input:
                packed = self._data[self._at : self._at + _PACKED]
                self._given, self._at = self._at, self._at + len(packed)
                if not packed:
                    self.cut = self._ended = True
                    break
            piece: bytes = self._unpacker.decompress(packed, _UNPACKED)
            self._taken += len(piece)
            if piece:
                return piece
        return b""

    def _next_frame(self) -> bool:
        """Go on with the frame behind the one that ended; anything else behind it is padding."""
        self._at -= len(self._unpacker.unused_data)
        self._frame, self._taken = self._at, 0
        if not is_zstd(self._data[self._at : self._at + len(_ZSTD)]):
            self._ended = True
            return False
        self._unpacker = _zstd_unpacker()
        return True

    def before_damage(self) -> bytes:
        """What the frame holds between what was read of it and the damaged byte."""
        unpacker = _zstd_unpacker()
        known = 0
        kept = bytearray()
        try:
            for start in range(self._frame, self._given, _PACKED):
                known += len(unpacker.decompress(self._data[start : min(start + _PACKED, self._given)]))
            for at in range(self._given, self._at):
                kept += unpacker.decompress(self._data[at : at + 1])
                if len(kept) > limits.RATIO_FREE_BYTES:
                    break
        except (_zstd().ZstdError, EOFError):
            pass
        return bytes(kept[max(self._taken - known, 0) :])


class _ZstdStream(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._frames = _Frames(data)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        """Fill the buffer as far as the next piece goes."""
        if not self._left:
            try:
                self._left = memoryview(self._frames.read())
            except _zstd().ZstdError as error:
                raise OSError(str(error)) from error
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _zstd_unpacker() -> Any:
    module = _zstd()
    window = module.DecompressionParameter.window_log_max
    return module.ZstdDecompressor(options={window: limits.MAX_WINDOW_BYTES.bit_length() - 1})


def _zstd() -> Any:
    """The standard library's module, or what brings it to Python before 3.14; loaded when it is needed."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
