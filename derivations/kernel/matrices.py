"""Terms of matrices: trace, determinant, quadratic form, entry, transpose, and what a matrix makes of a vector."""

from __future__ import annotations

from functools import cache
from typing import Any

from sympy import Add, Expr, Mul, Pow, Symbol, sympify
from sympy.printing.precedence import PRECEDENCE

from derivations.kernel.laws import Formal, Term
from derivations.kernel.symbols import LATEX, Covariance, Malformed


class Trace(Term):
    """(M, dim): the trace of a square matrix of size dim."""

    takes = "mn n"


class LogDet(Term):
    """log |det M| of a product of covariances, of positive definite sums, and of their inverses."""

    takes = "m"


class Quadratic(Term):
    """(u, M, v): u^T M v."""

    takes = "v mn v"


class Entry(Term):
    """(M, row, column): an entry of a matrix."""

    takes = "mn n n"

    def __new__(cls, word: Any, row: Any, column: Any) -> Entry:
        word, row, column = (sympify(a, strict=True) for a in (word, row, column))
        if isinstance(word.as_base_exp()[0], Covariance) and row.is_Integer and column.is_Integer and row > column:
            row, column = column, row  # symmetric
        return super().__new__(cls, word, row, column)


class Apply(Term):
    """(M, v): the vector M v."""

    takes, vector_valued = "mn v", True
    precedence = PRECEDENCE["Mul"]


class Transposed(Formal, Expr):
    """The transpose of a rectangular matrix; that of a product or a sum is made of those of its parts."""

    takes = "m"
    is_commutative = False
    precedence = PRECEDENCE["Pow"]  # printed in brackets under a power

    def __new__(cls, matrix: Any) -> Any:
        matrix = sympify(matrix, strict=True)
        if matrix.is_commutative or isinstance(matrix, Covariance):
            return matrix
        if isinstance(matrix, Transposed):
            return matrix.args[0]
        if isinstance(matrix, Pow):
            return Transposed(matrix.args[0]) ** matrix.args[1]
        if isinstance(matrix, Add | Mul):
            return matrix.func(*map(Transposed, reversed(matrix.args)))
        return super().__new__(cls, matrix)

    def _eval_power(self, exponent: Any) -> None:
        _refuse_inverse(self, exponent)


def _refuse_inverse(matrix: Any, exponent: Any) -> None:
    """SymPy would cancel M M^-1 before anybody asks whether there is an inverse."""
    if not (exponent.is_integer and exponent.is_nonnegative):
        raise Malformed(f"{matrix} may have no inverse, and has no power {exponent}: covariances have one")


class LinearMap(Symbol):
    """A real matrix, whose rows and columns the domain counts (`sizes`). Matrices do not commute."""

    is_commutative = False

    @property
    def T(self) -> Any:
        """Its transpose."""
        return Transposed(self)

    def _eval_power(self, exponent: Any) -> None:
        _refuse_inverse(self, exponent)


@cache
def matrix(name: str, latex: str = "") -> LinearMap:
    """A rectangular matrix: give the domain its numbers of rows and columns, `sizes={name: (d, k)}`."""
    LATEX.declare(name, latex)
    return LinearMap(name, commutative=False)
