"""Options that bound what a query may take."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options import option

MaxSeconds = Annotated[
    float, typer.Option(min=0.1, max=86_400, metavar="N", help="Stop a query that takes longer (seconds).")
]
MaxMemory = Annotated[
    int | None,
    option(
        "Stop a query that uses more memory [default: 4096, or half of the machine's memory if that is less].",
        min=64,
        max=1 << 24,
        metavar="MIB",
    ),
]
