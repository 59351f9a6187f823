"""Time and host in the names of captures: ours, and those of kubo's bundles.

``ipfs diag profile`` writes ``ipfs-profile-2026-04-22T10_11_12+02_00.zip`` (kubo core/commands/profile.go; older ones
with colons), collect-profiles.sh ``ipfs-profile-HOST-2026-04-22T10:11:12+0200.tar.gz``, and stackscan itself
``goroutines-HOST_PORT-2026-04-22T08_11_12.345Z.stacks`` (:func:`capture_name`). Other names are ignored.
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
#: Names as :func:`capture_name` makes them.
_CAPTURE: Final = re.compile(
    r"goroutines-(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*)"
    r"-(?P<moment>\d{4}-\d\d-\d\dT\d\d_\d\d_\d\d\.\d{3}Z)(?:\.[a-z]+){1,2}",
    re.ASCII,
)
_PORT: Final = re.compile(r"_(\d{1,5})(?=-|\Z)")


def capture_name(host: str, at: datetime, suffix: str) -> str:
    """The name of a capture's file: host and port (``node-1_5001``), UTC time in milliseconds, and a suffix like
    ``.stacks``. The captures of one process sort by time."""
    utc = at.astimezone(UTC)
    return f"goroutines-{host}-{utc:%Y-%m-%dT%H_%M_%S}.{utc.microsecond // 1000:03}Z{suffix}"


def read_name(path: str) -> Taken:
    """The time and host in the innermost part of a path that is the name of a bundle or a capture."""
    for part in reversed(re.split(r"[/\\]", path)):
        match = _BUNDLE.fullmatch(part)
        if match is not None:
            return Taken(read_moment(match["moment"].replace("_", ":")), match["host"])
        match = _CAPTURE.fullmatch(part)
        if match is not None:
            return Taken(read_moment(match["moment"].replace("_", ":")), _PORT.sub(r":\1", match["host"]))
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
