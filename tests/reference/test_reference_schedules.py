"""Schedules in exact arithmetic, against high-precision recomputation and the published values."""

import itertools
import math
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reference import schedules

near_zero = st.floats(1e-300, 1e-9)
near_one = st.floats(1e-12, 1e-3).map(lambda gap: 1.0 - gap)
beta = st.one_of(st.floats(1e-4, 0.999), near_zero, near_one)
terminal = st.sampled_from([(), (1.0,)])
betas = st.tuples(st.lists(beta, min_size=1, max_size=12), terminal).map(lambda parts: [*parts[0], *parts[1]])


def exact_products(values):
    products = [Fraction(1)]
    for value in values:
        products.append(products[-1] * (1 - Fraction(value)))
    return products


@given(betas)
@settings(max_examples=200, deadline=None)
def test_alpha_bars_are_the_floats_nearest_to_the_exact_products(values):
    event(f"T = 1: {len(values) == 1}, zero terminal SNR: {values[-1] == 1.0}")
    exact = exact_products(values)
    assert schedules.alpha_bars(values).tolist() == [float(product) for product in exact]
    assert schedules.noise_variances(values).tolist() == [float(1 - product) for product in exact]


def test_noise_variances_keep_what_one_minus_alpha_bar_loses():
    tiny = [1e-18, 1e-18]
    assert (1.0 - schedules.alpha_bars(tiny))[2] == 0.0
    assert schedules.noise_variances(tiny)[2] == 2e-18


def test_linear_schedule_has_its_ends_and_equal_steps_exactly():
    values = schedules.linear_betas(1000)
    assert values[0] == Fraction(1, 10_000) and values[-1] == Fraction(1, 50)
    assert {late - early for early, late in itertools.pairwise(values)} == {Fraction(199, 9_990_000)}
    assert schedules.linear_betas(1, "0.3", "0.5") == [Fraction(1, 2)]


@pytest.mark.parametrize(("t", "digits"), [(100, "0.897018"), (500, "0.0785872"), (1000, "0.0000403583"), (0, "1")])
def test_alpha_bar_of_the_linear_schedule_has_the_published_digits(t, digits):
    value = schedules.alpha_bar_decimal(schedules.linear_betas(1000), t, 40)
    assert value.quantize(Decimal(digits)) == Decimal(digits)


def test_forty_digits_agree_with_a_floating_recomputation_at_sixty():
    with mpmath.workdps(60):
        product = mpmath.mpf(1)
        for t in range(1, 1001):
            product *= 1 - (mpmath.mpf("1e-4") + mpmath.mpf(t - 1) / 999 * mpmath.mpf("0.0199"))
        value = schedules.alpha_bar_decimal(schedules.linear_betas(1000), 1000, 40)
        assert abs(mpmath.mpf(str(value)) / product - 1) < mpmath.mpf(10) ** -39


def test_alpha_bar_as_decimal_fraction_and_float_is_one_number():
    values = schedules.linear_betas(50)
    exact = schedules.exact_alpha_bars(values)
    floats = schedules.alpha_bars(values)
    for t in (0, 1, 25, 50):
        decimal = schedules.alpha_bar_decimal(values, t, 40)
        assert abs(Fraction(decimal) - exact[t]) <= exact[t] * Fraction(1, 10**39)
        assert floats[t] == pytest.approx(float(exact[t]), rel=1e-14)


def test_scaled_linear_roots_are_equally_spaced():
    roots = np.sqrt(schedules.as_floats(schedules.scaled_linear_betas(1000)))
    assert roots == pytest.approx(np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000), rel=1e-14)
    assert schedules.scaled_linear_betas(1, "0.25", "0.5")[0] == pytest.approx(Decimal("0.5"), abs=Decimal("1e-20"))


@pytest.mark.parametrize("T", [1, 2, 7, 1000])
def test_cosine_alpha_bars_match_the_cosine_of_another_library(T):
    values = schedules.cosine_alpha_bars(T)
    with mpmath.workdps(70):
        offset = mpmath.mpf("0.008")
        for t in {0, T // 2, T - 1, T}:
            angle = (mpmath.mpf(t) / T + offset) / (1 + offset) * mpmath.pi / 2
            truth = mpmath.cos(angle) ** 2 / mpmath.cos(offset / (1 + offset) * mpmath.pi / 2) ** 2
            assert abs(mpmath.mpf(str(values[t])) - truth) < mpmath.mpf(10) ** -50
    assert values[0] == 1 and values[T] == 0 and len(values) == T + 1


@pytest.mark.parametrize(("start", "end", "tau"), [(-3, 3, 1), (0, 3, "0.7"), (-1, 5, 2)])
def test_sigmoid_alpha_bars_match_the_logistic_function(start, end, tau):
    values = schedules.as_floats(schedules.sigmoid_alpha_bars(10, start, end, tau))
    from scipy.special import expit

    inner = expit((start + np.arange(11) / 10 * (end - start)) / float(tau))
    assert values == pytest.approx((inner[-1] - inner) / (inner[-1] - inner[0]), abs=1e-14)
    assert values[0] == 1.0 and values[-1] == 0.0 and (np.diff(values) < 0).all()


@given(betas.filter(lambda values: min(values) > 1e-12))
@settings(max_examples=50, deadline=None)
def test_betas_and_alpha_bars_undo_each_other(values):
    back = schedules.betas_of_alpha_bars(schedules.exact_alpha_bars(values), max_beta=1)
    assert back == [Fraction(value) for value in values]


def test_betas_of_cosine_alpha_bars_are_held_below_the_limit():
    values = schedules.betas_of_alpha_bars(schedules.cosine_alpha_bars(1000))
    assert values[-1] == Fraction(999, 1000) and all(0 < value < Fraction(999, 1000) for value in values[:-1])


def test_sequences_become_floats_rounded_once():
    assert schedules.as_floats([Fraction(1, 3), Fraction(2, 3)]).tolist() == [1 / 3, 2 / 3]
    assert schedules.as_floats([Decimal("0.1")]).tolist() == [0.1]
    assert schedules.as_floats([0.1, 0.2]).dtype == np.float64
