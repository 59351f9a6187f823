"""How much stackscan reads before it says no. All limits on input are here."""

from __future__ import annotations

from typing import IO, Final

from stackscan.errors import LimitError

#: Bytes of one member, decompressed. A million goroutines print about 0.5 GB.
MAX_BYTES: Final = 4 << 30
#: A member may decompress to at most this many times its size (real dumps: 20 to 100) ...
MAX_RATIO: Final = 500
#: ... once it is larger than this.
RATIO_FREE_BYTES: Final = 64 << 20
#: Members of one archive or directory.
MAX_MEMBERS: Final = 1000
#: Archives inside archives (a directory of bundles is one deep).
MAX_NESTING: Final = 2
_PIECE: Final = 16 << 20


def read_bounded(file: IO[bytes], *, where: str) -> bytes:
    """All bytes of a file, or LimitError beyond MAX_BYTES."""
    pieces: list[bytes] = []
    size = 0
    while piece := file.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        check_size(size, where=where)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def check_size(size: int, *, where: str) -> None:
    """Raise LimitError beyond MAX_BYTES."""
    if size > MAX_BYTES:
        raise LimitError(f"{where} holds more than {MAX_BYTES >> 30} GiB")


def check_ratio(unpacked: int, packed: int, *, where: str) -> None:
    """Raise LimitError when something unpacks to more than any real dump does."""
    if unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed:
        raise LimitError(f"{where} unpacks to more than {MAX_RATIO} times its size")


def check_members(count: int, *, where: str) -> None:
    """Raise LimitError for an archive of more members than any bundle has."""
    if count > MAX_MEMBERS:
        raise LimitError(
            f"{where} holds more than {MAX_MEMBERS:,} members",
            hint="Take the goroutine dumps out of it and give those.",
        )
