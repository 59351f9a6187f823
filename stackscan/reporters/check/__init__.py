"""One module an output of ``check``, each with ``render(result, out)``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from stackscan.check import CheckResult

Render = Callable[["CheckResult", TextIO], None]

#: Output name → module. ``long`` is the text with the whole reports below it.
REPORTERS: Final = {
    "text": "stackscan.reporters.check.text",
    "long": "stackscan.reporters.check.long",
    "json": "stackscan.reporters.check.json",
    "junit": "stackscan.reporters.check.junit",
    "sarif": "stackscan.reporters.check.sarif",
    "github": "stackscan.reporters.check.github",
}


def reporter(name: str) -> Render:
    """The render function of an output."""
    render: Render = import_module(REPORTERS[name]).render
    return render
