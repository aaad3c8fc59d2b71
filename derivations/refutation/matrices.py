"""Small matrices of whatever kind of number a world calculates with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from derivations.refutation.undefined import Undefined


@dataclass(frozen=True)
class Matrix:
    """Rows of numbers. Kept apart from vectors, which are plain tuples."""

    rows: tuple[tuple[Any, ...], ...]

    @staticmethod
    def of(rows: Sequence[Sequence[Any]]) -> Matrix:
        return Matrix(tuple(map(tuple, rows)))

    @staticmethod
    def scalar(value: Any, size: int) -> Matrix:
        """A multiple of the identity."""
        return Matrix.of([[value if r == c else 0 * value for c in range(size)] for r in range(size)])

    @property
    def size(self) -> int:
        """The number of rows, and of columns if it is square."""
        return len(self.rows)

    @property
    def width(self) -> int:
        return len(self.rows[0])

    def times(self, vector: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(dot(row, vector) for row in self.rows)

    def scaled(self, factor: Any) -> Matrix:
        return Matrix.of([[factor * v for v in row] for row in self.rows])

    def transposed(self) -> Matrix:
        return Matrix.of(list(zip(*self.rows, strict=True)))

    def __add__(self, other: Matrix) -> Matrix:
        return Matrix.of(
            [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.rows, other.rows, strict=True)]
        )

    def __sub__(self, other: Matrix) -> Matrix:
        return self + other.scaled(-1)

    def __matmul__(self, other: Matrix) -> Matrix:
        columns = list(zip(*other.rows, strict=True))
        return Matrix.of([[dot(row, column) for column in columns] for row in self.rows])

    def power(self, n: int) -> Matrix:
        base = self.inverse() if n < 0 else self
        result = Matrix.scalar(self.rows[0][0] * 0 + 1, self.size)
        for _ in range(abs(n)):
            result = result @ base
        return result

    def inverse(self) -> Matrix:
        return self._eliminated()[1]

    def determinant(self) -> Any:
        return self._eliminated()[0]

    def _eliminated(self) -> tuple[Any, Matrix]:
        """(determinant, inverse), by Gauss and Jordan with the largest pivot."""
        n = self.size
        one = self.rows[0][0] * 0 + 1
        rows = [[*row, *(one if r == c else 0 * one for c in range(n))] for r, row in enumerate(self.rows)]
        determinant = one
        for place in range(n):
            best = max(range(place, n), key=lambda r: abs(float(rows[r][place])))
            if best != place:
                rows[place], rows[best], determinant = rows[best], rows[place], -determinant
            pivot = rows[place][place]
            if not isinstance(pivot, float) and pivot == 0:
                raise Undefined("the inverse of a matrix without one")
            determinant = determinant * pivot
            rows[place] = [v / pivot for v in rows[place]]
            for r in range(n):
                if r != place:
                    factor = rows[r][place]
                    rows[r] = [a - factor * b for a, b in zip(rows[r], rows[place], strict=True)]
        return determinant, Matrix.of([row[n:] for row in rows])


def dot(u: Sequence[Any], v: Sequence[Any]) -> Any:
    total: Any = 0
    for a, b in zip(u, v, strict=True):
        total = total + a * b
    return total


def as_matrix(value: Any, size: int = 1) -> Matrix:
    """A word of covariances as the matrix that it spells; a number is a multiple of the identity."""
    if isinstance(value, Matrix):
        return value
    return Matrix.of(value.tolist()) if hasattr(value, "tolist") else Matrix.scalar(value, size)


def cholesky(covariance: Matrix, sqrt: Callable[[Any], Any]) -> Matrix:
    """The lower triangular root of a covariance, by elimination in whatever kind of number."""
    n, zero = covariance.size, 0 * covariance.rows[0][0]
    root = [[zero] * n for _ in range(n)]
    for r in range(n):
        for c in range(r + 1):
            left = covariance.rows[r][c] - dot(root[r][:c], root[c][:c])
            root[r][c] = sqrt(left) if r == c else left / root[c][c]
    return Matrix.of(root)
