"""How every JSON output is written."""

from __future__ import annotations

import json
from typing import TextIO

from stackscan.render.words import plain_json


def write(values: object, out: TextIO) -> None:
    """Write one JSON value. What could act on a terminal is escaped; NaN and Infinity raise ValueError, for no value
    may be one."""
    out.write(plain_json(json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1)) + "\n")
