"""Takes gzip off, by content, bounded in size and ratio; a cut file yields what it still holds."""

from __future__ import annotations

import zlib
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources import limits

_GZIP: Final = b"\x1f\x8b"
#: Compressed bytes given to the unpacker at a time, and bytes taken from it.
_PACKED: Final = 64 << 10
_UNPACKED: Final = 4 << 20
_LAYERS: Final = 2  # a .gz of a .gz happens; more is a joke at our expense
_WITH_HEADER: Final = 16 + zlib.MAX_WBITS


def decompress(data: bytes, *, where: str) -> tuple[bytes, bool]:
    """The bytes without gzip around them, and whether their end is missing.

    Raises SourceError when not even the beginning can be unpacked.
    """
    cut = False
    for _ in range(_LAYERS):
        if not data.startswith(_GZIP):
            return data, cut
        data, cut = _gunzip(data, where=where)
    if data.startswith(_GZIP):
        raise SourceError(f"{where} is gzip inside gzip inside gzip", hint="Unpack it by hand and look what it is.")
    return data, cut


def _gunzip(data: bytes, *, where: str) -> tuple[bytes, bool]:
    """All members of a gzip file, and whether it is cut or damaged further on (what came before is kept)."""
    pieces: list[bytes] = []
    size = start = 0
    unpacker = zlib.decompressobj(_WITH_HEADER)
    while start < len(data):
        packed = data[start : start + _PACKED]
        before = unpacker.copy()
        try:
            piece = unpacker.decompress(packed, _UNPACKED)
        except zlib.error as error:
            pieces.append(_before_damage(before, packed))
            if not size + len(pieces[-1]):
                raise SourceError(f"{where} is damaged: {error}", hint="Fetch or copy the file again.") from error
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
        limits.check_size(size, where=where)
        limits.check_ratio(size, len(data), where=where)
        start += len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        if unpacker.eof:  # another member may follow; anything else is padding
            if not data.startswith(_GZIP, start):
                return b"".join(pieces), False
            unpacker = zlib.decompressobj(_WITH_HEADER)
    if not size:
        raise SourceError(f"{where} is a gzip file that is cut before its content", hint="Fetch or copy it again.")
    return b"".join(pieces), True


def _before_damage(unpacker: zlib._Decompress, packed: bytes) -> bytes:
    """What the bytes before the damaged one hold."""
    kept: list[bytes] = []
    for byte in packed:
        try:
            kept.append(unpacker.decompress(bytes((byte,))))
        except zlib.error:
            break
    return b"".join(kept)
