"""True reverse kernels and score-matching losses, against Bayes' rule by integration and one another."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from reference import chain, schedules
from reference.mixtures import GaussianMixture
from reference.reverse import (
    denoising_score_loss,
    distance_from_normal,
    explicit_score_loss,
    kernel_moments,
    reverse_kernel,
)

LINE = GaussianMixture.of([0.3, 0.7], [[-1.0], [1.5]], [[[0.1]], [[0.3]]])
POINTS = GaussianMixture.of_points([[1.0], [-1.0]])


def test_reverse_kernel_is_bayes_rule():
    abar_s, abar_t, x_t = 0.8, 0.5, 0.2
    kernel = reverse_kernel(LINE, [x_t], abar_s, abar_t)
    step = abar_t / abar_s
    for x_s in (-1.0, 0.1, 0.9):
        forward = stats.norm(math.sqrt(step) * x_s, math.sqrt(1 - step)).logpdf(x_t)
        truth = forward + LINE.log_prob([[x_s]], abar_s)[0] - LINE.log_prob([[x_t]], abar_t)[0]
        assert kernel.log_prob([[x_s]])[0] == pytest.approx(truth, rel=1e-12)


def test_moments_of_the_kernel_by_another_quadrature():
    kernel = reverse_kernel(LINE, [0.2], 0.8, 0.5)

    def density(x):
        return math.exp(kernel.log_prob([[x]])[0])

    mean = quad(lambda x: x * density(x), -6, 6, epsabs=1e-13, limit=200)[0]
    variance = quad(lambda x: (x - mean) ** 2 * density(x), -6, 6, epsabs=1e-13, limit=200)[0]
    got = kernel_moments(kernel)
    assert got.mean[0] == pytest.approx(mean, rel=1e-11) and got.cov[0, 0] == pytest.approx(variance, rel=1e-11)


def test_moments_of_the_kernel_are_those_of_the_averaged_posterior():
    """Mean and variance through E[x_0 | x_t] and Var[x_0 | x_t]: the tower over x_0."""
    values, x_t = [0.2, 0.3, 0.25], 0.4
    abar = schedules.alpha_bars(values)
    on_x0, on_xt, variance = chain.posterior_coefficients(3, values)
    clean = kernel_moments(reverse_kernel(LINE, [x_t], 1.0, float(abar[3])))
    got = kernel_moments(reverse_kernel(LINE, [x_t], float(abar[2]), float(abar[3])))
    assert clean.mean == pytest.approx(LINE.denoiser([[x_t]], float(abar[3]))[0], rel=1e-12)
    assert got.mean == pytest.approx(on_x0 * clean.mean + on_xt * x_t, rel=1e-12)
    assert got.cov == pytest.approx(variance + on_x0**2 * clean.cov, rel=1e-12)


def test_one_step_back_from_the_middle_of_two_points_is_a_coin():
    kernel = reverse_kernel(POINTS, [0.0], 1.0, 0.5)
    assert kernel.weights == pytest.approx([0.5, 0.5]) and all(law.cov[0, 0] == 0.0 for law in kernel.components)
    assert kernel_moments(kernel).cov[0, 0] == pytest.approx(1.0)


def test_small_steps_have_nearly_normal_reversals():
    distances = [
        distance_from_normal(reverse_kernel(LINE, [0.2], 0.5 * (1 + step), 0.5)) for step in (0.8, 0.4, 0.1, 0.02)
    ]
    assert distances == sorted(distances, reverse=True) and distances[0] > 0.05 and distances[-1] < 1e-4
    single = GaussianMixture.of([1.0], [[0.3]], [[[0.7]]])
    assert distance_from_normal(reverse_kernel(single, [1.0], 0.9, 0.2)) == pytest.approx(0.0, abs=1e-14)


def test_distance_from_normal_by_another_quadrature():
    kernel = reverse_kernel(LINE, [0.2], 0.9, 0.5)
    center, cov = kernel_moments(kernel)
    normal = stats.norm(center[0], math.sqrt(cov[0, 0]))

    def integrand(x):
        log_p = kernel.log_prob([[x]])[0]
        return math.exp(log_p) * (log_p - normal.logpdf(x))

    assert distance_from_normal(kernel) == pytest.approx(quad(integrand, -5, 5, epsabs=1e-13, limit=200)[0], rel=1e-9)


def test_components_that_are_ruled_out_are_left_out():
    far = GaussianMixture.of([0.5, 0.5], [[-100.0], [100.0]], [[[0.01]], [[0.01]]])
    assert len(reverse_kernel(far, [70.0], 0.9, 0.5).components) == 1


@pytest.mark.parametrize("abar", [0.2, 0.7])
def test_denoising_score_matching_differs_by_a_constant(abar):
    guesses = [lambda x: -x, np.sin, lambda x: 0.0 * x, lambda x: LINE.score(x[:, None], abar)[:, 0]]
    gaps = [denoising_score_loss(LINE, guess, abar) - explicit_score_loss(LINE, guess, abar) for guess in guesses]
    assert gaps == pytest.approx([gaps[0]] * 4, rel=1e-11)
    best = LINE.best_loss(abar) / (1 - abar)
    assert gaps[0] == pytest.approx(best, rel=1e-10)
    assert explicit_score_loss(LINE, guesses[3], abar) == 0.0


def test_levels_out_of_order_and_planes_are_refused():
    plane = GaussianMixture.of([1.0], [[0.0, 0.0]], [np.eye(2)])
    with pytest.raises(ValueError, match="swap the two levels"):
        reverse_kernel(LINE, [0.0], 0.5, 0.8)
    with pytest.raises(ValueError, match="dimension 2"):
        distance_from_normal(plane)
    for loss in (explicit_score_loss, denoising_score_loss):
        with pytest.raises(ValueError, match="scalar mixture"):
            loss(plane, np.sin, 0.5)
        with pytest.raises(ValueError, match="scalar mixture"):
            loss(LINE, np.sin, 1.0)
