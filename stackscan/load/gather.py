"""Gathers what captures show of one pool, for the pool model.

All captures count; their weight depends on the times between them. Of a bundle's views of one process only the text is
taken, for it has the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stackscan.analysis.analyse import Analysis, analyse
from stackscan.errors import ModelError
from stackscan.formats.contents import Progress, read_source
from stackscan.knowledge.configuration import Configuration, shipped
from stackscan.knowledge.language import index_of, mask
from stackscan.knowledge.pool import Pool
from stackscan.load.projections import Gathered, held
from stackscan.load.times import PoolCapture, moments_of
from stackscan.model.snapshot import Snapshot
from stackscan.sources.times import captured_at

_TEXT: Final = "goroutine-text"


@dataclass(frozen=True, slots=True)
class PoolCaptures:
    """The captures that count, and what is known of them together."""

    captures: tuple[PoolCapture, ...]
    gathered: Gathered


def gather(
    sources: Iterable[str],
    *,
    pool: str | None,
    configuration: Configuration | None = None,
    progress: Progress | None = None,
    apart_seconds: float | None = None,
    holding_seconds: float | None = None,
) -> tuple[Pool, PoolCaptures]:
    """The captures of one pool in these sources; ``pool`` names it (None: the one with a model that they show).
    ``configuration``: the rules and pools to analyse with (None: what ships). ``apart_seconds``: the time from each
    capture of a process to the next, where the user knows it; ``holding_seconds``: how long a hold lasts (None: as the
    pool's description says).

    Raises StackscanError when a source cannot be read, or no dump shows such a pool.
    """
    configuration = configuration or shipped()
    candidates = _candidates(pool, configuration)
    seen: dict[str, list[PoolCapture]] = {one.name: [] for one in candidates}
    total = 0
    for source in sources:
        captures = read_source(source, progress, keep_content=False).captures
        total += len(captures)
        texts = [capture for capture in captures if capture.snapshot.format == _TEXT]
        for capture in texts or captures:
            found = analyse(capture, configuration)
            when = captured_at(source, capture.place.member)
            for one in candidates:
                shown = _of_pool(found, one, when)
                seen[one.name] += [] if shown is None else [shown]
    pool_shown = _only([one for one in candidates if seen[one.name]], candidates)
    _check_alike(seen[pool_shown.name])
    kept = _distinct(seen[pool_shown.name])
    holding = holding_seconds or (pool_shown.model.holding_seconds if pool_shown.model is not None else None)
    moments = moments_of(kept, apart_seconds=apart_seconds, holding_seconds=holding)
    reason = "other views of the same dump, or duplicates" if total > len(kept) else ""
    return pool_shown, PoolCaptures(kept, Gathered(total - len(kept), reason, moments))


def _check_alike(captures: Sequence[PoolCapture]) -> None:
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


def _candidates(name: str | None, configuration: Configuration) -> list[Pool]:
    """All pools with a model, or the one of that name. Raises ModelError for a name without one."""
    known = [pool for pool in configuration.pools if pool.model is not None]
    found = [pool for pool in known if name in (None, pool.name)]
    if not found:
        names = ", ".join(pool.name for pool in known)
        raise ModelError(f"no pool with a model is named {name!r}", hint=f"Pools with a model: {names}.")
    return found


def _only(shown: Sequence[Pool], candidates: Sequence[Pool]) -> Pool:
    """The one pool that the captures show. Raises ModelError for none and for several."""
    if not shown:
        names = " or ".join(pool.name for pool in candidates)
        raise ModelError(f"no dump shows the pool {names}", hint="Give a dump of a process that runs it.")
    if len(shown) > 1:
        names = ", ".join(pool.name for pool in shown)
        raise ModelError(f"the dumps show several pools with a model: {names}", hint="Choose one with --pool NAME.")
    return shown[0]


def _of_pool(analysis: Analysis, pool: Pool, when: datetime | None) -> PoolCapture | None:
    """What one capture shows of a pool; None where it shows none."""
    sample = next((sample for sample in analysis.samples if sample.pool.name == pool.name), None)
    if sample is None:
        return None
    where, snapshot = analysis.capture.place.where, analysis.capture.snapshot
    shown = held(sample, analysis.findings, analysis.defects)
    if shown is None:
        raise ModelError(f"{where}: {sample.workers:,} workers are more than the pool model supports")
    ids = frozenset(snapshot.column("goroutine_id")) - {None}
    return PoolCapture(shown, _holds(snapshot, pool), ids, max(ids, default=0), where, when)


def _holds(snapshot: Snapshot, pool: Pool) -> frozenset[tuple[int, int]]:
    """Pairs of a worker and a goroutine that it started, which lives while the worker is held."""
    ids = snapshot.column("goroutine_id")
    workers = {ids[row] for row in mask(pool.worker, index_of(snapshot))} - {None}
    pairs = zip(snapshot.column("creator_id"), ids, strict=True)
    return frozenset((creator, number) for creator, number in pairs if creator in workers and number is not None)


def _distinct(captures: Sequence[PoolCapture]) -> tuple[PoolCapture, ...]:
    """Leave out duplicates (equal goroutine ids); in the order of the newest ids."""
    kept: list[PoolCapture] = []
    for capture in sorted(captures, key=lambda one: one.newest):
        if not any(capture.ids and capture.ids == other.ids for other in kept):
            kept.append(capture)
    return tuple(kept)
