"""What a derivative holds fixed: `StopGradient` as it is written, and `HeldFixed`, which the kernel makes of it.

A stop-gradient is no function of its argument: f and StopGradient(f) have one value, and not one gradient. So no term
of the kernel holds one. `core` takes it out at the door (`stopping`): outside of derivatives it is its argument; inside
of one, the argument's value stands outside, and a constant of which nothing is known stands in its place. What the
kernel differentiates is an ordinary term, so equal terms may be put for each other there, and f is none of them.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

import sympy as sp
from sympy import Basic, Symbol

from derivations.kernel.laws import Term, is_vector
from derivations.kernel.symbols import ConstantVector, Malformed

_numbers = count(1)


class StopGradient(Term):
    """Its argument, which every derivative around it holds fixed. It is written, and no term of the kernel."""

    takes, like = "nv", 0


class HeldNumber(Symbol):
    """A number that a derivative holds fixed, inside of it."""


class HeldVector(ConstantVector):
    """A vector that a derivative holds fixed, inside of it."""


@cache
def held_constant(value: Any) -> Any:
    """What stands for a value inside a derivative that holds it fixed."""
    name = f"•held{next(_numbers)}"
    return HeldVector(name, real=True) if is_vector(value) else HeldNumber(name, real=True)


class HeldFixed(Term):
    """(derivative, constants, values): the derivative, read where its constants have these values.

    The constants are bound in it, each named by its value, so that terms which hold the same are one term.
    """

    takes, like = "nv - -", 0

    def __new__(cls, derivative: Any, constants: Any, values: Any) -> HeldFixed:
        inside = sp.sympify(derivative, strict=True)
        if inside.has(HeldFixed):
            raise Malformed(f"{derivative} holds something fixed already")
        own = {c: held_constant(v) for c, v in zip(constants, values, strict=True)}
        pairs = sorted(
            {(own[c], v) for c, v in zip(constants, values, strict=True)}, key=lambda pair: sp.default_sort_key(pair[1])
        )
        made = inside.xreplace({c: mine for c, mine in own.items() if c != mine})
        return Basic.__new__(cls, made, sp.Tuple(*(c for c, _ in pairs)), sp.Tuple(*(v for _, v in pairs)))

    @property
    def table(self) -> dict[Any, Any]:
        """The constants, each with its value."""
        return dict(zip(self.args[1], self.args[2], strict=True))
