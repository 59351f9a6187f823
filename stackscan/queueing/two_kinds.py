"""A pool of two kinds of tasks, first come first served, in many replications side by side.

Every replication is exact (Kiefer and Wolfowitz 1955: a task takes the worker that is free first). Tasks of one kind
hold a worker equally long and start in the order in which they came, so they end in that order, too: the workers' free
times are two sorted lines, one a kind, and the earliest is at the head of one of them. A task costs the same whatever
the number of workers; the arrays run over replications, so one step of Python moves all of them on by a task.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class TwoKindPool:
    """A pool in many replications, its workers free at time 0 unless :meth:`begin` sets other times."""

    def __init__(self, workers: int, replications: int) -> None:
        self.workers, self.replications = workers, replications
        self._lines = np.full((2, workers, replications), np.inf)  # free times after short tasks, after long ones
        self._lines[0] = 0.0
        self._counts = np.zeros((2, replications), dtype=np.intp)
        self._counts[0] = workers

    def begin(self, free: Floats, long: Flags) -> None:
        """Begin with workers that are free at these times (shape: workers × replications), held by tasks that are
        ``long`` or not."""
        self._lines[0] = np.sort(np.where(long, np.inf, free), axis=0)
        self._lines[1] = np.sort(np.where(long, free, np.inf), axis=0)
        self._counts[1] = long.sum(axis=0)
        self._counts[0] = self.workers - self._counts[1]

    @property
    def first_free(self) -> Floats:
        """When a worker is free next, a number a replication."""
        found: Floats = self._lines[:, 0].min(axis=0)
        return found

    def serve(self, arrivals: Floats, long: Flags, *, short_seconds: float, long_seconds: float) -> Floats:
        """Serve tasks, a row a task in the order of their arrival, a column a replication. Returns when the worker that
        each takes is free; a task waits as long as that lies after its arrival."""
        steps, width = arrivals.shape
        rows = self.workers + steps
        lines = np.full((2, rows, width), np.inf)
        lines[:, : self.workers] = self._lines
        flat, column = lines.reshape(-1), np.arange(width)
        short_head, long_head = column.copy(), column + rows * width
        so_far = np.cumsum(long, axis=0)
        others = np.arange(1, steps + 1)[:, np.newaxis] - so_far
        # where the end of each task goes: behind all of its kind
        place = np.where(long, rows + self._counts[1] + so_far - 1, self._counts[0] + others - 1) * width + column
        holds = np.where(long, long_seconds, short_seconds)
        free = np.empty((steps, width))
        ends, beside = np.empty(width), np.empty(width)
        is_short, on = np.empty(width, dtype=np.bool_), np.empty(width, dtype=np.intp)
        for step in range(steps):
            flat.take(short_head, out=ends, mode="clip")  # "clip" spares a copy; no index is ever out of range
            flat.take(long_head, out=beside, mode="clip")
            np.minimum(ends, beside, out=free[step])
            np.less_equal(ends, beside, out=is_short)
            np.multiply(is_short, width, out=on)
            np.add(short_head, on, out=short_head)
            np.subtract(width, on, out=on)
            np.add(long_head, on, out=long_head)
            np.maximum(free[step], arrivals[step], out=ends)
            np.add(ends, holds[step], out=ends)
            flat[place[step]] = ends
        used = np.stack([short_head - column, long_head - column - rows * width]) // width
        self._counts += np.stack([others[-1], so_far[-1]]) - used
        left = used[:, np.newaxis, :] + np.arange(self.workers)[np.newaxis, :, np.newaxis]
        self._lines = np.take_along_axis(lines, left, axis=1)
        return free
