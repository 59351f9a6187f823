"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from typing import Any

import typer


def option(tells: str, *names: str, **settings: Any) -> Any:
    """An option whose help (``tells``) names the default itself, if it has one."""
    return typer.Option(*names, help=tells, show_default=False, **settings)
