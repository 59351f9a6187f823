"""The verdict over several captures of one process, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stackscan.analysis.finding import Confidence
from stackscan.model.snapshot import Frame
from stackscan.report.model import StackReport
from stackscan.report.places import CodePlace

Kind = Literal["leak", "steady", "sawtooth", "unclear"]
#: What a witness of a leak says: it saw the leak, it looked and saw none, or it was not there.
Witness = Literal["yes", "no", "absent"]


@dataclass(frozen=True, slots=True)
class PlaceGrowth:
    """One place in the code over time.

    ``counts`` are its goroutines in each capture; ``stayed`` are those that each capture shares with the next one
    (None: the format has no ids). ``rate_per_second`` is over the whole time (None: times are not known).
    ``oldest_minutes`` is the longest wait in each capture (None: no capture has any). ``stack`` is its largest stack.
    """

    place: CodePlace
    signature: str
    frame: Frame | None
    counts: tuple[int, ...]
    stayed: tuple[int, ...] | None
    rate_per_second: float | None
    oldest_minutes: tuple[int, ...] | None
    stack: StackReport

    @property
    def change(self) -> int:
        """The last count less the first."""
        return self.counts[-1] - self.counts[0]

    @property
    def function(self) -> str | None:
        """The deciding function."""
        return self.place[0]


@dataclass(frozen=True, slots=True)
class Leak:
    """Places that grow together, the one that starts the others first, and what each of three witnesses says.

    ``growth`` is always there: it is how the leak was found. ``detector`` is Go's leak profile, with ``leaked``
    goroutines in these places; ``age``: the oldest goroutine waits on, and its wait grows by the time that passes.
    """

    places: tuple[PlaceGrowth, ...]
    detector: Witness
    leaked: int
    age: Witness

    @property
    def count(self) -> int:
        """Goroutines in all its places in the last capture."""
        return sum(place.counts[-1] for place in self.places)

    @property
    def confidence(self) -> Confidence:
        """Growth alone is likely; what Go's detector found too is proved."""
        return "proved" if self.detector == "yes" else "likely"


@dataclass(frozen=True, slots=True)
class Growth:
    """The verdict over the captures of one process.

    ``captures`` are their places among those given, in time order; ``totals`` their goroutines and ``seconds`` the time
    from first to last (None: not known). ``places`` are those that the verdict is about, ``because`` says in words why
    it is unclear.
    """

    kind: Kind
    captures: tuple[int, ...]
    totals: tuple[int, ...]
    seconds: float | None
    leaks: tuple[Leak, ...]
    places: tuple[PlaceGrowth, ...]
    because: str = ""
