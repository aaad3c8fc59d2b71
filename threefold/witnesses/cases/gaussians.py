"""Normal laws, codes and decoders: pairs with full and diagonal covariances, from narrow to wide, some at the prior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from threefold.witnesses.cases.networks import Network
from threefold.witnesses.cases.numbers import HUGE, TINY, between, coarse, edges, normals, positive, sizes_reached
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Pairs:
    """Two normal laws with full covariances in 1 to 3 coordinates."""

    share: int = 2
    must: frozenset[str] = frozenset({"k = 1", "k = 3", "the same law", "ill-conditioned"})

    def draw(self, case: Cases) -> Iterator[Pair]:
        for n in range(case.n // self.share):
            k = n % 3 + 1
            means = normals(case, 2, k, scale=3.0)
            covs = [self._covariance(case, k, 0.5 if n % 8 == 5 else 2.0) for _ in range(2)]
            if n % 8 == 6:
                means[1], covs[1] = means[0], covs[0]
            yield Pair(means[0], covs[0], means[1], covs[1])

    @staticmethod
    def _covariance(case: Cases, k: int, diagonal: float) -> Array:
        root = coarse(case.rng.standard_normal((k, k)) + diagonal * np.eye(k))
        return np.asarray(root @ root.T * 2.0 ** int(case.rng.integers(-6, 4)))


@dataclass(frozen=True)
class Pair:
    """N(mean_p, cov_p) and N(mean_q, cov_q)."""

    mean_p: Array
    cov_p: Array
    mean_q: Array
    cov_q: Array

    @property
    def k(self) -> int:
        return len(self.mean_p)

    @property
    def edges(self) -> frozenset[str]:
        same = bool((self.mean_p == self.mean_q).all() and (self.cov_p == self.cov_q).all())
        worst = max(float(np.linalg.cond(c)) for c in (self.cov_p, self.cov_q))
        return edges({"k = 1": self.k == 1, "k = 3": self.k == 3, "the same law": same, "ill-conditioned": worst > 30})

    def point(self) -> Point:
        return Point(
            numbers={"k": self.k},
            vectors={"mu_p": self.mean_p, "mu_q": self.mean_q},
            covariances={"Sigma_p": self.cov_p, "Sigma_q": self.cov_q},
        )


@dataclass(frozen=True)
class Codes:
    """Means and standard deviations of encoders: 1 to `most` coordinates, deviations near 0, codes at the prior."""

    share: int = 1
    most: int = 4
    narrowest: float = 1e-4

    @property
    def must(self) -> frozenset[str]:
        return frozenset({"k = 1", "the prior", "huge values", "tiny values", "repeated points", "narrow"})

    def draw(self, case: Cases) -> Iterator[Code]:
        for n in range(case.n // self.share):
            k = n % self.most + 1
            mean = normals(case, k, scale={3: HUGE, 5: TINY}.get(n % 8, 2.0))
            log_variance = between(case, -5, 2, k)
            if n % 8 == 0:
                mean, log_variance = np.zeros(k), np.zeros(k)
            if n % 8 == 1:
                log_variance[0] = coarse(2 * np.log(self.narrowest))
            if n % 8 == 6:
                mean, log_variance = np.full(k, mean[0]), np.full(k, log_variance[0])
            yield Code(mean, log_variance, normals(case, k))


@dataclass(frozen=True)
class Code:
    """N(mean, diag e^log_variance) on R^k, and a standard noise."""

    mean: Array
    log_variance: Array
    noise: Array

    @property
    def k(self) -> int:
        return len(self.mean)

    @property
    def deviation(self) -> Array:
        return np.asarray(np.exp(self.log_variance / 2))

    @property
    def edges(self) -> frozenset[str]:
        sizes = sizes_reached([self.mean])
        sizes.pop("zero vector")
        return edges(
            {
                "k = 1": self.k == 1,
                "the prior": not self.mean.any() and not self.log_variance.any(),
                "repeated points": bool(np.ptp(self.mean) == 0),
                "narrow": bool(self.deviation.min() < 0.1),
                **sizes,
            }
        )

    def point(self, j: int = 1, **vectors: Any) -> Point:
        known = {"mu": self.mean, "std": self.deviation, "log_variance": self.log_variance, **vectors}
        return Point(self.k, {"k": self.k, "j": j}, vectors=known)


@dataclass(frozen=True)
class Isotropics:
    """Two isotropic normal laws in 1 to 4 dimensions."""

    share: int = 1
    must: frozenset[str] = frozenset({"d = 1", "the same law", "huge values", "nearly the same law"})

    def draw(self, case: Cases) -> Iterator[Isotropic]:
        for n in range(case.n // self.share):
            m_1, m_2 = normals(case, 2, n % 4 + 1, scale=HUGE if n % 8 == 3 else 1.0)
            v_1, v_2 = positive(case, -3, 3, 2)
            if n % 8 == 4:
                m_2, v_2 = m_1, v_1
            if n % 8 == 5:
                m_2, v_2 = m_1, v_1 * (1 + 2.0**-7)
            yield Isotropic(m_1, float(v_1), m_2, float(v_2))


@dataclass(frozen=True)
class Isotropic:
    """N(m_1, v_1 I) and N(m_2, v_2 I)."""

    m_1: Array
    v_1: float
    m_2: Array
    v_2: float

    @property
    def edges(self) -> frozenset[str]:
        same = bool((self.m_1 == self.m_2).all())
        return edges(
            {
                "d = 1": len(self.m_1) == 1,
                "the same law": same and self.v_1 == self.v_2,
                "nearly the same law": same and 0 < abs(self.v_1 / self.v_2 - 1) < 0.02,
                "huge values": float(np.abs(self.m_1).max()) > 100,
            }
        )

    def point(self) -> Point:
        return Point(len(self.m_1), {"v_1": self.v_1, "v_2": self.v_2}, vectors={"m_1": self.m_1, "m_2": self.m_2})


@dataclass(frozen=True)
class Decoders:
    """An observation of 1 to 4 pixels, a code of 1 to 2 latents, a decoder of degree 2 and its sigma."""

    share: int = 1
    affine: bool = False
    must: frozenset[str] = frozenset({"d = 1", "k = 1", "huge values", "narrow"})

    def draw(self, case: Cases) -> Iterator[Decoded]:
        for n in range(case.n // self.share):
            d, k = n % 3 + 1, n % 2 + 1
            mean, log_variance = normals(case, k), between(case, -4, 1, k)
            sigma = float(positive(case, -3, -2 if n % 8 in (2, 5) else 2)) if n % 4 else 1.0
            x = normals(case, d, scale=HUGE if n % 8 == 3 else 1.0)
            network = Network.draw(case, k, d, affine=self.affine)
            yield Decoded(x, Code(mean, log_variance, normals(case, k)), network, sigma)


@dataclass(frozen=True)
class Decoded:
    """x, its code N(mean, diag deviation^2), a decoder network of z, and the decoder's sigma."""

    x: Array
    code: Code
    network: Network
    sigma: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": len(self.x) == 1,
                "k = 1": self.code.k == 1,
                "huge values": float(np.abs(self.x).max()) > 100,
                "narrow": self.sigma < 0.2,
            }
        )

    def point(self, std_phi: tuple[Any, ...] | None = None) -> Point:
        """The model at x; the code's deviation may be given in the oracle's own numbers."""
        code = self.code
        exact: dict[str, Any] = {"mu_theta": lambda z: self.network.exact(z)}
        answers = {"mu_phi": code.mean}
        if std_phi is None:
            answers["std_phi"] = code.deviation
        else:
            exact["std_phi"] = lambda _: std_phi
        vectors = {"x_obs": self.x, "z": code.noise}
        return Point(len(self.x), {"k": code.k, "sigma_x": self.sigma}, vectors=vectors, answers=answers, exact=exact)


@dataclass(frozen=True)
class Bits:
    """Binary observations of 1 to 5 pixels and logits, from sure to undecided."""

    share: int = 1
    must: frozenset[str] = frozenset({"d = 1", "sure", "undecided"})

    def draw(self, case: Cases) -> Iterator[Bitmap]:
        for n in range(case.n // self.share):
            d = n % 5 + 1
            logits = normals(case, d, scale=30.0 if n % 4 == 0 else 2.0)
            yield Bitmap(case.rng.integers(0, 2, d).astype(float), 0 * logits if n % 8 == 1 else logits, n % d + 1)


@dataclass(frozen=True)
class Bitmap:
    """x in {0, 1}^d, logits a, and a coordinate j counted from 1."""

    x: Array
    logits: Array
    j: int

    @property
    def edges(self) -> frozenset[str]:
        largest = float(np.abs(self.logits).max())
        return edges({"d = 1": len(self.x) == 1, "sure": largest > 20, "undecided": largest == 0.0})
