"""Takes gzip off, by content, bounded in size and ratio; a cut file yields what it still holds."""

from __future__ import annotations

import zlib
from typing import Final

from stackscan.errors import SourceError
from stackscan.sources import limits

_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 4 << 20
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
    size = 0
    rest = data
    while rest.startswith(_GZIP):
        unpacker = zlib.decompressobj(_WITH_HEADER)
        while rest and not unpacker.eof:
            try:
                piece = unpacker.decompress(rest, _PIECE)
            except zlib.error as error:
                if not size:
                    raise SourceError(f"{where} is damaged: {error}", hint="Fetch or copy the file again.") from error
                return b"".join(pieces), True
            pieces.append(piece)
            size += len(piece)
            limits.check_size(size, where=where)
            limits.check_ratio(size, len(data), where=where)
            rest = unpacker.unconsumed_tail
        if not unpacker.eof:
            return b"".join(pieces), True
        rest = unpacker.unused_data
    return b"".join(pieces), False
