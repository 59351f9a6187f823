"""One goroutine as JSON, for scripts: an object for each capture that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from stackscan import __version__
from stackscan.render.json.write import write
from stackscan.report.goroutine import GoroutineReport, goroutine_json


def render(found: Sequence[GoroutineReport], out: TextIO, *, editor: str | None = None) -> None:
    """Write what each capture says of the goroutine; data has no links that open an ``editor``."""
    del editor
    write(
        {
            "schema": "stackscan.goroutine",
            "schema_version": 1,
            "stackscan_version": __version__,
            "captures": [goroutine_json(report) for report in found],
        },
        out,
    )
