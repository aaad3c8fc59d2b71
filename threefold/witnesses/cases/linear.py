"""Linear-Gaussian VAEs, in which the bound, the evidence and the posterior are normal laws; numbers of few digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import mp, number
from threefold.witnesses.cases.gaussians import Isotropic
from threefold.witnesses.cases.numbers import between, coarse, edges, normals, positive
from threefold.witnesses.point import Array, GaussianLaw, Moved, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class LinearVAEs:
    """z ~ N(0, I), x | z ~ N(W z + b, s^2 I), q(z | x) = N(m, diag e^l); every fourth has the exact posterior."""

    share: int = 5
    must: frozenset[str] = frozenset({"d = 1", "k = 1", "exact posterior"})

    def draw(self, case: Cases) -> Iterator[LinearVAE]:
        for n in range(case.n // self.share):
            d, k = (n // 2) % 3 + 1, n % 2 + 1
            weight, bias, x = normals(case, d, k), normals(case, d), normals(case, d)
            spread = float(positive(case, -1.5, 1))
            mean, log_variance = normals(case, k), between(case, -3, 1, k)
            model = LinearVAE(weight, bias, spread, x, tuple(mean.tolist()), tuple(log_variance.tolist()))
            yield model.with_posterior() if n % 4 == 2 else model


@dataclass(frozen=True)
class LinearVAE:
    """The model, x, and the code: mean and log variance as floats, or as the oracle's numbers."""

    weight: Array
    bias: Array
    spread: float
    x: Array
    mean: tuple[Any, ...]
    log_variance: tuple[Any, ...]
    exact_posterior: bool = False

    @property
    def k(self) -> int:
        return len(self.mean)

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.x) == 1, "k = 1": self.k == 1, "exact posterior": self.exact_posterior})

    def with_posterior(self) -> LinearVAE:
        """The same with the exact posterior for a code, k = 1."""
        w, s2 = [mp.mpf(v) for v in self.weight[:, 0]], mp.mpf(self.spread) ** 2
        precision = mp.fsum(v * v for v in w) / s2 + 1
        residual = mp.fsum(v * (mp.mpf(x) - mp.mpf(b)) for v, x, b in zip(w, self.x, self.bias, strict=True))
        centre = (residual / s2 / precision,)
        return LinearVAE(self.weight, self.bias, self.spread, self.x, centre, (-mp.log(precision),), True)

    def point(self, mean: tuple[Any, ...] | None = None) -> Point:
        d, k = self.weight.shape
        w, s2 = mp.matrix(self.weight.tolist()), mp.mpf(self.spread) ** 2
        p_cov, q_cov = mp.eye(k + d), mp.eye(k + d)
        for i in range(d):
            for j in range(k):
                p_cov[k + i, j] = p_cov[j, k + i] = w[i, j]
            for m in range(d):
                p_cov[k + i, k + m] = mp.fsum(w[i, j] * w[m, j] for j in range(k)) + (s2 if i == m else 0)
        for j in range(k):
            q_cov[j, j] = mp.exp(mp.mpf(self.log_variance[j]))
        sizes = {("z",): k, ("x_obs",): d}
        centre = [mp.mpf(v) for v in (mean or self.mean)]
        p = GaussianLaw(sizes, [mp.mpf(0)] * k + [mp.mpf(b) for b in self.bias], p_cov.tolist())
        q = GaussianLaw(sizes, centre + [mp.mpf(0)] * d, q_cov.tolist())
        return Point(d, {"k": k}, vectors={"x_obs": self.x}, tables={"p": p, "q": q})

    def by_mean(self) -> Moved:
        """The code's mean as a place."""

        def moved(c: int, h: Fraction) -> Point:
            return self.point(tuple(mp.mpf(m) + (number(h) if i == c else 0) for i, m in enumerate(self.mean)))

        return Moved(self.k, moved)


def two_laws(s: Isotropic) -> Point:
    """p and q of x as N(m_1, v_1 I) and N(m_2, v_2 I)."""
    d = len(s.m_1)

    def law(mean: Any, variance: float) -> GaussianLaw:
        return GaussianLaw({("x_obs",): d}, [number(m) for m in mean], (mp.mpf(variance) * mp.eye(d)).tolist())

    return Point(d, tables={"p": law(map(Fraction, s.m_1), s.v_1), "q": law(map(Fraction, s.m_2), s.v_2)})


@dataclass(frozen=True)
class Mixed:
    """Two normal laws that are diagonal in common coordinates, x = A y, with A of few digits."""

    matrix: Array
    mean_p: Array
    log_p: Array
    mean_q: Array
    log_q: Array

    @property
    def k(self) -> int:
        return len(self.mean_p)

    @property
    def edges(self) -> frozenset[str]:
        same = bool((self.mean_p == self.mean_q).all() and (self.log_p == self.log_q).all())
        return edges({"k = 1": self.k == 1, "k = 3": self.k == 3, "the same law": same})

    def point(self, moved: int = 0, by: Fraction = Fraction(0)) -> Point:
        mean_p = [Fraction(v) + (by if i == moved else 0) for i, v in enumerate(self.mean_p)]
        mean_q = [Fraction(v) for v in self.mean_q]
        return Point(
            numbers={"k": self.k},
            vectors={"mu_p": self._image(mean_p), "mu_q": self._image(mean_q)},
            covariances={"Sigma_p": self._covariance(self.log_p), "Sigma_q": self._covariance(self.log_q)},
        )

    def by_mean(self) -> Moved:
        return Moved(self.k, self.point)

    def _image(self, vector: list[Fraction]) -> list[Fraction]:
        return [sum((Fraction(a) * v for a, v in zip(row, vector, strict=True)), Fraction(0)) for row in self.matrix]

    def _covariance(self, log_variance: Array) -> Any:
        a, diagonal = mp.matrix(self.matrix.tolist()), mp.diag([mp.exp(mp.mpf(v)) for v in log_variance])
        return a * diagonal * a.T


@dataclass(frozen=True)
class Mixes:
    """Pairs of such laws in 1 to 3 coordinates."""

    share: int = 2
    must: frozenset[str] = frozenset({"k = 1", "k = 3", "the same law"})

    def draw(self, case: Cases) -> Iterator[Mixed]:
        for n in range(case.n // self.share):
            k = n % 3 + 1
            matrix = coarse(case.rng.standard_normal((k, k)) + 2 * np.eye(k))
            means, logs = normals(case, 2, k), between(case, -2, 2, 2, k)
            if n % 8 == 4:
                means[1], logs[1] = means[0], logs[0]
            yield Mixed(matrix, means[0], logs[0], means[1], logs[1])


@dataclass(frozen=True)
class LinearlyDecoded:
    """z ~ N(0, I), x | z ~ N(W z + b, s^2 I), W of d rows and k columns; an x, a z, an encoder N(V (x - b), diag D)."""

    weight: Array
    encoder: Array
    bias: Array
    spread: float
    x: Array
    z: Array
    variances: Array

    @property
    def shape(self) -> tuple[int, int]:
        d, k = self.weight.shape
        return d, k

    @property
    def edges(self) -> frozenset[str]:
        d, k = self.shape
        return edges(
            {"d = 1": d == 1, "d < k": d < k, "d > k": d > k, "rank below both": d > 1 and not self.weight[1:].any()}
        )

    def point(self) -> Point:
        d, k = self.shape
        vectors = {"x_obs": self.x, "z": self.z, "b_x": self.bias, "D_q": self.variances}
        return Point(
            d, {"k": k, "sigma_x": self.spread}, vectors=vectors, covariances={"W": self.weight, "V_x": self.encoder}
        )


@dataclass(frozen=True)
class LinearDecoders:
    """Linear decoders from 1 to 3 codes to 1 to 3 pixels, every fourth with one row of weights that is not 0."""

    share: int = 4
    must: frozenset[str] = frozenset({"d = 1", "d < k", "d > k", "rank below both"})

    def draw(self, case: Cases) -> Iterator[LinearlyDecoded]:
        for n in range(max(12, case.n // self.share)):
            d, k = n % 3 + 1, (n // 3) % 3 + 1
            weight = normals(case, d, k)
            if n % 4 == 1:
                weight[1:] = 0.0
            spread, variances = float(positive(case, -1, 1)), positive(case, -1.5, 1, k)
            yield LinearlyDecoded(
                weight, normals(case, k, d), normals(case, d), spread, normals(case, d), normals(case, k), variances
            )


@dataclass(frozen=True)
class PrincipalAxes:
    """Falling variances along the axes, an orthogonal projection of rank k, a datum, and a level."""

    variances: Array
    basis: Array
    x: Array
    level: float

    @property
    def rank(self) -> int:
        return int(self.basis.shape[1])

    @property
    def projection(self) -> Array:
        return np.asarray(self.basis @ self.basis.T)

    @property
    def edges(self) -> frozenset[str]:
        first = np.allclose(np.diag(self.projection)[: self.rank], 1)
        return edges({"the principal axes": bool(first), "k = 1": self.rank == 1, "k = 3": self.rank == 3})

    def point(self) -> Point:
        kept = np.diag(self.projection)
        families: dict[str, Any] = {
            "own_variance_of": lambda m: self.variances[int(m) - 1],
            "kept_share_of": lambda m: kept[int(m) - 1],
        }
        count = len(self.variances)
        foot = self.projection @ self.x
        vectors = {"one_picture": self.x, "foot_of_picture": foot, "reconstruction": foot + self.basis[:, 0]}
        numbers = {"k_a": self.rank, "N_a": count, "r_a": count - self.rank, "variance_level": self.level}
        return Point(count, numbers, vectors=vectors, families=families, covariances={"P_a": self.projection})


@dataclass(frozen=True)
class AxesAndProjections:
    """Two to five axes, one to three of them kept; every third projection is on the first ones."""

    count: int = 9
    must: frozenset[str] = frozenset({"the principal axes", "k = 1", "k = 3"})

    def draw(self, case: Cases) -> Iterator[PrincipalAxes]:
        for n in range(self.count):
            k = 1 + n % 3
            size = k + 1 + (n // 3) % 2
            variances = np.sort(positive(case, -1, 1, size))[::-1]
            basis = np.linalg.qr(case.rng.standard_normal((size, k)))[0]
            basis = np.eye(size)[:, :k] if n // 3 == 1 else basis
            yield PrincipalAxes(variances, basis, normals(case, size), float(positive(case, -1, 1)))
