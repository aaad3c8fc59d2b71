"""Joint laws that can be computed with exactly: random tables over finitely many paths, and joint normal laws."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

from derivations.refutation.arithmetic import FLOATING, Arithmetic, hermite_grid, mp, number
from derivations.refutation.chains import GaussianChain
from derivations.refutation.densities import log_normal_full
from derivations.refutation.matrices import Matrix, cholesky, dot
from derivations.refutation.polynomials import is_random
from derivations.refutation.undefined import OutsideModel, Uncomputable
from derivations.refutation.worlds import Assignment, Key, Vector

__all__ = [
    "FiniteJoint",
    "GaussianChain",
    "JointNormal",
    "hermite_grid",
    "markov_table",
    "mp",
    "number",
    "random_table",
]


class NoDensity(OutsideModel):
    """A table has no density where it has no probability: whether that matters is for the support conditions to say."""


class FiniteJoint:
    """A table of probabilities over all assignments of finitely many variables.

    Each value stands for a cell of volume `cell`, over which the variable is uniform: densities are probabilities over
    volumes, and exceed 1 when cells are small. The default is counting measure.
    """

    def __init__(self, keys: tuple[Key, ...], table: dict[tuple[Vector, ...], Any], cell: Any = Fraction(1)) -> None:
        self.keys, self.table, self.cell = keys, table, cell
        self._probabilities: dict[Any, Any] = {}

    def probability(self, values: Assignment) -> Any:
        known = tuple((i, values[key]) for i, key in enumerate(self.keys) if key in values)
        if known not in self._probabilities:
            alike = (w for path, w in self.table.items() if all(path[i] == v for i, v in known))
            self._probabilities[known] = sum(alike, Fraction(0))
        return self._probabilities[known]

    def log_density(self, variables: Assignment, given: Assignment, arithmetic: Arithmetic = FLOATING) -> Any:
        self._refuse_unknown((*variables, *given), {**given, **variables})
        below, above = self.probability(given), self.probability({**given, **variables})
        if below == 0 or above == 0:
            raise NoDensity("log of probability zero")
        volume = self.cell ** len(variables.keys() - given.keys())
        if arithmetic.strict:
            return arithmetic.log(above / (volume * below))
        return mp.log(number(above) / number(volume)) - mp.log(number(below))

    def _refuse_unknown(self, keys: tuple[Key, ...], values: Assignment) -> None:
        if unknown := [key for key in keys if key not in self.keys]:
            raise Uncomputable(f"this world's table knows nothing of {unknown}")
        if any(is_random(v) for vector in values.values() for v in vector):
            raise Uncomputable("a table of bits is read at a normal variable")

    def outcomes(
        self, variables: tuple[Key, ...], given: Assignment, arithmetic: Arithmetic = FLOATING
    ) -> Iterator[Any]:
        """(weight, values of the variables), and for enclosures the noises besides: there are none."""
        self._refuse_unknown((*variables, *given), given)
        total = self.probability(given)
        if total == 0:
            raise NoDensity("conditioning on probability zero")
        weights: dict[tuple[Vector, ...], Any] = {}
        places = [self.keys.index(key) for key in variables]
        known = [(i, given[key]) for i, key in enumerate(self.keys) if key in given]
        for path, w in self.table.items():
            if w and all(path[i] == v for i, v in known):
                at = tuple(path[p] for p in places)
                weights[at] = weights.get(at, Fraction(0)) + w
        for at, w in weights.items():
            drawn = dict(zip(variables, at, strict=True))
            yield (w / total, drawn, ()) if arithmetic.strict else (number(w / total), drawn)


class JointNormal:
    """A joint normal law of vectors: conditional laws by solving with the covariance of all their coordinates."""

    def __init__(self, sizes: Mapping[Key, int], mean: Sequence[Any], covariance: Matrix) -> None:
        self.sizes, self.mean, self.covariance = dict(sizes), tuple(mean), covariance
        starts = itertools.accumulate(self.sizes.values(), initial=0)
        self._where = {key: range(at, at + self.sizes[key]) for key, at in zip(self.sizes, starts, strict=False)}
        self._conditionals: dict[Any, tuple[Any, Matrix]] = {}

    def _places(self, keys: Sequence[Key]) -> list[int]:
        if unknown := [key for key in keys if key not in self.sizes]:
            start = any(len(key) == 2 and key[1] < 0 for key in unknown)
            raise (OutsideModel if start else Uncomputable)(f"this world's normal law knows nothing of {unknown}")
        return [place for key in keys for place in self._where[key]]

    def _block(self, rows: list[int], columns: list[int]) -> Matrix:
        return Matrix.of([[self.covariance.rows[r][c] for c in columns] for r in rows])

    def _conditional(self, wanted: tuple[Key, ...], known: tuple[Key, ...]) -> tuple[Any, Matrix]:
        """(gain on the known, covariance) of the wanted given the known."""
        if (wanted, known) not in self._conditionals:
            w, k = self._places(wanted), self._places(known)
            gain, covariance = None, self._block(w, w)
            if k:
                gain = self._block(w, k) @ self._block(k, k).inverse()
                covariance = covariance - gain @ self._block(k, w)
            self._conditionals[wanted, known] = gain, covariance
        return self._conditionals[wanted, known]

    def _law(self, wanted: tuple[Key, ...], given: Assignment, arithmetic: Arithmetic) -> tuple[list[Any], Matrix]:
        gain, covariance = self._conditional(wanted, tuple(given))
        mean = [self.mean[p] for p in self._places(wanted)]
        if gain is None:
            return mean, covariance
        known = [arithmetic.number(v) for vector in given.values() for v in vector]
        surprise = [v - self.mean[p] for v, p in zip(known, self._places(tuple(given)), strict=True)]
        return [m + dot(row, surprise) for m, row in zip(mean, gain.rows, strict=True)], covariance

    def log_density(self, variables: Assignment, given: Assignment, arithmetic: Arithmetic) -> Any:
        wanted = tuple(key for key in variables if key not in given)
        mean, covariance = self._law(wanted, given, arithmetic)
        values = [arithmetic.number(v) for key in wanted for v in variables[key]]
        return log_normal_full(values, mean, covariance.rows, arithmetic.log, arithmetic.pi())

    def outcomes(self, variables: tuple[Key, ...], given: Assignment, arithmetic: Arithmetic) -> Iterator[Any]:
        wanted = tuple(key for key in variables if key not in given)
        fixed = {key: given[key] for key in variables if key in given}
        mean, covariance = self._law(wanted, given, arithmetic)
        root = cholesky(covariance, lambda v: arithmetic.power(v, Fraction(1, 2)))
        for weight, noises in arithmetic.noises(len(mean)):
            flat = [m + shift for m, shift in zip(mean, root.times(noises), strict=True)]
            ends = list(itertools.accumulate((self.sizes[key] for key in wanted), initial=0))
            drawn = {key: tuple(flat[a:b]) for key, a, b in zip(wanted, ends, ends[1:], strict=False)}
            yield weight, fixed | drawn, noises


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


def alike_table(rng: Random, keys: tuple[Key, ...], draws: Mapping[str, Key]) -> FiniteJoint:
    """Bits of which some are draws of others: each has that one's law given the rest, and they depend on each other."""
    bits = [(Fraction(b),) for b in (0, 1)]
    drawn = [key for key in keys if key in draws.values() or key[0] in draws]
    rest = [key for key in keys if key not in drawn]
    chance: dict[Any, Fraction] = {}

    def weight(label: Any, value: Vector) -> Fraction:
        one = chance.setdefault(label, Fraction(rng.randint(1, 9), 10))
        return one if value[0] else 1 - one

    table = {}
    for path in itertools.product(bits, repeat=len(keys)):
        values = dict(zip(keys, path, strict=True))
        known = tuple(values[key] for key in rest)
        total = Fraction(1)
        for n, key in enumerate(rest):
            total *= weight((key, known[:n]), values[key])
        for group in ([k for k in drawn if k[0] in draws], [k for k in drawn if k[0] not in draws]):
            part = Fraction(0)
            for mixed in bits:  # draws of one law that itself is drawn: exchangeable, and not independent
                one = weight("mixed", mixed)
                for key in group:
                    one *= weight((draws.get(key[0], key), known, mixed), values[key])
                part += one
            total *= part
        table[path] = total
    return FiniteJoint(keys, table)


def with_an_impossible_value(law: FiniteJoint, rng: Random) -> FiniteJoint:
    """The law given that one of its variables does not take one of its values: it vanishes there."""
    place, (lost, *_) = rng.randrange(len(law.keys)), rng.sample(sorted({path[0] for path in law.table}), 1)
    table = {path: Fraction(0) if path[place] == lost else w for path, w in law.table.items()}
    total = sum(table.values(), Fraction(0))
    return FiniteJoint(law.keys, {path: w / total for path, w in table.items()}, law.cell)


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
