"""KL divergences between normal laws by three routes, none of which is the trace-and-determinant formula.

1. `gaussian_kl` and `gaussian_kl_diag`: along the geometric path p_s proportional to p^s q^(1-s) between the two
   laws, d/ds E_s[log p/q] = Var_s[log p/q] and log Z'' = Var_s, so that KL(p, q) = integral of s Var_s[log p/q] over
   s in [0, 1]. The variance comes from a three-point Hermite rule, the integral from Gauss-Legendre. All terms are
   positive: the result keeps its relative accuracy even when the divergence is tiny.
2. `gaussian_kl_cubature`: the difference of log densities averaged over cubature points.
3. `gaussian_kl_line`: in one dimension, the integral of p log(p/q) by a sum over a fine grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from reference.gaussians import Gaussian
from reference.quadrature import integrate_line, legendre_rule
from reference.validation import Array, cholesky, positive_array, positive_number, real_array, real_number, same_shape

PANEL = 8.0  # widest range of log-precision that one panel of the Legendre rule covers
ORDER = 40


def gaussian_kl(mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike) -> float:
    """Return KL(N(mean_p, cov_p) || N(mean_q, cov_q)) in nats; means (k,), covariances (k, k), positive definite.

    Both laws are brought to independent axes (where q is white and p diagonal), then each axis is integrated along
    the path. Claim: gaussian.kl.full_covariance. Raises ValueError on shapes or a covariance that is not
    symmetric positive definite.
    """
    center_p, center_q = _means(mean_p, mean_q)
    k = center_p.size
    lower_p, lower_q = cholesky("cov_p", cov_p, k), cholesky("cov_q", cov_q, k)
    difference = real_array("cov_p", cov_p) - real_array("cov_q", cov_q)
    apart = np.linalg.solve(lower_q, np.linalg.solve(lower_q, difference).T)
    excess, axes = np.linalg.eigh(0.5 * (apart + apart.T))  # variance minus 1 along each axis, without cancellation
    if np.abs(excess).max() < 0.5:
        ratio = 1.0 + excess
    else:
        axes, spread, _ = np.linalg.svd(np.linalg.solve(lower_q, lower_p))  # accurate for small ratios too
        ratio, excess = spread**2, spread**2 - 1.0
    shift = axes.T @ np.linalg.solve(lower_q, center_p - center_q)
    return _total(_path_integral(shift, ratio, -excess, -np.log(ratio)))


def gaussian_kl_diag(mean_p: ArrayLike, var_p: ArrayLike, mean_q: ArrayLike, var_q: ArrayLike) -> float:
    """Return KL of normal laws with independent coordinates, summed over all of them, in nats.

    The four arrays are broadcast against one another; variances are above 0. Claims:
    gaussian.kl.diagonal_to_standard, gaussian.kl.isotropic, ddpm.consistency.kl.
    """
    center_p, center_q = real_array("mean_p", mean_p), real_array("mean_q", mean_q)
    spread_p, spread_q = positive_array("var_p", var_p), positive_array("var_q", var_q)
    try:
        m1, v1, m2, v2 = np.broadcast_arrays(center_p, spread_p, center_q, spread_q)
    except ValueError:
        shapes = [array.shape for array in (center_p, spread_p, center_q, spread_q)]
        raise ValueError(f"shapes {shapes} do not broadcast; give all four the shape of one vector") from None
    log_ratio = np.log(v2) - np.log(v1)
    scale = np.sqrt(v2)
    ratio = v1 / v2
    if (ratio == 0.0).any() or not np.isfinite(ratio).all():
        raise ValueError("var_p / var_q leaves the float64 range 1e-308..1e308, so the divergence does too; rescale")
    return _total(_path_integral((m1 - m2) / scale, ratio, (v2 - v1) / v2, log_ratio))


def _path_integral(shift: Array, ratio: Array, gap: Array, log_ratio: Array) -> Array:
    """Return, per coordinate, KL(N(shift, ratio) || N(0, 1)); gap is 1 - ratio, accurate where ratio is near 1.

    The path is run at u in [0, 1] with precision exp(u L), L = log_ratio = -log(ratio): there s = expm1(u L)/expm1(L).
    L only chooses the nodes, so that its rounding does not matter.
    """
    panels = max(1, int(np.ceil(np.abs(log_ratio).max(initial=0.0) / PANEL)))
    nodes, weights = legendre_rule(ORDER, panels)
    u, L = nodes, np.asarray(log_ratio)[..., None]
    flat = L == 0.0
    size = np.where(flat, 1.0, np.abs(L))  # non-positive exponents only, so that no ratio of variances overflows
    fading, rising = np.exp(-u * size), np.exp((u - 1.0) * size)
    whole = -np.expm1(-size)
    passed = -np.expm1(-u * size) / whole
    s = np.where(flat, u, np.where(L > 0.0, rising * passed, passed))
    speed = np.where(flat, 1.0, np.where(L > 0.0, rising, fading) * size / whole)
    spread = np.exp(-0.5 * u * L)  # standard deviation of p_s
    slope = np.asarray(shift)[..., None] / np.asarray(ratio)[..., None] * spread**2
    curve = np.asarray(gap)[..., None] / np.asarray(ratio)[..., None]
    variance = np.zeros(np.broadcast_shapes(s.shape, slope.shape))
    points, masses = np.polynomial.hermite_e.hermegauss(3)
    masses = masses / masses.sum()
    values = [slope * (z * spread) - 0.5 * curve * (z * spread) ** 2 for z in points]
    center = sum(mass * value for mass, value in zip(masses, values, strict=True))
    for mass, value in zip(masses, values, strict=True):
        variance = variance + mass * (value - center) ** 2
    return np.asarray(np.sum(weights * s * variance * speed, axis=-1), dtype=np.float64)


def _total(parts: Array) -> float:
    total = float(np.sum(parts))
    if not np.isfinite(total):
        raise ValueError(f"the divergence comes out as {total}, but the limit is 1.8e308; bring the two laws nearer")
    return total


def gaussian_kl_cubature(mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike) -> float:
    """Return the same divergence as E_p[log p - log q] over the cubature points of p, exact for quadratics.

    Absolute error about 1e-15 k times the conditioning: a second route, not for tiny divergences.
    """
    center_p, center_q = _means(mean_p, mean_q)
    return law_kl(Gaussian.from_cov(center_p, cov_p), Gaussian.from_cov(center_q, cov_q))


def law_kl(p: Gaussian, q: Gaussian) -> float:
    """Return KL(p || q) in nats of two regular laws held by their loadings, as E_p[log p - log q] by cubature."""
    return p.expect_quadratic(lambda x: p.log_prob(x) - q.log_prob(x))


def gaussian_kl_line(mean_p: float, var_p: float, mean_q: float, var_q: float) -> float:
    """Return the divergence of two scalar normal laws as the integral of p log(p/q) by a sum over a fine grid."""
    p = Gaussian(np.array([real_number("mean_p", mean_p)]), np.array([[np.sqrt(positive_number("var_p", var_p))]]))
    q = Gaussian(np.array([real_number("mean_q", mean_q)]), np.array([[np.sqrt(positive_number("var_q", var_q))]]))

    def integrand(x: Array) -> Array:
        log_p = p.log_prob(x[:, None])
        return np.exp(log_p) * (log_p - q.log_prob(x[:, None]))

    return integrate_line(integrand, float(p.mean[0]), float(p.factor[0, 0]))


def _means(mean_p: ArrayLike, mean_q: ArrayLike) -> tuple[Array, Array]:
    center_p, center_q = real_array("mean_p", mean_p, ndim=1), real_array("mean_q", mean_q, ndim=1)
    same_shape(mean_p=center_p, mean_q=center_q)
    if center_p.size == 0:
        raise ValueError("mean_p has 0 entries, but at least 1 is needed; give vectors of length k >= 1")
    return center_p, center_q
