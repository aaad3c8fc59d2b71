"""DPM-Solver++: exponential multistep solvers in data prediction, deterministic and stochastic.

In lambda = log(signal / sigma) the probability-flow ODE has the exact solution
    x_s = (sigma_s / sigma_t) x_t + signal_s int_0^h e^{-(h-u)} m(lambda_t + u) du,  h = lambda_s - lambda_t,
with m the predicted x_0 along the trajectory (Lu et al. 2022b, eq. 9). Interpolating m by a polynomial through its last
values leaves the integrals `exponential_weights`. The reverse SDE is the same with 2h in the weights, sigma_s / sigma_t
replaced by (sigma_s / sigma_t) e^{-h}, and noise of std sigma_s sqrt(1 - e^{-2h}).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.ops.combine import combine
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.row import Sampler
from torch_impl.samplers.times import Callback, check_timesteps, pairs


def exponential_weights(h: float) -> tuple[float, float, float]:
    """c_k = int_0^1 h e^{-h(1-u)} u^k du for k = 0, 1, 2: 1 - e^{-h}, 1 - c_0/h, 1 - 2 c_1/h; all tend to 0 with h.

    c_k = k! sum_{j>=1} (-1)^{j-1} h^j / (k+j)!, summed where the closed forms would cancel.
    """
    if h < 0.5:
        return tuple(  # type: ignore[return-value]  # three of them
            math.fsum((-1) ** (j - 1) * h**j * math.factorial(k) / math.factorial(k + j) for j in range(1, 17))
            for k in range(3)
        )
    c0 = -math.expm1(-h)
    c1 = 1 - c0 / h
    return c0, c1, 1 - 2 * c1 / h


def multistep_weights(order: int, h: float, back: Sequence[float], scale: float = 1.0) -> list[float]:
    """Weights of the last values m_0, m_1, m_2 in one step of size h; back: the sizes of the steps between them.

    `scale` is 1 for the ODE and 2 for the SDE. Order 2 is DPM-Solver++(2M) as published, c_0/2 on the difference
    (Lu et al. 2022b, algorithm 2). Order 3: with r_0 = back_0/h, r_1 = back_1/h and the first differences
    D1_0 = (m_0 - m_1)/r_0, D1_1 = (m_1 - m_2)/r_1, the slope is D1 = D1_0 + r_0 (D1_0 - D1_1)/(r_0 + r_1)
    and D2 = (D1_0 - D1_1)/(r_0 + r_1) = h^2 m''/2, so that D2 meets int u^2, not half of it.
    """
    c0, c1, c2 = exponential_weights(scale * h)
    if order == 1 or not back:
        return [c0]
    r0 = back[0] / h
    if order == 2 or len(back) == 1:
        return [c0 + c0 / (2 * r0), -c0 / (2 * r0)]  # 0B05
    r1 = back[1] / h
    slope0, slope1 = (1 + r0 / (r0 + r1)) * c1 + c2 / (r0 + r1), -(r0 * c1 + c2) / (r0 + r1)
    return [c0 + slope0 / r0, -slope0 / r0 + slope1 / r1, -slope1 / r1]  # 0B07


def _multistep(
    denoiser: Denoiser,
    x: Tensor,
    timesteps: Sequence[int],
    noise: Noise | None,
    order: int,
    callback: Callback | None,
) -> Tensor:
    """The common loop. Steps to s = 0 return the predicted x_0; a start at alpha_bar = 0 leaves no history.

    Order 3 corrects its first step by the trapezoidal rule with the network's value at the predicted point, which then
    serves as that point's value: the start has local error h^3 and costs no extra evaluation.
    """
    past: list[tuple[float, Tensor]] = []  # (lambda, predicted x_0), latest first
    ready: Tensor | None = None
    scale = 1.0 if noise is None else 2.0
    for i, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        at, to = denoiser.level(t), denoiser.level(s)
        value = denoiser(x, t)[0] if ready is None else ready
        ready = None
        if s == 0:
            x = value
        else:
            h = to.lam - at.lam
            if math.isfinite(h):
                past = [(at.lam, value), *past][:order]
            back = [now - before for (now, _), (before, _) in pairwise(past)]
            weights = multistep_weights(order, h, back, scale)
            shrink = to.sigma / at.sigma * (1.0 if noise is None else math.exp(-h))
            stepped = combine(x, value, shrink, to.signal * weights[0])  # 0B01
            for weight, (_, older) in zip(weights[1:], past[1:], strict=False):
                stepped.add_(older, alpha=to.signal * weight)
            if noise is not None:
                stepped.add_(noise(x, i), alpha=to.sigma * math.sqrt(-math.expm1(-2 * h)))
            if order == 3 and len(past) == 1:
                ready = denoiser(stepped, s)[0]
                slope = to.signal * exponential_weights(scale * h)[1]
                stepped = stepped + slope * (ready - value)
            x = stepped
        if callback:
            callback(s, x)
    return x


def dpmpp_2m(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """DPM-Solver++(2M), second order, one evaluation a step (Lu et al. 2022b, algorithm 2). Draws no noise."""
    return _multistep(denoiser, x, timesteps, None, 2, callback)


def dpmpp_3m(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """DPM-Solver++ multistep of third order, one evaluation a step. Draws no noise."""
    return _multistep(denoiser, x, timesteps, None, 3, callback)


def sde_dpmpp_2m(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """SDE-DPM-Solver++(2M) on the reverse SDE; a step to s = 0 adds no noise."""
    return _multistep(denoiser, x, timesteps, noise, 2, callback)


def sde_dpmpp_3m(
    denoiser: Denoiser, x: Tensor, timesteps: Sequence[int], noise: Noise, callback: Callback | None = None
) -> Tensor:
    """The stochastic solver with quadratic interpolation of the predicted x_0; a step to s = 0 adds no noise."""
    return _multistep(denoiser, x, timesteps, noise, 3, callback)


SAMPLERS = (
    Sampler(dpmpp_2m, "probability-flow ODE", order=2),
    Sampler(dpmpp_3m, "probability-flow ODE", order=3),
    Sampler(sde_dpmpp_2m, "reverse SDE", order=2, order_note="of the drift", draws=lambda steps: steps - 1),
    Sampler(sde_dpmpp_3m, "reverse SDE", order=3, order_note="of the drift", draws=lambda steps: steps - 1),
)
