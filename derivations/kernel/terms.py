"""The language that claims are written in: inert SymPy expressions, none of which computes anything by itself.

Scalars are ordinary SymPy expressions. Vectors live in R^d for a *generic* d: a vector is a formal linear combination
of vector atoms (`vector("x")`, `x(t)`, a network's output `eps_theta(x(t), t)`), and becomes a scalar only through
`Inner`, `Norm2`, `Coord` or an opaque function. Laws are `Density` (any density, known by its name), `Normal`
(isotropic), `DiagonalNormal` and `FullNormal`. The meaning of every term is written down once more, numerically, in
`refutation/worlds.py`. Names and atoms are declared in `symbols`, laws in `laws`; all can be had from here.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Basic, Symbol, sympify
from sympy.printing.precedence import PRECEDENCE

from derivations.kernel.fields import FIELDS, Div, Grad, Jvp, Laplacian, Vjp
from derivations.kernel.held import Held, HeldNumber, HeldVector, StopGradient
from derivations.kernel.laws import (
    AffineImage,
    BernoulliProduct,
    Block,
    Density,
    DiagonalNormal,
    Formal,
    FullNormal,
    Law,
    LinearSDE,
    Normal,
    Term,
    is_family_variable,
    is_vector,
    variable_set,
)
from derivations.kernel.matrices import Entry, LogDet, Quadratic, Trace
from derivations.kernel.rates import IntegralTo, Partial, Series, rate
from derivations.kernel.symbols import (
    DIM,
    HEADS,
    LATEX,
    VECTORS,
    ConstantVector,
    Covariance,
    DefinedFunction,
    Malformed,
    Name,
    ScalarFunction,
    VectorFunction,
    VectorSymbol,
    constant_vector,
    covariance,
    define,
    draws,
    is_declared,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

__all__ = [
    "DIM",
    "FIELDS",
    "HEADS",
    "KL",
    "LATEX",
    "LAWS",
    "PROPOSITIONS",
    "TERMS",
    "VECTORS",
    "AffineImage",
    "At",
    "AtMost",
    "Averaging",
    "BernoulliProduct",
    "Bilinear",
    "Block",
    "ConstantVector",
    "Coord",
    "Covariance",
    "D",
    "DefinedFunction",
    "Density",
    "DiagonalNormal",
    "Div",
    "Entry",
    "Equal",
    "Expect",
    "Formal",
    "FullNormal",
    "Grad",
    "Gradient",
    "Hadamard",
    "Held",
    "HeldNumber",
    "HeldVector",
    "Inner",
    "IntegralTo",
    "Jvp",
    "Laplacian",
    "Law",
    "LinearSDE",
    "LogDensity",
    "LogDet",
    "LogJoint",
    "Malformed",
    "Mean",
    "Name",
    "Norm2",
    "Normal",
    "Partial",
    "ProductTo",
    "Quadratic",
    "Ratio",
    "Rounded",
    "SameLaw",
    "ScalarFunction",
    "Series",
    "StopGradient",
    "SumTo",
    "Term",
    "Trace",
    "Variance",
    "VectorFunction",
    "VectorSymbol",
    "Vjp",
    "binds",
    "bound_indices",
    "constant_vector",
    "covariance",
    "define", "draws",
    "free_scalars",
    "is_declared",
    "is_family_variable",
    "is_vector",
    "log_p",
    "name_of",
    "names",
    "rate",
    "scalar",
    "scalar_function",
    "unfold_all",
    "variable_set",
    "vector",
    "vector_function",
]  # fmt: skip

# --- scalars made from laws and vectors -------------------------------------------------------------------------------


class LogDensity(Term):
    """log of the law's density at its own variables (nats)."""

    takes = "l"


class LogJoint(Term):
    """log of the marginal of law `name` over a set of variables: Bayes' rule turns every `Density` into it.

    No line may hold one: it takes nothing that could be written.
    """

    def __new__(cls, name: Any, variables: Any) -> Any:
        return Basic.__new__(cls, Name(name.name), variables) if variables else sp.S.Zero


class Averaging(Term):
    """A term that averages over its first argument, a law: the law's variables are bound in it."""

    def __new__(cls, law: Law, *rest: Any) -> Any:
        variable_set(law.variables)  # names, and not places where a density is read
        return super().__new__(cls, law, *rest)


class Expect(Averaging):
    """E over the law's variables of body."""

    takes, like = "l nv", 1


class KL(Averaging):
    """Kullback-Leibler divergence E_p[log p - log q] in nats; both laws are laws of the same variables."""

    takes = "l l"

    def __new__(cls, p: Law, q: Law) -> KL:
        if p.variables != q.variables:
            raise Malformed(f"KL between laws of different variables: {p.variables} and {q.variables}")
        return super().__new__(cls, p, q)


class Mean(Averaging):
    """Mean vector of a law."""

    takes, vector_valued = "l", True


class Variance(Averaging):
    """The mean of the variances of the coordinates: the v of a law whose covariance is v * I."""

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

    vector_valued = True


class Norm2(Term):
    """Squared Euclidean norm."""

    takes = "v"


class Coord(Term):
    """(vector, index): a coordinate."""

    takes = "v n"


class SumTo(Term):
    """(body, index, lo, hi): the sum of body over the integer index lo..hi; zero when hi = lo - 1."""

    takes, scope, like = "nv i n n", (0,), 0
    precedence = PRECEDENCE["Mul"]  # printed in brackets under a power


class ProductTo(Term):
    """(body, index, lo, hi): the product of body over the integer index lo..hi; one when hi = lo - 1."""

    takes, scope = "n i n n", (0,)
    precedence = PRECEDENCE["Mul"]


class At(Term):
    """(body, symbol, value): the limit of body as the symbol tends, inside its domain, to the value."""

    takes, scope, like = "nv i n", (0,), 0

    def __new__(cls, body: Any, symbol: Any, value: Any) -> At:
        if symbol.is_integer or isinstance(symbol, VectorSymbol):
            raise Malformed(f"{symbol} tends nowhere: a limit is taken in a real variable")
        return super().__new__(cls, body, symbol, value)


class D(Term):
    """Partial derivative of a scalar or vector body by a scalar symbol, a family's member or a vector's coordinate."""

    takes, like = "nv n", 0

    def __new__(cls, body: Any, wrt: Any) -> D:
        a_number = isinstance(wrt, Symbol | ScalarFunction) and not isinstance(wrt, VectorSymbol) and not wrt.is_integer
        if isinstance(wrt, ScalarFunction) and any(map(is_vector, wrt.args)):
            raise Malformed(f"no derivative with respect to {wrt}: it is a function's value, and no variable")
        if isinstance(wrt, Coord) and isinstance(wrt.args[0], ConstantVector):
            raise Malformed(f"no derivative with respect to {wrt}: a constant vector does not vary, take a vector")
        if not a_number and not (isinstance(wrt, Coord) and isinstance(wrt.args[0], VectorSymbol | VectorFunction)):
            raise Malformed(f"no derivative with respect to {wrt}: it is not a variable")
        return super().__new__(cls, body, wrt)


class Gradient(Term):
    """Gradient (a vector) of the opaque scalar function `head` at a point."""

    takes, vector_valued = "- v", True

    def __new__(cls, head: Any, point: Any) -> Gradient:
        return super().__new__(cls, Name(head.name if isinstance(head, Symbol) else head.__name__), point)


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
    return {a.args[0] for a in e.atoms(Density, LogJoint, Block, Gradient, Partial)}


def free_scalars(e: Any) -> set[Symbol]:
    """The scalar (and matrix) symbols that e depends on: not names of laws and families, not indices it sums over."""
    return {s for s in e.free_symbols if not isinstance(s, VectorSymbol)} - names(e) - bound_indices(e)


def unfold_all(e: Any) -> Any:
    """e with every abbreviation in it written out."""
    while found := e.atoms(DefinedFunction):
        e = e.xreplace({a: a.unfold() for a in found})
    return e


def log_p(name: str, variables: Any, given: Any = ()) -> LogDensity:
    """log name(variables | given)."""
    return LogDensity(Density(name, variables, given))


# What may stand in a term of the kernel: these classes and no subclass of them, families that declared themselves, and
# SymPy's sums, products, powers, logarithms, exponentials, absolute values and exact numbers.
LAWS = (Density, Normal, DiagonalNormal, FullNormal, BernoulliProduct, AffineImage, LinearSDE)
TERMS = (
    LogDensity,
    Expect,
    KL,
    Mean,
    Variance,
    Inner,
    Hadamard,
    Norm2,
    Coord,
    SumTo,
    ProductTo,
    At,
    D,
    Gradient,
    Partial,
    IntegralTo,
    Series,
    Ratio,
    Rounded,
    *FIELDS,
    StopGradient,
    Held,
    Trace,
    LogDet,
    Quadratic,
    Entry,
)
PROPOSITIONS = (AtMost, Equal, SameLaw)
