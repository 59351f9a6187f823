"""How many workers dumps of a pool would show held, taken at given times, at a given load: many draws of all of them.

The number in system is exactly ``N(t) = max(N(t - D) - c, 0) + A(t - D, t)`` for every t (Crommelin 1932): all who were
held have left, those who queued are held, A have come. So on a grid of times that divides the holding time, counts of
arrivals in its slots are all the chance there is. Times are in holding times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing.deterministic import DeterministicQueue

Counts = NDArray[np.int64]

#: Slots of a holding time: the first that meet every gap between two dumps well enough, or the last.
_GRIDS: Final = (1, 2, 4, 8, 16)
_WELL_ENOUGH: Final = 0.03
#: Beyond so many holding times, in which also the queue forgets, dumps are independent.
_INDEPENDENT: Final = 4.0
#: Every count has its right law from the beginning; so long it takes until counts of different phases know each other.
_SETTLING: Final = 12.0


def draws(workers: int | None, load: float, at: Sequence[float], *, replications: int, seed: int) -> Counts:
    """Counts of held workers, a row a dump in the order of time, a column a draw. ``workers`` None: nothing limits
    them, as of closes beside the pool."""
    times = _times(at, _forgotten_after(workers, load))
    slots = next((n for n in _GRIDS if np.abs(times - np.round(times * n) / n).max() <= _WELL_ENOUGH), _GRIDS[-1])
    places = np.round(times * slots).astype(np.int64)
    settle = 0 if workers is None else slots * math.ceil(min(_forgotten_after(workers, load), _SETTLING))
    random = np.random.default_rng(seed)
    arrivals = random.poisson(load / slots, (slots + settle + int(places[-1]) + 1, replications))
    within = np.cumsum(arrivals, axis=0)
    within[slots:] -= within[:-slots]
    within = within[slots:]  # arrivals of one holding time up to each slot
    if workers is None:
        return within[settle + places]
    number = within
    begun = _queue(workers, load, random, replications)
    for place in range(len(number)):
        before = begun if place < slots else np.maximum(number[place - slots] - workers, 0)
        number[place] += before
    return np.minimum(number[settle + places], workers)


def _queue(workers: int, load: float, random: np.random.Generator, replications: int) -> Counts:
    """Who waits, from the steady state."""
    queue = DeterministicQueue(workers, load, 1.0)
    if not queue.is_exact:
        return np.zeros(replications, dtype=np.int64)
    return np.searchsorted(np.cumsum(queue.queue_law), random.random(replications)).astype(np.int64)


def _times(at: Sequence[float], most: float) -> NDArray[np.float64]:
    """The times in order, from 0; a gap that makes captures independent is no longer than it must be."""
    gaps = np.minimum(np.diff(np.sort(np.asarray(at, dtype=np.float64))), most)
    return np.concatenate([[0.0], np.cumsum(gaps)])


def _forgotten_after(workers: int | None, load: float) -> float:
    """Holding times until a dump tells nothing of a later one: one in which all holds end, and those in which the queue
    wanders as far as it lasts."""
    if workers is None:
        return 1.0 + _WELL_ENOUGH
    spare = 1 - load / workers
    return min(_INDEPENDENT + 3 * load / (workers * spare) ** 2, 400.0)
