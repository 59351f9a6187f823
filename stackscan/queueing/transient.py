"""A jump: silent peers arrive at once. How long until the pool is full, and how long until it is well again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.errors import ModelError
from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.projection import Jump, Moments

Floats = NDArray[np.float64]

_REPLICATIONS: Final = 400
#: Silent sends of one replication that are followed; more cannot be in bounded time.
MOST_SENDS: Final = 50_000
_SEED: Final = 1


def jump(demand: Demand, *, silent_fraction_before: float, lasting_seconds: float) -> Jump:
    """Follow the workers that silent peers hold through a jump of the silent fraction, by simulation.

    Raises ModelError when the demand before the jump saturates the pool already, or for more than MOST_SENDS.
    """
    calm = replace(demand, silent_fraction=silent_fraction_before)
    lasting = checks.positive(lasting_seconds, "jump (seconds)", most=checks.MOST_SECONDS)
    if calm.saturated:
        raise ModelError("the pool is saturated before the jump", hint="Give a smaller --jump-from, or more workers.")
    deadline, c = demand.close_deadline_seconds, demand.workers
    rates = calm.rate_per_second * calm.silent_fraction, demand.rate_per_second * demand.silent_fraction
    backlog = max(0.0, demand.stall_load_erlangs - c) * lasting / deadline  # silent sends that wait at its end
    drain = deadline * (3 + 3 * (backlog + 3 * math.sqrt(c)) / (c - calm.stall_load_erlangs))
    spans = ((3 * deadline, rates[0]), (lasting, rates[1]), (drain, rates[0]))  # the first settles the pool
    sends = sum(span * rate for span, rate in spans)
    if sends > MOST_SENDS or c > MOST_SENDS:
        raise ModelError(
            f"a jump with {sends:,.0f} silent sends on {c:,} workers is more than is followed ({MOST_SENDS:,})",
            hint="Give a shorter --jump-time, or leave the jump out.",
        )
    full, drained = _follow(c, deadline, spans)
    return Jump(
        before=silent_fraction_before,
        lasting_seconds=lasting,
        time_to_full=_moments(full),
        time_to_drain=_moments(drained),
        fluid_time_to_full_seconds=_fluid(demand, calm, lasting),
        method=f"simulation ({_REPLICATIONS} replications, seed {_SEED})",
    )


def _follow(c: int, deadline: float, spans: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """When the pool was first full within the jump, and when it was free after it; infinite where it was not."""
    random = np.random.default_rng(_SEED)
    lasting = spans[1][0]
    full, drained = np.full(_REPLICATIONS, np.inf), np.full(_REPLICATIONS, np.inf)
    for row in range(_REPLICATIONS):
        arrivals = _arrivals(random, spans)
        starts = _starts(arrivals, c, deadline)
        # a start is the c-th when the oldest of the last c still holds
        reach = max(0, len(starts) - c + 1)
        held = arrivals[c - 1 :][starts[c - 1 :] < starts[:reach] + deadline]
        within = held[(held >= 0) & (held < lasting)]
        full[row] = within[0] if len(within) else np.inf
        drained[row] = _free_from(starts, c, deadline, lasting) - lasting
    return full, drained[np.isfinite(full)]


def _arrivals(random: np.random.Generator, spans: tuple[tuple[float, float], ...]) -> Floats:
    times, begin = [], -spans[0][0]
    for span, rate in spans:
        times.append(np.sort(random.uniform(begin, begin + span, random.poisson(span * rate))))
        begin += span
    return np.concatenate(times)


def _starts(arrivals: Floats, c: int, deadline: float) -> Floats:
    """First come first served, all equally long: a send starts when it is there and the c-th before it is done."""
    starts = arrivals.copy()
    for begin in range(c, len(starts), c):
        part = slice(begin, min(begin + c, len(starts)))
        before = starts[part.start - c : part.stop - c]
        np.maximum(starts[part], before + deadline, out=starts[part])
    return starts


def _free_from(starts: Floats, c: int, deadline: float, moment: float) -> float:
    """The first time from ``moment`` on at which a worker is free and nobody waits."""
    if len(starts) < c:
        return moment
    # send n leaves none free, or somebody waiting, from its start until send n - c + 1 is done
    ends = starts[: len(starts) - c + 1] + deadline
    begins = starts[c - 1 :]
    free = moment
    for begin, end in zip(begins[ends > moment], ends[ends > moment], strict=True):
        if begin > free:
            break
        free = max(free, end)
    return free


def _fluid(demand: Demand, calm: Demand, lasting: float) -> float | None:
    rise = demand.stall_load_erlangs - calm.stall_load_erlangs
    missing = demand.workers - calm.stall_load_erlangs
    seconds = demand.close_deadline_seconds * missing / rise if rise > 0 else math.inf
    return seconds if seconds <= min(lasting, demand.close_deadline_seconds) else None


def _moments(times: Floats) -> Moments:
    if not len(times):
        return Moments(0.0, None, None, None)
    low, middle, high = (float(t) for t in np.percentile(times, (5, 50, 95), method="inverted_cdf"))
    finite = (t if math.isfinite(t) else None for t in (low, middle, high))
    return Moments(float(np.isfinite(times).mean()), *finite)
