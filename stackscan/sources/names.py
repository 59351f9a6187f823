"""Time and host from the name of a bundle.

``ipfs diag profile`` writes ``ipfs-profile-2026-04-22T10_11_12+02_00.zip`` (kubo core/commands/profile.go; older ones
with colons), collect-profiles.sh ``ipfs-profile-HOST-2026-04-22T10:11:12+0200.tar.gz``. Other names are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from stackscan.model.capture import Taken

_BUNDLE: Final = re.compile(
    r"ipfs-profile-(?:(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)-)?"
    r"(?P<moment>\d{4}-\d\d-\d\dT\d\d[:_]\d\d[:_]\d\d(?:\.\d{1,9})?"
    r"(?:Z|[+-]\d\d[:_]?\d\d))(?:\.zip|\.tar(?:\.gz)?|\.tgz)?",
    re.ASCII,
)


def read_name(path: str) -> Taken:
    """The time and host in the innermost part of a path that is a bundle's name."""
    for part in reversed(re.split(r"[/\\]", path)):
        match = _BUNDLE.fullmatch(part)
        if match is not None:
            return Taken(read_moment(match["moment"].replace("_", ":")), match["host"])
    return Taken()


def first_known(candidates: Iterable[Taken]) -> Taken:
    """The first time and the first host that any of them knows."""
    found = Taken()
    for candidate in candidates:
        found = Taken(found.captured_at or candidate.captured_at, found.host or candidate.host)
    return found


def read_moment(text: str) -> datetime | None:
    """A time with its offset from UTC, as RFC 3339 writes it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
