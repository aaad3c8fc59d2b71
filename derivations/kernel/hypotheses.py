"""Hypotheses: what a claim supposes, in words that the kernel knows or as an equation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sympy as sp

from derivations.kernel.domain import Domain
from derivations.kernel.memory import refuse_strangers
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed

INDUCTION_HYPOTHESIS = "induction hypothesis"
# What rules suppose without an equation. The rules ask for them by name, so the name must stand for these words.
ASSUMPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "integrable": "every expectation written is finite",
        "common support": "a density ratio is averaged under a law that is positive wherever its numerator is",
        "interchange": "derivatives are dominated, so they pass under the expectation",
        "alike draws": "each draw of a variable has the variable's law, together with all else, under every density",
        "smooth": "functions and densities have as many continuous derivatives as are written",
        "decay": "what is integrated by parts, times the density, falls off so fast that no flux is left at infinity",
    }
)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A named condition of a claim. With `lhs` and `rhs` it may be used as an equation.

    The equation holds for the indices in `when`, each in its range, and for all values of the vectors in it; every
    other symbol in it is fixed.
    """

    name: str
    words: str
    lhs: Any = None
    rhs: Any = None
    when: Mapping[Any, tuple[Any, Any]] = field(default_factory=dict)
    needed_because: str = ""

    def __post_init__(self) -> None:
        if (self.lhs is None) != (self.rhs is None):
            raise Malformed(f"the hypothesis {self.name!r} is half an equation: give both sides, or neither")
        for side in ("lhs", "rhs"):
            if getattr(self, side) is not None:
                object.__setattr__(self, side, sp.sympify(getattr(self, side), strict=True))
        when = {index: (sp.sympify(lo), sp.sympify(hi)) for index, (lo, hi) in self.when.items()}
        refuse_strangers(f"the range of {self.name!r}", *(part for i, ends in when.items() for part in (i, *ends)))
        object.__setattr__(self, "when", MappingProxyType(when))

    def __hash__(self) -> int:
        return hash((self.name, self.lhs, self.rhs))

    @property
    def content(self) -> tuple[Any, ...]:
        return (self.name, self.words, self.lhs, self.rhs, tuple(self.when.items()))

    @property
    def sides(self) -> tuple[Any, ...]:
        return () if self.lhs is None else (self.lhs, self.rhs)

    def core(self) -> Hypothesis:
        """The same hypothesis about core terms."""
        lhs, rhs = (core(side) for side in self.sides) if self.sides else (None, None)
        return Hypothesis(self.name, self.words, lhs, rhs, self.when)

    def domain(self, around: Domain) -> Domain:
        """What is known where the hypothesis holds: its indices in their ranges, the rest as around it."""
        for index, bounds in self.when.items():
            around = around.with_index(index, *bounds)
        return around
