"""Random terms, by grammar: every term is well-sorted, and closed up to the symbols listed here.

A `Words` is a random source of terms together with what may be known about their symbols: the domain that the claim
will declare, which need not be the one under which the steps hold.
"""

from __future__ import annotations

from random import Random
from typing import Any

import sympy as sp

from derivations.kernel.terms import DIM
from derivations.notation import T, s, t, x
from derivations.rules import (
    CLOSED_UNIT,
    NONNEGATIVE,
    NONZERO,
    POSITIVE,
    REAL,
    UNIT,
    UNIT_WITH_ONE,
    Coord,
    DiagonalNormal,
    Domain,
    Expect,
    FullNormal,
    Hadamard,
    Inner,
    Interval,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    SumTo,
    covariance,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b, c = (scalar(f"fuzz_{name}") for name in "abc")
u, v, w, z = (vector(f"fuzz_{name}") for name in "uvwz")
f, g = scalar_function("fuzz_f"), scalar_function("fuzz_g", positive=True)
bend = vector_function("fuzz_bend")
A, B = covariance("Fuzz_A"), covariance("Fuzz_B")
n = sp.Symbol("fuzz_n", integer=True, positive=True)
m = sp.Symbol("fuzz_m", integer=True)
tending = scalar("fuzz_tending")
i = sp.Symbol("fuzz_i", integer=True, positive=True)
BINDERS = tuple(sp.Symbol(f"fuzz_k{number}", integer=True, positive=True) for number in range(6))
INDICES = (s, n, i, *BINDERS)
PLACES = (
    REAL,
    POSITIVE,
    NONNEGATIVE,
    NONZERO,
    UNIT,
    CLOSED_UNIT,
    UNIT_WITH_ONE,
    Interval(-1, 1),
    Interval(1, 2, False, False),
)
ALL = {"fuzz_a": REAL, "fuzz_b": REAL, "fuzz_c": REAL, "fuzz_g": POSITIVE}


class Words:
    """A random source of terms."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        tame = self.chance(0.5)
        names = ("fuzz_a", "fuzz_b", "fuzz_c", "fuzz_tending")
        self.where = {name: POSITIVE if tame else self.one(*PLACES) for name in names} | {"fuzz_g": POSITIVE}

    def one(self, *choices: Any) -> Any:
        return self.rng.choice(choices)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def binder(self, *inside: Any) -> Any:
        """An index that stands nowhere inside; one time of ten any."""
        used = {symbol for e in inside for symbol in sp.sympify(e).free_symbols}
        return self.one(*INDICES) if self.chance(0.1) else self.one(*[k for k in INDICES if k not in used])

    def rational(self) -> Any:
        return sp.Rational(self.rng.randint(-6, 6) or 1, self.rng.randint(1, 4))

    def domain(self) -> Domain:
        lo = self.one(1, 1, 1, 2)
        return Domain(self.where, {T: (lo, sp.oo), t: (lo, T)})

    def divisor(self) -> Any:
        """A positive number as far as the domain tells; one time of eight something that may vanish or be negative."""
        if self.chance(0.12):
            return self.one(self.atom(), self.polynomial(1), a - b, 1 - a, Norm2(u - v), t - 1, T - t, g(1) - 1)
        positive = [symbol for symbol in (a, b, c) if self.where[symbol.name] in (POSITIVE, UNIT, UNIT_WITH_ONE)]
        return self.one(*positive, *positive, g(1), 1 + self.atom() ** 2, t, T + 1)

    # --- numbers ------------------------------------------------------------------------------------------------------

    def atom(self, *bound: Any) -> Any:
        choices = [a, b, c, a, b, f(1), f(2), g(1), Norm2(u), Inner(u, v), Coord(u, 1), *bound, *bound]
        return self.one(*choices)

    def polynomial(self, depth: int = 2, *bound: Any) -> Any:
        if depth == 0 or self.chance(0.2):
            return self.one(self.atom(*bound), self.rational(), self.atom(*bound) + self.rational())
        one, two = self.polynomial(depth - 1, *bound), self.polynomial(depth - 1, *bound)
        return self.one(one + two, one - two, one * two, one**2, 2 * one - two, one * self.rational())

    def number(self, depth: int = 2, *bound: Any) -> Any:
        kind = self.rng.randint(0, 11)
        if kind < 5 or depth == 0:
            return self.polynomial(depth, *bound)
        one = self.number(depth - 1, *bound)
        if kind == 5:
            return self.total(depth - 1)
        if kind == 6:
            return Ratio(one, self.divisor())
        if kind == 7:
            return one / (1 + self.atom(*bound) ** 2)
        if kind == 8:
            return one + sp.exp(self.polynomial(1, *bound))
        if kind == 9:
            return one * self.one(sp.Abs(self.atom(*bound)), sp.sqrt(self.divisor()), sp.log(self.divisor()))
        if kind == 10:
            return self.mean(depth - 1)
        return one + self.one(Quadratic(u, A, v), Quadratic(u, A**-1, u), Norm2(u - 2 * v), Norm2(Hadamard(u, v)))

    def total(self, depth: int = 1) -> Any:
        index = self.one(*INDICES)
        body = self.polynomial(depth, index, f(index), self.one(T, t) * index)
        ends = self.one((1, T), (1, t), (1, T - 1), (2, T), (t, T), (1, 3), (1, 1), (t, t))
        return self.one(SumTo, SumTo, ProductTo)(body, index, *ends)

    # --- vectors and laws ---------------------------------------------------------------------------------------------

    def vector(self, *random: Any) -> Any:
        atoms = [u, v, x(0), *random, *random]
        one, two = self.one(*atoms), self.one(*atoms)
        return self.one(one, one + two, one - a * two, 2 * one - v, b * one, one)

    def law(self, variable: Any) -> Any:
        mean = self.one(sp.S.Zero, u, a * u, u - b * v, v)
        variance = self.one(sp.S.One, sp.S(2), 1 + a**2, sp.Rational(1, 3), g(1), a)
        kind = self.rng.randint(0, 5)
        if kind == 0:
            return DiagonalNormal(variable, i, Coord(u, i), 1 + Coord(v, i) ** 2, DIM)
        if kind == 1:
            return FullNormal(variable, self.one(u, v), self.one(A, B), DIM)
        return Normal(variable, mean, variance)

    def quadratic(self, *random: Any) -> Any:
        """A polynomial of low degree in random vectors."""
        one, two = self.vector(*random), self.vector(*random)
        return self.one(
            Norm2(one), Inner(one, two), Norm2(one) + self.atom(), a * Inner(one, two), Coord(one, 1), Norm2(one - two)
        )

    def mean(self, depth: int = 1) -> Any:
        return Expect(self.law(z), self.quadratic(z))
