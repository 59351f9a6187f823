"""One module an output of ``compare``, each with ``render(comparison, out)``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from stackscan.compare import Comparison

Render = Callable[["Comparison", TextIO], None]

#: Output name → module.
REPORTERS: Final = {
    "text": "stackscan.reporters.compare.text",
    "json": "stackscan.reporters.compare.json",
}


def reporter(name: str) -> Render:
    """The render function of an output."""
    render: Render = import_module(REPORTERS[name]).render
    return render
