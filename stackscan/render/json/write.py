"""How every JSON output is written."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring
from typing import Final, TextIO

from stackscan.render.words import plain_json

_CONSTANTS: Final = {None: "null", True: "true", False: "false"}


def write(values: object, out: TextIO) -> None:
    """Write one JSON value. What could act on a terminal is escaped; NaN and Infinity raise ValueError, for no value
    may be one."""
    out.write(text(values) + "\n")


def text(values: object, *, indent: int = 0) -> str:
    """One JSON value as text, as ``write`` writes it; ``indent``: how far the lines after the first stand to the
    right."""
    parts: list[str] = []
    _spell(values, "\n" + " " * indent, parts)
    return plain_json("".join(parts))


def _spell(value: object, line: str, parts: list[str]) -> None:
    """The text of a value as ``json.dumps`` with ``indent=1`` spells it, which takes thrice as long; ``line`` begins a
    line of what is around it."""
    if isinstance(value, str):
        parts.append(encode_basestring(value))
    elif isinstance(value, dict):
        inner = line + " "
        before = "{" + inner
        for key, each in value.items():
            parts.append(f"{before}{encode_basestring(key if isinstance(key, str) else _spelt_key(key))}: ")
            _spell(each, inner, parts)
            before = "," + inner
        parts.append(line + "}" if value else "{}")
    elif isinstance(value, list | tuple):
        inner = line + " "
        before = "[" + inner
        for each in value:
            parts.append(before)
            _spell(each, inner, parts)
            before = "," + inner
        parts.append(line + "]" if value else "[]")
    else:
        parts.append(_spelt(value))


def _spelt(value: object) -> str:
    """A number, true, false or null."""
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if type(value) is int or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return json.dumps(value, allow_nan=False)  # of another class; raises what is to be raised


def _spelt_key(key: object) -> str:
    """A key that is no text, as JSON has it."""
    return _spelt(key).strip('"')
