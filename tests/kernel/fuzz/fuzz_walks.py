"""Claims by grammar: a random term, rewritten line by line, mostly as it may be and sometimes as it may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from fuzz_terms import Words, a, b, f, g, m, t, tending, u, v, w, z
from sympy.core.function import AppliedUndef

from derivations.notation import T, integrable, interchange_hypothesis
from derivations.rules import (
    At,
    D,
    Domain,
    Expect,
    Inner,
    Norm2,
    ProductTo,
    Ratio,
    SumTo,
    algebra,
    continuity,
    differentiation,
    exponents,
    linearity,
    moments,
    positivity,
)

Move = Callable[[Words, Any], tuple[Any, Any]]


@dataclass
class Draft:
    """A claim to be tried: its lines, each with relation and rule, and all that stands around them."""

    lines: list[tuple[Any, str, Any]]
    domain: Domain
    hypotheses: tuple[Any, ...] = ()
    says: tuple[Any, str, Any] | None = None
    first: tuple[tuple[Any, str, Any], list[tuple[Any, str, Any]]] | None = None
    induction_on: Any = None
    base: list[tuple[Any, str, Any]] = field(default_factory=list)
    kind: str = ""


# --- moves: a term, and what is done to it ----------------------------------------------------------------------------


def _expanded(words: Words, e: Any) -> Any:
    return sp.expand(e), algebra


def _plus_nothing(words: Words, e: Any) -> Any:
    k = words.polynomial(1)
    return sp.Add(e, sp.expand(k * (a + b)), -k * (a + b), evaluate=False), algebra


def _ratio(words: Words, e: Any) -> Any:
    d = words.divisor()
    return e * Ratio(d, d), algebra


def _root(words: Words, e: Any) -> Any:
    d = words.divisor()
    return e + d - sp.sqrt(d) ** words.one(2, 2, 4) * words.one(1, 1, d / d), algebra


def _root_of_square(words: Words, e: Any) -> Any:
    d = words.divisor()
    return e - d + sp.sqrt(sp.Pow(d, 2, evaluate=False)), algebra


def _absolute(words: Words, e: Any) -> Any:
    d = words.divisor()
    return e - d + sp.Abs(d), algebra


def _over(words: Words, e: Any) -> Any:
    d = words.divisor()
    return sp.Add(e, words.rational() * (sp.Mul(d, sp.Pow(d, -1, evaluate=False), evaluate=False) - 1)), algebra


def _one_term(words: Words, e: Any) -> Any:
    index = words.binder(e)
    place = words.one(sp.S.One, sp.S(2), t, T)
    body = e if words.chance(0.5) else e + words.polynomial(1, index) - words.polynomial(1, index)
    return words.one(SumTo, ProductTo)(body, index, place, place), algebra


def _one_term_of(words: Words, e: Any) -> Any:
    index, place = words.binder(e), words.one(sp.S.One, sp.S(2), t)
    extra = words.one(f(index), index, index**2, a * index)
    return e + SumTo(extra, index, place, place) - extra.xreplace({index: place}), algebra


def _last_split(words: Words, e: Any) -> Any:
    index, high = words.binder(e), words.one(T, t, sp.S(3))
    body = words.one(f(index), index * a, index**2, f(index) * f(words.one(t, T, index)))
    low = words.one(1, 1, 2)
    last = body.xreplace({index: high})
    return e + SumTo(body, index, low, high) - SumTo(body, index, low, high - 1) - last, algebra


def _shifted(words: Words, e: Any) -> Any:
    index, by = words.one(m, m, words.binder(e)), words.one(1, 1, 2, -1)
    body = words.one(f(index), index * a, f(index) + index)
    low = words.one(1, 1 + by) if by > 0 else 1
    moved = SumTo(body.xreplace({index: index + by}), index, low - by, T - by)
    return e + SumTo(body, index, low, T) - moved, algebra


def _constant_sum(words: Words, e: Any) -> Any:
    index, body = words.binder(e), words.one(a, f(1), a * b, words.polynomial(1))
    low, high = words.one((1, T), (1, t), (2, T), (t, T))
    return e + SumTo(body, index, low, high) - (high - low + 1) * body, algebra


def _swapped_sums(words: Words, e: Any) -> Any:
    j, k = words.binder(e), words.binder(e)
    body = words.one(f(j) * k, j * k, f(j) * f(k), j + k, f(j) * a)
    high = words.one((T, T), (T, T), (T, 3), (3, t), (T, j), (k, T))
    one = SumTo(SumTo(body, j, 1, high[0]), k, 1, high[1])
    return e + one - SumTo(SumTo(body, k, 1, high[1]), j, 1, high[0]), algebra


def _exponents(words: Words, e: Any) -> Any:
    one, two = words.polynomial(1), words.polynomial(1)
    joined = words.one(sp.exp(one + two), sp.exp(one) ** 2, sp.exp(two))
    apart = sp.Mul(sp.exp(one), sp.exp(two), evaluate=False)
    return e + joined - apart, exponents


def _logs(words: Words, e: Any) -> Any:
    one, two = words.divisor(), words.one(words.divisor(), sp.S(2))
    return e + sp.log(one * two) - sp.log(one) - sp.log(two), algebra


def _norm(words: Words, e: Any) -> Any:
    one, two, k = words.vector(), words.vector(), words.rational()
    return e + Norm2(one + k * two) - Norm2(one) - k**2 * Norm2(two) - words.one(2, 2, 1) * k * Inner(one, two), algebra


def _mean_of_nothing(words: Words, e: Any) -> Any:
    variable = words.one(z, z, w, u)
    return Expect(words.law(variable), e), words.one(linearity, moments)


def _mean_apart(words: Words, e: Any) -> Any:
    law, k = words.law(z), words.one(a, b, words.rational(), Norm2(u))
    one, two = words.quadratic(z), words.quadratic(z)
    return e + Expect(law, k * one + two) - k * Expect(law, one) - Expect(law, two), linearity


def _moment(words: Words, e: Any) -> Any:
    from derivations.kernel.terms import DIM
    from derivations.rules import Normal

    variance = words.one(sp.S.One, sp.S(2), 1 + a**2, g(1), a)
    law = Normal(z, words.one(sp.S.Zero, u, a * u), variance)
    mean = law.args[1]
    body, known = words.one(
        (Norm2(z), Norm2(mean) + DIM * variance),
        (Inner(z, v), Inner(mean, v)),
        (Inner(z, v) ** 2, Inner(mean, v) ** 2 + variance * Norm2(v)),
        (Norm2(z - b * v), Norm2(mean - b * v) + DIM * variance),
        (Norm2(z) * a, a * Norm2(mean) + a * variance * words.one(DIM, 1, DIM**2)),
    )
    return e + Expect(law, body) - known, moments


def _derivative(words: Words, e: Any) -> Any:
    body, wrt = words.one(words.polynomial(2), sp.exp(words.polynomial(1)), 1 / (1 + a**2), sp.log(a)), words.one(a, b)
    known = sp.diff(body, wrt)
    if known.atoms(sp.Derivative, sp.Subs) or known.atoms(AppliedUndef):
        known = sp.S.Zero
    return e + D(body, wrt) - known, differentiation


def _limit(words: Words, e: Any) -> Any:
    symbol, end = words.one(*[tending] * 8, a), words.one(sp.S.Zero, sp.S.One, sp.S(2), sp.Rational(1, 2))
    body = words.one(
        words.polynomial(2, symbol),
        symbol**2 * a,
        sp.sqrt(symbol),
        1 / symbol,
        (1 - symbol) / (1 + symbol),
        sp.log(symbol),
    )
    value = body.xreplace({symbol: end})
    return e + At(body, symbol, end) - value, continuity


def _more(words: Words, e: Any) -> Any:
    extra = words.one(words.polynomial(1) ** 2, g(1), words.atom(), a * b, Norm2(u), 1 - a, sp.Abs(a), (a - b) ** 2)
    return e + extra, positivity


MOVES: tuple[Move, ...] = (
    _expanded,
    _plus_nothing,
    _ratio,
    _root,
    _root_of_square,
    _absolute,
    _over,
    _one_term,
    _one_term_of,
    _last_split,
    _shifted,
    _constant_sum,
    _swapped_sums,
    _exponents,
    _logs,
    _norm,
    _mean_of_nothing,
    _mean_apart,
    _moment,
    _derivative,
    _limit,
)
OTHERS = (algebra, exponents, linearity, moments, differentiation, continuity, positivity)


def walk(words: Words) -> Draft:
    """A random term and up to six moves from it, each line with the rule that belongs to it or another."""
    e = words.number(words.one(0, 1, 1, 2))
    lines: list[tuple[Any, str, Any]] = [(e, "=", algebra)]
    domain = words.domain()
    for _ in range(words.rng.randint(2, 5)):
        before = e
        if words.chance(0.08):
            e, rule = _more(words, e)
            relation = words.one("<=", "<=", "<")
        else:
            e, rule = words.one(*MOVES)(words, e)
            relation = "="
        if words.chance(0.04):
            rule = words.one(*OTHERS)
        lines.append((e, relation, rule))
        if relation == "=" and words.chance(0.6):  # and back again: terms stay small
            lines.append((before, "=", rule))
            e = before
    return Draft(lines, domain, (integrable, interchange_hypothesis), kind="walk")
