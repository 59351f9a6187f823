"""The moment of a profile as pprof prints it, where its time zone is certain."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

#: ``2026-11-23 09:50:15.729746927 +0000 UTC`` (-raw) and ``2026-11-23 09:50:15 UTC`` (all others).
_ISO: Final = re.compile(r"\s*Time: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?: ([+-]\d{4}))?(?: (\S{1,9}))?\Z")
#: ``Nov 23, 2026 at 9:50am (UTC)``: pprof before 2023.
_OLD: Final = re.compile(r"\s*Time: ([A-Z][a-z]{2} \d{1,2}, \d{4} at \d{1,2}:\d\d[ap]m) \((?:UTC|GMT)\)\Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(line: str) -> int | None:
    """The time of a ``Time:`` line since 1970; None for other lines, and for zones that only their letters name."""
    found = _ISO.match(line)
    try:
        if found is None:
            old = _OLD.match(line)
            moment = datetime.strptime(old[1], "%b %d, %Y at %I:%M%p").replace(tzinfo=UTC) if old else None
            return None if moment is None else _since(moment)
        offset = found[3] or ("+0000" if found[4] in ("UTC", "GMT") else None)
        if offset is None:
            return None
        moment = datetime.strptime(f"{found[1]} {offset}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:  # a 13th month
        return None
    return _since(moment) + int((found[2] or "").ljust(9, "0"))


def _since(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000
