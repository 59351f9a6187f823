"""The report as one JSON object, for scripts."""

from __future__ import annotations

import json
from typing import TextIO

from stackscan.report import Report, as_json
from stackscan.reporters import words


def render(report: Report, out: TextIO) -> None:
    """Write the whole report. What could act on a terminal is escaped; NaN and Infinity cannot occur."""
    out.write(words.plain_json(json.dumps(as_json(report), ensure_ascii=False, allow_nan=False, indent=1)))
    out.write("\n")
