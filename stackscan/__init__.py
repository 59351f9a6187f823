"""stackscan reads Go goroutine dumps and says what is stuck, where, and what to do about it.

``stackscan.scan(source)`` is the whole report, ``stackscan.read(source)`` what the dumps hold: see docs/python.md.
Nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackscan.api import read, scan

__version__ = "0.1.0"
__all__ = ["__version__", "read", "scan"]


def __getattr__(name: str) -> object:
    """Load the Python interface when it is first asked for."""
    if name in ("read", "scan"):
        from stackscan import api  # polars alone costs 120 ms: `stackscan --help` needs none of it

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
