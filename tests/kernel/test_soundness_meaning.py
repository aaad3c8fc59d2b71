"""More false statements, most of which an earlier kernel proved: they go wrong by what a line means, not by its form.

Two spaces under one name, a law of its own variable, a fact of one place used in another, a name taken for a number.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.judge import Judge
from derivations.kernel.terms import DIM
from derivations.notation import (
    T,
    abar,
    alpha,
    eps,
    i,
    integrable,
    interchange_hypothesis,
    j,
    k,
    q,
    s,
    schedule,
    t,
    x,
    z,
)
from derivations.rules import (
    CLOSED_UNIT,
    KL,
    NONNEGATIVE,
    POSITIVE,
    UNIT,
    AffineImage,
    At,
    AtMost,
    BernoulliProduct,
    Block,
    Coord,
    D,
    DiagonalNormal,
    Entry,
    Equal,
    Expect,
    FullNormal,
    Gradient,
    Hadamard,
    Hypothesis,
    Inner,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    Rounded,
    SameLaw,
    SumTo,
    Trace,
    algebra,
    bayes,
    by_claim,
    continuity,
    covariance,
    define,
    definition,
    density,
    differentiation,
    entries,
    gibbs,
    given,
    identify,
    induction,
    induction_hypothesis,
    interval_arithmetic,
    linearity,
    log_p,
    moments,
    positivity,
    push_forward,
    rearrange,
    reparameterize,
    scalar,
    scalar_function,
    scaled,
    tangent,
    tower,
    trace_algebra,
    vector,
    vector_function,
    zero_divergence,
)
from derivations.vae.divergence import nonnegative

f, g, y = scalar_function("meant_f"), scalar_function("meant_g"), vector_function("meant_y")
a, b, c, phi = (scalar(f"meant_{name}") for name in ("a", "b", "c", "phi"))
power = scalar("meant_power", positive=True)
u, v = vector("meant_u"), vector("meant_v")
A, B, C = (covariance(f"Meant_{name}") for name in "ABC")
ONE = sp.S.One
n = sp.Symbol("meant_n", integer=True)
other_slack = sp.Symbol("slack0", nonnegative=True)
from_zero = Domain({"alpha": UNIT, "abar": UNIT}, {n: (0, sp.oo)}, {"abar": "alpha"})
empty_at_0 = SumTo(abar(n) * f(t), t, 1, n) - abar(n) * SumTo(f(s), s, 1, n)
size_of_first = define("meant_size", "F", lambda: Expect(Normal(z, 0, 1), sp.sqrt(Coord(z, 1) ** 2)), notation=False)
mean_of_first = define("meant_mean", "G", lambda: Expect(Normal(z, 0, 1), Coord(z, 1)), notation=False)
no_number = define("meant_no_number", "G", lambda: z, notation=False)
written_out = SumTo(SumTo(Coord(u, i) * Entry(A, i, j) * Coord(v, j), j, 1, 2), i, 1, 2)
pulled_back = Inner(Gradient(f, phi * v), D(phi * v, phi))
rounded = tuple(Hypothesis(f"digits of {e}", "", e, Rounded("1")) for e in (a, b))
divides = Hypothesis("divides", "", c, Ratio(a * b, b))
laws_equal = Hypothesis("numbers of the same name", "", sp.Symbol("q"), sp.Symbol("p"))
normal_z = Hypothesis("normal", "", log_p("q", z), LogDensity(Normal(z, 0, 1)))
gain, m = scalar_function("meant_gain"), sp.Symbol("meant_m", integer=True, positive=True)
at_one_m = Hypothesis("at one m", "", alpha(m), gain(m) / gain(m - 1))
slope, parabola = define("meant_slope", "F", D, notation=False), Hypothesis("parabola", "", a, phi**2)
standard, shifted = DiagonalNormal(eps, i, 0, 1, k), y(phi) + Hadamard(v, eps)
downwards = Domain(indices={T: (sp.S(2), sp.oo), t: (ONE, T - 1)})
backwards = SumTo(Norm2(x(T - t)), t, 1, T)
same = Hypothesis("same", "", u, v)
zero = Hypothesis("zero", "", x(1), sp.S.Zero)
length = Hypothesis("length", "", a, Norm2(u))


def from_one_m_to_the_next(base: Chain, step: Chain) -> None:
    """alpha(m) = gain(m) / gain(m - 1) is supposed for one m, and the induction would use it for every m."""
    base(abar(0))
    base(gain(0) / Ratio(gain(0), 1))
    step(abar(m))
    step(alpha(m) * abar(m - 1))
    step(alpha(m) * gain(m - 1) / gain(0), by=induction_hypothesis)
    step(gain(m) / gain(m - 1) * gain(m - 1) / gain(0), by=given(at_one_m))


def through_a_positive_variable(line: Chain) -> None:
    """Of a law with positive coordinates the size is the mean; and of the same law, being normal, the mean is 0."""
    line(Expect(q(z), sp.sqrt(Coord(z, 1) ** 2)))
    line(Expect(q(z), Coord(z, 1)), by=algebra)
    line(0, by=[identify(q(z), Normal(z, 0, 1), given(normal_z)), moments])


def two_dimensions(line: Chain) -> None:
    """(k - d) log(2 pi) / 2 is no divergence: its two laws live on R^d and on R^k."""
    line((k - DIM) * sp.log(2 * sp.pi) / 2)
    line(KL(Normal(z, 0, 1), Normal(z, 0, 1, k)), by=[definition, density, moments])
    line.ge(0, by=gibbs)


def noise_declared_positive(line: Chain) -> None:
    """The noise is never written, and the domain says that its coordinates are positive."""
    line(Expect(Normal(z, 0, 2), sp.sqrt(Coord(z, 1) ** 2)))
    line(Expect(Normal(z, 0, 2), Coord(z, 1)), by=reparameterize(eps))
    line(0, by=moments)


ATTACKS: dict[str, Callable[[], Attack]] = {
    # random variables
    "a block of fewer than no variables": lambda: Attack(
        log_p("q", Block(x, t + 1, s), Block(x, 1, t)),
        log_p("q", Block(x, 1, s)) - log_p("q", Block(x, 1, t)),
        bayes,
        Domain(indices={s: (ONE, sp.oo), t: (ONE, sp.oo)}),
    ),
    "a divergence between numbers and bits": lambda: Attack(
        KL(BernoulliProduct(u, i, a, k), DiagonalNormal(u, i, b, c, k)),
        0,
        gibbs,
        Domain({"meant_a": UNIT, "meant_c": POSITIVE}),
        relation=">=",
        lemmas=(nonnegative,),
    ),
    "a divergence between two dimensions": lambda: Attack(
        (k - DIM) * sp.log(2 * sp.pi) / 2,
        0,
        None,
        Domain(),
        (integrable,),
        relation=">=",
        lemmas=(nonnegative,),
        chain=two_dimensions,
    ),
    "a mean that is the variable itself": lambda: Attack(
        KL(Normal(z, z, 1), Normal(z, 0, 1)),
        (Norm2(z) + DIM) / 2,
        [definition, density, moments],
        hypotheses=(integrable,),
    ),
    "a law of its own condition": lambda: Attack(Expect(q(z, z), Norm2(z)), Norm2(z), tower, Domain(), (integrable,)),
    "an index that runs downwards, in the tower": lambda: Attack(
        Expect(q(x(0)), backwards), backwards, tower, downwards, (integrable,)
    ),
    "an index that runs downwards, in a change of variable": lambda: Attack(
        Expect(Normal(x(0), u, 1), backwards), Expect(Normal(eps, 0, 1), backwards), reparameterize(eps), downwards
    ),
    "a Gaussian noise declared positive": lambda: Attack(
        Expect(Normal(z, 0, 2), sp.sqrt(Coord(z, 1) ** 2)),
        0,
        None,
        Domain({"eps": POSITIVE}),
        chain=noise_declared_positive,
    ),
    "a Gaussian by hypothesis, declared positive": lambda: Attack(
        Expect(q(z), sp.sqrt(Coord(z, 1) ** 2)),
        0,
        None,
        Domain({"z": POSITIVE}),
        (normal_z,),
        chain=through_a_positive_variable,
    ),
    "a Gaussian in an abbreviation declared positive": lambda: Attack(
        size_of_first(), mean_of_first(), definition, Domain({"z": POSITIVE})
    ),
    "a positive variable under the tangent": lambda: Attack(
        Expect(Normal(z, 0, 1), -Coord(z, 1)),
        Expect(Normal(z, 0, 1), 1 - sp.exp(sp.sqrt(Coord(z, 1) ** 2))),
        tangent,
        Domain({"z": POSITIVE}),
        relation=">=",
    ),
    "a positive variable under an induction": lambda: Attack(
        Expect(Normal(z, 0, 1), sp.sqrt(Coord(z, 1) ** 2) * SumTo(t, t, 1, T)),
        Expect(Normal(z, 0, 1), Coord(z, 1) * T * (T + 1) / 2),
        induction(T, 1),
        Domain({"z": POSITIVE}, {T: (ONE, sp.oo)}),
    ),
    # facts of one place in another
    "a fact inside an empty sum, outside it": lambda: Attack(
        0, Ratio(1 - abar(n), 1) + 3 * Ratio(empty_at_0, 3), positivity, from_zero, relation="<"
    ),
    "a product's bounds where it is empty": lambda: Attack(
        ProductTo(t * f(t) + t, t, 1, n), ProductTo(t * (f(t) + 1), t, 1, sp.Abs(n - 1) + 1), algebra, from_zero
    ),
    "a symbol named as a slack": lambda: Attack(
        Expect(q(x(t)), Norm2(x(other_slack))),
        Norm2(x(other_slack)),
        tower,
        Domain({"slack0": NONNEGATIVE}, {t: (sp.S(2), sp.oo)}),
        (integrable,),
    ),
    "a schedule of two indices": lambda: Attack(abar(2, 5), abar(2, 7), algebra, schedule()),
    "at most, at a single value": lambda: Attack(
        a, 1, positivity, Domain({"meant_a": Interval(ONE, ONE, False, False)}), relation="<"
    ),
    "a positive index that starts nowhere": lambda: Attack(
        t, 0, positivity, Domain(indices={n: (-5, sp.oo), t: (n, sp.oo)}), relation=">="
    ),
    # derivatives and limits
    "a root's derivative at 0": lambda: Attack(
        sp.sqrt(a) * D(sp.sqrt(a), a), sp.Rational(1, 2), differentiation, Domain({"meant_a": NONNEGATIVE})
    ),
    "a root's derivative by a coordinate, at 0": lambda: Attack(
        sp.sqrt(Coord(u, 1)) * D(sp.sqrt(Coord(u, 1)), Coord(u, 1)),
        sp.Rational(1, 2),
        differentiation,
        Domain({"meant_u": NONNEGATIVE}),
    ),
    "a derivative by a coordinate that a change of variable moves": lambda: Attack(
        Expect(Normal(z, 0, power**2), D(Coord(z / power, 1), Coord(z, 1))),
        0,
        [reparameterize(eps), differentiation, moments],
        Domain({"meant_power": POSITIVE}),
    ),
    "a change of variable inside a derivative by the mean's parameter": lambda: Attack(
        Expect(Normal(z, phi * u, 1), D(phi * f(z), phi)),
        Expect(Normal(eps, 0, 1), f(phi * u + eps) + phi * Inner(Gradient(f, phi * u + eps), u)),
        [reparameterize(eps), differentiation],
    ),
    "an image law inside a derivative by the shift's parameter": lambda: Attack(
        Expect(AffineImage(z, i, Coord(y(phi), i), Coord(v, i), standard, k), D(phi * f(z), phi)),
        Expect(standard, f(shifted) + phi * Inner(Gradient(f, shifted), D(y(phi), phi))),
        [push_forward, differentiation],
        Domain({"meant_v": POSITIVE}),
    ),
    "a derivative by an argument of an abbreviation": lambda: Attack(
        slope(a, phi), 2 * phi, [given(parabola), definition, differentiation], hypotheses=(parabola,)
    ),
    "a power of 0 whose exponent tends to 0": lambda: Attack(
        At(a**power, power, 0), 1, continuity, Domain({"meant_a": NONNEGATIVE, "meant_power": POSITIVE})
    ),
    "a limit of an integer": lambda: Attack(
        At(SumTo(1, t, 1, T), T, sp.Rational(7, 2)), sp.Rational(7, 2), continuity, Domain(indices={T: (ONE, sp.oo)})
    ),
    # earlier claims
    "one member of a schedule replaced": lambda: Attack(
        abar(1),
        c,
        by_claim("L", at={alpha(1): c}),
        Domain({**schedule().intervals, "meant_c": UNIT}, schedule().indices, schedule().products),
        lemmas=(proved_lemma("L", abar(1), alpha(1), algebra, schedule()),),
    ),
    "a family's name replaced": lambda: Attack(
        log_p("q", Block(y, 1, 2)),
        log_p("q", x(1)) + log_p("q", x(2), x(1)),
        by_claim("L", at={sp.Symbol("x"): sp.Symbol("meant_y")}),
        lemmas=(proved_lemma("L", log_p("q", Block(x, 1, 2)), log_p("q", x(1)) + log_p("q", x(2), x(1)), bayes),),
    ),
    "a gradient's name replaced": lambda: Attack(
        Inner(Gradient(g, phi * v), D(phi * v, phi)),
        D(f(phi * v), phi),
        by_claim("L", at={sp.Symbol("meant_f"): sp.Symbol("meant_g")}),
        hypotheses=(interchange_hypothesis,),
        lemmas=(proved_lemma("L", pulled_back, D(f(phi * v), phi), differentiation, None, interchange_hypothesis),),
    ),
    "a lemma about another size": lambda: Attack(
        Quadratic(u, A, v),
        written_out,
        by_claim("L"),
        lemmas=(proved_lemma("L", Quadratic(u, A, v), written_out, entries, Domain(sizes={"Meant_A": 2})),),
    ),
    "a product of covariances for a covariance": lambda: Attack(
        Quadratic(u, B * C, v),
        Quadratic(v, B * C, u),
        by_claim("L", at={A: B * C}),
        lemmas=(proved_lemma("L", Quadratic(u, A, v), Quadratic(v, A, u), trace_algebra),),
    ),
    "a covariance of another size": lambda: Attack(
        Quadratic(u, B, v),
        Quadratic(v, B, u),
        by_claim("L", at={A: B}),
        Domain(sizes={"Meant_B": 2}),
        lemmas=(proved_lemma("L", Quadratic(u, A, v), Quadratic(v, A, u), trace_algebra),),
    ),
    "a matrix for a number": lambda: Attack(
        Trace(B * A * C, k),
        Trace(B * C * A, k),
        by_claim("L", at={a: A}),
        lemmas=(proved_lemma("L", Trace(B * a * C, k), Trace(B * C * a, k)),),
    ),
    # hypotheses
    "two numbers with the same digits, supposed": lambda: Attack(a, b, [given(h) for h in rounded], hypotheses=rounded),
    "a hypothesis that divides by 0": lambda: Attack(c, a, given(divides), hypotheses=(divides,)),
    "laws renamed by an equation of numbers": lambda: Attack(
        log_p("q", z), log_p("p", z), given(laws_equal), hypotheses=(laws_equal,)
    ),
    "a number named as a law": lambda: Attack(scalar("q") + log_p("q", z), log_p("q", z) + scalar("q")),
    "two vectors supposed equal, and averaged over": lambda: Attack(
        Expect(Normal(u, 0, 1), Inner(u, v)), DIM, [given(same), moments], hypotheses=(same,)
    ),
    "a vector supposed to be 0, and averaged over": lambda: Attack(
        Expect(Normal(x(1), 0, 1), Norm2(x(1) - u)), Norm2(u), [given(zero), moments], hypotheses=(zero,)
    ),
    "a number supposed to be a length, and averaged": lambda: Attack(
        Expect(Normal(u, 0, 1), a), DIM, [given(length), moments], hypotheses=(length,)
    ),
    "an assumption of the right name": lambda: Attack(
        Expect(q(z), Norm2(z) + a),
        Expect(q(z), Norm2(z)) + a,
        linearity,
        hypotheses=(Hypothesis("integrable", "the moon is round"),),
    ),
    "a hypothesis about one n, in an induction over n": lambda: Attack(
        abar(m - 1),
        gain(m - 1) / gain(0),
        None,
        Domain({**schedule().intervals, "meant_gain": POSITIVE}, {m: (ONE, sp.oo)}, {"abar": "alpha"}),
        (at_one_m,),
        chain=from_one_m_to_the_next,
        induction_on=m,
    ),
    "half an equation, twice": lambda: Attack(
        a,
        b,
        [given(Hypothesis("half of a", "", a)), given(Hypothesis("half of b", "", b))],
        hypotheses=(Hypothesis("half of a", "", a), Hypothesis("half of b", "", b)),
    ),
    "a rounded value by induction": lambda: Attack(
        n / 10 + 1, Rounded("1"), induction(n, 0), Domain(indices={n: (0, sp.oo)})
    ),
    # what means nothing
    "a negative covariance": lambda: Attack(
        Expect(FullNormal(z, 0, -A, k), Quadratic(z, B, z)), -Trace(B * A, k), [moments, trace_algebra]
    ),
    "a determinant of twice a matrix": lambda: Attack(LogDet(2 * A), LogDet(A) + sp.log(2), trace_algebra),
    "a variance that is a vector": lambda: Attack(
        Expect(Normal(z, 0, u), Norm2(z)), Norm2(u), moments, Domain({"meant_u": POSITIVE})
    ),
    "the square of a ratio of vectors": lambda: Attack(0, Ratio(z, 1) ** 2, positivity, relation="<="),
    "vectors in order": lambda: Attack(AtMost(z, u), AtMost(2 * z, 2 * u), scaled(2), relation="iff"),
    "a vector equal to a number": lambda: Attack(Equal(z, 1), Equal(1, z), rearrange, relation="iff"),
    "laws of different variables": lambda: Attack(
        SameLaw(q(z), q(u)), SameLaw(q(z), q(u)), zero_divergence, relation="iff"
    ),
    "an abbreviation that is no number": lambda: Attack(no_number(), no_number()),
    "a function with imaginary values": lambda: Attack(0, sp.acos(a) ** 2, positivity, relation="<="),
    "a symbol that may be complex": lambda: Attack(0, sp.Symbol("meant_complex") ** 2, positivity, relation="<="),
    "an interval with floating point ends": lambda: Attack(
        sp.Rational(1, 10) + sp.Rational(1, 10**17),
        a,
        positivity,
        Domain({"meant_a": Interval(0.1, 1)}),
        relation="<=",
    ),
    "an interval that is empty": lambda: Attack(
        a, a + 1, positivity, Domain({"meant_a": Interval(3, 1)}), relation="<"
    ),
    "an index between the integers": lambda: Attack(n, n, algebra, Domain(indices={n: (sp.Rational(1, 2), sp.oo)})),
    "an induction between the integers": lambda: Attack(
        a, 0, induction(T, sp.Rational(1, 2)), Domain(indices={T: (ONE, sp.oo)})
    ),
    "half a coordinate": lambda: Attack(Coord(v, sp.Rational(1, 2)), Coord(v, sp.Rational(1, 2))),
    "true exactly when true": lambda: Attack(sp.true, sp.true, relation="iff"),
    "a comparison of SymPy's": lambda: Attack(sp.Gt(a, 0), sp.Gt(a, 0), relation="iff"),
    "a relation that nobody knows": lambda: Attack(a, a, relation="~"),
    "digits with another half-width": lambda: Attack(1, Rounded("3.0", "10"), interval_arithmetic),
    "a half-width that the digits do not show": lambda: Attack(1, Rounded(3, 10), interval_arithmetic),
    "a value between two digits": lambda: Attack(
        sp.Rational(1, 3), Rounded(sp.Rational(1, 3), sp.Rational(1, 20)), interval_arithmetic
    ),
    "a bit with probability 1": lambda: Attack(
        Expect(BernoulliProduct(u, i, a, k), Coord(u, 1)),
        Expect(BernoulliProduct(u, i, a, k), Coord(u, 1)),
        algebra,
        Domain({"meant_a": CLOSED_UNIT}),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_it_means_decides(name: str) -> None:
    assert_refused(ATTACKS[name])


def test_text_is_never_evaluated() -> None:
    with pytest.raises(sp.SympifyError):
        Statement("1 + 1", "=", 2)
    with pytest.raises(sp.SympifyError):
        Chain()("1 + 1")
    with pytest.raises(sp.SympifyError):
        Ratio("1 + 1", 2)


def verdict_within(seconds: float, lhs: object, rhs: object) -> str:
    """The reason for which lhs = rhs stays undecided."""
    claim = Claim("huge", "", "", "identity", (Statement(lhs, "=", rhs),), "", ())

    @claim.proves()
    def _(line: Chain) -> None:
        line(lhs)
        line(rhs)

    return str(Judge({}, step_seconds=seconds).judge(claim).verdict)


def test_what_is_too_large_is_undecided_and_not_hung() -> None:
    assert "within 0.5 s" in verdict_within(0.5, (a + b + c + phi + 1) ** 300 * (a - b), (a + b + c + phi + 1) ** 300)
    assert "within 0.5 s" in verdict_within(0.5, SumTo(3**t, t, 10**11, 10**11), a)


def test_what_is_too_deep_is_undecided_and_no_crash() -> None:
    deep = a
    for _ in range(3000):
        deep = Ratio(deep, 1)
    assert "nested too deeply" in verdict_within(5, deep, a)
    for_ever = define("meant_for_ever", "F", lambda: for_ever(), notation=False)
    assert "nested too deeply" in verdict_within(5, for_ever(), a)
