"""Two terms that mean different things never print alike, in a terminal or on a page: random terms, compared in bulk.

A quotient that is kept apart (`Ratio`) is shown like the quotient that it is, and is taken for it here.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest
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


def layer(numbers: Any, vectors: Any, rng: Random, most: int) -> tuple[list[Any], list[Any]]:
    """Every operation on these numbers and vectors; on some pairs of them, where it takes two."""

    def some(of: Any) -> list[Any]:
        return rng.sample(list(of), min(most, len(of)))

    def pairs(of: Any) -> Iterator[tuple[Any, Any]]:
        return itertools.product(some(of), some(of))

    made = [(op, (e,)) for op in OF_A_NUMBER for e in numbers] + [(op, (e,)) for op in OF_A_VECTOR for e in vectors]
    made += [(op, pair) for pair in pairs(numbers) for op in OF_TWO_NUMBERS] + [
        (Inner, pair) for pair in pairs(vectors)
    ]
    others = [(op, (e,)) for op in VECTOR_OF_A_VECTOR for e in vectors]
    others += [(op, (e,)) for op in (lambda e: Grad(e, u), lambda e: e * u) for e in some(numbers)]
    others += [(op, pair) for pair in pairs(vectors) for op in (sp.Add, Hadamard)]
    return list(_meant(made)), list(_meant(others))


def _meant(made: Any) -> Iterator[Any]:
    for op, arguments in made:
        with suppress(ValueError):  # it means nothing
            e = op(*arguments)
            if not meaning(e).has(sp.nan, sp.zoo, sp.I):
                yield e


def meaning(e: Any) -> Any:
    """What a term says: its core, with quotients for those that are kept apart."""
    made = core(e)
    return made.replace(Ratio, lambda above, below: above / below) if made.has(Ratio) else made


def confusions(most: int) -> tuple[int, Iterator[str]]:
    """(how many terms were compared, the pairs of them that print alike)."""
    rng = Random(1)
    numbers, vectors = layer(NUMBERS, VECTORS, rng, 4)
    deeper = layer(rng.sample(numbers, most), rng.sample(vectors, most // 2), rng, most)
    shown: dict[tuple[str, str], dict[Any, Any]] = defaultdict(dict)
    every = dict.fromkeys([*numbers, *vectors, *deeper[0], *deeper[1]])
    for e in every:
        shown["text", printing.text(e)][meaning(e)] = e
        shown["latex", "".join(printing.latex(e).split())][meaning(e)] = e
    alike = (pair for terms in shown.values() for pair in itertools.combinations(terms.values(), 2))
    return len(every), (f"{one} and {two}" for one, two in alike)


def test_terms_print_apart() -> None:
    compared, found = confusions(16)
    assert compared > 2000
    assert next(found, "") == ""


def test_a_printer_without_brackets_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printing.text
    monkeypatch.setattr(printing, "text", lambda e: text(e).translate(str.maketrans("", "", "()")))
    _, found = confusions(8)
    assert next(found, "") != ""
