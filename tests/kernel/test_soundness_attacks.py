"""False statements that a careless kernel proves: variables captured, conditions forgotten, terms that mean nothing.

Each is aimed at one place of the kernel. The verdict must be a refusal with a reason, and not a crash.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.kernel.claims import Chain, Claim
from derivations.kernel.domain import POSITIVE, REAL, UNIT, Domain, Interval
from derivations.kernel.judge import Judge
from derivations.kernel.terms import ProductTo
from derivations.kernel.verdict import Undecided
from derivations.notation import (
    T,
    abar,
    alpha,
    common_support,
    eps,
    i,
    integrable,
    interchange_hypothesis,
    j,
    k,
    p,
    path,
    q,
    s,
    schedule,
    t,
    x,
    z,
)
from derivations.rules import (
    KL,
    At,
    Coord,
    D,
    Density,
    DiagonalNormal,
    Entry,
    Equal,
    Expect,
    FullNormal,
    Hypothesis,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Quadratic,
    Ratio,
    Rounded,
    SameLaw,
    SumTo,
    Trace,
    above,
    algebra,
    by_claim,
    continuity,
    covariance,
    define,
    density,
    differentiation,
    entries,
    gibbs,
    given,
    identify,
    importance,
    induction,
    induction_hypothesis,
    interchange,
    interval_arithmetic,
    linearity,
    log_p,
    moments,
    positivity,
    reparameterize,
    scalar,
    scalar_function,
    total_probability,
    tower,
    trace_algebra,
    vanishing_mean,
    vector,
    vector_function,
    zero_divergence,
)
from derivations.vae.divergence import nonnegative

f, g, net = scalar_function("attack_f"), scalar_function("attack_g"), vector_function("attack_net")
a, b, c, w = (scalar(f"attack_{name}") for name in "abcw")
phi, u, v = scalar("attack_phi"), vector("attack_u"), vector("attack_v")
n = sp.Symbol("n", integer=True, positive=True)
A, B, C, E = (covariance(f"Attack_{name}") for name in "ABCE")
ONE = sp.S.One
ANY_T = Domain(indices={T: (ONE, sp.oo)})
T_AND_t = Domain(indices={T: (ONE, sp.oo), t: (ONE, T)})
hidden_T = define("attack_hidden_T", "F", lambda: T)
hidden_phi = define("attack_hidden_phi", "F", lambda: phi**2, notation=False)
hidden_z = define("attack_hidden_z", "F", lambda: Inner(z, z) + Expect(q(z), Norm2(z)), notation=False)
summing = define("attack_summing", "F", lambda m: SumTo(f(t) * m, t, 1, 3))


now = Hypothesis("now", "at this t", f(t), g(t))
always = Hypothesis("always", "for t in 1..T", f(t), g(t), {t: (ONE, T)})
last = Hypothesis("last", "at this T", f(T), c)
numbers = Hypothesis("numbers", "two numbers", a, b)
named_alike = (Hypothesis("alike", "of a", f(a), b), Hypothesis("alike", "of a, something else", f(a), c))


def inequality_assumed_equal(base: Chain, step: Chain) -> None:
    """1 <= 4 (n - 2)^2 is false at n = 2; assumed as an *equation* at n, it would prove itself at n + 1."""
    below = 1 - 4 * (n - 2) ** 2
    base(below.xreplace({n: ONE}))
    base.le(0, by=positivity)
    following = below.xreplace({n: n + 1})
    both = sp.expand(following + below)
    step(following)
    step(both - Ratio(below, 1), by=algebra)
    step(both, by=induction_hypothesis)
    step.le(0, by=positivity)


def outside_its_domain(line: Chain) -> None:
    line(At(sp.sqrt((phi - 1) ** 2), phi, 0))
    line(At(phi - 1, phi, 0))
    line(-1, by=continuity)


def starts_elsewhere(line: Chain) -> None:
    line(a / a)
    line(1)


ATTACKS: dict[str, Callable[[], Attack]] = {
    # sums
    "two nested sums share an index": lambda: Attack(
        SumTo(SumTo(f(t) * g(s), s, 1, T), t, 1, T), SumTo(SumTo(f(s) * g(s), s, 1, T), t, 1, T), algebra, ANY_T
    ),
    "a logarithm of a root leaves the sum": lambda: Attack(
        SumTo(sp.log(1 + sp.sqrt(abar(t))), t, 1, 2 * T),
        2 * SumTo(sp.log(1 + sp.sqrt(abar(t))), t, 1, T),
        algebra,
        Domain({"abar": UNIT}, ANY_T.indices),
    ),
    "an index bounded in one sum is bounded in another": lambda: Attack(
        SumTo(sp.sqrt((30 - t) ** 2), t, 1, 20) + SumTo(sp.sqrt((30 - t) ** 2), t, 1, T),
        SumTo(30 - t, t, 1, 20) + SumTo(30 - t, t, 1, T),
        algebra,
        ANY_T,
    ),
    "a product over another range than the claim's index": lambda: Attack(
        ProductTo(sp.sqrt((t - 1) ** 2) + a, t, 1, T), ProductTo(1 - t + a, t, 1, T), algebra, ANY_T
    ),
    "an index free and bound": lambda: Attack(
        Expect(q(x(t)), SumTo(Norm2(x(t + 1)), t, 1, T)),
        SumTo(Norm2(x(t + 1)), t, 1, T),
        linearity,
        schedule(),
        (integrable,),
    ),
    "an index of a law bound by the sum that leaves": lambda: Attack(
        Expect(p(x(T), x(t)), SumTo(Norm2(x(t)), t, 1, T)),
        SumTo(Expect(p(x(T), x(t)), Norm2(x(t))), t, 1, T),
        linearity,
        schedule(),
        (integrable,),
    ),
    "a sum from 0 over a symbol declared positive": lambda: Attack(
        Expect(q(x(0)), SumTo(Norm2(x(t)), t, 0, T)), SumTo(Norm2(x(t)), t, 0, T), linearity, ANY_T, (integrable,)
    ),
    # schedules
    "abar between the integers": lambda: Attack(abar(t + sp.Rational(1, 2)), abar(t), algebra, schedule()),
    "abar below 0": lambda: Attack(abar(t - 1), alpha(t - 1) * abar(t - 2), algebra, schedule()),
    "1 - abar(t - 1) is 0 at t = 1": lambda: Attack(
        sp.sqrt((1 - abar(t - 1)) ** 2) / (1 - abar(t - 1)),
        1,
        algebra,
        Domain({"alpha": Interval(sp.S.Zero, ONE, True, False), "abar": UNIT}, T_AND_t.indices, {"abar": "alpha"}),
    ),
    "a derivative by a member of a schedule": lambda: Attack(D(abar(2), alpha(1)), 0, differentiation, schedule()),
    # matrices
    "matrices commute in u^T M v": lambda: Attack(Quadratic(u, A * B, v), Quadratic(u, B * A, v)),
    "matrices commute in a trace": lambda: Attack(Trace(A * B * C * E, k), Trace(A * B * E * C, k), trace_algebra),
    "a size against the dimension": lambda: Attack(
        Trace(A, k), Entry(A, 1, 1) + Entry(A, 2, 2), entries, Domain(sizes={"Attack_A": 2})
    ),
    # induction
    "a sum without a last term": lambda: Attack(SumTo(1, t, 5, T), T - 1, induction(T, 1), ANY_T),
    "an inequality assumed as an equation": lambda: Attack(
        1 - 4 * (n - 2) ** 2,
        0,
        None,
        Domain(indices={n: (ONE, sp.oo)}),
        relation="<=",
        chain=inequality_assumed_equal,
        induction_on=n,
    ),
    "the bound of another index grows": lambda: Attack(
        (t + T - sp.sqrt((T - t) ** 2)) / 2 - 1, 0, induction(T, 1), T_AND_t
    ),
    "a T that an abbreviation hides": lambda: Attack(
        (T - 1) * (1 - (T - hidden_T()) / hidden_T()), 0, induction(T, 1), ANY_T
    ),
    # hypotheses
    "a hypothesis about one t used at every t": lambda: Attack(
        SumTo(f(t), t, 1, T), SumTo(g(t), t, 1, T), given(now), T_AND_t, (now,)
    ),
    "a hypothesis about T used at 5": lambda: Attack(f(5), c, given(last, T=5), ANY_T, (last,)),
    "a hypothesis between the integers": lambda: Attack(
        f(t + sp.Rational(1, 2)),
        g(t + sp.Rational(1, 2)),
        given(always, t=t + sp.Rational(1, 2)),
        Domain(indices={T: (sp.S(2), sp.oo), t: (ONE, T - 1)}),
        (always,),
    ),
    "an equation of numbers inside a derivative": lambda: Attack(
        D(a, a), D(b, a), given(numbers), Domain(), (numbers,)
    ),
    "an equation of numbers inside a limit": lambda: Attack(
        At(a, a, 0), At(b, a, 0), given(numbers), Domain(), (numbers,)
    ),
    # earlier claims
    "a lemma on a derivative by the symbol that is put in": lambda: Attack(
        D(b * b, b), b, by_claim("L", at={a: b}), lemmas=(proved_lemma("L", D(a * b, b), a, differentiation),)
    ),
    "a lemma of one a used at another": lambda: Attack(
        f(w) + 1,
        b + 1,
        by_claim("L", at={a: w}),
        Domain(),
        named_alike[:1],
        lemmas=(proved_lemma("L", f(a) + 1, b + 1, given(named_alike[0]), Domain(), named_alike[0]),),
    ),
    "a lemma that rests on a hypothesis of the same name": lambda: Attack(
        f(a) + 1,
        b + 1,
        by_claim("L"),
        Domain(),
        named_alike[1:],
        lemmas=(proved_lemma("L", f(a) + 1, b + 1, given(named_alike[0]), Domain(), named_alike[0]),),
    ),
    "a symbol of the same name in the table": lambda: Attack(
        sp.sqrt(a**2),
        a,
        by_claim("L", at={sp.Symbol("attack_a"): 1}),
        lemmas=(proved_lemma("L", sp.sqrt(a**2), a, algebra, Domain({"attack_a": POSITIVE})),),
    ),
    "a bound variable renamed to a free one": lambda: Attack(
        Expect(Normal(u, 0, 1), Inner(u, u)),
        0,
        by_claim("L", at={z: u}),
        lemmas=(proved_lemma("L", Expect(Normal(z, 0, 1), Inner(z, u)), sp.S.Zero, moments),),
    ),
    "a free variable captured by an average": lambda: Attack(
        Expect(Normal(z, 0, 1), Inner(z, z)),
        0,
        by_claim("L", at={u: z}),
        lemmas=(proved_lemma("L", Expect(Normal(z, 0, 1), Inner(z, u)), sp.S.Zero, moments),),
    ),
    "a lemma of schedules where there is none": lambda: Attack(
        abar(2),
        alpha(1) * alpha(2),
        by_claim("L"),
        Domain({"alpha": UNIT, "abar": UNIT}, T_AND_t.indices),
        lemmas=(proved_lemma("L", abar(2), alpha(1) * alpha(2), algebra, schedule()),),
    ),
    "an abbreviation that captures its argument": lambda: Attack(
        summing(t),
        t * SumTo(f(s), s, 1, 3),
        by_claim("L", at={c: t}),
        Domain(indices={t: (ONE, sp.oo)}),
        lemmas=(proved_lemma("L", summing(c), c * SumTo(f(s), s, 1, 3)),),
    ),
    "an earlier statement that is not there": lambda: Attack(a, b, above(0)),
    # laws of probability
    "a sum that may hit the averaged variable": lambda: Attack(
        Expect(q(x(t)), SumTo(Norm2(x(s)), s, 1, T)), SumTo(Norm2(x(s)), s, 1, T), linearity, schedule(), (integrable,)
    ),
    "one member for all in the tower": lambda: Attack(
        Expect(q(path, x(0)), SumTo(Norm2(x(t)), t, 1, T)),
        Expect(q(x(t), x(0)), SumTo(Norm2(x(t)), t, 1, T)),
        tower,
        schedule(),
        (integrable,),
    ),
    "a law of something that is not random": lambda: Attack(
        Expect(Density("q", a), a**2), a**2, linearity, Domain(), (integrable,)
    ),
    "a variable that an abbreviation hides": lambda: Attack(
        Expect(q(z), hidden_z() * Norm2(z)), hidden_z() * Expect(q(z), Norm2(z)), linearity, Domain(), (integrable,)
    ),
    "importance weights of a variable twice": lambda: Attack(
        Expect(q(x(t)), sp.exp(log_p("p", [x(t), x(s)]) - log_p("q", x(t)))),
        sp.exp(log_p("p", x(s))),
        importance,
        Domain(indices={T: (ONE, sp.oo), t: (ONE, T), s: (ONE, T)}),
        (common_support,),
    ),
    "total probability of the averaged variable": lambda: Attack(
        Expect(q(x(1)), sp.exp(log_p("q", x(1), x(1)))), sp.exp(log_p("q", x(1))), total_probability
    ),
    "a divergence between laws conditioned on their own variable": lambda: Attack(
        KL(p(x(T - 1), x(T)), q(x(T - 1), x(t))), 0, gibbs, schedule(), relation=">=", lemmas=(nonnegative,)
    ),
    "equal laws, one conditioned on its own variable": lambda: Attack(
        Equal(KL(p(x(T - 1), x(T)), q(x(T - 1), x(t))), 0),
        SameLaw(p(x(T - 1), x(T)), q(x(T - 1), x(t))),
        zero_divergence,
        schedule(),
        relation="iff",
        lemmas=(nonnegative,),
    ),
    "a zero mean under laws of different variables": lambda: Attack(
        Equal(Expect(q(z), sp.exp(log_p("p", u) - log_p("q", z)) - 1 - log_p("p", u) + log_p("q", z)), 0),
        SameLaw(q(z), p(u)),
        vanishing_mean,
        relation="iff",
    ),
    # normal laws
    "a change of variable under another average of it": lambda: Attack(
        Expect(Normal(x(t), x(t - 1), 1), Expect(q(x(t - 1)), Inner(x(t), x(t - 1)))),
        Expect(Normal(eps, 0, 1), Expect(q(x(t - 1)), Inner(x(t - 1) + eps, x(t - 1)))),
        reparameterize(eps),
        schedule(),
    ),
    "a change of variable that misses a member": lambda: Attack(
        Expect(Normal(x(t), u, 1), SumTo(Norm2(x(s)), s, 1, T)),
        Expect(Normal(eps, 0, 1), SumTo(Norm2(x(s)), s, 1, T)),
        reparameterize(eps),
        schedule(),
    ),
    "the index of a mean captured by a sum": lambda: Attack(
        Expect(DiagonalNormal(z, i, SumTo(Coord(u, j) * Coord(v, i), j, 1, k), 1, k), SumTo(Coord(z, j), j, 1, k)),
        SumTo(SumTo(Coord(u, j) * Coord(v, j), j, 1, k), j, 1, k),
        moments,
    ),
    "a network's output taken for its input": lambda: Attack(
        Expect(FullNormal(z, u, A, k), Quadratic(v, A**-1, net(z))),
        Quadratic(v, A**-1, u),
        moments,
        hypotheses=(integrable,),
    ),
    "a Gaussian variable declared positive": lambda: Attack(
        Expect(Normal(z, 0, 1), sp.sqrt(Coord(z, 1) ** 2)), 0, moments, Domain({"z": POSITIVE}), (integrable,)
    ),
    "another variable for the law's own": lambda: Attack(
        Expect(Normal(u, v, 1), f(u)),
        Expect(Normal(v, u, 1), f(u)),
        identify(Normal(u, v, 1), Normal(v, u, 1), by_claim("L")),
        lemmas=(proved_lemma("L", LogDensity(Normal(u, v, 1)), LogDensity(Normal(v, u, 1)), density),),
    ),
    # derivatives and limits
    "a norm that does not mention its coordinates": lambda: Attack(D(Norm2(v), Coord(v, 1)), 0, differentiation),
    "two members of a family in one sum": lambda: Attack(
        D(SumTo(f(s) * f(s + 1), s, 1, T), f(t)), f(t + 1), differentiation, T_AND_t
    ),
    "a derivative by what is averaged": lambda: Attack(
        D(Expect(q(v), f(v)), Coord(v, 1)),
        Expect(q(v), D(f(v), Coord(v, 1))),
        interchange,
        hypotheses=(interchange_hypothesis,),
    ),
    "a derivative by an index": lambda: Attack(
        D(SumTo(f(t) * t, t, 1, T), t), SumTo(D(f(t) * t, t), t, 1, T), differentiation, ANY_T
    ),
    "a parameter that an abbreviation hides": lambda: Attack(D(hidden_phi(), phi), 0, differentiation),
    "a limit that an abbreviation hides": lambda: Attack(At(hidden_phi(), phi, 0), hidden_phi(), continuity),
    "an unknown function taken for continuous": lambda: Attack(At(f(phi), phi, 0), f(0), continuity),
    "a limit outside the domain": lambda: Attack(
        At(sp.sqrt((phi - 1) ** 2), phi, 0),
        -1,
        None,
        Domain({"attack_phi": Interval(sp.S(2), sp.S(3))}),
        chain=outside_its_domain,
    ),
    "a pole that does not show": lambda: Attack(
        At(Ratio(phi, (a + 1 + phi) * b - a * b - b), phi, 0),
        0,
        continuity,
        Domain({"attack_phi": POSITIVE, "attack_b": POSITIVE}),
    ),
    # numerics
    "two numbers that round to the same digits": lambda: Attack(
        sp.S(7) / 10,
        sp.S(8) / 10,
        [by_claim("L"), by_claim("M")],
        lemmas=(
            proved_lemma("L", sp.S(7) / 10, Rounded("1"), interval_arithmetic),
            proved_lemma("M", sp.S(8) / 10, Rounded("1"), interval_arithmetic),
        ),
    ),
    "a sum of rounded values": lambda: Attack(Rounded("0.5") + a, a + Rounded("0.5")),
    "the cube root of a negative number": lambda: Attack(sp.cbrt(a), sp.cbrt(a) + 0 * b),
    # what means nothing
    "a statement that divides by 0": lambda: Attack(Ratio(a, a), 1, chain=starts_elsewhere),
    "infinity equals itself": lambda: Attack(sp.zoo, sp.zoo),
    "not a number equals itself": lambda: Attack(sp.nan, sp.nan),
    "an imaginary unit": lambda: Attack(sp.I * a, sp.I * a),
    "floating point": lambda: Attack(sp.Float(0.1) * a, sp.Float(0.1) * a),
    "the square of a vector": lambda: Attack(z * z, z**2),
    "a vector plus a number": lambda: Attack(z + 1, 1 + z),
    "a vector at most another": lambda: Attack(z, z, positivity, relation="<="),
    "a number exactly when another": lambda: Attack(a, a, algebra, relation="iff"),
    "positive by its symbol alone": lambda: Attack(
        sp.sqrt(scalar("attack_plus", positive=True) ** 2),
        scalar("attack_plus", positive=True),
        algebra,
        Domain({"attack_plus": REAL}),
    ),
    "even by its symbol alone": lambda: Attack(
        sp.Symbol("attack_m", even=True) + a, a + sp.Symbol("attack_m", even=True)
    ),
    "bounds that are not integers": lambda: Attack(SumTo(1, t, 1, a), a),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_a_reason(name: str) -> None:
    assert_refused(ATTACKS[name])


def test_a_claim_that_says_nothing_is_not_proved() -> None:
    claim = Claim("empty", "", "", "identity", (), "", ())
    assert isinstance(Judge({}).judge(claim).verdict, Undecided)
