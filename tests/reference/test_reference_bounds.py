"""Bounds with opaque mean functions, and the weights that they imply, against the closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import bounds, chain, schedules, vlb_terms
from reference.linear_gaussian import path_elbo

beta = st.one_of(st.floats(1e-3, 0.99), st.floats(1e-7, 1e-3))
betas = st.lists(beta, min_size=1, max_size=5)


def wavy(x, t):
    return 0.6 * x + 0.3 * np.sin(2 * x + t)


@given(betas, st.floats(-2, 2), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_linear_means_give_the_exactly_solvable_terms(values, x0, seed):
    rng = np.random.default_rng(seed)
    T = len(values)
    a, b, s2 = rng.normal(size=T), rng.normal(size=T), rng.uniform(0.1, 2, T)
    got = bounds.bound_terms(x0, values, lambda x, t: a[t - 1] * x + b[t - 1], s2)
    truth = vlb_terms([x0], values, a, b, s2)
    assert got.reconstruction == pytest.approx(truth.reconstruction, rel=1e-11)
    assert got.transitions == pytest.approx(truth.transitions, rel=1e-10, abs=1e-12)
    assert got.prior == pytest.approx(truth.prior, rel=1e-11)
    assert got.elbo == pytest.approx(path_elbo([x0], values, a, b, s2), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("T", [1, 2, 4])
def test_carried_density_of_a_linear_model_is_its_likelihood(T):
    rng = np.random.default_rng(T)
    a, b, s2 = 0.8 * rng.normal(size=T), rng.normal(size=T), rng.uniform(0.2, 1, T)
    truth = vlb_terms([0.4], [0.3] * T, a, b, s2).log_likelihood
    got = bounds.log_evidence(0.4, [0.3] * T, lambda x, t: a[t - 1] * x + b[t - 1], s2)
    assert got == pytest.approx(truth, rel=1e-11)


def test_a_perfect_network_costs_nothing_where_the_variances_match():
    """Every divergence is then rounding error, which the sums must take for what it is."""
    values = [0.2, 0.3, 0.4]
    tilde = [0.1, *(chain.posterior_coefficients(t, values)[2] for t in (2, 3))]
    perfect = bounds.path_of_prediction(lambda x, t: np.full_like(x, 0.7), values, "x0")
    assert bounds.bound_terms(0.7, values, perfect, tilde).transitions == pytest.approx([0.0, 0.0], abs=1e-14)


def test_nonlinear_bound_lies_below_the_evidence_and_ties_at_one_state():
    values, s2 = [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]
    for x0 in (-1.5, 0.0, 0.8):
        gap = bounds.log_evidence(x0, values, wavy, s2) - bounds.bound_terms(x0, values, wavy, s2).elbo
        assert 1e-3 < gap < 5.0


def test_first_term_of_a_nonlinear_bound_by_another_quadrature():
    from scipy.integrate import quad

    x0, beta_1, s2 = 0.7, 0.4, 0.3

    def integrand(x):
        log_p = -0.5 * (x0 - wavy(x, 1)) ** 2 / s2 - 0.5 * math.log(2 * math.pi * s2)
        return log_p * math.exp(-0.5 * (x - math.sqrt(0.6) * x0) ** 2 / beta_1) / math.sqrt(2 * math.pi * beta_1)

    truth = quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-13, limit=400)[0]
    assert bounds.bound_terms(x0, [beta_1], wavy, [s2]).reconstruction == pytest.approx(truth, rel=1e-12)


@given(betas, st.sampled_from(["x0", "eps", "v"]), st.floats(0.05, 3), st.data())
@settings(max_examples=120, deadline=None)
def test_measured_weights_are_the_closed_ones(values, prediction, factor, data):
    t = data.draw(st.integers(1, len(values)))
    exact = schedules.exact_alpha_bars(values)
    early, late, b = exact[t - 1], exact[t], 1 - exact[t] / exact[t - 1]
    variance = factor * float(b)
    on_x0 = float(early * b * b / (1 - late) ** 2) / (2 * variance)
    snr = float(late / (1 - late))
    truth = {"x0": on_x0, "eps": on_x0 / snr, "v": on_x0 * float(1 - late)}[prediction]
    assert bounds.bound_weight(t, values, variance, prediction, miss=3.0) == pytest.approx(truth, rel=1e-8)


@pytest.mark.parametrize("t", [2, 10, 100, 500, 1000])
def test_weights_of_the_standard_schedule_are_snr_differences(t):
    values = schedules.linear_betas(1000)
    exact = schedules.exact_alpha_bars(values)
    snr = [float(e / (1 - e)) if e != 1 else math.inf for e in exact]
    tilde = float(values[t - 1] * (1 - exact[t - 1]) / (1 - exact[t]))
    assert bounds.bound_weight(t, values, tilde, "x0") == pytest.approx(0.5 * (snr[t - 1] - snr[t]), rel=1e-10)
    assert bounds.bound_weight(t, values, tilde, "eps") == pytest.approx(0.5 * (snr[t - 1] / snr[t] - 1), rel=1e-10)
    b = float(values[t - 1])
    fixed = b / (2 * (1 - b) * float(1 - exact[t]))
    assert bounds.bound_weight(t, values, b, "eps") == pytest.approx(fixed, rel=1e-10)


def test_reconstruction_weight_at_the_first_step():
    values = schedules.linear_betas(1000)
    assert bounds.bound_weight(1, values, 1e-4, "eps") == pytest.approx(0.50005, abs=5e-6)
    assert bounds.bound_weight(1, values, 1e-4, "x0") == pytest.approx(5000.0, rel=1e-11)


@pytest.mark.parametrize("prediction", ["x0", "eps", "v"])
def test_bound_of_a_network_is_its_weighted_squared_error_plus_a_constant(prediction):
    """Two opaque networks with the same variances: the constant cancels from the difference of their bounds."""
    values, s2, x0 = [0.2, 0.3, 0.5], [0.3, 0.2, 0.4], 0.6
    from reference.chain import forward_moments
    from reference.quadrature import normal_expectation

    moments = forward_moments(values)

    def loss(network):
        total = 0.0
        for t in (1, 2, 3):
            gain, blur = moments.gain[t], math.sqrt(moments.variance[t])
            weight = bounds.bound_weight(t, values, s2[t - 1], prediction)

            def miss(eps, gain=gain, blur=blur, t=t):
                target = {"x0": x0 + 0 * eps, "eps": eps, "v": gain * eps - blur * x0}[prediction]
                return (network(gain * x0 + blur * eps, t) - target) ** 2

            total += weight * normal_expectation(miss, 0.0, 1.0)
        return total

    def elbo(network):
        mean = bounds.path_of_prediction(network, values, prediction)
        return bounds.bound_terms(x0, values, mean, s2).elbo

    def other(x, t):
        return np.cos(x) - 0.1 * t

    assert elbo(wavy) - elbo(other) == pytest.approx(loss(other) - loss(wavy), rel=1e-11)


def test_one_coefficient_fitted_by_the_bound_and_by_the_simple_loss_differs():
    values = schedules.as_floats(schedules.linear_betas(1000))
    abar, blur = schedules.alpha_bars(values), schedules.noise_variances(values)
    late = np.arange(1, 1001) >= 2
    tilde = np.where(late, values * blur[:-1] / blur[1:], 1.0)
    on_x0 = late * abar[:-1] * values**2 / (2 * tilde * blur[1:] ** 2)
    on_eps = late * values**2 / (2 * tilde * (1 - values) * blur[1:])
    even = late / 999
    optimum = bounds.linear_optimum
    assert optimum(values, on_eps, "eps") == pytest.approx(0.5707, abs=5e-5)
    assert optimum(values, even, "eps") == pytest.approx(0.8067, abs=5e-5)
    assert optimum(values, on_x0, "x0") == pytest.approx(0.9995, abs=5e-5)
    assert optimum(values, even, "x0") == pytest.approx(0.3903, abs=5e-5)


def test_linear_loss_has_its_closed_form_and_its_minimum():
    values = [0.1, 0.4, 0.6]
    abar = schedules.alpha_bars(values)[1:]
    weights, v0, c = np.array([0.5, 1.0, 2.0]), 1.7, 0.3
    power = abar * v0 + 1 - abar
    by_eps = weights @ (c**2 * power - 2 * c * np.sqrt(1 - abar) + 1)
    by_x0 = weights @ (c**2 * power - 2 * c * np.sqrt(abar) * v0 + v0)
    by_v = weights @ (c**2 * power - 2 * c * np.sqrt(abar * (1 - abar)) * (1 - v0) + abar + (1 - abar) * v0)
    for prediction, truth in (("eps", by_eps), ("x0", by_x0), ("v", by_v)):
        assert bounds.linear_loss(c, values, weights, prediction, v0) == pytest.approx(truth, rel=1e-13)
        unit = bounds.linear_loss(c, values, weights, prediction, 1.0)
        assert bounds.linear_loss(c, values, weights, prediction) == unit
        best = bounds.linear_optimum(values, weights, prediction, v0)
        at = [bounds.linear_loss(best + step, values, weights, prediction, v0) for step in (-1e-3, 0.0, 1e-3)]
        assert at[1] < min(at[0], at[2])
