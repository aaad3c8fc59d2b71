"""Where each symbol of a claim lives, and what that says about integers. What it cannot decide, it does not guess."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel import terms
from derivations.kernel.conditions import JointCondition
from derivations.kernel.memory import is_genuine, refuse_strangers, remembered

Bounds = tuple[tuple[Symbol, tuple[Any, Any]], ...]  # of each index, the lowest and the highest value


@dataclass(frozen=True, slots=True)
class Interval:
    """The real interval from lo to hi, its ends exact; `nonzero` removes 0 from it."""

    lo: Any = -sp.oo
    hi: Any = sp.oo
    open_lo: bool = True
    open_hi: bool = True
    nonzero: bool = False

    def __post_init__(self) -> None:
        lo, hi = (sp.sympify(end, strict=True) for end in (self.lo, self.hi))
        refuse_strangers("an interval", lo, hi)
        if any(type(flag) is not bool for flag in (self.open_lo, self.open_hi, self.nonzero)):
            raise terms.Malformed(f"the interval from {lo} to {hi}: an end is open or not, True or False")
        if not all(end.is_Rational or end in (sp.oo, -sp.oo) for end in (lo, hi)):
            raise terms.Malformed(f"an interval from {lo} to {hi}: give its ends as exact fractions")
        if (lo == -sp.oo and not self.open_lo) or (hi == sp.oo and not self.open_hi):
            raise terms.Malformed(f"an interval from {lo} to {hi} ends in no number there: leave that end open")
        if lo > hi or (lo == hi and (self.open_lo or self.open_hi or (self.nonzero and lo == 0))):
            raise terms.Malformed(f"the interval from {lo} to {hi} is empty: whatever is said about it says nothing")
        object.__setattr__(self, "lo", lo)
        object.__setattr__(self, "hi", hi)

    def words(self) -> str:
        if (self.lo, self.hi) == (-sp.oo, sp.oo):
            return "real, not 0" if self.nonzero else "real"
        left, right = "(" if self.open_lo else "[", ")" if self.open_hi else "]"
        return f"in {left}{self.lo}, {self.hi}{right}".replace("oo", "∞")

    @property
    def is_open(self) -> bool:
        """Is there room on both sides of each of its points?"""
        return (self.lo == -sp.oo or self.open_lo) and (self.hi == sp.oo or self.open_hi)

    def contains(self, value: Any) -> bool:
        above = value > self.lo if self.open_lo else value >= self.lo
        below = value < self.hi if self.open_hi else value <= self.hi
        return bool(above and below and not (self.nonzero and value == 0))


REAL = Interval()
NONZERO = Interval(nonzero=True)
POSITIVE = Interval(lo=sp.S.Zero)
NONNEGATIVE = Interval(lo=sp.S.Zero, open_lo=False)
UNIT = Interval(sp.S.Zero, sp.S.One)
UNIT_WITH_ONE = Interval(sp.S.Zero, sp.S.One, True, False)
CLOSED_UNIT = Interval(sp.S.Zero, sp.S.One, False, False)


@dataclass(frozen=True, eq=False)
class Domain:
    """Intervals of scalar symbols and families (by name), bounds of integer symbols, and the schedule's recursion.

    An interval given to a vector's name holds for each of its coordinates.
    `products` maps a family P to a family f when P(n) = f(n) P(n-1) and P(0) = 1 (abar and alpha); `sizes` gives
    covariances (by name) a numeric size, and other matrices their rows and columns, (d, k); `conditions` are what
    several symbols meet together.
    """

    intervals: Mapping[str, Interval] = field(default_factory=dict)
    indices: Mapping[Symbol, tuple[Any, Any]] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[JointCondition, ...] = ()

    def __post_init__(self) -> None:
        """Keep copies that nobody can write to."""
        for part in ("intervals", "indices", "products", "sizes"):
            object.__setattr__(self, part, MappingProxyType(dict(getattr(self, part))))
        refuse_strangers("a domain", *self.intervals, *self.products.items(), *self.sizes.items())
        for name in (*self.intervals, *self.products.keys(), *self.products.values(), *self.sizes):
            if type(name) is not str:
                raise terms.Malformed(f"{name} in a domain: name symbols, families and matrices by plain text")
        for name, interval in self.intervals.items():
            if type(interval) is not Interval:
                raise terms.Malformed(f"the domain of {name!r} is no Interval: write its ends as exact fractions")
        for index, bounds in self.indices.items():
            _refuse_bounds(index, bounds)
        object.__setattr__(self, "conditions", tuple(self.conditions))
        for c in self.conditions:
            if type(c) is not JointCondition:
                raise terms.Malformed(f"{c} is no condition: write at_most(small, large) or below(small, large)")

    @cached_property
    def content(self) -> tuple[Any, ...]:
        """All that it says, to compare."""
        parts = (self.intervals, self.indices, self.products, self.sizes)
        return *(tuple(sorted(part.items(), key=str)) for part in parts), tuple(c.content for c in self.conditions)

    def copied(self) -> Domain:
        """The same domain, which shares nothing with this one that anybody could change."""
        intervals = {name: replace(interval) for name, interval in self.intervals.items()}
        return replace(self, intervals=intervals, conditions=tuple(replace(c) for c in self.conditions))

    def words(
        self,
        shown: Callable[[str], str] = str,
        vectors: Container[str] = terms.VECTORS,
        written: Callable[[Any], str] = str,
    ) -> list[str]:
        """One line for each condition; `shown` is how a symbol's name is written, `vectors` names those that are.

        `written` is how a term is.
        """
        lines = [
            f"{'every coordinate of ' if name in vectors else ''}{shown(name)} {interval.words()}"
            for name, interval in self.intervals.items()
        ]
        lines += [
            f"{i} an integer in {lo}..{hi}" if hi != sp.oo else f"{i} an integer >= {lo}"
            for i, (lo, hi) in self.indices.items()
        ]
        products = [(shown(p), shown(f)) for p, f in self.products.items()]
        lines += [f"{p}(0) = 1, {p}(n) = {f}(n) {p}(n-1)" for p, f in products]
        for name, n in self.sizes.items():
            lines.append(
                f"{shown(name)} a {shown(n[0])} x {shown(n[1])} matrix"
                if isinstance(n, tuple)
                else f"{shown(name)} a {n} x {n} covariance"
            )
        for c in self.conditions:
            ranges = [f"{i} in {written(lo)}..{written(hi)}" for i, (lo, hi) in c.when.items()]
            said = f"{written(c.small)} {c.relation} {written(c.large)}"
            lines.append(f"{said} for all {' and '.join(ranges)}" if ranges else said)
        return lines

    def with_index(self, index: Symbol, lo: Any, hi: Any) -> Domain:
        """The domain inside the scope of an index; what was known through another index of that name is forgotten."""
        kept = self.without(index)
        return replace(kept, indices={**kept.indices, index: (sp.sympify(lo), sp.sympify(hi))})

    def without(self, index: Symbol) -> Domain:
        """The domain that knows nothing of an index, nor of those that it bounds."""
        lost = {i for i, bounds in self.indices.items() if i == index or sp.Tuple(*bounds).has(index)}
        return replace(
            self,
            indices={i: bounds for i, bounds in self.indices.items() if i not in lost},
            conditions=tuple(c for c in self.conditions if not c.mentions & {index, *lost}),
        )

    def unaware_of(self, variable: Any) -> Domain:
        """The domain that knows nothing of the coordinates of a vector: an average runs over all its values."""
        return replace(
            self, intervals={n: where for n, where in self.intervals.items() if n != terms.name_of(variable)}
        )

    # --- integers -----------------------------------------------------------------------------------------------------

    def at_least_zero(self, e: Any) -> bool:
        """True when the linear integer expression e is provably >= 0."""
        e = sp.expand(e)
        if e.is_Integer:
            return bool(e.is_nonnegative)
        return bool(_at_least_zero(e, tuple(self.indices.items())))

    # --- the schedule -------------------------------------------------------------------------------------------------

    def unroll(self, e: Any) -> Any:
        """Rewrite every P(n) through the lowest index in sight: P(t) = f(t) P(t-1), P(2) = f(2) f(1).

        P(n) = f(n) P(n-1) is used only where the integer n is known to be at least 1.
        """
        for product, factor in self.products.items():
            big, small = terms.HEADS[product], terms.HEADS[factor]
            found = {atom: _whole_part(atom.args[0]) for atom in e.atoms(big) if len(atom.args) == 1}
            seen = [*found.values(), *((rest, c - 1) for rest, c in (_whole_part(a.args[0]) for a in e.atoms(small)))]
            table = {}
            for atom, (rest, constant) in found.items():
                starts = [0] if rest == 0 else [c for r, c in seen if r == rest and self.at_least_zero(rest + c)]
                lowest = min(starts, default=constant)
                if lowest <= constant and atom.args[0].is_integer:
                    start = sp.S.One if rest == 0 else big(rest + lowest)
                    table[atom] = sp.Mul(start, *[small(rest + j) for j in range(lowest + 1, constant + 1)])
            e = e.xreplace(table)
        return e

    def interval(self, atom: Any) -> Interval:
        """The interval of a symbol or of a family's member; anything unknown is REAL."""
        if atom in self.indices:
            lo, hi = map(sp.sympify, self.indices[atom])
            least = lo if lo.is_Integer else sp.S.One if self.at_least_zero(lo - 1) else -sp.oo
            most = hi if hi.is_Integer and hi >= least else sp.oo
            return Interval(least, most, least == -sp.oo, most == sp.oo)
        if isinstance(atom, sp.Symbol):
            known = Interval(sp.S.One, open_lo=False) if atom.is_integer and atom.is_positive else REAL
            return self.intervals.get(atom.name, known)
        if isinstance(atom, terms.ScalarFunction):
            return self._member_interval(type(atom).__name__, atom.args)
        if isinstance(atom, terms.Coord) and isinstance(atom.args[0], terms.VectorSymbol | terms.VectorFunction):
            return self.intervals.get(terms.name_of(atom.args[0]), REAL)
        if isinstance(atom, sp.exp) or atom in (sp.pi, sp.E):
            return POSITIVE
        if isinstance(atom, sp.log) and atom.args[0].is_Integer and atom.args[0] > 1:
            return POSITIVE
        if isinstance(atom, sp.Abs):
            return NONNEGATIVE
        if isinstance(atom, terms.Expect) and isinstance(atom.args[1], sp.exp):
            return POSITIVE
        if isinstance(atom, terms.Norm2) or (isinstance(atom, terms.Inner) and atom.args[0] == atom.args[1]):
            return NONNEGATIVE
        return REAL

    def _member_interval(self, name: str, args: tuple[Any, ...]) -> Interval:
        """The interval declared for a family, made to hold 1 too where the member may be P(0) = 1."""
        declared = self.intervals.get(name, REAL)
        if name not in self.products or self.at_least_zero(args[0] - 1):
            return declared
        if self.intervals.get(self.products[name]) == UNIT:
            return UNIT_WITH_ONE
        if declared.contains(sp.S.One):
            return declared
        return Interval(
            sp.Min(declared.lo, 1), sp.Max(declared.hi, 1), bool(declared.lo < 1 and declared.open_lo), False
        )


def _refuse_bounds(index: Any, bounds: Any) -> None:
    refuse_strangers("a domain", index)
    if not isinstance(index, Symbol):
        raise terms.Malformed(
            f"{index!r} has bounds, and is no symbol: write {{n: (first, last)}} with an integer symbol n"
        )
    pair = bounds if type(bounds) in (tuple, list) and len(bounds) == 2 else (None, None)
    if not all(isinstance(b, int | Expr) and sp.sympify(b).is_commutative for b in pair):
        raise terms.Malformed(f"{index} runs over {bounds!r}: give its first and its last value, (first, last)")
    refuse_strangers("a domain", *pair)


def _are_genuine(e: Any, indices: Bounds) -> bool:
    ends = [end for _, bounds in indices for end in bounds if end is not sp.oo and end is not -sp.oo]
    return is_genuine((e, *(index for index, _ in indices), *ends))


@remembered(2**15, _are_genuine)
def _at_least_zero(e: Any, indices: Bounds) -> bool:
    if _from_below(e, indices):
        return True
    for index, (_, hi) in indices:  # an index that exists proves that its upper bound is high enough
        c, h = sp.sympify(hi).as_coeff_Add()
        higher = h.is_Symbol and h in e.free_symbols and index not in e.free_symbols
        if higher and _from_below(sp.expand(e.xreplace({h: index - c + _slack()})), indices):
            return True
    return False


def _from_below(e: Any, indices: Bounds) -> bool:
    """True when e, with every index written as a bound plus or minus a slack >= 0, has no negative term."""
    for index, (_, hi) in indices:  # an upper bound h + c becomes h -> index - c + slack
        c, h = sp.sympify(hi).as_coeff_Add()
        if h.is_Symbol and {index, h} <= e.free_symbols:
            e = sp.expand(e.xreplace({h: index - c + _slack()}))
    for index, (lo, hi) in reversed(indices):
        if index not in e.free_symbols:
            continue
        from_above = sp.sympify(hi).is_Integer and e.coeff(index).is_negative
        e = sp.expand(e.xreplace({index: hi - _slack() if from_above else lo + _slack()}))
    return bool(e.is_nonnegative) or (e.is_Add and all(bool(a.is_nonnegative) for a in e.args))


def _slack() -> Symbol:
    """A number >= 0 of which nothing else is known."""
    return sp.Dummy("slack", nonnegative=True)


def _whole_part(index: Any) -> tuple[Expr, int]:
    """An index as (rest, integer): t - 1 is (t, -1); a fraction stays in the rest."""
    constant, rest = sp.expand(index).as_coeff_Add()
    return (rest, int(constant)) if constant.is_Integer else (rest + constant, 0)
