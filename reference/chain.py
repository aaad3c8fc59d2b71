"""The forward diffusion chain, from its one-step recursion only.

x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps_t: each x_t is a gain times x_0 plus loadings on eps_1..eps_t. The
recursion of gains and loadings is all that is used; marginals, posteriors and covariances follow by linear algebra on
them. Coordinates are independent and alike, so that the algebra is done once, on scalars, whatever the dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference.gaussians import Gaussian
from reference.quadrature import integrate_line
from reference.validation import Array, Betas, cholesky, integer, noise_schedule, real_array, real_number, same_shape


@dataclass(frozen=True, eq=False)
class ForwardMoments:
    """E[x_t | x_0] = gain[t] x_0 and Var[x_t | x_0] = variance[t], t = 0..T."""

    gain: Array
    variance: Array


class Posterior(NamedTuple):
    """Mean (shape of x_0) and variance (one number, every coordinate's) of x_{t-1} given x_t and x_0."""

    mean: Array
    variance: float


def forward_moments(betas: Betas) -> ForwardMoments:
    """Return gains and variances, shape (T+1,), by the recursion g = sqrt(1-beta) g, v = (1-beta) v + beta.

    Claim: ddpm.forward.marginal (gain^2 = abar, variance = 1 - abar).
    """
    gain, variance = [1.0], [0.0]
    for beta in noise_schedule(betas).tolist():
        gain.append(gain[-1] * math.sqrt(1.0 - beta))
        variance.append((1.0 - beta) * variance[-1] + beta)
    return ForwardMoments(np.array(gain), np.array(variance))


def snrs(betas: Betas) -> Array:
    """Return the signal-to-noise ratios gain^2 / variance, t = 1..T, shape (T,). Claim: ddpm.forward.snr_monotone."""
    moments = forward_moments(betas)
    return moments.gain[1:] ** 2 / moments.variance[1:]


def loadings(betas: Betas, times: Sequence[int] | None = None) -> tuple[Array, Array]:
    """Return gains (n,) and loadings (n, T) at the given times (0..T unless said), by the one-step recursion.

    x_t = gain x_0 + loading @ (eps_1, ..., eps_T), one row a time.
    """
    schedule = noise_schedule(betas)
    T = schedule.size
    wanted = range(T + 1) if times is None else [integer("t", t, 0, T) for t in times]
    gain, row = 1.0, np.zeros(T)
    kept = {0: (gain, row.copy())}
    for t in range(1, max(wanted) + 1):
        shrink = float(np.sqrt(1.0 - schedule[t - 1]))
        gain *= shrink
        row[: t - 1] *= shrink
        row[t - 1] = np.sqrt(schedule[t - 1])
        if times is None or t in wanted:
            kept[t] = (gain, row.copy())
    return np.array([kept[t][0] for t in wanted]), np.stack([kept[t][1] for t in wanted])


def pair_loadings(s: int, t: int, betas: Betas) -> tuple[Array, Array]:
    """Return gains (2,) and loadings (2, t-s+1) of (x_s, x_t) given x_0, 0 <= s <= t <= T.

    All noise up to s is one column (its size from the recursion of the variance), each later step a column of its own.
    """
    schedule, moments = noise_schedule(betas), forward_moments(betas)
    t = integer("t", t, 0, schedule.size)
    s = integer("s", s, 0, t)
    rows = np.zeros((2, t - s + 1))
    rows[:, 0] = math.sqrt(moments.variance[s])
    for step, beta in enumerate(schedule[s:t].tolist(), start=1):
        rows[1] *= math.sqrt(1.0 - beta)
        rows[1, step] = math.sqrt(beta)
    return moments.gain[[s, t]], rows


def forward_joint(x0: ArrayLike, betas: Betas) -> Gaussian:
    """Return the joint law of (x_1, ..., x_T) given x_0, x_0 of shape (d,); coordinate (t-1) d + i is x_t[i]."""
    start = real_array("x0", x0, ndim=1)
    gains, rows = loadings(betas)
    return Gaussian(
        np.asarray(np.kron(gains[1:], start), dtype=np.float64),
        np.asarray(np.kron(rows[1:], np.eye(start.size)), dtype=np.float64),
    )


def data_joint(mean0: ArrayLike, cov0: ArrayLike, betas: Betas) -> Gaussian:
    """Return the joint law of (x_0, ..., x_T) when x_0 ~ N(mean0, cov0); coordinate t d + i is x_t[i]."""
    mean = real_array("mean0", mean0, ndim=1)
    lower = cholesky("cov0", cov0, mean.size)
    gains, rows = loadings(betas)
    factor = np.concatenate([np.kron(gains[:, None], lower), np.kron(rows, np.eye(mean.size))], axis=1)
    return Gaussian(np.asarray(np.kron(gains, mean), dtype=np.float64), factor)


def covariance(s: int, t: int, betas: Betas) -> float:
    """Return Cov(x_s, x_t | x_0) of one coordinate, 0 <= s, t <= T, as the inner product of the loadings."""
    _, rows = loadings(betas, [s, t])
    return float(rows[0] @ rows[1])


def marginal_covariance(cov0: ArrayLike, t: int, betas: Betas) -> Array:
    """Return Cov(x_t) when Cov(x_0) = cov0, shape (d, d), by pushing loadings through t steps.

    Claim: ddpm.forward.covariance. cov0 may be singular but not indefinite.
    """
    start = real_array("cov0", cov0, ndim=2)
    if start.shape[0] != start.shape[1]:
        raise ValueError(f"cov0 has shape {start.shape}, but it must be square; pass a covariance matrix")
    law = Gaussian(np.zeros(start.shape[0]), _square_root(start))
    schedule = noise_schedule(betas)
    identity = np.eye(start.shape[0])
    for beta in schedule[: integer("t", t, 0, schedule.size)]:
        law = law.affine(np.sqrt(1.0 - beta) * identity, 0.0, np.sqrt(beta) * identity).compressed()
    return law.cov


def posterior(x0: ArrayLike, x_t: ArrayLike, t: int, betas: Betas) -> Posterior:
    """Return mean and variance of x_{t-1} given x_t and x_0, 1 <= t <= T, by conditioning the joint normal law.

    x0 and x_t have one shape, which the mean has too. t = 1 gives (x_0, 0). Claims: ddpm.posterior.mean,
    ddpm.posterior.variance, ddpm.posterior.t1, ddpm.mean.x0_form.
    """
    t = integer("t", t, 1, noise_schedule(betas).size)
    return posterior_between(x0, x_t, t - 1, t, betas)


def posterior_between(x0: ArrayLike, x_t: ArrayLike, s: int, t: int, betas: Betas) -> Posterior:
    """Return mean and variance of x_s given x_t and x_0 for 0 <= s < t <= T (a stride over several steps)."""
    start, late = real_array("x0", x0), real_array("x_t", x_t)
    same_shape(x0=start, x_t=late)
    on_x0, on_xt, variance = posterior_coefficients(t, betas, s)
    return Posterior(on_x0 * start + on_xt * late, variance)


def posterior_coefficients(t: int, betas: Betas, s: int | None = None) -> tuple[float, float, float]:
    """Return (a, b, v): given x_t and x_0, x_s (s = t-1 unless said) has mean a x_0 + b x_t and variance v.

    The two coefficients are the conditional means at (x_0, x_t) = (1, 0) and (0, 1).
    """
    t = integer("t", t, 1, noise_schedule(betas).size)
    s = integer("s", t - 1 if s is None else s, 0, t - 1)
    gains, rows = pair_loadings(s, t, betas)
    from_x0 = Gaussian(gains, rows).condition([1], [0.0])
    from_xt = Gaussian(np.zeros(2), rows).condition([1], [1.0])
    return float(from_x0.mean[0]), float(from_xt.mean[0]), float(from_x0.variances[0])


def posterior_from_noise(eps: ArrayLike, x_t: ArrayLike, t: int, betas: Betas) -> Posterior:
    """Return the posterior of x_{t-1} when x_t = gain x_0 + sqrt(variance) eps is known with its noise eps.

    x_0 is solved for and the joint law conditioned on it. Claim: ddpm.mean.eps_form. Needs gain > 0 at t.
    """
    noise, late = real_array("eps", eps), real_array("x_t", x_t)
    same_shape(eps=noise, x_t=late)
    moments = forward_moments(betas)
    t = integer("t", t, 1, moments.gain.size - 1)
    if moments.gain[t] == 0.0:
        raise ValueError(f"abar_{t} is 0.0, but x_0 is found from the noise only where abar_t > 0; give x_0 instead")
    return posterior((late - np.sqrt(moments.variance[t]) * noise) / moments.gain[t], late, t, betas)


def transition_log_density(x_t: ArrayLike, x_prev: ArrayLike, t: int, betas: Betas) -> float:
    """Return log q(x_t | x_{t-1}) in nats, summed over coordinates. Claim: ddpm.forward.kernel."""
    schedule = noise_schedule(betas)
    beta = schedule[integer("t", t, 1, schedule.size) - 1]
    previous = real_array("x_prev", x_prev)
    return _scalar_log_density(x_t, np.sqrt(1.0 - beta) * previous, np.array([[np.sqrt(beta)]]))


def marginal_log_density(x_t: ArrayLike, x0: ArrayLike, t: int, betas: Betas) -> float:
    """Return log q(x_t | x_0) in nats, summed over coordinates, 1 <= t <= T."""
    t = integer("t", t, 1, noise_schedule(betas).size)
    gains, rows = loadings(betas, [t])
    return _scalar_log_density(x_t, gains[0] * real_array("x0", x0), rows)


def posterior_log_density(x_prev: ArrayLike, x0: ArrayLike, x_t: ArrayLike, t: int, betas: Betas) -> float:
    """Return log q(x_{t-1} | x_t, x_0), 2 <= t <= T, as joint minus marginal log density, in nats.

    Claim: ddpm.posterior.square_completion.
    """
    t = integer("t", t, 2, noise_schedule(betas).size)
    gains, rows = pair_loadings(t - 1, t, betas)
    previous, late, start = real_array("x_prev", x_prev), real_array("x_t", x_t), real_array("x0", x0)
    same_shape(x_prev=previous, x_t=late, x0=start)
    pair = Gaussian(np.zeros(2), rows)
    centred = np.stack([previous - gains[0] * start, late - gains[1] * start], axis=-1)
    return float(np.sum(pair.log_prob(centred)) - np.sum(pair.marginal([1]).log_prob(centred[..., 1:])))


def averaged_posterior_density(y: float, x0: float, t: int, betas: Betas) -> float:
    """Return the density at y of x_{t-1} drawn from the posterior averaged over q(x_t | x_0), by a sum over x_t.

    Scalars, 2 <= t <= T. Claim: ddpm.posterior.marginal_consistency (it is the density of N(gain x_0, variance)).
    """
    t = integer("t", t, 2, noise_schedule(betas).size)
    gains, rows = loadings(betas, [t])
    point, start = real_number("y", y), real_number("x0", x0)
    on_x0, on_xt, variance = posterior_coefficients(t, betas)
    late = Gaussian(gains * start, rows)
    kernel = Gaussian(np.zeros(1), np.array([[np.sqrt(variance)]]))

    def integrand(x: Array) -> Array:
        offset = point - on_x0 * start - on_xt * x
        return np.exp(kernel.log_prob(offset[:, None]) + late.log_prob(x[:, None]))

    wide = float(np.sqrt(late.variances[0]))
    narrow = min(wide, float(np.sqrt(variance)) / on_xt) if on_xt > 0.0 else wide
    center = (point - on_x0 * start) / on_xt if narrow < wide else float(late.mean[0])
    return integrate_line(integrand, center, narrow)


def _scalar_log_density(x: ArrayLike, mean: Array, factor: Array) -> float:
    points = real_array("x_t", x)
    same_shape(x_t=points, mean=mean)
    return float(np.sum(Gaussian(np.zeros(1), factor).log_prob((points - mean)[..., None])))


def _square_root(cov: Array) -> Array:
    """Return a factor of a symmetric positive semidefinite matrix."""
    if np.abs(cov - cov.T).max(initial=0.0) > 1e-10 * np.abs(cov).max(initial=0.0):
        raise ValueError("cov0 differs from its transpose, but a covariance is symmetric; average the two")
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-12 * max(1.0, values[-1]):
        raise ValueError(f"cov0 has least eigenvalue {values[0]}, but it must be at least 0; pass a covariance matrix")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)
