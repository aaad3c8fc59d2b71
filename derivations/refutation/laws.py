"""Joint laws that can be computed with exactly: random tables over finitely many paths, and the Gaussian chain."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, partial
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


class Uncomputable(Undefined):
    """It may well have a value, but this world cannot compute it: no ground to call anything false."""


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
        self._refuse_unknown((*variables, *given))
        volume = number(self.cell) ** len(variables.keys() - given.keys())
        return mp.log(number(above) / volume) - mp.log(number(below))

    def _refuse_unknown(self, keys: tuple[Key, ...]) -> None:
        if unknown := [key for key in keys if key not in self.keys]:
            raise Uncomputable(f"this world's table knows nothing of {unknown}")

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        total = self.probability(given)
        if total == 0:
            raise Undefined("conditioning on probability zero")
        weights: dict[tuple[Vector, ...], Any] = {}
        self._refuse_unknown((*variables, *given))
        places = [self.keys.index(key) for key in variables]
        known = [(i, given[key]) for i, key in enumerate(self.keys) if key in given]
        for path, w in self.table.items():
            if w and all(path[i] == v for i, v in known):
                at = tuple(path[p] for p in places)
                weights[at] = weights.get(at, Fraction(0)) + w
        for at, w in weights.items():
            yield number(w / total), dict(zip(variables, at, strict=True))


class GaussianChain:
    """x_t = sqrt(alpha_t) x_{t-1} + sqrt(1 - alpha_t) noise, coordinates independent, x_0 drawn from a few points.

    Without `starts` only laws that know x_0, or do not depend on it, can be computed.
    """

    first = 1  # the first state that is Gaussian

    def __init__(self, alphas: list[Any], d: int, starts: tuple[tuple[Any, Vector], ...] = ()) -> None:
        self.d, self.T, self.starts = d, len(alphas), starts
        self.gain = [mp.mpf(1)]
        self.cov = mp.matrix(self.T + 1, self.T + 1)
        for t, a in enumerate(alphas, 1):
            a = number(a)
            self.gain.append(mp.sqrt(a) * self.gain[-1])
            for s in range(t):
                self.cov[s, t] = self.cov[t, s] = mp.sqrt(a) * self.cov[s, t - 1]
            self.cov[t, t] = a * self.cov[t - 1, t - 1] + (1 - a)
        self._regressions: dict[Any, Any] = {}

    def _remember(self, pairs: list[tuple[int, int]]) -> None:
        """Raise the covariances of these pairs of states, as far as a law allows."""
        memory, size, states = mp.zeros(self.T + 1), mp.mpf(1), range(self.first, self.T + 1)
        for s, t in pairs:
            memory[s, t] = memory[t, s] = 1
        plain = self.cov.copy()
        while not _positive_definite(self._block(tuple(states), tuple(states))) or size == 1:
            size /= 2
            self.cov = plain + size * memory

    # --- x_1..x_T given x_0 -------------------------------------------------------------------------------------------

    def _regression(self, wanted: tuple[int, ...], known: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
        """(gain on the known, Cholesky root, its inverse, log of its determinant) of x_wanted given x_0 and x_known."""
        if (wanted, known) not in self._regressions:
            cov, gain = self._block(wanted, wanted), None
            if known:
                gain = self._block(wanted, known) * mp.inverse(self._block(known, known))
                cov = cov - gain * self._block(known, wanted)
            root = mp.cholesky(cov)
            log_det = mp.fsum(mp.log(root[i, i]) for i in range(len(wanted)))
            self._regressions[wanted, known] = gain, root, mp.inverse(root), log_det
        found: tuple[Any, Any, Any, Any] = self._regressions[wanted, known]
        return found

    def _block(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> Any:
        return mp.matrix([[self.cov[a, b] for b in columns] for a in rows])

    def _mean(
        self, c: int, wanted: tuple[int, ...], known: tuple[int, ...], given: Assignment, x0: Vector
    ) -> list[Any]:
        """Coordinate c of the mean of x_wanted given x_0 and x_known."""
        prior = [self.gain[t] * x0[c] for t in wanted]
        if not known:
            return prior
        surprise = mp.matrix([given[("x", t)][c] - self.gain[t] * x0[c] for t in known])
        shift = self._regression(wanted, known)[0] * surprise
        return [m + s for m, s in zip(prior, list(shift), strict=True)]

    def _times(self, keys: Any) -> tuple[int, ...]:
        """The Gaussian states among keys ("x", t), in order."""
        if any(not 0 <= key[1] <= self.T for key in keys):
            raise Undefined(f"this chain has the states x_0..x_{self.T} only")
        return tuple(sorted(key[1] for key in keys if key[1] >= self.first))

    def _log_normal(self, values: Assignment, given: Assignment, x0: Vector) -> Any:
        wanted, known = self._times(values), self._times(given)
        if not wanted:
            return mp.mpf(0)
        _, _, whiten, log_det = self._regression(wanted, known)
        total = -self.d * (log_det + len(wanted) * mp.log(2 * mp.pi) / 2)
        for c in range(self.d):
            mean = self._mean(c, wanted, known, given, x0)
            white = whiten * mp.matrix([values[("x", t)][c] - m for t, m in zip(wanted, mean, strict=True)])
            total -= mp.fsum(w * w for w in white) / 2
        return total

    # --- x_0 as well --------------------------------------------------------------------------------------------------

    def _weighted_starts(self, wanted: tuple[int, ...], given: Assignment) -> list[tuple[Any, Vector]]:
        """The points where x_0 may be, given what is known, with their probabilities."""
        known = self._times(given)
        if ("x", 0) in given:
            return [(mp.mpf(1), given[("x", 0)])]
        if known and min(wanted) > min(known):
            return [(mp.mpf(1), (mp.mpf(0),) * self.d)]  # given an earlier state, x_0 no longer matters
        if not self.starts:
            raise Uncomputable("this chain has no law of x_0")
        likely = [number(w) * mp.exp(self._log_normal(given, {}, x0)) for w, x0 in self.starts]
        return [(w / mp.fsum(likely), tuple(map(number, x0))) for w, (_, x0) in zip(likely, self.starts, strict=True)]

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        if ("x", 0) in variables:
            raise Uncomputable("x_0 is discrete here: it has no density")
        starts = self._weighted_starts(self._times(variables), given)
        return mp.log(mp.fsum(w * mp.exp(self._log_normal(variables, given, x0)) for w, x0 in starts))

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        wanted, known = self._times(variables), self._times(given)
        everything = (0, *wanted) if ("x", 0) in variables else wanted
        for chance, x0 in self._weighted_starts(everything, given):
            start = {("x", 0): x0} if ("x", 0) in variables and self.first else {}
            if not wanted:
                yield chance, start
                continue
            means = [self._mean(c, wanted, known, given, x0) for c in range(self.d)]
            root, n = self._regression(wanted, known)[1], len(wanted)
            for weight, noise in hermite_grid(n * self.d):
                shifts = [list(root * mp.matrix(noise[c * n : (c + 1) * n])) for c in range(self.d)]
                values = {
                    ("x", t): tuple(means[c][i] + shifts[c][i] for c in range(self.d)) for i, t in enumerate(wanted)
                }
                yield chance * weight, start | values

    def exp_quadratic(self, key: Key, given: Assignment, exponent: Any) -> Any:
        """E exp(exponent(x_t)) over one variable in one dimension, the exponent a quadratic polynomial of it."""
        wanted, known, total = self._times([key]), self._times(given), mp.mpf(0)
        scale = self._regression(wanted, known)[1][0, 0]
        for chance, x0 in self._weighted_starts(wanted, given):
            (mean,) = self._mean(0, wanted, known, given, x0)
            average = exp_of_quadratic(partial(_along, exponent, mean, scale))
            if average is None:
                raise Uncomputable("the exponent is not a quadratic polynomial")
            total += chance * average
        return total


def _along(exponent: Callable[[Vector], Any], mean: Any, scale: Any, noise: Any) -> Any:
    return exponent((mean + scale * noise,))


class EntangledChain(GaussianChain):
    """Markov from each state to the next, also given x_0, but x_3 leans on x_1 as well: no chain from T = 3 on."""

    def __init__(self, alphas: list[Any], d: int, starts: tuple[tuple[Any, Vector], ...] = ()) -> None:
        super().__init__(alphas, d, starts)
        self._remember([(1, 3)] if self.T > 2 else [])


class RememberingChain(GaussianChain):
    """x_0 ~ N(0, I) and the same Gaussian q(x_t | x_{t-1}), but from t = 2 on x_t also remembers x_0: not Markov."""

    first = 0

    def __init__(self, alphas: list[Any], d: int) -> None:
        super().__init__(alphas, d)
        signal, self.gain = self.gain, [mp.mpf(0)] * (self.T + 1)
        for s, t in itertools.product(range(self.T + 1), repeat=2):
            self.cov[s, t] = signal[max(s, t)] / signal[min(s, t)]
        self._remember([(0, t) for t in range(2, self.T + 1)])

    def _weighted_starts(self, wanted: tuple[int, ...], given: Assignment) -> list[tuple[Any, Vector]]:
        return [(mp.mpf(1), (mp.mpf(0),) * self.d)]

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        return self._log_normal({key: v for key, v in variables.items() if key not in given}, given, (0,) * self.d)


def _positive_definite(matrix: Any) -> bool:
    try:
        mp.cholesky(matrix)
    except ValueError:
        return False
    return True


def exp_of_quadratic(exponent: Callable[[Any], Any]) -> Any:
    """E exp(exponent(e)), e ~ N(0, 1), in closed form for a quadratic exponent a e^2 + b e + c; None for any other."""
    low, c, high, check = (exponent(mp.mpf(e)) for e in (-1, 0, 1, 2))
    a, b = (low + high) / 2 - c, (high - low) / 2
    if abs(4 * a + 2 * b + c - check) > mp.mpf(10) ** -18 * (1 + abs(check)):
        return None
    if 2 * a >= 1:
        raise Undefined("the average of this exponential is infinite")
    return mp.exp(c + b**2 / (2 * (1 - 2 * a))) / mp.sqrt(1 - 2 * a)


@cache
def hermite(n: int = 9) -> tuple[tuple[Any, Any], ...]:
    """Nodes and weights of E f(e), e ~ N(0, 1), exact for polynomials of degree 2n - 1."""
    rows = mp.matrix(n, n)
    for i in range(1, n):
        rows[i, i - 1] = rows[i - 1, i] = mp.sqrt(i)
    values, vectors = mp.eigsy(rows)
    return tuple((vectors[0, i] ** 2, values[i]) for i in range(n))


def hermite_grid(dimensions: int) -> Iterator[tuple[Any, Vector]]:
    points = hermite(9 if dimensions == 1 else 3)  # exact up to degree 17 and 5: networks have degree 2
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


def markov_table(
    rng: Random, T: int, *, reverse: bool = False, sees_x0: bool = False, sharp: bool = False
) -> FiniteJoint:
    """A random chain x_0..x_T of bits: forward, forward where each step may also look at x_0, or backward from x_T.

    With `sharp` every step is almost certain.
    """
    keys = tuple(("x", n) for n in range(T + 1))
    bit = tuple(map(lambda b: (Fraction(b),), (0, 1)))
    chance: dict[Any, Fraction] = {}

    def step(label: Any, value: Vector) -> Fraction:
        one = chance.setdefault(label, Fraction(rng.choice([1, 99]), 100) if sharp else Fraction(rng.randint(1, 9), 10))
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
