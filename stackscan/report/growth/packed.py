"""Observations packed to a third of their size, for a watcher that keeps many of many processes for hours."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stackscan.report.growth.observe import Observation
from stackscan.report.growth.stacks import Ids, Shape, Stacks
from stackscan.report.places import CodePlace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Level of compression: higher ones take longer and save a percent.
_LEVEL: Final = 1
_PLAIN: Final = (
    "source",
    "member",
    "position",
    "stream",
    "format",
    "total",
    "complete",
    "captured_at",
    "host",
    "counts",
    "longest_minutes",
    "build_id",
    "leaked",
    "leak_profile",
)
_OF_STACKS: Final = ("counts", "least_minutes", "most_minutes", "shown")


@dataclass(frozen=True, slots=True)
class Packed:
    """An observation whose numbers are compressed. Places and shapes stay as they are: all captures of a program share
    them."""

    places: tuple[CodePlace, ...]
    shapes: tuple[Shape, ...]
    numbers: bytes

    @classmethod
    def of(cls, seen: Observation) -> Packed:
        """Pack one."""
        ids, started = seen.started
        values = (
            [getattr(seen, name) for name in _PLAIN],
            [getattr(seen.largest, name) for name in _OF_STACKS],
            [_steps(column) for column in (ids, seen.addresses, seen.code)],
            [column.tobytes() for column in (started, seen.largest.ids, seen.place_indices)],
        )
        packed = zlib.compress(pickle.dumps(values, pickle.HIGHEST_PROTOCOL), _LEVEL)
        return cls(seen.places, seen.largest.shapes, packed)

    def observation(self) -> Observation:
        """The observation again."""
        import numpy as np

        plain, stacks, steps, rest = _loaded(self.numbers)
        ids, addresses, code = map(_sums, steps)
        started, shown_ids = (np.frombuffer(column, np.uint64) for column in rest[:2])
        return Observation(
            **dict(zip(_PLAIN, plain, strict=True)),
            places=self.places,
            largest=Stacks(self.shapes, ids=shown_ids, **dict(zip(_OF_STACKS, stacks, strict=True))),
            started=(ids, started),
            place_indices=np.frombuffer(rest[2], np.uint32),
            addresses=addresses,
            code=code,
        )


def unpacked(kept: Iterable[Packed]) -> tuple[Observation, ...]:
    """The observations again, in the same order."""
    return tuple(one.observation() for one in kept)


def _loaded(numbers: bytes) -> Any:
    return pickle.loads(zlib.decompress(numbers))  # noqa: S301 - this process has packed it


def _steps(column: Ids) -> bytes:
    """The steps from each number to the next, first the lowest bytes of all: sorted numbers have small steps."""
    import numpy as np

    steps = np.diff(column, prepend=np.uint64(0))
    return steps.view(np.uint8).reshape(-1, 8).T.tobytes()


def _sums(steps: bytes) -> Ids:
    """The numbers of steps, whose bytes are in the order of this machine."""
    import numpy as np

    octets: npt.NDArray[np.uint8] = np.frombuffer(steps, np.uint8).reshape(8, -1)
    return np.cumsum(np.ascontiguousarray(octets.T).view(np.uint64).ravel(), dtype=np.uint64)
