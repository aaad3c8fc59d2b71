"""Claims of known kinds about order: lemmas that are inequalities, what keeps an order, forms, last terms, powers."""

from __future__ import annotations

from typing import Any

import sympy as sp
from fuzz_terms import Words, a, b, c, f, g, i, n, t, u, v, w, z
from fuzz_walks import Draft

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.notation import T, integrable, interchange_hypothesis, p, q
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    UNIT_WITH_ONE,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Interval,
    Mean,
    Norm2,
    Normal,
    ProductTo,
    Rounded,
    SumTo,
    algebra,
    at_most,
    below,
    constant_vector,
    draws,
    given,
    interval_arithmetic,
    last_term,
    log_p,
    log_tangent,
    monotone,
    one_draw,
    ordered_above,
    positivity,
    squares,
    vector_linearity,
)

FINITE = (integrable, interchange_hypothesis)
constant, constant_2 = constant_vector("fuzz_constant"), constant_vector("fuzz_constant_2")
sample = draws("fuzz_sample", z)
ALIKE = Hypothesis("alike draws", ASSUMPTIONS["alike draws"])
PLACES = (REAL, POSITIVE, POSITIVE, NONNEGATIVE, UNIT, UNIT_WITH_ONE, Interval(-1, 1))


def somewhere(words: Words) -> Domain:
    """Random intervals; n may be 0 or more, T is at least 1, t lies in 1..T."""
    names = ("fuzz_a", "fuzz_b", "fuzz_c")
    places = {name: words.one(*PLACES) for name in names} | {"fuzz_g": POSITIVE, "fuzz_f": words.one(*PLACES)}
    return Domain(places, {n: (1, sp.oo), T: (1, sp.oo), t: (1, T)})


def _draft(words: Words, lhs: Any, rhs: Any, by: Any, relation: str, kind: str, **more: Any) -> Draft:
    domain = more.pop("domain", None) or somewhere(words)
    return Draft([(lhs, "=", algebra), (rhs, relation, by)], domain, FINITE, kind=kind, **more)


def lemmas(words: Words) -> Draft:
    """An inequality above, in an instance, times a factor that must not be negative."""
    domain = somewhere(words)
    statement, by, low = words.one(
        ((sp.log(a), "<=", a - 1), log_tangent, POSITIVE),
        ((a**2, "<", a), positivity, UNIT),
        ((1 / a, ">=", 2 - a), positivity, POSITIVE),
        ((sp.S.Zero, "<=", a), positivity, NONNEGATIVE),
    )
    domain = Domain({**domain.intervals, "fuzz_a": low}, domain.indices)
    value = words.one(b, c, b * c, 1 + b**2, g(1), -b, f(1), a * b, 1 / b, Norm2(u), g(i))
    times = words.one(sp.S.One, b, b**2, -b, g(1), sp.S(-1), Norm2(v), g(i))
    small, large = (sp.sympify(side).xreplace({a: value}) for side in (statement[0], statement[2]))
    base = words.one(sp.S.Zero, b, f(2))
    one, two, relation = base, base + times * (large - small), statement[1]
    rule = ordered_above(0, at={a: value}, times=times)
    if (value + times).has(i) or words.chance(0.2):
        one, two = (SumTo(e, i, 1, words.one(T, T, 3)) for e in (one, two))
        rule = monotone(rule)
    relation = relation if words.chance(0.8) else words.one("<", "<=", ">")
    first = (statement, [(statement[0], "=", algebra), (statement[2], statement[1], by)])
    return _draft(words, one, two, rule, relation, "lemmas of order", domain=domain, first=first)


def layers(words: Words) -> Draft:
    """Two parts in order, under operations that keep it, turn it, or do neither."""
    small = words.one(a, b, g(1), 1 + a**2, f(i), Norm2(u), g(i))
    gap = words.one(a**2, b, sp.S.One, 1 - a, f(i) ** 2, Norm2(u - v), a * b, g(1))
    one, two, k = small, small + gap, words.one(a, -a, sp.S(-1), sp.S(2), b, 1 + b**2)
    for _ in range(words.rng.randint(1, 3)):
        around = words.one(
            sp.log,
            lambda e: sp.log(1 + e),
            sp.exp,
            sp.sqrt,
            lambda e: e**2,
            lambda e: 1 / e,
            lambda e: k * e,
            lambda e: e + k,
            lambda e: SumTo(e, i, 1, T),
            lambda e: ProductTo(e, i, 1, T),
            lambda e: Expect(Normal(z, u, 1), e * Norm2(z)),
        )
        if not (isinstance(one, SumTo | ProductTo) and around(one).has(i)):
            one, two = around(one), around(two)
    if one.has(i) and not one.has(SumTo, ProductTo):
        one, two = SumTo(one, i, 1, T), SumTo(two, i, 1, T)
    return _draft(words, one, two, monotone(positivity), words.one("<", "<=", "<=", ">", ">="), "monotone")


def quadratic(words: Words) -> Draft:
    """Squares of numbers and vectors with random coefficients; some are forms, many are indefinite."""
    k = words.one(1, 1, 2, a, 1 + a**2)
    gap = words.one(
        Norm2(u - k * v) - words.one(0, 0, 1) * Norm2(w),
        2 * Norm2(u) + words.one(1, 2) * Norm2(v) - words.one(1, 2, 3, -2) * Inner(u, v),
        Norm2(u) * Norm2(v) - words.one(1, 1, 2) * Inner(u, words.one(v, v, w)) ** 2,
        a**2 + words.one(-2, -1, 1, 3) * a * b + b**2 * words.one(1, 1, 0) + words.one(0, 1),
        a**3 + b**3 - words.one(0, 1) * a * b,
        SumTo(words.one(f(i) ** 2, a * f(i), f(i)), i, 1, T),
        ProductTo(words.one(f(i), a, 1 + f(i) ** 2), i, 1, T),
        Expect(Normal(z, u, 1), words.one(Norm2(z - v), Inner(z, v), a * Norm2(z))),
        1 - a ** words.one(n, n + 1, T - t),
        sp.Abs(a) - words.one(0, 1) * a,
    )
    line = words.one(sp.S.Zero, c)
    return _draft(words, line, line + gap, positivity, words.one("<", "<=", "<=", ">="), "forms")


def by_squares(words: Words) -> Draft:
    large = words.one(a, b, sp.sqrt(Norm2(u)) * sp.sqrt(Norm2(v)), sp.Abs(a) + 1, a + 1)
    small = words.one(Inner(u, v), a, -a, b, sp.Abs(b), sp.S.One)
    pair = (small, large, "<=") if words.chance(0.6) else (large, small, words.one(">=", ">"))
    return _draft(words, pair[0], pair[1], squares(positivity), pair[2], "squares")


def ends_of_sums(words: Words) -> Draft:
    end = words.one(T, T + 1, n, t, sp.S(3))
    low = words.one(1, 1, 2, T, n + 1)
    body = words.one(f(i), a * i, a**i, g(i) * f(T), a)
    last = body.xreplace({i: words.one(end, end, end - 1)})
    if words.chance(0.5):
        e, other = SumTo(body, i, low, end), SumTo(body, i, low, end - 1) + last
    else:
        e, other = ProductTo(body, i, low, end), ProductTo(body, i, low, end - 1) * last
    return _draft(words, e, other, last_term(end), "=", "last terms")


def powers(words: Words) -> Draft:
    k = words.one(n, T, t, T - t, n - 1, T - t - 1)
    base, other = words.one(a, b, 2 * a, -a, a * b, 1 - a), words.one(a, b, sp.S(3))
    one, two = words.one(
        (base ** (k + 1), base * base**k),
        (base ** (k - 1), base**k / base),
        ((base * other) ** k, base**k * other**k),
        (base ** (2 * k), (base**k) ** 2),
        (base**k, words.one(base ** (k + 1), (-base) ** k, sp.Abs(base) ** k)),
        (base**k * base**-k, sp.S.One),
        (sp.log(base**k), k * sp.log(base)),
    )
    return _draft(words, one, two, algebra, "=", "powers")


def euler(words: Words) -> Draft:
    """e is a number like others."""
    if words.chance(0.5):
        exact, other = words.one(sp.E, sp.log(2 * sp.pi * sp.E)), words.one(sp.E, sp.log(2 * sp.pi * sp.E))
        shown = str(sp.N(exact, words.rng.randint(3, 6)))
        return _draft(words, other, Rounded(shown), interval_arithmetic, "=", "e")
    one, two = words.one(
        (sp.log(2 * sp.E * g(1)), 1 + sp.log(2 * g(1))),
        (sp.log(sp.E * sp.exp(a)), 1 + a),
        (sp.log(sp.E * a), 1 + sp.log(a)),
    )
    return _draft(words, one, two, algebra, "=", "e")


def vector_means(words: Words) -> Draft:
    """Means of vectors under named laws, the conditional mean among them."""
    law = words.one(q(z), q(z, w), q([z, w]), p(z))
    m = Mean(words.one(q(z), q(z, w), p(z)))
    c = words.one(u, constant, w, m)
    e, other = words.one(
        (Expect(law, Norm2(z - c)), Expect(law, Norm2(z - m)) + Norm2(m - c)),
        (Expect(law, Inner(z, c)), Inner(m, c)),
        (Inner(Expect(law, a * z + c), v), a * Inner(m, v) + Inner(c, v)),
        (Expect(law, Norm2(z)), words.one(Norm2(m), Expect(law, Norm2(z - m)) + Norm2(m))),
    )
    known = words.one(FINITE, FINITE, ())
    return Draft([(e, "=", algebra), (other, "=", vector_linearity)], Domain(), known, kind="vector means")


def constants(words: Words) -> Draft:
    """A hypothesis about a constant vector is about that one."""
    other = words.one(u, 2 * constant_2, constant_2, w)
    h = Hypothesis("constant", "", constant, other)
    e, known, rule = words.one(
        (Norm2(constant), Norm2(other), given(h)),
        (Expect(Normal(z, 0, 1), Inner(z, constant) ** 2), Expect(Normal(z, 0, 1), Inner(z, other) ** 2), given(h)),
        (Expect(Normal(w, constant, 1), Norm2(w - constant)), Expect(Normal(w, other, 1), Norm2(w - other)), given(h)),
    )
    return Draft([(e, "=", algebra), (known, "=", rule)], Domain(), (h, *FINITE), kind="constants")


def several_draws(words: Words) -> Draft:
    """One draw stands for the variable where it is alone, and under the hypothesis."""
    k, law = words.one(1, 2), words.one(p, q)
    body = words.one(
        lambda e: f(e), lambda e: log_p("p", e), lambda e: log_p("q", e, w) * f(e), lambda e: Norm2(e) + f(z)
    )
    e, other = words.one(
        (Expect(law(sample(k)), body(sample(k))), Expect(law(z), body(z))),
        (Expect(law(sample(k), w), body(sample(k))), Expect(law(z, w), body(z))),
        (Expect(law(sample(k), z), body(sample(k))), Expect(law(z), body(z))),
        (Expect(law(sample(1), sample(2)), body(sample(1))), Expect(law(z), body(z))),
    )
    known = words.one((*FINITE, ALIKE), (*FINITE, ALIKE), FINITE)
    return Draft([(e, "=", algebra), (other, "=", one_draw)], Domain(), known, kind="draws")


def together(words: Words) -> Draft:
    """Conditions on several symbols, and what follows from them, or does not."""
    names = ("fuzz_a", "fuzz_b", "fuzz_c")
    places = {name: words.one(*PLACES) for name in names} | {"fuzz_f": words.one(*PLACES), "fuzz_g": POSITIVE}
    sides = (a, b, c, a**2, a + b, 1 - a, f(1), f(2), sp.S.One, sp.S.Zero, a * b)
    small, large = words.one(*sides), words.one(*sides)
    rises = words.one(below, at_most)(f(i), f(i + 1), {i: (1, words.one(T, T - 1, n))})
    condition = words.one(below(small, large), at_most(small, large), at_most(small, large), rises)
    gap = f(t + 1) - f(t) if condition is rises else large - small
    change = words.one(sp.S.Zero, sp.S.Zero, b**2, -a, b, g(1))
    e, other, rule, relation = words.one(
        (sp.S.Zero, gap + change, positivity, words.one("<", "<=", "<=", ">=")),
        (sp.sqrt(sp.Pow(gap, 2, evaluate=False)), gap, algebra, "="),
        (sp.sqrt(gap) ** 2 + change, gap + change, algebra, "="),
        (sp.log(1 + gap), sp.S.Zero, monotone(positivity), words.one(">=", ">", "<=")),
    )
    indices = {T: (1, sp.oo), t: (1, T), n: (1, sp.oo)}
    return Draft(
        [(e, "=", algebra), (other, relation, rule)],
        Domain(places, indices, conditions=(condition,)),
        FINITE,
        kind="together",
    )


ORDER_KINDS = (
    several_draws,
    together,
    together,
    vector_means,
    constants,
    lemmas,
    lemmas,
    layers,
    layers,
    quadratic,
    quadratic,
    by_squares,
    ends_of_sums,
    powers,
    euler,
)
