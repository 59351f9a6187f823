"""Builds the messages of profile.proto at run time and parses bytes with them.

Generated code would tie us to the protobuf versions of its generator. The protocols are for the type checker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from stackscan.errors import UnrecognisedFormatError

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto  # type: ignore[import-untyped]  # has no types

_PACKAGE: Final = "stackscan.pprof"
_MESSAGE: Final = re.compile(r"message (\w+) \{(.*?)\n\}", re.DOTALL)
_FIELD: Final = re.compile(r"\n  (repeated )?(\w+) (\w+) = (\d+);")


class ValueType(Protocol):
    """What a value is and its unit: indices of strings."""

    type: int
    unit: int


class Label(Protocol):
    """A label of a sample: ``str`` is the index of its text, or 0 when ``num`` is its value."""

    key: int
    str: int
    num: int


class Sample(Protocol):
    """A stack (ids of locations, innermost first) and how often it was seen."""

    location_id: Sequence[int]
    value: Sequence[int]
    label: Sequence[Label]


class Mapping(Protocol):
    """A file that was mapped into memory: indices of its name and its build id."""

    filename: int
    build_id: int


class Line(Protocol):
    """A function (by id) and a 1-based line in its file."""

    function_id: int
    line: int


class Location(Protocol):
    """A place in the program: its address, and the calls inlined there, innermost first."""

    id: int
    address: int
    line: Sequence[Line]


class Function(Protocol):
    """A function: indices of its name and its file."""

    id: int
    name: int
    filename: int
    start_line: int


class Profile(Protocol):
    """A parsed profile."""

    sample_type: Sequence[ValueType]
    sample: Sequence[Sample]
    mapping: Sequence[Mapping]
    location: Sequence[Location]
    function: Sequence[Function]
    string_table: Sequence[bytes]
    time_nanos: int
    duration_nanos: int


class _Message(Profile, Protocol):
    def ParseFromString(self, data: bytes, /) -> int: ...  # noqa: N802 - protobuf's name


def parse(data: bytes) -> Profile:
    """The profile that the bytes hold. Raises UnrecognisedFormatError when they are cut or damaged."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # has no types

    profile = new_profile()
    try:
        profile.ParseFromString(data)
    except DecodeError as error:
        raise UnrecognisedFormatError(
            f"this pprof profile is damaged: {error}", hint="It may be cut; take or copy it again."
        ) from error
    return profile


def new_profile() -> _Message:
    """An empty profile."""
    return _profile_class()()


@cache
def _profile_class() -> Callable[[], _Message]:
    from google.protobuf import descriptor_pool, message_factory  # type: ignore[import-untyped]  # has no types

    pool = descriptor_pool.DescriptorPool()
    pool.Add(_described())
    found = pool.FindMessageTypeByName(f"{_PACKAGE}.Profile")
    return cast("Callable[[], _Message]", message_factory.GetMessageClass(found))


def _described() -> FileDescriptorProto:
    """profile.proto as a descriptor of protobuf."""
    from google.protobuf import descriptor_pb2

    kind = descriptor_pb2.FieldDescriptorProto
    text = Path(__file__).with_name("profile.proto").read_text(encoding="utf-8")
    described = descriptor_pb2.FileDescriptorProto(name="profile.proto", package=_PACKAGE, syntax="proto3")
    for name, body in _MESSAGE.findall(text):
        message = described.message_type.add(name=name)
        for repeated, of, field, number in _FIELD.findall(body):
            label = kind.LABEL_REPEATED if repeated else kind.LABEL_OPTIONAL
            added = message.field.add(name=field, number=int(number), label=label)
            if of[0].isupper():
                added.type, added.type_name = kind.TYPE_MESSAGE, f".{_PACKAGE}.{of}"
            else:
                added.type = kind.Type.Value(f"TYPE_{of.upper()}")
    return described
