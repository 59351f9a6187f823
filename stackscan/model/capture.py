"""Capture: a snapshot with its origin, time and host."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from stackscan.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a snapshot was found: input, member, number in that member (1-based); in a log, the removed wrappers and
    the stream. ``cut``: the end of the file is missing."""

    source: str
    member: str | None
    position: int
    snapshots_in_member: int
    wrapper: tuple[str, ...] = ()
    stream: str = ""
    cut: bool = False

    @property
    def where(self) -> str:
        """How messages name it."""
        source = "standard input" if self.source == "-" else self.source
        return f"{source}, {self.member}" if self.member else source

    @property
    def folder(self) -> str:
        """The folder of the member inside its bundle, "" for none."""
        return (self.member or "").rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """When a dump was taken, in UTC, and on which host. None: not known for certain."""

    captured_at: datetime | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One snapshot of one process.

    ``release`` is the version that the bundle's version.json reports, ``go_version`` (``go1.26.8``) the release of Go
    that it was built with. ``second_view`` marks a profile of a process
    that a text of the same bundle shows too: its goroutines are the same ones. ``content`` are the decompressed bytes
    of its file, and ``key`` what its fingerprint is keyed with.
    """

    snapshot: Snapshot
    place: Place
    taken: Taken = Taken()
    release: str | None = None
    second_view: bool = False
    content: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    go_version: str | None = None

    def fingerprint(self) -> str:
        """A hash of the file's content, the same under whatever name and compression the file comes."""
        return hmac.new(self.key, self.content, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a bundle: what it is, its size in bytes unpacked (None: not known), how many goroutines were read
    from it (None: it holds none), a remark, and whether its end is missing."""

    name: str
    kind: str
    size: int | None
    goroutines: int | None = None
    note: str | None = None
    cut: bool = False
