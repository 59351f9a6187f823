"""The report as one JSON object, for scripts."""

from __future__ import annotations

import json
from typing import TextIO

from stackscan.report import Report, as_json


def render(report: Report, out: TextIO) -> None:
    """Write the whole report. Control characters are escaped; NaN and Infinity cannot occur."""
    json.dump(as_json(report), out, ensure_ascii=False, allow_nan=False, indent=1)
    out.write("\n")
