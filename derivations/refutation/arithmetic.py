"""The two ways in which a world calculates: with enclosures, where something is to be judged, or with 30-digit floats.

Enclosures are exact or bounded, and average normal noises as polynomials. Floats serve the witnesses, which compare a
statement's value with another method's and bring functions of their own: there an average is a Gauss-Hermite sum, exact
for polynomials of low degree and an approximation for all else. No verdict rests on a float.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Protocol

import mpmath
import sympy as sp

from derivations.refutation import enclosures, jets, polynomials
from derivations.refutation.enclosures import sign
from derivations.refutation.jets import Jet
from derivations.refutation.polynomials import Exponential, Polynomial
from derivations.refutation.undefined import Undefined

mp = mpmath.mp.clone()
mp.dps = 30


@lru_cache(maxsize=4096)
def fraction(value: Any) -> Fraction:
    """An exact rational number of SymPy, or a string of digits, as a fraction."""
    q = sp.Rational(value)
    return Fraction(int(q.p), int(q.q))


def number(value: Any) -> Any:
    """A number of any kind as a 30-digit float."""
    if type(value) is mp.mpf or isinstance(value, Jet):
        return value
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    if isinstance(value, sp.Basic):
        return _constant(value)
    return mp.mpf(value)


@lru_cache(maxsize=4096)
def _constant(value: Any) -> Any:
    return number(fraction(value))


class Arithmetic(Protocol):
    """What a world needs to calculate with one kind of number."""

    strict: bool

    def number(self, value: Any) -> Any: ...
    def pi(self) -> Any: ...
    def euler(self) -> Any: ...
    def exp(self, value: Any) -> Any: ...
    def log(self, value: Any) -> Any: ...
    def power(self, base: Any, exponent: Any) -> Any: ...
    def absolute(self, value: Any) -> Any: ...
    def noises(self, n: int) -> Iterator[tuple[Any, tuple[Any, ...]]]: ...
    def average(self, value: Any, noises: Iterable[Any]) -> Any: ...


class Enclosing:
    """Fractions, enclosures and polynomials of noises: every value is exact, or bounded on both sides."""

    strict = True
    pi = staticmethod(enclosures.pi)
    euler = staticmethod(enclosures.euler)
    exp = staticmethod(jets.lifted_exp(polynomials.exp))
    log = staticmethod(jets.lifted_log(polynomials.log))
    power = staticmethod(jets.lifted_power(polynomials.power, polynomials.exp, polynomials.log))
    absolute = staticmethod(jets.lifted_absolute(polynomials.absolute))

    @staticmethod
    def number(value: Any) -> Any:
        if isinstance(value, Polynomial | Exponential | Jet):
            return value
        return fraction(value) if isinstance(value, sp.Basic) else enclosures.exactly(value)

    @staticmethod
    def noises(n: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        yield Fraction(1), tuple(polynomials.noise() for _ in range(n))

    @staticmethod
    def average(value: Any, noises: Iterable[Any]) -> Any:
        drawn = frozenset(map(polynomials.generator_of, noises))
        return polynomials.average(value, drawn) if drawn else value


def _log(value: Any) -> Any:
    if value <= 0:
        raise Undefined(f"log of {mp.nstr(number(value), 6)}")
    return mp.log(number(value))


def _power(base: Any, exponent: Any) -> Any:
    if exponent == int(exponent):
        if base == 0 and exponent < 0:
            raise Undefined("division by zero")
        return base ** int(exponent)
    if base < 0 or (base == 0 and exponent < 0):
        raise Undefined(f"{mp.nstr(base, 6)} under a root")
    return base**exponent


class Floating:
    """30-digit floats."""

    strict = False
    number = staticmethod(number)
    exp = staticmethod(jets.lifted_exp(lambda value: mp.exp(number(value))))
    absolute = staticmethod(jets.lifted_absolute(abs))

    @staticmethod
    def pi() -> Any:
        return +mp.pi

    @staticmethod
    def euler() -> Any:
        return +mp.e

    log = staticmethod(jets.lifted_log(_log))
    power = staticmethod(jets.lifted_power(_power, lambda value: mp.exp(number(value)), _log))

    @staticmethod
    def noises(n: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        return hermite_grid(n)

    @staticmethod
    def average(value: Any, noises: Iterable[Any]) -> Any:
        return value


ENCLOSING, FLOATING = Enclosing(), Floating()


@cache
def hermite(n: int = 9) -> tuple[tuple[Any, Any], ...]:
    """Nodes and weights of E f(e), e ~ N(0, 1), exact for polynomials of degree 2n - 1."""
    rows = mp.matrix(n, n)
    for i in range(1, n):
        rows[i, i - 1] = rows[i - 1, i] = mp.sqrt(i)
    values, vectors = mp.eigsy(rows)
    return tuple((vectors[0, i] ** 2, values[i]) for i in range(n))


def hermite_grid(dimensions: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """(weight, noises) of a sum that is exact for polynomials of degree 17 in one dimension, 5 in more."""
    points = hermite(9 if dimensions == 1 else 3)
    for combination in itertools.product(points, repeat=dimensions):
        yield mp.fprod(w for w, _ in combination), tuple(e for _, e in combination)


def close(a: Any, b: Any) -> bool:
    """Equal up to the rounding of 30-digit floats (differences are taken relative to the larger side)."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        a, b = (v if isinstance(v, tuple) else (v,) * len(o) for v, o in ((a, b), (b, a)))
        return len(a) == len(b) and all(close(u, v) for u, v in zip(a, b, strict=True))
    return bool(abs(a - b) <= mp.mpf(10) ** -14 * max(1, abs(a), abs(b)))


def surely(relation: str, left: Any, right: Any) -> bool | None:
    """Whether left relation right, for numbers, vectors or truth values: True, False, or None when bounds do not tell.

    An equation is True when the enclosures meet and are narrow: what is beyond their width, nobody sees.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left == right
    if isinstance(left, tuple) or isinstance(right, tuple):
        left, right = (v if isinstance(v, tuple) else (v,) * len(o) for v, o in ((left, right), (right, left)))
        told = [surely(relation, a, b) for a, b in zip(left, right, strict=True)]
        return False if False in told else None if None in told else True
    if polynomials.is_random(left) or polynomials.is_random(right):
        return _same_polynomial(left, right) if relation == "=" else None
    if relation in (">", ">="):
        left, right, relation = right, left, "<" if relation == ">" else "<="
    kind = sign(right - left)
    if relation == "=":
        return False if kind else True if kind == 0 or _both_known(left, right) else None
    if kind is None:
        return True if relation == "<=" and _both_known(left, right) else None
    return kind > 0 or (kind == 0 and relation == "<=")


def _both_known(left: Any, right: Any) -> bool:
    return enclosures.known_well(left) and enclosures.known_well(right)


def _same_polynomial(left: Any, right: Any) -> bool | None:
    if isinstance(left, Exponential) or isinstance(right, Exponential):
        return None
    rest = left - right
    told = [sign(c) for c in rest.terms.values()] if isinstance(rest, Polynomial) else [sign(rest)]
    return False if any(told) else True if all(k == 0 for k in told) or _narrow(rest) else None


def _narrow(rest: Any) -> bool:
    parts = rest.terms.values() if isinstance(rest, Polynomial) else [rest]
    return all(not isinstance(c, enclosures.Enclosure) or c.width < 2.0**-60 for c in parts)
