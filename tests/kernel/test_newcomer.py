"""What a person of the field writes first, each in the natural way: bounds, monotone steps, finite sums, numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from attack import Attack

from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.judge import Judge
from derivations.kernel.terms import Malformed
from derivations.kernel.verdict import Proved
from derivations.notation import T, abar, alpha, common_support, integrable, obs, p, q, schedule, t, z
from derivations.rules import (
    POSITIVE,
    REAL,
    UNIT,
    Block,
    Coord,
    D,
    Expect,
    Grad,
    Hypothesis,
    Inner,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    ProductTo,
    Rounded,
    SumTo,
    algebra,
    bayes,
    by_claim,
    composition,
    constant_vector,
    density,
    draws,
    given,
    identify,
    importance,
    induction_hypothesis,
    interval_arithmetic,
    jensen,
    last_term,
    linearity,
    log_p,
    log_tangent,
    monotone,
    one_draw,
    ordered_by,
    positivity,
    scalar,
    scalar_function,
    squares,
    total_probability,
    tower,
    vector,
    vector_function,
    vector_linearity,
)
from derivations.shadow import watch

a, b, h = (scalar(f"new_{name}") for name in "abh")
u, w = vector("new_u"), vector("new_w")
mass_p, mass_q = (scalar_function(f"new_{name}", positive=True) for name in "pq")
n, i, j = (sp.Symbol(f"new_{name}", integer=True) for name in "nij")
k = sp.Symbol("new_k", integer=True, positive=True)

POSITIVES = Domain({"new_a": POSITIVE, "new_b": POSITIVE, "new_h": POSITIVE})
UNITS = Domain({"new_a": UNIT, "new_b": UNIT})
TERMS = Domain({"new_p": POSITIVE, "new_q": POSITIVE}, {k: (1, sp.oo)})


def claimed(
    lhs: Any, relation: Any, rhs: Any, domain: Domain, write: Callable[..., None], name: str, **more: Any
) -> Claim:
    claim = Claim(name, name, "", "inequality", (Statement(lhs, relation, rhs),), "", (), domain, **more)
    claim.proves()(write)
    return claim


def tangent_of_log() -> Claim:
    def write(line: Chain) -> None:
        line(sp.log(a))
        line.le(a - 1, by=log_tangent)

    return claimed(sp.log(a), "<=", a - 1, Domain({"new_a": POSITIVE}), write, "new.tangent")


TANGENT = tangent_of_log()


def assert_proved(claim: Claim, *lemmas: Claim) -> None:
    judgement = Judge({c.id: c for c in (*lemmas, claim)}, watch=watch).judge(claim)
    assert isinstance(judgement.verdict, Proved), judgement.verdict
    assert not judgement.shadow.none, judgement.shadow.without


def proved(lhs: Any, relation: Any, rhs: Any, domain: Domain, write: Callable[..., None]) -> None:
    assert_proved(claimed(lhs, relation, rhs, domain, write, "new.claim"), TANGENT)


# --- logarithms -------------------------------------------------------------------------------------------------------


def test_the_logarithm_lies_below_its_tangent() -> None:
    assert_proved(TANGENT)


def test_log_sum_inequality_for_n_terms() -> None:
    """sum p_i log(p_i / q_i) >= P log(P / Q), P and Q the two sums."""
    p, q = mass_p(i), mass_q(i)
    P, Q = SumTo(mass_p(j), j, 1, k), SumTo(mass_q(j), j, 1, k)
    ratio = P / Q
    lhs = SumTo(p * sp.log(p / q), i, 1, k)

    def write(line: Chain) -> None:
        line(lhs)
        line(SumTo(-p * sp.log(q * ratio / p), i, 1, k) + P * sp.log(ratio), why="each term against the ratio P/Q")
        line.ge(
            SumTo(-p * (q * ratio / p - 1), i, 1, k) + P * sp.log(ratio),
            by=monotone(ordered_by("new.tangent", at={a: q * ratio / p}, times=p)),
        )
        line(P * sp.log(ratio), why="sum q_i P/Q = P")

    proved(lhs, ">=", P * sp.log(ratio), TERMS, write)


def test_binary_entropy_is_at_most_log_2() -> None:
    entropy = -a * sp.log(a) - (1 - a) * sp.log(1 - a)

    def write(line: Chain) -> None:
        line(entropy)
        line(sp.log(2) + a * sp.log(1 / (2 * a)) + (1 - a) * sp.log(1 / (2 * (1 - a))))
        line.le(
            sp.log(2) + a * (1 / (2 * a) - 1) + (1 - a) * sp.log(1 / (2 * (1 - a))),
            by=ordered_by("new.tangent", at={a: 1 / (2 * a)}, times=a),
        )
        line.le(
            sp.log(2) + a * (1 / (2 * a) - 1) + (1 - a) * (1 / (2 * (1 - a)) - 1),
            by=ordered_by("new.tangent", at={a: 1 / (2 * (1 - a))}, times=1 - a),
        )
        line(sp.log(2))

    proved(entropy, "<=", sp.log(2), UNITS, write)


def test_binary_divergence_is_never_negative() -> None:
    divergence = a * sp.log(a / b) + (1 - a) * sp.log((1 - a) / (1 - b))

    def write(line: Chain) -> None:
        line(divergence)
        line.ge(
            a * (1 - b / a) + (1 - a) * sp.log((1 - a) / (1 - b)),
            by=ordered_by("new.tangent", at={a: b / a}, times=a),
        )
        line.ge(
            a * (1 - b / a) + (1 - a) * (1 - (1 - b) / (1 - a)),
            by=ordered_by("new.tangent", at={a: (1 - b) / (1 - a)}, times=1 - a),
        )
        line(sp.S.Zero)

    proved(divergence, ">=", sp.S.Zero, UNITS, write)


def test_log_snr_falls() -> None:
    log_snr = sp.log(abar(t) / (1 - abar(t)))
    before = sp.log(abar(t - 1) / (1 - abar(t - 1)))

    def write(line: Chain) -> None:
        line(log_snr)
        line.lt(before, by=monotone(positivity))

    proved(log_snr, "<", before, schedule(2), write)


def test_exponentials_are_monotone() -> None:
    def write(line: Chain) -> None:
        line(sp.exp(-a))
        line.gt(sp.exp(-a - b), by=monotone(positivity))

    proved(sp.exp(-a), ">", sp.exp(-a - b), POSITIVES, write)


def test_log_of_a_product_whose_factor_factors_with_a_sign_nobody_knows() -> None:
    e = (a**3 + b**3) * b
    assert Attack(sp.log(e), sp.log(a**3 + b**3) + sp.log(b), domain=POSITIVES).verdict()
    quintic = a**5 + b**5
    assert Attack(sp.log(quintic / b), sp.log(quintic) - sp.log(b), domain=POSITIVES).verdict()
    assert not Attack(sp.log(e), sp.log(a**3 + b**3) + sp.log(a), domain=POSITIVES).verdict()
    assert not Attack(sp.log(e), sp.log(a**3 + b**3) + sp.log(b), domain=Domain({"new_a": REAL})).verdict()


def test_the_entropy_of_a_gaussian_is_a_number() -> None:
    entropy = sp.log(2 * sp.pi * sp.E * h) / 2
    assert Attack(entropy, (1 + sp.log(2 * sp.pi) + sp.log(h)) / 2, domain=POSITIVES).verdict()
    assert Attack(entropy.subs(h, 1), Rounded("1.41893853"), interval_arithmetic).verdict()
    assert not Attack(entropy.subs(h, 1), Rounded("1.41893852"), interval_arithmetic).verdict()


# --- vectors ----------------------------------------------------------------------------------------------------------


def test_the_square_of_a_sum_of_two_vectors() -> None:
    bound = 2 * Norm2(u) + 2 * Norm2(w)
    assert Attack(Norm2(u + w), bound, positivity, relation="<=").verdict()
    assert not Attack(Norm2(u + w), Norm2(u) + Norm2(w), positivity, relation="<=").verdict()
    assert not Attack(Norm2(u + w), bound, positivity, relation="<").verdict()
    weighted = (1 + h) * Norm2(u) + (1 + 1 / h) * Norm2(w)
    assert Attack(Norm2(u + w), weighted, positivity, POSITIVES, relation="<=").verdict()


def test_cauchy_schwarz() -> None:
    assert Attack(Inner(u, w) ** 2, Norm2(u) * Norm2(w), positivity, relation="<=").verdict()
    assert not Attack(Inner(u, w) ** 2, Norm2(u) * Norm2(w), positivity, relation="<").verdict()
    assert not Attack(Norm2(u) * Norm2(w), Inner(u, w) ** 2, positivity, relation="<=").verdict()
    lengths = sp.sqrt(Norm2(u)) * sp.sqrt(Norm2(w))
    assert Attack(sp.Abs(Inner(u, w)), lengths, squares(positivity), relation="<=").verdict()
    assert not Attack(-lengths, Inner(u, w), squares(positivity), relation="<=").verdict()


# --- sums and products ------------------------------------------------------------------------------------------------


def test_geometric_sum_by_induction() -> None:
    lhs, closed = SumTo(a**i, i, 0, n), (1 - a ** (n + 1)) / (1 - a)
    claim = Claim(
        "new.claim",
        "",
        "",
        "identity",
        (Statement(lhs, "=", closed),),
        "",
        (),
        Domain(UNITS.intervals, {n: (0, sp.oo)}),
    )

    @claim.proves(induction_on=n, start=0)
    def _(base: Chain, step: Chain) -> None:
        base(SumTo(a**i, i, 0, 0))
        base(sp.S.One)
        base(closed.subs(n, 0))
        step(SumTo(a**i, i, 0, n + 1))
        step(lhs + a ** (n + 1), by=last_term(n + 1))
        step(closed + a ** (n + 1), by=induction_hypothesis)
        step((1 - a ** (n + 2)) / (1 - a), why="a^(n+1) (1 - a) = a^(n+1) - a^(n+2)")

    assert_proved(claim)


def test_abar_is_the_product_of_the_alphas() -> None:
    product = ProductTo(alpha(i), i, 1, T)
    domain = Domain(schedule().intervals, {T: (1, sp.oo)}, {"abar": "alpha"})
    claim = Claim("new.claim", "", "", "identity", (Statement(abar(T), "=", product),), "", (), domain)

    @claim.proves(induction_on=T)
    def _(base: Chain, step: Chain) -> None:
        base(abar(1))
        base(alpha(1))
        base(ProductTo(alpha(i), i, 1, 1), by=last_term(1))
        step(abar(T + 1))
        step(alpha(T + 1) * abar(T))
        step(alpha(T + 1) * product, by=induction_hypothesis)
        step(ProductTo(alpha(i), i, 1, T + 1), by=last_term(T + 1))

    assert_proved(claim)


def test_products_of_factors_in_the_unit_interval_shrink() -> None:
    def write(line: Chain) -> None:
        line(ProductTo(alpha(i), i, 1, T))
        line.le(ProductTo(sp.S.One, i, 1, T), by=monotone(positivity))

    domain = Domain({"alpha": UNIT}, {T: (1, sp.oo)})
    proved(ProductTo(alpha(i), i, 1, T), "<=", ProductTo(sp.S.One, i, 1, T), domain, write)


@pytest.mark.parametrize(
    ("lhs", "rhs", "domain"),
    [
        (a ** (n + 1), a * a**n, Domain({"new_a": REAL}, {n: (0, sp.oo)})),
        ((2 * a * b) ** n, 2**n * a**n * b**n, Domain({}, {n: (0, sp.oo)})),
        (a ** (n - 1), a**n / a, Domain(UNITS.intervals, {n: (0, sp.oo)})),
        (a ** (2 * n), (a**n) ** 2, Domain({}, {n: (0, sp.oo)})),
        (sp.sqrt(a ** (2 * n)), a**n, Domain(UNITS.intervals, {n: (0, sp.oo)})),
    ],
)
def test_powers_with_an_integer_that_nobody_knows(lhs: Any, rhs: Any, domain: Domain) -> None:
    assert Attack(lhs, rhs, algebra, domain).verdict()


def test_a_power_of_what_may_be_zero_is_not_taken_apart() -> None:
    assert not Attack(a ** (n - 1) * a, a**n, algebra, Domain({}, {n: (0, sp.oo)})).verdict()
    assert not Attack(a ** (n + 1), a**n, algebra, Domain(UNITS.intervals, {n: (0, sp.oo)})).verdict()


# --- means of any law -------------------------------------------------------------------------------------------------

offset = constant_vector("new_offset")
best = vector_function("new_best")
SPREAD = Expect(q(z), Norm2(z - Mean(q(z))))


def test_the_squared_distance_is_the_spread_and_the_squared_distance_of_the_mean() -> None:
    lhs, rhs = Expect(q(z), Norm2(z - u)), SPREAD + Norm2(Mean(q(z)) - u)
    assert Attack(lhs, rhs, vector_linearity, hypotheses=(integrable,)).verdict()
    assert not Attack(lhs, rhs, vector_linearity).verdict()
    assert not Attack(lhs, SPREAD, vector_linearity, hypotheses=(integrable,)).verdict()


def test_the_mean_minimises_the_squared_error() -> None:
    def write(line: Chain) -> None:
        line(Expect(q(z), Norm2(z - u)))
        line(SPREAD + Norm2(Mean(q(z)) - u), by=vector_linearity)
        line.ge(SPREAD, by=positivity)

    claim = claimed(Expect(q(z), Norm2(z - u)), ">=", SPREAD, Domain(), write, "new.mean", hypotheses=(integrable,))
    assert_proved(claim)


def test_the_conditional_mean_minimises_the_squared_error() -> None:
    """Among all functions of y, for any law of x and y."""
    x, y = obs, z
    m = Mean(q(x, y))
    error, least = Expect(q([x, y]), Norm2(x - best(y))), Expect(q([x, y]), Norm2(x - m))

    def write(line: Chain) -> None:
        line(error)
        line(Expect(q(y), Expect(q(x, y), Norm2(x - best(y)))), by=tower)
        line(Expect(q(y), Expect(q(x, y), Norm2(x - m)) + Norm2(m - best(y))), by=vector_linearity)
        line.ge(Expect(q(y), Expect(q(x, y), Norm2(x - m))), by=monotone(positivity))
        line(least, by=tower)

    assert_proved(claimed(error, ">=", least, Domain(), write, "new.best", hypotheses=(integrable,)))


# --- an affine model with an offset -----------------------------------------------------------------------------------

START = Hypothesis("start", "z is standard normal", log_p("p", z), LogDensity(Normal(z, 0, 1)))
SEEN = Hypothesis("seen", "x = a z + b + noise", log_p("p", obs, z), LogDensity(Normal(obs, a * z + offset, h)))
AFFINE = Domain({"new_h": POSITIVE})
EVIDENCE = LogDensity(Normal(obs, offset, h + a**2))


def affine_evidence() -> Claim:
    def write(line: Chain) -> None:
        line(log_p("p", obs))
        line(sp.log(Expect(p(z), sp.exp(log_p("p", obs, z)))), by=total_probability)
        line(
            sp.log(Expect(Normal(z, 0, 1), sp.exp(LogDensity(Normal(obs, a * z + offset, h))))),
            by=[given(SEEN), identify(p(z), Normal(z, 0, 1), given(START))],
        )
        line(EVIDENCE, by=composition)

    more = {"hypotheses": (START, SEEN)}
    return claimed(log_p("p", obs), "=", EVIDENCE, AFFINE, write, "new.evidence", **more)


def test_the_evidence_of_an_affine_model_with_its_offset() -> None:
    assert_proved(affine_evidence())


def test_the_posterior_of_an_affine_model_with_its_offset() -> None:
    gain = a / (h + a**2)
    posterior = LogDensity(Normal(z, gain * (obs - offset), h / (h + a**2)))

    def write(line: Chain) -> None:
        line(log_p("p", z, obs))
        line(log_p("p", obs, z) + log_p("p", z) - log_p("p", obs), by=bayes)
        line(
            LogDensity(Normal(obs, a * z + offset, h)) + LogDensity(Normal(z, 0, 1)) - EVIDENCE,
            by=[given(SEEN), given(START), by_claim("new.evidence")],
        )
        line(posterior, by=density)

    claim = claimed(log_p("p", z, obs), "=", posterior, AFFINE, write, "new.posterior", hypotheses=(START, SEEN))
    assert_proved(claim, affine_evidence())


def test_a_hypothesis_may_be_about_a_constant_vector_and_about_no_other() -> None:
    def supposed(b: Any) -> Any:
        h = Hypothesis("seen", "", log_p("p", obs, z), LogDensity(Normal(obs, z + b, 1)))
        return Attack(log_p("p", obs, z), LogDensity(Normal(obs, z + b, 1)), given(h), hypotheses=(h,)).verdict()

    assert supposed(offset)
    assert "for all values" in supposed(u).reason
    with pytest.raises(Malformed, match="nothing draws it"):
        q(offset)
    with pytest.raises(Malformed, match="nothing draws it"):
        Expect(Normal(offset, 0, 1), Norm2(offset))


def test_a_constant_vector_does_not_vary() -> None:
    with pytest.raises(Malformed, match="does not vary"):
        D(Norm2(offset), Coord(offset, 1))
    with pytest.raises(Malformed, match="no Grad in new_offset"):
        Grad(Norm2(offset), offset)


# --- importance samples -----------------------------------------------------------------------------------------------

samples = draws("new_sample", z, "z")
K = sp.Symbol("new_K", integer=True, positive=True)
ALIKE = Hypothesis("alike draws", ASSUMPTIONS["alike draws"])
SAMPLES = Domain({}, {K: (1, sp.oo)})
IWAE = (integrable, common_support, ALIKE)


def log_weight(sample: Any) -> Any:
    return log_p("p", [obs, sample]) - log_p("q", sample, obs)


def over_samples(body: Any) -> Any:
    return Expect(q(Block(samples, 1, K), obs), body)


LOG_WEIGHTS, WEIGHTS = (SumTo(f(samples(k)), k, 1, K) for f in (log_weight, lambda e: sp.exp(log_weight(e))))
L_K = over_samples(sp.log(WEIGHTS / K))


def test_importance_weighted_bounds_lie_below_the_evidence() -> None:
    def write(line: Chain) -> None:
        line(L_K)
        line.le(sp.log(over_samples(WEIGHTS / K)), by=jensen)
        line(sp.log(SumTo(over_samples(sp.exp(log_weight(samples(k)))), k, 1, K) / K), by=linearity)
        line(sp.log(SumTo(Expect(q(samples(k), obs), sp.exp(log_weight(samples(k)))), k, 1, K) / K), by=tower)
        line(sp.log(SumTo(sp.exp(log_p("p", obs)), k, 1, K) / K), by=importance)
        line(log_p("p", obs))

    assert_proved(claimed(L_K, "<=", log_p("p", obs), SAMPLES, write, "new.iwae", hypotheses=IWAE))


def test_importance_weighted_bounds_lie_above_the_elbo() -> None:
    elbo = Expect(q(z, obs), log_weight(z))
    m = SumTo(sp.exp(log_weight(samples(j))), j, 1, K) / K
    ratio = sp.exp(log_weight(samples(k))) / m

    def write(line: Chain) -> None:
        line(elbo)
        line(SumTo(elbo, k, 1, K) / K, why="the mean of K equal numbers")
        line(SumTo(Expect(q(samples(k), obs), log_weight(samples(k))), k, 1, K) / K, by=one_draw)
        line(SumTo(over_samples(log_weight(samples(k))), k, 1, K) / K, by=tower)
        line(over_samples(LOG_WEIGHTS / K), by=linearity)
        line(over_samples(SumTo(sp.log(m) + sp.log(ratio), k, 1, K) / K))
        line.le(
            over_samples(SumTo(sp.log(m) + ratio - 1, k, 1, K) / K),
            by=monotone(ordered_by("new.tangent", at={a: ratio})),
        )
        line(L_K)

    claim = claimed(elbo, "<=", L_K, SAMPLES, write, "new.iwae", hypotheses=IWAE)
    assert_proved(claim, TANGENT)
    alone = replace(claim, hypotheses=IWAE[:2], id="new.alone")
    assert "alike draws" in Judge({c.id: c for c in (TANGENT, alone)}).judge(alone).verdict.reason


# --- bits -------------------------------------------------------------------------------------------------------------


def test_logarithms_to_the_base_2_add_up() -> None:
    both = Domain({"new_a": POSITIVE, "new_h": POSITIVE})
    assert Attack(sp.log(a * h, 2), sp.log(a, 2) + sp.log(h, 2), algebra, both).verdict()
    assert Attack(sp.log(a, 2) * sp.log(2), sp.log(a), algebra, both).verdict()
    assert not Attack(sp.log(a, 2), sp.log(a), algebra, both).verdict()


def test_the_logarithm_of_what_is_above_1_is_positive() -> None:
    for number in (2, 3, 7, 12):
        assert Attack(sp.log(number), 0, positivity, relation=">").verdict()
    for number in (sp.Rational(1, 2), sp.Rational(2, 3), 1):
        assert not Attack(sp.log(number), 0, positivity, relation=">").verdict()
