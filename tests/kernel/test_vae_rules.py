"""The rules that only the VAE chapters needed, each against 200 models, and what they refuse."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
import sympy as sp

from derivations import claims
from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import POSITIVE, UNIT, Domain
from derivations.kernel.judge import Judge
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.rules.gaussian import moments
from derivations.kernel.substitution import core
from derivations.notation import eps, i, integrable, j, k, mu, obs, standard_normal, std, x, z
from derivations.refutation.arithmetic import close
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import mp, random_table
from derivations.refutation.worlds import World
from derivations.rules import (
    AffineImage,
    AtMost,
    Coord,
    D,
    Density,
    Entry,
    Expect,
    FullNormal,
    Hadamard,
    LogDensity,
    Quadratic,
    SumTo,
    Trace,
    by_claim,
    cofactors,
    covariance,
    differentiation,
    entries,
    log_p,
    mass,
    push_forward,
    scalar,
    scalar_function,
    scaled,
    vector,
    vector_function,
)
from derivations.vae.evidence import ELBO

MODELS = 200
first, second = covariance("Sigma_p"), covariance("Sigma_q")
f = scalar_function("f")


def context(domain: Domain | None = None) -> Context:
    return Context(domain or Domain(), {"integrable": integrable})


# --- the mass of an importance weight ---------------------------------------------------------------------------------

encoder = Density("q", z, obs)
weight = Expect(encoder, sp.exp(log_p("p", [obs, z]) - log_p("q", z, obs)))
evidence = sp.exp(log_p("p", obs))


def tables(seed: int) -> World:
    """Two laws over (x, z) that vanish in places of their own, densities above and below 1."""
    rng = Random(seed)
    laws = {name: random_table(rng, (("x_obs",), ("z",)), zeros=True) for name in ("p", "q")}
    for law in laws.values():
        law.cell = Fraction(1, rng.choice([1, 5, 40]))
    return World(seed=seed, laws=laws, finite=frozenset(["x_obs", "z"]))


def test_the_mean_weight_is_at_most_the_evidence_and_often_less():
    slack = 0
    for seed in range(MODELS):
        world = tables(seed)
        world.laws["p"] = random_table(Random(-seed), (("x_obs",), ("z",)))
        small, large = evaluate(weight, world), evaluate(evidence, world)
        assert small <= large or close(small, large)
        slack += not close(small, large)
    assert slack > MODELS / 4, "an equality would be wrong: the encoder must miss some of the joint law's mass"


def test_the_mass_rule_proves_inequalities_of_one_direction_only():
    assert mass.decide("<=", weight, evidence, context())
    assert mass.decide("<=", sp.log(weight), sp.log(evidence), context())
    assert mass.decide(">=", 1 - weight, 1 - evidence, context())
    assert not mass.decide("<=", evidence, weight, context())
    assert not mass.decide(">=", weight, evidence, context())
    assert not mass.decide("<=", -weight, -evidence, context())
    assert not mass.decide("<=", weight, 2 * evidence, context())
    with pytest.raises(StepFails, match="<= and >="):
        mass.decide("=", weight, evidence, context())


def test_the_mass_rule_needs_the_weights_own_law():
    foreign = Expect(Density("p", z, obs), sp.exp(log_p("p", [obs, z]) - log_p("q", z, obs)))
    assert not mass.decide("<=", foreign, evidence, context())


# --- orders -----------------------------------------------------------------------------------------------------------

a, b, c = (scalar(name) for name in ("a", "b", "c"))
share = scalar("share")


@pytest.mark.parametrize("factor", [sp.S.One, sp.Rational(3, 7), share, (1 - share) / share])
def test_a_positive_factor_keeps_the_order(factor):
    domain = Domain({"share": UNIT})
    before, after = AtMost(a, b), AtMost(c - factor * b, c - factor * a)
    assert scaled(factor).decide("iff", before, after, context(domain))
    for seed in range(MODELS):
        rng = Random(seed)
        numbers = {name: Fraction(rng.randint(-3, 3)) for name in "abc"} | {"share": Fraction(rng.randint(1, 9), 10)}
        world = World(numbers=numbers)
        assert evaluate(before, world) == evaluate(after, world)


@pytest.mark.parametrize("factor", [sp.S.Zero, sp.S.NegativeOne, share - 1, a])
def test_a_factor_that_is_not_positive_keeps_no_order(factor):
    with pytest.raises(StepFails, match="not known to be positive"):
        scaled(factor).decide("iff", AtMost(a, b), AtMost(factor * a, factor * b), context(Domain({"share": UNIT})))


def test_an_order_turned_round_is_not_the_same_order():
    assert not scaled(sp.S.One).decide("iff", AtMost(a, b), AtMost(b, a), context())


# --- images of noise --------------------------------------------------------------------------------------------------

image = AffineImage(z, i, Coord(mu, i), Coord(std, i), standard_normal(eps, k), k)


def test_averaging_over_an_image_is_averaging_over_its_noise():
    before = Expect(image, f(z))
    after = push_forward.rewrite(before, context(Domain({"std": POSITIVE})))
    assert after == core(Expect(standard_normal(eps, k), f(mu + Hadamard(std, eps))))
    for seed in range(MODELS):
        size = 1 + seed % 2
        world = World(seed=seed, numbers={"k": size}, sizes={"mu": size, "std": size}, coordinates={"std": POSITIVE})
        assert close(evaluate(before, world), evaluate(after, world))


def test_noise_that_occurs_already_is_not_fresh():
    with pytest.raises(StepFails, match="not fresh"):
        push_forward.rewrite(Expect(image, f(z + eps)), context())


# --- matrices by entries ----------------------------------------------------------------------------------------------

u, v = vector("u"), vector("v")
words = [first, first**-1, first**-1 * second, second**-1 * first * second**-1, first - 2 * second**-1]


def matrices(seed: int, size: int) -> World:
    rng = Random(f"{seed} {size}")
    world = World(seed=seed, sizes=dict.fromkeys(("u", "v", "mu", "z"), size))
    for name in ("Sigma_p", "Sigma_q"):
        root = mp.matrix(size, size)
        for r in range(size):
            for col in range(r + 1):
                root[r, col] = mp.mpf(rng.randint(5, 20) if r == col else rng.randint(-9, 9)) / 10
        world.matrices[name] = root * root.T
    return world


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("word", words, ids=str)
def test_entries_and_cofactors_keep_the_value(size, word):
    where = context(Domain(sizes={"Sigma_p": size, "Sigma_q": size}))
    terms = [Trace(word, size), Quadratic(u, word, v), Entry(word, 1, size), Entry(word, size, 1)]
    for term in terms:
        written = entries.rewrite(term, where)
        explicit = cofactors(second).rewrite(cofactors(first).rewrite(written, where), where)
        assert not explicit.atoms(Trace, Quadratic) and all(e.args[0].is_Symbol for e in explicit.atoms(Entry))
        for seed in range(-(-MODELS // (3 * len(words)))):
            world = matrices(seed, size)
            assert close(evaluate(term, world), evaluate(written, world))
            assert close(evaluate(term, world), evaluate(explicit, world))


def test_entries_outside_the_matrix_are_refused():
    with pytest.raises(StepFails, match="outside"):
        entries.rewrite(Entry(first, 1, 3), context(Domain(sizes={"Sigma_p": 2})))


def test_products_of_matrices_of_different_sizes_are_refused():
    with pytest.raises(StepFails, match="numeric size"):
        entries.rewrite(Trace(first * second, 2), context(Domain(sizes={"Sigma_p": 2, "Sigma_q": 3})))


def test_numeric_sums_over_entries_are_written_out():
    where = context(Domain(sizes={"Sigma_p": 2}))
    double = SumTo(SumTo(Entry(first, i, j) * Coord(u, j), j, 1, 2), i, 1, 2)
    parts = [Entry(first, r, c) * Coord(u, c) for r in (1, 2) for c in (1, 2)]
    assert entries.rewrite(double, where) == sp.Add(*parts)


@pytest.mark.parametrize("size", [1, 2])
def test_second_moments_of_coordinates_are_the_covariances_entries(size):
    law = FullNormal(z, mu, first, size)
    bodies = [Coord(z, 1), Coord(z - u, size) * Coord(z - v, 1), Coord(z, size) ** 2 - 3 * Coord(z, 1)]
    for body in bodies:
        mean = moments.rewrite(Expect(law, body), context())
        assert not mean.atoms(Expect)
        for seed in range(-(-MODELS // 6)):
            world = matrices(seed, size)
            assert close(evaluate(Expect(law, body), world), evaluate(mean, world))


def test_third_moments_stay_expectations():
    law = FullNormal(z, mu, first, 2)
    assert moments.rewrite(Expect(law, Coord(z, 1) ** 2 * Coord(z, 2)), context()).atoms(Expect)


def test_a_quadratic_form_in_a_function_of_the_variable_has_no_rule():
    law, network = FullNormal(z, mu, first, 2), vector_function("net")
    kept = moments.rewrite(Expect(law, Quadratic(u, second, network(z))), context())
    assert kept.atoms(Expect), "E u^T M g(z) is not u^T M g(E z)"


# --- derivatives through samples --------------------------------------------------------------------------------------

phi = scalar("phi")
location, spread = vector_function("mu_of", r"\mu")(phi, obs), vector_function("std_of", r"\sigma")(phi, obs)


def test_the_chain_rule_through_a_sample_agrees_with_differences():
    whole = D(f(location + Hadamard(spread, eps)), phi)
    by_parts = differentiation.rewrite(whole, context())
    assert by_parts != whole
    for seed in range(MODELS):
        numbers = {"phi": Fraction(seed % 90 + 1, 97)}
        world = World(seed=seed, d=1 + seed % 2, numbers=numbers, coordinates={"std_of": POSITIVE})
        left, right = evaluate(whole, world), evaluate(by_parts, world)
        assert abs(left - right) <= mp.mpf(10) ** -10 * max(1, abs(left))


def test_both_factors_of_a_coordinatewise_product_move():
    product = D(f(Hadamard(location, spread)), phi)
    by_parts = differentiation.rewrite(product, context())
    world = World(d=2, numbers={"phi": Fraction(3, 7)})
    assert abs(evaluate(product, world) - evaluate(by_parts, world)) < mp.mpf(10) ** -10


def test_a_vector_does_not_look_constant_to_its_own_coordinate():
    assert differentiation.rewrite(D(f(mu), Coord(mu, 1)), context()) != 0


def test_densities_still_mean_what_they_say():
    world = matrices(0, 2)
    law = FullNormal(z, mu, first, 2)
    assert close(evaluate(LogDensity(law), world), evaluate(LogDensity(FullNormal(mu, z, first, 2)), world))


# --- earlier claims at other variables --------------------------------------------------------------------------------


def test_a_variable_hidden_in_an_abbreviation_cannot_be_renamed():
    bound = ELBO(x(0))  # averages over z, which does not show
    other = Expect(Density("q", x(1), x(0)), log_p("p", [x(0), x(1)]) - log_p("q", x(1), x(0)))
    wrong = Claim(
        id="not a claim",
        title="",
        chapter="",
        kind="identity",
        says=(Statement(bound, "=", other),),
        hypotheses=claims()["vae.elbo.joint_form"].hypotheses,
        scope="",
        sources=(),
    )

    @wrong.proves()
    def _(line: Chain) -> None:
        line(bound)
        line(other, by=by_claim("vae.elbo.joint_form", at={obs: x(0), z: x(1)}))

    verdict = Judge(claims()).judge(wrong).verdict
    assert not verdict and "does not follow" in str(verdict)
