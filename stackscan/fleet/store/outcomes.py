"""What a store holds, and what its upkeep did, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """The contents of a store.

    ``objects`` are files, archives and folders that were read, ``superseded`` rows that count no more and go with the
    next compaction, ``expired`` objects whose captures were deleted. ``bytes`` and ``files`` are of both tables,
    without their logs and without files that are part of the store no more.
    """

    url: str
    captures: int
    unreadable: int
    objects: int
    expired: int
    superseded: int
    places: int
    hosts: int
    services: tuple[str, ...]
    versions: tuple[str, ...]
    first_captured: datetime | None
    last_captured: datetime | None
    last_read: datetime | None
    stackscan_versions: tuple[str, ...]
    redacted: bool
    files: int
    bytes: int

    @property
    def bytes_per_capture(self) -> float | None:
        """None for a store without captures."""
        return self.bytes / self.captures if self.captures else None


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction did: rows that counted no more, places that were there twice, and files and bytes before and
    after."""

    rows: int
    places: int
    files_before: int
    files: int
    bytes_before: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a retention did: captures that were deleted, and of how many objects."""

    before: datetime
    captures: int
    objects: int
