"""Joint laws that can be computed with exactly: random tables over finitely many paths, and the Gaussian chain."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import mpmath
import sympy as sp

mp = mpmath.mp.clone()
mp.dps = 30
Key = tuple[Any, ...]
Vector = tuple[Any, ...]
Assignment = dict[Key, Vector]


class Undefined(ArithmeticError):
    """The expression has no value in this world (a division by zero, the log of a negative number)."""


# --- joint laws -------------------------------------------------------------------------------------------------------


class FiniteJoint:
    """A table of probabilities over all assignments of finitely many variables.

    Each value stands for a cell of volume `cell`, over which the variable is uniform: densities are probabilities over
    volumes, and exceed 1 when cells are small. The default is counting measure.
    """

    def __init__(self, keys: tuple[Key, ...], table: dict[tuple[Vector, ...], Any], cell: Any = Fraction(1)) -> None:
        self.keys, self.table, self.cell = keys, table, cell

    def probability(self, values: Assignment) -> Any:
        known = [(i, values[key]) for i, key in enumerate(self.keys) if key in values]
        return sum((w for path, w in self.table.items() if all(path[i] == v for i, v in known)), Fraction(0))

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        below, above = self.probability(given), self.probability({**given, **variables})
        if below == 0 or above == 0:
            raise Undefined("log of probability zero")
        volume = number(self.cell) ** len(variables.keys() - given.keys())
        return mp.log(number(above) / volume) - mp.log(number(below))

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        total = self.probability(given)
        if total == 0:
            raise Undefined("conditioning on probability zero")
        weights: dict[tuple[Vector, ...], Any] = {}
        places = [self.keys.index(key) for key in variables]
        known = [(i, given[key]) for i, key in enumerate(self.keys) if key in given]
        for path, w in self.table.items():
            if w and all(path[i] == v for i, v in known):
                at = tuple(path[p] for p in places)
                weights[at] = weights.get(at, Fraction(0)) + w
        for at, w in weights.items():
            yield number(w / total), dict(zip(variables, at, strict=True))


class GaussianChain:
    """x_1..x_T given x_0 with x_t = sqrt(alpha_t) x_{t-1} + sqrt(1 - alpha_t) noise, coordinates independent."""

    def __init__(self, alphas: list[Any], d: int) -> None:
        self.d, self.T = d, len(alphas)
        self.gain = [mp.mpf(1)]
        self.cov = mp.matrix(self.T + 1, self.T + 1)
        for t, a in enumerate(alphas, 1):
            a = number(a)
            self.gain.append(mp.sqrt(a) * self.gain[-1])
            for s in range(t):
                self.cov[s, t] = self.cov[t, s] = mp.sqrt(a) * self.cov[s, t - 1]
            self.cov[t, t] = a * self.cov[t - 1, t - 1] + (1 - a)

    def conditional(self, wanted: list[int], given: Assignment, x0: Vector) -> tuple[list[list[Any]], Any]:
        """(means per coordinate, covariance) of x_wanted given x_0 and the other given variables."""
        known = sorted(key[1] for key in given if key[1] != 0)
        prior = [[self.gain[t] * x0[c] for t in wanted] for c in range(self.d)]
        cov = mp.matrix([[self.cov[a, b] for b in wanted] for a in wanted])
        if not known:
            return prior, cov
        cross = mp.matrix([[self.cov[a, b] for b in known] for a in wanted])
        gain = cross * mp.inverse(mp.matrix([[self.cov[a, b] for b in known] for a in known]))
        means = []
        for c in range(self.d):
            surprise = mp.matrix([given[("x", t)][c] - self.gain[t] * x0[c] for t in known])
            means.append([m + s for m, s in zip(prior[c], list(gain * surprise), strict=True)])
        return means, cov - gain * cross.T

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        wanted = sorted(key[1] for key in variables)
        means, cov = self.conditional(wanted, given, self._start(given))
        inverse, total = mp.inverse(cov), mp.mpf(0)
        for c in range(self.d):
            off = mp.matrix([variables[("x", t)][c] - m for t, m in zip(wanted, means[c], strict=True)])
            total -= ((off.T * inverse * off)[0] + mp.log(mp.det(cov)) + len(wanted) * mp.log(2 * mp.pi)) / 2
        return total

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        wanted = sorted(key[1] for key in variables)
        means, cov = self.conditional(wanted, given, self._start(given))
        root = mp.cholesky(cov)
        n = len(wanted)
        for weight, noise in hermite_grid(n * self.d):
            values = {}
            for i, t in enumerate(wanted):
                coordinates = range(self.d)
                values[("x", t)] = tuple(
                    means[c][i] + sum(root[i, m] * noise[c * n + m] for m in range(n)) for c in coordinates
                )
            yield weight, values

    def _start(self, given: Assignment) -> Vector:
        if ("x", 0) not in given:
            # A Markov kernel q(x_t | x_{t-1}) forgets x_0: any start gives the same conditional.
            return (mp.mpf(0),) * self.d
        return given[("x", 0)]


@cache
def hermite(n: int = 9) -> tuple[tuple[Any, Any], ...]:
    """Nodes and weights of E f(e), e ~ N(0, 1), exact for polynomials of degree 2n - 1."""
    rows = mp.matrix(n, n)
    for i in range(1, n):
        rows[i, i - 1] = rows[i - 1, i] = mp.sqrt(i)
    values, vectors = mp.eigsy(rows)
    return tuple((vectors[0, i] ** 2, values[i]) for i in range(n))


def hermite_grid(dimensions: int) -> Iterator[tuple[Any, Vector]]:
    points = hermite(9 if dimensions <= 2 else 5)
    for combination in itertools.product(points, repeat=dimensions):
        yield mp.fprod(w for w, _ in combination), tuple(e for _, e in combination)


def number(value: Any) -> Any:
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    if isinstance(value, sp.Basic):
        q = sp.Rational(value)
        return mp.mpf(int(q.p)) / int(q.q)
    return mp.mpf(value)


# --- drawing tables ---------------------------------------------------------------------------------------------------


def random_table(rng: Random, keys: tuple[Key, ...], d: int = 1, zeros: bool = False) -> FiniteJoint:
    """Random rational probabilities over {0, 1}^d-valued variables.

    With `zeros`, one path is impossible, and of several variables sometimes its opposite too: every value of every
    variable stays possible, so that conditionals exist.
    """
    values = [tuple(map(Fraction, bits)) for bits in itertools.product((0, 1), repeat=d)]
    paths = list(itertools.product(values, repeat=len(keys)))
    raw = [rng.randint(1, 9) for _ in paths]
    if zeros:
        lost = rng.randrange(len(paths))
        raw[lost] = 0
        if len(keys) > 1 and rng.random() < 0.5:
            raw[-1 - lost] = 0
    return FiniteJoint(keys, {path: Fraction(w, sum(raw)) for path, w in zip(paths, raw, strict=True)})


def markov_table(rng: Random, T: int, *, reverse: bool = False, sees_x0: bool = False) -> FiniteJoint:
    """A random chain x_0..x_T of bits: forward, forward where each step may also look at x_0, or backward from x_T."""
    keys = tuple(("x", n) for n in range(T + 1))
    bit = tuple(map(lambda b: (Fraction(b),), (0, 1)))
    chance: dict[Any, Fraction] = {}

    def step(label: Any, value: Vector) -> Fraction:
        one = chance.setdefault(label, Fraction(rng.randint(1, 9), 10))
        return one if value[0] else 1 - one

    table = {}
    for path in itertools.product(bit, repeat=T + 1):
        order_of_steps = range(T - 1, -1, -1) if reverse else range(1, T + 1)
        weight = step("start", path[T if reverse else 0])
        for n in order_of_steps:
            before = path[n + 1] if reverse else path[n - 1]
            weight *= step((n, before, path[0] if sees_x0 else None), path[n])
        table[path] = weight
    return FiniteJoint(keys, table)
