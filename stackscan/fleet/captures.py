"""What is known of each capture but its places, in columns: some eighty bytes a capture."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, Generic, TypeVar

from stackscan.fleet.packed import Packed
from stackscan.fleet.row import Row

#: Service, host, and of a capture of an unknown host its name: what counts as one host.
Instance = tuple[str | None, str | None, str]
Value = TypeVar("Value", bound=Hashable)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UNKNOWN: Final = -(1 << 63)
_COMPLETE, _LEAK_PROFILE = 1, 2
_DIGEST_BYTES: Final = 16


@dataclass(slots=True)
class Numbered(Generic[Value]):
    """Values that many have in common, each kept once, by the number that stands for it."""

    values: list[Value] = field(default_factory=list)
    _numbers: dict[Value, int] = field(default_factory=dict)

    def number(self, value: Value) -> int:
        """The number of a value."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found


def _numbers() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Captures:
    """Captures by their places, in the order in which they came."""

    _instances: Numbered[Instance] = field(default_factory=Numbered)
    _versions: Numbered[str | None] = field(default_factory=Numbered)
    _formats: Numbered[str] = field(default_factory=Numbered)
    _instance: array[int] = field(default_factory=_numbers)
    _version: array[int] = field(default_factory=_numbers)
    _format: array[int] = field(default_factory=_numbers)
    _moments: array[int] = field(default_factory=lambda: array("q"))
    _goroutines: array[int] = field(default_factory=lambda: array("Q"))
    _flags: bytearray = field(default_factory=bytearray)
    _digests: bytearray = field(default_factory=bytearray)
    _names: Packed[str] = field(default_factory=Packed)

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, row: Row) -> int:
        """Add a capture; its place."""
        origin = row.origin
        instance = origin.service, origin.host, "" if origin.host is not None else row.where
        self._instance.append(self._instances.number(instance))
        self._version.append(self._versions.number(origin.version))
        self._format.append(self._formats.number(row.format))
        self._moments.append(_UNKNOWN if origin.time is None else moment_of(origin.time))
        self._goroutines.append(row.goroutines)
        self._flags.append(_COMPLETE * row.complete | _LEAK_PROFILE * row.leak_profile)
        self._digests += _digest(row.digest)
        self._names.append(row.where)
        return len(self._flags) - 1

    def instance(self, at: int) -> Instance:
        """What counts as its host."""
        return self._instances.values[self._instance[at]]

    def instance_number(self, at: int) -> int:
        """The same as a number."""
        return self._instance[at]

    def service(self, at: int) -> str | None:
        """None: unknown."""
        return self.instance(at)[0]

    def host(self, at: int) -> str | None:
        """None: unknown."""
        return self.instance(at)[1]

    def version(self, at: int) -> str | None:
        """None: unknown."""
        return self._versions.values[self._version[at]]

    def format(self, at: int) -> str:
        """The format that it was read as."""
        return self._formats.values[self._format[at]]

    def moment(self, at: int) -> int | None:
        """When it was taken, in microseconds since 1970; None: unknown."""
        found = self._moments[at]
        return None if found == _UNKNOWN else found

    def time(self, at: int) -> datetime | None:
        """When it was taken, in UTC; None: unknown."""
        return time_of(self.moment(at))

    def goroutines(self, at: int) -> int:
        """How many it has."""
        return self._goroutines[at]

    def complete(self, at: int) -> bool:
        """False: it is cut."""
        return bool(self._flags[at] & _COMPLETE)

    def leak_profile(self, at: int) -> bool:
        """Whether it is Go's leak profile."""
        return bool(self._flags[at] & _LEAK_PROFILE)

    def digest(self, at: int) -> bytes:
        """Sixteen bytes that say which captures have the same content."""
        return bytes(self._digests[_DIGEST_BYTES * at : _DIGEST_BYTES * (at + 1)])

    def where(self, at: int) -> str:
        """Its name. Asking for names in the order of captures is fast."""
        return self._names[at]


def moment_of(time: datetime) -> int:
    """A time in microseconds since 1970; without a zone it is local, as engines that make rows may give it."""
    return (time.astimezone(UTC) - _EPOCH) // _MICROSECOND


def time_of(moment: int | None) -> datetime | None:
    """The time, in UTC, of so many microseconds since 1970; None for None."""
    return None if moment is None else _EPOCH + moment * _MICROSECOND


def _digest(given: bytes) -> bytes:
    """A digest of our length: engines that make rows may use another hash."""
    return given if len(given) == _DIGEST_BYTES else blake2b(given, digest_size=_DIGEST_BYTES).digest()
