"""The claim's own statement as a number: the expression that was proved, evaluated at chosen values.

The evaluator is `derivations.refutation.worlds`, in 30-digit arithmetic, so what a witness compares with has no
rounding of its own. Values go in and come out as NumPy numbers.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from derivations import Claim
from derivations.library import find
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import FiniteJoint, GaussianChain, hermite_grid, mp, number
from derivations.refutation.models import ReverseChain
from derivations.refutation.reading import mentions
from derivations.refutation.worlds import World

Array = npt.NDArray[np.float64]
Place = tuple[str, Any]
LONGEST_CHAIN = 32  # the joint law of a longer chain is not built: its covariance has T^2 entries
STEP = Fraction(1, 2**30)  # of derivatives: a vector of few binary digits moved by it is still exact in float64

_INSTEAD: dict[str, Claim] = {}


@dataclass(frozen=True)
class Moved:
    """A place of a point that is no field of it: how the point looks with coordinate c of `size` moved by h."""

    size: int
    point: Callable[[int, Fraction], Point]


def stated(claim_id: str) -> Claim:
    """The claim that a witness is to measure: the library's, or the one that stands in its place for now."""
    return _INSTEAD[claim_id] if claim_id in _INSTEAD else find(claim_id)


@contextlib.contextmanager
def instead_of(claim_id: str, other: Claim) -> Iterator[None]:
    """For a while, witnesses of `claim_id` are given another claim's statements: those of a mutant, say."""
    _INSTEAD[claim_id] = other
    try:
        yield
    finally:
        del _INSTEAD[claim_id]


@dataclass(frozen=True)
class Point:
    """Values for the symbols of a statement.

    numbers: scalars and integers by name ("t", "T", "k", "sigma_x", ...).
    betas: the schedule beta_1..beta_T; gives alpha(t), abar(t), and the Gaussian law "q" of the chain.
    x: members of the chain, {t: vector of R^d}; members: those of other families, {("visit", n): vector of R^d};
    vectors: other vectors by name ("z", "mu", "x_obs", ...).
    families: scalar families by name, functions of their arguments; networks: vector functions, of (vector, t) arrays.
    exact: functions of either kind that compute with the oracle's own 30-digit numbers, where they are differentiated.
    answers: networks that give one and the same vector whatever they are asked.
    reverse: whether "p" is the chain with the means mu_theta, the deviations sigma and p(x_T) = N(0, I).
    covariances: matrices by name; tables: laws by name, finite (`finite_law`) or joint Gaussian (`GaussianLaw`).
    """

    d: int = 1
    numbers: Mapping[str, Any] = field(default_factory=dict)
    betas: Sequence[Any] | Array | None = None
    x: Mapping[int, Any] = field(default_factory=dict)
    members: Mapping[tuple[str, int], Any] = field(default_factory=dict)
    vectors: Mapping[str, Any] = field(default_factory=dict)
    families: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    networks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    exact: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    covariances: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, FiniteJoint | GaussianLaw] = field(default_factory=dict)
    reverse: bool = False

    def lhs(self, claim_id: str, part: int = 0) -> Any:
        """The left side of the claim's statement number `part`: a float, or an array for a vector."""
        return self.value(stated(claim_id).says[part].lhs)

    def rhs(self, claim_id: str, part: int = 0) -> Any:
        """The right side of the claim's statement number `part`: a float, or an array for a vector."""
        return self.value(stated(claim_id).says[part].rhs)

    def value(self, expression: Any) -> Any:
        """The value of any term at this point."""
        return _plain(evaluate(expression, self.world()))

    def slope(self, expression: Any, place: Place, weights: Sequence[float] = (1.0,)) -> Array:
        """Derivatives of weights @ expression with respect to the coordinates at a place of this point.

        place: ("x", t), ("members", key), ("vectors", name), ("answers", name), ("numbers", name) or
            ("moved", Moved(...)).
        The stated expression is evaluated around the point in 30-digit arithmetic; four values give the derivative with
        an error of step^4 = 1e-36 times the fifth derivative: none of the digits that are compared.
        """

        kind, name = place
        unmoved = self._unmoved(place)

        def along(coordinate: int, steps: int) -> Any:
            value = evaluate(expression, self._moved(place, coordinate, steps * STEP, unmoved))
            values = value if isinstance(value, tuple) else (value,)
            return mp.fdot(zip(map(mp.mpf, weights), values, strict=True))

        size = 1 if kind == "numbers" else name.size if kind == "moved" else len(_vector(getattr(self, kind)[name]))
        found = []
        for c in range(size):
            near, far = along(c, 1) - along(c, -1), along(c, 2) - along(c, -2)
            found.append(float((8 * near - far) / (12 * number(STEP))))
        return np.array(found)

    def _unmoved(self, place: Place) -> dict[Any, Any]:
        """What is known of this world and stays as it is when the place is moved."""
        kind, at = place
        name = "x" if kind == "x" else at[0] if kind == "members" else at
        return {e: value for e, value in self.world().known.items() if name not in mentions(e)}

    def _moved(self, place: Place, coordinate: int, by: Fraction, unmoved: dict[Any, Any]) -> World:
        """The world with one coordinate of a place moved. One with a chain that asks it for networks is made anew."""
        kind, name = place
        if kind == "moved":
            moved_point: Point = name.point(coordinate, by)
            return moved_point.world()
        world, held = self.world(), getattr(self, kind)
        if kind == "numbers":
            numbers = {**held, name: _exact(held[name]) + by}
            if self.reverse:
                return replace(self, numbers=numbers).world()
            return replace(world, numbers={**world.numbers, name: numbers[name]}, known=dict(unmoved))
        moved = [v + by if c == coordinate else v for c, v in enumerate(_vector(held[name]))]
        if self.reverse:
            fields: dict[str, Any] = {kind: {**held, name: moved}}
            return replace(self, **fields).world()
        if kind == "answers":
            return replace(world, families={**world.families, name: _answering(moved)}, known=dict(unmoved))
        key = ("x", name) if kind == "x" else name if kind == "members" else (name,)
        value = tuple(moved) if key[0] in world.finite else tuple(map(number, moved))
        return replace(world, vectors={**world.vectors, key: value}, known=dict(unmoved))

    def world(self) -> World:
        """The world of the evaluator that holds these values; made once."""
        return self._made

    @cached_property
    def _made(self) -> World:
        made = World(self.d, numbers={name: _exact(v) for name, v in self.numbers.items()}, steady=True)
        vectors: dict[Any, Any] = {("x", t): _vector(v) for t, v in self.x.items()}
        vectors |= {key: _vector(v) for key, v in self.members.items()}
        vectors |= {(name,): _vector(v) for name, v in self.vectors.items()}
        made.sizes = {name: len(_vector(v)) for name, v in self.vectors.items()}
        made.families = {name: _returns_number(f) for name, f in self.families.items()}
        made.families |= {name: _returns_vector(f) for name, f in self.networks.items()}
        made.families |= {name: _answering(v) for name, v in self.answers.items()}
        made.families |= dict(self.exact)
        made.matrices = {
            name: m if isinstance(m, mp.matrix) else mp.matrix(np.asarray(m, dtype=float).tolist())
            for name, m in self.covariances.items()
        }
        made.laws = dict(self.tables)
        finite = [law for law in self.tables.values() if isinstance(law, FiniteJoint)]
        made.finite = frozenset(key[0] for law in finite for key in law.keys)
        made.vectors = {  # a table is asked for its own fractions
            key: v if key[0] in made.finite else tuple(map(number, v)) for key, v in vectors.items()
        }
        if self.betas is not None:
            alphas = [1 - number(_exact(b)) for b in self.betas]
            made.families.setdefault("alpha", lambda t: alphas[int(t) - 1])
            bars = list(itertools.accumulate(alphas, lambda a, b: a * b, initial=number(1)))
            made.families.setdefault("abar", lambda t: bars[int(t)])
            made.numbers.setdefault("T", len(alphas))
            if len(alphas) <= LONGEST_CHAIN:
                made.laws.setdefault("q", GaussianChain(alphas, self.d))
            if self.reverse:
                made.laws["p"] = ReverseChain(made, len(alphas))
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
    _known: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def _places(self, keys: Sequence[tuple[Any, ...]]) -> list[int]:
        starts, at = {}, 0
        for key, size in self.sizes.items():
            starts[key] = range(at, at + size)
            at += size
        return [place for key in keys for place in starts[key]]

    def _regression(self, keys: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, Any, Any, Any]:
        """(gain on the given, Cholesky root, its inverse, log of its determinant) of some variables given others."""
        if (keys, given) not in self._known:
            wanted, known = self._places(keys), self._places(given)
            cov, gain = self._block(wanted, wanted), None
            if known:
                gain = self._block(wanted, known) * mp.inverse(self._block(known, known))
                cov = cov - gain * self._block(known, wanted)
            root = mp.cholesky(cov)
            log_det = mp.fsum(mp.log(root[n, n]) for n in range(len(wanted)))
            self._known[keys, given] = gain and gain.tolist(), root.tolist(), mp.inverse(root).tolist(), log_det
        found: tuple[Any, Any, Any, Any] = self._known[keys, given]
        return found

    def _block(self, rows: Sequence[int], columns: Sequence[int]) -> Any:
        return mp.matrix([[self.covariance[a][b] for b in columns] for a in rows])

    def _centre(self, keys: tuple[Any, ...], given: Mapping[tuple[Any, ...], Any]) -> list[Any]:
        """The mean of some variables given the values of others."""
        mean = [mp.mpf(self.mean[p]) for p in self._places(keys)]
        if not given:
            return mean
        known = [mp.mpf(self.mean[p]) for p in self._places(list(given))]
        values = (number(v) for value in given.values() for v in value)
        surprise = [v - m for v, m in zip(values, known, strict=True)]
        gain = self._regression(keys, tuple(given))[0]
        return [m + mp.fdot(zip(row, surprise, strict=True)) for m, row in zip(mean, gain, strict=True)]

    def log_density(self, variables: Mapping[tuple[Any, ...], Any], given: Mapping[tuple[Any, ...], Any]) -> Any:
        keys = tuple(variables)
        _, _, whiten, log_det = self._regression(keys, tuple(given))
        values = (number(v) for value in variables.values() for v in value)
        apart = [v - m for v, m in zip(values, self._centre(keys, given), strict=True)]
        white = (mp.fdot(zip(row, apart, strict=True)) for row in whiten)
        return -mp.fsum(w * w for w in white) / 2 - log_det - len(apart) * mp.log(2 * mp.pi) / 2

    def outcomes(self, variables: Sequence[tuple[Any, ...]], given: Mapping[tuple[Any, ...], Any]) -> Iterator[Any]:
        keys = tuple(variables)
        mean, root = self._centre(keys, given), self._regression(keys, tuple(given))[1]
        for weight, noise in hermite_grid(len(mean)):
            flat = [m + mp.fdot(zip(row, noise, strict=True)) for m, row in zip(mean, root, strict=True)]
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
    entries = value if isinstance(value, list | tuple) else np.atleast_1d(np.asarray(value))
    return tuple(v if isinstance(v, Fraction) else Fraction(float(v)) for v in entries)


def _answering(value: Any) -> Callable[..., Any]:
    answer = tuple(number(v) for v in _vector(value))
    return lambda *_: answer


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
