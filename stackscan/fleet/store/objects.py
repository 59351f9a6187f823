"""What a store calls the things that it has read, so that it reads each only once.

An object is a file, an archive or a folder that is read together; a large archive is read in several parts. Its mark
changes with its content. What has no mark (standard input, an address) is read each time, and marked by its content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b, pbkdf2_hmac
from typing import Final, Protocol

from stackscan.fleet.observe import Hide
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.store.columns import CONTENT_MARK
from stackscan.fleet.store.records import sound
from stackscan.sources.address import masked
from stackscan.sources.parts import Part

#: How often a name with secrets is hashed: about a millisecond's work.
_ROUNDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the name of an object, which part of it, its mark before it was read (None: it has none), and the
    pattern that its path was compared with."""

    object: str
    part: str
    mark: str | None
    pattern: str


class Named(Protocol):
    """How a part is named in a store."""

    def __call__(self, part: Part) -> Reading:
        """The reading of a part."""
        ...


@dataclass(frozen=True, slots=True)
class Naming:
    """Names parts; ``hide`` hides private names (None: nothing is hidden)."""

    pattern: str | None = None
    hide: Hide | None = None

    def __call__(self, part: Part) -> Reading:
        """The reading of a part."""
        name = _name(part)
        span = "" if part.span is None else f"{part.span[0]}-{part.span[1]}"
        return Reading(name if self.hide is None else self.hide.source(name), span, part.mark, self.pattern or "")


def _name(part: Part) -> str:
    """The name of an object, the same from whatever folder the command is run; without the secrets of an address.

    Where something in it is hidden, a digest of the whole name follows: two objects that differ only in what is hidden
    are two. What has no mark needs none, for it is known by its content.
    """
    source = part.sent.source
    inner = part.names if len(part.names) == 1 else ()
    given = "/".join((part.sent.given, *inner))
    shown = "/".join((str(source), *map(masked, inner)))
    if source.is_url or part.stays:
        return sound(shown.rstrip("/"))
    if not source.is_object:
        given, shown = os.path.abspath(given), os.path.abspath(shown)  # noqa: PTH100 - links stay as they are named
    given, shown = given.rstrip("/"), shown.rstrip("/")
    return sound(shown if given == shown else f"{shown} #{_digest(given, shown)}")


def _digest(given: str, shown: str) -> str:
    """Ten hexadecimal digits for a name with secrets: too few to recognise a long one, and slow to try short ones."""
    secret, salt = given.encode("utf-8", "surrogateescape"), shown.encode("utf-8", "surrogateescape")
    return pbkdf2_hmac("sha256", secret, salt, _ROUNDS, dklen=5).hex()


def content_mark(rows: Iterable[Row | Unread]) -> str:
    """The mark of an object that has none but its content."""
    hashed = blake2b(digest_size=16)
    for row in rows:
        hashed.update(row.digest if isinstance(row, Row) else row.reason.encode("utf-8", "backslashreplace"))
    return CONTENT_MARK + hashed.hexdigest()
