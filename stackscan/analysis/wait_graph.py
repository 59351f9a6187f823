"""Who waits for what, and who could end that wait: what a root cause is argued from, kept so that it can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame, Snapshot

#: How an arrow reads. From goroutines: they wait for a thing, or behind others in its queue. From a thing: who holds
#: it, who runs in it, or who would have to serve it.
How = Literal[
    "waits for", "waits behind", "held by", "likely held by", "may be held by", "run by", "must be served by"
]  # fmt: skip
#: How a thing is held, by how the words of a cause say it.
HELD: Final[dict[str, How]] = {"holds": "held by", "likely holds": "likely held by", "may hold": "may be held by"}


class Thing(NamedTuple):
    """What goroutines wait for: ``kind`` is ``Mutex``, ``channel``, ``WaitGroup``, …, or ``nobody`` for the goroutine
    that is missing; ``name`` tells it apart (``store.(*Cache)``, `` `results` ``). Things with equal keys are one."""

    key: Hashable
    kind: str
    name: str = ""


class Party(NamedTuple):
    """Goroutines in one place (``key``), by their rows in the snapshot: the frame to look at, as it may be shown, and
    why they wait (empty: not known), each of the first of them."""

    key: Hashable
    rows: Sequence[int]
    frame: Frame | None
    state: str


class Tie(NamedTuple):
    """One arrow. The same goroutines may be in several parties, and then are one in the picture."""

    source: Party | Thing
    how: How
    target: Party | Thing


#: Finds the arrows of a cause: most outputs draw none.
MakeTies = Callable[[], Iterable[Tie]]


@dataclass(frozen=True, slots=True, eq=False)
class WaitGraph:
    """The arrows of one cause, found when asked for; ``culprits`` are the rows in ``snapshot`` of who is to blame.
    ``alike``: the same is wrong with so many things, of which this is the first."""

    makers: tuple[MakeTies, ...]
    culprits: tuple[int, ...]
    snapshot: Snapshot
    alike: int = 1

    def ties(self) -> Iterator[Tie]:
        """The arrows, those of the cause itself before those of what else it explains."""
        for make in self.makers:
            yield from make()
