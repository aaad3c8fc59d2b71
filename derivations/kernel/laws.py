"""Terms in general, sets of random variables, and the laws that bind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy import Basic, Expr, Symbol, Tuple, sympify

from derivations.kernel.symbols import (
    DIM,
    HEADS,
    ConstantVector,
    Covariance,
    DefinedFunction,
    Malformed,
    Name,
    ScalarFunction,
    VectorFunction,
    VectorSymbol,
)

# --- terms ------------------------------------------------------------------------------------------------------------


class Formal:
    """What all terms of the language share: they take arguments of given sorts, and compute nothing.

    `takes` has letters for each argument: number, vector, matrix, law, index; - is a name or a set of random variables.
    `scope` tells in which of the arguments the index, args[1], is bound; `like` is the argument that it is a vector
    with, and `vector_valued` says that it always is one.
    """

    takes = ""
    scope: tuple[int, ...] = ()
    like: int | None = None
    vector_valued = False
    args: tuple[Any, ...]

    def __new__(cls, *args: Any) -> Any:
        sorts = cls.takes.split()
        if len(args) != len(sorts):
            raise Malformed(f"{cls.__name__} takes {len(sorts)} arguments, and is given {len(args)}")
        made = [_index(a) if kind == "i" else sympify(a, strict=True) for a, kind in zip(args, sorts, strict=True)]
        return Basic.__new__(cls, *made)


class Term(Formal, Expr):
    """A real-valued inert expression."""

    is_real = True
    is_commutative = True


def _index(symbol: Any) -> Symbol:
    if not isinstance(symbol, Symbol):
        raise Malformed(f"{symbol} is not a symbol, so nothing can run over it")
    if symbol == DIM:
        raise Malformed(f"{symbol} is the dimension that laws and abbreviations share: nothing can run over it")
    return symbol


def is_vector(e: Any) -> bool:
    """True for vectors: atoms, and the linear combinations built from them."""
    if isinstance(e, VectorSymbol | VectorFunction):
        return True
    if isinstance(e, Formal):
        return e.vector_valued or (e.like is not None and is_vector(e.args[e.like]))
    if isinstance(e, DefinedFunction):
        return bool(e.is_vector_valued)
    return isinstance(e, sp.Add | sp.Mul) and any(is_vector(a) for a in e.args)


# --- sets of random variables -----------------------------------------------------------------------------------------


def family_name(head: Any) -> Name:
    """The name of a family, given by it or by its symbol."""
    if isinstance(head, Symbol):
        return Name(head.name)
    if isinstance(head, type) and issubclass(head, ScalarFunction | VectorFunction):
        return Name(head.__name__)
    raise Malformed(f"{head} is no family: name one that was declared, such as x in x(t)")


class Block(Basic):
    """The variables x(lo), ..., x(hi) of the family named `head`; empty when hi = lo - 1."""

    def __new__(cls, head: Any, lo: Any, hi: Any) -> Block:
        return Basic.__new__(cls, family_name(head), sympify(lo, strict=True), sympify(hi, strict=True))

    @property
    def bounds(self) -> tuple[Expr, Expr]:
        return self.args[1], self.args[2]


def is_family_variable(e: Any) -> bool:
    """x(t), but not a network's output net(z)."""
    return isinstance(e, VectorFunction) and len(e.args) == 1 and not is_vector(e.args[0])


def variable_set(items: Iterable[Any]) -> Tuple:
    """Canonical form of a set of random variables: adjacent members of one family are merged into blocks."""
    singles: list[Any] = []
    runs: dict[Any, list[tuple[Expr, Expr]]] = {}
    for item in items:
        if isinstance(item, Block):
            runs.setdefault(HEADS[item.args[0].name], []).append(item.bounds)
        elif is_family_variable(item):
            runs.setdefault(type(item), []).append((item.args[0], item.args[0]))
        elif isinstance(item, ConstantVector):
            raise Malformed(f"{item} is a constant vector, and nothing draws it: take a vector for a random one")
        elif not isinstance(item, VectorSymbol):
            raise Malformed(f"{item} is not a random variable: name a vector symbol or a member x(t) of a family")
        elif item not in singles:
            singles.append(item)
    members = singles + [m for head, pieces in runs.items() for m in _merge(head, pieces)]
    return Tuple(*sorted(members, key=sp.default_sort_key))


def _merge(head: Any, pieces: list[tuple[Expr, Expr]]) -> list[Any]:
    rest = [(lo, hi) for lo, hi in dict.fromkeys(pieces) if sp.expand(hi - lo) != -1]
    joined = True
    while joined:
        joined = False
        for a in rest:
            for b in rest:
                if a is not b and sp.expand(b[0] - a[1] - 1) == 0:
                    rest = [p for p in rest if p not in (a, b)] + [(a[0], b[1])]
                    joined = True
                    break
            if joined:
                break
    return [head(lo) if sp.expand(hi - lo) == 0 else Block(head, lo, hi) for lo, hi in rest]


# --- laws -------------------------------------------------------------------------------------------------------------


class Law(Formal, Basic):
    """A probability law; `variables` are the random variables it binds."""

    @property
    def variables(self) -> Tuple:
        return Tuple(self.args[0])


class Density(Law):
    """Any density: name(variables | given). A fixed law: it depends on nothing but its variables and its conditions."""

    takes = "- - -"

    def __new__(cls, name: Any, variables: Any, given: Any = ()) -> Density:
        if not isinstance(name, str | Symbol):
            raise Malformed(f"{name} is no name for a law")
        name = Name(name if isinstance(name, str) else name.name)  # a name, and no number that could be replaced
        as_set = [v if isinstance(v, tuple | list | Tuple) else (v,) for v in (variables, given)]
        return Basic.__new__(cls, name, variable_set(as_set[0]), variable_set(as_set[1]))

    @property
    def variables(self) -> Tuple:
        return self.args[1]

    @property
    def given(self) -> Tuple:
        return self.args[2]


class Normal(Law):
    """N(variable; mean, variance * I) on R^dim."""

    takes = "v v n n"

    def __new__(cls, variable: Any, mean: Any, variance: Any, dim: Any = DIM) -> Normal:
        return super().__new__(cls, variable, mean, variance, dim)


class DiagonalNormal(Law):
    """(variable, index, mean_i, variance_i, dim): independent variable_i ~ N(mean_i, variance_i), i = 1..dim."""

    takes, scope = "v i n n n", (2, 3)


class FullNormal(Law):
    """N(variable; mean, covariance) on R^dim; the covariance is a symbol, or a matrix that is positive definite."""

    takes = "v v m n"

    def __new__(cls, variable: Any, mean: Any, covariance: Any, dim: Any) -> FullNormal:
        if not isinstance(covariance, Covariance | sp.Add | sp.Mul | sp.Pow) or covariance.is_commutative:
            raise Malformed(f"{covariance} is no covariance: write its symbol, or a sum that is positive definite")
        return super().__new__(cls, variable, mean, covariance, dim)


class BernoulliProduct(Law):
    """(variable, index, probability_i, dim): independent bits, 1 with the probability in (0, 1), i = 1..dim."""

    takes, scope = "v i n n", (2,)


class AffineImage(Law):
    """(variable, index, shift_i, scale_i, base, dim): the law of shift_i + scale_i noise_i, scale_i > 0."""

    takes, scope = "v i n n l n", (2, 3)


class LinearSDE(Law):
    """(variable, u, start, slope(u), noise(u), time, dim): the law at a time of what starts at u = 0 and moves by

    dx = slope(u) x du + sqrt(noise(u)) dw, with a Brownian motion w of R^dim.
    """

    takes, scope = "v i v n n n n", (3, 4)

    def __new__(
        cls, variable: Any, symbol: Any, start: Any, slope: Any, noise: Any, time: Any, dim: Any = DIM
    ) -> LinearSDE:
        if not isinstance(symbol, Symbol) or symbol.is_integer or not symbol.is_real:
            raise Malformed(f"{symbol} is no real variable, so nothing moves as it grows")
        return super().__new__(cls, variable, symbol, start, slope, noise, time, dim)
