"""Which stackscan.toml a command uses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from stackscan.cli.options import option

if TYPE_CHECKING:
    from stackscan.knowledge.configuration import Configuration

Config = Annotated[
    Path | None,
    option("Your own rules and pools [default: stackscan.toml here or in a folder above].", "--config", metavar="FILE"),
]


def configuration(path: Path | None) -> Configuration:
    """The configuration in ``path``, else in the nearest stackscan.toml. Raises StackscanError for a wrong file."""
    from stackscan.knowledge.configuration import find, load

    return load(path if path is not None else find(_here()))


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the working directory is gone
        return Path("/")
