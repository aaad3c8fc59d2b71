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
from sympy import Basic, Symbol
from sympy.printing.precedence import PRECEDENCE

from derivations.kernel.averages import KL, Averaging, Expect, LogDensity, LogJoint, Mean, Variance
from derivations.kernel.fields import FIELDS, Div, Grad, Jvp, Laplacian, Vjp
from derivations.kernel.held import HeldFixed, HeldNumber, HeldVector, StopGradient
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
from derivations.kernel.matrices import Apply, Entry, LinearMap, LogDet, Quadratic, Trace, Transposed, matrix
from derivations.kernel.products import Bilinear, Coord, Hadamard, Inner, Norm2
from derivations.kernel.rates import At, D, Gradient, IntegralTo, Partial, Series, rate
from derivations.kernel.symbols import (
    DIM,
    HEADS,
    LATEX,
    VECTORS,
    Bound,
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
    "FAMILIES",
    "FIELDS",
    "HEADS",
    "KL",
    "LATEX",
    "LAWS",
    "PROPOSITIONS",
    "TERMS",
    "VECTORS",
    "AffineImage",
    "Apply",
    "At",
    "AtMost",
    "Averaging",
    "BernoulliProduct",
    "Bilinear",
    "Block",
    "Bound",
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
    "HeldFixed",
    "HeldNumber",
    "HeldVector",
    "Inner",
    "IntegralTo",
    "Jvp",
    "Laplacian",
    "Law",
    "LinearMap",
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
    "Transposed",
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
    "matrix",
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

# --- sums, quotients -------------------------------------------------------------------------------------------------


class SumTo(Term):
    """(body, index, lo, hi): the sum of body over the integer index lo..hi; zero when hi = lo - 1."""

    takes, scope, like = "nv i n n", (0,), 0
    precedence = PRECEDENCE["Mul"]  # printed in brackets under a power


class ProductTo(Term):
    """(body, index, lo, hi): the product of body over the integer index lo..hi; one when hi = lo - 1."""

    takes, scope = "n i n n", (0,)
    precedence = PRECEDENCE["Mul"]


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
FAMILIES = (VectorFunction, ScalarFunction, DefinedFunction)
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
    HeldFixed,
    Trace,
    LogDet,
    Quadratic,
    Entry,
    Apply,
    Transposed,
)
PROPOSITIONS = (AtMost, Equal, SameLaw)
