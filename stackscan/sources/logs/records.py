"""Logs made of JSON objects: one a line (docker, journald, ``go test -json``, any structured logger), or a document."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from stackscan.sources.logs.wrapped import (
    DOCUMENT,
    HEADER,
    Note,
    Piece,
    Streams,
    Wrapped,
    headers,
    holds_dump,
    in_record,
    line_at,
    only_crashes,
)

_Path = tuple[str, ...]
_Record = dict[str, Any]

#: Fields that together name the stream of a record.
_STREAM_FIELDS: Final[tuple[_Path, ...]] = tuple(
    tuple(field.split("."))
    for field in """
    Package stream _HOSTNAME _SYSTEMD_UNIT SYSLOG_IDENTIFIER _PID kubernetes.namespace_name kubernetes.pod_name
    kubernetes.container_name kubernetes.pod.name kubernetes.container.name resource.labels.pod_name
    resource.labels.container_name labels.pod labels.container container_id container_name container namespace pod
    pod_name podName containerName host hostname pid
    """.split()
)
#: Words of which each line that begins a dump or a report holds one.
_WORDS: Final = (b"oroutine", b"DATA RACE", b"DEADLOCK", b".go:")
_DEEPEST: Final = 4
_SAMPLE: Final = 2000
#: Fields of one log that are read: a program may log the headers of HTTP requests, a field for each.
_MOST_FIELDS: Final = 32


def json_lines(text: bytes) -> Wrapped | None:
    """One JSON object a line, a field of which holds the dump, whole or line by line.

    Every field that holds a dump is read, since any may hold user input.
    """
    samples = [_record(line_at(text, line)) for line, _ in headers(text)]
    records = [record for record in samples if record is not None]
    if not records or len(records) < len(samples) / 2 or not _fields(records):
        return None
    if b"\n" not in text.strip() and any(isinstance(held, list) for held in _holders(records[0], (), 0)):
        return None  # a document on one line
    lines = text.removesuffix(b"\n").split(b"\n")
    speaking = (_record(line) for line in lines if any(word in line for word in _WORDS))
    paths = _fields(record for record in speaking if record is not None)
    notes = _too_many(paths, len(lines) + 1)
    whole = _carry_newlines(lines, paths)
    streams = [Streams() for _ in paths[:_MOST_FIELDS]]
    for number, line in enumerate(lines, start=1):
        record = _record(line)
        if record is None:
            if line.strip():
                streams[0].continue_last(line, number)
            continue
        stream = _stream(record)
        for place, into in enumerate(streams):
            value = _value(record, paths[place])
            if value is not None:
                into.add(value, number, stream=_named(stream, paths[place], place), ends=whole[place])
    return Wrapped((_name(records[0], paths[0]),), _pieces(streams), notes)


def document(text: bytes) -> Wrapped | None:
    """A JSON document: lists of records somewhere in it, and strings that hold a dump each."""
    if text.lstrip()[:1] not in (b"{", b"[") or only_crashes(text):
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    lines = [text.count(b"\n", 0, at) + 1 for _, at in headers(text)]
    found: list[Streams] = []
    alone = Streams()
    names: list[str] = []
    notes: tuple[Note, ...] = ()
    place = 0
    for held in _holders(whole, (), 0):
        if isinstance(held, tuple):
            path, value = held
            alone.add(value, lines[min(place, len(lines) - 1)], stream=".".join(path))
            place += len(HEADER.findall(value))
            continue
        paths = _fields(held)
        names += [f"{DOCUMENT}, field {'.'.join(paths[0])}"]
        notes += _too_many(paths, lines[-1] + 1)
        for path in paths[:_MOST_FIELDS]:
            streams = Streams()
            for record in held:
                value_of = _value(record, path)
                if value_of is not None:
                    streams.add(value_of, lines[0], stream=_named(_stream(record), path, len(found)))
            found.append(streams)
    pieces = _pieces([*found, alone])
    return Wrapped(tuple(names[:1]) or (DOCUMENT,), pieces, notes) if pieces else None


def _pieces(found: list[Streams]) -> tuple[Piece, ...]:
    """The pieces of several fields: all of the first, and whole dumps of the others, not mere mentions."""
    pieces: list[Piece] = []
    for streams in found:
        pieces += [piece for piece in streams.pieces() if not pieces or holds_dump(piece.text)]
    return tuple(pieces)


def _too_many(paths: list[_Path], line: int) -> tuple[Note, ...]:
    """A note on fields beyond the limit, which are not read."""
    left = len(paths) - _MOST_FIELDS
    reason = f"{left:,} more fields of the log contain goroutine headers; they are not read"
    return (Note(line, reason),) if left > 0 else ()


def _named(stream: str, path: _Path, place: int) -> str:
    """The name of a stream; with its field where another field holds a dump, too."""
    return " ".join(part for part in (stream, f"field {'.'.join(path)}" if place else "") if part)


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


def _fields(records: Iterable[_Record]) -> list[_Path]:
    """The paths of the strings that hold headers, those first that hold most; without those that repeat another's."""
    found: Counter[_Path] = Counter()
    copies: Counter[_Path] = Counter()
    for record in records:
        held = [(path, value) for path, value in _strings(record, (), 0) if in_record(value)]
        found.update(path for path, _ in held)
        copies.update(path for place, (path, value) in enumerate(held) if _is_copy(value, held[:place]))
    return [path for path, count in found.most_common() if copies[path] < count]


def _is_copy(value: bytes, others: list[tuple[_Path, bytes]]) -> bool:
    """Whether another field of the record holds the same: collectors keep the original event beside theirs."""
    first = HEADER.search(value)
    text = value[first.start() :].strip() if first else value
    return any(text in other for _, other in others)


def _value(record: _Record, path: _Path) -> bytes | None:
    value: Any = record
    for key in path:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return _text(value)


def _carry_newlines(lines: list[bytes], paths: list[_Path]) -> list[bool]:
    """For each field, whether each value is a whole line; not where most end with a newline (docker, go test)."""
    records = [record for line in lines[:_SAMPLE] if (record := _record(line)) is not None]
    found = []
    for path in paths[:_MOST_FIELDS]:
        values = [value for record in records if (value := _value(record, path)) is not None]
        found.append(sum(value.endswith(b"\n") for value in values) <= len(values) / 2)
    return found


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


def _rows(value: list[Any]) -> list[_Record]:
    """The entries of a list as records: objects, or what Loki answers, pairs of a time and a line; else none."""
    if value and all(isinstance(entry, dict) for entry in value):
        return value
    if value and all(isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], str) for entry in value):
        return [{f"column {place}": part for place, part in enumerate(entry, start=1)} for entry in value]
    return []


def _holders(value: Any, path: _Path, depth: int) -> Iterator[list[_Record] | tuple[_Path, bytes]]:
    """The lists of objects that hold headers, outer ones first, and the strings outside of them that do."""
    text = _text(value)
    if text is not None:
        if in_record(text):
            yield path, text
    elif depth > _DEEPEST * 2:
        return
    elif isinstance(value, list):
        records = _rows(value)
        fields = _fields(records)
        if fields and not any(key.isdecimal() for path in fields for key in path):  # else lists inside hold the lines
            yield records
            return
        for place, inner in enumerate(value):
            yield from _holders(inner, (*path, str(place)), depth + 1)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _holders(inner, (*path, str(key)), depth + 1)
