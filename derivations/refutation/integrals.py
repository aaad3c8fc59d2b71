"""Series in a step, derivatives of opaque functions and integrals, as numbers.

A series is read by evaluating its body at a jet, a derivative of a function at its inputs moved by small variables of
their own. An integral is taken exactly where the integrand is a polynomial or the range shrinks with a small variable;
otherwise by Taylor's formula on panels, the remainder bounded by the enclosure of its coefficient on the whole panel.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from derivations.kernel import terms
from derivations.refutation import jets, polynomials
from derivations.refutation.arithmetic import mp
from derivations.refutation.enclosures import between, sign
from derivations.refutation.jets import Jet
from derivations.refutation.polynomials import Exponential, Polynomial
from derivations.refutation.reading import Viewpoint, reads
from derivations.refutation.undefined import Uncomputable, Undefined

SPARE = (5, 14)  # terms beyond the order of a series: quotients by the step cost some
PANELS = (2, 8)
DEGREE = 22  # of the remainder on a panel, even
NODES = 24


@reads(terms.Series)
def _series(e: Any, at: Viewpoint) -> Any:
    body, step, order = e.args
    for spare in SPARE:
        small = jets.variable(int(order) + spare)
        try:
            value = at.bind({step: small}).value(body)
            found = [_whole(value, small.level, k) for k in range(-spare, int(order))]
        except Uncomputable:
            if spare == SPARE[-1]:
                raise
            continue
        if any(_surely_not_zero(c) for c in found[:spare]):
            raise Undefined(f"{body} grows beyond all bounds as {step} tends to 0")
        size, total = at.value(step), found[spare]
        for k, c in enumerate(found[spare + 1 :], 1):
            total = _plus(total, c, size**k)
        return total
    raise Uncomputable(f"the series of {body}")


def _whole(value: Any, level: int, k: int) -> Any:
    return jets.coefficient(value, level, k) if k >= 0 or _reaches(value, level) else Fraction(0)


def _reaches(value: Any, level: int) -> bool:
    """Are there negative powers to be looked at?"""
    return any(_reaches(v, level) for v in value) if isinstance(value, tuple) else isinstance(value, Jet)


def _surely_not_zero(c: Any) -> bool:
    return any(map(_surely_not_zero, c)) if isinstance(c, tuple) else sign(c) in (1, -1)


def _plus(total: Any, c: Any, factor: Any) -> Any:
    if isinstance(total, tuple):
        parts = c if isinstance(c, tuple) else (c,) * len(total)
        return tuple(a + b * factor for a, b in zip(total, parts, strict=True))
    return tuple(total + b * factor for b in c) if isinstance(c, tuple) else total + c * factor


# --- derivatives of opaque functions ----------------------------------------------------------------------------------


@reads(terms.Partial)
def _partial(e: Any, at: Viewpoint) -> Any:
    inputs, levels = [at.value(a) for a in e.inputs], []
    for place, direction in zip(e.places, e.directions, strict=True):
        small = jets.variable(2)
        inputs[int(place) - 1] = _plus(inputs[int(place) - 1], at.value(direction), small)
        levels.append(small.level)
    read = at.world.network if e.vector_valued else at.world.family
    value = read(e.head, *inputs, counted=tuple(bool(a.is_integer) for a in e.inputs))
    for level in reversed(levels):
        value = jets.coefficient(value, level, 1)
    return value


# --- integrals --------------------------------------------------------------------------------------------------------


@reads(terms.IntegralTo)
def _integral(e: Any, at: Viewpoint) -> Any:
    body, symbol, lo, hi = e.args
    low, high = at.value(lo), at.value(hi)
    if at.arithmetic.strict:
        try:
            return _of_polynomial(body, symbol, low, high, at)
        except Uncomputable:
            pass
    width = high - low

    def integrand(share: Any) -> Any:
        return at.bind({symbol: low + width * share}).value(body)

    if isinstance(width, Jet) and width.stripped().low > 0:
        return _shrinking(integrand, width.stripped())
    if not at.arithmetic.strict:
        return _times(_by_nodes(integrand), width)
    for panels in PANELS:
        try:
            return _times(_by_panels(integrand, panels), width)
        except Uncomputable:
            if panels == PANELS[-1]:
                raise
    raise Uncomputable(f"the integral of {body}")


def _times(value: Any, factor: Any) -> Any:
    return tuple(v * factor for v in value) if isinstance(value, tuple) else value * factor


def _of_polynomial(body: Any, symbol: Any, low: Any, high: Any, at: Viewpoint) -> Any:
    """The integral of what is a polynomial in the variable, term by term."""
    mark = polynomials.noise()
    generator = polynomials.generator_of(mark)
    return _between_ends(at.bind({symbol: mark}).value(body), generator, low, high)


def _between_ends(value: Any, generator: int, low: Any, high: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_between_ends(v, generator, low, high) for v in value)
    if isinstance(value, Exponential):
        raise Uncomputable("the integral of an exponential, term by term")
    if isinstance(value, Jet):
        total: Any = Fraction(0)
        for n, c in enumerate(value.coefficients):
            shifted = Jet(value.level, value.low, [Fraction(int(n == m)) for m in range(len(value.coefficients))])
            total = total + _between_ends(c, generator, low, high) * shifted
        return total
    if not isinstance(value, Polynomial):
        return value * (high - low)
    total = Fraction(0)
    for monomial, c in value.terms.items():
        power = dict(monomial).get(generator, 0) + 1
        rest = polynomials.made({tuple(pair for pair in monomial if pair[0] != generator): c})
        total = total + rest * (high**power - low**power) / power
    return total


def _shrinking(integrand: Callable[[Any], Any], width: Jet) -> Any:
    """Over a range that shrinks with a small variable x: the coefficient of x^k is a polynomial in the share.

    Every power of the share comes with one of x, so its degree is k at most, and p more if the integrand has a pole of
    order p in x: a sum over so many equidistant shares is exact.
    """
    for degree in (width.end + 2, 2 * width.end + 12):
        total, lowest = None, 0
        for n, weight in enumerate(_weights(degree)):
            value = integrand(Fraction(n, degree))
            parts = value if isinstance(value, tuple) else (value,)
            lowest = min(lowest, *(v.low if isinstance(v, Jet) and v.level == width.level else 0 for v in parts))
            total = _times(value, weight) if total is None else _plus(total, value, weight)
        if degree + lowest >= width.end:
            return _times(total, width)
    raise Uncomputable("the integral of something with a pole that high")


@cache
def _weights(degree: int) -> tuple[Fraction, ...]:
    """Weights of the values at n/degree, n = 0..degree, in the integral over 0..1 of polynomials of that degree."""
    made = []
    for n in range(degree + 1):
        basis, scale = [Fraction(1)], Fraction(1)  # the product over the other nodes, by powers of the share
        for m in (m for m in range(degree + 1) if m != n):
            node = Fraction(m, degree)
            basis = [a - node * b for a, b in zip([Fraction(0), *basis], [*basis, Fraction(0)], strict=True)]
            scale *= Fraction(n - m, degree)
        made.append(sum((c / (k + 1) for k, c in enumerate(basis)), Fraction(0)) / scale)
    return tuple(made)


def _by_panels(integrand: Callable[[Any], Any], panels: int) -> Any:
    """The integral over the share 0..1, enclosed."""
    radius, total = Fraction(1, 2 * panels), None
    for n in range(panels):
        centre = Fraction(2 * n + 1, 2 * panels)
        small = jets.variable(DEGREE + 1)
        inside = integrand(centre + small)
        around = integrand(between(centre - radius, centre + radius) + small)
        part = None
        for k in range(0, DEGREE + 1, 2):
            c = jets.coefficient(around if k == DEGREE else inside, small.level, k)
            weight = 2 * radius ** (k + 1) / (k + 1)
            part = _times(c, weight) if part is None else _plus(part, c, weight)
        total = part if total is None else _plus(total, part, Fraction(1))
    return total


@cache
def _nodes() -> list[tuple[Any, Any]]:
    """Nodes and weights of Gauss and Legendre on 0..1."""
    from sympy.integrals.quadrature import gauss_legendre

    places, weights = gauss_legendre(NODES, 34)
    return [((1 + mp.mpf(str(x))) / 2, mp.mpf(str(w)) / 2) for x, w in zip(places, weights, strict=True)]


def _by_nodes(integrand: Callable[[Any], Any]) -> Any:
    total = None
    for place, weight in _nodes():
        value = integrand(place)
        total = _times(value, weight) if total is None else _plus(total, value, weight)
    return total
