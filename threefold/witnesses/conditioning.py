"""How far rounding moves a stated expression: the size that a numeric comparison's error is relative to.

The expression is walked with its inputs as float64 numbers, each with the error that one rounding of it, and of every
operation on the way, can make: a first-order running error analysis (Wilkinson 1963; Higham 2002, section 3.3), in
units of the unit roundoff. Terms that cancel, a logarithm of something small, the inverse of an ill-conditioned matrix
raise it; nobody types it. Where the walk ends (a value of a network, the log-density of a table) one rounding counts.

1 - alpha_t and 1 - abar_t count as known to their last digit: whoever computes with schedules keeps them so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from derivations.kernel import terms
from derivations.refutation.averages import places_of
from derivations.refutation.laws import mp
from derivations.refutation.matrices import Matrix
from derivations.refutation.reading import Viewpoint, unfolded
from derivations.refutation.undefined import Undefined
from derivations.refutation.worlds import World

UNIT = 2.0**-53
Pair = tuple[Any, Any]  # a value and the error of it in units of the roundoff: two floats, or two tuples of floats


def size(expression: Any, world: World) -> Any:
    """The running error of an expression in units of the unit roundoff, at least |value|: a float, or an array.

    A proposition has none: it is 0.
    """
    if not isinstance(expression, sp.Expr):
        return 0.0
    _, error = _pair(sp.sympify(expression), Viewpoint(world, {}))
    return np.array(error) if isinstance(error, tuple) else error


def _pair(e: Any, at: Viewpoint) -> Pair:
    if isinstance(e, sp.Rational):
        return _number(e), abs(_number(e))
    home = at.home(e)
    pair: Pair | None = home.errors.get(e)
    if pair is None:
        pair = home.errors[e] = _walk_of(e.__class__)(e, home)
    return pair


@cache
def _walk_of(kind: type) -> Callable[[Any, Viewpoint], Pair]:
    return next((walk for known, walk in WALKS if issubclass(kind, known)), _leaf)


@lru_cache(maxsize=4096)
def _number(e: Any) -> float:
    return float(e)


def _leaf(e: Any, at: Viewpoint) -> Pair:
    value = at.value(e)
    if isinstance(value, tuple):
        floats = tuple(float(v) for v in value)
        return floats, tuple(map(abs, floats))
    if isinstance(value, Matrix):
        raise Undefined(f"{e} is a matrix: its error is counted where it is used")
    return float(value), abs(float(value))


def _network(e: Any, at: Viewpoint) -> Pair:
    """A network of degree two, computed in float64: a rounding of the value, the inputs and their squares."""
    values, errors = _leaf(e, at)
    if len(e.args) == 1 and e.args[0].is_integer:
        return values, errors  # a member x(t) of the chain
    inputs = [float(abs(v)) for a in e.args for v in np.atleast_1d(_pair(a, at)[0])]
    largest = max(inputs, default=0.0)
    return values, tuple(abs(v) + largest * (1 + largest) for v in values)


def _add(e: Any, at: Viewpoint) -> Pair:
    if _is_noise_level(e):
        return _leaf(e, at)
    pairs = [_pair(a, at) for a in e.args]
    vectors = [p for p in pairs if isinstance(p[0], tuple)]
    if not vectors:
        value = math.fsum(v for v, _ in pairs)
        return value, abs(value) + math.fsum(s for _, s in pairs)
    values = tuple(map(math.fsum, zip(*(v for v, _ in vectors), strict=True)))
    errors = map(math.fsum, zip(*(s for _, s in vectors), strict=True))
    return values, tuple(abs(v) + s for v, s in zip(values, errors, strict=True))


def _is_noise_level(e: Any) -> bool:
    """1 - alpha(t) or 1 - abar(t), either way round."""
    if len(e.args) != 2 or not any(abs(a) == 1 for a in e.args if a.is_Number):
        return False
    (other,) = (a for a in e.args if not a.is_Number)
    factor, rest = other.as_coeff_Mul()
    return abs(factor) == 1 and terms.name_of(rest) in ("alpha", "abar")


def _mul(e: Any, at: Viewpoint) -> Pair:
    value, share, vector = 1.0, 0.0, None  # share: the relative error of the scalar factors
    zero = 0.0  # the error of a factor that is zero
    for a in e.args:
        v, s = _pair(a, at)
        if isinstance(v, tuple):
            vector = (v, s)
        elif v == 0.0:
            value, zero = 0.0, s
        else:
            value, share = value * v, share + s / abs(v) + 1.0
    scalar = abs(value) * share + zero
    if vector is None:
        return value, max(scalar, abs(value))
    return tuple(value * v for v in vector[0]), tuple(
        abs(v) * scalar + abs(value) * s for v, s in zip(*vector, strict=True)
    )


def _pow(e: Any, at: Viewpoint) -> Pair:
    (base, error), power = _pair(e.args[0], at), _pair(e.args[1], at)[0]
    value = base**power if 1e-100 < base < 1e100 and abs(power) <= 3 else float(at.value(e))
    if base == 0.0:
        return value, error**power if power > 0 else math.inf
    return value, abs(value) * (abs(power) * error / abs(base) + 1.0)


def _exp(e: Any, at: Viewpoint) -> Pair:
    x, error = _pair(e.args[0], at)
    return math.exp(x), math.exp(x) * (error + 1.0)


def _log(e: Any, at: Viewpoint) -> Pair:
    x, error = _pair(e.args[0], at)
    return math.log(x), error / x + abs(math.log(x))


def _product(e: Any, at: Viewpoint) -> Pair:
    """Inner product of two vectors, or of one with itself."""
    u, v = (_pair(a, at) for a in (e.args if len(e.args) == 2 else (e.args[0], e.args[0])))
    if not (isinstance(u[0], tuple) and isinstance(v[0], tuple)):
        return 0.0, 0.0
    value = math.fsum(a * b for a, b in zip(u[0], v[0], strict=True))
    error = math.fsum(
        abs(a) * t + abs(b) * s + abs(a * b) + UNIT * s * t for a, s, b, t in zip(u[0], u[1], v[0], v[1], strict=True)
    )
    return value, max(error, abs(value))


def _hadamard(e: Any, at: Viewpoint) -> Pair:
    u, v = (_pair(a, at) for a in e.args)
    values = tuple(a * b for a, b in zip(u[0], v[0], strict=True))
    return values, tuple(
        abs(a) * t + abs(b) * s + abs(a * b) for a, s, b, t in zip(u[0], u[1], v[0], v[1], strict=True)
    )


def _coord(e: Any, at: Viewpoint) -> Pair:
    values, errors = _pair(e.args[0], at)
    if not isinstance(values, tuple):
        return 0.0, 0.0
    place = int(at.value(e.args[1])) - 1
    return values[place], errors[place]


def _sum(e: Any, at: Viewpoint) -> Pair:
    body, index, lo, hi = e.args
    ends = (int(at.value(end)) for end in (lo, hi))
    first, last = ends
    pairs = [_pair(body, at.bind({index: mp.mpf(n)})) for n in range(first, last + 1)]
    if isinstance(e, terms.ProductTo):
        value = math.prod(v for v, _ in pairs)
        return value, abs(value) * math.fsum(s / abs(v) + 1 for v, s in pairs)
    value = math.fsum(v for v, _ in pairs)
    return value, abs(value) + math.fsum(s for _, s in pairs)


def _average(law: Any, body: Callable[[Viewpoint], Pair], at: Viewpoint) -> Pair:
    pairs = [(float(weight), body(place)) for weight, place, _ in places_of(law, at)]
    if pairs and isinstance(pairs[0][1][0], tuple):
        columns = range(len(pairs[0][1][0]))
        values = tuple(math.fsum(p * v[c] for p, (v, _) in pairs) for c in columns)
        return values, tuple(math.fsum(p * s[c] for p, (_, s) in pairs) for c in columns)
    return math.fsum(p * v for p, (v, _) in pairs), math.fsum(p * s for p, (_, s) in pairs)


def _expect(e: Any, at: Viewpoint) -> Pair:
    law, body = e.args
    if isinstance(body, sp.exp):
        return _leaf(e, at)  # the average of a density: all terms of one sign
    return _average(law, lambda there: _pair(body, there), at)


def _divergence(e: Any, at: Viewpoint) -> Pair:
    p, q = (terms.LogDensity(law) for law in e.args)
    apart = sp.Add(p, -q, evaluate=False)
    return _average(e.args[0], lambda there: _add(apart, there), at)


def _log_density(e: Any, at: Viewpoint) -> Pair:
    closed = _closed(e.args[0])
    if closed is not None:
        return _pair(closed, at)
    value = float(at.value(e))
    return value, abs(value) + 1.0  # a probability that is rounded once moves its logarithm by one unit


@lru_cache(maxsize=4096)
def _closed(law: Any) -> Any:
    """The log-density of a normal law written out, with the terms that it adds up; None for any other law."""
    if isinstance(law, terms.Normal):
        x, mean, variance, dim = law.args
        return -dim * sp.log(2 * sp.pi * variance) / 2 - terms.Norm2(x - mean) / (2 * variance)
    if isinstance(law, terms.DiagonalNormal):
        x, i, mean, variance, dim = law.args
        at = terms.Coord(x, i)
        body = sp.log(2 * sp.pi) + sp.log(variance) + (at - mean) ** 2 / variance
        return -terms.SumTo(body, i, 1, dim) / 2
    if isinstance(law, terms.FullNormal):
        x, mean, cov, dim = law.args
        return -(dim * sp.log(2 * sp.pi) + terms.LogDet(cov) + terms.Quadratic(x - mean, cov**-1, x - mean)) / 2
    return None


def _matrix(word: Any, at: Viewpoint) -> tuple[Any, float]:
    """A matrix as an array, and by how much its condition magnifies a rounding of the entries that it is made of."""
    value = at.value(word)
    if not isinstance(value, Matrix):
        return None, 1.0
    array = _array(value)
    inverted = {*word.atoms(terms.Covariance), *(p.args[0] for p in word.atoms(sp.Pow) if not p.is_commutative)}
    return array, 1.0 + math.prod(float(np.linalg.cond(_array(at.value(m)))) for m in inverted)


def _array(matrix: Matrix) -> Any:
    return np.array([[float(v) for v in row] for row in matrix.rows])


def _apply(e: Any, at: Viewpoint) -> Pair:
    (v, s), value = _pair(e.args[1], at), at.value(e)
    if not isinstance(v, tuple):
        return 0.0, 0.0
    array, condition = _matrix(e.args[0], at)
    matrix = np.abs(array) if array is not None else np.eye(len(v))
    values = tuple(map(float, value))
    errors = matrix @ (condition * np.abs(np.array(v)) + np.array(s))
    return values, tuple(abs(one) + float(error) for one, error in zip(values, errors, strict=True))


def _entry(e: Any, at: Viewpoint) -> Pair:
    value = float(at.value(e))
    array, condition = _matrix(e.args[0], at)
    return value, abs(value) + (0.0 if array is None else condition * float(np.abs(array).max()))


def _quadratic(e: Any, at: Viewpoint) -> Pair:
    (u, s), (v, t) = _pair(e.args[0], at), _pair(e.args[2], at)
    value = float(at.value(e))
    if not (isinstance(u, tuple) and isinstance(v, tuple)):
        return 0.0, 0.0
    array, condition = _matrix(e.args[1], at)
    matrix = np.abs(array) if array is not None else np.eye(len(u))
    both = [np.abs(np.array(a)) @ matrix @ np.abs(np.array(b)) for a, b in ((u, v), (s, v), (u, t))]
    return value, abs(value) + float(both[0]) * condition + float(both[1]) + float(both[2])


def _trace(e: Any, at: Viewpoint) -> Pair:
    value = float(at.value(e))
    return value, abs(value) * _matrix(e.args[0], at)[1]


def _log_det(e: Any, at: Viewpoint) -> Pair:
    value = float(at.value(e))
    array, condition = _matrix(e.args[0], at)
    return value, abs(value) + condition * (1 if array is None else len(array))


@lru_cache(maxsize=4096)
def _quotient(e: Any) -> Any:
    return sp.Mul(e.args[0], 1 / e.args[1], evaluate=False)


WALKS: tuple[tuple[Any, Callable[[Any, Viewpoint], Pair]], ...] = (
    (terms.DefinedFunction, lambda e, at: _pair(unfolded(e), at)),
    (terms.VectorFunction, _network),
    (sp.Add, _add),
    (sp.Mul, _mul),
    (sp.exp, _exp),
    (sp.log, _log),
    (sp.Pow, _pow),
    ((terms.SumTo, terms.ProductTo), _sum),
    ((terms.Inner, terms.Norm2), _product),
    (terms.Hadamard, _hadamard),
    (terms.Coord, _coord),
    (terms.Ratio, lambda e, at: _mul(_quotient(e), at)),
    (terms.LogDensity, _log_density),
    (terms.Expect, _expect),
    (terms.KL, _divergence),
    (terms.Quadratic, _quadratic),
    (terms.Trace, _trace),
    (terms.LogDet, _log_det),
    (terms.Apply, _apply),
    (terms.Entry, _entry),
)
