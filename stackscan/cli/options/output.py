"""What a command writes, how much of it, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stackscan.cli.options import option, usual

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
Top = Annotated[
    int | None,
    option(
        "Stacks to show [default: 3; --all, markdown: 10; json: all].",
        "--top",
        "-n",
        min=0,
        metavar="N",
    ),
]
Where = Annotated[str | None, option("Only goroutines that match (docs/rules.md).", "--where", "-w", metavar="EXPR")]
By = Annotated[
    str | None,
    option(
        "Count goroutines, findings and pools by label:KEY, host, module or created_at.",
        "--by",
        metavar="KEY",
        autocompletion=usual("created_at", "host", "label:", "module"),
    ),
]
All = Annotated[
    bool,
    typer.Option("--all", "-a", help="Show all details: idle goroutines, all pools, forecasts, files of a bundle."),
]
Explain = Annotated[
    bool,
    typer.Option("--explain", "-e", help="Say why each finding is bad, the whole fix, and where to read more."),
]
CsvRaw = Annotated[
    bool,
    typer.Option("--csv-raw", help="With --format csv: no ' before a text that a spreadsheet would run as a formula."),
]
