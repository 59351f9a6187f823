"""How every JSON output is written."""

from __future__ import annotations

import json
from typing import TextIO

from stackscan.render.words import plain_json


def write(values: object, out: TextIO) -> None:
    """Write one JSON value. What could act on a terminal is escaped; NaN and Infinity raise ValueError, for no value
    may be one."""
    out.write(text(values) + "\n")


def text(values: object, *, indent: int = 0) -> str:
    """One JSON value as text, as ``write`` writes it; ``indent``: how far the lines after the first stand to the
    right."""
    found = plain_json(json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1))
    return found.replace("\n", "\n" + " " * indent) if indent else found
