"""What each rule says when it is asked for something that it does not do, and what is shown of a claim."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from attack import Attack, one_statement, proved_lemma

from derivations.kernel.algebra import Algebra, OutsideFragment, linear_form
from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import NONZERO, POSITIVE, REAL, UNIT, Domain, Interval
from derivations.kernel.judge import Judge
from derivations.kernel.terms import Malformed
from derivations.notation import T, integrable, p, q, s, t, z
from derivations.rules import (
    KL,
    At,
    AtMost,
    D,
    Equal,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    Rounded,
    SumTo,
    algebra,
    by_claim,
    composition,
    continuity,
    define,
    differentiation,
    gibbs,
    induction,
    interval_arithmetic,
    jensen,
    log_p,
    mass,
    positivity,
    rearrange,
    scalar,
    scalar_function,
    scaled,
    tangent,
    total_probability,
    vanishing_mean,
    vector,
    zero_divergence,
)
from derivations.vae.divergence import nonnegative

a, b, c, phi = (scalar(f"refused_{name}") for name in ("a", "b", "c", "phi"))
u = vector("refused_u")
f, g = scalar_function("refused_f"), scalar_function("refused_g")
nested = scalar_function("refused_nested")
n = sp.Symbol("refused_n", integer=True, positive=True)
square = define("refused_square", "S", lambda m: m**2)
opaque = define("refused_opaque", "O", lambda m: f(m))
doubled = define("refused_doubled", "B", lambda m: 2 * f(m))
COUNT = Domain(indices={T: (1, sp.oo)})


def reason(attack: Attack) -> str:
    verdict = attack.verdict()
    assert verdict.kind == "undecided", verdict
    return str(verdict.reason)


# --- rules ------------------------------------------------------------------------------------------------------------

law, other = q(z), p(z)
WRONG_RELATION: list[tuple[Any, str, Any, Any, str]] = [
    (algebra, "<=", a, a, "proves equalities, not"),
    (positivity, "=", a, a, "a sign proves an inequality"),
    (induction(T, 1), "<=", T, T, "proves equalities"),
    (interval_arithmetic, "<=", sp.S(1), sp.S(2), "compares a number with a rounded value"),
    (interval_arithmetic, "=", sp.S(1), sp.S(1), "compares a number with a rounded value"),
    (interval_arithmetic, "=", a, Rounded("1"), "is not a closed number"),
    (gibbs, "=", KL(law, other), KL(law, other), "Gibbs proves <= and >=, not"),
    (gibbs, ">=", a, a, "do not differ by a KL divergence"),
    (jensen, "=", a, a, "Jensen proves <= and >=, not"),
    (jensen, "<=", a, a, "compares log E"),
    (tangent, "=", a, a, "the tangent bound compares"),
    (mass, "=", a, a, "a mass proves <= and >=, not"),
    (scaled(2), "iff", Equal(a, b), Equal(b, a), "compares two inequalities"),
    (rearrange, "iff", AtMost(a, b), AtMost(a, b), "compares two equations"),
    (vanishing_mean, "iff", Equal(a, b), Equal(a, b), "compares a zero mean"),
    (zero_divergence, "iff", Equal(a, b), Equal(a, b), "compares KL = 0"),
]


@pytest.mark.parametrize(("rule", "relation", "lhs", "rhs", "says"), WRONG_RELATION)
def test_a_rule_refuses_what_it_does_not_prove(rule: Any, relation: str, lhs: Any, rhs: Any, says: str) -> None:
    domain = Domain(indices={T: (1, sp.oo)})
    assert says in reason(Attack(lhs, rhs, rule, domain, relation=relation, lemmas=(nonnegative,)))


def test_a_factor_of_unknown_sign_does_not_keep_an_order() -> None:
    attack = Attack(AtMost(a, b), AtMost(c * a, c * b), scaled(c), relation="iff")
    assert "is not known to be positive" in reason(attack)
    attack.domain = Domain({"refused_c": POSITIVE})
    assert attack.verdict()


def test_laws_that_are_not_of_the_right_kind_are_left_alone() -> None:
    """Nothing is known of these averages, so the lines stay as different as they are."""
    averages = [
        (total_probability, Expect(q(z), sp.exp(log_p("p", u, z))), sp.exp(log_p("p", u))),
        (total_probability, Expect(Normal(z, 0, 1), sp.exp(log_p("q", u, z))), sp.exp(log_p("q", u))),
        (composition, Expect(Normal(z, 0, 1), sp.exp(log_p("q", u, z))), sp.exp(log_p("q", u))),
        (composition, Expect(q(z), sp.exp(LogDensity(Normal(u, z, 1)))), sp.exp(LogDensity(Normal(u, 0, 2)))),
    ]
    for rule, lhs, rhs in averages:
        assert "does not follow" in reason(Attack(lhs, rhs, rule))


def test_the_derivative_and_the_limit_of_an_abbreviation_are_those_of_its_body() -> None:
    assert Attack(D(square(phi), phi), 2 * phi, differentiation).verdict()
    assert Attack(At(square(phi), phi, 3), 9, continuity).verdict()
    assert "nothing is known of the limit" in reason(Attack(At(opaque(phi), phi, 0), f(0), continuity))


def test_a_family_with_two_members_in_a_lemma_is_not_replaced_in_one_place() -> None:
    lemma = proved_lemma("L", f(a) * f(b), f(b) * f(a))
    assert "mentions refused_f elsewhere too" in reason(
        Attack(c * f(b), f(b) * c, by_claim("L", at={f(a): c}), lemmas=(lemma,))
    )


def test_an_integer_is_replaced_by_integers_only() -> None:
    lemma = proved_lemma("L", f(n) + 1, 1 + f(n))
    assert "needs an integer for" in reason(
        Attack(f(a) + 1, 1 + f(a), by_claim("L", at={n: a}), Domain({"refused_a": POSITIVE}), lemmas=(lemma,))
    )


# --- the algebra ------------------------------------------------------------------------------------------------------


def test_terms_nested_too_deep_are_outside_the_fragment() -> None:
    def onion(layers: int, core: Any) -> Any:
        return nested(onion(layers - 1, core)) if layers else core

    def peeled(layers: int) -> bool:
        return Algebra(Domain()).equal(onion(layers, (a + b) ** 2), onion(layers, a**2 + 2 * a * b + b**2))

    assert peeled(12)
    with pytest.raises(OutsideFragment, match="more than 12 deep"):
        peeled(13)


def test_a_sum_that_may_have_a_negative_length_is_outside_the_fragment() -> None:
    parts = SumTo(f(t) + g(t), t, s, T) - SumTo(f(t), t, s, T) - SumTo(g(t), t, s, T)
    with pytest.raises(OutsideFragment, match="negative number of terms"):
        Algebra(COUNT).is_zero(parts)
    assert Algebra(Domain(indices={T: (1, sp.oo), s: (1, T)})).is_zero(parts)


def test_a_nested_sum_of_abbreviations_is_taken_apart() -> None:
    left = SumTo(SumTo(doubled(t) * g(s), s, 1, t), t, 1, T)
    assert Attack(left, 2 * SumTo(f(t) * SumTo(g(s), s, 1, t), t, 1, T), algebra, COUNT).verdict()


def test_roots_of_squares_and_of_nothing() -> None:
    positive = Domain({"refused_a": POSITIVE, "refused_b": POSITIVE})
    squared = a**2 + 2 * a * b + b**2
    assert Algebra(positive).is_zero(sp.sqrt(squared) - a - b)
    assert Algebra(positive).is_zero(sp.sqrt(squared - (a + b) ** 2))
    with pytest.raises(OutsideFragment, match="a square of unknown sign"):
        Algebra(Domain()).is_zero(sp.sqrt(squared) - a - b)


def test_only_combinations_of_vectors_have_a_linear_form() -> None:
    assert linear_form(2 * z - a * u) == {z: 2, u: -a}
    for wrong in (a, z * u, z + 1):
        with pytest.raises(ValueError, match="values to unpack"):
            linear_form(wrong)


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_claim_says_where_it_holds() -> None:
    intervals = {
        "refused_a": REAL,
        "refused_b": NONZERO,
        "refused_c": UNIT,
        "refused_phi": Interval(hi=3, open_hi=False),
    }
    domain = Domain(intervals, {T: (1, sp.oo), t: (2, T)}, {"abar": "alpha"}, {"Sigma": 2})
    words = [
        "refused_a real",
        "refused_b real, not 0",
        "refused_c in (0, 1)",
        "refused_phi in (-∞, 3]",
        "T an integer >= 1",
        "t an integer in 2..T",
        "abar(0) = 1, abar(n) = alpha(n) abar(n-1)",
        "Sigma a 2 x 2 covariance",
    ]
    assert domain.words() == words
    assert Domain({"refused_u": POSITIVE}).words() == ["every coordinate of refused_u in (0, ∞)"]


def test_a_statement_with_a_domain_of_its_own_says_so() -> None:
    says = (Statement(a, "=", a), Statement(b, "=", b, domain=Domain({"refused_a": REAL, "refused_b": POSITIVE})))
    claim = Claim("shown", "", "", "identity", says, "", (), Domain({"refused_a": REAL}))
    assert claim.domain_words() == ["refused_a real", "statement 2: refused_b in (0, ∞)"]
    assert claim.statements == says


def test_a_judgement_tells_what_it_rests_on() -> None:
    positive = Domain({"refused_a": POSITIVE, "refused_b": POSITIVE})
    claim = one_statement(sp.log(a * b), "=", sp.log(a) + sp.log(b), positive, (integrable,), "shown")

    @claim.proves()
    def _(line: Chain) -> None:
        line(claim.says[0].lhs)
        line(claim.says[0].rhs, why="both are positive")

    judgement = Judge({}).judge(claim)
    assert judgement.verdict
    assert (judgement.rules, judgement.assumptions, judgement.uses, judgement.hypotheses) == (
        ("algebra",),
        (),
        (),
        ("integrable",),
    )
    assert judgement.side_conditions == ("refused_a*refused_b > 0", "refused_a > 0", "refused_b > 0")
    last = judgement.parts[0].steps[-1]
    assert (last.why, last.tier, last.text) == ("both are positive", "decided", "log(refused_a) + log(refused_b)")
    assert r"\log" in last.latex


def test_a_term_takes_its_own_number_of_arguments() -> None:
    with pytest.raises(Malformed, match="Norm2 takes 1 arguments, and is given 2"):
        Norm2(z, u)
    with pytest.raises(Malformed, match="so nothing can run over it"):
        SumTo(f(t), 2 * t, 1, T)


def test_a_family_has_one_kind() -> None:
    with pytest.raises(Malformed, match="exists already with other properties"):
        define("refused_f", "f", lambda m: m)
    with pytest.raises(Malformed, match="exists already with other properties"):
        scalar_function("refused_f", positive=True)
