"""Decompresses gzip and zstandard, detected by content, within limits; a cut file gives what it still holds."""

from __future__ import annotations

import importlib
import io
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
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
    if not is_zstd(data):
        return b""
    try:
        return zstd_stream(data).read(size)
    except zstd().ZstdError:
        return b""


def is_zstd(data: bytes) -> bool:
    """Whether the bytes begin like a zstandard file."""
    return data.startswith(_ZSTD) or (data[1:4] == _SKIPPABLE and 0x50 <= data[0] <= 0x5F)


def zstd_stream(data: bytes) -> IO[bytes]:
    """The content as a stream, for archives; it ends where the file is cut. Reading raises ZstdError on damage."""
    end = 0
    with suppress(zstd().ZstdError):  # a cut or damaged frame: reading it raises
        while is_zstd(data[end : end + len(_ZSTD)]):
            end += zstd().get_frame_size(memoryview(data)[end:])
        data = data[:end]  # without padding, which ZstdFile refuses
    return cast("IO[bytes]", io.BufferedReader(_UntilCut(data), _PACKED))


def _unpacker(data: bytes) -> Callable[[bytes, str], tuple[bytes, bool]] | None:
    if data.startswith(_GZIP):
        return _gunzip
    return _unzstd if is_zstd(data) else None


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
    """The content of the bytes before the damaged one."""
    kept: list[bytes] = []
    for byte in packed:
        try:
            kept.append(unpacker.decompress(bytes((byte,))))
        except zlib.error:
            break
    return b"".join(kept)


def _unzstd(data: bytes, where: str) -> tuple[bytes, bool]:
    """All frames of a zstandard file, and whether it is cut or damaged further on (what came before is kept)."""
    kept = io.BytesIO()
    frame = start = at = 0  # where the frame, its last piece and the next piece begin
    before = 0  # bytes of content before the frame
    unpacker = _zstd_unpacker()
    while True:
        packed = data[at : at + _PACKED] if unpacker.needs_input else b""
        if packed:
            start, at = at, at + len(packed)
        elif unpacker.needs_input:
            break
        try:
            kept.write(unpacker.decompress(packed, _UNPACKED))
        except zstd().ZstdError as error:
            kept.write(_before_zstd_damage(data[frame:at], start - frame)[kept.tell() - before :])
            if not kept.tell():
                raise SourceError(f"{where} is a damaged zstandard file: {error}", hint=_AGAIN) from error
            return kept.getvalue(), True
        limits.check_unpacking(kept.tell(), at, where=where)
        if unpacker.eof:  # another frame may follow; anything else is padding
            at -= len(unpacker.unused_data)
            if not is_zstd(data[at : at + len(_ZSTD)]):
                return kept.getvalue(), False
            frame, before, unpacker = at, kept.tell(), _zstd_unpacker()
    if not kept.tell():
        raise SourceError(f"{where} is a zstandard file that is cut before its content", hint=_AGAIN)
    return kept.getvalue(), True


def _before_zstd_damage(frame: bytes, damaged: int) -> bytes:
    """The content of a frame up to the damage, which is behind byte ``damaged``."""
    unpacker = _zstd_unpacker()
    kept = bytearray()
    try:
        for start in range(0, damaged, _PACKED):
            kept += unpacker.decompress(frame[start : min(start + _PACKED, damaged)])
        sound = len(kept)
        for at in range(damaged, len(frame)):
            kept += unpacker.decompress(frame[at : at + 1])
            if len(kept) > sound + limits.RATIO_FREE_BYTES:
                break
    except (zstd().ZstdError, EOFError):
        pass
    return bytes(kept)


class _UntilCut(io.RawIOBase):
    """The content of a zstandard file up to a missing end, at which ZstdFile raises."""

    def __init__(self, data: bytes) -> None:
        self._file = zstd().ZstdFile(io.BytesIO(data), options=_zstd_options())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        try:
            piece = self._file.read1(len(buffer))
        except EOFError:
            return 0
        buffer[: len(piece)] = piece
        return len(piece)


def _zstd_unpacker() -> Any:
    return zstd().ZstdDecompressor(options=_zstd_options())


def _zstd_options() -> dict[Any, int]:
    return {zstd().DecompressionParameter.window_log_max: limits.MAX_WINDOW_BYTES.bit_length() - 1}


def zstd() -> Any:
    """The standard library's module, or its backport for Python before 3.14; loaded on first use."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
