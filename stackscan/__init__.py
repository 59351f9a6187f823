"""stackscan reads Go goroutine dumps and says what is stuck, where, and what to do about it.

``scan`` is the whole report, ``read`` what the dumps hold; ``check``, ``compare`` and ``forecast`` are the commands of
these names, with ``pool project --from`` for the last: see docs/python.md. Nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stackscan.integrations.python import check, compare, forecast, read, scan

__version__ = "1.0.0rc1"
__all__ = ["__version__", "check", "compare", "forecast", "read", "scan"]

_FUNCTIONS: Final = frozenset(__all__) - {"__version__"}


def __getattr__(name: str) -> object:
    """Load the Python interface when it is first asked for."""
    if name in _FUNCTIONS:
        from stackscan.integrations import python  # `stackscan --help` needs none of it

        return getattr(python, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
