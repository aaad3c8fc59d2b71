"""Concrete worlds in which both sides of any statement can be computed.

A world fixes every symbol: numbers from the claim's domain, vectors of a small dimension, polynomial networks, and a
law for each named density. Nothing here can make a claim true; worlds refute false statements and mutants, shadow the
steps that the kernel accepts, and carry the values at which the witnesses read a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel.domain import Interval
from derivations.refutation.arithmetic import FLOATING, Arithmetic, fraction
from derivations.refutation.undefined import Clock, Uncomputable

Key = tuple[Any, ...]  # ("z",) for a vector, ("x", 3) for a member of a family
Vector = tuple[Any, ...]
Assignment = dict[Key, Vector]


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
    steady: bool = False  # nothing of it is changed once it is read
    arithmetic: Arithmetic = FLOATING
    smooth: frozenset[str] = frozenset()  # functions that are read at real arguments somewhere
    clock: Clock | None = None
    products: dict[str, Callable[[Any], Any]] = field(default_factory=dict)  # factor -> what makes its running product
    product_of: dict[str, str] = field(default_factory=dict)  # factor -> the name of its running product
    admitted: bool = False  # the hypotheses were asked, and hold
    degenerate: bool = False  # some vectors are zero
    classes: Mapping[str, int] = field(default_factory=dict)  # so many derivatives are declared of these functions
    places: dict[Any, Any] = field(default_factory=dict, init=False, compare=False)  # of averages; another's never

    def number(self, symbol: sp.Symbol) -> Any:
        if symbol.name == "d":
            return self.arithmetic.number(self.d)
        if symbol.name not in self.numbers:
            raise Uncomputable(f"this world gives {symbol.name} no value")
        return self.arithmetic.number(self.numbers[symbol.name])

    def vector(self, key: Key) -> Vector:
        """A fixed vector: drawn from {0, 1}^d for a variable of a table, else with small rational coordinates."""
        if key not in self.vectors:
            rng = Random(f"{self.seed} {key}")
            size = self.sizes.get(key[0], self.d)
            bits, interval = key[0] in self.finite, self.coordinates.get(key[0])
            nothing = self.degenerate and interval is None and rng.random() < 0.5
            self.vectors[key] = tuple(
                Fraction(0 if nothing else rng.randint(0, 1))
                if bits or nothing
                else draw_in(interval, rng)
                if interval
                else Fraction(rng.randint(-20, 20), 10)
                for _ in range(size)
            )
            self.drawn[show_key(key)] = "(" + ", ".join(map(str, self.vectors[key])) + ")"
        return tuple(self.arithmetic.number(v) for v in self.vectors[key])

    def family(self, name: str, *args: Any, counted: tuple[bool, ...] = ()) -> Any:
        """A scalar family member or opaque scalar function; `counted` says which arguments are integers by sort."""
        if name in self.families:
            return self.arithmetic.number(self.families[name](*args))
        value = self._polynomial(name, 1, args, counted)[0]
        interval = self.coordinates.get(name)
        return value if interval is None else bend(value, interval, self.arithmetic.number)

    def network(self, name: str, *args: Any, counted: tuple[bool, ...] = ()) -> Vector:
        """An opaque vector function: a polynomial of degree 2 in each coordinate, bent into the interval it has."""
        if name in self.families:
            return tuple(self.arithmetic.number(v) for v in self.families[name](*args))
        return self.free_network(name, *args, counted=counted)

    def free_network(self, name: str, *args: Any, counted: tuple[bool, ...] = ()) -> Vector:
        values = self._polynomial(name, self.sizes.get(name, self.d), args, counted)
        interval = self.coordinates.get(name)
        return values if interval is None else tuple(bend(v, interval, self.arithmetic.number) for v in values)

    def _polynomial(self, name: str, size: int, args: tuple[Any, ...], counted: tuple[bool, ...]) -> Vector:
        whole = [] if name in self.smooth else [str(int(a)) for a, c in zip(args, counted, strict=False) if c]
        moving = [a for n, a in enumerate(args) if name in self.smooth or not (counted[n : n + 1] or (False,))[0]]
        number = self.arithmetic.number
        scalars = [number(a) for a in moving if not isinstance(a, tuple)]
        coordinates = [number(c) for a in moving if isinstance(a, tuple) for c in a]
        made = polynomial(f"{self.seed} {name} {whole}", size, scalars, coordinates, number)
        return _bent_further(made, f"{self.seed} {name}", scalars, number) if self.classes.get(name, 0) > 2 else made


def draw_in(interval: Interval, rng: Random, edge: bool = False) -> Fraction:
    """A rational number in the interval, sometimes close to an end."""
    lo, hi = interval.lo, interval.hi
    if lo == -sp.oo and hi == sp.oo:
        return Fraction(rng.choice([n for n in range(-20, 21) if n % 10]), 10)
    if hi == sp.oo:
        return fraction(lo) + Fraction(rng.randint(1, 30), 10)
    if lo == -sp.oo:
        return fraction(hi) - Fraction(rng.randint(1, 30), 10)
    share = Fraction(rng.choice([1, 199]), 200) if edge else Fraction(rng.randint(1, 19), 20)
    return fraction(lo) + share * fraction(hi - lo)


def bend(value: Any, interval: Interval, number: Callable[[Any], Any]) -> Any:
    """A smooth map of the real line into the interval."""
    if interval.lo == -sp.oo and interval.hi == sp.oo:
        return value
    above = value**2 + number(Fraction(1, 10))
    if interval.lo == -sp.oo:
        return number(fraction(interval.hi)) - above
    if interval.hi == sp.oo:
        return number(fraction(interval.lo)) + above
    return number(fraction(interval.lo)) + number(fraction(interval.hi - interval.lo)) * above / (1 + above)


def polynomial(
    seed: str, size: int, scalars: list[Any], coordinates: list[Any], number: Callable[[Any], Any]
) -> Vector:
    """Random polynomials, the same for the same seed: cubic in the scalars, quadratic in the coordinates, and mixed."""
    made = []
    for n in range(size):
        powers, rows = _coefficients(f"{seed} {n}", len(scalars), len(coordinates))
        total = number(powers[0][0])
        for s, (_, a, b, c) in zip(scalars, powers[1:], strict=True):
            total = total + number(a) * s + number(b) * s**2 + number(c) * s**3
        for v, (linear, curved, mixed, tilted) in zip(coordinates, rows, strict=True):
            total = total + number(linear) * v + number(curved) * v**2
            for s in scalars:
                total = total + number(tilted) * s * v
            if n == 0 and v is not coordinates[0]:
                total = total + number(mixed) * v * coordinates[0]
        made.append(total)
    return tuple(made)


def _bent_further(made: Vector, seed: str, scalars: list[Any], number: Callable[[Any], Any]) -> Vector:
    """Fourth to seventh powers besides, so that no derivative which a series reads vanishes by accident."""
    bent = []
    for n, value in enumerate(made):
        for m, s in enumerate(scalars):
            rng = Random(f"{seed} {n} {m}")
            for power in range(4, 8):
                value = value + number(Fraction(rng.choice([-3, -2, -1, 1, 2, 3]), 3**power)) * s**power
        bent.append(value)
    return tuple(bent)


@lru_cache(maxsize=4096)
def _coefficients(seed: str, scalars: int, coordinates: int) -> tuple[Any, Any]:
    rng = Random(seed)

    def draw(lo: int, hi: int, divisor: int) -> Fraction:
        return Fraction(rng.randint(lo, hi), divisor)

    powers = [tuple(draw(-9, 9, m) for m in (10, 10, 20, 40)) for _ in range(scalars + 1)]
    rows = [(draw(1, 9, 10), draw(-4, 4, 20), draw(-4, 4, 20), draw(-9, 9, 20)) for _ in range(coordinates)]
    return powers, rows


def show_key(key: Key) -> str:
    return f"{key[0]}_{key[1]}" if len(key) == 2 else str(key[0])
