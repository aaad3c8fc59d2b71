"""Numbers that depend on standard normal noises and on infinitesimals: polynomials with exact or enclosed coefficients.

A noise is a generator of which the moments are known, so an average over normal laws is taken term by term, without any
quadrature. An infinitesimal has the square zero, so the coefficient of one is a derivative, without any difference
quotient. What is no polynomial (a logarithm of a noise, a quotient by one) is `Uncomputable`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from derivations.refutation import enclosures
from derivations.refutation.enclosures import Enclosure, sign
from derivations.refutation.jets import Jet
from derivations.refutation.undefined import Uncomputable, Undefined

Monomial = tuple[tuple[int, int], ...]  # (generator, power), by generator; infinitesimals are negative
MOST_TERMS = 4000  # of one polynomial
_counter = itertools.count(1)


class Polynomial:
    """A polynomial in generators; `terms` are its monomials with their coefficients."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Any]) -> None:
        self.terms = terms

    def __repr__(self) -> str:
        return " + ".join(f"{c}*{m}" for m, c in self.terms.items())

    def __float__(self) -> float:
        """What it is where all generators are 0: how large it is, where they are infinitesimals."""
        return float(self.terms.get((), 0))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Exponential | Jet):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, c in _terms(other).items():
            terms[monomial] = terms[monomial] + c if monomial in terms else c
        return made(terms)

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + (-1) * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Exponential | Jet):
            return NotImplemented
        if not isinstance(other, Polynomial):
            return made({m: c * other for m, c in self.terms.items()})
        terms: dict[Monomial, Any] = {}
        for (m, c), (n, k) in itertools.product(self.terms.items(), other.terms.items()):
            product = _times(m, n)
            if product is not None:
                terms[product] = terms[product] + c * k if product in terms else c * k
        if len(terms) > MOST_TERMS:
            raise Uncomputable(f"a polynomial of more than {MOST_TERMS} terms")
        return made(terms)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (other.reciprocal() if isinstance(other, Jet) else reciprocal(other))

    def __rtruediv__(self, other: Any) -> Any:
        return other * reciprocal(self)

    def __pow__(self, n: int) -> Any:
        result: Any = Fraction(1)
        for _ in range(abs(n)):
            result = result * self
        return reciprocal(result) if n < 0 else result


class Exponential:
    """A sum of polynomials times exponentials of polynomials, as (factor, exponent)."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[tuple[Any, Polynomial]]) -> None:
        self.parts = parts

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Jet):
            return NotImplemented
        if not isinstance(other, Exponential):
            if not isinstance(other, Polynomial) and sign(other) == 0:
                return self
            return Exponential([*self.parts, (other, Polynomial({}))])
        return Exponential([*self.parts, *other.parts])

    __radd__ = __add__

    def __neg__(self) -> Exponential:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + (-1) * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Jet):
            return NotImplemented
        if not isinstance(other, Exponential):
            return Exponential([(factor * other, exponent) for factor, exponent in self.parts])
        pairs = itertools.product(self.parts, other.parts)
        return Exponential([(f * g, Polynomial(_terms(e + h))) for (f, e), (g, h) in pairs])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (other.reciprocal() if isinstance(other, Jet) else reciprocal(other))

    def __rtruediv__(self, other: Any) -> Any:
        return other * reciprocal(self)

    def __pow__(self, n: int) -> Any:
        result: Any = Fraction(1)
        for _ in range(abs(n)):
            result = self * result
        return reciprocal(result) if n < 0 else result


@lru_cache(maxsize=1 << 16)
def _times(m: Monomial, n: Monomial) -> Monomial | None:
    """The product of two monomials; None when an infinitesimal would be squared."""
    powers = dict(m)
    for generator, p in n:
        if generator in powers and generator < 0:
            return None
        powers[generator] = powers.get(generator, 0) + p
    return tuple(sorted(powers.items()))


def _terms(value: Any) -> dict[Monomial, Any]:
    if isinstance(value, Polynomial):
        return value.terms
    return {} if not isinstance(value, Enclosure) and value == 0 else {(): value}


def made(terms: dict[Monomial, Any]) -> Any:
    """The polynomial with these terms, or the number that it is."""
    kept = {m: c for m, c in terms.items() if isinstance(c, Enclosure) or c != 0}
    if not kept:
        return Fraction(0)
    return kept[()] if len(kept) == 1 and () in kept else Polynomial(kept)


def noise() -> Polynomial:
    """A new standard normal number, independent of all others."""
    return Polynomial({((next(_counter), 1),): Fraction(1)})


def infinitesimal() -> Polynomial:
    """A new number whose square is zero."""
    return Polynomial({((-next(_counter), 1),): Fraction(1)})


def generator_of(value: Polynomial) -> int:
    ((monomial, _),) = value.terms.items()
    return monomial[0][0]


def is_random(value: Any) -> bool:
    """True for what depends on a noise."""
    if isinstance(value, Exponential):
        return True
    return isinstance(value, Polynomial) and any(g > 0 for m in value.terms for g, _ in m)


def slope(value: Any, small: Polynomial) -> Any:
    """The coefficient of an infinitesimal: the derivative of the value by it."""
    if isinstance(value, tuple):
        return tuple(slope(v, small) for v in value)
    if isinstance(value, Jet):
        return value.map(lambda c: slope(c, small))
    if isinstance(value, Exponential):
        return Exponential([(slope(factor, small), exponent) for factor, exponent in value.parts])
    which = (generator_of(small), 1)
    return made({tuple(g for g in m if g != which): c for m, c in _terms(value).items() if which in m})


# --- functions of one number ------------------------------------------------------------------------------------------


def _split(value: Polynomial) -> tuple[Any, Any]:
    """(what is free of infinitesimals, the rest)."""
    rest = {m: c for m, c in value.terms.items() if any(g < 0 for g, _ in m)}
    return made({m: c for m, c in value.terms.items() if m not in rest}), made(rest)


def _smooth(value: Any, what: str, derivatives: Callable[[Any], Iterable[Any]]) -> Any:
    """f(value) by Taylor's formula, which ends where infinitesimals do; `derivatives(a)` are f(a), f'(a), ..."""
    if isinstance(value, Exponential):
        raise Uncomputable(f"{what} of a random exponential")
    if not isinstance(value, Polynomial):
        return next(iter(derivatives(value)))
    centre, rest = _split(value)
    if is_random(centre) or is_random(rest):
        raise Uncomputable(f"{what} of a random number")
    total, factor = Fraction(0), Fraction(1)
    for n, derivative in enumerate(derivatives(centre)):
        total, factor = total + derivative * factor, factor * rest / (n + 1)
        if not isinstance(factor, Polynomial) and sign(factor) == 0:
            return total
    raise Uncomputable(f"{what} of a sum of that many infinitesimals")


def reciprocal(value: Any) -> Any:
    if isinstance(value, Exponential) and len(value.parts) == 1:
        ((factor, exponent),) = value.parts
        return Exponential([(reciprocal(factor), -exponent)])
    return power(Fraction(value) if isinstance(value, int) else value, Fraction(-1))


def power(base: Any, exponent: Any) -> Any:
    """A real power; of a random number only one that is whole and positive."""
    if isinstance(exponent, Polynomial | Exponential):
        return exp(exponent * log(base))
    if isinstance(base, Polynomial | Exponential) and exponent.denominator == 1 and exponent >= 0:
        if exponent > 64:
            raise Uncomputable("a power of a random number that high")
        return base ** int(exponent)
    if isinstance(base, Exponential) and exponent == -1:
        return reciprocal(base)

    def derivatives(a: Any) -> Iterable[Any]:
        factor = Fraction(1)
        for n in itertools.count():
            yield factor * enclosures.power(a, exponent - n) if factor else Fraction(0)
            factor = factor * (exponent - n)

    return _smooth(base, "a power", derivatives)


def log(value: Any) -> Any:
    if isinstance(value, Exponential) and len(value.parts) == 1:
        ((factor, exponent),) = value.parts
        return log(factor) + exponent

    def derivatives(a: Any) -> Iterable[Any]:
        yield enclosures.log(a)
        term = 1 / a
        for n in itertools.count(1):
            yield term
            term = -n * term / a

    return _smooth(value, "the log", derivatives)


def exp(value: Any) -> Any:
    if isinstance(value, Polynomial) and is_random(value):
        centre, rest = _split(value)
        factor, series = Fraction(1), Fraction(1)
        for n in itertools.count(1):
            factor = factor * rest / n
            if not isinstance(factor, Polynomial) and sign(factor) == 0:
                break
            series = series + factor
        if not is_random(centre):
            return enclosures.exp(centre) * series
        return Exponential([(series, centre)])
    return _smooth(value, "the exponential", lambda a: itertools.repeat(enclosures.exp(a)))


def absolute(value: Any) -> Any:
    if isinstance(value, Exponential) or is_random(value):
        raise Uncomputable("the absolute value of a random number")
    centre = _split(value)[0] if isinstance(value, Polynomial) else value
    kind = sign(centre)
    if not isinstance(value, Polynomial):
        return abs(value)
    if kind == 0:
        raise Undefined("the derivative of an absolute value at 0")
    if kind is None:
        raise Uncomputable("the derivative of an absolute value near 0")
    return value * kind


# --- averages ---------------------------------------------------------------------------------------------------------


def average(value: Any, noises: frozenset[int]) -> Any:
    """The mean over these noises, each standard normal and independent of all else."""
    if isinstance(value, tuple):
        return tuple(average(v, noises) for v in value)
    if isinstance(value, Exponential):
        total: Any = Fraction(0)
        for factor, exponent in value.parts:
            total = total + _tilted(factor, exponent, noises)
        return total
    if not isinstance(value, Polynomial):
        return value
    terms: dict[Monomial, Any] = {}
    for monomial, c in value.terms.items():
        weight, kept = 1, []
        for generator, p in monomial:
            if generator in noises:
                weight *= 0 if p % 2 else _double_factorial(p - 1)
            else:
                kept.append((generator, p))
        if weight:
            key = tuple(kept)
            terms[key] = terms[key] + c * weight if key in terms else c * weight
    return made(terms)


def _double_factorial(n: int) -> int:
    return 1 if n <= 1 else n * _double_factorial(n - 2)


def _tilted(factor: Any, exponent: Polynomial, noises: frozenset[int]) -> Any:
    """E factor * exp(exponent) for an exponent that is quadratic in the noises: completing the square."""
    present = sorted({g for m in exponent.terms for g, _ in m if g in noises})
    curvature = {(g, h): Fraction(int(g == h)) for g in present for h in present}
    linear: dict[int, Any] = dict.fromkeys(present, Fraction(0))
    constant: Any = Fraction(0)
    for monomial, c in exponent.terms.items():
        mine = [g for g, p in monomial for _ in range(p) if g in noises]
        rest = made({tuple(x for x in monomial if x[0] not in noises): c})
        if not mine:
            constant = constant + rest
        elif len(mine) == 1:
            linear[mine[0]] = linear[mine[0]] + rest
        elif len(mine) == 2 and not isinstance(rest, Polynomial):
            for pair in {tuple(mine), tuple(reversed(mine))}:
                g, h = pair
                curvature[g, h] = curvature[g, h] - rest * (2 if g == h else 1)
        else:
            raise Uncomputable("the average of an exponential that is not quadratic in its exponent")
    replaced = {}
    for g in present:  # integrate one noise after another: exp(-k u^2/2 + b u) becomes exp(b^2/2k) / sqrt(k)
        k, b = curvature[g, g], linear[g]
        if (kind := sign(k)) != 1:
            infinite = kind is not None
            raise (Undefined if infinite else Uncomputable)("the average of this exponential is infinite")
        later = [h for h in present if h > g]
        replaced[g] = (k, b, [(h, curvature[g, h]) for h in later])
        factor = factor * (1 / enclosures.sqrt(k))
        constant = constant + b * b / (2 * k)
        for h in later:
            linear[h] = linear[h] - b * curvature[g, h] / k
            for other in later:
                curvature[h, other] = curvature[h, other] - curvature[g, h] * curvature[g, other] / k
    factor = average(_substituted(factor, replaced), noises)
    return factor * exp(constant)


def _substituted(factor: Any, replaced: dict[int, Any]) -> Any:
    """The factor with each tilted noise g replaced by its mean given the later ones, plus what is left of it."""
    if not isinstance(factor, Polynomial):
        return factor
    values: dict[int, Any] = {}
    for g, (k, b, later) in sorted(replaced.items(), reverse=True):
        shift = b
        for h, slope_of_h in later:
            shift = shift - slope_of_h * values[h]
        values[g] = shift / k + (1 / enclosures.sqrt(k)) * Polynomial({((g, 1),): Fraction(1)})
    total: Any = Fraction(0)
    for monomial, c in factor.terms.items():
        term = c
        for g, p in monomial:
            base = values.get(g, Polynomial({((g, 1),): Fraction(1)}))
            for _ in range(p):
                term = term * base
        total = total + term
    return total
