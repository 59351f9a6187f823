"""Erlang's formulas: exponential holding times. The sanity bound beside the exact model of a fixed holding time.

Source: A. K. Erlang, Solution of some Problems in the Theory of Probabilities of Significance in Automatic Telephone
Exchanges (1917).
"""

from __future__ import annotations

import math

from scipy import special

from stackscan.queueing import checks


def erlang_b(workers: int, load_erlangs: float) -> float:
    """The probability that all of ``workers`` are taken where nobody queues (M/G/c/c), 0 to 1."""
    workers = checks.whole(workers, "workers", least=1, most=checks.MOST_WORKERS)
    load = checks.between(load_erlangs, "load (erlangs)", least=0, most=checks.MOST_LOAD)
    if not load:
        return 0.0
    # Poisson(load) at c, of what it has up to c; both by functions that hold for 10^9 workers
    up_to = special.gammaincc(workers + 1.0, load)
    return min(1.0, math.exp(log_poisson(workers, load)) / up_to) if up_to > 1e-280 else _overloaded(workers, load)


def _overloaded(workers: int, load: float) -> float:
    """Far beyond saturation: what is served is ``workers`` of ``load``."""
    return 1 - workers / load


def erlang_c(workers: int, load_erlangs: float) -> float:
    """P(wait) in M/M/c, 0 to 1; 1 from saturation on."""
    blocked = erlang_b(workers, load_erlangs)
    if load_erlangs >= workers:
        return 1.0
    utilization = load_erlangs / workers
    return blocked / (1 - utilization * (1 - blocked))


def mean_wait_seconds(workers: int, load_erlangs: float, *, holding_seconds: float) -> float | None:
    """The mean wait in M/M/c, in seconds; None from saturation on."""
    holding = checks.positive(holding_seconds, "holding time (seconds)", most=checks.MOST_SECONDS)
    if load_erlangs >= workers:
        return None
    return erlang_c(workers, load_erlangs) * holding / (workers - load_erlangs)


def log_poisson(k: float, mean: float) -> float:
    """The logarithm of Poisson(mean) at ``k``, by its distance from the mean: exact also where k·log k would swallow
    all digits (C. Loader, Fast and Accurate Computation of Binomial Probabilities, 2000)."""
    if k < 20:
        return float(special.xlogy(k, mean) - mean - special.gammaln(k + 1))
    off = (mean - k) / k
    deviance = k * (off - math.log1p(off)) if off > -1 else math.inf
    series = 1 / (12 * k) - 1 / (360 * k**3) + 1 / (1260 * k**5)
    return -deviance - 0.5 * math.log(2 * math.pi * k) - series
