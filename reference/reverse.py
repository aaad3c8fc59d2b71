"""The true reverse kernel of mixture data, and how far it is from a normal law.

Component by component the pair (x_s, x_t), s < t, is jointly normal; conditioning each on x_t and weighting by Bayes'
rule gives q(x_s | x_t), which is a mixture and in general not normal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference.gaussians import Gaussian
from reference.mixtures import GaussianMixture
from reference.quadrature import LOG_ROUNDING, normal_expectation, normal_expectation_nd
from reference.validation import Array, real_array, signal_fraction

Score = Callable[[Array], Array]


class KernelMoments(NamedTuple):
    """Mean (d,) and covariance (d, d) of the true reverse kernel."""

    mean: Array
    cov: Array


def reverse_kernel(mixture: GaussianMixture, x_t: ArrayLike, abar_s: float, abar_t: float) -> GaussianMixture:
    """Return the law of x_s given x_t, x_t of shape (d,), for levels 1 >= abar_s > abar_t >= 0.

    Claim: ddpm.reverse.intractable (it needs the data law). Components that x_t rules out in float64 are left
    out.
    """
    late = real_array("x_t", x_t, ndim=1)
    first, last = signal_fraction("abar_s", abar_s), signal_fraction("abar_t", abar_t)
    if not last < first:
        raise ValueError(f"abar_s is {first}, abar_t {last}, but abar_s > abar_t is needed; swap the two levels")
    d = mixture.d
    gain, blur = np.sqrt(last / first), np.sqrt(1.0 - last / first)
    shares = mixture.responsibilities(late[None, :], last)[0]
    pairs = [law.extend(gain * np.eye(d), 0.0, blur * np.eye(d)) for law in mixture.noised(first).components]
    kept = [k for k in range(len(pairs)) if shares[k] > 0.0]
    laws = tuple(pairs[k].condition(list(range(d, 2 * d)), late) for k in kept)
    return GaussianMixture(shares[kept] / shares[kept].sum(), laws)


def kernel_moments(kernel: GaussianMixture) -> KernelMoments:
    """Return mean and covariance of a mixture: spread within its components plus spread between them.

    Claim: ddpm.reverse.moments.
    """
    means = np.stack([law.mean for law in kernel.components])
    center = kernel.weights @ means
    within = sum(w * law.cov for w, law in zip(kernel.weights, kernel.components, strict=True))
    apart = means - center
    return KernelMoments(center, np.asarray(within + (apart.T * kernel.weights) @ apart))


def distance_from_normal(kernel: GaussianMixture) -> float:
    """Return KL(kernel || normal law of the same moments) in nats, for scalar kernels with spread.

    Claim: ddpm.reverse.small_step_gaussian.
    """
    if kernel.d != 1:
        raise ValueError(f"the kernel has dimension {kernel.d}, but the integral is over the line; take one coordinate")
    center, cov = kernel_moments(kernel)
    normal = Gaussian(center, np.sqrt(cov))

    def log_ratio(x: Array) -> Array:
        return kernel.log_prob(x[:, None]) - normal.log_prob(x[:, None])

    parts = [
        weight * normal_expectation(log_ratio, float(law.mean[0]), float(np.sqrt(law.variances[0])), floor=LOG_ROUNDING)
        for weight, law in zip(kernel.weights, kernel.components, strict=True)
    ]
    return float(sum(parts))


def explicit_score_loss(mixture: GaussianMixture, score: Score, abar: float) -> float:
    """Return E |score(x_t) - true score|^2 for scalar mixtures, 0 < abar < 1; score maps (n,) to (n,)."""
    law = _scalar(mixture, abar).noised(abar)

    def miss(x: Array) -> Array:
        return np.asarray((score(x) - law.score(x[:, None])[:, 0]) ** 2)

    return float(
        sum(
            weight * normal_expectation(miss, float(part.mean[0]), float(np.sqrt(part.variances[0])))
            for weight, part in zip(law.weights, law.components, strict=True)
        )
    )


def denoising_score_loss(mixture: GaussianMixture, score: Score, abar: float) -> float:
    """Return E |score(x_t) + eps / sqrt(1 - abar)|^2 over x_0 and eps, for scalar mixtures, 0 < abar < 1.

    It exceeds `explicit_score_loss` by an amount that does not depend on `score`. Claim: score.dsm.theorem.
    """
    gain, blur = np.sqrt(abar), np.sqrt(1.0 - abar)

    def miss(pair: Array) -> Array:
        x0, eps = pair.T
        return np.asarray((score(gain * x0 + blur * eps) + eps / blur) ** 2)

    checked = _scalar(mixture, abar)
    return float(
        sum(
            weight * normal_expectation_nd(miss, np.append(law.mean, 0.0), np.diag([np.sqrt(law.variances[0]), 1.0]))
            for weight, law in zip(checked.weights, checked.components, strict=True)
        )
    )


def _scalar(mixture: GaussianMixture, abar: float) -> GaussianMixture:
    level = signal_fraction("abar", abar)
    if mixture.d != 1 or not 0.0 < level < 1.0:
        raise ValueError(f"dimension {mixture.d}, abar {level}: need a scalar mixture and 0 < abar < 1; change them")
    return mixture
