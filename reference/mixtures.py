"""Gaussian mixtures seen through the noise: density, score, exact denoiser and the best loss that anyone can reach.

Every component is carried through the noise as a joint normal law of (x_0, x_t) and conditioned; scores are complex
steps of the log density. In one dimension twins by plain integration over x_0 stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.finite import probability_table
from reference.gaussians import Gaussian
from reference.gradients import STEP
from reference.quadrature import LOG_TWO_PI, integrate_line, normal_expectation_nd
from reference.validation import Array, cholesky, integer, real_array, real_number, signal_fraction

STEPS = {1: (1 / 16, 1 / 128, 1 / 1024), 2: (1 / 8, 1 / 16, 1 / 64)}  # grids tried, by dimension
Target = Literal["x0", "eps", "v"]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Weights (k,) and components of one dimension d; components may be points (no loadings)."""

    weights: Array
    components: tuple[Gaussian, ...]

    def __post_init__(self) -> None:
        checked = probability_table("weights", self.weights, (0,)).astype(np.float64)
        object.__setattr__(self, "weights", checked)
        if checked.shape != (len(self.components),) or (checked <= 0.0).any():
            raise ValueError(f"weights {checked} for {len(self.components)} components; give one above 0 for each")
        if len({law.n for law in self.components}) != 1:
            raise ValueError(
                f"components have dimensions {[law.n for law in self.components]}; give them one dimension"
            )

    @staticmethod
    def of(weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> GaussianMixture:
        """Return the mixture from weights (k,), means (k, d), covariances (k, d, d)."""
        centers, spreads = real_array("means", means, ndim=2), real_array("covariances", covariances, ndim=3)
        k, d = centers.shape
        if spreads.shape != (k, d, d):
            raise ValueError(f"covariances has shape {spreads.shape}, but {(k, d, d)} is needed; one matrix a mean")
        laws = tuple(Gaussian(m, cholesky(f"covariances[{i}]", spreads[i], d)) for i, m in enumerate(centers))
        return GaussianMixture(np.asarray(weights), laws)

    @staticmethod
    def of_points(data: ArrayLike, weights: ArrayLike | None = None) -> GaussianMixture:
        """Return the law of a finite data set, data (k, d): components without spread, equally weighted unless said."""
        rows = real_array("data", data, ndim=2)
        masses = np.full(len(rows), 1.0 / max(len(rows), 1)) if weights is None else np.asarray(weights)
        return GaussianMixture(masses, tuple(Gaussian(row, np.zeros((row.size, 1))) for row in rows))

    @property
    def d(self) -> int:
        """Dimension of the data."""
        return self.components[0].n

    def noised(self, abar: float) -> GaussianMixture:
        """Return the law of x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps."""
        gain, blur = _level(abar)
        eye = np.eye(self.d)
        noise = blur * eye if blur > 0.0 else None
        return GaussianMixture(self.weights, tuple(law.affine(gain * eye, 0.0, noise) for law in self.components))

    def log_prob(self, x: ArrayLike, abar: float = 1.0) -> Array:
        """Return log densities of x_t in nats, x of shape (n, d)."""
        return np.asarray(self.noised(abar)._log_density(_points(x, self.d)).real, dtype=np.float64)

    def score(self, x: ArrayLike, abar: float = 1.0) -> Array:
        """Return gradients of the log density of x_t, shape (n, d), by complex steps."""
        points, law = _points(x, self.d), self.noised(abar)
        columns = [law._log_density(points + 1j * STEP * axis).imag / STEP for axis in np.eye(self.d)]
        return np.stack(columns, axis=1)

    def responsibilities(self, x: ArrayLike, abar: float) -> Array:
        """Return P(component | x_t), shape (n, k)."""
        logs = self.noised(abar)._component_logs(_points(x, self.d)).real
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def denoiser(self, x: ArrayLike, abar: float) -> Array:
        """Return E[x_0 | x_t = x], shape (n, d): component conditionals weighted by Bayes' rule. Needs abar < 1."""
        points = _points(x, self.d)
        means = np.stack([_conditional(law, abar)[0](points) for law in self.components], axis=1)
        return np.asarray(np.einsum("nk,nkd->nd", self.responsibilities(points, abar), means))

    def predicted_noise(self, x: ArrayLike, abar: float) -> Array:
        """Return E[eps | x_t = x], shape (n, d), for abar < 1."""
        gain, blur = _level(abar)
        return (_points(x, self.d) - gain * self.denoiser(x, abar)) / blur

    def best_loss(self, abar: float, target: Target = "eps") -> float:
        """Return the least mean squared error, summed over coordinates, of predicting x_0, eps or v from x_t.

        The expected conditional variance of x_0 by summation over x_t (d <= 3), scaled to the target; abar in (0, 1).
        The grid is refined until it resolves the borders between components; ValueError when it never does.
        """
        level = signal_fraction("abar", abar)
        if not 0.0 < level < 1.0:
            raise ValueError(
                f"abar is {level}, but the loss needs 0 < abar < 1; at the ends it is known without summing"
            )
        integer("d", self.d, 1, 3)
        noised = [law.compressed() for law in self.noised(level).components]
        error = sum(w * self._expected_variance(law, level) for w, law in zip(self.weights, noised, strict=True))
        scale = {"x0": 1.0, "eps": level / (1.0 - level), "v": 1.0 / (1.0 - level)}
        if target not in scale:
            raise ValueError(f"target is {target!r}, but it must be one of {tuple(scale)}; choose one")
        return float(error) * scale[target]

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Return `count` draws, shape (count, d)."""
        labels = rng.choice(len(self.components), size=integer("count", count, 1), p=self.weights)
        draws = np.empty((count, self.d))
        for k, law in enumerate(self.components):
            chosen = labels == k
            if chosen.any():
                draws[chosen] = law.sample(int(chosen.sum()), rng)
        return draws

    def _expected_variance(self, law: Gaussian, abar: float) -> float:
        """Return the mean conditional variance over x_t from one component, on the first grid that resolves it."""
        center = self.weights @ np.stack([part.mean for part in self.components])
        scale = max(float(np.sum((part.mean - center) ** 2 + part.variances)) for part in self.components)
        spread = partial(self._conditional_variance, abar=abar)
        return normal_expectation_nd(spread, law.mean, law.factor, STEPS.get(self.d), floor=1e-15 * scale)

    def _conditional_variance(self, x: Array, abar: float) -> Array:
        """Return E[|x_0 - E[x_0|x_t]|^2 | x_t]: spread within components plus spread between them; no difference."""
        shares = self.responsibilities(x, abar)
        parts = [_conditional(law, abar) for law in self.components]
        means = np.stack([mean(x) for mean, _ in parts], axis=1)
        center = np.einsum("nk,nkd->nd", shares, means)
        between = np.einsum("nk,nkd->n", shares, (means - center[:, None]) ** 2)
        return np.asarray(between + shares @ np.array([variance for _, variance in parts]))

    def _component_logs(self, x: NDArray[Any]) -> NDArray[np.complex128]:
        columns = []
        for weight, law in zip(self.weights, self.components, strict=True):
            lower = law.compressed().factor
            if lower.shape[1] < law.n or np.abs(np.diag(lower)).min() == 0.0:
                raise ValueError("a component without spread has no density at abar = 1; ask at abar < 1")
            noise = np.linalg.solve(lower, (x - law.mean).T.astype(np.complex128))
            log_mass = np.log(weight) - np.sum(np.log(np.abs(np.diag(lower)))) - 0.5 * law.n * LOG_TWO_PI
            columns.append(-0.5 * np.sum(noise**2, axis=0) + log_mass)
        return np.stack(columns, axis=1)

    def _log_density(self, x: NDArray[Any]) -> NDArray[np.complex128]:
        logs = self._component_logs(x)
        top = logs.real.max(axis=1)
        return np.asarray(top + np.log(np.sum(np.exp(logs - top[:, None]), axis=1)))


def denoiser_by_integration(mixture: GaussianMixture, x: float, abar: float) -> float:
    """Return E[x_0 | x_t = x] for scalar mixtures as a quotient of two integrals over x_0, 0 < abar < 1."""
    point = real_number("x", x)
    mass = _integral(mixture, point, abar, 0)
    return _integral(mixture, point, abar, 1) / mass


def log_prob_by_integration(mixture: GaussianMixture, x: float, abar: float) -> float:
    """Return the log density of x_t for scalar mixtures as an integral over x_0, 0 < abar < 1."""
    return float(np.log(_integral(mixture, real_number("x", x), abar, 0)))


def _integral(mixture: GaussianMixture, point: float, abar: float, power: int) -> float:
    """Return the integral over x_0 of x_0^power p(x_0) q(x_t = point | x_0), component by component."""
    if mixture.d != 1:
        raise ValueError(f"the mixture has dimension {mixture.d}, but integration is over the line; use the denoiser")
    gain, blur = _level(abar)
    if gain == 0.0 or blur == 0.0:
        raise ValueError(f"abar is {abar}, but 0 < abar < 1 is needed; the kernel is no density in x_0 otherwise")
    total = 0.0
    for weight, law in zip(mixture.weights, mixture.components, strict=True):
        center, sd = float(law.mean[0]), float(np.sqrt(law.variances[0]))
        if sd == 0.0:
            total += float(weight * center**power * _density(np.array(point), gain * center, blur))
            continue

        def exponent(x0: Array | float, center: float = center, sd: float = sd) -> Array:
            return np.asarray(((x0 - center) / sd) ** 2 + ((point - gain * x0) / blur) ** 2)

        def integrand(x0: Array, center: float = center, sd: float = sd) -> Array:
            return np.asarray(x0**power * _density(x0, center, sd) * _density(np.array(point), gain * x0, blur))

        peak = _peak(exponent, center, point / gain)
        total += float(weight) * integrate_line(integrand, peak, min(sd, blur / gain))
    return total


def _peak(cost: Callable[[float], Array], one_end: float, other_end: float) -> float:
    """Return where a convex cost is least between two ends, by golden section."""
    from scipy.optimize import minimize_scalar

    low, high = min(one_end, other_end), max(one_end, other_end)
    return float(minimize_scalar(cost, bounds=(low, high), method="bounded").x) if low < high else low


def _density(x: Array, mean: Array | float, sd: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * LOG_TWO_PI))


def _conditional(law: Gaussian, abar: float) -> tuple[_Affine, float]:
    """Return E[x_0 | x_t] as an affine map and the total conditional variance, for one component."""
    gain, blur = _level(abar)
    if blur == 0.0:
        raise ValueError("abar is 1.0, where x_t is x_0 itself; ask at abar < 1")
    d = law.n
    pair = law.extend(gain * np.eye(d), 0.0, blur * np.eye(d))
    seen: Sequence[int] = range(d, 2 * d)
    base = pair.condition(list(seen), np.zeros(d))
    slopes = np.stack([pair.condition(list(seen), axis).mean - base.mean for axis in np.eye(d)])
    return _Affine(slopes, base.mean), float(np.sum(base.variances))


@dataclass(frozen=True, eq=False)
class _Affine:
    slopes: Array
    offset: Array

    def __call__(self, x: Array) -> Array:
        return x @ self.slopes + self.offset


def _level(abar: float) -> tuple[float, float]:
    level = signal_fraction("abar", abar)
    return float(np.sqrt(level)), float(np.sqrt(1.0 - level))


def _points(x: ArrayLike, d: int) -> Array:
    points = real_array("x", x, ndim=2)
    if points.shape[1] != d:
        raise ValueError(f"x has shape {points.shape}, but rows of {d} are needed; reshape to (n, {d})")
    return points
