"""The report as one JSON object, for scripts."""

from __future__ import annotations

from typing import TextIO

from stackscan.render.json.write import write
from stackscan.report import Report, as_json


def render(report: Report, out: TextIO) -> None:
    """Write the whole report."""
    write(as_json(report), out)
