"""The DDIM family, exact output laws of samplers, and moments of stochastic equations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import chain, ddim, schedules, sde
from reference.sampling import ScalarData, ancestral_law, ddim_law, respaced_betas

beta = st.floats(1e-3, 0.95)
betas = st.lists(beta, min_size=2, max_size=6)
LINEAR = schedules.as_floats(schedules.linear_betas(1000))


@given(betas, st.floats(-2, 2), st.data())
@settings(max_examples=60, deadline=None)
def test_every_member_of_the_family_has_the_forward_marginals(values, x0, data):
    blur = schedules.noise_variances(values)
    shares = data.draw(st.lists(st.floats(0, 1), min_size=len(values) - 1, max_size=len(values) - 1))
    sigmas = np.sqrt(blur[1:-1] * np.array(shares))
    law = ddim.family_joint(x0, values, sigmas)
    moments = chain.forward_moments(values)
    assert law.mean[::-1] == pytest.approx(moments.gain[1:] * x0, rel=1e-12, abs=1e-14)
    assert law.variances[::-1] == pytest.approx(moments.variance[1:], rel=1e-12)


@given(betas)
@settings(max_examples=40, deadline=None)
def test_posterior_sigmas_give_the_markov_chain_back(values):
    law = ddim.family_joint(0.7, values, ddim.posterior_sigmas(values))
    truth = chain.forward_joint([0.7], values)
    assert law.cov[::-1, ::-1] == pytest.approx(truth.cov, rel=1e-9, abs=1e-12)
    for t in range(2, len(values) + 1):
        on_previous, on_x0, variance = ddim.forward_kernel(t, values, ddim.posterior_sigmas(values))
        assert on_previous == pytest.approx(math.sqrt(1 - values[t - 1]), rel=1e-9)
        assert on_x0 == pytest.approx(0.0, abs=1e-10) and variance == pytest.approx(values[t - 1], rel=1e-9)


def test_other_sigmas_make_a_forward_kernel_that_looks_at_the_data():
    values = [0.1, 0.2, 0.3]
    assert abs(ddim.forward_kernel(3, values, ddim.posterior_sigmas(values, 0.5))[1]) > 0.05


def test_respaced_betas_are_ratios_of_alpha_bars():
    exact = schedules.exact_alpha_bars(schedules.linear_betas(1000))
    times = [1, 2, 50, 400, 401, 1000]
    truth = [float(1 - exact[late] / exact[early]) for early, late in zip([0, *times], times, strict=False)]
    assert respaced_betas(schedules.linear_betas(1000), times) == pytest.approx(truth, rel=1e-9)
    assert respaced_betas([0.1, 0.2], [1, 2]) == pytest.approx([0.1, 0.2], rel=1e-14)


def test_few_steps_need_respaced_betas():
    times = [20 * k for k in range(1, 51)]
    right = respaced_betas(LINEAR, times)
    data = ScalarData(3.0, 0.0)
    law = ancestral_law(data, right, np.append(0.0, right[1:]))
    assert law.mean[0] == pytest.approx(3.0, abs=1e-12) and law.cov[0, 0] == pytest.approx(0.0, abs=1e-20)


def test_ancestral_sampling_of_standard_normal_data_keeps_its_variance():
    tilde = np.array([chain.posterior_coefficients(t, LINEAR[:100])[2] for t in range(1, 101)])
    law = ancestral_law(ScalarData(0.0, 1.0), LINEAR[:100], LINEAR[:100])
    assert law.cov[0, 0] == pytest.approx(1.0, rel=1e-12)
    low = ancestral_law(ScalarData(0.0, 1.0), LINEAR[:100], tilde)
    assert 0.9 < low.cov[0, 0] < 1.0 - 1e-4


def test_many_small_ancestral_steps_reach_normal_data():
    law = ancestral_law(ScalarData(0.5, 0.3), LINEAR, LINEAR)
    assert law.mean[0] == pytest.approx(0.5, abs=1e-3) and law.cov[0, 0] == pytest.approx(0.3, rel=0.02)


def test_deterministic_steps_converge_at_first_order_to_the_data():
    data, errors = ScalarData(0.0, 0.3), []
    for count in (25, 50, 100, 200):
        times = [round(1000 * (count - k) / count) for k in range(count + 1)]
        errors.append(abs(ddim_law(data, LINEAR, times).cov[0, 0] - 0.3))
    assert errors == sorted(errors, reverse=True) and errors[0] / errors[-1] > 4
    assert ddim_law(ScalarData(2.0, 0.0), LINEAR, [1000, 700, 0]).mean[0] == pytest.approx(2.0, rel=1e-12)


def test_full_noise_over_all_times_is_the_ancestral_sampler():
    values = [0.1, 0.2, 0.3]
    tilde = [chain.posterior_coefficients(t, values)[2] for t in (1, 2, 3)]
    data = ScalarData(0.4, 0.6)
    one, other = ddim_law(data, values, [3, 2, 1, 0], eta=1.0), ancestral_law(data, values, tilde)
    assert one.mean == pytest.approx(other.mean, rel=1e-12) and one.cov == pytest.approx(other.cov, rel=1e-12)


def linear_rate(t):
    return 0.1 + 19.9 * t


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_moments_of_the_variance_preserving_process(t):
    total = 0.1 * t + 19.9 * t * t / 2
    got = sde.vp_moments(linear_rate, sde.Moments(2.0, 0.3), t)
    assert got.mean == pytest.approx(2.0 * math.exp(-total / 2), rel=1e-10)
    assert got.variance == pytest.approx(0.3 * math.exp(-total) + 1 - math.exp(-total), rel=1e-10)
    assert sde.vp_signal_fraction(linear_rate, t) == pytest.approx(math.exp(-total), rel=1e-10)


def test_reverse_equation_and_flow_return_to_the_data():
    data = sde.Moments(2.0, 0.3)
    end = sde.vp_moments(linear_rate, data, 1.0)
    for back in (sde.reverse_sde_moments, sde.probability_flow_moments):
        got = back(linear_rate, data, end, 1.0)
        assert got.mean == pytest.approx(2.0, rel=1e-10) and got.variance == pytest.approx(0.3, rel=1e-10)


def test_reverse_equation_forgets_its_start_and_the_flow_does_not():
    data, far = sde.Moments(0.0, 1.0), sde.Moments(3.0, 0.5)
    assert sde.reverse_sde_moments(linear_rate, data, far, 1.0).mean == pytest.approx(0.0, abs=0.03)
    assert sde.probability_flow_moments(linear_rate, data, far, 1.0).mean == pytest.approx(3.0, rel=1e-10)


def test_printed_reverse_drift_with_the_wrong_sign_blows_up():
    """Standard normal data: the reverse drift with the noise predictor added instead of subtracted."""

    def blur(t):
        return 1 - math.exp(-(0.1 * t + 19.9 * t * t / 2))

    wrong = sde.linear_moments(
        lambda t: linear_rate(t) * (-0.5 - math.sqrt(blur(t))),
        lambda t: 0.0,
        lambda t: math.sqrt(linear_rate(t)),
        sde.Moments(0.0, 1.0),
        1.0,
        0.0,
    )
    right = sde.reverse_sde_moments(linear_rate, sde.Moments(0.0, 1.0), sde.Moments(0.0, 1.0), 1.0)
    assert wrong.variance > 1e6 and right.variance == pytest.approx(1.0, rel=1e-9)


def test_linear_moments_of_a_process_with_offset_both_ways():
    got = sde.linear_moments(lambda t: -1.0, lambda t: 2.0, lambda t: 0.5, sde.Moments(0.0, 0.0), 0.0, 1.5)
    assert got.mean == pytest.approx(2 * (1 - math.exp(-1.5)), rel=1e-11)
    assert got.variance == pytest.approx(0.125 * (1 - math.exp(-3.0)), rel=1e-11)
    back = sde.linear_moments(lambda t: 1.0, lambda t: 0.0, lambda t: 0.5, sde.Moments(1.0, 0.0), 1.0, 0.0)
    assert back.mean == pytest.approx(math.exp(-1.0), rel=1e-11)
    assert back.variance == pytest.approx(0.125 * (1 - math.exp(-2.0)), rel=1e-11)
