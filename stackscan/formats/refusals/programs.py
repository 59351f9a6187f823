"""Refuses what is known by its first bytes, before any reader spends time on it. The other refusals load on need."""

from __future__ import annotations

import re
from typing import Final

from stackscan.errors import UnrecognisedFormatError, UnsupportedFormatError
from stackscan.sources import binaries

#: Bytes at the beginning that are looked at.
PROBE: Final = 4096
#: A byte that no text holds.
CONTROL: Final = re.compile(rb"[\0-\x08\x0e-\x1a]")
#: First bytes → a kind of archive that this version does not read, and what to do.
_ARCHIVES: Final = (
    (b"PK\x03\x04", "a zip archive", "Unpack it and give the goroutine dump inside (goroutines.stacks)."),
    (b"BZh", "a bzip2 file", "Decompress it first: bzip2 -dc FILE | stackscan report -"),
    (b"\xfd7zXZ", "an xz file", "Decompress it first: xz -dc FILE | stackscan report -"),
)


def refuse_programs(data: bytes, *, where: str) -> None:
    """Raise for an empty input and for known binary files, before any reader spends time on them."""
    head = data[:PROBE]
    if not head.strip() and not data.strip():
        raise UnrecognisedFormatError(f"{where} is empty")
    if CONTROL.search(head):
        refuse_magic(head, where)


def refuse_magic(head: bytes, where: str) -> None:
    """Raise for programs, core files and archives."""
    binary = binaries.recognise(head)
    if binary is not None:
        binaries.refuse(binary, where=where)
    for magic, kind, hint in _ARCHIVES:
        if head.startswith(magic):
            raise UnsupportedFormatError(f"{where} is {kind}, which stackscan does not read", hint=hint)
