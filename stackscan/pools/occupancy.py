"""Counts what the workers of a pool are doing in one snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackscan.pools.description import OTHER, Pool, State
from stackscan.snapshot import Snapshot, Stack


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
    """The pools that have at least one worker in the snapshot."""
    counts = dict(snapshot.goroutines.group_by("stack_id").len().iter_rows())
    samples = (_sample(pool, snapshot.stacks, counts) for pool in pools)
    return tuple(found for found in samples if found is not None)


def _sample(pool: Pool, stacks: Sequence[Stack], counts: dict[int, int]) -> PoolSample | None:
    states: Counter[str] = Counter()
    detail: dict[str, Counter[str]] = {}
    idle = 0
    for stack_id, count in counts.items():
        stack = stacks[stack_id]
        if pool.worker.decide(stack) is None:
            continue
        state = _first(pool.states, stack)
        name = state.name if state else OTHER
        states[name] += count
        if state is not None:
            idle += count if state.idle else 0
            finer = _first(state.detail, stack)
            if finer is not None:
                detail.setdefault(name, Counter())[finer.name] += count
    workers = states.total()
    if not workers:
        return None
    names = [*(state.name for state in pool.states), OTHER]
    return PoolSample(
        pool=pool,
        workers=workers,
        occupancy=(workers - idle) / workers,
        states={name: states[name] for name in names},
        detail={name: dict(sorted(found.items())) for name, found in sorted(detail.items())},
    )


def _first(states: Sequence[State], stack: Stack) -> State | None:
    return next((state for state in states if state.when.decide(stack) is not None), None)
