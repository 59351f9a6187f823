"""Everything that people and programs read: one folder an output, and in it one module a thing that is shown.

Each module has ``render(shown, out)`` and is loaded only when its output is asked for. To add an output, add a folder
and name it in OUTPUTS.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final

#: What is shown → its outputs. ``stackscan/render/json/check.py`` renders a check as JSON.
OUTPUTS: Final = {
    "report": ("text", "json", "markdown", "html", "openmetrics"),
    "goroutine": ("text", "json"),
    "check": ("text", "json", "markdown", "junit", "sarif", "github", "lines", "html"),
    "compare": ("text", "json", "html"),
    "fleet": ("text", "json", "markdown", "html"),
    "store": ("text", "json"),
    "projection": ("text", "json", "html"),
    "batch": ("text", "json", "html"),
    "plan": ("text", "json", "html"),
    "trial": ("text", "json"),
    "reproduce": ("text", "json"),
    "rules": ("text", "json"),
}


def renderer(shown: str, output: str) -> Callable[..., Any]:
    """The function that renders a thing (a key of OUTPUTS) as an output."""
    render: Callable[..., Any] = rendering(shown, output).render
    return render


def rendering(shown: str, output: str) -> ModuleType:
    """The module that renders a thing as an output."""
    return import_module(f"stackscan.render.{output}.{shown}")
