"""What a command writes, and where."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TextOrJson(StrEnum):
    """The outputs of most commands."""

    text = "text"
    json = "json"


Format = Annotated[TextOrJson, typer.Option("--format", "-f", help="text for people, json for scripts.")]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write there instead of to standard output.", show_default=False
    ),
]
