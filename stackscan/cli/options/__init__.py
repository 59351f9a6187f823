"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer


def option(tells: str, *names: str, **settings: Any) -> Any:
    """An option whose help (``tells``) names the default itself, if it has one."""
    return typer.Option(*names, help=tells, show_default=False, **settings)


def usual(*values: str) -> Callable[[str], list[str]]:
    """What shells complete for an option whose usual values are these; it takes others, too."""

    def begin_like(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    return begin_like
