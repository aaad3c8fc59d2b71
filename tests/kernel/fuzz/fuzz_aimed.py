"""Claims of known kinds, aimed at one check each.

What two relations add up to, what is captured, where a strict order is none, what a part of a term depends on. As in
`fuzz_kinds`, what a step needs is a choice here, and half of the choices fail it.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from fuzz_terms import Words, a, b, c, f, g, i, m, n, t, u, v, w, z
from fuzz_walks import Draft

from derivations.kernel.terms import DIM
from derivations.notation import T, abar, alpha, integrable, interchange_hypothesis, p, q, x
from derivations.rules import (
    POSITIVE,
    REAL,
    UNIT,
    At,
    D,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Normal,
    ProductTo,
    Ratio,
    SumTo,
    above,
    algebra,
    continuity,
    density,
    differentiation,
    given,
    identify,
    importance,
    induction_hypothesis,
    linearity,
    log_p,
    moments,
    monotone,
    positivity,
    squares,
    total_probability,
    tower,
)

REALS = {"fuzz_a": REAL, "fuzz_b": REAL, "fuzz_c": REAL, "fuzz_g": POSITIVE}
RANGE = Domain(REALS, {T: (1, sp.oo), t: (1, T)})
FINITE = (integrable, interchange_hypothesis)


def step(lhs: Any, rhs: Any, by: Any, relation: str = "=", domain: Domain = RANGE, **more: Any) -> Draft:
    return Draft([(lhs, "=", algebra), (rhs, relation, by)], domain, more.pop("hypotheses", FINITE), **more)


def relations(words: Words) -> Draft:
    """What is between the ends counts, and a weak order is no strict one."""
    up, down = words.one(1, 2, a**2), words.one(1, 3)
    one, two = words.one("<", "<=", ">", ">="), words.one("<", "<=", ">", ">=")
    ends = [a, a + up, a + up - down if two.startswith(">") else a + up + down]
    lines = [(ends[0], "=", algebra), (ends[1], one, positivity), (ends[2], two, positivity)][: words.one(2, 3, 3)]
    said = words.one(one, two, "<", ">", "<=", ">=", "=")
    return Draft(lines, RANGE, (), says=(lines[0][0], said, lines[-1][0]), kind="relations")


def other_ends(words: Words) -> Draft:
    """A statement says what its chain ends with."""
    e = words.polynomial(1)
    lines = [(e, "=", algebra), (sp.expand(e) + 0, "=", algebra)]
    lhs, rhs = words.one((e, e + 1), (e + a, sp.expand(e)), (e, sp.expand(2 * e)), (e, sp.expand(e)))
    return Draft(lines, RANGE, (), says=(lhs, "=", rhs), kind="other ends")


def shared_variables(words: Words) -> Draft:
    """Two members of a family may be one variable, and then neither is averaged out beside the other."""
    where = Domain(REALS, {t: (1, 3), n: words.one((1, 3), (4, 5))})
    one, two = x(words.one(1, 2, t)), x(words.one(n, n, 4))
    e, known, rule = words.one(
        (Expect(q(one), sp.exp(log_p("p", [one, two]) - log_p("q", one))), sp.exp(log_p("p", two)), importance),
        (Expect(q(one), sp.exp(log_p("p", one, two) - log_p("q", one))), sp.S.One, importance),
        (Expect(q(one), sp.exp(log_p("q", two, one))), sp.exp(log_p("q", two)), total_probability),
        (Expect(q(one), sp.exp(log_p("p", one) - log_p("q", one))), sp.S.One, importance),
    )
    from derivations.notation import common_support

    return step(e, known, rule, domain=where, hypotheses=(*FINITE, common_support), kind="shared variables")


def captured(words: Words) -> Draft:
    """A lemma's symbol, replaced by what a binder of the lemma would catch."""
    statement, by, key, caught, free = words.one(
        ((D(a * b, a), "=", b), differentiation, b, (a, a**2, 2 * a), (c, u)),
        ((D(a * f(b), a), "=", f(b)), differentiation, b, (a, a**2), (c,)),
        ((At(a * b + b, b, 2), "=", 2 * a + 2), continuity, a, (b, b**2, b + 1), (c,)),
        ((Expect(Normal(z, u, 1), Inner(z, v)), "=", Inner(u, v)), moments, v, (z, 2 * z, z + w), (w,)),
        ((Expect(Normal(z, u, 1), a * Inner(z, v)), "=", a * Inner(u, v)), moments, a, (Inner(z, w), Norm2(z)), (c,)),
        ((SumTo(a * f(i), i, 1, 2), "=", a * f(1) + a * f(2)), algebra, a, (f(1), b), (c,)),
    )
    lhs, _, rhs = statement
    put = words.one(*caught, *caught, *free[:1])
    table = {key: put}
    left, right = (sp.sympify(side).xreplace(table) for side in (lhs, rhs))
    first = (statement, [(lhs, "=", algebra), (rhs, "=", by)])
    return step(left, right, above(0, at=table), first=first, kind="captured")


def outside_of_lemmas(words: Words) -> Draft:
    """A lemma about integers from 2 on, or about numbers in an interval, used a little below."""
    low, where = words.one(1, 2, 3), words.one(POSITIVE, UNIT)
    statement, key, put = words.one(
        ((sp.Abs(n - low), "=", n - low), n, words.one(n - 1, n - 2, n + 1, 2 * n, m)),
        ((sp.Abs(n - low), "=", n - low), n, words.one(n - 1, t, T)),
        ((sp.Abs(a), "=", a), a, words.one(b, -b, b - 1, b**2 + 1, a - 1)),
        ((SumTo(f(i), i, 1, 2), "=", f(1) + f(2)), f(words.one(1, 2)), words.one(b, a, f(3))),
        ((sp.sqrt(sp.Pow(a, 2, evaluate=False)), "=", a), a, words.one(b, -b, b - 1, b**2 + 1)),
    )
    lhs, _, rhs = statement
    first = (statement, [(lhs, "=", algebra), (rhs, "=", algebra)])
    left, right = (sp.sympify(side).xreplace({key: put}) for side in (lhs, rhs))
    domain = Domain({**REALS, "fuzz_a": where}, {n: (low, sp.oo), m: (0, sp.oo), T: (1, sp.oo), t: (1, T)})
    return step(left + c, right + c, above(0, at={key: put}), first=first, domain=domain, kind="outside of lemmas")


def hardly_positive(words: Words) -> Draft:
    """What may be 0 somewhere is not positive; what may be negative is neither."""
    gap = words.one(t - 1, T - t, (t - 1) * (a**2 + 1), a**2, Norm2(u), Norm2(u - v), (a - b) ** 2, sp.Abs(a), a * b)
    relation = words.one("<", "<", "<=")
    e = words.one(b, f(1), sp.S.Zero)
    return step(e, e + gap, positivity, relation, hypotheses=(), kind="hardly positive")


def forms(words: Words) -> Draft:
    """Quadratic forms in vectors and in numbers, definite and not."""
    k = words.one(-3, -2, -1, 0, 1, 2, 3)
    gap = words.one(
        Norm2(u) + Norm2(v) + k * Inner(u, v),
        a**2 + b**2 + k * a * b,
        a**2 + k * a + 1,
        Norm2(u) * Norm2(v) - words.one(1, 2) * Inner(u, v) ** 2,
        words.one(1, -1) * Norm2(u) + k**2,
    )
    return step(sp.S.Zero, gap, positivity, words.one("<", "<=", "<="), hypotheses=(), kind="forms")


def passed_on(words: Words) -> Draft:
    """An order is passed on by what grows, where it grows."""
    low, high = words.one((a, a + 1), (a, a + b**2), (f(t), f(t) + 1), (a - 1, a))
    e, other = words.one(
        (low**2, high**2),
        (low**3, high**3),
        (c * low, c * high),
        (-low, -high),
        (g(1) * low, g(1) * high),
        (1 / (1 + low**2), 1 / (1 + high**2)),
        (sp.exp(low), sp.exp(high)),
        (SumTo(low, i, 1, T), SumTo(high, i, 1, T)),
        (ProductTo(low, i, 1, 2), ProductTo(high, i, 1, 2)),
        (ProductTo(low, i, 1, T), ProductTo(high, i, 1, T)),
    )
    where = words.one(REAL, REAL, POSITIVE)
    rule = words.one(monotone(positivity), monotone(positivity), squares(positivity))
    domain = Domain({**REALS, "fuzz_a": where, "fuzz_c": words.one(REAL, POSITIVE)}, RANGE.indices)
    return step(e, other, rule, words.one("<", "<=", "<="), domain, hypotheses=(), kind="passed on")


def nothing_there(words: Words) -> Draft:
    """What depends on a variable is not a constant to its derivative, nor to its mean."""
    law = words.one(Normal(z, u, 1), Normal(z, 0, 2))
    body = words.one(Inner(z, v), Norm2(z), a * Inner(z, v))
    e, known, rule = words.one(
        (Expect(law, body), body.xreplace({z: law.args[1]}) if law.args[1] != 0 else body, moments),
        (Expect(law, body), body, moments),
        (Expect(q(z), f(z)), words.one(f(z), f(w)), tower),
        (Expect(q(z), f(z) * f(w)), words.one(f(z), f(w)) * Expect(q(z), f(z)), linearity),
        (D(a * b, a), words.one(sp.S.Zero, b), differentiation),
        (D(a**2 + c, a), words.one(sp.S.Zero, 2 * a), differentiation),
        (D(alpha(n) * a, alpha(1)), sp.S.Zero, differentiation),
        (D(SumTo(alpha(i), i, 1, 3), alpha(2)), words.one(sp.S.Zero, sp.S.One), differentiation),
    )
    return step(e, known, rule, domain=Domain({**REALS, "alpha": UNIT}, {n: (1, sp.oo)}), kind="constants")


def another_law(words: Words) -> Draft:
    """One normal law is another only when their densities agree."""
    mean, variance = words.one(sp.S.Zero, u, a * u), words.one(sp.S.One, sp.S(2), 1 + a**2)
    one = Normal(z, words.one(mean, sp.S.Zero), words.one(variance, sp.S.One))
    other = Normal(z, mean, variance)
    known = (Norm2(mean) if mean != 0 else 0) + DIM * variance
    return step(Expect(one, Norm2(z)), known, [identify(one, other, density), moments], kind="another law")


def told_apart(words: Words) -> Draft:
    """Values of one function at two places, and sums over two ranges, are two things."""
    one, two = words.one((1, 2), (t, t + 1), (t, T), (a, b), (n, n))
    e, other = words.one(
        (f(one), f(two)),
        (SumTo(f(i), i, 1, t), SumTo(f(i), i, 1, T)),
        (Expect(q(z), f(z)), Expect(p(z), f(z))),
        (sp.exp(f(one)), sp.exp(f(two))),
        (Norm2(u), Norm2(v)),
    )
    domain = Domain(REALS, {T: (1, sp.oo), t: (1, T), n: (1, sp.oo)})
    return step(e + c, c + other, algebra, domain=domain, kind="told apart")


def factors_of_unknown_sign(words: Words) -> Draft:
    """Roots of squares, sizes, and logarithms of products, by the signs of the factors."""
    e = words.one(a, b, a * b, a - b, c, t - 2)
    left, right = words.one(
        (sp.sqrt(sp.Pow(e, 2, evaluate=False)), e),
        (sp.Abs(e), e),
        (sp.sqrt(e**2 * g(1)), e * sp.sqrt(g(1))),
        (sp.log(e**2), 2 * sp.log(g(1)) + sp.log(e**2 / g(1) ** 2)),
        (Ratio(e**2, 1 + e**2) ** sp.Rational(1, 2), e / sp.sqrt(1 + e**2)),
    )
    return step(left, right, algebra, domain=Domain(REALS, RANGE.indices), kind="signs of factors")


def empty_sums(words: Words) -> Draft:
    """A sum without terms is 0, whatever stands below in it; a product without factors is 1."""
    k = words.one(1, 1, 2, 0)
    e, known = words.one(
        (SumTo(Ratio(1, T - k), i, 1, T - k), sp.S.One),
        (SumTo(Ratio(f(i), T - k), i, 1, T - k) - SumTo(Ratio(f(i), T - k), i, 1, T - k), sp.S.Zero),
        (SumTo(Ratio(a, T - k), i, 1, T - k), a),
        (SumTo(f(i), i, 2, T), SumTo(f(i), i, 1, T) - f(1)),
        (SumTo(f(i), i, 1, T - 1), SumTo(f(i), i, 1, T) - f(T)),
        (ProductTo(f(i), i, 1, 0) + a, a + 1),
    )
    low = words.one(1, 1, 2, 0)
    T_from = sp.Symbol("T", integer=True, positive=True)
    return step(e, known, algebra, domain=Domain(REALS, {T_from: (max(low, 1), sp.oo)}), kind="empty sums")


def below_the_schedule(words: Words) -> Draft:
    """The running product, where the recursion speaks, with members that may be 1 and factors of sums."""
    lo, where = words.one(1, 0, -2, -5), words.one(UNIT, POSITIVE, POSITIVE)
    domain = Domain({"alpha": UNIT, "abar": where}, {m: (lo, sp.oo)}, {"abar": "alpha"})
    e, other, relation = words.one(
        (abar(m), sp.S.One, "<="),
        (abar(m), sp.S.One, "<="),
        (abar(m), alpha(m) * abar(m - 1), "="),
        (abar(m + 1), alpha(m + 1) * abar(m), "="),
        (abar(m - 1), sp.S.One, words.one("<", "<=")),
        (abar(m), abar(m - 1), words.one("<", "<=")),
        (Ratio(abar(m), abar(m - 1)), alpha(m), "="),
    )
    return step(e, other, algebra if relation == "=" else positivity, relation, domain, hypotheses=(), kind="schedules")


def shrinking(words: Words) -> Draft:
    """A recursion that is supposed up to an end which may fall as n grows: at the last n it says too little."""
    last = words.one(3, 4, 6)
    end, by = words.one(2 * last - 1 - n, 2 * last - 1 - n, sp.S(last), sp.oo), words.one(sp.S.Zero, sp.S.One, a)
    h = Hypothesis("recursion", "", f(i), f(i - 1) + by, {i: (2, end)})
    known = f(1) + (n - 1) * by
    base = [(f(1), "=", algebra), (f(1) + 0 * by, "=", algebra)]
    lines = [
        (f(n + 1), "=", algebra),
        (f(n) + by, "=", given(h, fuzz_i=n + 1)),
        (known.xreplace({n: n + 1}), "=", induction_hypothesis),
    ]
    domain = Domain(REALS, {n: (1, last)})
    return Draft(lines, domain, (h,), says=(f(n), "=", known), induction_on=n, base=base, kind="shrinking")


AIMED = (
    shrinking,
    relations,
    other_ends,
    shared_variables,
    captured,
    captured,
    outside_of_lemmas,
    hardly_positive,
    forms,
    passed_on,
    nothing_there,
    another_law,
    told_apart,
    factors_of_unknown_sign,
    empty_sums,
    below_the_schedule,
)
