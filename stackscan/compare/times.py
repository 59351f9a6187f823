"""When a capture was taken, as far as its name or the lab's notes beside it tell. Times of files say nothing: copies
and checkouts change them, and kubo writes none into its archives."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stackscan.errors import StackscanError

#: 2026-11-23T09_46_46.558Z as `ipfs diag profile` names its archives (time.RFC3339Nano with _ for :), and its kin.
_STAMP: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T_ -](\d\d)[:_.-]?(\d\d)[:_.-]?(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d[:_]?\d\d)?(?!\d)"
)
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_NOTES: Final = "capture.json"
_MOST_NOTES: Final = 8 << 20


class IntervalError(StackscanError):
    """An interval is no duration."""

    default_hint = "Write it like 30s, 10m or 1h30m."


def captured_at(source: str, member: str | None) -> datetime | None:
    """When a capture was taken, in UTC; None where nothing tells. The member's own name goes before the source's."""
    for name in (member, source):
        found = None if name is None else _stamp(name.replace("\\", "/").rpartition("/")[2])
        if found is not None:
            return found
    return None if source == "-" else _noted(Path(source))


def interval(text: str) -> timedelta:
    """``10m``, ``90s``, ``1h30m`` → a duration. Raises IntervalError."""
    found = _DURATION.fullmatch(text.strip())
    parts = found.groups() if found else ()
    if not any(parts):
        raise IntervalError(f"{text!r} is not an interval")
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in parts)
    given = timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    if not given:
        raise IntervalError("an interval must be longer than zero")
    return given


def _stamp(name: str) -> datetime | None:
    found = _STAMP.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, zone = found[7] or "", found[8] or "Z"
    offset = timedelta(0)
    if zone != "Z":
        digits = zone[1:].replace(":", "").replace("_", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime(year, month, day, hour, minute, second, int(fraction[:6].ljust(6, "0")), tzinfo=UTC)
        return moment - offset
    except (ValueError, OverflowError):
        return None


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
        return None  # somebody else's capture.json
    return None
