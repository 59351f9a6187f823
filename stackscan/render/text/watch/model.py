"""What the live table shows, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

#: What stands with a process: the worst of its findings, that it does not answer, or that it has not been asked yet.
Level = Literal["error", "lost", "warning", "info", "ok", "unknown"]
WORST_FIRST: Final[tuple[Level, ...]] = ("error", "lost", "warning", "unknown", "info", "ok")


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool of workers now, the share of them that was busy lately (0 to 1, oldest first), and what is expected of it
    ("": nothing is). ``troubled``: it is full or fills, or a finding is about it."""

    name: str
    workers: int
    busy: int
    shares: tuple[float, ...]
    forecast: str = ""
    troubled: bool = False


@dataclass(frozen=True, slots=True)
class Stands:
    """A finding that stands: as in the JSON of a report, and since when."""

    values: Mapping[str, Any]
    since: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One process. ``key`` tells it from others, whose addresses may differ in secrets only.

    ``since`` is when the worst of what stands was first seen, or when it fell silent (None: it is fine). ``goroutines``
    are those of the last sample (None: there was none), ``counts`` those lately, oldest first. ``sampled_at`` is when
    it last answered, ``depth`` what it was asked for, ``hint`` what to do when it is silent."""

    target: str
    level: Level
    verdict: str
    since: datetime | None = None
    goroutines: int | None = None
    counts: tuple[int, ...] = ()
    pools: tuple[PoolRow, ...] = ()
    findings: tuple[Stands, ...] = ()
    sampled_at: datetime | None = None
    next_at: datetime | None = None
    depth: str = ""
    hint: str = ""
    requests: int = 0
    failures: int = 0
    key: int = 0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changed: when, where, what (``appeared``, ``gone``, ``changed``, ``silent``, ``answers``). ``key``
    is that of its process."""

    at: datetime
    target: str
    level: Level
    event: str
    what: str
    key: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a screen shows. ``rows`` are in the order in which they are shown, ``selected`` is the place of one of
    them; ``opened``: it is shown alone, from its line ``scrolled`` on. ``happenings`` are the oldest first.
    ``notes`` are troubles of the watcher itself."""

    now: datetime
    interval_seconds: float
    rows: tuple[Row, ...]
    happenings: tuple[Happening, ...] = ()
    selected: int = 0
    opened: bool = False
    scrolled: int = 0
    paused: bool = False
    helping: bool = False
    notes: tuple[str, ...] = ()
