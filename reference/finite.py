"""Finite laws in which every path is enumerated: the ground truth of every identity between log-densities.

A table of probabilities holds the joint law, as float64 or as exact fractions. Sums run over all of its entries; logs
of fractions are taken with 50 decimal digits and rounded to float64 at the end, so that a rational model gives
correctly rounded divergences and bounds.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.quadrature import legendre_rule
from reference.validation import integer, states

Table: TypeAlias = NDArray[Any]  # float64, or objects that are Fractions
Draw: TypeAlias = Callable[[np.random.Generator, int], Table]

DIGITS = 50


def random_simplex(rng: np.random.Generator, n: int) -> Table:
    """Return n positive float probabilities that sum to 1 (flat Dirichlet, kept off the faces)."""
    weights = rng.standard_exponential(integer("n", n, 1)) + 1e-3
    return np.asarray(weights / weights.sum())


def random_rational_simplex(rng: np.random.Generator, n: int) -> Table:
    """Return n positive fractions that sum to exactly 1, with small denominators."""
    counts = [int(count) for count in rng.integers(1, 12, size=integer("n", n, 1))]
    return np.array([Fraction(count, sum(counts)) for count in counts], dtype=object)


@dataclass(frozen=True, eq=False)
class JointLaw:
    """The joint law of named finite variables: table[i, j, ...] is P(names[0] = i, names[1] = j, ...)."""

    names: tuple[str, ...]
    table: Table

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", probability_table("table", self.table, axes=tuple(range(len(self.names)))))
        if len(set(self.names)) != len(self.names) or self.table.ndim != len(self.names):
            raise ValueError(
                f"names {self.names} for a table with {self.table.ndim} axes; give one distinct name an axis"
            )

    def marginal(self, *names: str) -> JointLaw:
        """Return the law of the named variables, in the table's order."""
        keep = self._axes(names)
        others = tuple(axis for axis in range(self.table.ndim) if axis not in keep)
        return JointLaw(tuple(self.names[axis] for axis in sorted(keep)), self.table.sum(axis=others))

    def log_table(self, names: Sequence[str], given: Sequence[str] = ()) -> Table:
        """Return log p(names | given) for every path, broadcastable against the whole table.

        Entries are float64, or Decimals for exact tables; impossible events hold -inf.
        """
        joint = _log(self._summed(self._axes((*names, *given))))
        if not given:
            return joint
        with decimal.localcontext() as context:
            context.prec = DIGITS
            return np.asarray(joint - _log(self._summed(self._axes(given))))

    def log_prob(self, names: Sequence[str], path: Sequence[int], given: Sequence[str] = ()) -> float:
        """Return log p(names | given) at one path (a state for each variable of the law), in nats."""
        table = np.broadcast_to(self.log_table(names, given), self.table.shape)
        return float(table[tuple(state_of("path", i, size) for i, size in zip(path, table.shape, strict=True))])

    def expect(self, values: Table) -> float:
        """Return the sum over every path of probability times value; paths of probability 0 do not count."""
        return _expect(self.table, np.broadcast_to(values, self.table.shape))

    def entropy(self, *names: str) -> float:
        """Return the entropy of the named variables in nats."""
        return -self.expect(self.log_table(names))

    def mutual_information(self, a: Sequence[str], b: Sequence[str], given: Sequence[str] = ()) -> float:
        """Return I(a; b | given) in nats: the mean of log p(a, b | given) - log p(a | given) - log p(b | given)."""
        with decimal.localcontext() as context:
            context.prec = DIGITS
            joint = self.log_table((*a, *b), given)
            return self.expect(joint - self.log_table(a, given) - self.log_table(b, given))

    def kl(self, other: JointLaw) -> float:
        """Return KL(self || other) in nats, inf where other misses an event that self allows."""
        if self.names != other.names or self.table.shape != other.table.shape:
            raise ValueError(f"variables {self.names} and {other.names} differ; compare laws of the same variables")
        return finite_kl(self.table, other.table)

    def _axes(self, names: Sequence[str]) -> tuple[int, ...]:
        missing = [name for name in names if name not in self.names]
        if missing or len(set(names)) != len(names):
            raise ValueError(f"names {tuple(names)} are not distinct members of {self.names}; correct the spelling")
        return tuple(self.names.index(name) for name in names)

    def _summed(self, keep: tuple[int, ...]) -> Table:
        others = tuple(axis for axis in range(self.table.ndim) if axis not in keep)
        return np.asarray(self.table.sum(axis=others, keepdims=True)) if others else self.table


def probability_table(name: str, value: ArrayLike | Table, axes: tuple[int, ...]) -> Table:
    """Return a float64 or Fraction table whose entries are at least 0 and sum to 1 over `axes`."""
    table = np.asarray(value)
    exact = table.dtype == object
    if exact and not all(isinstance(entry, Fraction | int) for entry in table.flat):
        raise TypeError(f"{name} holds objects that are not fractions; give floats or Fractions")
    if not exact:
        if table.dtype.kind not in "fiu":
            raise TypeError(f"{name} has dtype {table.dtype}, but probabilities are floats or Fractions; convert it")
        table = table.astype(np.float64)
        if not np.isfinite(table).all():
            raise ValueError(f"{name} holds a value that is not finite; probabilities lie in [0, 1]")
    if table.ndim == 0 or table.size == 0:
        raise ValueError(f"{name} has shape {table.shape}, but at least one state is needed; give a table")
    if (table < 0).any():
        raise ValueError(f"{name} contains {table.min()}, but probabilities are at least 0; correct the table")
    totals = np.asarray(table.sum(axis=axes))
    worst = max(abs(float(total - 1)) for total in np.atleast_1d(totals).flat)
    if worst > (0.0 if exact else 1e-12):
        raise ValueError(f"{name} sums to 1 only within {worst} over axes {axes}, limit 1e-12; normalise it")
    return table


def finite_kl(p: ArrayLike | Table, q: ArrayLike | Table) -> float:
    """Return KL(p || q) of two tables of one shape, in nats, by enumeration; inf where q misses p's support."""
    first, second = np.asarray(p), np.asarray(q)
    if first.shape != second.shape:
        raise ValueError(f"tables have shapes {first.shape} and {second.shape}; compare laws on the same states")
    every = tuple(range(first.ndim))
    first, second = probability_table("p", first, every), probability_table("q", second, every)
    if (first.dtype == object) != (second.dtype == object):
        first, second = first.astype(np.float64), second.astype(np.float64)
    if any(a > 0 and b == 0 for a, b in zip(first.flat, second.flat, strict=True)):
        return math.inf
    with decimal.localcontext() as context:
        context.prec = DIGITS
        return _expect(first, np.where(first > 0, _log(first) - _log(np.where(first > 0, second, 1)), 0))


def finite_kl_path(p: ArrayLike | Table, q: ArrayLike | Table) -> float:
    """Return KL(p || q) of two tables without zeros as the integral of s Var_s[log p/q] over s in [0, 1], in nats.

    Var_s is the variance under the law proportional to p^s q^(1-s); along it d/ds E_s[log p/q] = Var_s. All terms are
    positive: a tiny divergence keeps its digits, and no expectation of a log-ratio under p is formed.
    """
    first, second = (np.asarray(table, dtype=np.float64).ravel() for table in (p, q))
    if first.shape != second.shape or not ((first > 0).all() and (second > 0).all()):
        raise ValueError(f"tables of shapes {first.shape} and {second.shape} need one shape and no zero; use finite_kl")
    apart = np.asarray([float(a - b) for a, b in zip(np.ravel(p), np.ravel(q), strict=True)])
    ratio = np.log1p(apart / second)
    nodes, weights = legendre_rule(40, max(1, int(np.ceil(np.ptp(ratio) / 8.0))))
    logs = np.log(second) + nodes[:, None] * ratio
    masses = np.exp(logs - logs.max(axis=1, keepdims=True))
    masses /= masses.sum(axis=1, keepdims=True)
    centred = ratio - (masses @ ratio)[:, None]
    return float(np.sum(weights * nodes * np.sum(masses * centred**2, axis=1)))


def finite_entropy(p: ArrayLike | Table) -> float:
    """Return -sum p log p in nats."""
    return finite_cross_entropy(p, p)


def finite_cross_entropy(p: ArrayLike | Table, q: ArrayLike | Table) -> float:
    """Return -sum p log q in nats; inf where q misses p's support. Claim: vae.mle.kl_equivalence."""
    first, second = np.asarray(p), np.asarray(q)
    if first.shape != second.shape:
        raise ValueError(f"tables have shapes {first.shape} and {second.shape}; compare laws on the same states")
    every = tuple(range(first.ndim))
    first, second = probability_table("p", first, every), probability_table("q", second, every)
    if any(a > 0 and b == 0 for a, b in zip(first.flat, second.flat, strict=True)):
        return math.inf
    return -_expect(first, np.where(first > 0, _log(np.where(first > 0, second, 1)), 0))


def state_of(name: str, value: int, size: int) -> int:
    """Return one state as an int in 0..size-1."""
    return int(states(name, np.asarray(value), size))


def _log(table: Table) -> Table:
    """Return entrywise logarithms: Decimals of 50 digits for fractions, floats otherwise; -inf at 0."""
    if table.dtype != object:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(table))
    with decimal.localcontext() as context:
        context.prec = DIGITS
        logs = [
            (Decimal(entry.numerator) / Decimal(entry.denominator)).ln() if entry > 0 else Decimal("-Infinity")
            for entry in table.flat
        ]
    return np.array(logs, dtype=object).reshape(table.shape)


def _expect(weights: Table, values: Table) -> float:
    """Return sum of weight times value over entries of positive weight."""
    if weights.dtype != object:
        live = weights > 0
        return math.fsum((weights[live] * np.asarray(values, dtype=np.float64)[live]).tolist())
    with decimal.localcontext() as context:
        context.prec = DIGITS
        total = Decimal(0)
        for weight, value in zip(weights.flat, np.asarray(values).ravel().tolist(), strict=True):
            if weight > 0:
                exact = value if isinstance(value, Decimal) else _decimal(Fraction(value))
                total += _decimal(Fraction(weight)) * exact
        return float(total)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
