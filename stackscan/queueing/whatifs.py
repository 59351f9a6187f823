"""The same tasks on another pool: more workers, a shorter deadline."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.demand import Demand
from stackscan.queueing.estimate import Estimate, named_intervals
from stackscan.queueing.planning import Target, workers_needed
from stackscan.queueing.projection import WhatIf
from stackscan.queueing.waits import Measured, waits_of

#: A shorter deadline than go-libp2p's 10 s: still twenty round trips around the world.
_SHORTER_SECONDS: Final = 2.0
#: Enough workers: 99% of tasks wait no longer than this.
ENOUGH_WAIT_SECONDS: Final = 0.1
ENOUGH_SHARE: Final = 0.99
#: Tasks simulated for a pool that is not there: two digits are enough, and the interval says what they are worth.
_TASKS: Final = 4_000_000


def what_ifs(demand: Demand, *, probe_timeout_seconds: float, censored: bool = False) -> tuple[WhatIf, ...]:
    """What changes with twice the workers, with enough of them, and with a shorter deadline. ``censored``: the load is
    a lower bound, and with it every load and wait here; as it is, the pool is full."""
    if not demand.stall_load_erlangs:
        return ()
    workers, deadline = demand.workers, demand.close_deadline_seconds
    shorter = min(_SHORTER_SECONDS, deadline / 5)
    enough = workers_needed(demand, Target(ENOUGH_WAIT_SECONDS, ENOUGH_SHARE))
    cases = [] if censored else [("as-is", "no change", demand)]
    if workers * 2 <= checks.MOST_WORKERS:
        cases.append(("more-workers", "twice the workers", replace(demand, workers=workers * 2)))
    if enough is not None and enough not in (workers, workers * 2):
        says = f"99% wait less than {ENOUGH_WAIT_SECONDS:g} s"
        cases.append(("enough-workers", says, replace(demand, workers=enough)))
    says = f"{shorter:g} s close deadline (now {deadline:g} s)"
    cases.append(("shorter-deadline", says, replace(demand, close_deadline_seconds=shorter)))
    return tuple(_what_if(name, says, case, probe_timeout_seconds) for name, says, case in cases)


def _what_if(name: str, says: str, case: Demand, probe_seconds: float) -> WhatIf:
    mean = None
    chance = late = Estimate.exactly(1.0)
    if not case.saturated:
        waits = waits_of(case)
        if isinstance(waits, Measured) and name != "as-is":
            waits = replace(waits, most_tasks=_TASKS)
        chance, mean, late = waits.wait_probability(), waits.mean_seconds(), waits.exceeds(probe_seconds)
    return WhatIf(
        name=name,
        says=says,
        workers=case.workers,
        stall_load_erlangs=case.stall_load_erlangs,
        saturated=case.saturated,
        wait_probability=chance.value,
        mean_wait_seconds=None if mean is None else mean.value,
        probe_timeout_probability=late.value,
        intervals=named_intervals(wait_probability=chance, mean_wait_seconds=mean, probe_timeout_probability=late),
    )
