"""The language that claims are written in: inert SymPy expressions, none of which computes anything by itself.

Scalars are ordinary SymPy expressions. Vectors live in R^d for a *generic* d: a vector is a formal linear combination
of vector atoms (`vector("x")`, `x(t)`, a network's output `eps_theta(x(t), t)`), and becomes a scalar only through
`Inner`, `Norm2`, `Coord` or an opaque function. Laws are `Density` (any density, known by its name), `Normal`
(isotropic), `DiagonalNormal` and `FullNormal`. The meaning of every term is written down once more, numerically, in
`worlds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any

import sympy as sp
from sympy import Basic, Expr, Symbol, Tuple, sympify
from sympy.core.function import Function
from sympy.printing.precedence import PRECEDENCE


class Malformed(ValueError):
    """A term that means nothing: a product of two vectors, a KL between laws of different variables, ..."""


# --- atoms ------------------------------------------------------------------------------------------------------------


class VectorSymbol(Symbol):
    """A vector of R^d, or a random vector."""


class Covariance(Symbol):
    """A symmetric positive definite k x k matrix. Matrices do not commute."""

    is_commutative = False


class VectorFunction(Function):
    """A vector-valued family or function nobody may look inside: `x(t)`, `eps_theta(x(t), t)`."""


class ScalarFunction(Function):
    """A scalar family or function nobody may look inside: `alpha(t)`, `f(z)`."""


class DefinedFunction(Function):
    """A named abbreviation; `unfold()` gives its body. `notation` ones are unfolded by algebra without being asked."""

    notation = True
    is_vector_valued = False
    body: Callable[..., Any]

    def unfold(self) -> Any:
        return _unfolded(self)


@lru_cache(maxsize=4096)
def _unfolded(named: DefinedFunction) -> Any:
    return type(named).body(*named.args)


@cache
def vector(name: str, latex: str = "") -> VectorSymbol:
    symbol = VectorSymbol(name, real=True)
    LATEX.setdefault(name, latex or name)
    VECTORS.add(name)
    return symbol


@cache
def scalar(name: str, latex: str = "", **assumptions: bool) -> Symbol:
    LATEX.setdefault(name, latex or name)
    return Symbol(name, **(assumptions or {"real": True}))


@cache
def covariance(name: str, latex: str = "") -> Covariance:
    LATEX.setdefault(name, latex or name)
    return Covariance(name, commutative=False)


def _family(base: type, name: str, latex: str, **attributes: Any) -> Any:
    LATEX.setdefault(name, latex or name)
    if name in HEADS:
        raise Malformed(f"the family {name!r} exists already with other properties: choose another name")
    HEADS[name] = type(name, (base,), {"is_real": True, **attributes, "__module__": __name__})
    return HEADS[name]


@cache
def vector_function(name: str, latex: str = "") -> Any:
    VECTORS.add(name)
    return _family(VectorFunction, name, latex)


@cache
def scalar_function(name: str, latex: str = "", positive: bool = False) -> Any:
    return _family(ScalarFunction, name, latex, **({"is_positive": True} if positive else {}))


def define(
    name: str, latex: str, body: Callable[..., Any], *, notation: bool = True, is_vector_valued: bool = False
) -> Any:
    """A new name for `body(*args)`. Names are unique: defining one twice is an error."""
    attributes = {"body": staticmethod(body), "notation": notation, "is_vector_valued": is_vector_valued}
    return _family(DefinedFunction, name, latex, **attributes)


LATEX: dict[str, str] = {}
HEADS: dict[str, Any] = {}
VECTORS: set[str] = set()

# --- sets of random variables -----------------------------------------------------------------------------------------


class Block(Basic):
    """The variables x(lo), ..., x(hi) of the family named `head`; empty when hi = lo - 1."""

    def __new__(cls, head: Any, lo: Any, hi: Any) -> Block:
        name = head if isinstance(head, Symbol) else Symbol(head.__name__)
        return Basic.__new__(cls, name, sympify(lo), sympify(hi))

    @property
    def bounds(self) -> tuple[Expr, Expr]:
        return self.args[1], self.args[2]


def variable_set(items: Iterable[Any]) -> Tuple:
    """Canonical form of a set of random variables: adjacent members of one family are merged into blocks."""
    singles: list[Any] = []
    runs: dict[Any, list[tuple[Expr, Expr]]] = {}
    for item in items:
        if isinstance(item, Block):
            runs.setdefault(HEADS[item.args[0].name], []).append(item.bounds)
        elif isinstance(item, VectorFunction) and len(item.args) == 1 and not is_vector(item.args[0]):
            runs.setdefault(type(item), []).append((item.args[0], item.args[0]))
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


# --- terms ------------------------------------------------------------------------------------------------------------

DIM = Symbol("d", integer=True, positive=True)
LATEX["d"] = "d"


class Formal:
    """What all terms of the language share: they take arguments of given sorts, and compute nothing.

    `takes` has letters for each argument: number, vector, matrix, law, index; - is a name or a set of random variables.
    `scope` tells in which of the arguments the index, args[1], is bound.
    """

    takes = ""
    scope: tuple[int, ...] = ()

    def __new__(cls, *args: Any) -> Any:
        sorts = cls.takes.split()
        if len(args) != len(sorts):
            raise Malformed(f"{cls.__name__} takes {len(sorts)} arguments, and is given {len(args)}")
        made = [_index(a) if kind == "i" else sympify(a, strict=True) for a, kind in zip(args, sorts, strict=True)]
        return Basic.__new__(cls, *made)


def _index(symbol: Any) -> Symbol:
    if not isinstance(symbol, Symbol):
        raise Malformed(f"{symbol} is not a symbol, so nothing can run over it")
    if symbol == DIM:
        raise Malformed(f"{symbol} is the dimension that laws and abbreviations share: nothing can run over it")
    return symbol


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
        name = Symbol(name if isinstance(name, str) else name.name)  # a name, and no number that could be replaced
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
    """N(variable; mean, covariance) on R^dim; the covariance is a symbol, since products of covariances are none."""

    takes = "v v m n"

    def __new__(cls, variable: Any, mean: Any, covariance: Any, dim: Any) -> FullNormal:
        if not isinstance(covariance, Covariance):
            raise Malformed(f"{covariance} is not the symbol of a covariance")
        return super().__new__(cls, variable, mean, covariance, dim)


class BernoulliProduct(Law):
    """(variable, index, probability_i, dim): independent bits, 1 with the probability in (0, 1), i = 1..dim."""

    takes, scope = "v i n n", (2,)


class AffineImage(Law):
    """(variable, index, shift_i, scale_i, base, dim): the law of shift_i + scale_i noise_i, scale_i > 0."""

    takes, scope = "v i n n l n", (2, 3)


# --- scalars made from laws and vectors -------------------------------------------------------------------------------


class Term(Formal, Expr):
    """A real-valued inert expression."""

    is_real = True
    is_commutative = True


class LogDensity(Term):
    """log of the law's density at its own variables (nats)."""

    takes = "l"


class LogJoint(Term):
    """log of the marginal of law `name` over a set of variables: Bayes' rule turns every `Density` into it.

    No line may hold one: it takes nothing that could be written.
    """

    def __new__(cls, name: Any, variables: Any) -> Any:
        return Basic.__new__(cls, name, variables) if variables else sp.S.Zero


class Averaging(Term):
    """A term that averages over its first argument, a law: the law's variables are bound in it."""

    def __new__(cls, law: Law, *rest: Any) -> Any:
        variable_set(law.variables)  # names, and not places where a density is read
        return super().__new__(cls, law, *rest)


class Expect(Averaging):
    """E over the law's variables of body."""

    takes = "l nv"


class KL(Averaging):
    """Kullback-Leibler divergence E_p[log p - log q] in nats; both laws are laws of the same variables."""

    takes = "l l"

    def __new__(cls, p: Law, q: Law) -> KL:
        if p.variables != q.variables:
            raise Malformed(f"KL between laws of different variables: {p.variables} and {q.variables}")
        return super().__new__(cls, p, q)


class Mean(Averaging):
    """Mean vector of a law."""

    takes = "l"


class Variance(Averaging):
    """The v of a law whose covariance is v * I."""

    takes = "l"


class Bilinear(Term):
    """A product of two vectors that is linear in each; their order does not matter."""

    takes = "v v"

    def __new__(cls, *args: Any) -> Any:
        return super().__new__(cls, *sorted(map(sympify, args), key=sp.default_sort_key))


class Inner(Bilinear):
    """Inner product of two vectors."""


class Hadamard(Bilinear):
    """Coordinatewise product of two vectors (a vector)."""


class Norm2(Term):
    """Squared Euclidean norm."""

    takes = "v"


class Coord(Term):
    """(vector, index): a coordinate."""

    takes = "v n"


class SumTo(Term):
    """(body, index, lo, hi): the sum of body over the integer index lo..hi; zero when hi = lo - 1."""

    takes, scope = "nv i n n", (0,)
    precedence = PRECEDENCE["Mul"]  # printed in brackets under a power


class ProductTo(Term):
    """(body, index, lo, hi): the product of body over the integer index lo..hi; one when hi = lo - 1."""

    takes, scope = "n i n n", (0,)
    precedence = PRECEDENCE["Mul"]


class At(Term):
    """(body, symbol, value): the limit of body as the symbol tends, inside its domain, to the value."""

    takes, scope = "nv i n", (0,)

    def __new__(cls, body: Any, symbol: Any, value: Any) -> At:
        if symbol.is_integer or isinstance(symbol, VectorSymbol):
            raise Malformed(f"{symbol} tends nowhere: a limit is taken in a real variable")
        return super().__new__(cls, body, symbol, value)


class D(Term):
    """Partial derivative of a scalar or vector body by a scalar symbol, a family's member or a vector's coordinate."""

    takes = "nv n"

    def __new__(cls, body: Any, wrt: Any) -> D:
        a_number = isinstance(wrt, Symbol | ScalarFunction) and not isinstance(wrt, VectorSymbol) and not wrt.is_integer
        if isinstance(wrt, ScalarFunction) and any(map(is_vector, wrt.args)):
            raise Malformed(f"no derivative with respect to {wrt}: it is a function's value, and no variable")
        if not a_number and not (isinstance(wrt, Coord) and isinstance(wrt.args[0], VectorSymbol | VectorFunction)):
            raise Malformed(f"no derivative with respect to {wrt}: it is not a variable")
        return super().__new__(cls, body, wrt)


class Gradient(Term):
    """Gradient (a vector) of the opaque scalar function `head` at a point."""

    takes = "- v"

    def __new__(cls, head: Any, point: Any) -> Gradient:
        return super().__new__(cls, Symbol(head.name if isinstance(head, Symbol) else head.__name__), point)


class Ratio(Term):
    """num / den, kept apart so that den is not cancelled before anyone asked whether it can be zero."""

    takes = "n n"


class Rounded(Term):
    """A decimal value and half a unit of its last digit: any number in [centre - radius, centre + radius].

    It stands for a range and not for one number, so only an enclosure may be followed by it, and nothing is made of it.
    """

    takes = "n n"

    def __new__(cls, digits: Any, radius: Any = None) -> Rounded:
        if isinstance(digits, str):
            if radius is not None:
                raise Malformed(f"{digits} says itself how far it is rounded")
            places = len(digits.split("e")[0].partition(".")[2])
            exponent = int(digits.split("e")[1]) if "e" in digits else 0
            digits, radius = sp.Rational(digits), sp.Rational(10) ** (exponent - places) / 2
        return super().__new__(cls, digits, radius)


# --- matrices ---------------------------------------------------------------------------------------------------------


class Trace(Term):
    """(word, dim): tr of a product of covariances and their inverses, of size dim."""

    takes = "mn n"


class LogDet(Term):
    """log |det| of a product of covariances and their inverses."""

    takes = "m"


class Quadratic(Term):
    """(u, M, v): u^T M v."""

    takes = "v mn v"


class Entry(Term):
    """Entry (row, column) of a product of covariances and their inverses."""

    takes = "mn n n"

    def __new__(cls, word: Any, row: Any, column: Any) -> Entry:
        word, row, column = map(sympify, (word, row, column))
        if isinstance(word.as_base_exp()[0], Covariance) and row.is_Integer and column.is_Integer and row > column:
            row, column = column, row  # symmetric
        return super().__new__(cls, word, row, column)


# --- propositions -----------------------------------------------------------------------------------------------------


class AtMost(Formal, Basic):
    """The proposition left <= right."""

    takes = "n n"


class Equal(Formal, Basic):
    """The proposition left = right."""

    takes = "nv nv"


class SameLaw(Formal, Basic):
    """The proposition that two laws of the same variables coincide (almost everywhere)."""

    takes = "l l"


# --- what a term depends on -------------------------------------------------------------------------------------------


def binds(e: Any) -> tuple[int, ...]:
    """The places of e's arguments in which its index, e.args[1], is bound; empty when it binds none."""
    return e.scope if isinstance(e, Formal) else ()


def bound_indices(e: Any) -> set[Symbol]:
    """The symbols that a sum, a product, a coordinatewise law or a limit in e runs over: they mean nothing outside."""
    return {a.args[1] for a in e.atoms(Formal) if binds(a)}


def name_of(e: Any) -> str:
    """The name of a symbol, or of the family that a member or a function's value belongs to."""
    return e.name if isinstance(e, Symbol) else type(e).__name__


def names(e: Any) -> set[Symbol]:
    """The symbols in e that are names of laws and families, and no variables."""
    return {a.args[0] for a in e.atoms(Density, LogJoint, Block, Gradient)}


def free_scalars(e: Any) -> set[Symbol]:
    """The scalar (and matrix) symbols that e depends on: not names of laws and families, not indices it sums over."""
    return {s for s in e.free_symbols if not isinstance(s, VectorSymbol)} - names(e) - bound_indices(e)


def is_vector(term: Any) -> bool:
    """True for vectors: atoms, and the linear combinations built from them."""
    if isinstance(term, VectorSymbol | VectorFunction | Hadamard | Mean | Gradient):
        return True
    if isinstance(term, DefinedFunction):
        return bool(term.is_vector_valued)
    if isinstance(term, At | D | Expect | SumTo):
        return is_vector(term.args[1] if isinstance(term, Expect) else term.args[0])
    if isinstance(term, sp.Add | sp.Mul):
        return any(is_vector(a) for a in term.args)
    return False


def unfold_all(e: Any) -> Any:
    """e with every abbreviation in it written out."""
    while found := e.atoms(DefinedFunction):
        e = e.xreplace({a: a.unfold() for a in found})
    return e


def log_p(name: str, variables: Any, given: Any = ()) -> LogDensity:
    """log name(variables | given)."""
    return LogDensity(Density(name, variables, given))
