"""The variational bound of a scalar diffusion with any mean function, and the weights that it implies.

The network is an opaque function mean(x_t, t) of a scalar. Outer expectations are sums over a fine grid of x_t, inner
ones over the conditional of the joint normal law; nothing is completed to a square and no divergence formula is used.
Weights of squared errors are measured: two predictions a known distance apart, and the divergences that they cause.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from reference import views
from reference.chain import ForwardMoments, forward_moments, posterior, posterior_coefficients
from reference.divergences import gaussian_kl_diag
from reference.gaussians import Gaussian
from reference.quadrature import LOG_ROUNDING, LOG_TWO_PI, hermite_rule, line_grid, normal_rule, resolved_sum
from reference.validation import (
    Array,
    Betas,
    integer,
    noise_schedule,
    positive_array,
    positive_number,
    real_array,
    real_number,
)

Mean: TypeAlias = Callable[[Array, int], Array]
Prediction: TypeAlias = Literal["x0", "eps", "v"]
PREDICTIONS: tuple[Prediction, ...] = ("x0", "eps", "v")


@dataclass(frozen=True, eq=False)
class BoundTerms:
    """Terms of the bound at one scalar x_0, in nats; transitions hold t = 2..T, reconstruction is a log-likelihood."""

    prior: float
    transitions: Array
    reconstruction: float

    @property
    def elbo(self) -> float:
        """Reconstruction minus all divergences."""
        return self.reconstruction - self.prior - float(np.sum(self.transitions))


def bound_terms(x0: float, betas: Betas, mean: Mean, variances: ArrayLike) -> BoundTerms:
    """Return the bound's terms for p(x_{t-1}|x_t) = N(mean(x_t, t), variances[t-1]), p(x_T) = N(0, 1), scalars.

    mean maps an array (n,) and a time to (n,), smooth in x_t. Claims: ddpm.elbo.decomposition,
    ddpm.reconstruction.gaussian, ddpm.loss.x0_weighted, ddpm.loss.eps_weighted.
    """
    start, schedule, spread = _setting(x0, betas, variances)
    moments, rule = forward_moments(schedule), normal_rule()
    noise, masses = rule.nodes[:, 0], rule.weights
    inner = hermite_rule(1, 3)  # the inner integrand is quadratic in x_{t-1}
    prior = gaussian_kl_diag(moments.gain[-1] * start, moments.variance[-1], 0.0, 1.0)
    transitions = []
    for t in range(2, schedule.size + 1):
        x_t = moments.gain[t] * start + np.sqrt(moments.variance[t]) * noise
        on_x0, on_xt, variance = posterior_coefficients(t, schedule)
        center, guess = on_x0 * start + on_xt * x_t, _called(mean, x_t, t)
        ratio = np.zeros_like(x_t)
        for z, mass in zip(inner.nodes[:, 0], inner.weights, strict=True):
            x_s = center + np.sqrt(variance) * z
            ratio += mass * (_log_normal(x_s, center, variance) - _log_normal(x_s, guess, float(spread[t - 1])))
        transitions.append(resolved_sum(masses * ratio, LOG_ROUNDING))
    x_1 = moments.gain[1] * start + np.sqrt(moments.variance[1]) * noise
    log_p = _log_normal(np.full_like(x_1, start), _called(mean, x_1, 1), float(spread[0]))
    reconstruction = resolved_sum(masses * log_p, LOG_ROUNDING)
    return BoundTerms(prior, np.array(transitions), reconstruction)


def log_evidence(x0: float, betas: Betas, mean: Mean, variances: ArrayLike) -> float:
    """Return log p(x_0) of the same model: its density is carried from x_T to x_0 on a grid, one kernel at a time.

    The grid spans 14 units each way and must resolve the narrowest kernel: at most 12000 points are used, so kernels
    need a standard deviation above 0.01. Takes O(T n^2) time.
    """
    start, schedule, spread = _setting(x0, betas, variances)
    narrow = min(1.0, float(np.sqrt(spread.min())))
    if narrow < 0.01:
        raise ValueError(f"the narrowest kernel has sd {narrow}, limit 0.01; use vlb_terms or wider kernels")
    grid, spacing = line_grid(0.0, 1.0, narrow / 4.0, 14.0)
    density = np.exp(_log_normal(grid, 0.0, 1.0))
    for t in range(schedule.size, 1, -1):
        kernel = np.exp(_log_normal(grid[:, None], _called(mean, grid, t), float(spread[t - 1])))
        density = kernel @ density * spacing
    last = np.exp(_log_normal(start, _called(mean, grid, 1), float(spread[0])))
    return float(np.log(resolved_sum(last * density) * spacing))


def path_of_prediction(predict: Mean, betas: Betas, prediction: Prediction) -> Mean:
    """Return the reverse mean of a network that predicts x_0, eps or v: the posterior mean at its data estimate."""
    schedule = noise_schedule(betas)
    moments = forward_moments(schedule)
    _known(prediction)

    def mean(x_t: Array, t: int) -> Array:
        data = _data_estimate(_called(predict, x_t, t), x_t, moments, t, prediction)
        return posterior(data, x_t, t, schedule).mean

    return mean


def bound_weight(t: int, betas: Betas, variance: float, prediction: Prediction, miss: float = 1.0) -> float:
    """Return the divergence that a prediction error of size `miss` adds at step t, divided by miss^2.

    The divergence from q(x_{t-1}|x_t, x_0) to N(mean, variance) with the mean of a prediction off by `miss` in the
    named view, minus that of the exact prediction. t = 1 is allowed (the reconstruction term's loss). Claims:
    ddpm.loss.x0_weighted, ddpm.loss.eps_weighted, ddpm.loss.weights_snr.
    """
    schedule, spread = noise_schedule(betas), positive_number("variance", variance)
    t, size = integer("t", t, 1, schedule.size), positive_number("miss", miss)
    moments = forward_moments(schedule)
    x0 = np.zeros(1)
    x_t = np.sqrt(moments.variance[[t]])  # x_0 = 0 seen with noise 1
    exact = views.from_x0(x0, x_t, *_levels(moments, t))
    wrong = {"x0": exact.x0, "eps": exact.eps, "v": exact.v}[_known(prediction)] + size
    truth = posterior(x0, x_t, t, schedule)
    guess = posterior(_data_estimate(wrong, x_t, moments, t, prediction), x_t, t, schedule)
    if t == 1:
        return float(-np.sum(_log_normal(x0, guess.mean, spread) - _log_normal(x0, truth.mean, spread))) / size**2
    off = gaussian_kl_diag(truth.mean, truth.variance, guess.mean, spread)
    return (off - gaussian_kl_diag(truth.mean, truth.variance, truth.mean, spread)) / size**2


def linear_loss(
    c: float, betas: Betas, weights: ArrayLike, prediction: Prediction, data_variance: float = 1.0
) -> float:
    """Return the sum over t of weights[t-1] E (c x_t - target)^2 for data N(0, data_variance).

    The expectation is exact: cubature of the joint normal law of (x_0, eps). Weights 1/T give the simplified loss.
    Claims: ddpm.loss.simple, ddpm.loss.simple_is_elbo.
    """
    schedule, spread = noise_schedule(betas), positive_number("data_variance", data_variance)
    slope, factors = real_number("c", c), real_array("weights", weights, ndim=1)
    if factors.shape != schedule.shape:
        raise ValueError(f"weights has shape {factors.shape}, but {schedule.shape} is needed; one weight a step")
    law = Gaussian(np.zeros(2), np.diag([np.sqrt(spread), 1.0]))
    x0, eps = law.cubature().T
    moments = forward_moments(schedule)
    gain, blur = moments.gain[1:, None], np.sqrt(moments.variance[1:, None])
    target = {"x0": x0, "eps": eps, "v": gain * eps - blur * x0}[_known(prediction)]
    return float(factors @ np.mean((slope * (gain * x0 + blur * eps) - target) ** 2, axis=1))


def linear_optimum(betas: Betas, weights: ArrayLike, prediction: Prediction, data_variance: float = 1.0) -> float:
    """Return the one coefficient c, shared by all t, that minimises `linear_loss`.

    The loss is a parabola in c: the vertex of the one through its values at -1, 0 and 1. A weight of 0 leaves a step
    out (t = 1, say, whose weight in the bound is the decoder's business).
    """
    left, middle, right = (linear_loss(c, betas, weights, prediction, data_variance) for c in (-1.0, 0.0, 1.0))
    curvature = left - 2.0 * middle + right
    if curvature <= 0.0:
        raise ValueError(f"the loss has curvature {curvature} in c, but needs a minimum; give weights that sum above 0")
    return 0.5 * (left - right) / curvature


def _levels(moments: ForwardMoments, t: int) -> tuple[float, float]:
    """abar_t and 1 - abar_t, which keeps its digits where it is small."""
    return float(moments.gain[t] ** 2), float(moments.variance[t])


def _data_estimate(value: Array, x_t: Array, moments: ForwardMoments, t: int, prediction: Prediction) -> Array:
    solver = {"x0": views.from_x0, "eps": views.from_eps, "v": views.from_v}[_known(prediction)]
    return value if prediction == "x0" else solver(value, x_t, *_levels(moments, t)).x0


def _known(prediction: Prediction) -> Prediction:
    if prediction not in PREDICTIONS:
        raise ValueError(f"prediction is {prediction!r}, but it must be one of {PREDICTIONS}; choose one")
    return prediction


def _log_normal(x: Array | float, mean: Array | float, variance: float) -> Array:
    return np.asarray(-0.5 * (x - mean) ** 2 / variance - 0.5 * np.log(variance) - 0.5 * LOG_TWO_PI)


def _called(mean: Mean, x: Array, t: int) -> Array:
    values = np.asarray(mean(x, t), dtype=np.float64)
    if values.shape != x.shape or not np.isfinite(values).all():
        raise ValueError(f"the network returned shape {values.shape} at t = {t}; return finite values of {x.shape}")
    return values


def _setting(x0: float, betas: Betas, variances: ArrayLike) -> tuple[float, Array, Array]:
    schedule, spread = noise_schedule(betas), positive_array("variances", variances, ndim=1)
    if spread.shape != schedule.shape:
        raise ValueError(f"variances has shape {spread.shape}, but {schedule.shape} is needed; one number a step")
    return real_number("x0", x0), schedule, spread
