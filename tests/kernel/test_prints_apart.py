"""Two terms that mean different things never print alike, in a terminal or on a page: random terms, compared in bulk.

A quotient that is kept apart (`Ratio`) is shown like the quotient that it is, and is taken for it here.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import sympy as sp

from derivations import printing
from derivations.kernel.substitution import core
from derivations.rules import (
    KL,
    At,
    Coord,
    D,
    Density,
    Div,
    Entropy,
    Entry,
    Expect,
    Grad,
    Hadamard,
    Inner,
    IntegralTo,
    Jvp,
    Laplacian,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    Series,
    StopGradient,
    SumTo,
    Vjp,
    covariance,
    rate,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b = scalar("apart_a", "a"), scalar("apart_b", "b")
t, i = (scalar(f"apart_{name}", name, integer=True) for name in "ti")
u, v = vector("apart_u", "u"), vector("apart_v", "v")
f, g, x = scalar_function("apart_f", "f"), vector_function("apart_g", "g"), vector_function("apart_x", "x")
A, B = covariance("apart_A", "A"), covariance("apart_B", "B")
q, conditional = Density("apart_q", u), Density("apart_q", u, v)
NUMBERS = (a, b, sp.S(2), sp.Rational(1, 2), sp.pi, f(a), f(u), f(1), f(t), f(a, b), rate(f(a)), Entry(A, 1, 2))
VECTORS = (u, v, g(u), x(t), x(1), g(u, a), a * u)

OF_A_NUMBER: tuple[Callable[[Any], Any], ...] = (
    lambda e: e**2, lambda e: 1 / e, lambda e: e ** sp.Rational(3, 2), sp.log, sp.exp, sp.Abs, lambda e: -e, f,
    lambda e: rate(f(e)), lambda e: D(e, a), lambda e: At(e, a, 0), lambda e: IntegralTo(e, a, 0, 1), StopGradient,
    lambda e: Series(e, a, 2), lambda e: SumTo(e, i, 1, 3), lambda e: ProductTo(e, i, 1, 3), lambda e: Expect(q, e),
    lambda e: Expect(conditional, e), lambda e: e**t, lambda e: Laplacian(e, u), lambda e: LogDensity(Normal(u, v, e)),
    lambda e: SumTo(f(i) * e, i, 1, 3), lambda e: sp.exp(LogDensity(q)) * e,
)  # fmt: skip
OF_TWO_NUMBERS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda d, e: d + e, lambda d, e: d * e, lambda d, e: d / e, lambda d, e: d - e, Ratio, f, lambda d, e: d * (e + b),
)  # fmt: skip
OF_A_VECTOR: tuple[Callable[[Any], Any], ...] = (
    Norm2, f, lambda e: Coord(e, 1), lambda e: Coord(e, 12), lambda e: Div(e, u), lambda e: Quadratic(e, A, v),
    lambda e: Quadratic(v, A * B, e), lambda e: rate(f(e), 1, v), lambda e: KL(Normal(u, e, a), Normal(u, 0, 1)),
    lambda e: Entropy(q) * Norm2(e),
)  # fmt: skip
VECTOR_OF_A_VECTOR: tuple[Callable[[Any], Any], ...] = (
    lambda e: -e, lambda e: 2 * e, g, lambda e: Jvp(e, u, v), lambda e: Vjp(e, u, v), lambda e: D(e, a), StopGradient,
    lambda e: Expect(q, e), lambda e: SumTo(e, i, 1, 3), lambda e: Hadamard(e, v), lambda e: Hadamard(v, e),
    lambda e: Mean(Normal(u, e, 1)), lambda e: Laplacian(e, u), lambda e: rate(g(e), 1, v),
)  # fmt: skip


def number(rng: Random, depth: int) -> Any:
    if depth == 0:
        return rng.choice(NUMBERS)
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(OF_A_VECTOR)(a_vector(rng, depth - 1))
    if kind == 1:
        return Inner(a_vector(rng, depth - 1), a_vector(rng, depth - 1))
    if kind == 2:
        return rng.choice(OF_TWO_NUMBERS)(number(rng, depth - 1), number(rng, depth - 1))
    return rng.choice(OF_A_NUMBER)(number(rng, depth - 1))


def a_vector(rng: Random, depth: int) -> Any:
    if depth == 0:
        return rng.choice(VECTORS)
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice((lambda e: Grad(e, u), lambda e: e * u))(number(rng, depth - 1))
    if kind == 1:
        return rng.choice((sp.Add, Hadamard))(a_vector(rng, depth - 1), a_vector(rng, depth - 1))
    return rng.choice(VECTOR_OF_A_VECTOR)(a_vector(rng, depth - 1))


def meaning(e: Any) -> Any:
    """What a term says: its core, with quotients for those that are kept apart."""
    made = core(e)
    return made.replace(Ratio, lambda above, below: above / below) if made.has(Ratio) else made


def confusions(count: int) -> tuple[int, Iterator[str]]:
    """(how many terms were compared, the pairs of them that print alike)."""
    shown: dict[tuple[str, str], dict[Any, Any]] = defaultdict(dict)
    compared = 0
    for seed in range(count):
        rng = Random(seed)
        try:
            e = number(rng, 1 + seed % 3) if seed % 4 else a_vector(rng, 1 + seed % 3)
            said = meaning(e)
        except ValueError:  # it means nothing
            continue
        if not said.has(sp.nan, sp.zoo, sp.I):
            compared += 1
            shown["text", printing.text(e)][said] = e
            shown["latex", "".join(printing.latex(e).split())][said] = e
    alike = (pair for terms in shown.values() for pair in itertools.combinations(terms.values(), 2))
    return compared, (f"{one} and {two}" for one, two in alike)


def test_random_terms_print_apart() -> None:
    compared, found = confusions(3000)
    assert compared > 2000
    assert next(found, "") == ""


def test_a_printer_without_brackets_is_caught(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    text = printing.text
    monkeypatch.setattr(printing, "text", lambda e: text(e).translate(str.maketrans("", "", "()")))
    _, found = confusions(600)
    assert next(found, "") != ""
