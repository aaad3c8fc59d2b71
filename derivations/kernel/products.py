"""Terms made from vectors: inner products, coordinatewise products, norms, coordinates."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import sympify

from derivations.kernel.laws import Term


class Bilinear(Term):
    """A product of two vectors that is linear in each; their order does not matter."""

    takes = "v v"

    def __new__(cls, *args: Any) -> Any:
        return super().__new__(cls, *sorted(map(sympify, args), key=sp.default_sort_key))


class Inner(Bilinear):
    """Inner product of two vectors."""


class Hadamard(Bilinear):
    """Coordinatewise product of two vectors (a vector)."""

    vector_valued = True


class Norm2(Term):
    """Squared Euclidean norm."""

    takes = "v"


class Coord(Term):
    """(vector, index): a coordinate."""

    takes = "v n"
