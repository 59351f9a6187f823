"""One record of counted text: which ``#`` lines below its count line are its own, and whether some are missing.

Every printed frame stands for one of the addresses of the count line; only the runtime's frames at the inner end and
``runtime.goexit`` at the outer end are hidden (runtime/pprof printStackRecord). A ``#`` line holds the return address
less one (Go 1.7 and later), or the return address itself. So a mismatch shows lines lost from this record or another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import sub
from typing import Final

from stackscan.formats.goroutine_counts.grammar import FrameLine
from stackscan.model.snapshot import Problem

#: Return address less printed address: 1 since Go 1.7, and 0 before.
_AS_PRINTED: Final = frozenset({0, 1})


@dataclass(slots=True)
class Raw:
    """A record while its lines come in.

    ``count`` is None when its count line is lost; ``addresses`` is None when they could not be read; ``numbers`` are
    the lines of ``frames``; ``damaged`` says that a frame line could not be read.
    """

    line: int
    count: int | None
    addresses: tuple[int, ...] | None = None
    labels: str | None = None
    frames: list[FrameLine] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    damaged: bool = False


@dataclass(slots=True)
class Profile:
    """One profile as its lines came in; ``total`` is None when its header is lost."""

    kind: str
    total: int | None
    line: int
    records: list[Raw] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    partial: bool = False  # goroutines of another format stand beside it and are not read
    unterminated: bool = False  # the file ends in the middle of one of its lines


@dataclass(frozen=True, slots=True)
class Fit:
    """How many of a record's frames are its own, whether frames are missing among them, and whether at the end."""

    own: int
    gaps: bool = False
    short: bool = False


def fit(addresses: Sequence[int] | None, frames: Sequence[FrameLine]) -> Fit:
    """Compare frames with the addresses of their count line. Without addresses, all are taken as they are."""
    if not addresses:
        return Fit(len(frames))
    if not frames:
        return Fit(0, short=True)
    printed = [line.address for line in frames]
    for hidden in (1, 0):  # runtime.goexit at the outer end, or not: a stack that was cut there
        start = len(addresses) - len(frames) - hidden
        if start >= 0 and _AS_PRINTED.issuperset(map(sub, addresses[start:], printed)):
            return Fit(len(frames))
    return _fit_one_by_one(addresses, frames)


def _fit_one_by_one(addresses: Sequence[int], frames: Sequence[FrameLine]) -> Fit:
    """The same for records that are not as printed: some frames missing, or another record's behind them.

    An address may stand for several frames (C frames of a symbolizer): the place moves on only when it must.
    """
    place, gaps = 0, False
    for index, line in enumerate(frames):
        found = next((k for k in range(place, len(addresses)) if addresses[k] - line.address in _AS_PRINTED), None)
        if found is None:
            return Fit(index, gaps, short=len(addresses) - place > 2)
        gaps |= index > 0 and found - place > 1
        place = found
    return Fit(len(frames), gaps, short=len(addresses) - place > 2)
