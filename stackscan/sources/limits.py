"""All limits on input, and their errors.

Beyond a limit of a *source* nothing is read (LimitError). Beyond a limit of a *dump* a line or goroutine is left out,
which the report lists as a problem.
"""

from __future__ import annotations

import io
import os
import stat
from typing import IO, Final

from stackscan.errors import LimitError

# -- of a source: beyond these nothing is read ------------------------------------------------------------------------

#: Bytes of one member, decompressed. A million goroutines print about 0.5 GB.
MAX_BYTES: Final = 4 << 30
#: A member may decompress to at most this many times its size (real dumps: 20 to 100) ...
MAX_RATIO: Final = 500
#: ... once it is larger than this.
RATIO_FREE_BYTES: Final = 64 << 20
#: Memory that a zstandard file may ask for: what `zstd -d` grants too.
MAX_WINDOW_BYTES: Final = 128 << 20
#: Compressions around each other: a .gz of a .gz happens.
MAX_LAYERS: Final = 2
#: Members of one archive or directory, of which each name is kept: large clusters have debug zips of ten thousand.
MAX_MEMBERS: Final = 1_000_000
#: Members with dumps of which one command keeps what they hold.
MAX_DUMPS: Final = 1000
#: Archives inside archives (a directory of bundles is one deep).
MAX_NESTING: Final = 2

# -- of an http(s) source ---------------------------------------------------------------------------------------------

#: Bytes of an answer, as sent. Go cuts debug=2 at 64 MiB; a kubo bundle holds a program of 110 MB, compressed.
MAX_DOWNLOAD_BYTES: Final = 1 << 30
#: Seconds to reach the server, TLS included.
CONNECT_SECONDS: Final = 10.0
#: Seconds of silence, before the answer and within it: a busy process needs some to stop the world and print.
SILENCE_SECONDS: Final = 60.0
#: Seconds in all, from the first request to the last byte. A --timeout replaces all three.
TOTAL_SECONDS: Final = 600.0
#: Bounds of --timeout, in seconds.
MIN_TIMEOUT_SECONDS: Final = 0.001
MAX_TIMEOUT_SECONDS: Final = 86_400.0
#: Redirects that are followed.
MAX_REDIRECTS: Final = 5

# -- of a dump: beyond these a line or a goroutine is left out, and the report says so ---------------------------------

#: Bytes of one line. The longest that Go prints is a header with labels, or a panic message.
MAX_LINE_BYTES: Final = 1 << 20
#: Goroutines of one member: ten million have at least 20 GB of stacks (2 KiB each), more is damage.
MAX_GOROUTINES: Final = 10_000_000
#: Frames of one stack. Go prints 100; runtime.Stack of older ones and other writers may print more.
MAX_FRAMES: Final = 1_000_000
#: Bytes of the labels of one goroutine.
MAX_LABEL_BYTES: Final = 64 << 10
#: Characters of a function's name or a file's. The compiler's longest, of instantiated generics, have some thousands.
MAX_NAME: Final = 64 << 10

_PIECE: Final = 16 << 20


def read_bounded(file: IO[bytes], *, where: str, head: bytes = b"") -> bytes:
    """All bytes of a file, behind some that were read of it, or LimitError beyond MAX_BYTES. One copy is held."""
    first = file.read(_PIECE if head else max(_PIECE, _expected(file) + 1))  # a regular file is read at once
    piece = file.read(_PIECE)
    check_size(len(head) + len(first), where=where)
    if not head and not piece:
        return first
    kept = io.BytesIO(head)
    kept.seek(0, io.SEEK_END)
    kept.write(first)
    while piece:
        kept.write(piece)
        check_size(kept.tell(), where=where)
        piece = file.read(_PIECE)
    return kept.getvalue()


def _expected(file: IO[bytes]) -> int:
    """The bytes of a regular file within the limit; 0 for others, which do not say."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError, AttributeError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES else 0


def check_size(size: int, *, where: str) -> None:
    """Raise LimitError beyond MAX_BYTES."""
    if size > MAX_BYTES:
        raise LimitError(f"{where} contains more than {MAX_BYTES >> 30} GiB")


def check_ratio(unpacked: int, packed: int, *, where: str) -> None:
    """Raise LimitError when something unpacks to more than any real dump does."""
    if unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed:
        raise LimitError(f"{where} unpacks to more than {MAX_RATIO} times its size")


def check_unpacking(unpacked: int, packed: int, *, where: str) -> None:
    """Raise LimitError when the first ``packed`` bytes unpack to more than any dump's, before that fills the memory."""
    check_ratio(unpacked, packed, where=where)
    check_size(unpacked, where=where)


def check_members(count: int, *, where: str) -> None:
    """Raise LimitError for an archive of more members than any bundle has."""
    if count > MAX_MEMBERS:
        raise LimitError(
            f"{where} contains more than {MAX_MEMBERS:,} members",
            hint="Extract the goroutine dumps and read those.",
        )


def check_dumps(count: int, *, where: str) -> None:
    """Raise LimitError for an archive or directory of so many dumps that one report cannot hold them."""
    if count > MAX_DUMPS:
        raise LimitError(
            f"{where} contains more than {MAX_DUMPS:,} goroutine dumps",
            hint="stackscan fleet reads any number of them; other commands read a part.",
        )


def too_many_goroutines() -> LimitError:
    """The error for a text of more goroutines than any process holds."""
    return LimitError(
        f"more than {MAX_GOROUTINES:,} goroutines",
        hint="Split the text at a blank line and read the parts one by one.",
    )


def too_many_layers(*, where: str) -> LimitError:
    """The error for bytes still compressed below MAX_LAYERS."""
    return LimitError(
        f"{where} is compressed more than {MAX_LAYERS} times over",
        hint="Unpack it by hand and check what it is.",
    )
