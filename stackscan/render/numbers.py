"""Shares, durations, numbers and sizes for people."""

from __future__ import annotations


def share(value: float) -> str:
    """``12.8%``, ``0.55%``, ``< 0.01%``."""
    if value == 0:
        return "0%"
    if value < 1e-4:
        return "< 0.01%"
    return "> 99.9%" if 0.9995 <= value < 1 else f"{value * 100:.3g}%"


def duration(seconds: float | None) -> str:
    """``0 s``, ``6.2 ms``, ``0.21 s``, ``3 min``, ``5.1 h``."""
    if seconds is None:
        return "unlimited"
    if seconds < 1e-6:
        return "< 1 µs" if seconds else "0 s"
    if seconds < 0.1:
        return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def number(value: float) -> str:
    """``1.2``, ``9.7``, ``40,000``: three digits, no exponents for people."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(count: int) -> str:
    """``272 KiB``, ``16 MiB``."""
    for unit in ("KiB", "MiB", "GiB"):
        if count < 1024 ** ({"KiB": 2, "MiB": 3, "GiB": 4}[unit]):
            return f"{count / 1024 ** ({'KiB': 1, 'MiB': 2, 'GiB': 3}[unit]):,.3g} {unit}"
    return f"{count / 1024**4:,.0f} TiB"
