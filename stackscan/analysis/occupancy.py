"""Counts what the workers of a pool are doing in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackscan.knowledge.language import Index, Kind, index_of, kind_of_rows, select
from stackscan.knowledge.language.index import Numbers
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


def sample(snapshot: Snapshot, pools: Iterable[Pool]) -> tuple[PoolSample, ...]:
    """The pools with at least as many workers in the snapshot as their descriptions require."""
    index = index_of(snapshot)
    samples = (_sample(pool, index) for pool in pools)
    return tuple(found for found in samples if found is not None)


def _sample(pool: Pool, index: Index) -> PoolSample | None:
    workers = select(pool.worker, index)
    count = index.count(workers)
    if count < max(pool.fewest_workers, 1):
        return None
    states = _sorted(pool.states, index, workers)
    detail = {}
    for place, state in enumerate(pool.states):
        rows = workers[states == place]
        if state.detail and len(rows):
            finer = _counts(state.detail, _sorted(state.detail, index, rows), index, rows)
            detail[state.name] = {name: count for name, count in sorted(finer.items()) if count}
    counts = _counts(pool.states, states, index, workers)
    idle = sum(counts[state.name] for state in pool.states if state.idle)
    return PoolSample(
        pool=pool,
        workers=count,
        occupancy=(count - idle) / count,
        states=counts | {OTHER: index.count(workers[states < 0])},
        detail={name: finer for name, finer in sorted(detail.items()) if finer},
    )


def _sorted(states: Sequence[State], index: Index, rows: Numbers) -> Numbers:
    """For each of these goroutines the place of its state; -1: none."""
    return kind_of_rows([Kind(state.name, state.when) for state in states], index, rows)


def _counts(states: Sequence[State], places: Numbers, index: Index, rows: Numbers) -> dict[str, int]:
    return {state.name: index.count(rows[places == place]) for place, state in enumerate(states)}
