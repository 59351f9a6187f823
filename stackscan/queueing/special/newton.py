"""The quantile of a distribution whose function is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

#: A step that is smaller, of where it is, is rounding.
_ROUNDING: Final = 2e-15
#: The logarithm of the largest quantile that is looked for, and less this of the smallest: a double ends near it.
_FARTHEST: Final = 700.0


def quantile(step: Callable[[float], tuple[float, float]], start: float, share: float) -> float:
    """Where the logarithm of a distribution function is that of ``share``.

    ``step`` gives the function and its derivative. Gamma's in log x and beta's in log odds are log-concave, so from any
    start the second step is below the root, and all that follow rise towards it.
    """
    at, above, wanted = start, start, math.log(share)
    for _ in range(200):
        here, slope = step(at)
        if here and slope:
            change = (wanted - math.log(here)) * here / slope
            above = at if change < 0 else above
        else:
            change = (above - at) / 2  # too far below: nothing of the function is left
        at, before = min(max(at + change, -_FARTHEST), _FARTHEST), at
        if abs(at - before) <= _ROUNDING * max(1.0, abs(at)):
            break
    return at
