"""Quadrature, decoders, gradients, information and sampling, against SciPy, closed forms and one another."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reference import decoders, gradients, information, latent, montecarlo, quadrature
from reference.divergences import gaussian_kl_diag
from reference.gaussians import Gaussian

means = st.floats(-3, 3)
widths = st.floats(0.05, 4)


@given(means, widths)
@settings(max_examples=60, deadline=None)
def test_line_sums_reach_rounding_error_for_normal_integrands(mean, sd):
    law = stats.norm(mean, sd)
    mass = quadrature.integrate_line(law.pdf, mean, sd)
    assert mass == pytest.approx(1.0, rel=1e-14)
    wave = quadrature.normal_expectation(np.cos, mean, sd)
    assert wave == pytest.approx(math.cos(mean) * math.exp(-0.5 * sd**2), abs=1e-13)
    fourth = quadrature.normal_expectation(lambda x: (x - mean) ** 4, mean, sd)
    assert fourth == pytest.approx(3 * sd**4, rel=1e-13)


@pytest.mark.parametrize("rough", [np.abs, np.sign, lambda x: np.exp(-((100 * (x - 0.013)) ** 2))])
def test_sums_that_the_grid_does_not_resolve_are_refused(rough):
    with pytest.raises(quadrature.Unresolved, match="too rough or narrow"):
        quadrature.normal_expectation(lambda x: rough(x - 0.01), 0.0, 1.0)
    assert quadrature.normal_expectation(lambda x: np.exp(-((100 * x) ** 2)), 0.0, 1.0, step=1 / 1024) == pytest.approx(
        1 / math.sqrt(1 + 2e4), rel=1e-12
    )


def test_a_floor_forgives_rounding_error_only():
    def noise(x):
        return 1e-14 * np.sign(np.sin(1e6 * x + 1))

    assert abs(quadrature.normal_expectation(noise, 0.0, 1.0, floor=1e-12)) < 1e-14
    with pytest.raises(quadrature.Unresolved):
        quadrature.normal_expectation(noise, 0.0, 1.0)
    with pytest.raises(quadrature.Unresolved):
        quadrature.normal_expectation(lambda x: 1e-6 * np.abs(x - 0.01), 0.0, 1.0, floor=1e-12)


def test_rough_expectations_are_refused_in_several_dimensions():
    for n in (2, 3):
        with pytest.raises(quadrature.Unresolved):
            quadrature.normal_expectation_nd(lambda x: np.abs(x[:, 0] - 0.01), np.zeros(n), np.eye(n))


def test_wide_functions_agree_under_a_change_of_variables():
    """E f(z) for z ~ N(m, s^2) summed over z with its density, and over standard noise."""
    for mean, sd in ((0.3, 0.7), (-2.0, 0.1), (1.0, 3.0)):
        density = information.normal_log_density(mean, sd**2)
        by_density = quadrature.integrate_line(lambda z, d=density: np.tanh(z) * np.exp(d(z)), mean, sd)
        by_noise = quadrature.normal_expectation(np.tanh, mean, sd)
        assert by_density == pytest.approx(by_noise, rel=1e-12)


@pytest.mark.parametrize(("dimension", "order"), [(1, 10), (2, 8), (3, 6), (4, 5)])
def test_hermite_rules_have_the_moments_of_the_normal_law(dimension, order):
    rule = quadrature.hermite_rule(dimension, order)
    assert rule.weights.sum() == pytest.approx(1.0, rel=1e-14)
    assert rule.weights @ rule.nodes[:, -1] ** 2 == pytest.approx(1.0, rel=1e-13)
    assert rule.weights @ np.prod(rule.nodes**4, axis=1) == pytest.approx(3.0**dimension, rel=1e-12)
    assert rule.weights @ rule.nodes[:, 0] ** 8 == pytest.approx(105.0, rel=1e-12)


def test_legendre_panels_integrate_polynomials_and_logs():
    nodes, weights = quadrature.legendre_rule(8, 3)
    assert weights @ nodes**15 == pytest.approx(1 / 16, rel=1e-13)
    assert weights @ np.exp(nodes) == pytest.approx(math.e - 1, rel=1e-14)


def test_expectations_in_several_dimensions():
    factor = np.array([[0.5, 0.2], [0.0, 0.9]])
    mean = np.array([0.3, -0.4])
    got = quadrature.normal_expectation_nd(lambda x: np.cos(x[:, 0] + 2 * x[:, 1]), mean, factor)
    direction = np.array([1.0, 2.0])
    variance = direction @ factor @ factor.T @ direction
    assert got == pytest.approx(math.cos(direction @ mean) * math.exp(-0.5 * variance), abs=1e-13)
    three = quadrature.normal_expectation_nd(lambda x: np.prod(np.cos(x), axis=1), np.zeros(3), 0.5 * np.eye(3))
    assert three == pytest.approx(math.exp(-0.375), rel=1e-12)


@given(st.lists(means, min_size=1, max_size=4), widths)
@settings(max_examples=40, deadline=None)
def test_normal_decoder_equals_another_library(mean, sigma):
    x = np.linspace(-1, 2, len(mean))
    truth = stats.norm(mean, sigma).logpdf(x).sum()
    assert decoders.gaussian_log_likelihood(x, mean, sigma) == pytest.approx(truth, rel=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.floats(1e-9, 1 - 1e-9)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_bernoulli_decoder_equals_another_library(pairs):
    bits, chances = (np.array(column) for column in zip(*pairs, strict=True))
    truth = math.fsum(math.log(p) if bit else math.log1p(-p) for bit, p in pairs)
    assert decoders.bernoulli_log_likelihood(bits, chances) == pytest.approx(truth, rel=1e-13)
    assert decoders.bernoulli_log_likelihood(bits.astype(int), chances) == pytest.approx(truth, rel=1e-13)
    assert stats.bernoulli(chances).logpmf(bits).sum() == pytest.approx(truth, rel=1e-6)


@given(st.booleans(), st.floats(-800, 800))
@settings(max_examples=60, deadline=None)
def test_bernoulli_gradient_is_data_minus_probability(bit, logit):
    from scipy.special import expit

    got = decoders.bernoulli_logit_gradient([int(bit)], [logit])[0]
    truth = expit(-logit) if bit else -expit(logit)
    assert got == pytest.approx(truth, rel=1e-9, abs=3e-16)


def test_discretised_decoder_sums_to_one_and_has_live_tails():
    levels = np.linspace(-1, 1, 256)
    for mean, sigma in ((0.3, 0.05), (-1.0, 1e-3), (2.0, 0.5)):
        logs = decoders.discretized_gaussian_log_likelihood(levels, mean, sigma)
        assert math.fsum(np.exp(logs)) == pytest.approx(1.0, rel=1e-13)
    far = decoders.discretized_gaussian_log_likelihood(np.array([-0.5]), 1.0, 0.01, 5)[0]
    assert far == pytest.approx(float(stats.norm.logsf(125)), rel=1e-6) and far < -7000
    middle = decoders.discretized_gaussian_log_likelihood(np.array([0.0]), 0.1, 0.4, 3)[0]
    assert math.exp(middle) == pytest.approx(stats.norm.cdf(1.0) - stats.norm.cdf(-1.5), rel=1e-13)


def decoder(z):
    return np.stack([np.sin(z[:, 0]) + z[:, -1], z[:, 0] * z[:, -1], np.tanh(z[:, -1])], axis=1)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_gaussian_bound_is_reconstruction_minus_the_closed_divergence(k):
    x, mean, variance, sigma = np.array([0.2, 0.3, -0.5]), np.linspace(-0.5, 0.4, k), np.linspace(0.3, 0.6, k), 0.7
    whole = latent.gaussian_elbo(x, mean, variance, decoder, sigma)
    part = latent.gaussian_reconstruction(x, mean, variance, decoder, sigma)
    assert whole == pytest.approx(part - gaussian_kl_diag(mean, variance, 0.0, 1.0), rel=1e-11)


def test_reconstruction_is_the_weighted_squared_error_and_its_normaliser():
    x, mean, variance, sigma = np.array([0.2, 0.3, -0.5]), np.array([0.1]), np.array([0.5]), 0.7
    square = quadrature.normal_expectation(
        lambda z: np.sum((x - decoder(z[:, None])) ** 2, axis=1), 0.1, math.sqrt(0.5)
    )
    truth = -3 * math.log(math.sqrt(2 * math.pi) * sigma) - square / (2 * sigma**2)
    assert latent.gaussian_reconstruction(x, mean, variance, decoder, sigma) == pytest.approx(truth, rel=1e-13)


def test_linear_decoder_has_its_exact_evidence_and_a_tight_bound():
    W, shift, sigma = np.array([[1.0, -0.4], [0.3, 0.8]]), np.array([0.2, -0.1]), 0.6
    x = np.array([0.5, 0.9])

    def linear(z):
        return z @ W.T + shift

    joint = Gaussian.standard(2).extend(W, shift, sigma * np.eye(2))
    truth = float(joint.marginal([2, 3]).log_prob(x))
    assert latent.gaussian_log_evidence(x, 2, linear, sigma) == pytest.approx(truth, rel=1e-12)
    flat = Gaussian.standard(1).extend([[1.0], [0.5]], 0.0, sigma * np.eye(2))
    post = flat.condition([1, 2], x)
    bound = latent.gaussian_elbo(x, post.mean, post.variances, lambda z: z @ np.array([[1.0, 0.5]]), sigma)
    assert bound == pytest.approx(float(flat.marginal([1, 2]).log_prob(x)), rel=1e-12)
    loose = latent.gaussian_elbo(x, post.mean + 0.3, post.variances, lambda z: z @ np.array([[1.0, 0.5]]), sigma)
    gap = gaussian_kl_diag(post.mean + 0.3, post.variances, post.mean, post.variances)
    assert bound - loose == pytest.approx(gap, rel=1e-11)


def test_parametric_restriction_example_of_the_errata():
    best = max(latent.gaussian_elbo([1.0], [0.0], [v], lambda z: z, 1.0) for v in np.linspace(0.4, 0.6, 41))
    assert best == pytest.approx(-1.7655, abs=5e-5)
    assert latent.gaussian_log_evidence([1.0], 1, lambda z: z, 1.0) == pytest.approx(-1.5155, abs=5e-5)


@given(st.lists(st.tuples(means, widths), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_gradients_of_the_latent_term(pairs):
    mean, sd = (np.array(column) for column in zip(*pairs, strict=True))
    got = gradients.latent_kl_gradient(mean, sd)
    assert got.mean == pytest.approx(mean, rel=1e-11, abs=1e-12)
    assert got.log_variance == pytest.approx(0.5 * (sd**2 - 1), rel=1e-11, abs=1e-12)
    assert got.sd == pytest.approx(sd - 1 / sd, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("mean", [2.3, 40.7])
def test_gradients_of_a_narrow_latent_term_lose_only_the_digits_of_its_own_terms(mean):
    sd = np.array([1e-3, 0.0123, 0.0301])
    got = gradients.latent_kl_gradient(np.full(3, mean), sd)
    bound = 2e-15 * (1 + mean**2) / sd
    assert (np.abs(got.mean - mean) < bound).all()
    assert (np.abs(got.sd - (sd - 1 / sd)) < bound).all()


@given(means, st.floats(0.2, 2))
@settings(max_examples=40, deadline=None)
def test_moving_density_gives_the_pathwise_gradient(mean, sd):
    got = gradients.expectation_gradient(lambda z: np.sin(z[:, 0]), [mean], [sd])
    rule = quadrature.normal_rule()
    noise = rule.nodes[:, 0]
    slopes = np.cos(mean + sd * noise)
    assert got.mean[0] == pytest.approx(rule.weights @ slopes, abs=1e-12)
    assert got.sd[0] == pytest.approx(rule.weights @ (slopes * noise), abs=1e-11)
    assert got.log_variance[0] == pytest.approx(0.5 * sd * got.sd[0], rel=1e-14)


def test_moving_density_in_two_dimensions():
    got = gradients.expectation_gradient(lambda z: z[:, 0] * z[:, 1] ** 2, [0.5, -0.3], [0.4, 1.2])
    assert got.mean == pytest.approx([0.3**2 + 1.2**2, 2 * 0.5 * -0.3], rel=1e-11)
    assert got.sd == pytest.approx([0.0, 2 * 0.5 * 1.2], abs=1e-11)


def test_complex_steps_and_differences_agree_with_calculus():
    x = np.array([[0.3, -1.2], [2.0, 0.7]])
    exact = np.cos(x) * np.exp(np.sin(x))
    assert gradients.complex_step(lambda z: np.sum(np.exp(np.sin(z))), x) == pytest.approx(exact, rel=1e-15)
    got = gradients.central_difference(lambda z: float(np.sum(np.exp(np.sin(z)))), x)
    assert (np.abs(got.value - exact) <= got.error).all() and got.error.max() < 1e-9
    rough = gradients.central_difference(lambda z: float(np.abs(z[0])), np.array([0.001]))
    assert rough.error[0] > 1e-3 or abs(rough.value[0] - 1.0) <= rough.error[0]


@given(means, widths, means, widths)
@settings(max_examples=40, deadline=None)
def test_densities_on_the_line(mean_p, sd_p, mean_q, sd_q):
    log_p = information.normal_log_density(mean_p, sd_p**2)
    log_q = information.normal_log_density(mean_q, sd_q**2)
    divergence = information.density_kl(log_p, log_q, mean_p, sd_p)
    truth = gaussian_kl_diag(mean_p, sd_p**2, mean_q, sd_q**2)
    assert divergence == pytest.approx(truth, rel=1e-10, abs=1e-12)
    entropy = information.density_entropy(log_p, mean_p, sd_p)
    assert entropy == pytest.approx(0.5 * math.log(2 * math.pi * math.e * sd_p**2), abs=1e-12)
    cross = information.density_cross_entropy(log_p, log_q, mean_p, sd_p)
    assert cross == pytest.approx(divergence + entropy, rel=1e-11, abs=1e-11)


def test_information_through_the_noise_falls_with_its_level():
    from reference.chain import forward_moments

    moments = forward_moments([0.05, 0.2, 0.4, 0.8])
    atoms, masses = [-1.0, 0.2, 1.5], [0.2, 0.5, 0.3]
    values = [
        information.channel_information(atoms, masses, g, v)
        for g, v in zip(moments.gain[1:], moments.variance[1:], strict=True)
    ]
    assert values == sorted(values, reverse=True) and values[0] < stats.entropy(masses)
    assert information.channel_information(atoms, masses, 0.0, 1.0) == pytest.approx(0.0, abs=1e-15)
    assert information.channel_information(atoms, masses, 1.0, 1e-6) == pytest.approx(stats.entropy(masses), rel=1e-12)


def test_information_of_two_points_by_another_quadrature():
    from scipy.integrate import quad

    gain, variance = 0.8, 0.5

    def integrand(x):
        parts = stats.norm([gain, -gain], math.sqrt(variance)).pdf(x)
        return 0.5 * sum(p * math.log(p / parts.mean()) for p in parts)

    truth = quad(integrand, -8, 8, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
    assert information.channel_information([1.0, -1.0], [0.5, 0.5], gain, variance) == pytest.approx(truth, rel=1e-11)


def test_estimates_carry_their_error_and_see_a_wrong_value():
    rng = np.random.default_rng(0)
    got = montecarlo.estimate(np.square, lambda r, m: r.standard_normal(m), 200_000, rng, batch=7_001)
    assert got.n == 200_000 and got.within(1.0) and not got.within(1.03)
    assert got.standard_error == pytest.approx(math.sqrt(2 / 200_000), rel=0.05)
    assert abs(got.deviation(1.0)) < 5 and got.deviation(got.mean) == 0.0


def test_batches_change_nothing_but_memory():
    draws = np.random.default_rng(3).standard_normal(1000)

    def replay(rng, count, state):
        taken = draws[state["at"] : state["at"] + count]
        state["at"] += count
        return taken

    whole = montecarlo.estimate(
        lambda x: 1e6 + x, partial(replay, state={"at": 0}), 1000, np.random.default_rng(0), 1000
    )
    split = montecarlo.estimate(lambda x: 1e6 + x, partial(replay, state={"at": 0}), 1000, np.random.default_rng(0), 77)
    assert whole.mean == pytest.approx(split.mean, rel=1e-15)
    assert split.standard_error == pytest.approx(draws.std(ddof=1) / math.sqrt(1000), rel=1e-9)
    assert whole.standard_error == pytest.approx(split.standard_error, rel=1e-9)


def test_antithetic_pairs_remove_odd_parts():
    rng = np.random.default_rng(1)
    odd = montecarlo.antithetic_estimate(lambda e: e[:, 0] ** 3 + e[:, 1], 2, 1000, rng)
    assert odd.mean == pytest.approx(0.0, abs=1e-17) and odd.standard_error == pytest.approx(0.0, abs=1e-17)
    even = montecarlo.antithetic_estimate(lambda e: e[:, 0] ** 2 + e[:, 1], 2, 100_000, rng)
    assert even.within(1.0) and not even.within(1.05)


def test_reparameterised_noise_has_the_encoders_law():
    mean, sd = np.array([0.5, -1.0]), np.array([0.3, 2.0])
    pushed = Gaussian.standard(2).affine(np.diag(sd), mean)
    x = np.array([[0.1, 0.2], [1.0, -3.0]])
    assert pushed.log_prob(x) == pytest.approx(stats.norm(mean, sd).logpdf(x).sum(axis=1), rel=1e-13)
    wave = quadrature.normal_expectation(lambda e: np.cos(1.7 * (0.5 + 0.3 * e)), 0.0, 1.0)
    by_density = quadrature.integrate_line(lambda z: np.cos(1.7 * z) * stats.norm(0.5, 0.3).pdf(z), 0.5, 0.3)
    assert wave == pytest.approx(by_density, abs=1e-13)
