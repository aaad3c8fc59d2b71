"""The claim's own statement as a number: the expression that was proved, evaluated at chosen values.

The evaluator is `derivations.refutation.worlds`, in 30-digit arithmetic, so what a witness compares with has no
rounding of its own. Values go in and come out as NumPy numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from derivations.library import find
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import FiniteJoint, GaussianChain, hermite_grid, mp, number
from derivations.refutation.worlds import World

Array = npt.NDArray[np.float64]
LONGEST_CHAIN = 32  # the joint law of a longer chain is not built: its covariance has T^2 entries


@dataclass(frozen=True)
class Point:
    """Values for the symbols of a statement.

    numbers: scalars and integers by name ("t", "T", "k", "sigma_x", ...).
    betas: the schedule beta_1..beta_T; gives alpha(t), abar(t), and the Gaussian law "q" of the chain.
    x: members of the chain, {t: vector of R^d}; vectors: other vectors by name ("z", "mu", "x_obs", ...).
    families: scalar families by name, functions of their arguments; networks: vector functions, of (vector, t) arrays.
    exact: functions of either kind that compute with the oracle's own 30-digit numbers, where they are differentiated.
    covariances: matrices by name; tables: laws by name, finite (`finite_law`) or joint Gaussian (`GaussianLaw`).
    """

    d: int = 1
    numbers: Mapping[str, Any] = field(default_factory=dict)
    betas: npt.ArrayLike | None = None
    x: Mapping[int, Any] = field(default_factory=dict)
    vectors: Mapping[str, Any] = field(default_factory=dict)
    families: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    networks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    exact: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    covariances: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, FiniteJoint | GaussianLaw] = field(default_factory=dict)

    def lhs(self, claim_id: str, part: int = 0) -> Any:
        """The left side of the claim's statement number `part`: a float, or an array for a vector."""
        return _plain(evaluate(find(claim_id).says[part].lhs, self.world()))

    def rhs(self, claim_id: str, part: int = 0) -> Any:
        """The right side of the claim's statement number `part`: a float, or an array for a vector."""
        return _plain(evaluate(find(claim_id).says[part].rhs, self.world()))

    def value(self, expression: Any) -> Any:
        """The value of any term at this point."""
        return _plain(evaluate(expression, self.world()))

    def world(self) -> World:
        made = World(self.d, numbers={name: _exact(v) for name, v in self.numbers.items()})
        made.vectors = {("x", t): _vector(v) for t, v in self.x.items()}
        made.vectors |= {(name,): _vector(v) for name, v in self.vectors.items()}
        made.sizes = {name: len(_vector(v)) for name, v in self.vectors.items()}
        made.families = {name: _returns_number(f) for name, f in self.families.items()}
        made.families |= {name: _returns_vector(f) for name, f in self.networks.items()}
        made.families |= dict(self.exact)
        made.matrices = {name: mp.matrix(np.asarray(m, dtype=float).tolist()) for name, m in self.covariances.items()}
        made.laws = dict(self.tables)
        finite = [law for law in self.tables.values() if isinstance(law, FiniteJoint)]
        made.finite = frozenset(key[0] for law in finite for key in law.keys)
        if self.betas is not None:
            alphas = [1 - number(Fraction(float(b))) for b in np.asarray(self.betas, dtype=np.float64)]
            made.families.setdefault("alpha", lambda t: alphas[int(t) - 1])
            bars = list(itertools.accumulate(alphas, lambda a, b: a * b, initial=number(1)))
            made.families.setdefault("abar", lambda t: bars[int(t)])
            made.numbers.setdefault("T", len(alphas))
            if len(alphas) <= LONGEST_CHAIN:
                made.laws.setdefault("q", GaussianChain(alphas, self.d))
        return made


def finite_law(names: Sequence[tuple[Any, ...]], table: Any) -> FiniteJoint:
    """A law over variables named ("x", t) or ("z",), from an array of probabilities with one axis for each variable.

    The variable's value is its index along the axis, as a vector of one coordinate.
    """
    entries = np.asarray(table)
    paths = {tuple((Fraction(i),) for i in index): _exact(entries[index]) for index in np.ndindex(*entries.shape)}
    return FiniteJoint(tuple(names), paths)


@dataclass(frozen=True)
class GaussianLaw:
    """A joint Gaussian over named variables, each a vector; conditional laws by solving with the covariance."""

    sizes: Mapping[tuple[Any, ...], int]
    mean: Any
    covariance: Any

    def _places(self, keys: Sequence[tuple[Any, ...]]) -> list[int]:
        starts, at = {}, 0
        for key, size in self.sizes.items():
            starts[key] = range(at, at + size)
            at += size
        return [place for key in keys for place in starts[key]]

    def _conditional(self, keys: Sequence[tuple[Any, ...]], given: Mapping[tuple[Any, ...], Any]) -> tuple[Any, Any]:
        wanted, known = self._places(keys), self._places(list(given))
        mean = mp.matrix([self.mean[p] for p in wanted])
        cov = mp.matrix([[self.covariance[a][b] for b in wanted] for a in wanted])
        if not known:
            return mean, cov
        cross = mp.matrix([[self.covariance[a][b] for b in known] for a in wanted])
        inner = mp.matrix([[self.covariance[a][b] for b in known] for a in known])
        surprise = mp.matrix([v for value in given.values() for v in value]) - mp.matrix([self.mean[p] for p in known])
        return mean + cross * mp.lu_solve(inner, surprise), cov - cross * mp.inverse(inner) * cross.T

    def log_density(self, variables: Mapping[tuple[Any, ...], Any], given: Mapping[tuple[Any, ...], Any]) -> Any:
        mean, cov = self._conditional(list(variables), given)
        off = mp.matrix([v for value in variables.values() for v in value]) - mean
        return -((off.T * mp.lu_solve(cov, off))[0] + mp.log(mp.det(cov)) + len(off) * mp.log(2 * mp.pi)) / 2

    def outcomes(self, variables: Sequence[tuple[Any, ...]], given: Mapping[tuple[Any, ...], Any]) -> Iterator[Any]:
        mean, cov = self._conditional(variables, given)
        root = mp.cholesky(cov)
        for weight, noise in hermite_grid(len(mean)):
            flat = list(mean + root * mp.matrix(noise))
            values, at = {}, 0
            for key in variables:
                values[key] = tuple(flat[at : at + self.sizes[key]])
                at += self.sizes[key]
            yield weight, values


def _exact(value: Any) -> Any:
    if isinstance(value, int | Fraction):
        return value
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def _vector(value: Any) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(v)) for v in np.atleast_1d(np.asarray(value, dtype=np.float64)))


def _returns_number(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: number(_exact(function(*map(_plain, args))))


def _returns_vector(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: tuple(number(v) for v in _vector(function(*map(_plain, args))))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return np.array([float(v) for v in value])
    return float(value)
