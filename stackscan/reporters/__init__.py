"""One module an output, each with ``render(report, out)``; what to show is in the report, so none takes options.

A module is loaded only when its output is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from stackscan.report import Report

Render = Callable[["Report", TextIO], None]

#: Output name → module.
REPORTERS: Final = {
    "text": "stackscan.reporters.text",
    "json": "stackscan.reporters.json",
    "markdown": "stackscan.reporters.markdown",
}


def reporter(name: str) -> Render:
    """The render function of an output."""
    render: Render = import_module(REPORTERS[name]).render
    return render
