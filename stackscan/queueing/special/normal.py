"""The normal distribution."""

from __future__ import annotations

from statistics import NormalDist


def ndtri(share: float) -> float:
    """The quantile of the normal distribution with mean 0 and deviation 1, for 0 < share < 1."""
    return NormalDist().inv_cdf(share)
