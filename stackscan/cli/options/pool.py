"""Options of the pool model that several commands have. Each command says which of them it needs."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import typer

from stackscan.cli.options import option
from stackscan.cli.options.units import seconds, share


def time(tells: str, *, default: str = "") -> Any:
    """An option that takes a duration; ``default`` as people write it."""
    return option(f"{tells} [default: {default}]" if default else tells, parser=seconds, metavar="TIME")


def part(tells: str) -> Any:
    """An option that takes a share."""
    return option(tells, parser=share, metavar="SHARE")


RATE: Final = option("Tasks that arrive per second.", metavar="PER_SECOND")
SILENT: Final = part("Share of tasks with a silent peer.")
DEADLINE: Final = time("How long a close waits for a silent peer.", default="10s")
SERVICE: Final = time("How long one write takes.", default="300us")

PoolFormat = Annotated[
    Literal["text", "json", "html"],
    typer.Option("--format", "-f", help="text for people, json for scripts, html for a browser: one file, no network."),
]
