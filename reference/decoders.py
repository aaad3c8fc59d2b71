"""Log-likelihoods of decoders, with every normaliser found by summation instead of by a formula.

The normal density is its exponential divided by the exponential's own integral over a fine grid; the Bernoulli
probability is an exact product of fractions, and its logit gradient is taken of a sum over the two states.
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from reference.gradients import complex_step
from reference.quadrature import line_grid
from reference.validation import Array, integer, positive_number, real_array, same_shape, states


def gaussian_log_likelihood(x: ArrayLike, mean: ArrayLike, sigma: float) -> float:
    """Return log N(x; mean, sigma^2 I) in nats, summed over all coordinates; sigma > 0 is a standard deviation.

    Claim: vae.decoder.gaussian.
    """
    points, center = real_array("x", x), real_array("mean", mean)
    same_shape(x=points, mean=center)
    return float(np.sum(gaussian_log_densities(points.ravel()[:, None], center.ravel()[:, None], sigma)))


def gaussian_log_densities(x: Array, mean: Array, sigma: float) -> Array:
    """Return log densities of rows, shape (n, d) each to (n,): exponents minus the log of their numeric integral."""
    width = positive_number("sigma", sigma)
    grid, spacing = line_grid(0.0, width)
    log_mass = float(np.log(np.sum(np.exp(-0.5 * (grid / width) ** 2)) * spacing))
    exponents = -0.5 * np.sum(((x - mean) / width) ** 2, axis=1)
    return np.asarray(exponents - x.shape[1] * log_mass, dtype=np.float64)


def bernoulli_log_likelihood(x: ArrayLike, probabilities: ArrayLike) -> float:
    """Return log of the exact product of p_i where x_i = 1 and 1 - p_i where x_i = 0, in nats; p_i in (0, 1).

    Claim: vae.decoder.bernoulli.
    """
    bits, chances = _bits(x), real_array("probabilities", probabilities)
    if bits.shape != chances.shape:
        raise ValueError(f"x has shape {bits.shape}, probabilities {chances.shape}, but they must be equal; match them")
    if ((chances <= 0.0) | (chances >= 1.0)).any():
        bad = chances[(chances <= 0.0) | (chances >= 1.0)].flat[0]
        raise ValueError(f"probabilities contains {bad}, but each must lie in (0, 1); clip the logits, not the log")
    product = Fraction(1)
    for bit, chance in zip(bits.flat, chances.flat, strict=True):
        exact = Fraction(float(chance))
        product *= exact if bit else 1 - exact
    with decimal.localcontext() as context:
        context.prec = 50
        return float(Decimal(product.numerator).ln() - Decimal(product.denominator).ln())


def bernoulli_log_likelihood_of_logits(x: ArrayLike, logits: ArrayLike) -> float:
    """Return log of the product of e^(x_i a_i) / (e^0 + e^(a_i)) in nats, the two states of each bit weighed out.

    In 60-digit decimals, so that neither a sure bit nor an unlikely one loses digits. Claim: vae.decoder.bernoulli.
    """
    bits, weights = _bits(x), real_array("logits", logits)
    if bits.shape != weights.shape:
        raise ValueError(f"x has shape {bits.shape}, logits {weights.shape}, but they must be equal; match them")
    with decimal.localcontext() as context:
        context.prec = 60
        total = Decimal(0)
        for bit, logit in zip(bits.flat, weights.flat, strict=True):
            chosen, other = (Decimal(1), Decimal(float(logit)).exp())[:: 1 if not bit else -1]
            total -= (1 + other / chosen).ln()
        return float(total)


def bernoulli_logit_gradient(x: ArrayLike, logits: ArrayLike) -> Array:
    """Return the gradient of the log-likelihood in the logits a, exp(x a) / (exp(0 a) + exp(1 a)) a coordinate.

    The normaliser is the sum over both states; the derivative is a complex step. Shape of logits.
    """
    bits, weights = _bits(x), real_array("logits", logits)
    if bits.shape != weights.shape:
        raise ValueError(f"x has shape {bits.shape}, logits {weights.shape}, but they must be equal; match them")

    def one(bit: float, logit: float) -> float:
        top = max(0.0, logit)
        return float(
            complex_step(lambda a: bit * a[0] - top - np.log(np.exp(-top) + np.exp(a[0] - top)), np.array([logit]))[0]
        )

    values = [one(float(bit), float(logit)) for bit, logit in zip(bits.flat, weights.flat, strict=True)]
    return np.array(values).reshape(weights.shape)


def discretized_gaussian_log_likelihood(x: ArrayLike, mean: ArrayLike, sigma: ArrayLike, levels: int = 256) -> Array:
    """Return log of the normal mass of each x's bin, shape of x, for `levels` values equally spaced in [-1, 1].

    The outermost bins reach to infinity. Tails keep their accuracy: masses are differences of log distribution
    functions on the side where both are small (Ho et al. 2020, eq. 13).
    """
    from scipy.special import log_ndtr

    points, center, width = np.broadcast_arrays(
        real_array("x", x), real_array("mean", mean), real_array("sigma", sigma)
    )
    count = integer("levels", levels, 2)
    if (width <= 0.0).any():
        raise ValueError(f"sigma contains {width.min()}, but it must be above 0; pass standard deviations")
    index = (points + 1.0) * (count - 1) / 2.0
    if np.abs(index - np.round(index)).max(initial=0.0) > 1e-6 or index.min() < -0.5 or index.max() > count - 0.5:
        raise ValueError(f"x holds values off the {count} levels of [-1, 1]; round the data to its levels first")
    half = 1.0 / (count - 1)
    low = np.where(np.round(index) == 0, -np.inf, (points - half - center) / width)
    high = np.where(np.round(index) == count - 1, np.inf, (points + half - center) / width)
    flip = low + high > 0.0
    near, far = np.where(flip, -low, high), np.where(flip, -high, low)
    with np.errstate(divide="ignore"):
        upper, lower = log_ndtr(near), log_ndtr(far)
        return np.asarray(upper + np.log1p(-np.exp(lower - upper)), dtype=np.float64)


def _bits(x: ArrayLike) -> Array:
    raw = np.asarray(x)
    if raw.dtype.kind == "b":
        return raw.astype(np.float64)
    if raw.dtype.kind in "iu":
        return states("x", raw, 2).astype(np.float64)
    bits = real_array("x", x)
    if not np.isin(bits, (0.0, 1.0)).all():
        bad = bits[~np.isin(bits, (0.0, 1.0))].flat[0]
        raise ValueError(f"x contains {bad}, but Bernoulli data are 0 or 1; binarise it")
    return bits
