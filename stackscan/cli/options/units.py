"""How numbers with units are written on the command line."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from stackscan.errors import ModelError, UsageError

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|)")


def seconds(text: str | float) -> float:
    """A duration as Go and people write it, in seconds: ``10s``, ``1m30s``, ``300us``, ``0.5``; a default of an option
    is in seconds already. Raises ModelError."""
    if isinstance(text, float):
        return text
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = _PART.findall(body.strip())
    bare = len(parts) > 1 and any(not unit for _, unit in parts)
    value = sign * sum(float(number) * _UNITS[unit] for number, unit in parts)
    if bare or not parts or "".join(map("".join, parts)) != body.strip() or not math.isfinite(value):
        raise ModelError(f"{text!r} is not a duration", hint="Write it like 10s, 1m30s, 300ms, 300us.")
    return value


def interval(text: str) -> timedelta:
    """The time between two captures, as :func:`seconds` reads it; a bare number has no unit. Raises UsageError."""
    bare = text.strip().replace(".", "").isdigit()
    try:
        found = 0.0 if bare else seconds(text)
    except ModelError:
        found = 0.0
    if found <= 0:
        raise UsageError(f"{text!r} is not an interval", hint="Write it like 30s, 10m or 1h30m.")
    return timedelta(seconds=found)


def moment(text: str) -> datetime:
    """A time, as RFC 3339 writes it, or a day; without an offset it is UTC. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a time", hint="Write it like 2026-04-22T10:00:00Z or 2026-04-22.") from None


def share(text: str | float) -> float:
    """A share: ``0.1`` or ``10%``. Raises ModelError."""
    if isinstance(text, float):
        return text
    body, unit = (text[:-1], 100) if text.endswith("%") else (text, 1)
    with suppress(ValueError):
        if math.isfinite(value := float(body)):
            return value / unit
    raise ModelError(f"{text!r} is not a share", hint="Write it like 0.1, 10%.")
