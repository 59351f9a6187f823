"""Options that bound what a query may take."""

from __future__ import annotations

from typing import Annotated

import typer

from stackscan.cli.options import option

MaxSeconds = Annotated[float, typer.Option(min=0.1, max=86_400, metavar="N", help="End a query that takes longer.")]
MaxMemory = Annotated[
    int | None,
    option(
        "End a query that takes more memory [default: 4096, or half of the machine's when that is less].",
        min=64,
        max=1 << 24,
        metavar="MIB",
    ),
]
