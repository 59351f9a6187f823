"""Texts that are nothing but a dump, as the runtime prints it: most are, and need no search for anything else.

What takes off log wrappers and what finds other tools' reports takes longer to load than a small dump to read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: Larger texts are searched: that takes no longer than to read them.
_LARGEST_BYTES: Final = 1 << 20
_HEX: Final = rb"(?:0x[0-9a-f]{1,16}|nil)"
#: A header without labels, which hold any text.
_HEADER: Final = rb"goroutine \d{1,19} (?:gp=%b m=[0-9a-z]{1,9} (?:mp=%b )?)?\[[a-zA-Z][\w .,()*-]{0,99}\]:\n" % (
    _HEX,
    _HEX,
)
_CALL: Final = rb"[^\s\"'`\\@#$]{1,2000}\([0-9a-fx?_{}., ]{0,2000}\)\n"
_CREATOR: Final = rb"created by [^\s\"'`\\@#$]{1,2000}(?: in goroutine \d{1,19})?\n"
_PLACE: Final = rb"\t[^\s:\"'`\\]{1,2000}:\d{1,9}(?: \+0x[0-9a-f]{1,9})?(?: fp=%b sp=%b pc=%b)?\n" % (_HEX, _HEX, _HEX)
_NO_CALL: Final = rb"\.\.\.[a-z0-9 ]{1,40} elided\.\.\.\n|\tgoroutine running on other thread; stack unavailable\n"
_GOROUTINE: Final = rb"%b(?:(?:%b|%b)%b|%b)++" % (_HEADER, _CALL, _CREATOR, _PLACE, _NO_CALL)
#: A line of a crash's message: without quotes and without the name of a Go file, which may be another tool's.
_MESSAGE: Final = (
    rb"(?:panic: |fatal error: |\tpanic: |\[signal |SIG[A-Z]{1,9}: |PC=0x)(?:(?!\.go)[ !#-&(-\[\]_a-z{|}~-])*+\n"
)
_AFTER: Final = rb"exit status \d{1,3}\n|[a-z][a-z0-9]{1,8} {1,9}0x[0-9a-f]{1,16}\n"
_WHOLE: Final = rb"\n*+(?:(?:%b)\n*+)*+%b(?:\n++%b)*+\n*+(?:%b)*+" % (_MESSAGE, _GOROUTINE, _GOROUTINE, _AFTER)

#: A line of the frames of a mutex or block profile: an address, a function, a place.
_WAIT: Final = rb"#\t0x[0-9a-f]{1,16}\t++[^\s\"'`\\@]{1,2000}\+0x[0-9a-f]{1,16}\t++[^\s:\"'`\\]{1,2000}:\d{1,9}\n"
_WAITS: Final = (
    rb"--- (?:mutex|contention):\n(?:cycles/second=\d{1,20}\n|sampling period=\d{1,20}\n)*+"
    rb"(?:\d{1,20} \d{1,20} @(?: 0x[0-9a-f]{1,16})*+\n|\n|%b)*+" % _WAIT
)


def is_contention(data: bytes) -> bool:
    """Whether a text is a whole mutex or block profile and nothing besides, which holds no dump."""
    return data.startswith(b"--- ") and re.fullmatch(_WAITS, data) is not None


def is_plain(data: bytes) -> bool:
    """Whether a small text holds whole goroutines, the message of a crash, and nothing besides."""
    return len(data) <= _LARGEST_BYTES and _is_whole(data)  # large ones are no keys: their hash takes long


@lru_cache(maxsize=1)  # who takes off wrappers asks, and then who looks for other tools' reports
def _is_whole(data: bytes) -> bool:
    return data.isascii() and re.fullmatch(_WHOLE, data) is not None
