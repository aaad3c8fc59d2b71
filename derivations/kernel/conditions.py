"""Conditions that several symbols of a domain meet together, as data: sigma_t^2 <= 1 - abar_{t-1}, abar_t < abar_s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import sympy as sp

from derivations.kernel.memory import refuse_strangers
from derivations.kernel.terms import Malformed, ScalarFunction, VectorSymbol


@dataclass(frozen=True, slots=True)
class JointCondition:
    """small <= large, or small < large: polynomials in numbers and in members of families.

    It holds for the indices in `when`, each in its range; every other symbol is the claim's own.
    """

    small: Any
    relation: Literal["<", "<="]
    large: Any
    when: Mapping[Any, tuple[Any, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for side in ("small", "large"):
            object.__setattr__(self, side, sp.sympify(getattr(self, side), strict=True))
        if not isinstance(self.when, Mapping):
            raise Malformed(f"a condition runs over {self.when}: write its ranges as {{index: (first, last)}}")
        when = {index: (sp.sympify(lo), sp.sympify(hi)) for index, (lo, hi) in self.when.items()}
        refuse_strangers("a condition", self.relation, *(part for i, ends in when.items() for part in (i, *ends)))
        object.__setattr__(self, "when", MappingProxyType(when))

    def __hash__(self) -> int:
        return hash((self.small, self.relation, self.large))

    @property
    def sides(self) -> tuple[Any, Any]:
        return self.small, self.large

    @property
    def content(self) -> tuple[Any, ...]:
        return self.small, self.relation, self.large, tuple(self.when.items())

    @property
    def mentions(self) -> set[Any]:
        """The symbols that it is about: those of its sides and ranges, but for the indices that it runs over."""
        ends = {s for bounds in self.when.values() for end in bounds for s in end.free_symbols}
        return (sp.Tuple(*self.sides).free_symbols - set(self.when)) | ends


def at_most(small: Any, large: Any, when: Mapping[Any, tuple[Any, Any]] | None = None) -> JointCondition:
    """small <= large, for the indices in `when`."""
    return JointCondition(small, "<=", large, when or {})


def below(small: Any, large: Any, when: Mapping[Any, tuple[Any, Any]] | None = None) -> JointCondition:
    """small < large, for the indices in `when`."""
    return JointCondition(small, "<", large, when or {})


def refuse_other_terms(condition: JointCondition, sides: tuple[Any, Any]) -> None:
    """Refuse a condition whose sides, written out, are no polynomials in numbers."""
    if condition.relation not in ("<", "<="):
        raise Malformed(f"{condition.relation!r} is no relation of a condition: write at_most(...) or below(...)")
    for side in sides:
        if not _is_polynomial(side):
            raise Malformed(f"{side} is no polynomial in numbers and members of families: a condition compares two")
    for index, (lo, hi) in condition.when.items():
        if not (isinstance(index, sp.Symbol) and index.is_integer and lo.is_integer and hi.is_integer):
            raise Malformed(
                f"the condition runs over {index} from {lo} to {hi}: give an integer index and integer ends"
            )


def _is_polynomial(e: Any) -> bool:
    if isinstance(e, sp.Add | sp.Mul):
        return all(map(_is_polynomial, e.args))
    if isinstance(e, sp.Pow):
        return bool(e.args[1].is_Integer and e.args[1] > 0) and _is_polynomial(e.args[0])
    if isinstance(e, ScalarFunction):
        return all(a.is_integer for a in e.args)
    is_number = isinstance(e, sp.Symbol) and e.is_commutative and not isinstance(e, VectorSymbol)
    return is_number or isinstance(e, sp.Rational)
