"""Detects archives by their first bytes; what opens them takes longer to load than a dump to read."""

from __future__ import annotations

import re
from typing import Final

from stackscan.sources import binaries, compressed

ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
_TAR_MAGIC: Final = slice(257, 262)
#: Zeros that any tar header has: a name, a link and an owner of the longest kind leave as many.
_TAR_ZEROS: Final = 16
#: How dumps begin: what follows is the text of a process, whatever it looks like.
_DUMP: Final = re.compile(
    rb"goroutine(?:leak)? (?:\d+ |profile: )|panic: |fatal error: |SIG[A-Z0-9]+: |[\x0a\x5a][\x02-\x16][\x08\x10]"
)


def is_archive(data: bytes) -> bool:
    """Whether the bytes are a zip or tar archive (also a tar inside gzip or zstandard)."""
    head = data[: binaries.PEEK]
    return data.startswith((ZIP, EMPTY_ZIP)) or _is_tar(head) or _is_tar(compressed.head(data, binaries.PEEK))


def _is_tar(head: bytes) -> bool:
    """Whether a tar header begins there, with its padding of zeros: a panic message may hold ``ustar``, too."""
    is_header = head[_TAR_MAGIC] == b"ustar" and head.count(0) >= _TAR_ZEROS
    return is_header and _DUMP.match(head) is None
