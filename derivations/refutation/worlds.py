"""What terms mean, numerically: concrete worlds in which both sides of any statement can be computed.

A world fixes every symbol: numbers from the claim's domain, vectors of a small dimension, polynomial networks, and
for each named density either a random table over finitely many paths or the exact Gaussian chain. Expectations are
sums over the table, or Gauss-Hermite sums that are exact for the polynomials that occur. Nothing here can make a
claim true; it refutes mutants and false statements, tests the rules for soundness, and is the numeric oracle of the
witnesses.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.domain import Interval
from derivations.refutation.densities import log_bernoulli, log_normal, log_normal_full
from derivations.refutation.laws import (
    Assignment,
    GaussianChain,
    Key,
    Uncomputable,
    Undefined,
    Vector,
    exp_of_quadratic,
    hermite_grid,
    mp,
    number,
)

# --- a world ----------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Values for everything a statement mentions. What is not fixed is drawn once, from `seed` and the name."""

    d: int = 1
    seed: int = 0
    numbers: dict[str, Any] = field(default_factory=dict)
    families: dict[str, Callable[..., Any]] = field(default_factory=dict)
    vectors: dict[Key, Vector] = field(default_factory=dict)
    matrices: dict[str, Any] = field(default_factory=dict)
    laws: dict[str, Any] = field(default_factory=dict)
    finite: frozenset[str] = frozenset()
    sizes: dict[str, int] = field(default_factory=dict)
    drawn: dict[str, str] = field(default_factory=dict)
    coordinates: dict[str, Interval] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)  # values of whole expressions already computed here

    def number(self, symbol: sp.Symbol) -> Any:
        if symbol.name == "d":
            return mp.mpf(self.d)
        if symbol.name not in self.numbers:
            raise Uncomputable(f"this world gives {symbol.name} no value")
        return number(self.numbers[symbol.name])

    def vector(self, key: Key) -> Vector:
        """A fixed vector: drawn from {0, 1}^d for a variable of a table, else with small rational coordinates."""
        if key not in self.vectors:
            rng = Random(f"{self.seed} {key}")
            size = self.sizes.get(key[0], self.d)
            bits, interval = key[0] in self.finite, self.coordinates.get(key[0])
            self.vectors[key] = tuple(
                Fraction(rng.randint(0, 1))
                if bits
                else draw_in(interval, rng)
                if interval
                else Fraction(rng.randint(-20, 20), 10)
                for _ in range(size)
            )
            self.drawn[show_key(key)] = "(" + ", ".join(map(str, self.vectors[key])) + ")"
        return tuple(number(v) for v in self.vectors[key])

    def family(self, name: str, *args: Any) -> Any:
        """A scalar family member or opaque scalar function."""
        if name in self.families:
            return self.families[name](*args)
        return polynomial(f"{self.seed} {name}", 1, args)[0]

    def network(self, name: str, *args: Any) -> Vector:
        """An opaque vector function: a polynomial of degree 2 in each coordinate, bent into the interval it has."""
        return self.families[name](*args) if name in self.families else self.free_network(name, *args)

    def free_network(self, name: str, *args: Any) -> Vector:
        values = polynomial(f"{self.seed} {name}", self.sizes.get(name, self.d), args)
        interval = self.coordinates.get(name)
        return values if interval is None else tuple(bend(v, interval) for v in values)


def draw_in(interval: Interval, rng: Random, edge: bool = False) -> Fraction:
    """A rational number in the interval, sometimes close to an end."""
    lo, hi = interval.lo, interval.hi
    if lo == -sp.oo and hi == sp.oo:
        return Fraction(rng.choice([n for n in range(-20, 21) if n % 10]), 10)
    if hi == sp.oo:
        return Fraction(str(sp.Rational(lo))) + Fraction(rng.randint(1, 30), 10)
    if lo == -sp.oo:
        return Fraction(str(sp.Rational(hi))) - Fraction(rng.randint(1, 30), 10)
    share = Fraction(rng.choice([1, 199]), 200) if edge else Fraction(rng.randint(1, 19), 20)
    return Fraction(str(sp.Rational(lo))) + share * Fraction(str(sp.Rational(hi - lo)))


def bend(value: Any, interval: Interval) -> Any:
    """A smooth map of the real line into the interval."""
    if interval.lo == -sp.oo and interval.hi == sp.oo:
        return value
    above = value**2 + mp.mpf("0.1")
    if interval.lo == -sp.oo:
        return number(interval.hi) - above
    if interval.hi == sp.oo:
        return number(interval.lo) + above
    return number(interval.lo) + number(interval.hi - interval.lo) * above / (1 + above)


@lru_cache(maxsize=4096)
def polynomial(seed: str, size: int, args: tuple[Any, ...]) -> Vector:
    """Another polynomial for each value of the whole-number arguments; smooth in the others."""
    scalars = [a for a in args if not isinstance(a, tuple)]
    moving = [a for a in scalars if not float(a).is_integer()]
    coordinates = [c for vector in args if isinstance(vector, tuple) for c in vector]
    whole = str([str(a) for a in scalars if float(a).is_integer()])
    slopes, rows = _coefficients(f"{seed} {whole}", len(moving), len(coordinates), size)
    free = mp.fdot(zip(slopes, moving, strict=True))
    squares = [c**2 for c in coordinates]
    return tuple(
        free + constant + mp.fdot(zip(linear, coordinates, strict=True)) + mp.fdot(zip(curved, squares, strict=True))
        for constant, linear, curved in rows
    )


@lru_cache(maxsize=4096)
def _coefficients(seed: str, scalars: int, coordinates: int, size: int) -> tuple[Any, Any]:
    rng = Random(seed)

    def draw(lo: int, hi: int, divisor: int) -> Any:
        return mp.mpf(rng.randint(lo, hi)) / divisor

    slopes = [draw(-9, 9, 10) for _ in range(scalars)]
    rows = []
    for _ in range(size):
        constant = draw(-9, 9, 10)
        pairs = [(draw(1, 9, 10), draw(-4, 4, 20)) for _ in range(coordinates)]
        rows.append((constant, [a for a, _ in pairs], [b for _, b in pairs]))
    return slopes, rows


def show_key(key: Key) -> str:
    return f"{key[0]}_{key[1]}" if len(key) == 2 else str(key[0])


# --- evaluation -------------------------------------------------------------------------------------------------------


def evaluate(e: Any, world: World, env: dict[Any, Any] | None = None) -> Any:
    """The value of a scalar (a number), a vector (a tuple), or a proposition (a bool) in a world.

    `env` holds bound indices and random variables. Raises Undefined where the expression has no value.
    """
    try:
        return _value(sp.sympify(e), world, env or {})
    except ZeroDivisionError as reason:
        raise Undefined(f"division by zero in {e}") from reason


def _value(e: Any, w: World, env: dict[Any, Any]) -> Any:
    kind: Any = type(e)
    return _handler(kind)(e, w, env)


@cache
def _handler(kind: Any) -> Any:
    handler = next((h for known, h in HANDLERS if issubclass(kind, known)), None)
    if handler is None:
        meaningless = issubclass(kind, (type(sp.zoo), type(sp.nan), type(sp.I)))
        raise (Undefined if meaningless else Uncomputable)(f"no meaning is given to {kind.__name__}")
    return handler


def _symbol(e: Any, w: World, env: dict[Any, Any]) -> Any:
    if e in env:
        return env[e]
    if isinstance(e, terms.VectorSymbol):
        return env[(e.name,)] if (e.name,) in env else w.vector((e.name,))
    if isinstance(e, terms.Covariance):
        return w.matrices[e.name]
    return w.number(e)


def _add(e: Any, w: World, env: dict[Any, Any]) -> Any:
    values = [_value(a, w, env) for a in e.args]
    vectors = [v for v in values if isinstance(v, tuple)]
    if vectors and any(not isinstance(v, tuple) and v != 0 for v in values):
        raise Undefined(f"{e} adds a number to a vector")
    return tuple(mp.fsum(c) for c in zip(*vectors, strict=True)) if vectors else sum(values[1:], values[0])


def _mul(e: Any, w: World, env: dict[Any, Any]) -> Any:
    scalar, vector, matrix = mp.mpf(1), None, None
    for a in e.args:
        value = _value(a, w, env)
        if isinstance(value, tuple):
            if vector is not None:
                raise Undefined(f"{e} multiplies two vectors")
            vector = value
        elif isinstance(value, mp.matrix):
            matrix = value if matrix is None else matrix * value
        else:
            scalar *= value
    if vector is not None:
        return tuple(scalar * v for v in vector)
    return scalar if matrix is None else scalar * matrix


def _pow(e: Any, w: World, env: dict[Any, Any]) -> Any:
    base, exponent = _value(e.args[0], w, env), e.args[1]
    if isinstance(base, mp.matrix):
        return base ** int(exponent)
    if isinstance(base, tuple):
        raise Undefined(f"{e} is a power of a vector")
    if exponent.is_Integer:
        if base == 0 and exponent < 0:
            raise Undefined(f"division by {e.args[0]} = 0")
        return base ** int(exponent)
    power = _value(exponent, w, env)
    if base < 0 or (base == 0 and power < 0):
        raise Undefined(f"{e.args[0]} = {mp.nstr(base, 6)} under a root")
    return base**power


def _log(e: Any, w: World, env: dict[Any, Any]) -> Any:
    value = _value(e.args[0], w, env)
    if value <= 0:
        raise Undefined(f"log of {mp.nstr(value, 6)}")
    return mp.log(value)


def _family(e: Any, w: World, env: dict[Any, Any]) -> Any:
    name, args = type(e).__name__, tuple(_value(a, w, env) for a in e.args)
    if isinstance(e, terms.ScalarFunction):
        return w.family(name, *args)
    if len(args) == 1 and not isinstance(args[0], tuple) and e.args[0].is_integer:
        key = (name, int(args[0]))
        return env[key] if key in env else w.vector(key)
    return w.network(name, *args)


def _sum(e: Any, w: World, env: dict[Any, Any]) -> Any:
    body, index, lo, hi = e.args
    values = [
        _value(body, w, {**env, index: mp.mpf(n)}) for n in range(int(_value(lo, w, env)), int(_value(hi, w, env)) + 1)
    ]
    return mp.fprod(values) if isinstance(e, terms.ProductTo) else sum(values, mp.mpf(0))


def _inner(e: Any, w: World, env: dict[Any, Any]) -> Any:
    u, v = (_value(a, w, env) for a in (e.args if len(e.args) == 2 else (e.args[0], e.args[0])))
    return mp.mpf(0) if 0 in (u, v) else mp.fsum(a * b for a, b in zip(u, v, strict=True))


def _coord(e: Any, w: World, env: dict[Any, Any]) -> Any:
    value = _value(e.args[0], w, env)
    return value[int(_value(e.args[1], w, env)) - 1] if isinstance(value, tuple) else mp.mpf(0)  # of the zero vector


def _hadamard(e: Any, w: World, env: dict[Any, Any]) -> Any:
    u, v = (_value(a, w, env) for a in e.args)
    return tuple(a * b for a, b in zip(u, v, strict=True))


def _keys(variables: Any, w: World, env: dict[Any, Any]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for v in variables:
        if isinstance(v, terms.Block):
            lo, hi = (int(_value(b, w, env)) for b in v.bounds)
            keys += [(v.args[0].name, n) for n in range(lo, hi + 1)]
        elif isinstance(v, terms.VectorSymbol):
            keys.append((v.name,))
        else:
            keys.append((type(v).__name__, int(_value(v.args[0], w, env))))
    return tuple(dict.fromkeys(keys))


def _assign(variables: Any, w: World, env: dict[Any, Any]) -> Assignment:
    return {key: env[key] if key in env else w.vector(key) for key in _keys(variables, w, env)}


def _log_density(e: Any, w: World, env: dict[Any, Any]) -> Any:
    law = e.args[0]
    if isinstance(law, terms.Density):
        given = _assign(law.given, w, env)
        wanted = {key: v for key, v in _assign(law.variables, w, env).items() if key not in given}
        return w.laws[law.args[0].name].log_density(wanted, given)
    if isinstance(law, terms.AffineImage):
        return _affine_log_density(law, w, env)
    (key,) = _keys(law.variables, w, env)
    value = [number(v) for v in _assign(law.variables, w, env)[key]]
    if isinstance(law, terms.BernoulliProduct):
        return log_bernoulli(value, _along(law.args[2], law, w, env), mp.log)
    if isinstance(law, terms.Normal):
        return log_normal(value, _mean_of(law, w, env), [_value(law.args[2], w, env)] * len(value), mp.log, mp.pi)
    if isinstance(law, terms.DiagonalNormal):
        return log_normal(value, _mean_of(law, w, env), _along(law.args[3], law, w, env), mp.log, mp.pi)
    if isinstance(law, terms.FullNormal):
        rows = _value(law.args[2], w, env).tolist()
        return log_normal_full(value, _mean_of(law, w, env), rows, mp.log, mp.pi)
    raise Uncomputable(f"no density for {law}")


def _mean_of(law: Any, w: World, env: dict[Any, Any]) -> list[Any]:
    """The mean of a normal law; the zero vector is written 0."""
    if isinstance(law, terms.DiagonalNormal):
        return _along(law.args[2], law, w, env)
    mean = _value(law.args[1], w, env)
    return list(mean) if isinstance(mean, tuple) else [mp.mpf(0)] * int(_value(law.args[3], w, env))


def _along(entry: Any, law: Any, w: World, env: dict[Any, Any]) -> list[Any]:
    """The values of a law's entry for i = 1..dim, where i is the law's index and dim its dimension."""
    places = range(1, int(_value(law.args[-1], w, env)) + 1)
    return [_value(entry, w, {**env, law.args[1]: mp.mpf(n)}) for n in places]


def _affine_log_density(law: Any, w: World, env: dict[Any, Any]) -> Any:
    z, i, shift, scale, base, dim = law.args
    total, noise = mp.mpf(0), []
    for n in range(1, int(_value(dim, w, env)) + 1):
        at = {**env, i: mp.mpf(n)}
        size = _value(scale, w, at)
        noise.append((_value(terms.Coord(z, i), w, at) - _value(shift, w, at)) / size)
        total -= mp.log(size)
    (key,) = _keys(base.variables, w, env)
    return total + _value(terms.LogDensity(base), w, {**env, key: tuple(noise)})


def _log_joint(e: Any, w: World, env: dict[Any, Any]) -> Any:
    return w.laws[e.args[0].name].log_density(_assign(e.args[1], w, env), {})


def outcomes(law: Any, w: World, env: dict[Any, Any]) -> Iterator[tuple[Any, Assignment]]:
    """(weight, values of the law's variables): expectations are sums over these."""
    if isinstance(law, terms.Density):
        given = _assign(law.given, w, env)
        yield from w.laws[law.args[0].name].outcomes(_keys(law.variables, w, env), given)
        return
    (key,) = _keys(law.variables, w, env)
    if isinstance(law, terms.AffineImage):
        _, i, shift, scale, base, _dim = law.args
        (noise,) = _keys(base.variables, w, env)
        for weight, drawn in outcomes(base, w, env):
            places = ({**env, i: mp.mpf(n + 1)} for n in range(len(drawn[noise])))
            moved = (_value(shift, w, a) + _value(scale, w, a) * e for a, e in zip(places, drawn[noise], strict=True))
            yield weight, {key: tuple(moved)}
        return
    if isinstance(law, terms.BernoulliProduct):
        n, p = int(_value(law.args[3], w, env)), law.args[2]
        chances = [_value(p, w, {**env, law.args[1]: mp.mpf(i + 1)}) for i in range(n)]
        for bits in itertools.product((0, 1), repeat=n):
            yield (
                mp.fprod(c if b else 1 - c for b, c in zip(bits, chances, strict=True)),
                {key: tuple(map(mp.mpf, bits))},
            )
        return
    mean, root = _location_scale(law, w, env)
    for weight, noise in hermite_grid(len(mean)):
        yield (
            weight,
            {
                key: tuple(
                    m + mp.fsum(r * e for r, e in zip(row, noise, strict=True))
                    for m, row in zip(mean, root, strict=True)
                )
            },
        )


def _location_scale(law: Any, w: World, env: dict[Any, Any]) -> tuple[list[Any], list[list[Any]]]:
    if isinstance(law, terms.Normal):
        n = int(_value(law.args[3], w, env))
        mean = _value(law.args[1], w, env)
        return list(mean) if isinstance(mean, tuple) else [mp.mpf(0)] * n, _diagonal([_value(law.args[2], w, env)] * n)
    if isinstance(law, terms.DiagonalNormal):
        _, i, mean, variance, dim = law.args
        at = [{**env, i: mp.mpf(n)} for n in range(1, int(_value(dim, w, env)) + 1)]
        return [_value(mean, w, a) for a in at], _diagonal([_value(variance, w, a) for a in at])
    if isinstance(law, terms.FullNormal):
        root = mp.cholesky(_value(law.args[2], w, env))
        return list(_value(law.args[1], w, env)), [[root[i, m] for m in range(root.cols)] for i in range(root.rows)]
    raise Uncomputable(f"no way to draw from {law}")


def _diagonal(variances: list[Any]) -> list[list[Any]]:
    if any(v < 0 for v in variances):
        raise Undefined("a negative variance")
    return [[mp.sqrt(v) if i == m else mp.mpf(0) for m in range(len(variances))] for i, v in enumerate(variances)]


def _expect(e: Any, w: World, env: dict[Any, Any]) -> Any:
    law, body = e.args
    if isinstance(body, sp.exp) and not isinstance(law, terms.Density):
        return _quadrature(law, body, w, env)
    if isinstance(body, sp.exp) and isinstance(w.laws[law.args[0].name], GaussianChain):
        (key,), given = _keys(law.variables, w, env), _assign(law.given, w, env)

        def exponent(x_t: Vector) -> Any:
            return _value(body.args[0], w, {**env, key: x_t})

        return w.laws[law.args[0].name].exp_quadratic(key, given, exponent)
    values = [(weight, _value(body, w, {**env, **drawn})) for weight, drawn in outcomes(law, w, env)]
    if values and isinstance(values[0][1], tuple):
        return tuple(mp.fsum(p * v[c] for p, v in values) for c in range(len(values[0][1])))
    return mp.fsum(p * v for p, v in values)


def _quadrature(law: Any, body: Any, w: World, env: dict[Any, Any]) -> Any:
    """E of an exponential over a one-dimensional normal law: closed form, or quadrature of density times body."""
    (key,) = _keys(law.variables, w, env)
    (mean,), ((scale,),) = _location_scale(law, w, env)

    def integrand(u: Any) -> Any:
        return mp.npdf(u) * _value(body, w, {**env, key: (mean + scale * u,)})

    exact = exp_of_quadratic(lambda u: _value(body.args[0], w, {**env, key: (mean + scale * u,)}))
    if exact is not None:
        return exact
    return mp.quad(integrand, [mp.mpf(p) for p in (-12, -6, -3, -1.5, -0.5, 0.5, 1.5, 3, 6, 12)])


def _kl(e: Any, w: World, env: dict[Any, Any]) -> Any:
    p, q = e.args
    return _value(terms.Expect(p, terms.LogDensity(p) - terms.LogDensity(q)), w, env)


def _mean(e: Any, w: World, env: dict[Any, Any]) -> Any:
    draws = [(p, next(iter(v.values()))) for p, v in outcomes(e.args[0], w, env)]
    return tuple(mp.fsum(p * v[c] for p, v in draws) for c in range(len(draws[0][1])))


def _variance(e: Any, w: World, env: dict[Any, Any]) -> Any:
    draws = [(p, number(next(iter(v.values()))[0])) for p, v in outcomes(e.args[0], w, env)]
    mean = mp.fsum(p * v for p, v in draws)
    return mp.fsum(p * (v - mean) ** 2 for p, v in draws)


def _derivative(e: Any, w: World, env: dict[Any, Any]) -> Any:
    """Central difference with step 1e-9 at 30 digits: error about 1e-18 times the third derivative."""
    body, wrt = e.args
    step = mp.mpf(10) ** -9
    up, down = (_value(body, *_shifted(w, env, wrt, h)) for h in (step, -step))
    if isinstance(up, tuple):
        return tuple((a - b) / (2 * step) for a, b in zip(up, down, strict=True))
    return (up - down) / (2 * step)


def _shifted(w: World, env: dict[Any, Any], wrt: Any, h: Any) -> tuple[World, dict[Any, Any]]:
    if isinstance(wrt, sp.Symbol):
        return w, {**env, wrt: _value(wrt, w, env) + h}
    if isinstance(wrt, terms.Coord):
        place, key = int(_value(wrt.args[1], w, env)) - 1, (wrt.args[0].name,)
        old = _value(wrt.args[0], w, env)
        return w, {**env, key: tuple(v + h if c == place else v for c, v in enumerate(old))}
    name, at = type(wrt).__name__, tuple(_value(a, w, env) for a in wrt.args)

    def moved(*args: Any) -> Any:
        return w.family(name, *args) + (h if args == at else 0)

    return replace(w, families={**w.families, name: moved}), env


def _gradient(e: Any, w: World, env: dict[Any, Any]) -> Any:
    name, point, step = e.args[0].name, _value(e.args[1], w, env), mp.mpf(10) ** -9

    def at(c: int, h: Any) -> Any:
        return w.family(name, tuple(v + h if i == c else v for i, v in enumerate(point)))

    return tuple((at(c, step) - at(c, -step)) / (2 * step) for c in range(len(point)))


def _at(e: Any, w: World, env: dict[Any, Any]) -> Any:
    body, symbol, value = e.args
    return _value(body, w, {**env, symbol: number(value)})


def _matrix(word: Any, w: World, env: dict[Any, Any], size: int) -> Any:
    """The matrix that a word of covariances spells; a number is a multiple of the identity."""
    value = _value(word, w, env)
    return value if isinstance(value, mp.matrix) else value * mp.eye(size)


def _trace(e: Any, w: World, env: dict[Any, Any]) -> Any:
    value = _matrix(e.args[0], w, env, int(_value(e.args[1], w, env)))
    return mp.fsum(value[n, n] for n in range(value.rows))


def _log_det(e: Any, w: World, env: dict[Any, Any]) -> Any:
    return mp.log(abs(mp.det(_matrix(e.args[0], w, env, 1))))


def _quadratic(e: Any, w: World, env: dict[Any, Any]) -> Any:
    u, v = (_value(e.args[place], w, env) for place in (0, 2))
    if not (isinstance(u, tuple) and isinstance(v, tuple)):
        return mp.mpf(0)  # the zero vector is written 0
    return (mp.matrix(u).T * _matrix(e.args[1], w, env, len(u)) * mp.matrix(v))[0]


def _entry(e: Any, w: World, env: dict[Any, Any]) -> Any:
    row, column = (int(_value(place, w, env)) for place in e.args[1:])
    return _matrix(e.args[0], w, env, max(row, column))[row - 1, column - 1]


def _equal(e: Any, w: World, env: dict[Any, Any]) -> bool:
    return close(*(_value(a, w, env) for a in e.args))


def _at_most(e: Any, w: World, env: dict[Any, Any]) -> bool:
    left, right = (_value(a, w, env) for a in e.args)
    return bool(left <= right) or close(left, right)


def _same_law(e: Any, w: World, env: dict[Any, Any]) -> bool:
    p, q = e.args
    for _, drawn in outcomes(p, w, env):
        if not close(*(_value(terms.LogDensity(law), w, {**env, **drawn}) for law in (p, q))):
            return False
    return True


def close(a: Any, b: Any) -> bool:
    """Equal up to the rounding of 30-digit arithmetic (differences are taken relative to the larger side)."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        a, b = (v if isinstance(v, tuple) else (v,) * len(o) for v, o in ((a, b), (b, a)))
        return len(a) == len(b) and all(close(u, v) for u, v in zip(a, b, strict=True))
    return bool(abs(a - b) <= mp.mpf(10) ** -14 * max(1, abs(a), abs(b)))


HANDLERS: tuple[tuple[Any, Callable[[Any, World, dict[Any, Any]], Any]], ...] = (
    (sp.Rational, lambda e, w, env: number(e)),
    (type(sp.pi), lambda e, w, env: mp.pi),
    (type(sp.E), lambda e, w, env: mp.e),
    (sp.Symbol, _symbol),
    (sp.Add, _add),
    (sp.Mul, _mul),
    (sp.exp, lambda e, w, env: mp.exp(_value(e.args[0], w, env))),
    (sp.log, _log),
    (sp.Pow, _pow),
    (sp.Abs, lambda e, w, env: abs(_value(e.args[0], w, env))),
    (terms.DefinedFunction, lambda e, w, env: _value(e.unfold(), w, env)),
    ((terms.ScalarFunction, terms.VectorFunction), _family),
    ((terms.SumTo, terms.ProductTo), _sum),
    ((terms.Inner, terms.Norm2), _inner),
    (terms.Coord, _coord),
    (terms.Hadamard, _hadamard),
    (terms.Ratio, lambda e, w, env: _value(e.args[0] / e.args[1], w, env)),
    (terms.LogDensity, _log_density),
    (terms.LogJoint, _log_joint),
    (terms.Expect, _expect),
    (terms.KL, _kl),
    (terms.Mean, _mean),
    (terms.Variance, _variance),
    (terms.D, _derivative),
    (terms.Gradient, _gradient),
    (terms.At, _at),
    (terms.Rounded, lambda e, w, env: number(e.args[0])),
    (terms.Trace, _trace),
    (terms.LogDet, _log_det),
    (terms.Quadratic, _quadratic),
    (terms.Entry, _entry),
    (terms.AtMost, _at_most),
    (terms.Equal, _equal),
    (terms.SameLaw, _same_law),
)
