"""Which means are finite, which may be infinite, and which may not exist.

A mean of a polynomial of a Gaussian variable is finite, and so is the divergence between two Gaussians. A mean of
something non-negative, and any divergence, has a value in [0, oo]. Of every other mean nothing is known, unless the
hypothesis `integrable` says that it is finite. Nothing that may be infinite is subtracted, multiplied by what may be 0,
or put under a function.
"""

from __future__ import annotations

from typing import Any, Literal

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.dependence import enter, is_member, may_touch
from derivations.kernel.domain import Domain
from derivations.kernel.terms import KL, Averaging, Density, Expect, SumTo

# A value in R, in (-oo, oo], in [-oo, oo), or none that is known to exist.
Extent = Literal["finite", "up", "down", "unknown"]
GAUSSIAN = (terms.Normal, terms.DiagonalNormal, terms.FullNormal)
LINEAR = (terms.Inner, terms.Norm2, terms.Coord, terms.Hadamard, terms.Quadratic, terms.Apply)


def extent(e: Any, domain: Domain, dominated: object = False) -> Extent:
    """Where the value of e lies. Nothing is assumed of means, but, if `dominated`, of those that are differentiated."""
    if not e.has(Averaging) or (dominated and _is_differentiated(e)):
        return "finite"
    if isinstance(e, Averaging):
        return _extent_of_mean(e, domain)
    if isinstance(e, sp.Add):
        return _together(extent(a, domain, dominated) for a in e.args)
    if isinstance(e, sp.Mul):
        return _extent_of_product(e, domain, dominated)
    if isinstance(e, SumTo):
        inside = enter(e, domain)
        return extent(inside.args[0], inside.domains[0], dominated)
    if isinstance(e, terms.Equal | terms.AtMost):
        return "unknown" if "unknown" in [extent(a, domain, dominated) for a in e.args] else "up"
    inside = enter(e, domain)
    known = zip(inside.args, inside.domains, strict=True)
    return "finite" if all(extent(a, where, dominated) == "finite" for a, where in known) else "unknown"


def _is_differentiated(e: Any) -> bool:
    """A derivative of a mean, or the mean of a derivative: dominated derivatives have finite means."""
    kinds = (terms.D, *terms.FIELDS)
    return isinstance(e, kinds) or (isinstance(e, Expect) and isinstance(e.args[1], kinds))


def _together(parts: Any) -> Extent:
    """A sum of values: oo + 1 is oo, and oo - oo is nothing."""
    found = set(parts) - {"finite"}
    return "finite" if not found else found.pop() if len(found) == 1 else "unknown"


def _extent_of_product(e: Any, domain: Domain, dominated: object) -> Extent:
    unbounded = [a for a in e.args if extent(a, domain, dominated) != "finite"]
    if not unbounded:
        return "finite"
    kind = extent(unbounded[0], domain, dominated)
    sign = sign_of(sp.Mul(*[a for a in e.args if a is not unbounded[0]]), domain)
    if len(unbounded) > 1 or kind == "unknown" or sign not in ("+", "-"):
        return "unknown"
    return kind if sign == "+" else "down" if kind == "up" else "up"


def _extent_of_mean(e: Any, domain: Domain) -> Extent:
    if is_polynomial_mean(e) or _is_mean_density(e, domain):
        return "finite"
    if isinstance(e, KL):
        return "up"
    if isinstance(e, Expect) and not terms.is_vector(e.args[1]):
        inside = enter(e, domain)
        body, where = inside.args[1], inside.domains[1]
        if extent(body, where) == "unknown":  # there may be nothing to average
            return "unknown"
        if is_nonnegative(body, where):
            return "up"
        if is_nonnegative(-body, where):
            return "down"
    return "unknown"


def _is_mean_density(e: Any, domain: Domain) -> bool:
    """The mean of a density of other variables, which is a density of them, or of a Gaussian one, which is bounded."""
    if not (
        isinstance(e, Expect) and isinstance(e.args[1], sp.exp) and isinstance(e.args[1].args[0], terms.LogDensity)
    ):
        return False
    law, inner = e.args[0], e.args[1].args[0].args[0]
    if isinstance(inner, GAUSSIAN):
        spread = inner.args[3 if isinstance(inner, terms.DiagonalNormal) else 2 :]
        return not may_touch(sp.Tuple(*spread), law.variables)
    conditions = sp.Tuple(*law.args[2 if isinstance(law, Density) else 1 :])
    apart = not any(is_member(v, law.variables, domain) is not False for v in inner.variables)
    return apart and not may_touch(conditions, inner.variables, domain)


def sign_of(e: Any, domain: Domain) -> str | None:
    try:
        return Algebra(domain).sign(e)
    except OutsideFragment:
        return None


def is_nonnegative(e: Any, domain: Domain) -> bool:
    """Is e >= 0, perhaps infinite, wherever it is looked at?"""
    if isinstance(e, terms.Norm2 | terms.Variance | sp.exp):
        return True
    if isinstance(e, KL):
        return True
    if isinstance(e, Expect | SumTo):
        place = 1 if isinstance(e, Expect) else 0
        inside = enter(e, domain)
        return not terms.is_vector(inside.args[place]) and is_nonnegative(inside.args[place], inside.domains[place])
    if isinstance(e, sp.Add):
        return all(is_nonnegative(a, domain) for a in e.args) or sign_of(e, domain) in ("+", "0+", "0")
    if isinstance(e, sp.Mul):
        rest = [a for a in e.args if not is_nonnegative(a, domain)]
        return not rest or (rest != list(e.args) and is_nonnegative(sp.Mul(*rest), domain))
    return sign_of(e, domain) in ("+", "0+", "0")


# --- polynomials of Gaussian variables --------------------------------------------------------------------------------


def is_polynomial_mean(e: Any) -> bool:
    """A mean over a law of known form, of a polynomial in its variable: finite, and smooth in the law's parameters."""
    if isinstance(e, KL):
        gaussian = all(isinstance(law, (*GAUSSIAN, terms.AffineImage)) for law in e.args)
        return (gaussian or all(isinstance(law, terms.BernoulliProduct) for law in e.args)) and not _depends_twice(e)
    law = e.args[0]
    if isinstance(law, Density) or law.has(Averaging):
        return False
    if isinstance(law, terms.BernoulliProduct):
        return not e.args[-1].has(Averaging) if isinstance(e, Expect) else True
    return not isinstance(e, Expect) or _is_polynomial(e.args[1], law.variables)


def _depends_twice(e: Any) -> bool:
    return any(law.has(Averaging) for law in e.args)


def _is_polynomial(e: Any, variables: Any) -> bool:
    """A polynomial in the variables, its coefficients anything else that is finite."""
    if not may_touch(e, variables):
        return not e.has(Averaging) or all(is_polynomial_mean(a) for a in e.atoms(Averaging))
    if isinstance(e, (sp.Add, sp.Mul, *LINEAR, *terms.FIELDS)):
        return all(_is_polynomial(a, variables) for a in e.args)
    if isinstance(e, terms.VectorSymbol | terms.VectorFunction):
        return e in variables
    if isinstance(e, sp.Pow):
        return bool(e.args[1].is_Integer and e.args[1] > 0) and _is_polynomial(e.args[0], variables)
    if isinstance(e, SumTo):
        return _is_polynomial(e.args[0], variables)
    if isinstance(e, terms.LogDensity | sp.exp):
        law = e.args[0].args[0] if isinstance(e, sp.exp) and isinstance(e.args[0], terms.LogDensity) else e.args[0]
        at_place = isinstance(e, sp.exp) or _is_polynomial(law.args[0], variables)  # a density is bounded anywhere
        return isinstance(law, GAUSSIAN) and at_place and _is_gaussian_in(law, variables)
    if isinstance(e, Expect):
        law = e.args[0]
        return (
            isinstance(law, GAUSSIAN)
            and _is_gaussian_in(law, variables)
            and _is_polynomial(e.args[1], sp.Tuple(*variables, *law.variables))
        )
    return False


def _is_gaussian_in(law: Any, variables: Any) -> bool:
    """The law's mean is a polynomial in the variables, and its spread does not depend on them."""
    first = 2 if isinstance(law, terms.DiagonalNormal) else 1
    return _is_polynomial(law.args[first], variables) and not may_touch(sp.Tuple(*law.args[first + 1 :]), variables)


def refuse_infinite(e: Any, domain: Domain, what: str) -> None:
    if extent(e, domain) != "finite":
        raise OutsideFragment(f"{what} may be infinite: declare the hypothesis 'integrable'")
