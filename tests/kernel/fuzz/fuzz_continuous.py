"""Claims in continuous time for the fuzzer: series, rates, integrals and linear SDEs, half of them wrong somewhere."""

from __future__ import annotations

import sympy as sp
from fuzz_terms import Words
from fuzz_walks import Draft

from derivations.notation import integrable
from derivations.rules import (
    NONNEGATIVE,
    NONZERO,
    POSITIVE,
    REAL,
    D,
    Domain,
    IntegralTo,
    LinearSDE,
    LogDensity,
    Normal,
    Series,
    algebra,
    fundamental_theorem,
    integration,
    linear_sde,
    rate,
    rates,
    scalar,
    scalar_function,
    series,
    smoothness,
    vector,
)

h, s, w, c = scalar("fuzz_h"), scalar("fuzz_s"), scalar("fuzz_w"), scalar("fuzz_pull")
time = scalar("fuzz_time")
f, k = scalar_function("fuzz_smooth"), scalar_function("fuzz_rate")
x, start = vector("fuzz_x"), vector("fuzz_start")


def _draft(words: Words, lhs: object, rhs: object, by: object, **intervals: object) -> Draft:
    pull = words.one(POSITIVE, POSITIVE, REAL)
    known = {"fuzz_h": POSITIVE, "fuzz_time": POSITIVE, "fuzz_pull": pull, "fuzz_rate": POSITIVE, **intervals}
    classes = smoothness(f, words.one(0, 1, 3, 5)), smoothness(k, words.one(0, 2))
    return Draft([(lhs, "=", algebra), (rhs, "=", by)], Domain(known), (integrable, *classes), kind="continuous time")  # type: ignore[arg-type]


def small_steps(words: Words) -> Draft:
    """Known series, asked too far or of too little, with a coefficient that may be wrong."""
    first, second = rate(f(s)), rate(rate(f(s)))
    wrong = words.one(1, 1, 1, 2)
    body, terms = words.one(
        *[
            (f(s + h), [f(s), first, wrong * second / 2]),
            (f(s - c * h), [f(s), -c * first, wrong * c**2 * second / 2]),
            (1 / (c + h), [1 / c, -wrong / c**2, 1 / c**3]),
            (sp.log(c + h), [sp.log(c), wrong / c, -1 / (2 * c**2)]),
            (sp.sqrt(c + h), [sp.sqrt(c), wrong / (2 * sp.sqrt(c)), -1 / (8 * c * sp.sqrt(c))]),
            ((1 - sp.exp(-c * h)) / h, [c, -wrong * c**2 / 2, c**3 / 6]),
            (IntegralTo(f(s + w), w, 0, h) / h, [f(s), first / 2, wrong * second / 6]),
            ((f(s + h) - f(s - h)) / (2 * h), [first, sp.S.Zero, wrong * rate(second) / 6]),
        ]
    )
    order, shown = words.one(1, 2, 3), words.one(0, 0, 0, 1)
    kept = sp.Add(*[t * h**n for n, t in enumerate(terms[: order - shown])])
    return _draft(words, Series(body, h, order), kept, series, fuzz_h=words.one(POSITIVE, POSITIVE, REAL, NONZERO))


def changing(words: Words) -> Draft:
    """Rates of change through functions and ranges."""
    wrong = words.one(0, 0, 1)
    inner, grows = words.one((time, 1), (time**2, 2 * time), (c - time, -1))
    total = IntegralTo(k(w), w, 0, inner)
    lhs, rhs = words.one(
        *[
            (f(inner), grows * rate(f(inner))),
            (total, grows * k(inner)),
            (sp.exp(-total), -grows * k(inner) * sp.exp(-total)),
            (IntegralTo(k(w) * time, w, 0, time), IntegralTo(k(w), w, 0, time) + time * k(time)),
        ]
    )
    return _draft(words, D(lhs, time), rhs + wrong * words.one(1, c, f(time)), (rates, integration))


def ranges_of_integrals(words: Words) -> Draft:
    """Integrals that are known, past poles and outside of intervals too."""
    lo, hi = words.one((0, time), (-1, time), (time, 0), (1, 2))
    where = words.one(REAL, NONNEGATIVE, POSITIVE)
    lhs, rhs, by = words.one(
        *[
            (c * w**2, c * (sp.sympify(hi) ** 3 - sp.sympify(lo) ** 3) / 3, integration),
            (D(f(w), w), f(hi) - f(lo), fundamental_theorem),
            (D(1 / w, w), 1 / sp.sympify(hi) - 1 / sp.sympify(lo or 3), fundamental_theorem),
            (D(f(w) * w, w), f(hi) * hi, fundamental_theorem),
        ]
    )
    return _draft(words, IntegralTo(lhs, w, lo, hi), rhs, by, fuzz_w=where)


def diffusing(words: Words) -> Draft:
    """Linear SDEs with moments of their own, or of another equation."""
    total, upto = IntegralTo(k(s), s, 0, w), IntegralTo(k(s), s, 0, time)
    rows = [
        (-k(w) / 2, k(w), sp.exp(-total / 2), 1 - sp.exp(-total)),
        (sp.S.Zero, k(w), sp.S.One, total),
        (-c, 2 * c, sp.exp(-c * w), 1 - sp.exp(-2 * c * w)),
        (sp.S.Zero, c, sp.S.One, c * w),
    ]
    slope, noise, gain, variance = words.one(*rows)
    if words.one(0, 0, 1):
        gain, variance = words.one(*rows)[2], words.one(2 * variance, variance + w, words.one(*rows)[3])
    ends = {total: upto, w: time}
    lhs = LogDensity(LinearSDE(x, w, start, slope, noise, time))
    rhs = LogDensity(Normal(x, gain.xreplace(ends) * start, variance.xreplace(ends)))
    return _draft(words, lhs, rhs, linear_sde(gain, variance), fuzz_w=words.one(NONNEGATIVE, NONNEGATIVE, REAL))


CONTINUOUS = (small_steps, small_steps, changing, ranges_of_integrals, diffusing)
