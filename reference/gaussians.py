"""Normal laws held by their noise loadings: x = mean + factor @ eps with independent standard eps.

Everything is done to the loadings. A linear map multiplies them, fresh noise adds columns, and conditioning is an
orthogonal triangularisation (QR) that splits the loadings into a part that the observed coordinates determine and a
part they leave free. No formula for a conditional mean or variance is written down, and no difference of nearly equal
variances is formed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.quadrature import LOG_TWO_PI
from reference.validation import Array, cholesky, integer, real_array

__all__ = ["Gaussian"]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The law of mean + factor @ eps: mean (n,), factor (n, m), covariance factor @ factor.T (may be singular)."""

    mean: Array
    factor: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", real_array("mean", self.mean, ndim=1))
        object.__setattr__(self, "factor", real_array("factor", self.factor, ndim=2))
        if self.factor.shape[0] != self.mean.size:
            raise ValueError(
                f"factor has shape {self.factor.shape}, but needs {self.mean.size} rows; match it to the mean"
            )

    @staticmethod
    def from_cov(mean: ArrayLike, cov: ArrayLike) -> Gaussian:
        """Return the law with that mean (n,) and positive definite covariance (n, n)."""
        center = real_array("mean", mean, ndim=1)
        return Gaussian(center, cholesky("cov", cov, center.size))

    @staticmethod
    def standard(n: int) -> Gaussian:
        """Return N(0, I_n)."""
        n = integer("n", n, 1)
        return Gaussian(np.zeros(n), np.eye(n))

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return self.mean.size

    @property
    def cov(self) -> Array:
        """Covariance, shape (n, n)."""
        return self.factor @ self.factor.T

    @property
    def variances(self) -> Array:
        """Variance of each coordinate, shape (n,): sums of squares of the loadings."""
        return np.asarray(np.sum(self.factor**2, axis=1), dtype=np.float64)

    def marginal(self, index: Sequence[int] | NDArray[np.intp]) -> Gaussian:
        """Return the law of the coordinates in `index`, in that order."""
        rows = self._rows(index)
        return Gaussian(self.mean[rows], self.factor[rows])

    def affine(self, matrix: ArrayLike, shift: ArrayLike = 0.0, noise_factor: ArrayLike | None = None) -> Gaussian:
        """Return the law of y = matrix x + shift + noise_factor w, w fresh standard noise."""
        A = real_array("matrix", matrix, ndim=2)
        if A.shape[1] != self.n:
            raise ValueError(f"matrix has shape {A.shape}, but needs {self.n} columns; match it to the law")
        b = np.broadcast_to(real_array("shift", shift), (A.shape[0],))
        loadings = A @ self.factor
        if noise_factor is not None:
            fresh = real_array("noise_factor", noise_factor, ndim=2)
            if fresh.shape[0] != A.shape[0]:
                raise ValueError(
                    f"noise_factor has shape {fresh.shape}, but needs {A.shape[0]} rows; match it to matrix"
                )
            loadings = np.concatenate([loadings, fresh], axis=1)
        return Gaussian(A @ self.mean + b, loadings)

    def extend(self, matrix: ArrayLike, shift: ArrayLike = 0.0, noise_factor: ArrayLike | None = None) -> Gaussian:
        """Return the joint law of (x, y), y = matrix x + shift + noise_factor w; the old coordinates come first."""
        y = self.affine(matrix, shift, noise_factor)
        known = np.pad(self.factor, ((0, 0), (0, y.factor.shape[1] - self.factor.shape[1])))
        return Gaussian(np.concatenate([self.mean, y.mean]), np.concatenate([known, y.factor]))

    def compressed(self) -> Gaussian:
        """Return the same law with at most n noise columns (a triangular factor)."""
        if self.factor.shape[1] <= self.n:
            return self
        return Gaussian(self.mean, _triangle(self.factor).T)

    def condition(self, index: Sequence[int] | NDArray[np.intp], values: ArrayLike) -> Gaussian:
        """Return the law of the other coordinates (in their order) given that those in `index` equal `values`.

        Raises ValueError when the given coordinates determine one another (singular covariance).
        """
        given = self._rows(index)
        seen = real_array("values", values, ndim=1)
        if seen.size != given.size:
            raise ValueError(f"values has {seen.size} entries, but {given.size} coordinates are given; pass one each")
        free = np.setdiff1d(np.arange(self.n), given)
        upper = _triangle(np.concatenate([self.factor[given], self.factor[free]]))
        triangle = _regular(upper[: given.size, : given.size], self.factor[given])
        noise = _forward_substitution(triangle, seen - self.mean[given])
        mean = self.mean[free] + upper[: given.size, given.size :].T @ noise
        return Gaussian(mean, upper[given.size :, given.size :].T)

    def log_prob(self, x: ArrayLike) -> Array:
        """Return log densities in nats for x of shape (..., n); ValueError when the covariance is singular."""
        points = real_array("x", x)
        if points.shape[-1:] != (self.n,):
            raise ValueError(f"x has shape {points.shape}, but its last axis must be {self.n}; match it to the law")
        triangle = _regular(_triangle(self.factor), self.factor)
        flat = (points - self.mean).reshape(-1, self.n).T
        noise = _forward_substitution(triangle, flat)
        log_volume = float(np.sum(np.log(np.abs(np.diag(triangle)))))
        values = -0.5 * np.sum(noise**2, axis=0) - log_volume - 0.5 * self.n * LOG_TWO_PI
        return np.asarray(values).reshape(points.shape[:-1])

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Return `count` draws, shape (count, n)."""
        noise = rng.standard_normal((integer("count", count, 1), self.factor.shape[1]))
        return self.mean + noise @ self.factor.T

    def cubature(self) -> Array:
        """Return equally weighted points, shape (2 m, n), whose average is exact for polynomials up to degree 3."""
        law = self.compressed()
        m = law.factor.shape[1]
        spread = np.sqrt(m) * law.factor.T
        return np.asarray(law.mean + np.concatenate([spread, -spread]), dtype=np.float64)

    def expect_quadratic(self, f: Callable[[Array], Array]) -> float:
        """Return E f(x) for f, (k, n) -> (k,), a polynomial of degree at most 3: the average over `cubature`."""
        points = self.cubature()
        if points.shape[0] == 0:
            points = self.mean[None, :]
        values = np.asarray(f(points), dtype=np.float64)
        if values.shape != points.shape[:1]:
            raise ValueError(f"f returned shape {values.shape} for {points.shape[0]} points; return one value a point")
        return float(np.mean(values))

    def _rows(self, index: Sequence[int] | NDArray[np.intp]) -> NDArray[np.intp]:
        rows = np.asarray(index)
        if rows.dtype.kind not in "iu" or rows.ndim != 1 or rows.size == 0:
            raise TypeError(f"index is {index!r}, but it must be a non-empty list of integers; pass coordinate numbers")
        if rows.min() < 0 or rows.max() >= self.n or np.unique(rows).size != rows.size:
            raise ValueError(
                f"index is {index!r}, but it must name distinct coordinates in 0..{self.n - 1}; correct it"
            )
        return rows.astype(np.intp)


def _triangle(loadings: Array) -> Array:
    """Return the upper triangle R of loadings.T = Q R, so that loadings loadings.T = R.T R."""
    return np.asarray(np.linalg.qr(loadings.T, mode="r"), dtype=np.float64)


def _regular(triangle: Array, loadings: Array) -> Array:
    """Return the upper triangle of the loadings' QR if every diagonal entry stands above rounding error."""
    n = loadings.shape[0]
    sizes = np.sqrt(np.einsum("ij,ij->i", loadings, loadings))
    diagonal = np.zeros(n)
    diagonal[: min(triangle.shape)] = np.abs(np.diag(triangle))
    floor = 4.0 * n * np.finfo(np.float64).eps * sizes
    if (diagonal <= floor).any():
        k = int(np.argmax(diagonal <= floor))
        raise ValueError(
            f"coordinate {k} keeps standard deviation {diagonal[k]} given those before it, limit {floor[k]}: "
            "the covariance is singular; leave out coordinates that the others determine"
        )
    return triangle


def _forward_substitution(upper: Array, right: Array) -> Array:
    """Solve upper.T y = right for an upper triangular matrix."""
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(upper, right, trans="T", lower=False), dtype=np.float64)
