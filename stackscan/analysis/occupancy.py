"""Counts what the workers of a pool are doing in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stackscan.knowledge.language import Catalogue, Index, Kind, index_of, kind_of_rows, select, select_in
from stackscan.knowledge.language.index import Rows
from stackscan.knowledge.pool import OTHER, Pool, State
from stackscan.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PoolSample:
    """The occupancy of one pool in one snapshot.

    ``states`` counts all workers by state (the states of the pool's description and ``other``); ``detail`` counts the
    finer states seen within each; ``occupancy`` is the share of workers that are not idle, 0 to 1.
    """

    pool: Pool
    workers: int
    occupancy: float
    states: dict[str, int]
    detail: dict[str, dict[str, int]]

    @property
    def idle_states(self) -> frozenset[str]:
        """Names of the states that leave a worker free."""
        return frozenset(state.name for state in self.pool.states if state.idle)

    @property
    def is_bounded(self) -> bool:
        """Whether it can be full: it has no more workers than these, and its description tells busy ones from idle."""
        return bool(self.idle_states) and not self.pool.unbounded


_CATALOGUES: Final[dict[int, tuple[Sequence[Pool], Catalogue]]] = {}


def _catalogue_of(pools: Sequence[Pool]) -> Catalogue:
    """The workers' conditions; the same object's are compiled once."""
    known = _CATALOGUES.get(id(pools))
    if known is None or known[0] is not pools or known[1].is_void:
        _CATALOGUES.clear()  # a run has one configuration
        known = _CATALOGUES[id(pools)] = pools, Catalogue.of(pool.worker for pool in pools)
    return known[1]


def sample(snapshot: Snapshot, pools: Sequence[Pool]) -> tuple[PoolSample, ...]:
    """The pools with at least as many workers in the snapshot as their descriptions require."""
    index, catalogue = index_of(snapshot), _catalogue_of(pools)
    possible = catalogue.possible(index)
    samples = (
        _sample(pools[place], select_in(catalogue.expressions[place], index, possible[place]), index)
        for place in sorted(possible)
    )
    return tuple(found for found in samples if found is not None)


def workers_of(pool: Pool, snapshot: Snapshot) -> list[tuple[int, bool]]:
    """The row of each worker of a pool, and whether it is busy."""
    index = index_of(snapshot)
    rows = select(pool.worker, index)
    idle = {place for place, state in enumerate(pool.states) if state.idle}
    return [(row, at not in idle) for row, at in zip(rows, _sorted(pool.states, index, rows), strict=True)]


def _sample(pool: Pool, workers: Rows, index: Index) -> PoolSample | None:
    count = index.count(workers)
    if count < max(pool.fewest_workers, 1):
        return None
    states = _sorted(pool.states, index, workers)
    detail = {}
    for place, state in enumerate(pool.states):
        rows = _at(place, states, workers)
        if state.detail and rows:
            finer = _counts(state.detail, _sorted(state.detail, index, rows), index, rows)
            detail[state.name] = {name: count for name, count in sorted(finer.items()) if count}
    counts = _counts(pool.states, states, index, workers)
    idle = sum(counts[state.name] for state in pool.states if state.idle)
    return PoolSample(
        pool=pool,
        workers=count,
        occupancy=(count - idle) / count,
        states=counts | {OTHER: index.count(_at(-1, states, workers))},
        detail={name: finer for name, finer in sorted(detail.items()) if finer},
    )


def _sorted(states: Sequence[State], index: Index, rows: Rows) -> list[int]:
    """For each of these goroutines the place of its state; -1: none."""
    return kind_of_rows([Kind(state.name, state.when) for state in states], index, rows)


def _at(place: int, places: Sequence[int], rows: Rows) -> list[int]:
    return [row for row, at in zip(rows, places, strict=True) if at == place]


def _counts(states: Sequence[State], places: Sequence[int], index: Index, rows: Rows) -> dict[str, int]:
    return {state.name: index.count(_at(place, places, rows)) for place, state in enumerate(states)}
