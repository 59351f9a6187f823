"""From the history of a pool to the question for the model: when will it be full?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackscan.queueing.filling import Forecast, forecast
from stackscan.queueing.trend import Reading

if TYPE_CHECKING:
    from stackscan.analysis.occupancy import PoolSample
    from stackscan.live.moments import Moment


def forecast_of(
    sample: PoolSample, moments: Sequence[Moment], *, endless: bool = False, sends: Sequence[Reading] = ()
) -> Forecast | None:
    """The forecast for a pool as it is now, with its history; None: it is no pool of a fixed size.

    ``endless``: a worker that is taken never comes back. ``sends`` are means that the process itself counted.
    """
    if not sample.is_bounded:
        return None
    kept = _same_size(moments, sample.workers)
    model = sample.pool.model
    if not kept or (model is None and not _is_fixed(moments)):
        return None
    first = kept[0].at.timestamp()
    return forecast(
        [Reading(one.at.timestamp(), float(one.busy)) for one in kept],
        workers=sample.workers,
        holding_seconds=None if model is None else model.holding_seconds,
        endless=endless,
        sends=[one for one in sends if one.at_seconds >= first],
    )


def _is_fixed(moments: Sequence[Moment]) -> bool:
    """Whether a pool without a model has a fixed size: it never had another, and workers that nobody needs wait.

    The connections of a server, all in use and as many as before, are no pool that is full.
    """
    return all(one.workers == moments[0].workers for one in moments) and any(one.busy < one.workers for one in moments)


def _same_size(moments: Sequence[Moment], workers: int) -> Sequence[Moment]:
    """The moments since the pool has had this size: before, the program was another, or had other settings."""
    first = next((at for at in range(len(moments), 0, -1) if moments[at - 1].workers != workers), 0)
    return moments[first:]
