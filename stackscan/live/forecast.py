"""From the history of a pool to the question for the model: when will it be full?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from stackscan.queueing.filling import Forecast, forecast
from stackscan.queueing.trend import Reading

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.live.moments import Moment

#: A pool whose number of workers changed within the last so many moments has no fixed size, and is never full.
_SAME_SIZE: Final = 6


def forecast_of(
    sample: PoolSample, moments: Iterable[Moment], *, endless: bool = False, sends: Sequence[Reading] = ()
) -> Forecast | None:
    """The forecast for a pool as it is now, with its history; None: it is no pool of a fixed size.

    ``endless``: a worker that is taken never comes back. ``sends`` are means that the process itself counted.
    """
    if not sample.idle_states:
        return None
    every = tuple(moments)
    kept = _same_size(every, sample.workers)
    model = sample.pool.model
    if not kept or (model is None and len(kept) < min(_SAME_SIZE, len(every))):
        return None
    first = kept[0].at.timestamp()
    return forecast(
        [Reading(one.at.timestamp(), float(one.busy)) for one in kept],
        workers=sample.workers,
        holding_seconds=None if model is None else model.holding_seconds,
        endless=endless,
        sends=[one for one in sends if one.at_seconds >= first],
    )


def _same_size(moments: Sequence[Moment], workers: int) -> Sequence[Moment]:
    """The moments since the pool has had this size: before, the program was another, or had other settings."""
    first = next((at for at in range(len(moments), 0, -1) if moments[at - 1].workers != workers), 0)
    return moments[first:]
