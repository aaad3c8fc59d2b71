"""Terms of products of covariances and their inverses: trace, determinant, quadratic form, entry."""

from __future__ import annotations

from typing import Any

from sympy import sympify

from derivations.kernel.laws import Term
from derivations.kernel.symbols import Covariance


class Trace(Term):
    """(word, dim): tr of a product of covariances and their inverses, of size dim."""

    takes = "mn n"


class LogDet(Term):
    """log |det| of a product of covariances and their inverses."""

    takes = "m"


class Quadratic(Term):
    """(u, M, v): u^T M v."""

    takes = "v mn v"


class Entry(Term):
    """Entry (row, column) of a product of covariances and their inverses."""

    takes = "mn n n"

    def __new__(cls, word: Any, row: Any, column: Any) -> Entry:
        word, row, column = (sympify(a, strict=True) for a in (word, row, column))
        if isinstance(word.as_base_exp()[0], Covariance) and row.is_Integer and column.is_Integer and row > column:
            row, column = column, row  # symmetric
        return super().__new__(cls, word, row, column)
