"""What one capture says, as data: small, and made by the process that reads the capture."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackscan.analysis.proposals import Crew
from stackscan.fleet.pattern import Origin
from stackscan.knowledge.rule import Severity
from stackscan.report.places import CodePlace


@dataclass(frozen=True, slots=True)
class Seen:
    """One rule's or cause's finding in one capture: where most of its goroutines are, and how many it has; the
    ``packages`` there, outside the standard library, innermost first, then that of the creator."""

    rule: str
    cause: str | None
    severity: Severity
    title: str
    fix: str
    place: str | None
    location: str
    count: int
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """One place in the code in one capture: goroutines, minutes that the oldest waits, whether all of them are idle as
    expected, whether a rule says that they are stuck (above info), and the ``packages`` as in :class:`Seen`; ``stack``
    is that of most of them, as Go prints it, where it was asked for."""

    place: CodePlace
    location: str
    count: int
    minutes: int
    idle: bool
    caught: bool
    packages: tuple[str, ...] = ()
    stack: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Workers:
    """One pool in one capture; ``known``: somebody described it. For one that nobody did, its creator and where its
    idle workers wait."""

    pool: str
    workers: int
    busy: int
    known: bool = True
    creator: str = ""
    idle_at: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One capture. ``where`` names it, ``digest`` is of its content, ``seconds`` is what reading it took."""

    origin: Origin
    where: str
    digest: bytes
    format: str
    goroutines: int
    complete: bool
    leak_profile: bool
    seen: tuple[Seen, ...]
    spots: tuple[Spot, ...]
    crowds: tuple[Spot, ...]
    pools: tuple[Workers, ...]
    crews: tuple[Crew, ...] = ()
    seconds: float = field(compare=False, default=0.0)


@dataclass(frozen=True, slots=True)
class Unread:
    """A capture that could not be read, and why; ``other``: it is none, but another file of a bundle."""

    origin: Origin
    where: str
    reason: str
    other: bool = False
