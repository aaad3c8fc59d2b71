"""Entropies, divergences and mutual information of densities on the line, by sums over a fine grid."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from reference.finite import probability_table
from reference.quadrature import LOG_ROUNDING, LOG_TWO_PI, Function, integrate_line, normal_expectation
from reference.validation import Array, positive_number, real_array, real_number, same_shape


def density_entropy(log_p: Function, center: float = 0.0, scale: float = 1.0) -> float:
    """Return -integral of p log p in nats, for a density that is analytic and of that center and scale."""
    return integrate_line(lambda x: -np.exp(log_p(x)) * log_p(x), center, scale, floor=LOG_ROUNDING)


def density_cross_entropy(log_p: Function, log_q: Function, center: float = 0.0, scale: float = 1.0) -> float:
    """Return -integral of p log q in nats; center and scale are p's."""
    return integrate_line(lambda x: -np.exp(log_p(x)) * log_q(x), center, scale, floor=LOG_ROUNDING)


def density_kl(log_p: Function, log_q: Function, center: float = 0.0, scale: float = 1.0) -> float:
    """Return KL(p || q), the integral of p (log p - log q), in nats; center and scale are p's.

    Claims: gaussian.kl.nonnegative, vae.mle.kl_equivalence.
    """
    return integrate_line(lambda x: np.exp(log_p(x)) * (log_p(x) - log_q(x)), center, scale, floor=LOG_ROUNDING)


def channel_information(points: ArrayLike, probabilities: ArrayLike, gain: float, variance: float) -> float:
    """Return I(x_0; x_t) in nats for finite scalar data and x_t = gain x_0 + N(0, variance), variance > 0.

    The mean over data of KL(q(x_t|x_0) || q(x_t)), each by a sum over x_t. Claim: ddpm.forward.snr_monotone.
    """
    atoms, masses = real_array("points", points, ndim=1), np.asarray(probabilities, dtype=np.float64)
    same_shape(points=atoms, probabilities=masses)
    weights = np.asarray(probability_table("probabilities", masses, (0,)), dtype=np.float64)
    g, sd = real_number("gain", gain), float(np.sqrt(positive_number("variance", variance)))
    shifts = g * (atoms[:, None] - atoms[None, :]) / sd

    def log_ratio(i: int, noise: Array) -> Array:
        """Return log q(x_t) - log q(x_t | atom i) at x_t = gain atom_i + sd noise."""
        exponents = -0.5 * (noise[:, None] + shifts[i]) ** 2 + 0.5 * noise[:, None] ** 2
        top = exponents.max(axis=1)
        return np.asarray(top + np.log(np.exp(exponents - top[:, None]) @ weights))

    live = [i for i in range(weights.size) if weights[i] > 0.0]
    return -float(
        sum(weights[i] * normal_expectation(partial(log_ratio, i), 0.0, 1.0, floor=LOG_ROUNDING) for i in live)
    )


def normal_log_density(mean: float, variance: float) -> Function:
    """Return the log density of N(mean, variance) as a function of an array of points."""
    center, spread = real_number("mean", mean), positive_number("variance", variance)
    return lambda x: -0.5 * (x - center) ** 2 / spread - 0.5 * np.log(spread) - 0.5 * LOG_TWO_PI
