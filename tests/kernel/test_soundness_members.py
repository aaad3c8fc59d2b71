"""False statements about what may be the same thing, or not there at all.

One member of a family and another, a coordinate outside its space, a part of a lemma that is no variable, a sum without
terms. An earlier kernel proved most.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.kernel.claims import Chain
from derivations.kernel.dependence import outside
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.terms import DIM
from derivations.notation import T, abar, eps, i, integrable, interchange_hypothesis, j, k, q, s, schedule, snr, t, x, z
from derivations.rules import (
    KL,
    Block,
    Coord,
    D,
    Density,
    DiagonalNormal,
    Entry,
    Expect,
    FullNormal,
    Gradient,
    Hypothesis,
    Inner,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Quadratic,
    Ratio,
    SumTo,
    algebra,
    by_claim,
    cofactors,
    covariance,
    define,
    definition,
    density,
    differentiation,
    entries,
    given,
    induction,
    interchange,
    moments,
    reparameterize,
    scalar,
    scalar_function,
    tower,
    trace_algebra,
    vector,
    vector_function,
)

ONE = sp.S.One
f, y, network = scalar_function("member_f"), vector_function("member_y"), vector_function("member_network")
a, b, c, phi = (scalar(f"member_{name}") for name in ("a", "b", "c", "phi"))
u, v = vector("member_u"), vector("member_v")
A = covariance("Member_A")
m, n = (sp.Symbol(f"member_{name}", integer=True) for name in "mn")
some_T = Domain(indices={T: (1, sp.oo)})
one_place = Domain(indices={T: (1, sp.oo), t: (1, T)})
two_places = Domain(indices={T: (1, sp.oo), t: (1, T), s: (1, T)})
sigma_t, sigma_above = scalar("member_sigma_t", r"\sigma_t"), scalar("member_above", r"\sigma^{(t)}")
each_is_sigma = Hypothesis("each f(t) is sigma_t", "", f(t), sigma_t, {t: (1, T)})
equal_numbers = Hypothesis("two equal numbers", "", a, b)
hides_d = define("member_hides_d", "F", lambda: DIM)
between = x(sp.Rational(5, 2))
PULLED_BACK = Inner(Gradient(f, phi * v), D(phi * v, phi))


def coordinate_past_the_last(line: Chain) -> None:
    line(1)
    line(Expect(DiagonalNormal(z, i, sp.Abs(k - i), 1, k), Coord(z, k + 1)), by=moments)
    line(Expect(DiagonalNormal(z, i, k - i, 1, k), Coord(z, k + 1)), by=algebra)  # the same only for i = 1..k
    line(-1, by=moments)


def size_of_the_domain(line: Chain) -> None:
    line(2)
    line(Expect(FullNormal(z, 0, A, 2), Quadratic(z, A**-1, z)), by=[moments, trace_algebra])
    line(1, by=[entries, moments, cofactors(A)])


def sum_over_the_dimension(line: Chain) -> None:
    line(3 * DIM)
    line(SumTo(hides_d(), DIM, 1, 3))
    line(6, by=[definition, algebra])


def derivative_at_the_only_point(line: Chain) -> None:
    line(D(sp.Abs(a - 1), a))
    line(D(a - 1, a))
    line(1, by=differentiation)


ATTACKS: dict[str, Callable[[], Attack]] = {
    # keys of a replacement that are no variables
    "a sum replaced": lambda: Attack(
        Ratio(c * (a - b), 1),
        a**2 - b**2,
        by_claim("L", at={a + b: c}),
        lemmas=(proved_lemma("L", Ratio((a + b) * (a - b), 1), a**2 - b**2),),
    ),
    "a number replaced": lambda: Attack(
        Ratio((a + 1) ** 3, 1),
        a**3 + 3 * a + 1,
        by_claim("L", at={2: 3}),
        lemmas=(proved_lemma("L", Ratio((a + 1) ** 2, 1), a**2 + 2 * a + 1),),
    ),
    "a coordinate replaced": lambda: Attack(
        Ratio(c, 1),
        Coord(u, 1) + Coord(v, 1),
        by_claim("L", at={Coord(u + v, 1): c}),
        lemmas=(proved_lemma("L", Ratio(Coord(u + v, 1), 1), Coord(u, 1) + Coord(v, 1)),),
    ),
    "an abbreviation replaced": lambda: Attack(
        Ratio(c, 1),
        Ratio(abar(t), 1 - abar(t)),
        by_claim("L", at={snr(t): c}),
        schedule(),
        lemmas=(proved_lemma("L", Ratio(snr(t), 1), Ratio(abar(t), 1 - abar(t)), algebra, schedule()),),
    ),
    "a value replaced, and its gradient not": lambda: Attack(
        D(c, phi),
        Inner(Gradient(f, phi * v), D(phi * v, phi)),
        by_claim("L", at={f(phi * v): c}),
        hypotheses=(interchange_hypothesis,),
        lemmas=(proved_lemma("L", D(f(phi * v), phi), PULLED_BACK, differentiation, None, interchange_hypothesis),),
    ),
    # brought under a derivative
    "a norm brought under a derivative by a coordinate": lambda: Attack(
        D(Norm2(v) * Coord(v, 1), Coord(v, 1)),
        Norm2(v),
        by_claim("L", at={a: Norm2(v)}),
        lemmas=(proved_lemma("L", D(a * Coord(v, 1), Coord(v, 1)), a, differentiation),),
    ),
    "a vector brought under a derivative by its coordinate": lambda: Attack(
        D(Coord(v, 1) ** 2, Coord(v, 1)),
        Coord(v, 1),
        by_claim("L", at={u: v}),
        lemmas=(proved_lemma("L", D(Coord(u, 1) * Coord(v, 1), Coord(v, 1)), Coord(u, 1), differentiation),),
    ),
    "a member brought under a derivative by another": lambda: Attack(
        D(f(s) * f(t), f(t)),
        f(s),
        by_claim("L", at={a: f(s)}),
        two_places,
        lemmas=(proved_lemma("L", D(a * f(t), f(t)), a, differentiation, one_place),),
    ),
    "a member brought under a derivative by another's coordinate": lambda: Attack(
        D(Norm2(x(s)) * Coord(x(t), 1), Coord(x(t), 1)),
        Norm2(x(s)),
        by_claim("L", at={a: Norm2(x(s))}),
        two_places,
        lemmas=(proved_lemma("L", D(a * Coord(x(t), 1), Coord(x(t), 1)), a, differentiation, one_place),),
    ),
    # members that may be the same one
    "a coordinate of another member": lambda: Attack(D(Coord(x(s), 1), Coord(x(t), 1)), 0, differentiation, two_places),
    "a coordinate of a member with a number": lambda: Attack(
        D(Coord(x(2), 1), Coord(x(t), 1)), 0, differentiation, Domain(indices={T: (2, sp.oo), t: (1, T)})
    ),
    "coordinates of all members, summed": lambda: Attack(
        D(SumTo(Coord(x(s), 1) ** 2, s, 1, T), Coord(x(t), 1)), 0, differentiation, one_place
    ),
    "a density of all members": lambda: Attack(
        D(LogDensity(Density("q", Block(x, 1, T))), Coord(x(t), 1)), 0, differentiation, one_place
    ),
    "a value at a number": lambda: Attack(D(Coord(y(2), 1), Coord(y(a), 1)), 0, differentiation),
    "a network's value at another place": lambda: Attack(
        D(Coord(network(u), 1), Coord(network(v), 1)), 0, differentiation
    ),
    "a function's value at another place": lambda: Attack(D(f(v), f(u)), 0, differentiation),
    "an interchange with a law of another member": lambda: Attack(
        D(Expect(Normal(z, x(s), 1), f(z)), Coord(x(t), 1)),
        0,
        [interchange, differentiation],
        two_places,
        (interchange_hypothesis,),
    ),
    "a member between the integers": lambda: Attack(
        Expect(q(Block(x, 1, 3)), Norm2(between)), Expect(q(between), Norm2(between)), tower, hypotheses=(integrable,)
    ),
    # what is not there
    "a coordinate past the last": lambda: Attack(ONE, -ONE, chain=coordinate_past_the_last),
    "a coordinate past the last, whose variance is -1": lambda: Attack(
        Expect(DiagonalNormal(z, i, 0, k + 1 - i, k), Coord(z, k + 2) ** 2), -1, moments
    ),
    "a coordinate that the law has not": lambda: Attack(Expect(Normal(z, 0, 1, 2), Coord(z, 5) ** 2), 1, moments),
    "a pole in an empty sum": lambda: Attack(
        SumTo(Ratio(t, n * t), t, 1, n), 1, algebra, Domain({}, {m: (0, sp.oo), n: (m, sp.oo)})
    ),
    "a pole in an empty sum inside a sum": lambda: Attack(
        SumTo(SumTo(Ratio(s, n * s), t, 1, n), s, 1, 20),
        20,
        algebra,
        Domain({}, {m: (0, sp.oo), n: (m, sp.oo)}),
    ),
    "a derivative at the only point": lambda: Attack(
        D(sp.Abs(a - 1), a),
        1,
        domain=Domain({"member_a": Interval(ONE, ONE, False, False)}),
        chain=derivative_at_the_only_point,
    ),
    # sizes
    "a covariance of size 1 in a law on the plane": lambda: Attack(
        sp.Integer(2), ONE, domain=Domain(sizes={"Member_A": 1}), chain=size_of_the_domain
    ),
    "a mean in R^k added to a vector in R^d": lambda: Attack(
        Norm2(u + Mean(q(z))) + Expect(Normal(z, 0, 1, k), Norm2(z)) + Expect(Normal(u, 0, 1), Norm2(u)),
        Norm2(u + Mean(q(z))) + k + DIM,
        moments,
        hypotheses=(integrable,),
    ),
    "a hidden dimension that a sum runs over": lambda: Attack(3 * DIM, sp.Integer(6), chain=sum_over_the_dimension),
    "a hidden dimension in an induction": lambda: Attack(
        (DIM - 1) * (1 - (DIM - hides_d()) / hides_d()), 0, induction(DIM, 1), Domain(indices={DIM: (1, sp.oo)})
    ),
    # names
    "laws named by equal numbers": lambda: Attack(
        LogDensity(Density(a, z)), LogDensity(Density(b, z)), given(equal_numbers), hypotheses=(equal_numbers,)
    ),
    "a law named by a vector": lambda: Attack(
        Expect(Normal(z, v, 1), LogDensity(Density(z, u))),
        Expect(Normal(eps, 0, 1), LogDensity(Density(v + eps, u))),
        reparameterize(eps),
    ),
    "a hypothesis for each t about one sigma_t": lambda: Attack(
        f(1),
        f(2),
        [given(each_is_sigma, t=1), given(each_is_sigma, t=2)],
        Domain(indices={T: (2, sp.oo)}),
        (each_is_sigma,),
    ),
    "a sum over a superscript": lambda: Attack(SumTo(sigma_above, t, 1, T), T * sigma_above, algebra, some_T),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_may_be_the_same_or_missing_is_not_decided(name: str) -> None:
    assert_refused(ATTACKS[name])


RIGHT: dict[str, Callable[[], Attack]] = {
    "a member that is certainly another": lambda: Attack(
        D(Coord(x(t - 1), 1) * Coord(x(t), 1), Coord(x(t), 1)), Coord(x(t - 1), 1), differentiation, one_place
    ),
    "a coordinate of a vector of its law": lambda: Attack(
        Expect(Normal(z, 0, 1, 2), Coord(z, 2) ** 2), 1, moments, hypotheses=(integrable,)
    ),
    "coordinates that a sum runs over": lambda: Attack(
        Expect(DiagonalNormal(z, i, 0, i, k), SumTo(Coord(z, j) ** 2, j, 1, k)),
        SumTo(j, j, 1, k),
        moments,
        hypotheses=(integrable,),
    ),
    "a density read at a shifted place": lambda: Attack(
        LogDensity(Normal(z - u, 0, 1)), LogDensity(Normal(z, u, 1)), density
    ),
    "a density read at 0": lambda: Attack(LogDensity(Normal(0, u, 1)), LogDensity(Normal(u, 0, 1)), density),
    "one size written in two ways": lambda: Attack(
        KL(Normal(z, u, 1, k * (k + 1)), Normal(z, v, 1, k**2 + k)),
        Norm2(u - v) / 2,
        [definition, density, moments],
        hypotheses=(integrable,),
    ),
    "a covariance of the size of its law": lambda: Attack(
        Expect(FullNormal(z, 0, A, 2), Coord(z, 1) * Coord(z, 2)),
        Entry(A, 1, 2),
        moments,
        Domain(sizes={"Member_A": 2}),
        (integrable,),
    ),
    "a sum that may be empty, and no pole": lambda: Attack(
        SumTo(Ratio(t, (n + 1) * t), t, 1, n), Ratio(n, n + 1), algebra, Domain({}, {n: (0, sp.oo)})
    ),
    "a constant whose name has another subscript": lambda: Attack(
        D(scalar("member_eta_a") * phi, phi), scalar("member_eta_a"), differentiation
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_certain_is_still_proved(name: str) -> None:
    verdict = RIGHT[name]().verdict()
    assert verdict, verdict


def test_a_member_between_the_integers_is_taken_for_no_other() -> None:
    assert outside(x(1), sp.Tuple(between), Domain()) == (x(1),)
    assert outside(between, sp.Tuple(Block(x, 1, 3)), Domain()) == (between,)
