"""Captures of one pool, for the pool model: which dumps are draws of their own, and which show the same sends again.

Dumps taken within one holding time show the same sends still held. Where ids tell (full text since Go 1.21), a hold is
known by its worker and by the goroutine that the worker started for it: a dump that shows a hold of one counted before
is left out. Of a bundle's views of one process only the text is taken, for it has the ids. Counted formats have none:
each is taken as a draw of its own, and who gives them answers for the time between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from stackscan import phases, pipeline, pools, rules
from stackscan.configuration import Configuration, shipped
from stackscan.errors import ModelError
from stackscan.language import index_of, mask
from stackscan.pools import Pool
from stackscan.report.build import modules
from stackscan.report.projection import Held, held
from stackscan.snapshot import Snapshot

_TEXT: Final = "goroutine-text"
#: Dumps whose newest goroutines are so near are one moment, where no hold tells.
_SAME_MOMENT_IDS: Final = 50


@dataclass(frozen=True, slots=True)
class Capture:
    """One dump of a pool: what it shows, its holds as pairs of goroutine ids, its goroutines' ids, where it is from."""

    shown: Held
    holds: frozenset[tuple[int, int]]
    ids: frozenset[int]
    newest: int
    where: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The captures that count, in the order of their goroutine ids, how many do not, and why."""

    captures: tuple[Capture, ...]
    left_out: int
    reason: str


def gather(
    sources: Iterable[str],
    *,
    pool: str | None,
    configuration: Configuration | None = None,
    progress: pipeline.Progress | None = None,
) -> tuple[Pool, Chosen]:
    """The captures of one pool in these sources; ``pool`` names it (None: the one with a model that they show).
    ``configuration``: the rules and pools to judge with (None: what ships).

    Raises StackscanError when a source cannot be read, or no dump shows such a pool.
    """
    configuration = configuration or shipped()
    asked = _pools(pool, configuration)
    seen: dict[str, list[Capture]] = {one.name: [] for one in asked}
    total = 0
    for source in sources:
        members = list(pipeline.read(source, progress))
        texts = [entry for entry in members if entry[1][0].format == _TEXT]
        total += sum(len(snapshots) for _, snapshots in members)
        for member, snapshots in texts or members:
            for one in asked:
                captures = (_capture(snapshot, one, configuration, member.where) for snapshot in snapshots)
                seen[one.name] += [capture for capture in captures if capture is not None]
    chosen = _shown([one for one in asked if seen[one.name]], asked)
    _check_alike(seen[chosen.name])
    kept = _apart(seen[chosen.name])
    reason = "they show a moment that is counted already" if total > len(kept) else ""
    return chosen, Chosen(kept, total - len(kept), reason)


def _check_alike(captures: Sequence[Capture]) -> None:
    """Captures of one pool have as many workers, and close in them or beside them. Raises ModelError."""
    sizes = sorted({capture.shown.workers for capture in captures})
    if len(sizes) > 1:
        listed = ", ".join(f"{size:,}" for size in sizes)
        raise ModelError(f"the dumps show pools of {listed} workers", hint="Project the dumps of each process apart.")
    beside = next((capture.where for capture in captures if capture.shown.is_beside), None)
    within = next((c.where for c in captures if c.shown.held and not c.shown.is_beside), None)
    if beside is not None and within is not None:
        raise ModelError(
            f"{within} shows closes in the workers, {beside} beside them: two versions",
            hint="Project the dumps of each version apart.",
        )


def _pools(name: str | None, configuration: Configuration) -> list[Pool]:
    """The pools that may be meant: all with a model, or the one of that name."""
    known = [pool for pool in configuration.pools if pool.model is not None]
    meant = [pool for pool in known if name in (None, pool.name)]
    if not meant:
        names = ", ".join(pool.name for pool in known)
        raise ModelError(f"there is no pool {name!r} with a model", hint=f"Pools with a model: {names}.")
    return meant


def _shown(shown: Sequence[Pool], asked: Sequence[Pool]) -> Pool:
    """The pool that the dumps show."""
    if not shown:
        names = " or ".join(pool.name for pool in asked)
        raise ModelError(f"no dump shows the pool {names}", hint="Give a dump of a process that runs it.")
    if len(shown) > 1:
        names = ", ".join(pool.name for pool in shown)
        raise ModelError(f"the dumps show several pools with a model: {names}", hint="Say which: --pool NAME.")
    return shown[0]


def _capture(snapshot: Snapshot, pool: Pool, configuration: Configuration, where: str) -> Capture | None:
    samples = pools.sample(snapshot, [pool])
    if not samples:
        return None
    sizes = {pool.name: samples[0].workers}
    findings = rules.classify(snapshot, configuration.rules, sizes)
    names = [finding.rule.name for finding in findings]
    judged = phases.judge(
        phases.catalogue(), modules=dict(modules(snapshot.stacks)), kubo=None, pools=sizes, caught=names
    )
    shown = held(samples[0], findings, judged)
    if shown is None:
        raise ModelError(f"{where}: {samples[0].workers:,} workers are more than a pool model takes")
    table = snapshot.rows
    ids = frozenset(table["goroutine_id"].drop_nulls().to_list())
    return Capture(shown, _holds(snapshot, pool), ids, max(ids, default=0), where)


def _holds(snapshot: Snapshot, pool: Pool) -> frozenset[tuple[int, int]]:
    """Pairs of a worker and a goroutine that it started, which lives while the worker is held."""
    table = snapshot.rows
    ids = table.filter(pl.Series(mask(pool.worker, index_of(snapshot))))["goroutine_id"]
    started = table.filter(pl.col("creator_id").is_in(ids.implode())).select("creator_id", "goroutine_id")
    return frozenset(started.drop_nulls().iter_rows())


def _apart(captures: Sequence[Capture]) -> tuple[Capture, ...]:
    """Leave out what shows a hold, or a moment, of one that is kept."""
    kept: list[Capture] = []
    for capture in sorted(captures, key=lambda one: one.newest):
        if not any(_together(capture, other) for other in kept):
            kept.append(capture)
    return tuple(kept)


def _together(one: Capture, other: Capture) -> bool:
    if not one.ids or not other.ids:
        return False
    if one.holds & other.holds:
        return True
    same_process = len(one.ids & other.ids) > 0.5 * min(len(one.ids), len(other.ids))
    return same_process and not one.holds and not other.holds and abs(one.newest - other.newest) <= _SAME_MOMENT_IDS
