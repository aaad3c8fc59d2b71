"""Where the numbers of `reference` have limits of their own: panels, digits, singular laws, sure bits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from reference import decoders, divergences, finite, schedules, views
from reference.gaussians import Gaussian

EPS = np.finfo(float).eps


@pytest.mark.parametrize("log_ratio", [-200.0, -60.0, -9.0, -7.9, 0.1, 7.9, 9.0, 60.0, 200.0])
def test_the_path_integral_keeps_its_digits_over_any_ratio_of_variances(log_ratio: float) -> None:
    """KL(N(0, e^l) || N(0, 1)) = (e^l - 1 - l) / 2; a panel of the rule is as wide as its order allows."""
    with mpmath.workdps(60):
        ratio = mpmath.mpf(float(np.exp(log_ratio)))
        exact = float((ratio - 1 - mpmath.log(ratio)) / 2)
    measured = float(divergences.gaussian_kl_diag([0.0], [np.exp(log_ratio)], [0.0], [1.0]))
    assert measured == pytest.approx(exact, rel=2e-14)


@pytest.mark.parametrize("apart", [Fraction(1, 10**6), Fraction(1, 10**12), Fraction(1, 10**18)])
def test_exact_tables_keep_the_digits_of_a_tiny_divergence(apart: Fraction) -> None:
    """KL((1/2, 1/2) || (1/2 + h, 1/2 - h)) = -log(1 - 4 h^2) / 2, which is 2e-36 for h = 1e-18."""
    half = Fraction(1, 2)
    p, q = np.array([half, half], dtype=object), np.array([half + apart, half - apart], dtype=object)
    with mpmath.workdps(80):
        exact = float(-mpmath.log1p(-4 * mpmath.mpf(apart.numerator) ** 2 / apart.denominator**2) / 2)
    assert finite.finite_kl(p, q) == pytest.approx(exact, rel=1e-13)
    if apart >= Fraction(1, 10**12):  # the other route has the difference of the tables alone to go by
        assert finite.finite_kl_path(p, q) == pytest.approx(exact, rel=1e-13)


def test_the_path_between_finite_laws_agrees_with_counting() -> None:
    rng = np.random.default_rng(0)
    for n in range(2, 8):
        p, q = (finite.random_rational_simplex(rng, n) for _ in range(2))
        assert finite.finite_kl_path(p, q) == pytest.approx(finite.finite_kl(p, q), rel=1e-13)
    with pytest.raises(ValueError, match="no zero"):
        finite.finite_kl_path([0.0, 1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="one shape"):
        finite.finite_kl_path([0.5, 0.5], [1.0])


def test_decimal_schedules_are_right_to_forty_digits() -> None:
    with mpmath.workdps(70):
        s = mpmath.mpf(8) / 1000

        def f(t: int) -> mpmath.mpf:
            return mpmath.cos((mpmath.mpf(t) / 7 + s) / (1 + s) * mpmath.pi / 2) ** 2

        for t, value in enumerate(schedules.cosine_alpha_bars(7)[:-1]):
            assert abs(mpmath.mpf(str(value)) - f(t) / f(0)) < mpmath.mpf(10) ** -45


@pytest.mark.parametrize(("residual", "singular"), [(0.5, True), (6.0, True), (12.0, False), (100.0, False)])
def test_a_law_is_singular_below_rounding_error_and_not_above(residual: float, singular: bool) -> None:
    """Two coordinates that differ by `residual` roundings of their size: the limit is 8 of them."""
    law = Gaussian(np.zeros(2), np.array([[1.0, 0.0], [1.0, residual * EPS]]))
    if singular:
        with pytest.raises(ValueError, match="the covariance is singular"):
            law.log_prob([0.0, 0.0])
        with pytest.raises(ValueError, match="the covariance is singular"):
            Gaussian(np.zeros(3), np.vstack([law.factor, [0.0, 1.0]])).condition([0, 1], [0.0, 0.0])
    else:
        assert np.isfinite(law.log_prob([0.0, 0.0]))


def test_bernoulli_of_logits_keeps_its_digits_where_a_bit_is_sure() -> None:
    for bit, logit in ((1, 40.0), (0, -40.0), (1, -40.0), (0, 700.0), (1, 0.0)):
        with mpmath.workdps(400):
            a = mpmath.mpf(logit)
            exact = float(bit * a - mpmath.log(1 + mpmath.exp(a)))
        assert decoders.bernoulli_log_likelihood_of_logits([bit], [logit]) == pytest.approx(exact, rel=1e-14)
    with pytest.raises(ValueError, match="must be equal"):
        decoders.bernoulli_log_likelihood_of_logits([1, 0], [0.5])
    with pytest.raises(ValueError, match="0 or 1"):
        decoders.bernoulli_log_likelihood_of_logits([0.5], [0.5])


def test_views_take_the_digits_of_what_is_left() -> None:
    """abar = 1 - 1e-20 is 1 in float64, and eps is still found from x_0 when 1 - abar is given."""
    x0, eps = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    found = views.from_x0(x0, x0 + 1e-10 * eps, 1.0, 1e-20)
    assert found.eps == pytest.approx(eps, rel=1e-5)
    with pytest.raises(ValueError, match="add up to 1"):
        views.from_x0(x0, eps, 0.5, 0.4)


@pytest.mark.parametrize("abar", [0.0, 0.3, 1.0])
def test_velocity_is_the_speed_along_the_arc(abar: float) -> None:
    x0, eps = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    expected = np.sqrt(abar) * eps - np.sqrt(1 - abar) * x0
    assert views.velocity(x0, eps, abar) == pytest.approx(expected, rel=1e-14, abs=1e-15)
