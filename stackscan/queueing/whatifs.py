"""The same silent peers on another pool: more workers, a shorter deadline."""

from __future__ import annotations

from typing import Final

from stackscan.queueing import checks
from stackscan.queueing.deterministic import DeterministicQueue
from stackscan.queueing.projection import WhatIf

#: A shorter deadline than go-libp2p's 10 s: still twenty round trips around the world.
_SHORTER_SECONDS: Final = 2.0
#: Enough workers: 99% of tasks wait no longer than this.
ENOUGH_WAIT_SECONDS: Final = 0.1
ENOUGH_SHARE: Final = 0.99


def what_ifs(
    workers: int, load_erlangs: float, *, holding_seconds: float, probe_timeout_seconds: float, censored: bool = False
) -> tuple[WhatIf, ...]:
    """What changes with twice the workers, with enough of them, and with a shorter deadline. ``censored``: the load is
    a lower bound, and with it every load and wait here; as it is, the pool is full."""
    if not load_erlangs:
        return ()
    shorter = min(_SHORTER_SECONDS, holding_seconds / 5)
    enough = _enough(load_erlangs, holding_seconds)
    cases = [] if censored else [("as-is", "as it is", workers, load_erlangs, holding_seconds)]
    if workers * 2 <= checks.MOST_WORKERS:
        cases.append(("more-workers", "twice the workers", workers * 2, load_erlangs, holding_seconds))
    if enough is not None and enough not in (workers, workers * 2):
        says = f"99% wait below {ENOUGH_WAIT_SECONDS:g} s"
        cases.append(("enough-workers", says, enough, load_erlangs, holding_seconds))
    says = f"a deadline of {shorter:g} s, not {holding_seconds:g} s"
    cases.append(("shorter-deadline", says, workers, load_erlangs * shorter / holding_seconds, shorter))
    return tuple(_what_if(*case, probe_timeout_seconds) for case in cases)


def _enough(load: float, holding: float) -> int | None:
    low, high = int(load), int(load) + 1
    while high <= checks.MOST_WORKERS and not _is_enough(high, load, holding):
        low, high = high, high + max(1, high - int(load))
    if high > checks.MOST_WORKERS:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_enough(middle, load, holding) else (middle, high)
    return high


def _is_enough(workers: int, load: float, holding: float) -> bool:
    if not workers or load > checks.below_saturation(workers):
        return False
    return DeterministicQueue(workers, load, holding).exceeds(ENOUGH_WAIT_SECONDS) <= 1 - ENOUGH_SHARE


def _what_if(name: str, says: str, workers: int, load: float, holding: float, probe: float) -> WhatIf:
    if load > checks.below_saturation(workers):
        return WhatIf(
            name=name,
            says=says,
            workers=workers,
            stall_load_erlangs=load,
            saturated=True,
            wait_probability=1.0,
            mean_wait_seconds=None,
            probe_timeout_probability=1.0,
        )
    queue = DeterministicQueue(workers, load, holding)
    return WhatIf(
        name=name,
        says=says,
        workers=workers,
        stall_load_erlangs=load,
        saturated=False,
        wait_probability=queue.wait_probability,
        mean_wait_seconds=queue.mean_wait_seconds,
        probe_timeout_probability=queue.exceeds(probe),
    )
