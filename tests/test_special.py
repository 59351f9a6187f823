"""The special functions against scipy, and where scipy ends its series too early, against an integral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special as scipy_special

from stackscan.queueing import special

#: Positive numbers, as many of each size.
SIZES = st.floats(-2, 6).map(lambda power: 10**power)
#: Those for which scipy's series of the incomplete gamma function are long enough.
SMALLER = st.floats(-2, 5).map(lambda power: 10**power)
#: Shares from 10^-6 to 1 - 10^-6, many near both ends.
SHARES = st.tuples(st.floats(-6, math.log10(0.5)), st.booleans()).map(
    lambda drawn: 1 - 10 ** drawn[0] if drawn[1] else 10 ** drawn[0]
)
FREEDOMS = st.floats(0, 5).map(lambda power: 10**power)


@settings(max_examples=200, deadline=None)
@given(a=SMALLER, off=st.floats(-8, 8), ratio=st.floats(-2, 2))
def test_incomplete_gamma(a: float, off: float, ratio: float) -> None:
    """Some standard deviations away, and many times as large or small; tiny values keep their digits."""
    x = np.array([max(0.0, a + off * math.sqrt(a)), a * 10**ratio])
    found, wanted = special.gammainc(a, x), scipy_special.gammainc(a, x)
    assert found == pytest.approx(wanted, rel=1e-10, abs=1e-200)


def test_incomplete_gamma_at_its_ends() -> None:
    """Zero, far beyond, many values at once in their shape, and the borders between the three ways to compute it."""
    assert 0.0 == special.gammainc(3.0, 0.0)
    assert 1.0 == special.gammainc(3.0, 1e6) == special.gammainc(1e9, 1e12)
    assert 0.0 == special.gammainc(1e9, 1.0)
    a, x = np.meshgrid(np.linspace(0.5, 60, 240), np.linspace(0, 90, 361))
    assert special.gammainc(a, x) == pytest.approx(scipy_special.gammainc(a, x), rel=1e-11, abs=1e-200)


@pytest.mark.parametrize("a", [1e5, 1e8, 1e12])
@pytest.mark.parametrize("off", [-7.0, -5.0, -4.4, -1.0, 2.0])
def test_incomplete_gamma_is_the_integral_of_its_density(a: float, off: float) -> None:
    """For large ``a``: at 10^8 and five deviations below, scipy is a third too small."""
    deviation = math.sqrt(a)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    area = 0.0
    for below in range(40):
        at = a + (off - below - 0.5 + nodes / 2) * deviation
        area += float(weights @ np.exp(_log_gamma_density(a, at))) * deviation / 2
    assert special.gammainc(a, a + off * deviation) == pytest.approx(area, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(a=SMALLER, share=SHARES)
def test_inverse_of_incomplete_gamma(a: float, share: float) -> None:
    """Quantiles, also of tiny shape parameters, whose quantiles are next to nothing."""
    assert special.gammaincinv(a, share) == pytest.approx(scipy_special.gammaincinv(a, share), rel=1e-9, abs=1e-200)


@settings(max_examples=200, deadline=None)
@given(a=SIZES, b=SIZES, place=SHARES)
def test_incomplete_beta(a: float, b: float, place: float) -> None:
    """Where the function is between 10^-6 and 1 - 10^-6, at a round number, and there again from its inverse."""
    x = scipy_special.betaincinv(a, b, place)
    assert special.betainc(a, b, x) == pytest.approx(scipy_special.betainc(a, b, x), rel=1e-9, abs=1e-200)
    assert special.betainc(a, b, place) == pytest.approx(scipy_special.betainc(a, b, place), rel=1e-8, abs=1e-200)


@settings(max_examples=100, deadline=None)
@given(a=SIZES, b=SIZES, share=SHARES)
def test_inverse_of_incomplete_beta(a: float, b: float, share: float) -> None:
    """Quantiles of shares."""
    assert special.betaincinv(a, b, share) == pytest.approx(scipy_special.betaincinv(a, b, share), rel=1e-8, abs=1e-200)


def test_incomplete_beta_at_its_ends() -> None:
    """Zero, one, and a first parameter that is nearly nothing, as for a pool that is full already."""
    assert (0.0, 1.0) == (special.betainc(2.0, 3.0, 0.0), special.betainc(2.0, 3.0, 1.0))
    assert special.betainc(1e-9, 3.5, 0.5) == pytest.approx(scipy_special.betainc(1e-9, 3.5, 0.5), rel=1e-12)
    assert special.betaincinv(1e-9, 3.5, 0.05) == pytest.approx(0.0, abs=1e-300)
    assert 1.0 == special.betaincinv(1.0, 0.01, 0.9999) == special.betaincinv(3.5, 1e-9, 0.95)


@settings(max_examples=200, deadline=None)
@given(freedom=FREEDOMS, t=st.floats(-40, 40), share=SHARES)
def test_student(freedom: float, t: float, share: float) -> None:
    """Values and quantiles of Student's t, far out and near the middle."""
    assert special.stdtr(freedom, t) == pytest.approx(scipy_special.stdtr(freedom, t), rel=1e-8, abs=1e-200)
    assert special.stdtrit(freedom, share) == pytest.approx(scipy_special.stdtrit(freedom, share), rel=1e-8, abs=1e-9)


def test_student_at_its_ends() -> None:
    """The middle and infinity."""
    assert (0.0, 0.5) == (special.stdtrit(7, 0.5), special.stdtr(7, 0.0))
    assert (0.0, 1.0) == (special.stdtr(7, -math.inf), special.stdtr(7, math.inf))


@settings(max_examples=100, deadline=None)
@given(share=SHARES)
def test_normal(share: float) -> None:
    """The quantile of the normal distribution."""
    assert special.ndtri(share) == pytest.approx(scipy_special.ndtri(share), rel=1e-12, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(k=st.integers(0, 10**6), mean=st.floats(1e-200, 1e6))
def test_log_poisson(k: int, mean: float) -> None:
    """The law of a Poisson count."""
    wanted = scipy_special.xlogy(k, mean) - mean - scipy_special.gammaln(k + 1)
    assert special.log_poisson(k, mean) == pytest.approx(wanted, rel=1e-9, abs=1e-7)


def test_log_poisson_of_nothing() -> None:
    """A mean of 0: the count is 0."""
    assert [0.0, -math.inf, -math.inf] == special.log_poisson(np.array([0.0, 1.0, 50.0]), 0.0).tolist()


def _log_gamma_density(a: float, x: np.ndarray) -> np.ndarray:
    """The logarithm of ``x^(a-1) e^-x / Γ(a)``, by its distance from the peak and Stirling's formula."""
    off = (x - a) / a
    less = np.where(np.abs(off) < 1e-2, _series(off), np.log1p(off) - off)
    return a * less - 0.5 * math.log(2 * math.pi * a) - 1 / (12 * a) + math.log(a) - np.log(x)


def _series(off: np.ndarray) -> np.ndarray:
    """``log(1 + off) - off`` near 0."""
    return sum((-((-off) ** n) / n for n in range(2, 12)), np.zeros_like(off))
