"""What the name of a bundle says: when it was taken, and on which host, as far as those who write bundles name them.

``ipfs diag profile`` writes ``ipfs-profile-2026-04-22T10_11_12+02_00.zip`` (kubo core/commands/profile.go; older ones
with colons), collect-profiles.sh ``ipfs-profile-HOST-2026-04-22T10:11:12+0200.tar.gz``. Other names say nothing for
certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from stackscan.model.capture import Taken

_BUNDLE: Final = re.compile(
    r"ipfs-profile-(?:(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)-)?"
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<hour>\d\d)[:_](?P<minute>\d\d)[:_](?P<second>\d\d)(?P<fraction>\.\d{1,9})?"
    r"(?P<zone>Z|[+-]\d\d[:_]?\d\d)(?:\.zip|\.tar(?:\.gz)?|\.tgz)?",
    re.ASCII,
)


def read_name(path: str) -> Taken:
    """What the innermost part of a path that names a bundle says."""
    for part in reversed(re.split(r"[/\\]", path)):
        match = _BUNDLE.fullmatch(part)
        if match is not None:
            return Taken(_moment(match), match["host"])
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


def _moment(match: re.Match[str]) -> datetime | None:
    zone = match["zone"].replace("_", ":")
    clock = f"{match['hour']}:{match['minute']}:{match['second']}{(match['fraction'] or '')[:7]}"
    return read_moment(f"{match['day']}T{clock}{zone}")
