"""Captures of one pool, for the pool model: what each shows, of which process it is, and when it was taken.

All captures count; their weight depends on the times between them. Those come from names and from notes beside the
files (compare/times.py), from the user, or from goroutine ids: Go numbers goroutines as it starts
them, so ids are a clock, and the ages of holds in ids show how long a hold lasts on that clock.
When the times are unknown, all captures of a process count as one. Of a bundle's views of one process only the text is
taken, for it has the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from stackscan import pipeline
from stackscan.analysis import Analysis, analyse
from stackscan.compare.times import captured_at
from stackscan.configuration import Configuration, shipped
from stackscan.errors import ModelError
from stackscan.language import index_of, mask
from stackscan.pools import Pool
from stackscan.report.projection import Gathered, Held, Moments, held
from stackscan.snapshot import Snapshot

_TEXT: Final = "goroutine-text"
#: Captures that share so many of their goroutines are of one process.
_SAME_PROCESS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Capture:
    """One dump of a pool: what it shows, its holds as pairs of goroutine ids, its goroutines' ids, where it is from and
    when it was taken, if that is known."""

    shown: Held
    holds: frozenset[tuple[int, int]]
    ids: frozenset[int]
    newest: int
    where: str
    when: datetime | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The captures that count, and what is known of them together."""

    captures: tuple[Capture, ...]
    gathered: Gathered


def gather(
    sources: Iterable[str],
    *,
    pool: str | None,
    configuration: Configuration | None = None,
    progress: pipeline.Progress | None = None,
    apart_seconds: float | None = None,
    holding_seconds: float | None = None,
) -> tuple[Pool, Chosen]:
    """The captures of one pool in these sources; ``pool`` names it (None: the one with a model that they show).
    ``configuration``: the rules and pools to judge with (None: what ships). ``apart_seconds``: the time from each
    capture of a process to the next, where the user knows it; ``holding_seconds``: how long a hold lasts (None: as the
    pool's description says).

    Raises StackscanError when a source cannot be read, or no dump shows such a pool.
    """
    configuration = configuration or shipped()
    asked = _pools(pool, configuration)
    seen: dict[str, list[Capture]] = {one.name: [] for one in asked}
    total = 0
    for source in sources:
        opened = pipeline.opened(source, progress)
        texts = [entry for entry in opened.members if entry[1][0].format == _TEXT]
        total += sum(len(snapshots) for _, snapshots in opened.members)
        for member, snapshots in texts or opened.members:
            when = captured_at(source, member.name)
            for snapshot in snapshots:
                found = analyse(snapshot, configuration, kubo=opened.kubo)
                for one in asked:
                    capture = _capture(snapshot, one, found, member.where, when)
                    seen[one.name] += [] if capture is None else [capture]
    chosen = _shown([one for one in asked if seen[one.name]], asked)
    _check_alike(seen[chosen.name])
    kept = _once(seen[chosen.name])
    holding = holding_seconds or (chosen.model.holding_seconds if chosen.model is not None else None)
    moments = moments_of(kept, apart_seconds=apart_seconds, holding_seconds=holding)
    reason = "other views of the same dump, or duplicates" if total > len(kept) else ""
    return chosen, Chosen(kept, Gathered(total - len(kept), reason, moments))


def _check_alike(captures: Sequence[Capture]) -> None:
    """Captures of one pool have as many workers, and close in them or beside them. Raises ModelError."""
    sizes = sorted({capture.shown.workers for capture in captures})
    if len(sizes) > 1:
        listed = ", ".join(f"{size:,}" for size in sizes)
        raise ModelError(
            f"the dumps show pools of {listed} workers", hint="Project the dumps of each process separately."
        )
    beside = next((capture.where for capture in captures if capture.shown.is_beside), None)
    within = next((c.where for c in captures if c.shown.held and not c.shown.is_beside), None)
    if beside is not None and within is not None:
        raise ModelError(
            f"{within} closes streams in the workers, {beside} outside them: two versions",
            hint="Project the dumps of each version separately.",
        )


def _pools(name: str | None, configuration: Configuration) -> list[Pool]:
    """The pools that may be meant: all with a model, or the one of that name."""
    known = [pool for pool in configuration.pools if pool.model is not None]
    meant = [pool for pool in known if name in (None, pool.name)]
    if not meant:
        names = ", ".join(pool.name for pool in known)
        raise ModelError(f"no pool with a model is named {name!r}", hint=f"Pools with a model: {names}.")
    return meant


def _shown(shown: Sequence[Pool], asked: Sequence[Pool]) -> Pool:
    """The pool that the dumps show."""
    if not shown:
        names = " or ".join(pool.name for pool in asked)
        raise ModelError(f"no dump shows the pool {names}", hint="Give a dump of a process that runs it.")
    if len(shown) > 1:
        names = ", ".join(pool.name for pool in shown)
        raise ModelError(f"the dumps show several pools with a model: {names}", hint="Choose one with --pool NAME.")
    return shown[0]


def _capture(snapshot: Snapshot, pool: Pool, analysis: Analysis, where: str, when: datetime | None) -> Capture | None:
    """What one dump shows of a pool; None where it shows none."""
    sample = next((sample for sample in analysis.samples if sample.pool.name == pool.name), None)
    if sample is None:
        return None
    shown = held(sample, analysis.findings, analysis.defects)
    if shown is None:
        raise ModelError(f"{where}: {sample.workers:,} workers are more than the pool model supports")
    table = snapshot.rows
    ids = frozenset(table["goroutine_id"].drop_nulls().to_list())
    return Capture(shown, _holds(snapshot, pool), ids, max(ids, default=0), where, when)


def _holds(snapshot: Snapshot, pool: Pool) -> frozenset[tuple[int, int]]:
    """Pairs of a worker and a goroutine that it started, which lives while the worker is held."""
    table = snapshot.rows
    ids = table.filter(pl.Series(mask(pool.worker, index_of(snapshot))))["goroutine_id"]
    started = table.filter(pl.col("creator_id").is_in(ids.implode())).select("creator_id", "goroutine_id")
    return frozenset(started.drop_nulls().iter_rows())


def _once(captures: Sequence[Capture]) -> tuple[Capture, ...]:
    """Leave out duplicates (equal goroutine ids); in the order of the newest ids."""
    kept: list[Capture] = []
    for capture in sorted(captures, key=lambda one: one.newest):
        if not any(capture.ids and capture.ids == other.ids for other in kept):
            kept.append(capture)
    return tuple(kept)


# -- when they were taken --------------------------------------------------------------------------------------------


def moments_of(captures: Sequence[Capture], *, apart_seconds: float | None, holding_seconds: float | None) -> Moments:
    """Of each process: which captures are of it, and when each was taken, in holding times (None: unknown)."""
    found = []
    for places in _processes(captures):
        members = [captures[place] for place in places]
        if apart_seconds is not None and holding_seconds is not None:
            at: tuple[float, ...] | None = tuple(n * apart_seconds / holding_seconds for n in range(len(members)))
        else:
            at = _by_time(members, holding_seconds) or _by_ids(members)
        found.append((places, at))
    return tuple(found)


def _processes(captures: Sequence[Capture]) -> Iterator[tuple[int, ...]]:
    """Captures by process, in their order: each belongs with the one before it with which it shares its goroutines.
    Captures without ids are taken as one process's."""
    groups: list[list[int]] = []
    for place, capture in enumerate(captures):
        for group in groups:
            if _same_process(captures[group[-1]], capture):
                group.append(place)
                break
        else:
            groups.append([place])
    return map(tuple, groups)


def _same_process(one: Capture, other: Capture) -> bool:
    if not one.ids or not other.ids:
        return not one.ids and not other.ids
    return len(one.ids & other.ids) > _SAME_PROCESS * min(len(one.ids), len(other.ids))


def _by_time(captures: Sequence[Capture], holding_seconds: float | None) -> tuple[float, ...] | None:
    times = [capture.when for capture in captures if capture.when is not None]
    if holding_seconds is None or len(times) < len(captures):
        return None
    first = min(times)
    return tuple((time - first).total_seconds() / holding_seconds for time in times)


def _by_ids(captures: Sequence[Capture]) -> tuple[float, ...] | None:
    """By the clock of goroutine ids, in holds; None where no hold shows how long one lasts.

    A hold began when its goroutine was started: it lasts longer than from there to the last capture that shows it, and
    shorter than to the next. Of few holds the longest age is less than a hold: the bound that is too small in one of
    twenty cases only is taken, so that captures are rather thought too near to each other than too far apart.
    """
    ages, ends = [], []
    last_seen: dict[tuple[int, int], int] = {}
    for place, capture in enumerate(captures):
        last_seen |= dict.fromkeys(capture.holds, place)
    for (_, child), place in last_seen.items():
        ages.append(captures[place].newest - child)
        if place + 1 < len(captures):
            ends.append(captures[place + 1].newest - child)
    longest = max(ages, default=0)
    if longest <= 0:
        return None
    hold = longest / 0.05 ** (1 / len(ages))
    if ends:
        hold = max(longest, min(hold, float(np.quantile(ends, 0.25))))
    return tuple((capture.newest - captures[0].newest) / hold for capture in captures)
