"""Numbers that come from people and programs, checked before they reach any formula."""

from __future__ import annotations

import math
from typing import Final

from stackscan.errors import ModelError

#: The largest number of workers, tasks a second, seconds that the model takes: beyond them nothing real lies, and
#: doubles begin to lose what is added to them.
MOST_WORKERS: Final = 1_000_000_000
MOST_RATE: Final = 1e12
MOST_SECONDS: Final = 1e9
#: Erlangs: what the largest numbers above can make.
MOST_LOAD: Final = MOST_RATE * MOST_SECONDS


def whole(value: int, name: str, *, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``. Raises ModelError for any other."""
    if not least <= value <= most:
        raise ModelError(f"{name} must be a whole number from {least:,} to {most:,}, not {value}")
    return value


def share(value: float, name: str) -> float:
    """A number from 0 to 1. Raises ModelError for any other, and for NaN."""
    return between(value, name, least=0.0, most=1.0)


def between(value: float, name: str, *, least: float, most: float) -> float:
    """A finite number from ``least`` to ``most``. Raises ModelError for any other, and for NaN."""
    if not math.isfinite(value) or not least <= value <= most:
        raise ModelError(f"{name} must be a number from {least:,g} to {most:,g}, not {value}")
    return float(value)


def positive(value: float, name: str, *, most: float) -> float:
    """A finite number above 0, at most ``most``. Raises ModelError for any other, and for NaN."""
    if not math.isfinite(value) or not 0 < value <= most:
        raise ModelError(f"{name} must be above 0 and at most {most:,g}, not {value}")
    return float(value)


def below_saturation(workers: int) -> float:
    """The largest load, in erlangs, that ``workers`` still carry: nearer than this only rounding separates the two."""
    return workers * (1 - 1e-12)
