"""After the fix: the worker only writes, and each close runs in a separate goroutine until it ends.

Closes in flight are M/G/∞: Poisson, whatever the closes' lengths, with mean ``λ·(p·D + (1-p)·r)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from stackscan.queueing import checks, special
from stackscan.queueing.demand import Demand

#: A pending close is two goroutines: the closer and its companion that reads the handshake (boxo #1144).
GOROUTINES_A_CLOSE: Final = 2
#: A stack of Go begins with 2 KiB and doubles; the frames of these two are taken to need 8 KiB.
STACK_BYTES: Final = 8192
#: Streams to one peer that may be unacknowledged (yamux's and go-libp2p's default for QUIC).
STREAMS_A_PEER: Final = 256


@dataclass(frozen=True, slots=True)
class Closers:
    """Closes in flight in the steady state: their mean and what they do not exceed in 99.9 % of moments."""

    mean: float
    p999: int
    goroutines_p999: int
    memory_bytes_p999: int


def closers(load_erlangs: float) -> Closers:
    """Closes in flight at this load (erlangs)."""
    load = checks.between(load_erlangs, "load (erlangs)", least=0, most=checks.MOST_LOAD)
    most = poisson_quantile(load, 0.999)
    goroutines = GOROUTINES_A_CLOSE * most
    return Closers(load, most, goroutines, goroutines * STACK_BYTES)


def closers_of(demand: Demand) -> Closers:
    """Closes in flight at this demand, as far as the workers can write it."""
    capacity = demand.detached().capacity_per_second
    served = demand.rate_per_second if capacity is None else min(demand.rate_per_second, capacity)
    close = demand.silent_fraction * demand.close_deadline_seconds
    return closers(served * (close + (1 - demand.silent_fraction) * demand.answer_seconds))


def poisson_quantile(mean: float, share: float) -> int:
    """The smallest k with P(Poisson(mean) <= k) >= share. Beyond 10^9 by Cornish and Fisher, right to the last digit
    that a double has."""
    if mean == 0:
        return 0
    z = special.ndtri(share)
    near = round(mean + z * math.sqrt(mean) + (z * z - 1) / 6)
    if mean > 1e9:
        return near
    k = max(0, near)
    while _at_most(k, mean) < share:
        k += 1
    while k and _at_most(k - 1, mean) >= share:
        k -= 1
    return k


def _at_most(k: int, mean: float) -> float:
    """P(Poisson(mean) <= k)."""
    return 1 - float(special.gammainc(k + 1, mean))


def stream_bound_seconds(demand: Demand, peers: int) -> float:
    """The seconds after which the silent streams to one of ``peers`` silent peers use up STREAMS_A_PEER.

    Below the deadline the stall moves from the close to the opening of the next stream, in the worker again.
    """
    checks.whole(peers, "peers", least=1, most=checks.MOST_WORKERS)
    silent_rate = demand.rate_per_second * demand.silent_fraction / peers
    return STREAMS_A_PEER / silent_rate if silent_rate else math.inf
