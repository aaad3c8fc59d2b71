"""What both printers share: names, the order of terms and factors, digits, densities under an exponential."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sympy as sp
from sympy.printing.precedence import PRECEDENCE

from derivations.kernel import terms

RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "iff": r"\iff", "": ""}
RELATIONS_TEXT = {"=": "=", "<=": "≤", ">=": "≥", "<": "<", ">": ">", "iff": "⟺", "": ""}
OWN = (terms.VectorFunction, terms.ScalarFunction, terms.DefinedFunction)
LAST = (terms.Norm2, terms.Inner, terms.Expect, terms.KL, terms.SumTo, terms.IntegralTo, sp.log)
SUMS = (terms.SumTo, terms.ProductTo, terms.IntegralTo, terms.Expect)
BIG = (*SUMS, terms.D, terms.At, *terms.FIELDS)  # these run on to their right
RUNNING = (sp.Mul, sp.Pow, *BIG)  # what an operator in front would take for its own in part only
LOOSE = (terms.D, terms.At, terms.Ratio, terms.Quadratic, *terms.FIELDS)  # in brackets as factors of a line of text
POWERS = (*LOOSE, terms.LogDensity, terms.LogDet, terms.Norm2, terms.SumTo, terms.ProductTo, terms.IntegralTo)


def needs_brackets(e: Any, level: int) -> bool:
    """Would what stands around e, of this precedence, be read as a part of it?"""
    return isinstance(e, POWERS if level >= PRECEDENCE["Pow"] else LOOSE) and level >= PRECEDENCE["Mul"]


def bare_name(name: Any) -> str:
    return terms.LATEX.get(str(name), str(name))


def whole_vectors(e: Any, index: Any) -> Any:
    """mu_i as mu: what a law says of each coordinate, shown as it says it of the vector."""
    return e.xreplace({c: c.args[0] for c in e.atoms(terms.Coord) if c.args[1] == index})


class Identity(sp.Symbol):
    """What a number that is added to a matrix is so many times of; only printed."""

    is_commutative = False


def with_identity(e: Any) -> Any:
    """A sum of matrices and numbers, which are so many times the identity."""
    numbers = sp.Add(*[a for a in e.args if a.is_commutative])
    unit = Identity("identity", commutative=False)
    parts = [numbers * unit] if numbers != 0 else []
    return sp.Add(*[a for a in e.args if not a.is_commutative], *parts, evaluate=False)


def one_root(product: Any) -> Any:
    """sqrt(2) sqrt(pi) as sqrt(2 pi): SymPy splits the roots of numbers."""
    half = sp.Rational(1, 2)
    roots = [a for a in product.args if isinstance(a, sp.Pow) and a.args[1] == half and a.args[0].is_number]
    if len(roots) < 2:
        return product
    inside = sp.Mul(*[a.args[0] for a in roots])
    rest = [a for a in product.args if a not in roots]
    root = sp.Pow(inside, half, evaluate=False)
    return sp.Mul(root, *rest, evaluate=False) if rest else root


def positive_first(summands: list[Any]) -> list[Any]:
    """The terms of a sum in the printer's order, those with a minus sign last: z - mu, not -mu + z."""
    return sorted(summands, key=lambda a: bool(a.could_extract_minus_sign()))


def decimal(e: Any) -> str:
    """A rounded value with exactly the digits it claims."""
    centre, radius = (sp.Rational(a) for a in e.args)
    digits = max(1, int(sp.floor(sp.log(abs(centre) / (2 * radius), 10))) + 1) if centre else 1
    unit = int(sp.floor(sp.log(2 * radius, 10)))
    if unit > 0:
        return f"{int(centre / 10**unit)}e{unit}"
    places = -unit
    if places <= 6:
        return f"{Decimal(int(sp.Integer(sp.floor(centre * 10**places + sp.Rational(1, 2))))).scaleb(-places):f}"
    return f"{Decimal(int(centre.p)) / Decimal(int(centre.q)):.{digits - 1}e}".replace("e-0", "e-")


def primes(e: Any) -> int | None:
    """How often a function of one number is differentiated; None for what is no such derivative."""
    plain = len(e.inputs) == 1 and all(v == 1 for v in e.directions) and not terms.is_vector(e.inputs[0])
    return len(e.places) if plain else None


def written_stops(e: Any) -> Any:
    """What a derivative holds fixed, where it stands in it."""
    return e.args[0].xreplace({c: terms.StopGradient(value) for c, value in e.table.items()})


def is_name(e: Any) -> bool:
    return isinstance(e, terms.DefinedFunction) and not e.notation


def vector_last(product: Any) -> tuple[Any, Any] | None:
    """(coefficient, vector or average) of a product that reads better with the coefficient in front; else None."""

    def is_last(factor: Any) -> bool:
        whole = factor.args if isinstance(factor, sp.Add) else (factor,)
        return any(terms.is_vector(a) or isinstance(a, LAST) or is_name(a) for a in whole)

    last = [a for a in product.args if is_last(a)]
    if len(last) != 1:
        return None
    coefficient = sp.Mul(*[a for a in product.args if a is not last[0]])
    if sp.fraction(coefficient)[0].is_Integer or coefficient.could_extract_minus_sign():
        return None
    return coefficient, last[0]


def densities(exponent: Any) -> tuple[list[Any], list[Any]] | None:
    """(laws multiplied, laws divided by) when the exponent is a sum of log-densities, or of sums of them; else None."""
    above: list[Any] = []
    below: list[Any] = []
    for term in sp.Add.make_args(exponent):
        sign, factor = term.as_coeff_Mul()
        if isinstance(factor, terms.SumTo) and densities(factor.args[0]) is not None and abs(sign) == 1:
            (above if sign > 0 else below).append(factor)
        elif isinstance(factor, terms.LogDensity) and abs(sign) == 1:
            (above if sign > 0 else below).append(factor.args[0])
        else:
            return None
    return above, below
