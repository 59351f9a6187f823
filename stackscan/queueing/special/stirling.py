"""What Stirling's formula leaves, and a logarithm that keeps its digits near 1."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: From here on Stirling's series has all digits.
LARGE: Final = 20.0


def stirling_rest(z: Floats) -> Floats:
    """Of log Γ(z + 1), what Stirling's formula leaves, from z = 20 on (DLMF 5.11.1)."""
    square = 1 / (z * z)
    found: Floats = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - square / 1188) * square) * square) * square) / z
    return found


def lgamma_rest(z: float) -> float:
    """Of log Γ(z), what Stirling's formula leaves."""
    if z >= LARGE:
        return float(stirling_rest(np.array(z)))
    return math.lgamma(z) - (z - 0.5) * math.log(z) + z - 0.5 * math.log(2 * math.pi)


def log1p_less(x: Floats, above: Floats) -> Floats:
    """``log(1 + x) - x`` without the digits that cancel for a small ``x`` (DLMF 4.6.5: twice an area tangent).

    ``above`` is 1 + x with all its digits, which x has lost where it is nearly -1.
    """
    ratio = x / (2 + x)
    square = ratio * ratio
    series = np.zeros_like(x)
    for n in range(23, 2, -2):
        series = (series + 1 / n) * square
    with np.errstate(divide="ignore"):
        found: Floats = np.where(np.abs(x) < 0.4, ratio * (2 * series - x), np.log(above) - x)
    return found
