"""The incomplete gamma function and its inverse: what Poisson counts need.

Against scipy 1.17, for a up to 10^5: values to 10^-10, quantiles of 10^-6 to 1 - 10^-6 to 10^-9. For larger a,
scipy ends its series too early where x is more than 4.5 standard deviations below a; the values here are those of an
integral of the density.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stackscan.queueing.special.newton import quantile
from stackscan.queueing.special.stirling import LARGE, log1p_less, stirling_rest

Floats = NDArray[np.float64]

#: A term smaller than this part of its sum changes no digit of it.
_SMALLEST: Final = 1e-17
#: A factor so near to 1 is rounding.
_ROUNDING: Final = 2e-15
#: Iterations that no series or continued fraction here needs: a bound, so that every call ends.
_MOST: Final = 100_000
#: Temme's expansion is used from a = 20 on, where x is within this part of it: there the series are slow.
_NEAR: Final = 0.3
#: Up to this x the series has few terms, whatever ``a`` is.
_SHORT: Final = 30.0
#: Powers of 1/a and of η in Temme's expansion: with a >= 20 the rest is below 1e-15.
_ORDERS: Final = 12
_POWERS: Final = 22


def gammainc(a: Floats | float, x: Floats | float) -> Floats:
    """The regularised lower incomplete gamma function P(a, x), a > 0, x >= 0; P(Poisson(x) >= a) for a whole ``a``."""
    wide_a, wide_x = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(x, dtype=np.float64))
    flat_a, flat_x = wide_a.ravel(), wide_x.ravel()
    found = np.zeros(flat_a.shape)
    near = (flat_a > LARGE) & (np.abs(flat_x - flat_a) <= _NEAR * flat_a)
    below = ~near & (flat_x < np.maximum(flat_a, _SHORT))
    for where, part in ((near, _by_temme), (below, _by_series), (~near & ~below, _by_fraction)):
        if where.any():
            found[where] = part(flat_a[where], flat_x[where])
    return found.reshape(wide_a.shape)


def gammaincinv(a: float, share: float) -> float:
    """The x with P(a, x) = ``share``, for 0 < share < 1. The upper end of the mean of a Poisson count, for one."""
    log_gamma = math.lgamma(a)

    def step(log_x: float) -> tuple[float, float]:
        x = math.exp(log_x)
        here = float(gammainc(a, x))
        density = math.exp(a * log_x - x - log_gamma) if a < LARGE else a * float(np.exp(log_poisson(a, x)))
        return here, density

    return math.exp(quantile(step, math.log(a), share))


def log_poisson(k: Floats | float, mean: Floats | float) -> Floats:
    """The logarithm of ``mean^k · e^-mean / k!``, k >= 0, mean >= 0: of Poisson(mean) at ``k``.

    By the distance from the mean, which is exact also where k·log k would swallow all digits (Loader 2000).
    """
    k, mean = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(mean, dtype=np.float64))
    at = np.maximum(k, LARGE)
    deviance = at * log1p_less((mean - at) / at, mean / at)
    found = np.asarray(deviance - 0.5 * np.log(2 * math.pi * at) - stirling_rest(at))
    few = np.flatnonzero(k < LARGE)
    if len(few):
        logs = [_few(n, x) for n, x in zip(k.ravel()[few].tolist(), mean.ravel()[few].tolist(), strict=True)]
        found.ravel()[few] = logs
    return found


def _few(k: float, mean: float) -> float:
    """log_poisson for a small ``k``."""
    log_mean = math.log(mean) if mean else -math.inf
    return (k * log_mean if k else 0.0) - mean - math.lgamma(k + 1)


def _by_series(a: Floats, x: Floats) -> Floats:
    """P(a, x) where x is below a, or small (DLMF 8.11.4)."""
    term, total, n = np.ones_like(x), np.ones_like(x), 0
    while n < _MOST and (term > _SMALLEST * total).any():
        n += 1
        term = term * (x / (a + n))
        total += term
    return np.minimum(np.exp(log_poisson(a, x)) * total, 1.0)


def _by_fraction(a: Floats, x: Floats) -> Floats:
    """P(a, x) where x is above a: 1 less the continued fraction of Q(a, x) (DLMF 8.9.2), by Lentz's method."""
    b = x + 1 - a
    c, d = np.full_like(x, 1e300), 1 / b
    found, n, off = d, 0, np.zeros_like(x)
    while n < _MOST and (np.abs(off - 1) > _ROUNDING).any():
        n += 1
        part = -n * (n - a)
        b = b + 2
        d = 1 / (part * d + b)
        c = b + part / c
        off = c * d
        found = found * off
    return np.maximum(1 - np.exp(log_poisson(a, x)) * a * found, 0.0)


def _by_temme(a: Floats, x: Floats) -> Floats:
    """P(a, x) for a large ``a`` and an x near it, the same accuracy for any ``a`` (DLMF 8.12.3)."""
    off = (x - a) / a
    half = np.maximum(-log1p_less(off, x / a), 0.0)  # η² / 2
    eta = np.copysign(np.sqrt(2 * half), off)
    powers = np.vander(eta, _POWERS, increasing=True) @ _temme_coefficients()
    rest = (powers * np.vander(1 / a, _ORDERS, increasing=True)).sum(axis=1)
    main = np.array([math.erfc(one) for one in -eta * np.sqrt(a / 2)]) / 2
    found: Floats = np.clip(main - np.exp(-a * half) / np.sqrt(2 * math.pi * a) * rest, 0.0, 1.0)
    return found


@cache
def _temme_coefficients() -> Floats:
    """Of Temme's expansion: row n, column k for ``η^n / a^k`` (DLMF 8.12.8 to 8.12.12)."""
    length = _POWERS + 2 * _ORDERS + 2
    alpha = [0.0, 1.0]  # x / a - 1 as a series in η
    for n in range(2, length):
        inner = sum(j * alpha[j] * alpha[n + 1 - j] for j in range(2, n))
        alpha.append((alpha[n - 1] - inner) / (n + 1))
    first = [-1 / 3, *(n * alpha[n] for n in range(3, length))]
    rows = [first]
    for factor in _gamma_coefficients()[1:]:
        before = rows[-1]
        rows.append([factor * first[n] + (n + 2) * before[n + 2] for n in range(len(before) - 2)])
    return np.array([row[:_POWERS] for row in rows]).T


def _gamma_coefficients() -> list[float]:
    """Of Stirling's formula over Γ(a), in powers of 1/a: 1, -1/12, 1/288, … (DLMF 5.11.3).

    They are the exponential of minus the series of DLMF 5.11.1, whose Bernoulli numbers are those of DLMF 24.2.
    """
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)
    logs = {2 * k - 1: -number / (2 * k * (2 * k - 1)) for k, number in enumerate(bernoulli, start=1)}
    found = [1.0]
    for n in range(1, _ORDERS):
        found.append(sum(j * log * found[n - j] for j, log in logs.items() if j <= n) / n)
    return found
