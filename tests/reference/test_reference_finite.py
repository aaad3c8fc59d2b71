"""Finite models counted out: exact identities for rational tables, and what fails without its condition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.finite import (
    JointLaw,
    finite_cross_entropy,
    finite_entropy,
    finite_kl,
    random_rational_simplex,
    random_simplex,
)
from reference.finite_diffusion import (
    FiniteDiffusion,
    random_conditional_encoder,
    random_diffusion,
    random_general_encoder,
    random_markov_encoder,
)
from reference.latent import FiniteVAE, random_vae

SEEDS = st.integers(0, 2**32 - 1)
DRAWS = st.sampled_from([random_simplex, random_rational_simplex])
SIZES = st.lists(st.integers(2, 3), min_size=2, max_size=4)


def test_random_laws_are_laws():
    rng = np.random.default_rng(0)
    exact = random_rational_simplex(rng, 7)
    assert sum(exact) == 1 and all(isinstance(p, Fraction) and p > 0 for p in exact)
    floats = random_simplex(rng, 7)
    assert math.fsum(floats) == pytest.approx(1.0, abs=1e-15) and (floats > 0).all()


@given(SEEDS, DRAWS)
@settings(max_examples=40, deadline=None)
def test_information_measures_obey_the_chain_rules(seed, draw):
    rng = np.random.default_rng(seed)
    law = JointLaw(("a", "b", "c"), draw(rng, 12).reshape(2, 3, 2))
    both = law.entropy("a", "b")
    assert both == pytest.approx(
        law.entropy("a") + law.entropy("b") - law.mutual_information(("a",), ("b",)), abs=1e-14
    )
    whole = law.mutual_information(("a",), ("b", "c"))
    split = law.mutual_information(("a",), ("b",)) + law.mutual_information(("a",), ("c",), ("b",))
    assert whole == pytest.approx(split, abs=1e-14)
    product = JointLaw(("a", "b"), np.multiply.outer(law.marginal("a").table, law.marginal("b").table))
    assert law.marginal("a", "b").kl(product) == pytest.approx(law.mutual_information(("a",), ("b",)), abs=1e-14)


def test_log_probabilities_of_marginals_and_conditionals():
    table = np.array([[Fraction(1, 8), Fraction(3, 8)], [Fraction(2, 8), Fraction(2, 8)]], dtype=object)
    law = JointLaw(("a", "b"), table)
    assert law.log_prob(("a",), (0, 1)) == math.log(0.5)
    assert law.log_prob(("b",), (0, 1), ("a",)) == math.log(0.75)
    assert law.log_prob(("a", "b"), (1, 0)) == math.log(0.25)
    assert law.marginal("b").table.tolist() == [Fraction(3, 8), Fraction(5, 8)]
    assert law.expect(np.array([[0, 1], [2, 3]])) == pytest.approx(3 / 8 + 4 / 8 + 6 / 8, rel=1e-15)


def test_divergence_entropy_and_cross_entropy_by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    truth = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert finite_kl(p, q) == pytest.approx(truth, rel=1e-15)
    assert finite_entropy(p) == pytest.approx(math.log(2), rel=1e-15)
    assert finite_cross_entropy(p, q) == pytest.approx(truth + math.log(2), rel=1e-15)
    assert finite_kl([1.0, 0.0], q) == pytest.approx(math.log(4), rel=1e-15)
    assert finite_kl(q, [1.0, 0.0]) == math.inf and finite_cross_entropy(q, [0.0, 1.0]) == math.inf
    exact = np.array([Fraction(1, 2), Fraction(1, 2)], dtype=object)
    assert finite_kl(exact, q) == pytest.approx(truth, rel=1e-15)
    nearly = np.array([Fraction(1, 2) + Fraction(1, 10**10), Fraction(1, 2) - Fraction(1, 10**10)], dtype=object)
    assert finite_kl(nearly, exact) == pytest.approx(2e-20, rel=1e-12)  # floats would lose all of it


@given(SEEDS, DRAWS, st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_divergence_is_nonnegative_and_zero_only_at_equality(seed, draw, n):
    rng = np.random.default_rng(seed)
    p, q = draw(rng, n), draw(rng, n)
    assert finite_kl(p, p) == 0.0
    assert finite_kl(p, q) > 0.0 or (p == q).all()


@given(SEEDS, DRAWS, st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_evidence_is_bound_plus_gap(seed, draw, nx, nz):
    vae = random_vae(np.random.default_rng(seed), nx, nz, draw)
    for x in range(nx):
        assert vae.elbo(x) == pytest.approx(vae.reconstruction(x) - vae.latent_kl(x), abs=1e-14)
        assert vae.log_evidence(x) == pytest.approx(vae.elbo(x) + vae.gap(x), abs=1e-14)
        assert vae.log_evidence(x) == pytest.approx(math.log(float(vae.decoder[x] @ vae.prior)), rel=1e-14, abs=1e-15)
        assert vae.gap(x) >= 0.0


def test_bound_is_tight_at_the_posterior_and_nowhere_else():
    vae = random_vae(np.random.default_rng(4), 3, 4, random_rational_simplex)
    best = FiniteVAE(vae.prior, vae.decoder, np.stack([vae.posterior(x) for x in range(3)], axis=1))
    for x in range(3):
        assert best.gap(x) == 0.0 and best.elbo(x) == best.log_evidence(x)
        assert vae.elbo(x) < vae.log_evidence(x) - 1e-6


def test_importance_bound_rises_from_the_bound_to_the_evidence():
    vae = random_vae(np.random.default_rng(8), 2, 3)
    values = [vae.importance_bound(0, samples) for samples in (1, 2, 4, 8)]
    assert values[0] == pytest.approx(vae.elbo(0), rel=1e-13)
    assert values == sorted(values) and values[-1] < vae.log_evidence(0)
    assert values[-1] - values[0] > 0.5 * vae.gap(0)


@given(SEEDS, DRAWS)
@settings(max_examples=30, deadline=None)
def test_mean_latent_term_is_information_plus_mismatch(seed, draw):
    rng = np.random.default_rng(seed)
    vae, data = random_vae(rng, 3, 3, draw), draw(rng, 3)
    mean = sum(float(data[x]) * vae.latent_kl(x) for x in range(3))
    assert mean == pytest.approx(vae.code_information(data) + finite_kl(vae.aggregate(data), vae.prior), abs=1e-14)


@given(SEEDS, DRAWS, SIZES, st.sampled_from([random_markov_encoder, random_conditional_encoder]))
@settings(max_examples=80, deadline=None)
def test_diffusion_bound_splits_into_its_terms(seed, draw, sizes, make):
    rng = np.random.default_rng(seed)
    model = random_diffusion(rng, make(rng, sizes, draw), draw)
    for x0 in range(sizes[0]):
        elbo = model.elbo(x0)
        parts = model.reconstruction(x0) - model.latent_kl(x0) - sum(model.consistency(x0))
        assert elbo == pytest.approx(parts, abs=1e-13)
        assert model.log_evidence(x0) == pytest.approx(elbo + model.gap(x0), abs=1e-13)
        assert model.gap(x0) >= 0.0 and all(term >= -1e-15 for term in model.consistency(x0))
        path = [int(rng.integers(n)) for n in sizes[1:]]
        assert model.path_log_ratio(x0, path) == pytest.approx(0.0, abs=1e-13)


def test_split_and_telescoping_need_an_encoder_that_is_markov_given_the_data():
    rng = np.random.default_rng(1)
    model = random_diffusion(rng, random_general_encoder(rng, [2, 2, 2, 2]))
    parts = model.reconstruction(0) - model.latent_kl(0) - sum(model.consistency(0))
    assert abs(model.elbo(0) - parts) > 1e-3
    assert abs(model.path_log_ratio(0, (0, 1, 0))) > 1e-3
    assert model.log_evidence(0) == pytest.approx(model.elbo(0) + model.gap(0), abs=1e-13)


def test_encoders_have_the_dependence_that_their_names_say():
    rng = np.random.default_rng(2)
    data = random_simplex(rng, 2)

    def dependence(encoder, given):
        law = random_diffusion(rng, encoder).encoder_joint(data)
        return law.mutual_information(("x1",), ("x3",), given)

    assert dependence(random_markov_encoder(rng, [2, 2, 2, 2]), ("x2",)) == pytest.approx(0.0, abs=1e-15)
    conditional = random_conditional_encoder(rng, [2, 2, 2, 2])
    assert dependence(conditional, ("x0", "x2")) == pytest.approx(0.0, abs=1e-15)
    assert dependence(conditional, ("x2",)) > 1e-4
    assert dependence(random_general_encoder(rng, [2, 2, 2, 2]), ("x0", "x2")) > 1e-4


def test_information_about_the_data_does_not_grow_along_a_markov_encoder():
    rng = np.random.default_rng(3)
    model = random_diffusion(rng, random_markov_encoder(rng, [3, 3, 3, 3]))
    law = model.encoder_joint(random_simplex(rng, 3))
    kept = [law.mutual_information(("x0",), (f"x{t}",)) for t in (1, 2, 3)]
    assert kept == sorted(kept, reverse=True) and kept[0] > kept[-1] > 0


def test_model_joint_is_the_product_of_prior_and_kernels():
    prior, kernel = np.array([0.25, 0.75]), np.array([[0.1, 0.6], [0.9, 0.4]])
    encoder = np.array([[0.5, 0.5], [0.2, 0.8]])
    model = FiniteDiffusion(encoder, prior, (kernel,))
    assert model.model_joint().table == pytest.approx(kernel * prior)
    assert model.log_evidence(0) == pytest.approx(math.log(0.1 * 0.25 + 0.6 * 0.75), rel=1e-14)
    assert model.T == 1 and model.consistency(0) == []
    truth = 0.5 * math.log(0.1 * 0.25 / 0.5) + 0.5 * math.log(0.6 * 0.75 / 0.5)
    assert model.elbo(0) == pytest.approx(truth, rel=1e-14)
