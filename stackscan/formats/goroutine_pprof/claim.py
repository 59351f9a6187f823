"""Detects a pprof profile by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: The wire types that each field of Profile may have (profile.proto, and fields that only others write).
_WIRE: Final[dict[int, tuple[int, ...]]] = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 11), (_BYTES,)),
    **dict.fromkeys((7, 8, 9, 10, 12, 14, 15), (_VARINT,)),
    13: (_VARINT, _BYTES),
}
_CONTROL: Final = 9  # bytes below do not occur in text
_ENOUGH: Final = 24  # fields that no text and no other file has by chance
#: The beginning of a line in text dumps: a log's first bytes may look like a profile's.
_TEXT: Final = re.compile(rb"(?m)^goroutine(?:leak)? (?:\d+ [^\n]*\[|profile: total \d)")


def claims(data: bytes) -> bool:
    """Whether the bytes begin like a pprof profile of any kind."""
    if begins_with_value_type(data):
        return _goes_on(data) or _TEXT.search(data) is None
    if min(data[:_ENOUGH], default=_CONTROL) >= _CONTROL:
        return False  # text: its letters would pass for numbers
    return _goes_on(data, least=_ENOUGH)


def _goes_on(data: bytes, *, least: int = 0) -> bool:
    """Whether the first fields are fields of a profile; at least so many, of which none is cut."""
    read = 0
    for field, wire, end in islice(_fields(data, 0, len(data)), _ENOUGH):
        if wire not in _WIRE.get(field, ()) or (least and end > len(data)):
            return False
        read += 1
    return read >= least


def begins_with_value_type(data: bytes) -> bool:
    """Whether the first field is sample_type or period_type, holding two small indices: every writer begins so."""
    if data[:1] not in (b"\x0a", b"\x5a") or not 2 <= (data[1] if len(data) > 1 else 0) <= 22:
        return False
    end = 2 + data[1]
    places = [(field, wire, stop) for field, wire, stop in _fields(data, 2, min(end, len(data)))]
    whole = [place for place in places if place[2] <= end]
    return (
        bool(places)
        and places == whole
        and {field for field, _, _ in places} <= {1, 2}
        and all(wire == _VARINT for _, wire, _ in places)
    )


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, wire type and end of each field between two places; one of number 0 where nothing can be read."""
    while at < end:
        tag, at = _varint(data, at)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, at = _varint(data, at)
        elif wire == _BYTES:
            length, at = _varint(data, at)
            at += length
        else:
            at += {_FIXED64: 8, _FIXED32: 4}.get(wire, end - at)
        yield field, wire, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number and the place behind it; a broken one is 0."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, at + 1
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, at
