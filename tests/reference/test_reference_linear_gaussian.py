"""The exactly solvable diffusion model: term by term, as one expectation, and against the likelihood itself."""

import math

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy import stats

from reference import schedules, vlb_terms
from reference.divergences import gaussian_kl_diag
from reference.linear_gaussian import (
    ReverseChain,
    expected_terms,
    matched_reverse_chain,
    model_log_likelihood,
    path_elbo,
)

beta = st.one_of(st.floats(1e-3, 0.999), st.floats(1e-8, 1e-4))
betas = st.tuples(st.lists(beta, min_size=1, max_size=5), st.sampled_from([(), (1.0,)])).map(lambda p: [*p[0], *p[1]])


def random_model(seed, T, d):
    rng = np.random.default_rng(seed)
    return rng.normal(size=d), 0.6 * rng.normal(size=(T, d, d)), rng.normal(size=(T, d)), rng.uniform(0.05, 2.0, T)


@given(st.integers(0, 2**32 - 1), betas, st.integers(1, 3))
@settings(max_examples=120, deadline=None)
def test_terms_path_and_gap_make_one_balance(seed, values, d):
    event(f"T = 1: {len(values) == 1}, d = 1: {d == 1}, zero terminal SNR: {values[-1] == 1.0}")
    x0, matrices, offsets, variances = random_model(seed, len(values), d)
    terms = vlb_terms(x0, values, matrices, offsets, variances)
    whole = path_elbo(x0, values, matrices, offsets, variances)
    scale = 1 + abs(terms.elbo) + abs(terms.reconstruction) + float(np.sum(terms.transitions))
    assert terms.elbo == pytest.approx(whole, abs=1e-11 * scale)
    assert terms.log_likelihood == pytest.approx(terms.elbo + terms.gap, abs=1e-11 * scale)
    alone = model_log_likelihood(x0, matrices, offsets, variances)
    assert terms.log_likelihood == pytest.approx(alone, abs=1e-11 * scale)
    assert terms.prior >= 0 and terms.gap >= 0 and (terms.transitions >= -1e-12 * scale).all()
    assert terms.transitions.shape == (len(values) - 1,) and terms.total == -terms.elbo


def test_terms_of_a_scalar_model_equal_the_closed_formulas():
    values, a, b, s2, x0 = [0.2, 0.3, 0.4], [0.9, 0.5, 0.7], [0.1, -0.2, 0.3], [0.3, 0.4, 0.5], 0.8
    abar, blur = schedules.alpha_bars(values), schedules.noise_variances(values)
    terms = vlb_terms([x0], values, a, b, s2)
    assert terms.prior == pytest.approx(0.5 * (abar[3] * x0**2 - abar[3] - math.log(blur[3])), rel=1e-13)
    mean, var = a[0] * math.sqrt(abar[1]) * x0 + b[0], a[0] ** 2 * blur[1]
    truth = -0.5 * math.log(2 * math.pi * s2[0]) - ((x0 - mean) ** 2 + var) / (2 * s2[0])
    assert terms.reconstruction == pytest.approx(truth, rel=1e-13)
    for t in (2, 3):
        beta_t = values[t - 1]
        on_x0 = math.sqrt(abar[t - 1]) * beta_t / blur[t]
        on_xt = math.sqrt(1 - beta_t) * blur[t - 1] / blur[t]
        tilde = beta_t * blur[t - 1] / blur[t]
        off_mean = (on_x0 + (on_xt - a[t - 1]) * math.sqrt(abar[t])) * x0 - b[t - 1]
        off_square = off_mean**2 + (on_xt - a[t - 1]) ** 2 * blur[t]
        ratio = tilde / s2[t - 1]
        truth = off_square / (2 * s2[t - 1]) + 0.5 * (ratio - 1 - math.log(ratio))
        assert terms.transitions[t - 2] == pytest.approx(truth, rel=1e-12)


def test_one_step_example_of_the_errata():
    terms = vlb_terms([1.0], [0.5], [0.7], 0.0, [0.25])
    assert terms.elbo == pytest.approx(-1.5725, abs=5e-5) and terms.log_likelihood == pytest.approx(-1.4441, abs=5e-5)
    wide = vlb_terms([1.0], [0.5], [0.7], 0.0, [4.0])
    assert wide.log_likelihood == pytest.approx(-1.7812, abs=5e-5)


def test_sum_of_transitions_of_the_four_step_example():
    terms = vlb_terms([0.0], [0.1, 0.2, 0.3, 0.4], np.zeros(4), 0.0, np.ones(4))
    assert terms.transitions == pytest.approx([0.8695, 0.5279, 0.3767], abs=5e-5)
    assert float(np.sum(terms.transitions)) == pytest.approx(1.7741, abs=5e-5)


def test_likelihood_is_the_normal_density_that_the_kernels_compose_to():
    a, b, s2 = [0.9, 0.5], [0.1, -0.2], [0.3, 0.4]
    mean = a[0] * b[1] + b[0]
    variance = a[0] ** 2 * (a[1] ** 2 + s2[1]) + s2[0]
    truth = stats.norm(mean, math.sqrt(variance)).logpdf(0.7)
    assert model_log_likelihood([0.7], a, b, s2) == pytest.approx(truth, rel=1e-13)


def test_likelihood_of_a_thousand_steps():
    T = 1000
    value = model_log_likelihood([0.3, -0.4], np.full(T, 0.99), 0.0, np.full(T, 1 - 0.99**2))
    assert value == pytest.approx(stats.norm(0, 1).logpdf([0.3, -0.4]).sum(), rel=1e-11)


def test_exact_reverse_kernels_leave_only_the_latent_mismatch():
    values, mean0, var0 = [0.1, 0.3, 0.6], 0.5, 0.4
    model = matched_reverse_chain(mean0, var0, values)
    abar = schedules.alpha_bars(values)
    terms = expected_terms(mean0, var0, values, model)
    elbo = terms[0] - sum(terms[1:])
    entropy = 0.5 * math.log(2 * math.pi * math.e * var0)
    end = gaussian_kl_diag(math.sqrt(abar[3]) * mean0, abar[3] * var0 + 1 - abar[3], 0.0, 1.0)
    assert -entropy - elbo == pytest.approx(end, rel=1e-11)
    worse = expected_terms(mean0, var0, values, ReverseChain(model.matrices, model.offsets + 0.05, model.variances))
    assert worse[0] - sum(worse[1:]) < elbo - 1e-4


def test_scalars_vectors_and_matrices_mean_the_same_model():
    x0, values, s2 = np.array([0.2, -0.5]), [0.3, 0.4], [0.2, 0.3]
    plain = vlb_terms(x0, values, [0.5, 0.6], [0.1, 0.2], s2)
    spelt = vlb_terms(x0, values, [0.5 * np.eye(2), 0.6 * np.eye(2)], [[0.1, 0.1], [0.2, 0.2]], s2)
    assert plain.elbo == spelt.elbo and plain.log_likelihood == spelt.log_likelihood
    parts = [vlb_terms([x], values, [0.5, 0.6], [0.1, 0.2], s2) for x in x0]
    assert plain.elbo == pytest.approx(sum(part.elbo for part in parts), rel=1e-13)
    assert plain.gap == pytest.approx(sum(part.gap for part in parts), rel=1e-12)
