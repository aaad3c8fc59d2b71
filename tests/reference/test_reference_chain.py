"""The forward chain from its recursion, against closed formulas in exact arithmetic."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import stats

from reference import chain, posterior, schedules
from reference.gaussians import Gaussian

beta = st.one_of(st.floats(1e-3, 0.999), st.floats(1e-10, 1e-5), st.floats(1e-9, 1e-3).map(lambda gap: 1.0 - gap))
betas = st.tuples(st.lists(beta, min_size=1, max_size=9), st.sampled_from([(), (1.0,)])).map(lambda p: [*p[0], *p[1]])


def test_the_schedules_drawn_here_reach_their_edges():
    seen = Counter()

    @given(betas)
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    def count(values):
        inner = [value for value in values if value < 1.0]
        seen.update(
            single=len(values) == 1,
            long=len(values) >= 6,
            zero_terminal_snr=values[-1] == 1.0,
            near_zero=min(values) < 1e-5,
            near_one=max(inner, default=0.0) > 1 - 1e-3,
            both=min(values) < 1e-5 and max(inner, default=0.0) > 1 - 1e-3,
        )

    count()
    assert all(hits >= 10 for hits in seen.values()), seen


def exact_posterior(t, values):
    """Coefficients and variance by the closed formulas, in 60 digits."""
    with mpmath.workdps(60):
        products = [mpmath.mpf(1)]
        for value in values:
            products.append(products[-1] * (1 - mpmath.mpf(value)))
        late, early, b = products[t], products[t - 1], mpmath.mpf(values[t - 1])
        a = 1 - b
        on_x0, on_xt = mpmath.sqrt(early) * b / (1 - late), mpmath.sqrt(a) * (1 - early) / (1 - late)
        return float(on_x0), float(on_xt), float(b * (1 - early) / (1 - late))


@given(betas)
@settings(max_examples=100, deadline=None)
def test_moments_of_the_recursion_are_alpha_bar_and_its_complement(values):
    moments = chain.forward_moments(values)
    assert moments.gain**2 == pytest.approx(schedules.alpha_bars(values), rel=1e-13, abs=0.0)
    assert moments.variance == pytest.approx(schedules.noise_variances(values), rel=1e-13, abs=0.0)
    gains, rows = chain.loadings(values)
    assert gains == pytest.approx(moments.gain, rel=1e-15)
    assert np.sum(rows**2, axis=1) == pytest.approx(moments.variance, rel=1e-13, abs=0.0)


@given(betas, st.data())
@settings(max_examples=150, deadline=None)
def test_posterior_by_conditioning_equals_the_closed_form(values, data):
    t = data.draw(st.integers(1, len(values)))
    event(f"t = 1: {t == 1}, T = 1: {len(values) == 1}, last beta 1: {values[t - 1] == 1.0}")
    on_x0, on_xt, variance = chain.posterior_coefficients(t, values)
    truth = exact_posterior(t, values)
    assert (on_x0, on_xt) == pytest.approx(truth[:2], rel=1e-11, abs=1e-14)
    assert variance == pytest.approx(truth[2], rel=1e-9, abs=0.0)


def test_posterior_at_the_first_step_is_the_data_itself():
    mean, variance = posterior([1.0, -2.0], [0.3, 0.4], 1, [0.2, 0.3])
    assert mean.tolist() == [1.0, -2.0] and variance == 0.0


def test_posterior_has_the_shape_of_its_images_and_broadcasts_nothing():
    x0, x_t = np.zeros((2, 3, 4)), np.ones((2, 3, 4))
    assert posterior(x0, x_t, 2, [0.1, 0.2]).mean.shape == (2, 3, 4)
    with pytest.raises(ValueError, match="shapes differ"):
        posterior(np.zeros(3), np.zeros((3, 1)), 2, [0.1, 0.2])


def test_posterior_of_the_standard_schedule_to_twelve_digits():
    values = schedules.linear_betas(1000)
    floats = schedules.as_floats(values)
    for t in (2, 100, 500, 1000):
        early, late = (float(1 - product) for product in schedules.exact_alpha_bars(values)[t - 1 : t + 1])
        assert chain.posterior_coefficients(t, values)[2] == pytest.approx(floats[t - 1] * early / late, rel=1e-12)


@given(betas.filter(lambda values: len(values) >= 2), st.data())
@settings(max_examples=60, deadline=None)
def test_strided_posterior_is_the_posterior_of_the_thinned_chain(values, data):
    t = data.draw(st.integers(2, len(values)))
    s = data.draw(st.integers(1, t - 1))
    exact = schedules.exact_alpha_bars(values)
    thinned = [1 - exact[s], 1 - exact[t] / exact[s]]
    got = chain.posterior_coefficients(t, values, s)
    with mpmath.workdps(60):
        early, late = (mpmath.mpf(e.numerator) / e.denominator for e in (exact[s], exact[t]))
        step = mpmath.mpf(thinned[1].numerator) / thinned[1].denominator
        truth = [mpmath.sqrt(early) * step / (1 - late), mpmath.sqrt(1 - step) * (1 - early) / (1 - late)]
        variance = float(step * (1 - early) / (1 - late))
    assert got[:2] == pytest.approx([float(v) for v in truth], rel=1e-11, abs=1e-14)
    assert got[2] == pytest.approx(variance, rel=1e-9)


@given(betas.filter(lambda values: values[-1] < 1.0), st.floats(-3, 3), st.floats(-3, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_noise_form_of_the_mean(values, eps, x_t, data):
    t = data.draw(st.integers(1, len(values)))
    exact = schedules.exact_alpha_bars(values)
    with mpmath.workdps(60):
        blur = mpmath.sqrt(1 - mpmath.mpf(exact[t].numerator) / exact[t].denominator)
        b = mpmath.mpf(values[t - 1])
        truth = float((x_t - b / blur * eps) / mpmath.sqrt(1 - b))
        scale = float((abs(x_t) + abs(eps)) / mpmath.sqrt(mpmath.mpf(exact[t].numerator) / exact[t].denominator))
    got = float(chain.posterior_from_noise([eps], [x_t], t, values).mean[0])
    assert got == pytest.approx(truth, rel=1e-10, abs=2e-14 * max(1.0, scale))


def test_printed_mean_with_alpha_bar_is_told_from_the_right_one():
    values = [1 - 5 / 9, 0.1]  # alpha_2 = 0.9, abar_2 = 0.5
    x_t = math.sqrt(0.5) * 1.0 + math.sqrt(0.5) * 0.5
    right = float(chain.posterior_from_noise([0.5], [x_t], 2, values).mean[0])
    assert right == pytest.approx(1.0435, abs=5e-5)
    assert right == pytest.approx(float(posterior([1.0], [x_t], 2, values).mean[0]), rel=1e-13)
    assert abs(right - 1.4) > 0.3 and abs(right - 0.8157) > 0.2


@pytest.mark.parametrize(("s", "t"), [(0, 0), (0, 3), (1, 3), (3, 1), (2, 2), (4, 4)])
def test_covariance_within_the_chain(s, t):
    values = [0.1, 0.2, 0.3, 0.4]
    abar = schedules.alpha_bars(values)
    low, high = min(s, t), max(s, t)
    truth = math.sqrt(abar[high] / abar[low]) * (1 - abar[low])
    assert chain.covariance(s, t, values) == pytest.approx(truth, rel=1e-13, abs=1e-16)


def test_covariance_of_the_standard_schedule_is_not_that_of_one_shared_noise():
    values = schedules.linear_betas(1000)
    abar = schedules.alpha_bars(values)
    assert chain.covariance(100, 500, values) == pytest.approx(0.0305, abs=5e-5)
    assert math.sqrt((1 - abar[100]) * (1 - abar[500])) == pytest.approx(0.3080, abs=5e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), betas.filter(lambda values: len(values) <= 6), st.data())
@settings(max_examples=50, deadline=None)
def test_covariance_recursion_and_its_solution(seed, d, values, data):
    t = data.draw(st.integers(0, len(values)))
    root = np.random.default_rng(seed).normal(size=(d, d))
    start = root @ root.T
    abar = schedules.alpha_bars(values)[t]
    truth = abar * start + (1 - abar) * np.eye(d)
    assert chain.marginal_covariance(start, t, values) == pytest.approx(truth, rel=1e-11, abs=1e-12)


def test_identity_covariance_is_kept_and_a_point_gains_noise():
    assert chain.marginal_covariance(np.eye(2), 3, [0.1, 0.5, 0.9]) == pytest.approx(np.eye(2), rel=1e-14)
    assert chain.marginal_covariance([[0.0]], 2, [0.1, 0.5])[0, 0] == pytest.approx(0.55, rel=1e-14)


def test_joint_law_of_the_chain_matches_its_factors():
    values, x0 = [0.1, 0.5, 0.3], np.array([0.7, -1.1])
    rng = np.random.default_rng(2)
    path = rng.normal(size=(3, 2))
    steps = sum(chain.transition_log_density(path[t], path[t - 1] if t else x0, t + 1, values) for t in range(3))
    joint = chain.forward_joint(x0, values)
    assert joint.log_prob(path.ravel()) == pytest.approx(steps, rel=1e-13)
    reverse = chain.marginal_log_density(path[2], x0, 3, values) + sum(
        chain.posterior_log_density(path[t - 2], x0, path[t - 1], t, values) for t in (2, 3)
    )
    assert joint.log_prob(path.ravel()) == pytest.approx(reverse, rel=1e-13)


def test_transition_density_is_the_normal_density_of_another_library():
    x_t, x_prev = np.array([0.3, -0.8]), np.array([1.0, 0.5])
    truth = stats.norm(np.sqrt(0.7) * x_prev, np.sqrt(0.3)).logpdf(x_t).sum()
    assert chain.transition_log_density(x_t, x_prev, 2, [0.1, 0.3]) == pytest.approx(truth, rel=1e-13)


def test_data_joint_contains_the_data_and_its_blurred_versions():
    cov0 = np.array([[2.0, 0.3], [0.3, 0.5]])
    law = chain.data_joint([1.0, 2.0], cov0, [0.2, 0.4])
    assert law.cov[:2, :2] == pytest.approx(cov0)
    assert law.cov[4:, 4:] == pytest.approx(chain.marginal_covariance(cov0, 2, [0.2, 0.4]))
    assert law.cov[:2, 4:] == pytest.approx(math.sqrt(0.8 * 0.6) * cov0)
    given_data = law.condition([0, 1], [0.3, 0.4])
    assert given_data.cov == pytest.approx(chain.forward_joint([0.3, 0.4], [0.2, 0.4]).cov)


@given(
    betas.filter(lambda values: len(values) >= 2 and min(values) > 1e-6), st.floats(-2, 2), st.floats(-2, 2), st.data()
)
@settings(max_examples=60, deadline=None)
def test_averaged_posterior_is_the_previous_marginal(values, offset, x0, data):
    t = data.draw(st.integers(2, len(values)))
    moments = chain.forward_moments(values)
    y = moments.gain[t - 1] * x0 + math.sqrt(moments.variance[t - 1]) * offset
    truth = stats.norm(moments.gain[t - 1] * x0, math.sqrt(moments.variance[t - 1])).pdf(y)
    assert chain.averaged_posterior_density(y, x0, t, values) == pytest.approx(truth, rel=1e-10)


def test_averaged_posterior_of_an_ordinary_chain_to_eleven_digits():
    values = [0.02, 0.1, 0.3, 0.2]
    for t in (2, 3, 4):
        truth = math.exp(chain.marginal_log_density([0.4], [0.9], t - 1, values))
        assert chain.averaged_posterior_density(0.4, 0.9, t, values) == pytest.approx(truth, rel=1e-11)


def test_averaged_posterior_finds_its_place_far_from_the_origin():
    values = [0.5, 0.1]
    distant = 300.0 * chain.forward_moments(values).gain[1]
    truth = math.exp(chain.marginal_log_density([distant], [300.0], 1, values))
    assert chain.averaged_posterior_density(distant, 300.0, 2, values) == pytest.approx(truth, rel=1e-11)


@given(betas)
@settings(max_examples=60, deadline=None)
def test_signal_to_noise_falls_at_every_step(values):
    ratios = chain.snrs(values)
    exact = schedules.exact_alpha_bars(values)
    truth = [float(product / (1 - product)) for product in exact[1:]]
    assert ratios == pytest.approx(truth, rel=1e-12, abs=0.0)
    products = [Fraction(product) for product in exact]
    assert all(late < early for early, late in itertools.pairwise(products))


def test_square_completion_as_a_difference_of_log_densities():
    values, x0, x_t, t = [0.1, 0.3, 0.2], np.array([0.5]), np.array([-0.2]), 3
    mean, variance = posterior(x0, x_t, t, values)
    for x_prev in (np.array([1.3]), np.array([-0.4])):
        at, peak = (chain.posterior_log_density(x, x0, x_t, t, values) for x in (x_prev, mean))
        assert 2 * (peak - at) == pytest.approx(float((x_prev - mean)[0]) ** 2 / variance, rel=1e-12)


def test_noise_loadings_reproduce_a_simulation():
    values, rng = [0.3, 0.5, 0.2], np.random.default_rng(11)
    x = np.full(50_000, 0.8)
    path = []
    for value in values:
        x = np.sqrt(1 - value) * x + np.sqrt(value) * rng.standard_normal(x.size)
        path.append(x)
    law = chain.forward_joint([0.8], values)
    seen = np.cov(np.stack(path))
    assert np.abs(seen - law.cov).max() < 5 * math.sqrt(2 / 50_000)
    assert isinstance(law, Gaussian)
