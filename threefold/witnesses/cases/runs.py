"""Whole diffusion chains: a start, a network that looks at the time, the reverse deviations; data with one loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.chains import KINDS, Chain, Numbers, draw_betas
from threefold.witnesses.cases.networks import Network
from threefold.witnesses.cases.numbers import between, coarse, edges, normals, positive
from threefold.witnesses.point import Array, GaussianLaw, Moved, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Run(Chain):
    """A whole chain of vectors in R^d: x_0, a network of (x_t, t), and the reverse deviations sigma_1..sigma_T."""

    x0: Array
    network: Network
    sigmas: Array
    path: Array  # x_1..x_T of one coordinate

    @property
    def d(self) -> int:
        return len(self.x0)

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": self.d == 1, **self.chain_edges(self.T)})

    def affine_law(self) -> GaussianLaw:
        """p(x_0..x_T) of one coordinate when the network gives the reverse means and is affine."""
        variances = [mp.mpf(sigma) ** 2 for sigma in self.sigmas]
        return affine_law(self.network.slope[:, 0, 0], self.network.shift[:, 0], variances)

    def data_predictor_law(self) -> GaussianLaw:
        """The same when the network predicts x_0: the posterior's mean there and its variance; sigma_1^2 at t = 1."""
        alphas = [1 - mp.mpf(b) for b in self.betas]
        gains, offsets, variances = [], [], []
        for t in range(1, self.T + 1):
            before, now, alpha = mp.fprod(alphas[: t - 1]), mp.fprod(alphas[:t]), alphas[t - 1]
            on_x0, on_xt = mp.sqrt(before) * (1 - alpha) / (1 - now), mp.sqrt(alpha) * (1 - before) / (1 - now)
            gains.append(on_xt + on_x0 * mp.mpf(self.network.slope[t - 1, 0, 0]))
            offsets.append(on_x0 * mp.mpf(self.network.shift[t - 1, 0]))
            variances.append((1 - alpha) * (1 - before) / (1 - now) if t > 1 else mp.mpf(self.sigmas[0]) ** 2)
        return affine_law(gains, offsets, variances)

    def root_point(self, name: str, network: Any = None, **more: Any) -> Point:
        """The chain with its network under a name, and sigma_t = sqrt(beta_t) in 30 digits."""
        exact = {name: network or self.network.exact, "sigma": lambda t: mp.sqrt(mp.mpf(self.betas[int(t) - 1]))}
        return Point(self.d, {"T": self.T, "t": self.T}, self.betas, x={0: self.x0}, exact=exact, **more)

    def by_shift(self, name: str) -> Moved:
        """The network's shifts at t = 1..T as a place."""

        def moved(c: int, h: Fraction) -> Point:
            return self.root_point(name, self.network.shifted(c + 1, h))

        return Moved(self.T, moved)

    def data_predictor_point(self) -> Point:
        """root_point where the reverse means are those of a network that predicts x_0."""
        alphas = [1 - mp.mpf(b) for b in self.betas]

        def mean(x_t: Any, t: Any) -> tuple[Any, ...]:
            before, now, alpha = mp.fprod(alphas[: int(t) - 1]), mp.fprod(alphas[: int(t)]), alphas[int(t) - 1]
            on_x0, on_xt = mp.sqrt(before) * (1 - alpha) / (1 - now), mp.sqrt(alpha) * (1 - before) / (1 - now)
            return tuple(on_x0 * p + on_xt * v for p, v in zip(self.network.exact(x_t, t), x_t, strict=True))

        return self.root_point("mu_theta", mean)

    def point(self, name: str, **more: Any) -> Point:
        """The chain with its network under a name, and sigma."""
        sigmas = {"sigma": lambda t: self.sigmas[int(t) - 1]}
        numbers = {"T": self.T, "t": self.T, **more.pop("numbers", {})}
        families = {**sigmas, **more.pop("families", {})}
        exact = {name: self.network.exact}
        return Point(self.d, numbers, self.betas, x={0: self.x0}, families=families, exact=exact, **more)


@dataclass(frozen=True)
class Runs:
    """Chains with a network that looks at t; of degree 2 in x_t unless `affine`."""

    kinds: tuple[str, ...] = ("ordinary", "one step", "huge betas", "tiny betas")
    affine: bool = False
    share: int = 4
    most: int = 6
    least: int = 1
    most_d: int = 1  # of coordinates that do not see one another
    posterior_like: bool = False  # reverse deviations sqrt(beta_t), those of variance="beta"

    @property
    def must(self) -> frozenset[str]:
        ends = {"huge betas": "abar near 0", "tiny betas": "abar near 1", "one step": "T = 1"}
        reached = {ends[kind] for kind in self.kinds if kind in ends}
        return frozenset({"d = 1", *(reached - ({"T = 1"} if self.least > 1 else set()))})

    def draw(self, case: Cases) -> Iterator[Run]:
        for n in range(case.n // self.share):
            betas = draw_betas(case, self.kinds[n % len(self.kinds)], self.least, self.most)
            d = (n // 2) % self.most_d + 1
            network = Network.diagonal(case, d, len(betas), affine=self.affine)
            sigmas = np.sqrt(betas) if self.posterior_like else positive(case, -1, 1, len(betas))
            x0, noise = normals(case, d), case.rng.standard_normal(len(betas))
            path, x = [], float(x0[0])
            for beta, e in zip(betas, noise, strict=True):
                x = float(coarse(np.sqrt(1 - beta) * x + np.sqrt(beta) * e))
                path.append(x)
            yield Run(betas, x0, network, sigmas, np.array(path))


def affine_law(gains: Numbers, offsets: Numbers, variances: Numbers) -> GaussianLaw:
    """p(x_0..x_T) of one coordinate: x_T ~ N(0, 1), x_{t-1} = gains[t-1] x_t + offsets[t-1] + noise; in 30 digits."""
    T = len(gains)
    mean, cov = [mp.mpf(0)] * (T + 1), mp.matrix(T + 1, T + 1)
    cov[T, T] = mp.mpf(1)
    for t in range(T, 0, -1):
        gain, offset, variance = (mp.mpf(v[t - 1]) for v in (gains, offsets, variances))
        mean[t - 1] = gain * mean[t] + offset
        for later in range(t, T + 1):
            cov[t - 1, later] = cov[later, t - 1] = gain * cov[t, later]
        cov[t - 1, t - 1] = gain**2 * cov[t, t] + variance
    return GaussianLaw({("x", t): 1 for t in range(T + 1)}, mean, cov.tolist())


@dataclass(frozen=True)
class Shareds:
    """Chains with data N(0, spread I) of one or two coordinates, a network of each, a coefficient c, and weights.

    The networks are affine and look at t; c is one for all t.
    """

    share: int = 2
    least: int = 1
    most: int = 6

    @property
    def must(self) -> frozenset[str]:
        ends = {"abar near 0", "abar near 1", "t = T", "d = 1", "d = 2"}
        return frozenset(ends | ({"T = 1", "t = 1"} if self.least == 1 else {"T = 2", "t = 1"}))

    def draw(self, case: Cases) -> Iterator[Shared]:
        for n in range(case.n // self.share):
            betas = draw_betas(case, KINDS[n % len(KINDS)], self.least, self.most)
            t = {0: 1, 1: len(betas), 2: len(betas)}.get(n % 5, int(case.rng.integers(1, len(betas) + 1)))
            network = Network.diagonal(case, n % 2 + 1, len(betas), affine=True)
            weights = between(case, 0.1, 2, len(betas))
            yield Shared(betas, t, float(normals(case)), float(positive(case, -1, 1)), network, weights)


@dataclass(frozen=True)
class Shared(Chain):
    """A chain, a time t, the coefficient c, the variance of the data, a network of (x_t, t), and weights w_1..w_T."""

    t: int
    c: float
    spread: float
    network: Network
    weights: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges({"T = 2": self.T == 2, "d = 1": self.d == 1, "d = 2": self.d == 2, **self.chain_edges(self.t)})

    @property
    def d(self) -> int:
        return int(self.network.shift.shape[1])

    def by_shift(self) -> Moved:
        """The network's shifts at t = 1..T as a place: the coordinates of one time after those of another."""
        d = self.d
        return Moved(self.T * d, lambda c, h: self.point(network=self.network.shifted(c // d + 1, h, c % d)))

    def point(self, network: Any = None, **numbers: Any) -> Point:
        return Point(
            self.d,
            {"T": self.T, "t": self.t, "c": self.c, **numbers},
            self.betas,
            families={"weight": lambda t: self.weights[int(t) - 1]},
            exact={"eps_theta": network or self.network.exact},
            tables={"q": self._law()},
        )

    def _law(self) -> GaussianLaw:
        """x_0 ~ N(0, spread I) and x_t, in 30 digits."""
        kept, spread = mp.fprod(1 - mp.mpf(b) for b in self.betas[: self.t]), mp.mpf(self.spread)
        shared, d = mp.sqrt(kept) * spread, self.d
        blocks = [[spread, shared], [shared, kept * spread + 1 - kept]]
        places = range(2 * d)
        cov = [[blocks[a // d][b // d] if a % d == b % d else mp.mpf(0) for b in places] for a in places]
        return GaussianLaw({("x", 0): d, ("x", self.t): d}, [mp.mpf(0)] * (2 * d), cov)
