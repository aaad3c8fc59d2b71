"""What only floats need: averages of exponentials, in closed form where it is known, else by quadrature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from derivations.refutation.arithmetic import mp
from derivations.refutation.matrices import Matrix, cholesky, dot
from derivations.refutation.undefined import Uncomputable, Undefined

PIECES = [mp.mpf(p) for p in (-12, -6, -3, -1.5, -0.5, 0.5, 1.5, 3, 6, 12)]


def exp_of_quadratic(exponent: Callable[[Any], Any], size: int) -> Any:
    """E exp(exponent(e)), e ~ N(0, I) in so many dimensions, for a quadratic exponent; None for any other.

    With e^T A e + b^T e + c in the exponent it is exp(c + b^T M^-1 b / 2) / sqrt(det M), M = I - 2 A.
    """

    def at(*moved: int, by: int = 1) -> Any:
        return exponent(tuple(mp.mpf(by if n in moved else 0) for n in range(size)))

    c, high, low = at(), [at(n) for n in range(size)], [at(n, by=-1) for n in range(size)]
    b = [(up - down) / 2 for up, down in zip(high, low, strict=True)]
    a = [[(high[n] + low[n]) / 2 - c if n == m else mp.mpf(0) for m in range(size)] for n in range(size)]
    for n in range(size):
        for m in range(n):
            a[n][m] = a[m][n] = (at(n, m) - high[n] - high[m] + c) / 2
    place = tuple(mp.mpf(n + 2) for n in range(size))
    check = exponent(place)
    if abs(dot(place, Matrix.of(a).times(place)) + dot(b, place) + c - check) > mp.mpf(10) ** -18 * (1 + abs(check)):
        return None
    left = Matrix.of([[mp.mpf(n == m) - 2 * v for m, v in enumerate(row)] for n, row in enumerate(a)])
    root = cholesky(left, _positive_root).rows
    solved: list[Any] = []  # of the triangular system with b on its right
    for n, row in enumerate(root):
        solved.append((b[n] - dot(row[:n], solved)) / row[n])
    return mp.exp(c + dot(solved, solved) / 2) / mp.fprod(root[n][n] for n in range(size))


def _positive_root(value: Any) -> Any:
    if value <= 0:
        raise Undefined("the average of this exponential is infinite")
    return mp.sqrt(value)


def mean_of_exponential(mean: Sequence[Any], variances: Sequence[Any], exponent: Callable[[Any], Any]) -> Any:
    """E exp(exponent(v)) over v of independent coordinates N(mean, variance), a number."""
    scales = [mp.sqrt(variance) for variance in variances]

    def along(noise: Any) -> Any:
        return exponent(tuple(m + s * e for m, s, e in zip(mean, scales, noise, strict=True)))

    exact = exp_of_quadratic(along, len(scales))
    if exact is not None:
        return exact
    if len(scales) > 1:
        raise Uncomputable(f"the average of an exponential in {len(scales)} dimensions that is not quadratic in them")
    return mp.quad(lambda u: mp.npdf(u) * mp.exp(along((u,))), PIECES)
