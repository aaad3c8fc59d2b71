"""The DDIM family: kernels averaged on a grid, conditioned joint laws, 2x2 solves, divergences along paths of laws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import chain, ddim, divergences, views
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured


def _levels(s: StepBack, t: int) -> tuple[float, float]:
    moments = chain.forward_moments(s.betas)
    return float(moments.gain[t] ** 2), float(moments.variance[t])


def _drawn(s: StepBack, t: int) -> Array:
    level, rest = _levels(s, t)
    return np.asarray(np.sqrt(level) * s.x0 + np.sqrt(rest) * s.noise)


@measured(
    "ddim.marginal_preservation",
    method="the kernel's density averaged over q(x_t | x_0) on a grid, coordinate by coordinate",
    cases=Strides(share=2),
)
def _(s: StepBack) -> Iterator[Shape]:
    level, rest = _levels(s, s.s)
    centre, deviation = np.sqrt(level) * s.x0, np.sqrt(rest)
    near = centre + deviation * np.clip(s.noise, -3, 3)
    averaged = (ddim.averaged_stride_density(y, x, s.s, s.t, s.betas, s.rho) for y, x in _pairs(near, s.x0))
    density, point = float(np.prod(list(averaged))), s.point(x={s.s: near})
    yield Value(0, point, density)
    # q's density does not show how it depends on the digits of x_s and of its centre: through (x_s - centre)^2.
    moved = float(np.sum(np.abs(near - centre) / deviation * (np.abs(near) + np.abs(centre)) / deviation))
    because = "the exponent is a difference of x_s and its centre, in deviations, squared"
    yield Value(1, point, density, because=because, size=density * (s.d + moved))


def _pairs(a: Array, b: Array) -> Iterator[tuple[float, float]]:
    return zip(a.tolist(), b.tolist(), strict=True)


@measured("ddim.update", method="conditioning of the joint law of x_t and x_s", cases=Strides())
def _(s: StepBack) -> Iterator[Shape]:
    guess = views.from_eps(s.answer, s.x_t, *_levels(s, s.t)).x0
    mean = ddim.stride_mean(guess, s.x_t, s.s, s.t, s.betas, s.rho)
    yield Value(0, s.point(answers={"eps_theta": s.answer}), mean)
    yield Value(1, s.point(), ddim.stride_mean(s.x0, _drawn(s, s.t), s.s, s.t, s.betas, s.rho))
    joint = ddim.stride_joint(s.s, s.t, s.betas, s.rho)
    kept = float(joint.cov[0, 1] ** 2 / joint.variances[0])  # the variance of E[x_s | x_t]
    yield Value(2, s.point(), kept)


@measured("ddim.ddpm_recovery", method="conditioning of the chain's joint law", cases=Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    truth, moments = chain.posterior(s.x0, s.x_t, s.t, s.betas), chain.forward_moments(s.betas)
    yield Value(0, s.point(), truth.variance)
    yield Value(1, s.point(), truth.mean)
    beta, noise = float(s.betas[s.t - 1]), float(moments.variance[s.t - 1])
    yield Value(2, s.point(), beta - noise, plus=beta + noise, because="variances, not small levels, are subtracted")


@measured("ddim.deterministic", method="the chain's moments; 2x2 solves for the data and the noise", cases=Strides())
def _(s: StepBack) -> Iterator[Shape]:
    yield Value(0, s.point(), _drawn(s, s.s))
    yield Value(1, s.point(answers={"eps_theta": s.answer}), _landed(s))


def _landed(s: StepBack) -> Array:
    guess = views.from_eps(s.answer, s.x_t, *_levels(s, s.t)).x0
    return ddim.stride_mean(guess, s.x_t, s.s, s.t, s.betas, 0.0)


@measured(
    "ddim.ode_limit", method="where conditioning without fresh noise leads, in units of the signal", cases=Strides()
)
def _(s: StepBack) -> Iterator[Shape]:
    gain = chain.forward_moments(s.betas).gain
    yield Value(0, s.point(answers={"eps_theta": s.answer}), _landed(s) / gain[s.s] - s.x_t / gain[s.t])
    yield Value(1, s.point(), 1.0 / float(chain.snrs(s.betas)[s.t - 1]))


@measured(
    "ddim.no_retraining",
    method="difference of conditional means; divergence along the path of laws",
    cases=Strides(share=2),
)
def _(s: StepBack) -> Iterator[Shape]:
    drawn, point = _drawn(s, s.t), s.point(answers={"eps_theta": s.answer})
    guess = views.from_eps(s.answer, drawn, *_levels(s, s.t)).x0
    means = [ddim.stride_mean(start, drawn, s.s, s.t, s.betas, s.rho) for start in (s.x0, guess)]
    yield Value(0, point, means[1] - means[0])
    variance = np.full(s.d, float(ddim.stride_joint(s.s, s.t, s.betas, s.rho).condition([0], [0.0]).variances[0]))
    yield Value(1, point, float(divergences.gaussian_kl_diag(means[0], variance, means[1], variance)))
