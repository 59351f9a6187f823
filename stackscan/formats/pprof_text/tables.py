"""The tables of a profile (strings, functions, locations, samples), made from its text.

They have the shape of the protobuf messages, so that one reader makes the snapshot of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stackscan.formats.goroutine_pprof import schema
from stackscan.formats.pprof_text.grammar import Call
from stackscan.model.snapshot import Problem


@dataclass(slots=True)
class ValueType:
    """As schema.ValueType."""

    type: int
    unit: int


@dataclass(slots=True)
class Label:
    """As schema.Label; texts only."""

    key: int
    str: int
    num: int = 0


@dataclass(slots=True)
class Sample:
    """As schema.Sample."""

    location_id: Sequence[int]
    value: Sequence[int]
    label: Sequence[schema.Label] = ()


@dataclass(slots=True)
class Mapping:
    """As schema.Mapping."""

    filename: int
    build_id: int


@dataclass(slots=True)
class Line:
    """As schema.Line."""

    function_id: int
    line: int


@dataclass(slots=True)
class Location:
    """As schema.Location."""

    id: int
    address: int
    line: Sequence[schema.Line]


@dataclass(slots=True)
class Function:
    """As schema.Function."""

    id: int
    name: int
    filename: int
    start_line: int


@dataclass(slots=True)
class Tables:
    """As schema.Profile. ``lines`` are the lines of its samples; ``lost`` goroutines could not be read; ``damaged``:
    frames are missing."""

    sample_type: list[schema.ValueType] = field(default_factory=list)
    sample: list[schema.Sample] = field(default_factory=list)
    mapping: list[schema.Mapping] = field(default_factory=list)
    location: list[schema.Location] = field(default_factory=list)
    function: list[schema.Function] = field(default_factory=list)
    string_table: list[bytes] = field(default_factory=lambda: [b""])
    time_nanos: int = 0
    duration_nanos: int = 0
    lines: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    damaged: bool = False
    _strings: dict[str, int] = field(default_factory=lambda: {"": 0})
    _functions: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _locations: dict[tuple[Call, ...], int] = field(default_factory=dict)

    def text(self, text: str) -> int:
        """The index of a string."""
        found = self._strings.get(text)
        if found is None:
            found = self._strings[text] = len(self.string_table)
            self.string_table.append(text.encode("utf-8", "surrogateescape"))
        return found

    def count(self, kind: str, unit: str = "count") -> None:
        """Add a value that each sample has."""
        self.sample_type.append(ValueType(self.text(kind), self.text(unit)))

    def take(
        self, line: int, values: Sequence[int], locations: Sequence[int], labels: Iterable[tuple[str, str]]
    ) -> None:
        """Add a sample, whose count stands in a line."""
        pairs = [Label(self.text(key), self.text(value)) for key, value in labels]
        self.sample.append(Sample(locations, values, pairs))
        self.lines.append(line)

    def place(self, number: int, address: int, calls: Sequence[Call]) -> None:
        """Add a location with its calls, innermost first. One without any named call is shown by its address."""
        named = [Line(self._function(call), call.line) for call in calls if call.function]
        self.location.append(Location(number, address, named))

    def place_of(self, calls: tuple[Call, ...]) -> int:
        """The id of the location of these calls, where the text has none of its own."""
        found = self._locations.get(calls)
        if found is None:
            found = self._locations[calls] = len(self.location) + 1
            self.place(found, 0, calls)
        return found

    def damage(self, line: int, reason: str, text: str, *, loses: bool = True) -> None:
        """Note a line that could not be read; ``loses``: something is missing now."""
        self.problems.append(Problem(line, reason, text))
        self.damaged |= loses

    def _function(self, call: Call) -> int:
        key = (call.function, call.file, call.start_line)
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = len(self.function) + 1
            self.function.append(Function(found, self.text(call.function), self.text(call.file), call.start_line))
        return found
