"""Which stackscan.toml a command uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stackscan.knowledge.configuration import Configuration

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Your own rules and pools [default: stackscan.toml here or in a folder above].",
        show_default=False,
    ),
]


def configuration(path: Path | None) -> Configuration:
    """What the file says that was named, or the nearest stackscan.toml. Raises StackscanError for a wrong one."""
    from stackscan.knowledge.configuration import find, load

    return load(path if path is not None else find(_here()))


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the working directory is gone
        return Path("/")
