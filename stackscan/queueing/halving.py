"""The root of a monotone function, by bisection, as the quantiles and sizes of the model need it."""

from __future__ import annotations

from collections.abc import Callable


def sign_change(function: Callable[[float], float], low: float, high: float, *, tolerance: float) -> float:
    """Where ``function`` crosses 0 between ``low`` and ``high``, to a share ``tolerance`` of the place."""
    rising = function(high) > function(low)
    while high - low > tolerance * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (function(middle) > 0) is rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2
