"""The DDIM family: kernels averaged on a grid, conditioned joint laws, 2x2 solves, divergences along paths of laws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reference import chain, ddim, divergences, views
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.cases.visits import RoundTrip, RoundTrips, Shrunk, ShrunkSteps, VisitedSteps, Visits
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Inequality, Order, Shape, Value, measured


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
    yield Value(2, s.point(), noise - beta, plus=beta + noise, because="variances, not small levels, are subtracted")


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


@measured("ddim.subsequence", method="the joint law of all visited steps, from loadings", cases=VisitedSteps())
def _(s: Visits) -> Iterator[Shape]:
    point, total = s.point(), 0.0
    for start, value in zip(s.clean, s.points[s.n - 1], strict=True):
        joint = ddim.family_joint(float(start), s.betas, s.noises[::-1])
        total += float(joint.marginal([s.n - 1]).log_prob(np.array([[value]]))[0])
    room = 1 - float(s.levels[s.n - 1])
    because = "the exponent is a squared difference over the noise that is left, and so is the level"
    far = float(np.abs(s.points[s.n - 1]).max() + np.abs(s.clean).max())
    yield Value(0, point, total, because=because, size=8 * len(s.clean) * (1 + far**2 / room) / room)


@measured(
    "ddim.forward_non_markov",
    method="the joint law of both noises, conditioned on the earlier point",
    cases=Strides(),
)
def _(s: StepBack) -> Iterator[Shape]:
    gain, joint = chain.forward_moments(s.betas).gain, ddim.stride_joint(s.s, s.t, s.betas, s.rho)
    means, total, size = [], 0.0, 1.0
    for start, early, late in zip(s.x0, s.x_s, s.x_t, strict=True):
        law = joint.condition([1], [early - gain[s.s] * start])
        total += float(law.log_prob(np.array([[late - gain[s.t] * start]]))[0])
        means.append(float(law.mean[0] + gain[s.t] * start))
        spread = float(np.sqrt(law.variances[0]))
        reach = abs(late) + abs(start) + abs(early) * float(joint.cov[0, 1] / joint.cov[1, 1])
        size += 16 * (1 + abs(late - means[-1]) / spread) * (1 + reach / spread)
    because = "the exponent is a difference of x_t and its centre, in deviations, squared"
    yield Value(0, s.point(), total, because=because, plus=size)
    yield Value(1, s.point(), np.array(means), because=because, plus=float(np.abs(s.x0).max() + np.abs(s.x_s).max()))
    alone = float(joint.condition([1], [-gain[s.s]]).mean[0] + gain[s.t])
    yield Value(2, s.point(), alone * (2 * gain[s.t] - alone), because="b, times twice sqrt(abar_t) less b", plus=4.0)
    if s.s == s.t - 1:
        step = sum(chain.transition_log_density(x, y, s.t, s.betas) for x, y in zip(s.x_t, s.x_s, strict=True))
        yield Value(3, s.point(), float(step), because=because, plus=size)


@measured("ddim.gaussian.contraction", method="angles and their cosine; complex steps", cases=ShrunkSteps())
def _(s: Shrunk) -> Iterator[Shape]:
    point, ratio = s.point(), (s.variance + s.then**2) / (s.variance + s.now**2)
    away, size = s.x - s.centre, 16 * float(np.abs(s.x).max() + np.abs(s.centre).max())
    because = "an angle is found, and turned into a cosine again"
    yield Value(0, point, s.cosine * np.sqrt(ratio) * away, because=because, size=size * (1 + s.now**2 / s.variance))
    rate = np.imag(np.sqrt(s.variance + (s.now + 1e-150j) ** 2)) / 1e-150
    yield Value(1, point, rate * away, because=because, size=size * (1 + s.now))
    yield Value(2, point, s.cosine**2, because=because, size=16.0)
    yield Inequality(3, point, s.cosine**2 * ratio, ratio, because=because, size=16.0 * ratio)


TRIP = np.array([1 / 64, 1 / 128, 1 / 256, 1 / 512])
PLACES = (1.0, 0.5, -0.5, 1.5)


@measured("ddim.inversion.round_trip", method="round trips of one step at falling sizes", cases=RoundTrips())
def _(s: RoundTrip) -> Iterator[Shape]:
    def lost(at: RoundTrip, part: int, k: float) -> Array:
        first = at.answer(at.x, at.ratio if part < 2 else at.ratio + k)
        up = at.x + k * first
        if part == 1:
            up = at.x + k * at.answer(up, at.ratio + k)
        return np.asarray(up - k * at.answer(up, at.ratio + k) - at.x)

    def stated(at: RoundTrip, part: int) -> Array:
        return np.asarray(at.point(float(TRIP[-1])).rhs("ddim.inversion.round_trip", part))

    for part, power in enumerate((2, 3, 2)):
        # Where the stated coefficient is largest: it may vanish at a place by accident.
        at = max((replace(s, x=s.x * by) for by in PLACES), key=lambda at: float(np.linalg.norm(stated(at, part))))
        size = float(np.linalg.norm(stated(at, part)))
        along = stated(at, part) / size  # what is lost is measured along the stated direction, sign and all
        errors = np.array([float(lost(at, part, float(h)) @ along) for h in TRIP])
        yield Order(part, TRIP, errors, power, size / float(TRIP[-1]) ** power, slack=0.2)
