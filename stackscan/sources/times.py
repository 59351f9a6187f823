"""The time of a capture, from its name or from a capture.json beside it.

Modification times of files are ignored: copies and checkouts change them, and kubo writes none into its archives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from stackscan.sources.names import read_moment, read_name

#: 2026-11-23T09_46_46.558Z as `ipfs diag profile` names its archives (time.RFC3339Nano with _ for :), and its kin.
_STAMP: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T_ -](\d\d)[:_.-]?(\d\d)[:_.-]?(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d[:_]?\d\d)?(?!\d)"
)
_NOTES: Final = "capture.json"
_MOST_NOTES: Final = 8 << 20


def captured_at(source: str, member: str | None) -> datetime | None:
    """The UTC time of a capture, by the member's name, then the source's, then the notes; None where none has one."""
    for name in (member, source):
        found = None if name is None else stamp(name.replace("\\", "/").rpartition("/")[2])
        if found is not None:
            return found
    return None if source == "-" else _noted(Path(source))


def stamp(name: str) -> datetime | None:
    """The UTC time in a file's name; without an offset it is UTC. None where there is none."""
    exact = read_name(name).captured_at  # a host's name may hold what looks like a time
    if exact is not None:
        return exact
    found = _STAMP.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    zone = (zone or "Z").replace("_", ":")
    return read_moment(f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or 0}{zone}")


def _noted(path: Path) -> datetime | None:
    """The time that a capture.json beside the file notes: ``captures[].times[name].started``."""
    notes = path.parent / _NOTES
    try:
        if not notes.is_file() or notes.stat().st_size > _MOST_NOTES:
            return None
        values: Any = json.loads(notes.read_text(encoding="utf-8"))
        for taken in values["captures"]:
            times = taken["times"]
            if isinstance(times, Mapping) and path.name in times:
                return datetime.fromisoformat(times[path.name]["started"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # another program's capture.json
    return None
