"""Claims of known kinds: each follows from a condition that the kernel must ask for, and half of them fail it.

What the conditions are is written here once more, as choices: a size that may be -1, a law that may depend on its own
variable, a range that may shrink, an abbreviation whose body looks around itself.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp
from fuzz_continuous import CONTINUOUS
from fuzz_fields import FIELDS
from fuzz_maps import MAPS
from fuzz_order import ORDER_KINDS
from fuzz_terms import A, B, Words, a, b, c, f, g, i, m, n, s, t, u, v, w, z
from fuzz_walks import Draft

from derivations.kernel.terms import DIM
from derivations.notation import T, abar, alpha, beta, integrable, interchange_hypothesis, p, q, schedule, x
from derivations.rules import (
    KL,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    At,
    Coord,
    D,
    Domain,
    Expect,
    FullNormal,
    Hypothesis,
    Inner,
    Interval,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    Rounded,
    SumTo,
    above,
    algebra,
    bayes,
    continuity,
    define,
    definition,
    density,
    differentiation,
    exponents,
    gibbs,
    given,
    identify,
    importance,
    induction_hypothesis,
    interchange,
    interval_arithmetic,
    jensen,
    linearity,
    log_p,
    mass,
    moments,
    positivity,
    scaled,
    tangent,
    total_probability,
    tower,
    trace_algebra,
    vector_function,
)

NAMES = itertools.count()
REALS = {"fuzz_a": REAL, "fuzz_b": REAL, "fuzz_c": REAL, "fuzz_g": POSITIVE}
RANGE = Domain(REALS, {T: (1, sp.oo), t: (1, T)})
FINITE = (integrable, interchange_hypothesis)


def step(lhs: Any, rhs: Any, by: Any, relation: str = "=", domain: Domain = RANGE, **more: Any) -> Draft:
    return Draft([(lhs, "=", algebra), (rhs, relation, by)], domain, more.pop("hypotheses", FINITE), **more)


def law_of_itself(words: Words) -> Draft:
    """`identify` may name a law only by parameters that are free of its variable."""
    shift = words.one(z, u, z + u)
    one, two = words.one(
        (Normal(z, 0, 1), Normal(z, 2 * z, 1)),
        (Normal(z, u, 1), Normal(z, 2 * z - u, 1)),
        (Normal(z, 0, 1), Normal(z, 0, 1)),
        (Normal(z, shift, 1), Normal(z, words.one(2 * z - shift, shift), 1)),
    )
    first = (
        (LogDensity(one), "=", LogDensity(two)),
        [(LogDensity(one), "=", algebra), (LogDensity(two), "=", density)],
    )
    lhs = Expect(one, Norm2(z))
    rhs = words.one(Norm2(two.args[1]) + DIM, Norm2(one.args[1]) + DIM)
    return step(lhs, rhs, [identify(one, two, above(0)), moments], first=first, kind="law of itself")


def ranges(words: Words) -> Draft:
    """A sum runs from its lower end to its upper; what a range that may turn round is, nobody says."""
    k = words.binder()
    pairs = ((1, T), (t, T), (T, t), (3, t), (T, 1), (5, 2), (t + 1, t - 1), (2, t), (1, 0), (t, t - 2), (T + 1, T))
    low, high = map(sp.sympify, words.one(*pairs))
    body = words.one(a, f(1), a * b)
    e, other = words.one(
        (SumTo(body, k, low, high), (high - low + 1) * body),
        (SumTo(f(k), k, low, high) - SumTo(f(k), k, low, high - 1), f(high)),
        (ProductTo(body, k, low, high), body ** (high - low + 1)),
        (SumTo(body, k, low, high) + a, a + SumTo(body, k, low, high)),
    )
    return step(e, other, algebra, kind="ranges")


def places_in_vectors(words: Words) -> Draft:
    """A coordinate lies inside its vector, an entry inside its matrix."""
    k, size = words.one(1, 1, 2, 3, 0, -1, m, n), words.one(DIM, 2, 1)
    law = Normal(z, u, 1, size)
    e, other, rule = words.one(
        (Expect(law, Coord(z, k)), Coord(u, k), moments),
        (Expect(law, Coord(z, k) ** 2), 1 + Coord(u, k) ** 2, moments),
        (Expect(law, Coord(z, 1) * Coord(z, k)), Coord(u, 1) * Coord(u, k) + words.one(0, 0, 1), moments),
        (Expect(law, Coord(z, k)) + a, a + Expect(law, Coord(z, k)), algebra),
    )
    return step(e, other, rule, kind="coordinates")


def numbers_that_move(words: Words) -> Draft:
    """What may be differentiated by, and what stays fixed meanwhile."""
    free = {**REALS, "alpha": UNIT}
    domain = words.one(
        Domain(free, {n: (1, sp.oo), T: (1, sp.oo), t: (1, T)}),
        Domain(free, {n: (1, sp.oo)}),
        Domain({**free, "abar": UNIT}, {n: (1, sp.oo)}, {"abar": "alpha"}),
    )
    body, wrt, known = words.one(
        (a * b * n, a, b * n),
        (a**2 * n, a, 2 * a * n),
        (alpha(1) * a, alpha(1), a),
        (alpha(1) * abar(1), alpha(1), words.one(abar(1), abar(1) + alpha(1))),
        (abar(2), alpha(1), words.one(sp.S.Zero, alpha(2))),
        (alpha(2), alpha(1), sp.S.Zero),
        (alpha(n), alpha(1), words.one(sp.S.Zero, sp.S.One)),
        (SumTo(alpha(i), i, 1, 2), alpha(1), words.one(sp.S.One, sp.S.Zero)),
        (Norm2(u), Coord(u, 1), words.one(2 * Coord(u, 1), sp.S.Zero)),
        (Coord(u, 2) ** 2, Coord(u, 1), sp.S.Zero),
        (Inner(u, v) * a, Coord(u, 1), a * Coord(v, 1)),
        (f(a) * b, a, words.one(sp.S.Zero, b * D(f(a), a))),
        (At(a * b, b, 2) + b, b, words.one(sp.S.One, sp.S.Zero)),
        (D(a * b, b), a, sp.S.One),
        (Expect(Normal(z, a * u, 1), Inner(z, v)), a, words.one(sp.S.Zero, Inner(u, v))),
    )
    by = words.one(differentiation, [moments, differentiation])
    return step(D(body, wrt), known, by, domain=domain, kind="moving")


def replaced_in_lemmas(words: Words) -> Draft:
    """A lemma with its range and interval, used inside and outside of them."""
    low, where = words.one(1, 2, 3), words.one(POSITIVE, UNIT, NONNEGATIVE, Interval(1, 5, False, False))
    statement, by = words.one(
        ((sp.Abs(a), "=", a), algebra),
        ((SumTo(f(i), i, 1, n) - SumTo(f(i), i, 1, n - 1), "=", f(n)), algebra),
        ((D(a * b, a), "=", b), differentiation),
        ((Expect(Normal(z, u, 1), Inner(z, v)), "=", Inner(u, v)), moments),
        ((At(a * b + b, b, 2), "=", 2 * a + 2), continuity),
        ((SumTo(a, i, 1, 3), "=", 3 * a), algebra),
        ((sp.Abs(m), "=", m), algebra),
        ((sp.Abs(m), "=", m), algebra),
    )
    lhs, _, rhs = statement
    table = {
        words.one(a, n, u, v, z, f(n), b): words.one(
            b, -b, b**2, n + 1, n - 2, 2 * u, z, w, c, f(i), Inner(z, u), a + b
        )
    }
    first = (statement, [(lhs, "=", algebra), (rhs, "=", by)])
    domain = Domain({**REALS, "fuzz_a": where}, {n: (low, sp.oo), m: (low, sp.oo)})
    table = {key: value for key, value in table.items() if lhs.has(key) or words.chance(0.1)}
    left, right = (sp.sympify(side).xreplace(table) for side in (lhs, rhs))
    return step(left + c, right + c, above(0, at=table), first=first, domain=domain, kind="lemmas")


def masses(words: Words) -> Draft:
    """Importance masses are at most 1, each its own."""
    r = words.one(
        lambda k: Expect(q(x(k)), sp.exp(log_p("p", x(k)) - log_p("q", x(k)))),
        lambda k: Expect(q(x(k)), sp.exp(log_p("p", x(k)) - log_p("q", x(k)))) * words_fixed(k),
    )
    pair = words.one(
        (SumTo(r(t), t, 1, 2), SumTo(r(t), t, 3, 4)),
        (SumTo(r(t), t, 1, 2), sp.S(2)),
        (SumTo(r(s), s, 1, 3), SumTo(r(s), s, 1, 2) + 1),
        (r(1), sp.S.One),
        (a**2 * r(1), a**2),
        (a * r(1), a),
        (-r(1), -sp.S.One),
        (r(1), r(2)),
    )
    return step(*pair, mass, words.one("<=", "<=", "<", ">="), Domain(REALS), kind="masses")


def words_fixed(k: Any) -> Any:
    return g(1)


def unsupported(words: Words) -> Draft:
    """A ratio's mean is the other law's mean where the first law vanishes nowhere that the other does not."""
    from derivations.notation import common_support

    ratio = sp.exp(log_p("p", z) - log_p("q", z))
    body = words.one(f(z), Norm2(z), Inner(z, u))
    hypotheses = words.one((*FINITE, common_support), FINITE)
    return step(Expect(q(z), body * ratio), Expect(p(z), body), importance, hypotheses=hypotheses, kind="unsupported")


def sizes_of_laws(words: Words) -> Draft:
    """A law has a dimension, an integer from 1 on."""
    size = words.one(-1, sp.Rational(1, 2), 0, 1, 2, DIM, m, n)
    one, two = Normal(z, 0, words.one(1, 2), size), Normal(z, words.one(0, 0, u), words.one(2, 3, 1), size)
    v1, v2 = one.args[2], two.args[2]
    value = size * (sp.log(v2 / v1) + v1 / v2 - 1) / 2 + (Norm2(two.args[1]) / (2 * v2) if two.args[1] != 0 else 0)
    lines = [(value, "=", algebra), (KL(one, two), "=", [definition, density, moments]), (sp.S.Zero, ">=", gibbs)]
    return Draft(lines, Domain(REALS), FINITE, kind="sizes of laws")


def divergences(words: Words) -> Draft:
    one, two = KL(q(z), p(z)), KL(p(z), q(z))
    k, j = words.one(1, 2, -1, a, a**2, sp.Abs(a), g(1)), words.one(0, 1, b**2, -1)
    if words.chance(0.4):
        one = words.one(Expect(q(z), f(z)), Expect(q(z), Inner(z, u)), Expect(q(z), Norm2(z)), Expect(q(z), one))
        j = sp.S.Zero
    body = words.one(b, Norm2(u), sp.S.Zero)
    hypotheses = words.one(FINITE, FINITE, ())
    return step(
        body + k * one + j * two, body, gibbs, words.one(">=", ">=", ">", "<="), hypotheses=hypotheses, kind="KL"
    )


def infinite_means(words: Words) -> Draft:
    e = words.one(KL(q(z), p(z)), Expect(q(z), f(z)), Expect(q(z), Norm2(z)), Expect(p(z), log_p("q", z)))
    change = words.one(sp.S.One, a**2, a**2 + 1, g(1))
    relation = words.one("<", "<=", "=")
    hypotheses = words.one((), FINITE)
    other, rule = (e + change, positivity) if relation != "=" else (e + change - change, algebra)
    return step(e, other, rule, relation, hypotheses=hypotheses, kind="infinite means")


def by_induction(words: Words) -> Draft:
    """A recursion as a hypothesis, over all indices or over a range that may shrink as n grows."""
    end = words.one(sp.oo, n, n, 10 - n, 6, T)
    step_by, hi = words.one(a, sp.S.One, sp.S.Zero), words.one(sp.oo, 6, 3)
    h = Hypothesis("recursion", "", f(i), f(i - 1) + step_by, {i: (words.one(2, 1), end)})
    start = words.one(1, 1, 2)
    known = f(1) + (n - words.one(1, 1, start)) * step_by
    grown = known.xreplace({n: n + 1})
    base = [(f(start), "=", algebra), (known.xreplace({n: sp.S(start)}), "=", algebra)]
    recursion = (f(n) + step_by, "=", given(h, fuzz_i=n + 1))
    to = [(f(n + 1), "=", algebra), recursion, (grown, "=", induction_hypothesis)]
    domain = Domain(REALS, {n: (start, hi)})
    return Draft(to, domain, (h,), says=(f(n), "=", known), induction_on=n, base=base, kind="induction")


def sums_by_induction(words: Words) -> Draft:
    body, total = words.one((i, n * (n + 1) / 2), (i**2, n * (n + 1) * (2 * n + 1) / 6), (2 * i - 1, n**2), (i, n**2))
    lhs = SumTo(body, i, 1, n)
    base = [(SumTo(body, i, 1, 1), "=", algebra), (total.xreplace({n: sp.S.One}), "=", algebra)]
    grown = total + body.xreplace({i: n + words.one(1, 1, 0)})
    to = [
        (SumTo(body, i, 1, n + 1), "=", algebra),
        (lhs + body.xreplace({i: n + 1}), "=", algebra),
        (grown, "=", induction_hypothesis),
        (total.xreplace({n: n + 1}), "=", algebra),
    ]
    return Draft(
        to, Domain(REALS, {n: (1, sp.oo)}), says=(lhs, "=", total), induction_on=n, base=base, kind="induction"
    )


def abbreviations(words: Words) -> Draft:
    """An abbreviation means its body, whatever it hides and wherever it stands."""
    k = next(NAMES)
    body = words.one(
        lambda e: SumTo(f(s) * e, s, 1, 3),
        lambda e: e * t,
        lambda e: e + f(s),
        lambda e: e * s if e == t else e,
        lambda e: e**2 + a,
        lambda e: SumTo(e * t, t, 1, 2) + t,
        lambda e: At(e * a + a**2, a, 1),
        lambda e: Expect(Normal(z, u, 1), Inner(z, u)) * e,
        lambda e: D(e * a**2, a) if words.chance(0.5) else e * a,
    )
    F = define(f"fuzz_F{k}", "F", body)
    index, high = words.one(t, s, n), words.one(s, t, sp.S(2), sp.S(3), T)
    lhs, written = words.one(
        (SumTo(F(index), index, 1, high), SumTo(body(index), index, 1, high)),
        (SumTo(F(index), index, 1, 2), body(sp.S.One) + body(sp.S(2))),
        (SumTo(F(t), t, s, s), F(s)),
        (F(index) + a, body(index) + a),
        (At(F(b), b, 2), F(sp.S(2))),
        (D(F(a), a), D(body(a), a)),
        (D(F(sp.S(2)), a), sp.S.Zero),
        (ProductTo(sp.exp(F(t)), t, 1, 3), sp.exp(SumTo(F(t), t, 1, 3))),
    )
    rule = words.one(algebra, algebra, continuity, differentiation, exponents)
    domain = Domain(REALS, {T: (1, sp.oo), t: (1, T), s: (1, sp.oo)})
    return step(lhs, written, rule, domain=domain, kind="abbreviations")


def telling_abbreviations(words: Words) -> Draft:
    """beta(t) hides alpha(t): a derivative sees it."""
    h, where = words.one((beta(1), alpha(1)), (1 - alpha(1), alpha(1)), (beta(2), alpha(1)), (alpha(1) ** 2, alpha(1)))
    known = words.one(sp.S.Zero, -sp.S.One, 2 * alpha(1))
    return step(D(h, where), known, differentiation, domain=Domain({"alpha": UNIT}), kind="abbreviations")


def lemma_instances(words: Words) -> Draft:
    """A statement above, with its symbols replaced by terms that may vary where they land."""
    k = next(NAMES)
    body = words.one(lambda: Inner(z, u), lambda: b**2, lambda: Norm2(z), lambda: f(t))
    G = define(f"fuzz_G{k}", "G", lambda: body())
    first = ((Ratio(a, 1), "=", a), [(Ratio(a, 1), "=", algebra), (a, "=", algebra)])
    at = {a: words.one(G(), body(), b, Norm2(u))}
    e, known = words.one(
        (Expect(Normal(z, 0, 1), Ratio(Inner(z, u), 1) * Inner(z, u)), words.one(sp.S.Zero, Norm2(u))),
        (Expect(Normal(z, 0, 1), Ratio(at[a], 1) + 1), Expect(Normal(z, 0, 1), at[a] + 1)),
        (D(Ratio(b**2, 1), b), words.one(sp.S.Zero, 2 * b)),
        (SumTo(Ratio(f(t), 1), t, 1, 2), words.one(2 * f(1), f(1) + f(2))),
        (Ratio(at[a], 1) + c, at[a] + c),
    )
    return step(e, known, [above(0, at=at), words.one(moments, algebra, differentiation)], first=first, kind="lemmas")


def schedules(words: Words) -> Draft:
    """abar is a running product from 1 on, below it nobody knows."""
    lo = words.one(1, 1, 2, 0, -5)
    domain = words.one(
        schedule(),
        schedule(2),
        Domain({"alpha": UNIT, "abar": POSITIVE}, {m: (lo, sp.oo)}, {"abar": "alpha"}),
        Domain({"alpha": UNIT, "abar": UNIT}, {m: (lo, sp.oo)}, {"abar": "alpha"}),
    )
    k = m if m in domain.indices else t
    e, other, relation = words.one(
        (abar(k), sp.S.One, "<="),
        (abar(k), abar(k - 1), "<="),
        (abar(k + 1), abar(k), "<"),
        (abar(k) * alpha(k + 1), abar(k + 1), "="),
        (abar(k), alpha(k) * abar(k - 1), "="),
        (abar(k - 1), abar(k - 2) * alpha(k - 1), "="),
        (abar(sp.Rational(1, 2)), sp.S.One, "<="),
        (abar(0), sp.S.One, "="),
        (abar(k), alpha(k), "<="),
        (1 - abar(k), sp.S.Zero, words.one(">=", ">")),
        (Ratio(1 - abar(k), 1 - abar(k)), sp.S.One, "="),
        (Ratio(1 - abar(k - 1), 1 - abar(k - 1)), sp.S.One, "="),
    )
    return step(e, other, algebra if relation == "=" else positivity, relation, domain, hypotheses=(), kind="schedules")


def digits(words: Words) -> Draft:
    exact = words.one(sp.Rational(13, 25), sp.pi, sp.sqrt(2), sp.log(2), sp.exp(-1))
    shown = str(sp.N(exact, words.rng.randint(2, 4)))
    wrong = words.one(shown, shown, shown[:-1] + words.one("1", "9", "5"))
    between = words.one([], [], [(exact + words.one(0, 1, sp.Rational(1, 100)), "<", positivity)])
    lines = [(exact, "=", algebra), *between, (Rounded(wrong), words.one("=", "=", "<", "<="), interval_arithmetic)]
    relations = [r for _, r, _ in lines[1:] if r != "="]
    return Draft(lines, Domain(), (), says=(exact, relations[0] if relations else "=", Rounded(wrong)), kind="digits")


def closed_ends(words: Words) -> Draft:
    """Derivatives and quotients at the ends of intervals, and beyond them."""
    where = words.one(NONNEGATIVE, POSITIVE, REAL, Interval(-1, 1, False, False), UNIT)
    e, known, rule = words.one(
        (D(sp.Abs(a), a), sp.S.One, differentiation),
        (D(sp.Abs(a), a), D(a, a), algebra),
        (D(a * sp.Abs(a), a), sp.Abs(a) + a * D(sp.Abs(a), a), differentiation),
        (D(sp.sqrt(a), a), 1 / (2 * sp.sqrt(a)), differentiation),
        (Ratio(sp.Abs(a), a), sp.S.One, algebra),
        (D(a**2, a), 2 * a, differentiation),
        (sp.sqrt(a**2), a, algebra),
        (a * sp.log(a), sp.log(a) * a, algebra),
        (sp.sqrt(1 - a) ** 2, 1 - a, algebra),
    )
    return step(e, known, rule, domain=Domain({"fuzz_a": where}), kind="closed ends")


def limits(words: Words) -> Draft:
    where, end = words.one(POSITIVE, NONNEGATIVE, REAL), words.one(sp.S.Zero, sp.S.One, -sp.S.One)
    body = words.one(1 / a, a, Ratio(a, a), sp.log(a), (1 - a) / (1 + a), f(a), sp.Abs(a) / a, a * f(a), b * a)
    limit = At(body, a, end)
    e, other, relation, rule = words.one(
        (limit, limit + 1, "<", positivity),
        (limit, body.xreplace({a: end}), "=", continuity),
        (limit + b, b + limit, "=", algebra),
        (limit + b, sp.expand(b * 2) / 2 + limit, "=", algebra),
        (limit - limit + b, b, "=", algebra),
        (D(limit, b), At(D(body, b), a, end), "=", differentiation),
    )
    return step(e, other, rule, relation, Domain({**REALS, "fuzz_a": where}), hypotheses=(), kind="limits")


def two_ranges(words: Words) -> Draft:
    """A condition met in two ranges is two conditions."""
    k, low = words.one(3, 2, 4, 0), words.one(4, 1, 3)
    r = words.one(Ratio(t - k, t - k), Ratio(1, t - k) * (t - k))
    P, S = ProductTo(r, t, low, T), SumTo(r, t, words.one(1, low), T)
    lo = S.args[2]
    return step(P * S, P * (T - lo + 1), algebra, domain=Domain(REALS, {T: (max(low, 4), sp.oo)}), kind="two ranges")


def bound_and_free(words: Words) -> Draft:
    """A binder and a free symbol of one name, ends that mention the index, members that vary."""
    one, two = words.one((s, t), (t, s), (s, n), (t, T))
    body = words.one(one * two, f(one) + two, f(one) * f(two), two, one + two**2)
    ends = words.one((1, two), (two, two), (1, 2), (two, two + 1))
    e = SumTo(body, one, *ends)
    unrolled = body.xreplace({one: ends[0]})
    if ends[1] == ends[0] + 1:
        unrolled = unrolled + body.xreplace({one: ends[1]})
    other = words.one(
        unrolled, SumTo(body.xreplace({one: i}), i, *ends), SumTo(body.xreplace({one: two, two: one}), two, *ends)
    )
    domain = Domain(REALS, {T: (1, sp.oo), t: (1, T), s: (1, sp.oo), n: (1, sp.oo)})
    return step(e, other, algebra, domain=domain, kind="binders")


def tied_numbers(words: Words) -> Draft:
    """A number that a hypothesis ties to another does not vary by itself."""
    h = words.one(Hypothesis("tie", "", f(1), a**2), Hypothesis("tie", "", b, a), Hypothesis("tie", "", g(2), a + b))
    left, right = h.lhs, h.rhs
    e, known, rule = words.one(
        (left + c, right + c, given(h)),
        (D(left, a), words.one(sp.S.Zero, D(right, a)), words.one(differentiation, given(h))),
        (D(right, a), sp.diff(right, a), differentiation),
        (At(left, a, 0), words.one(left, right.xreplace({a: sp.S.Zero})), words.one(continuity, given(h))),
        (left**2 - right**2, sp.S.Zero, given(h)),
        (Expect(Normal(z, 0, 1), left * Inner(z, u)), Expect(Normal(z, 0, 1), right * Inner(z, u)), given(h)),
    )
    return step(e, known, rule, hypotheses=(h, *FINITE), kind="tied numbers")


def networks(words: Words) -> Draft:
    k = next(NAMES)
    net = vector_function(f"fuzz_net{k}")
    h = words.one(
        Hypothesis("net", "", net(z), a * z), Hypothesis("net", "", net(z), z + u), Hypothesis("net", "", z, u)
    )
    e, known = words.one(
        (Norm2(net(z)), a**2 * Norm2(z)),
        (Inner(net(u), v), Inner(h.rhs.xreplace({z: u}), v)),
        (Expect(Normal(z, 0, 1), Norm2(net(z))), Expect(Normal(z, 0, 1), Norm2(h.rhs))),
        (Inner(z, u), Norm2(u)),
        (Expect(Normal(z, 0, 1), Inner(z, u)), Norm2(u)),
    )
    return step(e, known, given(h), hypotheses=(h, *FINITE), kind="networks")


def matrices(words: Words) -> Draft:
    M = words.one(A, A - B, A + B, 2 * A, A * B)
    e, known = words.one(
        (Quadratic(u, sp.Mul(M, sp.Pow(M, -1), evaluate=False), v), Quadratic(u, 1, v)),
        (Quadratic(u, A, v), Quadratic(v, A, u)),
        (Quadratic(u, A * B, v), words.one(Quadratic(v, B * A, u), Quadratic(u, B * A, v), Quadratic(v, A * B, u))),
        (LogDet(A * B), LogDet(A) + LogDet(B)),
        (LogDet(M), words.one(LogDet(A) + LogDet(B), LogDet(A))),
        (LogDet(A**-1), -LogDet(A)),
        (LogDet(M) + a, a + LogDet(M)),
        (Quadratic(u, A + words.one(0, 1) * B, v), Quadratic(u, A, v)),
        (Quadratic(u, A, u), words.one(Norm2(u), Quadratic(u, A, u) + 0)),
    )
    return step(e, known, words.one(algebra, trace_algebra), kind="matrices")


def empty_domains(words: Words) -> Draft:
    where = words.one(
        Domain({"fuzz_n": Interval(sp.Rational(1, 3), sp.Rational(2, 3))}),
        Domain({}, {t: (5, 3)}),
        Domain({}, {t: (1, 3)}),
        Domain({"fuzz_n": Interval(1, 2, False, False)}),
        Domain({}, {T: (0, sp.oo), t: (1, T)}),
    )
    k = t if t in where.indices else n
    e, other, relation = words.one((k, sp.S.One, "<"), (k, sp.S.One, ">="), (k, sp.S.Zero, ">"), (k**2, k, ">="))
    return step(e, other, positivity, relation, where, hypotheses=(), kind="domains")


def probability(words: Words) -> Draft:
    """Laws of probability, with names, variables and conditions drawn at random."""
    one, two = words.one((z, w), (z, z), (x(0), x(1)), (x(1), x(2)))
    P, Q = words.one("pq", "qp", "pp")
    of_p, of_q = _density(P, one), _density(Q, one)
    body = words.one(f(one), log_p(P, one), f(one) * f(two), log_p(Q, two, one))
    e, known, rule, relation = words.one(
        (log_p(P, one, two), log_p(P, two, one) + log_p(P, one) - log_p(P, two), bayes, "="),
        (log_p(P, [one, two]), log_p(P, one, two) + log_p(Q, two), bayes, "="),
        (Expect(_density(P, one, two), body), body, linearity, "="),
        (Expect(_density(P, two), Expect(_density(Q, one, two), f(one))), Expect(of_p, f(one)), tower, "="),
        (Expect(_density(P, [one, two]), f(one)), Expect(of_p, f(one)), tower, "="),
        (sp.log(Expect(of_q, sp.exp(log_p(P, one) - log_p(Q, one)))), sp.S.Zero, mass, "<="),
        (
            Expect(of_q, log_p(P, one)),
            Expect(of_q, log_p(Q, one)),
            gibbs,
            words.one("<=", ">="),
        ),
        (Expect(of_q, a * f(one)), a * Expect(of_q, f(one)), linearity, "="),
        (
            sp.log(Expect(of_q, g(one))),
            Expect(of_q, sp.log(g(one))),
            jensen,
            words.one(">=", "<="),
        ),
        (
            KL(of_p, of_q),
            Expect(of_p, log_p(P, one) - log_p(Q, one)),
            definition,
            "=",
        ),
        (
            Expect(of_q, f(one) * sp.exp(log_p(P, one) - log_p(Q, one))),
            Expect(of_p, f(one)),
            importance,
            "=",
        ),
        (log_p(P, one), sp.log(Expect(_density(P, two), sp.exp(log_p(P, one, two)))), total_probability, "="),
        (sp.log(g(1)), g(1) - 1, tangent, words.one("<=", "<", ">=")),
    )
    from derivations.notation import common_support

    hypotheses = tuple(h for h in (*FINITE, common_support) if words.chance(0.8))
    return step(e, known, rule, relation, Domain({**REALS}), hypotheses=hypotheses, kind="probability")


def _density(name: str, *of: Any) -> Any:
    from derivations.rules import Density

    return Density(name, *of)


def gaussians(words: Words) -> Draft:
    """Moments, divergences and derivatives of normal laws, in all dimensions."""
    v1, v2 = words.one(sp.S.One, 1 + a**2, g(1)), words.one(sp.S(2), 1 + b**2, g(2), a)
    one, two = Normal(z, words.one(0, u), v1), Normal(z, words.one(0, v, u), v2)
    gap = sp.S.Zero if one.args[1] == two.args[1] else Norm2(one.args[1] - two.args[1])
    closed = (DIM * sp.log(v2 / v1) + (DIM * v1 + gap) / v2 - words.one(DIM, DIM, 1)) / 2
    full = FullNormal(z, u, A, DIM)
    slope = words.one(Expect(one, D(Norm2(z), a)), D(DIM * v1, a))
    cubic = words.one(sp.S.Zero, (DIM + 2) * v1 * Inner(u, v) + Norm2(u) * Inner(u, v))
    e, known, rule = words.one(
        (KL(one, two), closed, [definition, density, moments]),
        (Expect(full, Inner(z, v) ** 2), Inner(u, v) ** 2 + words.one(Quadratic(v, A, v), Norm2(v)), moments),
        (Expect(full, Quadratic(z - u, A**-1, z - u)), words.one(DIM, sp.S.One), [moments, trace_algebra]),
        (D(Expect(one, Norm2(z)), a), slope, words.one(interchange, differentiation, moments)),
        (Expect(one, Coord(z, 1) ** 2), words.one(v1, v1 + Coord(u, 1) ** 2), moments),
        (Expect(one, Coord(z, words.one(1, 2, 3, -1, 0))), words.one(0, Coord(u, 1)), moments),
        (LogDensity(one), -DIM * sp.log(2 * sp.pi * v1) / 2 - Norm2(z - one.args[1]) / (2 * v1), density),
        (Expect(one, Norm2(z) * Inner(z, v)), cubic, moments),
    )
    return step(e, known, rule, kind="gaussians")


def orders(words: Words) -> Draft:
    """Polynomials of numbers in intervals, compared."""
    low, gap = words.polynomial(1), words.one(a**2, (a - b) ** 2, a * b, 1 - a, a, g(1), a * (1 - a), a**3, sp.S.Zero)
    relation = words.one("<=", "<", "<=")
    k = words.one(1, 2, -1, a, a**2)
    if words.chance(0.3):
        lines = [(low, "=", algebra), (low + gap, relation, positivity), (low + k * gap, relation, scaled(k))]
        return Draft(lines, words.domain(), (), kind="orders")
    return step(low, low + gap, positivity, relation, words.domain(), hypotheses=(), kind="orders")


KINDS = (
    *ORDER_KINDS,
    *CONTINUOUS,
    law_of_itself,
    unsupported,
    ranges,
    places_in_vectors,
    numbers_that_move,
    numbers_that_move,
    replaced_in_lemmas,
    replaced_in_lemmas,
    replaced_in_lemmas,
    masses,
    sizes_of_laws,
    divergences,
    infinite_means,
    by_induction,
    sums_by_induction,
    abbreviations,
    abbreviations,
    telling_abbreviations,
    lemma_instances,
    schedules,
    digits,
    closed_ends,
    limits,
    two_ranges,
    bound_and_free,
    tied_numbers,
    networks,
    matrices,
    empty_domains,
    probability,
    probability,
    gaussians,
    orders,
    *FIELDS,
    *MAPS,
)
