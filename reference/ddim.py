"""The non-Markov forward family behind DDIM, as one joint normal law.

Given x_0: x_T ~ N(sqrt(abar_T) x_0, (1 - abar_T) I) and, for t = T..2, x_{t-1} is sqrt(abar_{t-1}) x_0 plus the noise
direction of x_t scaled to sqrt(1 - abar_{t-1} - sigma_t^2) plus fresh noise sigma_t. The joint law is built in that
order from noise loadings; marginals and forward kernels are then read off by linear algebra.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from reference.chain import forward_moments, posterior_coefficients
from reference.gaussians import Gaussian
from reference.quadrature import integrate_line
from reference.schedules import alpha_bars, noise_variances
from reference.validation import Array, Betas, integer, noise_schedule, real_array, real_number


def family_joint(x0: float, betas: Betas, sigmas: ArrayLike) -> Gaussian:
    """Return the joint law of scalars (x_T, x_{T-1}, ..., x_1) given x_0; sigmas[t-2] is sigma_t, t = 2..T.

    Each sigma_t^2 lies in [0, 1 - abar_{t-1}]. Claim: the marginals are those of the forward chain, whatever sigma.
    """
    schedule = noise_schedule(betas)
    abar, blur = alpha_bars(schedule), noise_variances(schedule)
    T = schedule.size
    noise = _sigmas(sigmas, blur)
    start = float(real_array("x0", x0, ndim=0))
    law = Gaussian(np.sqrt(abar[[T]]) * start, np.sqrt(blur[[T]])[None])
    for t in range(T, 1, -1):
        sigma = noise[t - 2]
        scale = np.sqrt(max(blur[t - 1] - sigma**2, 0.0) / blur[t])
        step = np.zeros((1, law.n))
        step[0, -1] = scale
        shift = (np.sqrt(abar[t - 1]) - scale * np.sqrt(abar[t])) * start
        law = law.extend(step, shift, np.array([[sigma]]))
    return law


def forward_kernel(t: int, betas: Betas, sigmas: ArrayLike) -> tuple[float, float, float]:
    """Return (a, b, v): x_t given x_{t-1} and x_0 has mean a x_{t-1} + b x_0 and variance v, t = 2..T.

    By conditioning the family's joint law; it depends on x_0 (b is not 0) unless sigma_t is the posterior's.
    """
    T = noise_schedule(betas).size
    t = integer("t", t, 2, T)
    pair = [T - t, T - t + 1]
    at_zero, at_one = (family_joint(x0, betas, sigmas).marginal(pair) for x0 in (0.0, 1.0))
    by_previous = at_zero.condition([1], [1.0])
    by_x0 = at_one.condition([1], [0.0])
    return float(by_previous.mean[0]), float(by_x0.mean[0]), float(by_previous.variances[0])


def posterior_sigmas(betas: Betas, eta: float = 1.0) -> Array:
    """Return eta times the posterior standard deviations of t = 2..T, shape (T-1,); eta = 1 is the ancestral chain."""
    schedule = noise_schedule(betas)
    level = float(real_array("eta", eta, ndim=0))
    if not 0.0 <= level <= 1.0:
        raise ValueError(f"eta is {level}, but it must lie in [0, 1]; 0 is deterministic, 1 ancestral")
    return np.array([level * np.sqrt(posterior_coefficients(t, schedule)[2]) for t in range(2, schedule.size + 1)])


def _sigmas(sigmas: ArrayLike, blur: Array) -> Array:
    noise = real_array("sigmas", sigmas, ndim=1)
    if noise.size != blur.size - 2:
        raise ValueError(f"sigmas has {noise.size} entries, but {blur.size - 2} are needed, one for each t = 2..T")
    limit = blur[1:-1]
    if (noise < 0.0).any() or (noise**2 > limit * (1.0 + 1e-12)).any():
        t = int(np.argmax((noise < 0.0) | (noise**2 > limit * (1.0 + 1e-12)))) + 2
        raise ValueError(f"sigma_{t} is {noise[t - 2]}, but 0 <= sigma^2 <= {limit[t - 2]} is needed; lower it")
    return noise


def stride_joint(s: int, t: int, betas: Betas, share: float) -> Gaussian:
    """Return the joint law of one coordinate's (x_t, x_s) given x_0 = 0, 1 <= s < t <= T.

    Of the noise that x_s must have, the share is fresh and the rest is the noise of x_t, scaled: one column each. The
    marginals are the forward chain's by construction; the kernel of x_s given x_t is then read off by conditioning.
    """
    variance = forward_moments(betas).variance
    t = integer("t", t, 2, variance.size - 1)
    s = integer("s", s, 1, t - 1)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share is {share}, but it must lie in [0, 1]; 0 is deterministic")
    late, early = np.sqrt(variance[t]), np.sqrt(variance[s])
    return Gaussian(np.zeros(2), np.array([[late, 0.0], [early * np.sqrt(1.0 - share), early * np.sqrt(share)]]))


def stride_mean(x0: ArrayLike, x_t: ArrayLike, s: int, t: int, betas: Betas, share: float) -> Array:
    """Return E[x_s | x_t, x_0] of the family, for vectors of one shape, by conditioning `stride_joint`.

    Claims: ddim.update, ddim.marginal_preservation.
    """
    gain, law = forward_moments(betas).gain, stride_joint(s, t, betas, share)
    start, late = real_array("x0", x0), real_array("x_t", x_t)
    noise = (late - gain[t] * start).ravel()
    means = [float(law.condition([0], [value]).mean[0]) for value in noise]
    return np.asarray(gain[s] * start + np.reshape(means, start.shape))


def averaged_stride_density(y: float, x0: float, s: int, t: int, betas: Betas, share: float) -> float:
    """Return the density at y of x_s drawn from the kernel averaged over q(x_t | x_0), by a sum over x_t; scalars.

    Claim: ddim.marginal_preservation (it is the density of N(gain_s x_0, variance_s)).
    """
    gain = forward_moments(betas).gain
    law = stride_joint(s, t, betas, share)
    slope, spread = float(law.condition([0], [1.0]).mean[0]), float(np.sqrt(law.condition([0], [0.0]).variances[0]))
    late, kernel = law.marginal([0]), Gaussian(np.zeros(1), np.array([[spread]]))
    offset = real_number("y", y) - gain[s] * real_number("x0", x0)

    def integrand(noise: Array) -> Array:
        return np.exp(kernel.log_prob((offset - slope * noise)[:, None]) + late.log_prob(noise[:, None]))

    wide = float(np.sqrt(late.variances[0]))
    narrow = min(wide, spread / slope) if slope > 0.0 else wide
    return integrate_line(integrand, offset / slope if narrow < wide else 0.0, narrow)
