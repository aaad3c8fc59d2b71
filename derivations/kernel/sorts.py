"""What kind of thing a term is: a number, a vector, a matrix, a law, a proposition, or none at all."""

from __future__ import annotations

from typing import Any, Literal

import sympy as sp
from sympy import Symbol

from derivations.kernel import terms
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    Bound,
    Covariance,
    DefinedFunction,
    Law,
    Malformed,
    ScalarFunction,
    VectorFunction,
    VectorSymbol,
)

Sort = Literal["number", "vector", "matrix", "law", "proposition"]


def sort(e: Any) -> Sort:
    """What kind of thing e is; Malformed when it is none."""
    if isinstance(e, Symbol):
        return _sort_of_symbol(e)
    if isinstance(e, sp.Rational | sp.NumberSymbol):
        return "number"
    if any(isinstance(a, terms.Rounded) for a in e.args):
        raise Malformed(f"{e} calculates with a rounded value: only the exact one may be used")
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        return _sort_of_arithmetic(e)
    if isinstance(e, ScalarFunction | VectorFunction | DefinedFunction):
        if not terms.is_declared(type(e)):
            raise Malformed(f"{type(e).__name__} is not a family that was declared: make it with scalar_function, ...")
        for a in e.args:
            if sort(a) not in ("number", "vector") and not isinstance(e, DefinedFunction):
                raise Malformed(f"{e}: a function takes numbers and vectors, and {a} is a {sort(a)}")
        if isinstance(e, DefinedFunction):
            return _sort_of_abbreviation(e)
        return "vector" if terms.is_vector(e) else "number"
    return _sort_of_term(e)


def _sort_of_abbreviation(e: Any) -> Sort:
    found = sort(core(e))
    if found == "matrix":  # SymPy would move it past the matrices beside it
        raise Malformed(f"{e} abbreviates a matrix: only numbers, vectors and laws have such names")
    return found


def _sort_of_symbol(e: Any) -> Sort:
    if type(e) in (VectorSymbol, terms.ConstantVector, terms.HeldVector) and e.is_real:
        return "vector"
    if type(e) in (Covariance, terms.LinearMap):
        return "matrix"
    if type(e) not in (Symbol, sp.Dummy, Bound, terms.HeldNumber) or not e.is_real:
        raise Malformed(f"{e} is not declared real as a symbol: make it a scalar, a vector or a covariance")
    return "number"


def _sort_of_term(e: Any) -> Sort:
    known = type(e) in (*terms.TERMS, *terms.LAWS, *terms.PROPOSITIONS)
    takes = "n" if isinstance(e, sp.log | sp.exp | sp.Abs) else e.takes if known else ""
    if not takes:
        raise Malformed(f"{e} is not in the language: write exact real numbers (fractions, no floats) and its terms")
    for a, wanted in zip(e.args, takes.replace("i", "n").split(), strict=True):
        if wanted != "-" and sort(a)[0] not in wanted and not (a == 0 and "v" in wanted):  # 0 is a vector too
            raise Malformed(f"{e}: {a} is a {sort(a)}, which does not belong there")
    counted = {terms.SumTo: (2, 3), terms.ProductTo: (2, 3), terms.Coord: (1,), terms.Entry: (1, 2)}
    if not all(e.args[place].is_integer for place in counted.get(type(e), ())):
        raise Malformed(f"{e}: the bounds of a sum, and the places of a coordinate or an entry, must be integers")
    if isinstance(e, terms.Equal) and len({sort(a) for a in e.args if a != 0}) > 1:
        raise Malformed(f"{e} compares a vector with a number")
    if isinstance(e, terms.SameLaw) and e.args[0].variables != e.args[1].variables:
        raise Malformed(f"{e} compares laws of different variables")
    if isinstance(e, terms.Rounded):
        _refuse_other_digits(e)
    if isinstance(e, terms.Gradient) and not issubclass(terms.HEADS.get(e.args[0].name, Law), ScalarFunction):
        raise Malformed(f"{e}: {e.args[0]} is no opaque function with numbers for values, so it has no gradient")
    if isinstance(e, terms.Partial):
        for a in (*e.inputs, *e.directions):
            sort(a)
    if isinstance(e, terms.HeldFixed):
        _refuse_other_constants(e)
    if isinstance(e, terms.LogDet):
        _refuse_other_words(e)
    if isinstance(e, Law):
        return "law"
    if isinstance(e, terms.Transposed):
        if type(e.args[0]) is not terms.LinearMap:
            raise Malformed(f"{e}: only a matrix with a name is transposed as it stands")
        return "matrix"
    if isinstance(e, sp.Expr):
        return "vector" if terms.is_vector(e) else "number"
    return "proposition"


def _refuse_other_digits(e: Any) -> None:
    """A rounded value is shown by its digits alone, so its half-width must be half a unit of the last of them."""
    unit = 2 * e.args[1]
    if not (
        unit > 0 and 1 in (unit.p, unit.q) and str(unit.p * unit.q).strip("0") == "1" and (e.args[0] / unit).q == 1
    ):
        raise Malformed(f"{e} is not a decimal value with half a unit of its last digit")


def _refuse_other_constants(e: Any) -> None:
    """A constant is held at a value of its own sort."""
    for c, value in e.table.items():
        if sort(c) != sort(value):
            raise Malformed(f"{e}: {value} is held fixed, and is a {sort(value)}")


def _refuse_other_words(e: Any) -> None:
    """A determinant of 0 has no logarithm: covariances have an inverse, and sums that are positive definite."""
    for f in sp.Mul.make_args(e.args[0]):
        if not (f.is_commutative or isinstance(f.as_base_exp()[0], Covariance | sp.Add)):
            raise Malformed(f"{e}: {e.args[0]} is no product of covariances, of sums, and of their inverses")


def _sort_of_arithmetic(e: Any) -> Sort:
    sorts = [sort(a) for a in e.args]
    if isinstance(e, sp.Add):
        if set(sorts) == {"number", "matrix"}:  # a number is so many times the identity
            return "matrix"
        if len(set(sorts)) > 1 or not set(sorts) <= {"number", "vector", "matrix"}:
            raise Malformed(f"{e} adds things of different kinds")
        return sorts[0]
    if isinstance(e, sp.Pow):
        base, power = e.args
        if sorts[0] == "vector" or sorts[1] != "number" or (sorts[0] == "matrix" and not power.is_Integer):
            raise Malformed(f"{e}: only numbers have such powers; the square of a vector is Norm2 or Hadamard")
        if sorts[0] == "matrix" and not power.is_positive and not isinstance(base, Covariance | sp.Add):
            raise Malformed(f"{e}: {base} may have no inverse; covariances have one, and positive definite sums")
        return sorts[0]
    other = [s for s in sorts if s != "number"]
    if other.count("vector") > 1 or len(set(other)) > 1 or not set(other) <= {"vector", "matrix"}:
        raise Malformed(f"{e} multiplies vectors, or a vector and a matrix: write Inner, Hadamard or Quadratic")
    return other[0] if other else "number"
