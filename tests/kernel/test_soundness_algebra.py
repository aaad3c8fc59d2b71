"""The zero test: two expressions that it calls equal have the same value in every model; spoilt twins are caught."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import (
    BOUND,
    ENOUGH,
    A,
    B,
    Sample,
    T,
    a,
    b,
    bend,
    c,
    context,
    gauss_world,
    mill,
    probe,
    rise,
    t,
    u,
    v,
    without,
    z,
)

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra
from derivations.kernel.definedness import conditions, holds
from derivations.kernel.domain import NONZERO, POSITIVE, REAL, UNIT, UNIT_WITH_ONE, Domain
from derivations.kernel.rules.base import algebra
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    DIM,
    At,
    Coord,
    D,
    DiagonalNormal,
    Expect,
    Hadamard,
    Inner,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    SumTo,
    Trace,
)
from derivations.notation import abar, alpha
from derivations.refutation.laws import mp
from derivations.refutation.worlds import World

s, r, i = BOUND


def pairs(rng: Random, theme: str = "") -> Sample:
    """An expression and what somebody might take it for, over signs that the domain knows, or does not."""
    lines = rng.choice(FORMS[theme or rng.choice(list(FORMS))](rng))
    before, after = map(sp.sympify, lines)
    if rng.random() < 0.3 and not terms.is_vector(before):
        factor = rng.choice([a, c, t, 1 - rise(1)])
        before, after = before * factor + b, after * factor + b
    intervals = {"alpha": UNIT, "abar": UNIT, "rise": rng.choice([UNIT, UNIT_WITH_ONE]), "c_plus": POSITIVE}
    intervals |= {"a": rng.choice([REAL, REAL, NONZERO, POSITIVE, UNIT])}
    domain = Domain(intervals, {T: (1, sp.oo), t: (1, T), DIM: (1, sp.oo)}, {"abar": "alpha"})
    worlds = [schedule_world(rng, intervals) for _ in range(2)]
    meaningful = all(holds(*condition) for line in (before, after) for condition in conditions(core(line), domain))
    return Sample(context(domain), worlds, (before, after), partial=not meaningful)


def number(rng: Random) -> Any:
    """A number of known sign, or of unknown sign, or 0 in some worlds."""
    choices = [a, b, c, -c, 1 - a, c + 1, c - 1, 1 - rise(1), rise(t), -rise(2), a - b, a**2, a**2 + 1, c * rise(1)]
    choices += [abar(t), 1 - abar(t), 1 - abar(t - 1), alpha(t), abar(T), t, T - t, T - t + 1, t - 1, 1 - abar(0)]
    choices += [Norm2(u), Inner(u, v), Norm2(u - v) + c, probe(u), sp.exp(a), sp.sqrt(c), a * b]
    return rng.choice([*choices, sp.S(2), sp.S(-3), sp.Rational(3, 4)])


def powers(rng: Random) -> list[Any]:
    e, g = number(rng), number(rng)
    return [
        (sp.sqrt(e**2), e),
        (sp.sqrt(e**2), sp.Abs(e)),
        (sp.Abs(e), -e),
        (sp.sqrt(e * g), sp.sqrt(e) * sp.sqrt(g)),
        (sp.sqrt(e**2 * g), e * sp.sqrt(g)),
        (1 / sp.sqrt(e), sp.sqrt(e) / e),
        (sp.sqrt(e) * sp.sqrt(g) / sp.sqrt(e * g), 1),
        (sp.sqrt(8) * sp.sqrt(c) - sp.sqrt(2 * c), sp.sqrt(2 * c)),
        (Ratio(e * g, g), e),
        (Ratio(e, g), e / g),
        ((e + g) ** 3, e**3 + g**3),
        ((e + g) ** 2, e**2 + 2 * e * g + g**2),
        (e, g),
        (e * g + a, a + g * e),
        (a**t * a, a ** (t + 1)),
    ]


def logarithms(rng: Random) -> list[Any]:
    e, g = number(rng), number(rng)
    return [
        (sp.log(e * g), sp.log(e) + sp.log(g)),
        (sp.log(e**2), 2 * sp.log(e)),
        (sp.log(e / g), sp.log(e) - sp.log(g)),
        (sp.log(1 / e), -sp.log(e)),
        (sp.log(sp.sqrt(e)), sp.log(e) / 2),
        (sp.log(sp.exp(e) * c), e + sp.log(c)),
        (sp.exp(e) * sp.exp(-g), sp.exp(e - g)),
        (sp.log(8) + sp.log(c), 3 * sp.log(2) + sp.log(c)),
    ]


def schedules(rng: Random) -> list[Any]:
    n = rng.choice([t, t - 1, t + 1, T, T - 1, t - 2, sp.S.One, sp.S(2), t + sp.Rational(1, 2)])
    return [
        (abar(n), alpha(n) * abar(n - 1)),
        (abar(n + 1) / abar(n), alpha(n + 1)),
        (abar(n), abar(n - 1)),
        (abar(2), alpha(1) * alpha(2)),
        (abar(0), 1),
        (1 - abar(n), 1 - alpha(n) + alpha(n) * (1 - abar(n - 1))),
        (SumTo(abar(s), s, 1, T), SumTo(alpha(s) * abar(s - 1), s, 1, T)),
        (SumTo(abar(s - 1), s, 1, T), SumTo(alpha(s - 1) * abar(s - 2), s, 1, T)),
    ]


def summand(rng: Random) -> Any:
    root = sp.sqrt(rise(s))
    return rng.choice([rise(s), rise(s) ** 2, a * rise(s) + s, s, sp.log(1 + root), sp.log(1 + root), sp.S.One])


def sums(rng: Random) -> list[Any]:
    body, other, r_body = summand(rng), summand(rng), summand(rng).xreplace({s: r})
    lo, hi = rng.choice([(1, T), (1, t), (t, T), (1, 2 * T), (2, 14), (1, 30), (t + 1, T)])
    root = sp.sqrt((20 - s) ** 2)
    return [
        (SumTo(body * a, s, lo, hi), a * SumTo(body, s, lo, hi)),
        (SumTo(body, s, lo, hi), SumTo(body.xreplace({s: s + 1}), s, lo - 1, hi - 1)),
        (SumTo(body + other, s, lo, hi), SumTo(body, s, lo, hi) + SumTo(other, s, lo, hi)),
        (SumTo(body, s, 1, 2 * T), 2 * SumTo(body, s, 1, T)),
        (SumTo(body**2, s, 1, T) * T, SumTo(body, s, 1, T) ** 2),
        (SumTo(body, s, 1, 3), sum(body.xreplace({s: sp.S(k)}) for k in (1, 2, 3))),
        (SumTo(body, s, lo, hi), SumTo(body.xreplace({s: r}), r, lo, hi)),
        (SumTo(SumTo(body * r_body, s, lo, hi), r, 1, T), SumTo(body, s, lo, hi) * SumTo(r_body, r, 1, T)),
        (SumTo(SumTo(body * r_body, s, 1, T), r, 1, T), SumTo(SumTo(body * other, s, 1, T), r, 1, T)),
        (SumTo(SumTo(rise(s + r), s, 1, T), r, 1, T), SumTo(SumTo(rise(2 * r), s, 1, T), r, 1, T)),
        (SumTo(SumTo(rise(s) * rise(r), s, 1, r), r, 1, T), SumTo(SumTo(rise(s) * rise(r), r, 1, T), s, 1, T)),
        (SumTo(sp.sqrt((t - s) ** 2), s, 1, t), SumTo(t - s, s, 1, t)),
        (SumTo(root, s, 1, 20) + SumTo(root, s, 1, 2 * T), SumTo(20 - s, s, 1, 20) + SumTo(20 - s, s, 1, 2 * T)),
        (ProductTo(sp.sqrt((s - 1) ** 2) + a, s, 1, T), ProductTo(s - 1 + a, s, 1, T)),
        (ProductTo(a + rise(s), s, 1, T), ProductTo(rng.choice([a, b]) + rise(r), r, 1, T)),
    ]


def vectors(rng: Random) -> list[Any]:
    e, g = number(rng), rng.choice([a, b, number(rng)])
    return [
        (Norm2(u - e * v), Norm2(u) - 2 * e * Inner(u, v) + e**2 * Norm2(v)),
        (Norm2(e * u), e * Norm2(u)),
        (Inner(u + e * v, z), Inner(u, z) + e * Inner(v, z)),
        (Coord(Hadamard(u, v) + e * z, 1), Coord(u, 1) * Coord(v, 1) + e * Coord(z, 1)),
        (Hadamard(u, v + e * z), Hadamard(u, v) + e * Hadamard(z, u)),
        (probe(e * u + v), probe(v + g * u)),
        (bend(e * u), e * bend(u)),
        (Quadratic(u, A * B, v), Quadratic(u, B * A, v)),
        (Quadratic(u, A * B, v), Quadratic(u, A * B, e * v)),
        (Trace(A * B * A * B, DIM), Trace(A * A * B * B, DIM)),
    ]


def scopes(rng: Random) -> list[Any]:
    e, g = number(rng), rng.choice([a, b, number(rng)])
    return [
        (Expect(Normal(z, u, c), probe(z * e + g * u)), Expect(Normal(z, u, c), probe(g * u + e * z))),
        (Expect(Normal(z, e * u, c), probe(z)), Expect(Normal(z, g * u, c), probe(z))),
        (D(e * a**2, a), D(g * a**2, a)),
        (At(e * b, b, 1), At(g * b, b, 1)),
        (coordinatewise(s, e), coordinatewise(s, g)),
        (coordinatewise(s, e), coordinatewise(r, e)),
    ]


def coordinatewise(index: Any, e: Any) -> Any:
    return Expect(DiagonalNormal(z, index, e * Coord(u, index), c, DIM), probe(z))


FORMS: dict[str, Callable[[Random], list[Any]]] = {
    "powers": powers,
    "logarithms": logarithms,
    "schedules": schedules,
    "sums": sums,
    "vectors": vectors,
    "scopes": scopes,
}


def schedule_world(rng: Random, intervals: Any) -> World:
    drawn = gauss_world(rng.randrange(10**6))
    last = rng.choice([1, 2, 3, 12])
    drawn.numbers |= {"T": last, "t": rng.choice([1, rng.randint(1, last), last])}
    if intervals["a"] in (POSITIVE, UNIT):
        drawn.numbers["a"] = abs(drawn.numbers["a"]) / (1 if intervals["a"] == POSITIVE else 6)
    alphas = [mp.mpf(rng.randint(1, 19)) / 20 for _ in range(40)]
    drawn.families["alpha"] = lambda m: alphas[int(m)] + (m - int(m)) / 100
    drawn.families["abar"] = lambda m: mp.fprod(alphas[1 : int(m) + 1]) * (1 + m - int(m))
    return drawn


def same_letters(self: Algebra, first: Any, second: Any) -> bool:
    return first.atoms(sp.Symbol) == second.atoms(sp.Symbol)


class OneIndex(dict[Any, Any]):
    """Every sum runs over one and the same index."""

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return super().setdefault(key, next(iter(self.values()), default))


def with_one_index(self: Algebra, domain: Domain, build: Any = Algebra.__init__) -> None:
    build(self, domain)
    self.indices = OneIndex()


def seen_at_once(self: Algebra, g: sp.Symbol, index: sp.Symbol) -> bool:
    meaning = self.meaning.get(g)
    return meaning is not None and meaning.has(index)


SPOILT = {
    "every sign positive": ("powers", without(algebra, (Algebra, "_factor_sign", lambda *_: "+"))),
    "one index for all sums": ("sums", without(algebra, (Algebra, "__init__", with_one_index))),
    "dependence not followed": ("sums", without(algebra, (Algebra, "_depends", seen_at_once))),
    "schedules at every index": ("schedules", without(algebra, (Domain, "at_least_zero", lambda *_: True))),
    "arguments not compared": ("scopes", without(algebra, (Algebra, "same", lambda *_: True))),
    "matrices that commute": ("vectors", without(algebra, (Algebra, "same", same_letters))),
}


def test_what_the_algebra_calls_equal_is_equal_in_every_model() -> None:
    evidence = mill(algebra, pairs, "algebra", enough=3 * ENOUGH)
    assert not evidence.wrong, evidence.wrong[0]
    assert evidence.evaluated >= ENOUGH, f"only {evidence.evaluated} of {evidence.tried} samples could be compared"


@pytest.mark.parametrize("theme", FORMS)
def test_every_kind_of_expression_is_decided_now_and_then(theme: str) -> None:
    evidence = mill(algebra, partial(pairs, theme=theme), theme, enough=40)
    assert not evidence.wrong, evidence.wrong[0]
    assert evidence.evaluated >= 40


@pytest.mark.parametrize("name", SPOILT)
def test_an_algebra_without_its_condition_is_caught(name: str) -> None:
    theme, spoilt = SPOILT[name]
    assert mill(spoilt, partial(pairs, theme=theme), name, enough=5 * ENOUGH, until_wrong=True).wrong
