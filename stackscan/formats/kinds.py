"""The kinds of members of a bundle that hold no goroutines, detected by content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from stackscan.errors import UnrecognisedFormatError
from stackscan.formats import profile_kinds
from stackscan.formats.goroutine_pprof import claim, schema
from stackscan.sources import binaries

_TRACE: Final = re.compile(rb"\Ago 1\.\d+ trace\0")
_COUNTED: Final = re.compile(rb"\A([^\s:]{1,80}) profile: ")
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
    ("pprof profile", lambda data: _is_binary(data) and claim.claims(data)),
    ("JSON", lambda data: data[:_PROBE].lstrip()[:1] in (b"{", b"[")),
    ("binary", _is_binary),
)
#: Why a kind is not read, where a reader would expect that it is.
UNREAD: Final = {"execution trace": "not read: it holds events, which go tool trace shows"}


def kind_of(data: bytes) -> str:
    """A few words for bytes that no format of goroutines claims."""
    name = next((name for name, fits in _KINDS if fits(data)), "text")
    if name == "pprof profile":
        return _profile_of(data)
    counted = _COUNTED.match(data) if name == "text" else None
    if counted is not None:
        return f"{counted[1].decode('utf-8', 'replace')} profile"
    binary = binaries.recognise(data[: binaries.PEEK]) if name == "binary" else None
    return name if binary is None else binary.name.partition(" ")[2]


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


def _profile_of(data: bytes) -> str:
    """The kind of a protobuf profile; ``"pprof profile"`` where its names are cut off."""
    try:
        profile = schema.parse(data)
        types = {profile.string_table[each.type].decode("utf-8", "replace") for each in profile.sample_type}
    except (UnrecognisedFormatError, IndexError):
        return "pprof profile"
    return profile_kinds.kind_of(types)
