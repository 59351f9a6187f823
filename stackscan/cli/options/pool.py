"""Options of the pool model that several commands have. Each command says which of them it needs."""

from __future__ import annotations

from typing import Any, Final

import typer

from stackscan.cli.options.units import seconds, share


def time(tells: str, *, default: str = "") -> Any:
    """An option that takes a duration; ``default`` as people write it."""
    shown = f"{tells} [default: {default}]" if default else tells
    return typer.Option(parser=seconds, metavar="TIME", help=shown, show_default=False)


def part(tells: str) -> Any:
    """An option that takes a share."""
    return typer.Option(parser=share, metavar="SHARE", help=tells, show_default=False)


def number(tells: str, metavar: str) -> Any:
    """An option that takes a number, or a name."""
    return typer.Option(metavar=metavar, help=tells, show_default=False)


RATE: Final = number("Tasks that arrive per second.", "PER_SECOND")
SILENT: Final = part("Share of tasks with a silent peer.")
DEADLINE: Final = time("How long a close waits for a silent peer.", default="10s")
SERVICE: Final = time("How long one write takes.", default="300us")
