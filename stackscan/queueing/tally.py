"""Waits counted as they come: sums, and how many lie above any value, by batch of replications.

Values fall into bins that are 1/128 octave wide, taken from the bits of the double (its exponent and the first seven
digits of its fraction), so that a quantile is known to better than 0.8 % and interpolated within.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

#: Batches of every simulation: enough for Student's t, few enough to be long.
BATCHES: Final = 40
#: Shorter waits are rounding.
NO_WAIT_SECONDS: Final = 1e-9
_DIGITS: Final = 7
_SHIFT: Final = 52 - _DIGITS
_LOWEST_OCTAVE, _OCTAVES = -30, 70
_FIRST: Final = (1023 + _LOWEST_OCTAVE) << _DIGITS
_BINS: Final = _OCTAVES << _DIGITS


class Tally:
    """The waits of one simulation, whose replications are a multiple of BATCHES."""

    def __init__(self) -> None:
        self.tasks = 0  # of a batch: the same for all
        self.sums = np.zeros(BATCHES)
        self._counts = np.zeros((BATCHES, _BINS), dtype=np.int64)

    def add(self, waits: Floats) -> None:
        """Count these waits: a row a task, a column a replication."""
        columns = waits.shape[1]
        self.tasks += waits.size // BATCHES
        self.sums += waits.sum(axis=0).reshape(BATCHES, -1).sum(axis=1)
        flat = waits.reshape(-1)
        waited = np.flatnonzero(flat > NO_WAIT_SECONDS)
        batch = waited % columns // (columns // BATCHES)
        bins = batch * _BINS + _bin(flat[waited])
        self._counts += np.bincount(bins, minlength=BATCHES * _BINS).reshape(BATCHES, _BINS)

    @property
    def means(self) -> Floats:
        """The mean wait of each batch, in seconds."""
        return self.sums / self.tasks

    @property
    def waited(self) -> int:
        """How many tasks waited at all, of all batches."""
        return int(self._counts.sum())

    def above(self, seconds: float) -> Floats:
        """The share of each batch's tasks that wait longer."""
        if seconds <= NO_WAIT_SECONDS:
            every: Floats = self._counts.sum(axis=1) / self.tasks
            return every
        place = int(_bin(np.array([seconds], dtype=np.float64))[0])
        low, high = edge(place), edge(place + 1)
        part = min(max((high - seconds) / (high - low), 0.0), 1.0)
        more = self._counts[:, place + 1 :].sum(axis=1) + part * self._counts[:, place]
        found: Floats = more / self.tasks
        return found

    def crude_place(self, share_above: float) -> int | None:
        """The bin in which the wait lies that this share of all tasks exceeds; None where fewer wait at all."""
        more = np.cumsum(self._counts.sum(axis=0)[::-1])[::-1] / (self.tasks * BATCHES)
        reached = np.flatnonzero(more > share_above)
        return int(reached[-1]) if len(reached) else None


def edge(place: int) -> float:
    """The lower end of a bin, in seconds."""
    octave, digits = divmod(place, 1 << _DIGITS)
    return float(2.0 ** (octave + _LOWEST_OCTAVE) * (1 + digits / (1 << _DIGITS)))


def _bin(values: Floats) -> Places:
    found: Places = np.clip((values.view(np.int64) >> _SHIFT) - _FIRST, 0, _BINS - 1)
    return found
