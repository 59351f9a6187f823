"""The kinds of members of a bundle that hold no goroutines, detected by content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

_TRACE: Final = re.compile(rb"\Ago 1\.\d+ trace\0")
_METRICS: Final = re.compile(rb"\A# (?:HELP|TYPE) [a-zA-Z_:]")
_PROBE: Final = 4096


def _is_binary(data: bytes) -> bool:
    return any(byte < 9 for byte in data[:_PROBE])


#: In this order: the first that fits names the bytes.
_KINDS: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("empty", lambda data: not data),
    ("execution trace", lambda data: _TRACE.match(data) is not None),
    ("metrics", lambda data: _METRICS.match(data) is not None),
    ("version", lambda data: read_version(data) is not None),
    ("pprof profile", lambda data: data[:1] in (b"\x0a", b"\x5a") and _is_binary(data)),
    ("JSON", lambda data: data[:_PROBE].lstrip()[:1] in (b"{", b"[")),
    ("binary", _is_binary),
)


def kind_of(data: bytes) -> str:
    """A word or two for bytes that no format of goroutines claims."""
    return next((name for name, fits in _KINDS if fits(data)), "text")


def read_version(data: bytes) -> dict[str, str] | None:
    """The values of kubo's version.json: Version, Commit, Repo, System, Golang (all texts); None for anything else."""
    if len(data) > _PROBE or not data.lstrip().startswith(b"{"):
        return None
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not {"Version", "Golang"} <= set(values):
        return None
    return {str(key): str(value) for key, value in values.items()}
