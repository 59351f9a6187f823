"""Logs made of JSON objects: one a line (docker, journald, ``go test -json``, any structured logger), or a document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from stackscan.sources.wrappers.wrapped import HEADER, Streams, Wrapped, headers, line_at

_Path = tuple[str, ...]
_Record = dict[str, Any]

#: Fields that tell whose record it is, wherever they stand; those of one record together name its stream.
_STREAM_FIELDS: Final[tuple[_Path, ...]] = (
    ("Package",),
    ("stream",),
    ("_HOSTNAME",),
    ("_SYSTEMD_UNIT",),
    ("SYSLOG_IDENTIFIER",),
    ("_PID",),
    ("kubernetes", "namespace_name"),
    ("kubernetes", "pod_name"),
    ("kubernetes", "container_name"),
    ("kubernetes", "pod", "name"),
    ("kubernetes", "container", "name"),
    ("resource", "labels", "pod_name"),
    ("resource", "labels", "container_name"),
    ("labels", "pod"),
    ("labels", "container"),
    ("container_id",),
    ("container_name",),
    ("container",),
    ("namespace",),
    ("pod",),
    ("pod_name",),
    ("podName",),
    ("containerName",),
    ("host",),
    ("hostname",),
    ("pid",),
)
_DEEPEST: Final = 4
_SAMPLE: Final = 2000


def json_lines(text: bytes) -> Wrapped | None:
    """One JSON object a line, one field of which holds the dump, whole or line by line."""
    samples = [_record(line_at(text, line)) for line, _ in headers(text)]
    records = [record for record in samples if record is not None]
    if not records or len(records) < len(samples) / 2:
        return None
    path = _field(records)
    if path is None:
        return None
    lines = text.removesuffix(b"\n").split(b"\n")
    numbered = ((number, line, _record(line)) for number, line in enumerate(lines, start=1))
    streams = Streams()
    whole = not _carries_newlines(lines, path)
    for number, line, record in numbered:
        value = _value(record, path) if record is not None else None
        if record is None and line.strip():
            streams.continue_last(line, number)
        elif record is not None and value is not None:
            streams.add(value, number, stream=_stream(record), ends=whole)
    return Wrapped((_name(records[0], path),), streams.pieces())


def document(text: bytes) -> Wrapped | None:
    """A JSON document: a list of records somewhere in it, or strings that hold a dump each."""
    if text.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    lines = [text.count(b"\n", 0, at) + 1 for _, at in headers(text)]
    streams = Streams()
    for records in _lists(whole, 0):
        path = _field(records)
        if path is not None:
            for record in records:
                value = _value(record, path)
                if value is not None:
                    streams.add(value, lines[0], stream=_stream(record))
            return Wrapped((f"JSON document, field {'.'.join(path)}",), streams.pieces())
    place = 0
    for path, value in _strings(whole, (), 0):
        found = len(HEADER.findall(value))
        if found:
            streams.add(value, lines[min(place, len(lines) - 1)], stream=".".join(path))
            place += found
    pieces = streams.pieces()
    return Wrapped(("JSON document",), pieces) if pieces else None


def _record(line: bytes) -> _Record | None:
    """The object of a line, behind a record separator (journalctl -o json-seq) or ``data:`` (json-sse) if need be."""
    line = line.strip(b"\x1e \t\r,").removeprefix(b"data: ")
    if not line.startswith(b"{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _strings(value: Any, path: _Path, depth: int) -> Iterator[tuple[_Path, bytes]]:
    """Every string of a value with its path, in order; a list of numbers is a string of bytes (journald)."""
    text = _text(value)
    if text is not None:
        yield path, text
    elif depth < _DEEPEST * 2 and isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, str(key)), depth + 1)
    elif depth < _DEEPEST * 2 and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _strings(inner, (*path, str(place)), depth + 1)


def _text(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list) and value and all(type(byte) is int and 0 <= byte < 256 for byte in value):
        return bytes(value)
    return None


def _field(records: list[_Record]) -> _Path | None:
    """The path of the string that holds most headers, over the records that hold any."""
    found: Counter[_Path] = Counter()
    for record in records[:_SAMPLE]:
        for path, value in _strings(record, (), 0):
            if len(path) <= _DEEPEST and HEADER.search(value):
                found[path] += 1
    return found.most_common(1)[0][0] if found else None


def _value(record: _Record, path: _Path) -> bytes | None:
    value: Any = record
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return _text(value)


def _carries_newlines(lines: list[bytes], path: _Path) -> bool:
    """Whether the values end with their own newline (docker, go test), so that one without goes on in the next."""
    values = [_value(record, path) for line in lines[:_SAMPLE] if (record := _record(line)) is not None]
    texts = [value for value in values if value is not None]
    return sum(value.endswith(b"\n") for value in texts) > len(texts) / 2


def _stream(record: _Record) -> str:
    values = (_value(record, path) for path in _STREAM_FIELDS)
    return " ".join(value.decode("utf-8", "replace") for value in values if value)


def _name(record: _Record, path: _Path) -> str:
    if "Action" in record and path == ("Output",):
        return "go test -json"
    if path == ("log",) and "stream" in record:
        return "docker json-file"
    if path == ("MESSAGE",) and any(key.startswith("_") for key in record):
        return "journalctl -o json"
    return f"JSON lines, field {'.'.join(path)}"


def _lists(value: Any, depth: int) -> Iterator[list[_Record]]:
    """Every list of objects in a document, outer ones first."""
    if depth > _DEEPEST * 2:
        return
    if isinstance(value, list):
        if value and all(isinstance(entry, dict) for entry in value):
            yield value
        for inner in value:
            yield from _lists(inner, depth + 1)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _lists(inner, depth + 1)
