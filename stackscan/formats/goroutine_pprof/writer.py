"""Writes a snapshot as a pprof profile: one sample a goroutine, with labels as CockroachDB's debug=3 spells them.

``go tool pprof``, Pyroscope, Parca and speedscope open it, and individual.py reads it back. Lost on the way: how many
frames were elided and the files and lines of ``created by``; the format has no place for them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from stackscan.formats.goroutine_pprof import individual, schema
from stackscan.formats.labels import read_labels
from stackscan.model.snapshot import Frame, Snapshot, Stack

_PERCENT: Final = re.compile(r"%(?=[0-9a-fA-F]{2})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = (
    "goroutine_id", "stack_id", "wait_reason", "wait_minutes", "creator_id", "locked", "leaked", "attributes", "labels",
)  # fmt: skip


def write(snapshot: Snapshot, *, captured_at: datetime | None = None) -> bytes:
    """The bytes of the profile, compressed with gzip; the same for the same snapshot and time.

    Equal goroutines without an id (counted formats) share a sample that counts them.
    """
    leaked = snapshot.column("leaked")
    building = _Building("goroutineleak" if leaked and all(leaked) else "goroutine")
    for row, count in snapshot.counts_by(*_COLUMNS).items():
        building.add(snapshot.stacks[row[1]], dict(zip(_COLUMNS, row, strict=True)), count)
    profile = building.finished()
    if captured_at is not None:
        profile.time_nanos = (captured_at - _EPOCH) // timedelta(microseconds=1) * 1000
    return gzip.compress(profile.SerializeToString(deterministic=True), mtime=0)


class _Building:
    def __init__(self, kind: str) -> None:
        self._profile = cast("Any", schema.new_profile())  # what a writer calls, schema.py does not describe
        self._texts: dict[bytes, int] = {b"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Frame, int] = {}
        self._stacks: dict[int, list[int]] = {}
        for each in (self._profile.sample_type.add(), self._profile.period_type):
            each.type, each.unit = self._text(kind), self._text("count")
        self._profile.period = 1
        # Symbols are in the profile: without a mapping that says so, pprof looks for the program.
        self._profile.mapping.add(id=1, has_functions=True, has_filenames=True, has_line_numbers=True)

    def add(self, stack: Stack, row: dict[str, Any], count: int) -> None:
        """One sample."""
        locations = self._stacks.get(id(stack))
        if locations is None:
            locations = self._stacks[id(stack)] = [self._location(frame) for frame in stack.frames]
        sample = self._profile.sample.add(location_id=locations, value=[count])
        for key, value in _labels(stack, row):
            label = sample.label.add(key=self._text(key))
            if isinstance(value, int):
                label.num = value if value < 1 << 63 else value - (1 << 64)
            else:
                label.str = self._text(value)

    def finished(self) -> Any:
        """The whole profile."""
        self._profile.string_table.extend(self._texts)
        return self._profile

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text.encode("utf-8", "surrogateescape"), len(self._texts))

    def _location(self, frame: Frame) -> int:
        found = self._locations.get(frame)
        if found is None:
            found = self._locations[frame] = len(self._locations) + 1
            location = self._profile.location.add(id=found, mapping_id=1)
            location.line.add(function_id=self._function(frame.function, frame.file), line=frame.line)
        return found

    def _function(self, name: str, file: str) -> int:
        found = self._functions.get((name, file))
        if found is None:
            found = self._functions[name, file] = len(self._functions) + 1
            text = self._text(_PERCENT.sub("%25", name))  # symbols are escaped like import paths (objabi.PathToPrefix)
            self._profile.function.add(id=found, name=text, system_name=text, filename=self._text(file))
        return found


def _labels(stack: Stack, row: dict[str, Any]) -> Iterator[tuple[str, str | int]]:
    """The labels of a goroutine. Id 0 is a text, since the number 0 means none."""
    if row["goroutine_id"] is not None:
        yield individual.IDENTITY, row["goroutine_id"] or "0"
        if row["creator_id"]:
            yield individual.CREATOR, row["creator_id"]
        if stack.created_by is not None:
            yield individual.CREATOR, stack.created_by.function
        if row["wait_minutes"]:
            yield individual.MINUTES, row["wait_minutes"]
        state = _state(row)
        if state:
            yield individual.STATE, state
    yield from read_labels(row["labels"]) if row["labels"] else ()


def _state(row: dict[str, Any]) -> str:
    """The text in the brackets of a header, minutes aside: ``select (durable), locked to thread``."""
    attributes = (row["attributes"] or "").split(", ")
    parts: Iterable[str] = (
        row["wait_reason"] or "",
        " (leaked)" if row["leaked"] and row["wait_reason"] != "leaked" else "",
        *(f" {part}" if part.startswith("(") else f", {part}" for part in attributes if part),
        ", locked to thread" if row["locked"] else "",
    )
    return "".join(parts)
