"""Optimal transport of Gaussians by singular values and Cholesky factors; slopes by complex steps and on a circle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference.gaussians import Gaussian
from threefold.witnesses.cases.transport import Coupled, Couplings
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.shapes import Shape, Value, measured

CIRCLE = np.exp(2j * np.pi * np.arange(64) / 64)


def affinity(s: Coupled) -> float:
    """The nuclear norm of the product of two factors of the covariances: the trace of the root in the distance."""
    one, other = np.linalg.cholesky(s.root @ s.root), np.linalg.cholesky(s.second)
    return float(np.sum(np.linalg.svd(other.T @ one, compute_uv=False)))


def best_map(s: Coupled) -> np.ndarray:
    """The best map's matrix from a Cholesky factor L of the first covariance: L^-T (L^T S_2 L)^(1/2) L^-1."""
    lower = np.linalg.cholesky(s.root @ s.root)
    values, axes = np.linalg.eigh(lower.T @ s.second @ lower)
    back = np.linalg.inv(lower)
    return np.asarray(back.T @ (axes * np.sqrt(values)) @ axes.T @ back)


def width(s: Coupled, time: complex | np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((1 - time) ** 2 * s.variance + time**2))


@measured(
    "flow.gaussian_ot",
    method="singular values of Cholesky factors; the map by an eigenbasis; complex step; Cauchy's integral on a circle",
    cases=Couplings(),
)
def _(s: Coupled) -> Iterator[Shape]:
    d, point, matrix = len(s.y), s.point(), best_map(s)
    first = Gaussian.from_cov(s.m_1, s.root @ s.root)
    carried = first.affine(matrix, s.m_2 - matrix @ s.m_1, np.sqrt(s.blur) * np.eye(d))
    yield Value(0, point, float(np.exp(carried.log_prob(s.y))), sides=("rhs",))  # a grid is coarse for the other
    apart = float(np.sum((s.m_1 - s.m_2) ** 2) + np.trace(s.root @ s.root) + np.trace(s.second))
    yield Value(1, point, apart - 2 * affinity(s))
    yield Value(2, point, apart - 2 * s.share * affinity(s))
    tiny = 1e-40
    moved = np.sqrt(s.variance + (s.level + 1j * tiny) ** 2) / np.sqrt(s.variance + s.top**2)
    yield Value(3, point, float(moved.imag / tiny))
    radius = 0.5 * np.sqrt(s.variance) / (1 + s.variance) * min(1.0, 1 / np.sqrt(1 + s.variance))
    bend = 2 * np.mean(width(s, s.time + radius * CIRCLE) / CIRCLE**2).real / radius**2
    yield Value(4, point, float(bend), rounding=100.0, because="the circle's radius is squared below")


not_applicable(
    "flow.gaussian_ot", "the training code computes no transport map between Gaussians in closed form", witness="torch"
)
