"""Mixtures through the noise, their flow and guidance, against integrals, SciPy and exact invariants."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from reference import guidance, montecarlo
from reference.gaussians import Gaussian
from reference.mixtures import GaussianMixture, denoiser_by_integration, log_prob_by_integration
from reference.ode import flow, flow_log_prob

LINE = GaussianMixture.of([0.3, 0.7], [[-1.0], [2.0]], [[[0.04]], [[0.25]]])
PLANE = GaussianMixture.of([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.5]], [0.1 * np.eye(2), [[0.2, 0.05], [0.05, 0.1]]])
levels = st.one_of(st.floats(0.01, 0.99), st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2).map(lambda gap: 1 - gap))


def distribution(mixture, x, abar):
    law = mixture.noised(abar)
    return sum(
        w * stats.norm.cdf(x, c.mean[0], math.sqrt(c.variances[0]))
        for w, c in zip(law.weights, law.components, strict=True)
    )


@given(st.floats(-4, 4), levels)
@settings(max_examples=80, deadline=None)
def test_density_and_denoiser_equal_their_integrals(x, abar):
    log_p = float(LINE.log_prob([[x]], abar)[0])
    truth = log_prob_by_integration(LINE, x, abar) if log_p > -600 else log_p
    assert log_p == pytest.approx(truth, rel=1e-9, abs=1e-10)
    if log_p > -200:
        assert LINE.denoiser([[x]], abar)[0, 0] == pytest.approx(
            denoiser_by_integration(LINE, x, abar), rel=1e-9, abs=1e-10
        )


@given(st.integers(0, 2**32 - 1), levels)
@settings(max_examples=60, deadline=None)
def test_score_and_denoiser_are_one_prediction(seed, abar):
    x = np.random.default_rng(seed).normal(size=(4, 2))
    by_score = (x + (1 - abar) * PLANE.score(x, abar)) / math.sqrt(abar)
    scale = 1e-11 * (1 + np.abs(x).max()) / math.sqrt(abar)
    assert PLANE.denoiser(x, abar) == pytest.approx(by_score, rel=1e-9, abs=scale)
    noise = PLANE.predicted_noise(x, abar)
    assert noise == pytest.approx(
        -math.sqrt(1 - abar) * PLANE.score(x, abar), rel=1e-9, abs=scale / math.sqrt(1 - abar)
    )


def test_density_in_the_plane_equals_another_library():
    x = np.random.default_rng(1).normal(size=(6, 2))
    for abar in (1.0, 0.6, 0.05):
        parts = [
            math.log(w)
            + stats.multivariate_normal(math.sqrt(abar) * c.mean, abar * c.cov + (1 - abar) * np.eye(2)).logpdf(x)
            for w, c in zip(PLANE.weights, PLANE.components, strict=True)
        ]
        assert PLANE.log_prob(x, abar) == pytest.approx(logsumexp(parts, axis=0), rel=1e-12)


def test_score_is_the_slope_of_the_log_density():
    x, h = np.array([[0.3, -0.2], [1.1, 0.4]]), 1e-4
    for abar in (1.0, 0.5):
        for axis in range(2):
            shift = h * np.eye(2)[axis]
            slope = (
                8 * (PLANE.log_prob(x + shift, abar) - PLANE.log_prob(x - shift, abar))
                - PLANE.log_prob(x + 2 * shift, abar)
                + PLANE.log_prob(x - 2 * shift, abar)
            ) / (12 * h)
            assert PLANE.score(x, abar)[:, axis] == pytest.approx(slope, rel=1e-8, abs=1e-8)


def test_two_points_are_denoised_by_a_hyperbolic_tangent():
    points = GaussianMixture.of_points([[1.0], [-1.0]])
    x = np.linspace(-3, 3, 13)[:, None]
    for abar in (0.02, 0.5, 0.98):
        truth = np.tanh(math.sqrt(abar) * x / (1 - abar))
        assert points.denoiser(x, abar) == pytest.approx(truth, rel=1e-11, abs=1e-14)
        assert denoiser_by_integration(points, 0.7, abar) == pytest.approx(
            float(points.denoiser([[0.7]], abar)[0, 0]), rel=1e-11
        )
    assert points.denoiser([[40.0], [-40.0]], 1 - 1e-9) == pytest.approx(np.array([[1.0], [-1.0]]))


def test_best_loss_of_normal_data_is_its_conditional_variance():
    for variance in (0.3, 1.0, 2.5):
        law = GaussianMixture.of([1.0], [[0.4]], [[[variance]]])
        for abar in (0.01, 0.3, 0.99):
            truth = variance * (1 - abar) / (abar * variance + 1 - abar)
            assert law.best_loss(abar, "x0") == pytest.approx(truth, rel=1e-12)
            assert law.best_loss(abar) == pytest.approx(truth * abar / (1 - abar), rel=1e-12)
            assert law.best_loss(abar, "v") == pytest.approx(truth / (1 - abar), rel=1e-12)
    assert GaussianMixture.of([1.0], [np.zeros(3)], [np.eye(3)]).best_loss(0.25) == pytest.approx(0.75, rel=1e-10)


@pytest.mark.parametrize("mixture", [LINE, PLANE])
@pytest.mark.parametrize("abar", [0.1, 0.7])
def test_best_loss_is_what_the_exact_predictor_loses(mixture, abar):
    def loss(rows):
        x0, eps = rows[:, : mixture.d], rows[:, mixture.d :]
        x_t = math.sqrt(abar) * x0 + math.sqrt(1 - abar) * eps
        return np.sum((mixture.predicted_noise(x_t, abar) - eps) ** 2, axis=1)

    def draw(rng, count):
        return np.concatenate([mixture.sample(count, rng), rng.standard_normal((count, mixture.d))], axis=1)

    got = montecarlo.estimate(loss, draw, 100_000, np.random.default_rng(2))
    best = mixture.best_loss(abar)
    assert got.within(best) and got.standard_error < 0.01 * best


@pytest.mark.parametrize("abar", [0.01, 0.5, 0.9, 0.97])
def test_best_loss_of_two_points_by_another_quadrature(abar):
    """The border between the points grows sharp as the noise falls; the grid has to follow it."""
    from scipy.integrate import quad

    points = GaussianMixture.of_points([[1.0], [-1.0]])
    gain, blur = math.sqrt(abar), math.sqrt(1 - abar)

    def integrand(eps):
        x = gain + blur * eps
        return math.cosh(min(300.0, abs(gain * x / blur**2))) ** -2 * stats.norm.pdf(eps)

    border = -gain / blur
    parts = [(-14, border), (border, max(border + 1, 14))] if border > -14 else [(-14, 14)]
    truth = sum(quad(integrand, *part, epsabs=1e-18, epsrel=1e-12, limit=500)[0] for part in parts)
    assert points.best_loss(abar, "x0") == pytest.approx(truth, rel=1e-8, abs=1e-13)


def test_best_loss_of_points_that_noise_cannot_mix_is_nothing():
    assert GaussianMixture.of_points([[1.0], [-1.0]]).best_loss(0.9999, "x0") == pytest.approx(0.0, abs=1e-15)


def test_samples_have_the_mixtures_moments():
    draws = PLANE.sample(50_000, np.random.default_rng(4))
    mean = PLANE.weights @ np.stack([c.mean for c in PLANE.components])
    spread = sum(w * (c.cov + np.outer(c.mean, c.mean)) for w, c in zip(PLANE.weights, PLANE.components, strict=True))
    assert np.abs(draws.mean(axis=0) - mean).max() < 5 * math.sqrt(1.2 / 50_000)
    assert np.abs(draws.T @ draws / 50_000 - spread).max() < 0.04


@pytest.mark.parametrize(("start", "end"), [(0.1, 1.0), (1.0, 0.001), (0.9, 0.3)])
def test_flow_on_the_line_keeps_every_quantile(start, end):
    x = np.linspace(-1.5, 2.5, 5)[:, None]
    moved = flow(LINE, x, start, end)
    before, after = distribution(LINE, x[:, 0], start), distribution(LINE, moved[:, 0], end)
    assert after == pytest.approx(before, abs=1e-10)


def test_flow_there_and_back_is_the_identity():
    x = np.array([[0.3, -0.6], [1.0, 1.0]])
    assert flow(PLANE, flow(PLANE, x, 1.0, 0.05), 0.05, 1.0) == pytest.approx(x, rel=1e-9)
    assert flow(PLANE, x, 0.4, 0.4).tolist() == x.tolist()


def test_flow_carries_the_exact_log_density():
    x = np.array([[0.3, -0.6], [-1.2, 0.2]])
    for start, end in ((1.0, 0.01), (0.2, 1.0)):
        got = flow_log_prob(PLANE, x, start, end)
        assert got == pytest.approx(PLANE.log_prob(x, start), abs=1e-9)


def test_normal_data_flow_in_closed_form():
    law = GaussianMixture.of([1.0], [[0.5]], [[[2.0]]])
    sd = {abar: math.sqrt(abar * 2.0 + 1 - abar) for abar in (1.0, 0.2)}
    moved = flow(law, [[1.7]], 1.0, 0.2)[0, 0]
    assert moved == pytest.approx(math.sqrt(0.2) * 0.5 + sd[0.2] / sd[1.0] * 1.2, rel=1e-11)


LABELLED = GaussianMixture.of([0.4, 0.6], [[-1.0], [1.0]], [[[0.25]], [[0.5]]])


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_guidance_is_exact_without_and_with_plain_conditioning(scale):
    for x in (-0.7, 0.4):
        guided = guidance.guided_score(LABELLED, x, 0.5, 1, scale)
        assert guided == pytest.approx(guidance.tilted_score(LABELLED, x, 0.5, 1, scale), rel=1e-11)


def test_strong_guidance_does_not_follow_the_tilted_law():
    guided, tilted = (f(LABELLED, 0.4, 0.5, 1, 3.0) for f in (guidance.guided_score, guidance.tilted_score))
    assert abs(guided - tilted) > 0.1


def test_tilted_score_is_the_slope_of_a_log_density_found_by_another_quadrature():
    from scipy.integrate import quad

    def log_density(x):
        def integrand(x0):
            log_p = LABELLED.log_prob([[x0]])[0]
            log_label = math.log(0.6) + float(LABELLED.components[1].log_prob([x0])) - log_p
            return math.exp(log_p + 2.0 * log_label - 0.5 * (x - math.sqrt(0.5) * x0) ** 2 / 0.5)

        return math.log(quad(integrand, -6, 8, epsabs=1e-13, epsrel=1e-13)[0])

    slope = (log_density(0.41) - log_density(0.39)) / 0.02
    assert guidance.tilted_score(LABELLED, 0.4, 0.5, 1, 2.0) == pytest.approx(slope, rel=1e-4)


def test_components_without_spread_have_no_density_of_their_own():
    points = GaussianMixture.of_points([[0.0, 1.0], [1.0, 0.0]], [0.25, 0.75])
    assert points.log_prob([[0.2, 0.3]], 0.5).shape == (1,)
    with pytest.raises(ValueError, match="without spread"):
        points.log_prob([[0.2, 0.3]])
    with pytest.raises(ValueError, match=r"abar is 1\.0"):
        points.denoiser([[0.2, 0.3]], 1.0)
    assert isinstance(points.components[0], Gaussian)
