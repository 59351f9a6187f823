"""What a command writes, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option

Format = Annotated[Literal["text", "json"], typer.Option("--format", "-f", help="text for people, json for scripts.")]
OutputFile = Annotated[
    Path | None, option("Write there instead of to standard output.", "--output", "-o", metavar="FILE")
]
Open = Annotated[
    bool,
    typer.Option(
        "--open",
        help="With --format html: show the page in a browser; without --output it is in a private temporary file.",
    ),
]
