"""Rigorous intervals, the one-pixel example and the four views of a prediction."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import views
from reference.enclosures import Interval
from reference.pixels import ddim_stride, one_pixel

fractions = st.fractions(-50, 50, max_denominator=1000)
pairs = st.tuples(fractions, fractions).map(sorted).map(lambda p: Interval(*p))
shares = st.fractions(0, 1, max_denominator=50)


@given(pairs, pairs, shares, shares)
@settings(max_examples=200, deadline=None)
def test_every_operation_encloses_the_results_of_its_members(a, b, u, v):
    x, y = a.low + u * a.width, b.low + v * b.width
    assert (a + b).contains(x + y) and (a - b).contains(x - y) and (a * b).contains(x * y) and (-a).contains(-x)
    if b.low > 0 or b.high < 0:
        assert (a / b).contains(x / y)
    else:
        with pytest.raises(ZeroDivisionError, match="holds 0"):
            _ = a / b


@given(st.fractions(0, 10**6, max_denominator=10**6))
@settings(max_examples=100, deadline=None)
def test_square_roots_are_bracketed_tightly(value):
    root = Interval.of(value).sqrt()
    assert root.low**2 <= value <= root.high**2
    assert root.width <= Fraction(1, 10**60)
    assert float(root) == pytest.approx(math.sqrt(value), rel=1e-15)


def test_exact_roots_are_exact_and_ends_are_tight():
    assert Interval.of("0.25").sqrt() == Interval(Fraction(1, 2), Fraction(1, 2))
    wide = Interval(Fraction(4), Fraction(9)).sqrt()
    assert (wide.low, wide.high) == (2, 3)
    assert Interval(Fraction(-2), Fraction(3)) * Interval(Fraction(-5), Fraction(7)) == Interval(
        Fraction(-15), Fraction(21)
    )


def test_rounding_happens_only_when_the_whole_interval_agrees():
    assert Interval.of("2.675").rounded(2) == Decimal("2.68")
    assert Interval(Fraction("1.2341"), Fraction("1.2344")).rounded(3) == Decimal("1.234")
    with pytest.raises(ValueError, match="both"):
        Interval(Fraction("1.2344"), Fraction("1.2352")).rounded(3)


def test_one_pixel_example_has_the_claimed_digits():
    pixel = one_pixel()
    assert (pixel.signal.rounded(3), pixel.noise.rounded(3)) == (Decimal("0.707"), Decimal("0.212"))
    assert (pixel.x_t.rounded(3), pixel.x_t.rounded(6)) == (Decimal("0.919"), Decimal("0.919239"))
    assert pixel.loss == Interval.of("0.0025")
    assert pixel.x0_hat.contains("1.05") and pixel.x0_hat.width < Fraction(1, 10**55)
    assert pixel.x0_error.contains("0.05")


def test_stride_of_the_one_pixel_example_has_the_claimed_digits():
    stride = ddim_stride()
    assert (stride.signal.rounded(3), stride.noise.rounded(3)) == (Decimal("0.939"), Decimal("0.112"))
    assert (stride.x_s.rounded(3), stride.x_s.rounded(5)) == (Decimal("1.051"), Decimal("1.05095"))
    assert ddim_stride(eps_hat="0.3").x_s.rounded(5) == Decimal("1.02859")


def test_data_error_is_the_noise_error_scaled():
    pixel = one_pixel("0.7", "0.2", "-0.4", "0.9")
    assert float(pixel.x0_error) == pytest.approx(math.sqrt(0.8 / 0.2) * (-0.4 - 0.9), rel=1e-15)


def test_pixel_levels_outside_the_unit_interval_are_refused():
    for bad in ("0", "-0.1", "1.1"):
        with pytest.raises(ValueError, match="abar"):
            one_pixel(abar=bad)
    with pytest.raises(ValueError, match="abar_next"):
        ddim_stride(abar_next="2")


levels = st.floats(1e-4, 1 - 1e-4)
values = st.floats(-4, 4)


@given(values, values, levels)
@settings(max_examples=120, deadline=None)
def test_every_view_leads_back_to_data_and_noise(x0, eps, abar):
    a, s = math.sqrt(abar), math.sqrt(1 - abar)
    x_t, v, score = a * x0 + s * eps, a * eps - s * x0, -eps / s
    scale = 1e-13 * (abs(x0) + abs(eps) + 1) / min(a, s) ** 2
    for found in (
        views.from_x0([x0], [x_t], abar),
        views.from_eps([eps], [x_t], abar),
        views.from_v([v], [x_t], abar),
        views.from_score([score], [x_t], abar),
    ):
        assert found.x0[0] == pytest.approx(x0, abs=scale)
        assert found.eps[0] == pytest.approx(eps, abs=scale)
        assert found.v[0] == pytest.approx(v, abs=scale)
        assert found.score is not None and found.score[0] == pytest.approx(score, abs=scale / s)


@given(values, values, st.one_of(st.floats(0.1, 4), st.floats(-4, -0.1)), levels)
@settings(max_examples=80, deadline=None)
def test_squared_errors_of_linked_predictions_have_fixed_ratios(x0, eps, miss, abar):
    x_t = [math.sqrt(abar) * x0 + math.sqrt(1 - abar) * eps]
    truth, guess = views.from_eps([eps], x_t, abar), views.from_eps([eps + miss], x_t, abar)
    by_eps = miss**2
    by_x0, by_v = float((guess.x0 - truth.x0)[0] ** 2), float((guess.v - truth.v)[0] ** 2)
    assert by_x0 == pytest.approx((1 - abar) / abar * by_eps, rel=1e-9)
    assert by_v == pytest.approx(by_eps / abar, rel=1e-9)


def test_velocity_needs_no_signal_and_no_noise():
    x_t, v = np.array([[0.3, -2.0]]), np.array([[1.5, 0.25]])
    at_noise, at_data = views.from_v(v, x_t, 0.0), views.from_v(v, x_t, 1.0)
    assert at_noise.x0.tolist() == (-v).tolist() and at_noise.eps.tolist() == x_t.tolist()
    assert at_data.eps.tolist() == v.tolist() and at_data.x0.tolist() == x_t.tolist()
    assert at_data.score is None and at_noise.score is not None


@pytest.mark.parametrize(
    ("view", "abar"), [("from_eps", 0.0), ("from_x0", 1.0), ("from_score", 1.0), ("from_score", 0.0)]
)
def test_views_that_do_not_determine_the_rest_are_refused(view, abar):
    with pytest.raises(ValueError, match="abar is"):
        getattr(views, view)([1.0], [0.5], abar)
