"""The forward chain and its reversal given x_0: the claims' statements against linear algebra on the joint Gaussian."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from reference import chain, finite, montecarlo, quadrature, schedules
from reference.gaussians import Gaussian
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.finite import Channel, Channels
from threefold.witnesses.cases.schedules import Once, Ramp, Ramps
from threefold.witnesses.point import Array, Point
from threefold.witnesses.shapes import Inequality, Law, Shape, Value, measured, measurement

DRAWS = 8192

# --- one step and many ------------------------------------------------------------------------------------------------


def _mean_of(f: Step, law: Gaussian) -> float:
    """E f over a normal law: a sum over a grid of its noise."""
    return quadrature.normal_expectation_nd(lambda x: f.network(x)[:, 0], law.mean, law.factor, floor=1e-9)


def _simulated(s: Step) -> montecarlo.Estimate:
    """f(x_t), the chain walked from x_0 one random step after the other."""

    def walk(rng: np.random.Generator, count: int) -> Array:
        x = np.broadcast_to(s.x0, (count, s.d))
        for beta in s.betas[: s.t]:
            x = np.sqrt(1 - beta) * x + np.sqrt(beta) * rng.standard_normal(x.shape)
        return np.asarray(x)

    return montecarlo.estimate(lambda x: s.network(x)[:, 0], walk, DRAWS, s.rng)


@measured(
    "ddpm.forward.kernel",
    method="log-density of the recursion x_t = g x_{t-1} + s eps by change of variable; averages on a grid",
    cases=Steps(share=2),
)
def _(s: Step) -> Iterator[Shape]:
    point, beta = s.point(exact={"f": s.network.first}), s.betas[s.t - 1]
    yield Value(0, point, chain.transition_log_density(s.x_t, s.x_prev, s.t, s.betas))
    law = Gaussian(np.sqrt(1 - beta) * s.x_prev, np.sqrt(beta) * np.eye(s.d))
    yield Value(1, point, _mean_of(s, law))
    moment = sum(quadrature.normal_expectation(np.square, m, np.sqrt(beta)) for m in law.mean)
    yield Value(2, point, moment)


@measured(
    "ddpm.forward.marginal",
    method="gain and variance accumulated step by step through the recursion; chains drawn step by step",
    cases=Steps(share=2),
    max_standard_error=0.5,
)
def _(s: Step) -> Iterator[Shape]:
    point = s.point(exact={"f": s.network.first})
    yield Value(0, point, chain.marginal_log_density(s.x_t, s.x0, s.t, s.betas))
    gains, rows = chain.loadings(s.betas, [s.t])
    law = Gaussian(gains[0] * s.x0, np.sqrt(np.sum(rows**2)) * np.eye(s.d))
    yield Value(1, point, _mean_of(s, law))
    if s.n % 4 == 0:
        drawn = _simulated(s)
        yield Law(1, point, drawn.mean, drawn.standard_error)


@measured(
    "ddpm.forward.covariance",
    method="covariance matrices pushed through every step by matrix products",
    cases=Steps(most_d=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    covariance = s.root @ s.root.T
    point = s.point(vectors={"u": s.x_prev, "v": s.x_t}, tables={"q": s.moving(np.sign(s.x0), covariance)})
    found = float(s.x_prev @ chain.marginal_covariance(covariance, s.t, s.betas) @ s.x_t)
    yield Value(0, point, found)
    yield Value(1, point, found)
    yield Value(2, point, found - float(s.x_prev @ s.x_t))


monotone = measurement(
    "ddpm.forward.snr_monotone", method="ratios of recursed moments; mutual information of enumerated Markov chains"
)


@monotone.over(Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    kept, ratios = chain.forward_moments(s.betas).gain ** 2, chain.snrs(s.betas)
    yield Inequality(0, s.point(), kept[s.t], kept[s.t - 1])
    yield Inequality(1, s.point(), ratios[s.t - 1], ratios[s.t - 2])


@monotone.over(Channels())
def _(s: Channel) -> Iterator[Shape]:
    law = finite.JointLaw(("x0", "x1", "x2"), s.table)
    near, far = (law.mutual_information(("x0",), (name,)) for name in ("x1", "x2"))
    yield Inequality(2, s.point(), far, near)


# --- the linear schedule ----------------------------------------------------------------------------------------------


@measured("ddpm.schedule.linear", method="exact fractions, one equal increment after the other", cases=Ramps())
def _(s: Ramp) -> Iterator[Shape]:
    step = Fraction(s.last - s.first) / (s.T - 1)
    walked = [float(v) for v in itertools.accumulate([step] * (s.T - 1), initial=Fraction(s.first))]
    yield Value(0, s.point(), walked[s.t - 1])
    yield Value(1, s.point(), walked[0])
    yield Value(2, s.point(), walked[-1])
    yield Inequality(3, s.point(), walked[s.t - 1], 0.0)
    yield Inequality(4, s.point(), walked[s.t - 1], 1.0)
    yield Value(0, s.point(), float(schedules.linear_betas(s.T, s.first, s.last)[s.t - 1]))


@measured(
    "ddpm.schedule.abar_values",
    method="product of 1 - beta_t in exact fractions, rounded to 40 digits at the end",
    cases=Once(),
)
def _(_: Once) -> Iterator[Shape]:
    betas = schedules.linear_betas(1000)
    for part, time in enumerate((100, 100, 500, 500, 1000, 1000)):
        yield Value(part, Point(1), float(schedules.alpha_bar_decimal(betas, time)))


# --- the reverse encoder ----------------------------------------------------------------------------------------------


@measured(
    "ddpm.posterior.square_completion",
    method="how far log-densities of the chain lie below their peaks; the variance by conditioning",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    moments = chain.forward_moments(s.betas)

    def below(density: float, variance: float) -> float:
        """Twice the distance below the peak of a normal density of that variance in d coordinates."""
        peak = Gaussian(np.zeros(1), np.array([[np.sqrt(variance)]])).log_prob(np.zeros(1))
        return 2 * (s.d * float(peak) - density)

    step = below(chain.transition_log_density(s.x_t, s.x_prev, s.t, s.betas), s.betas[s.t - 1])
    early = below(chain.marginal_log_density(s.x_prev, s.x0, s.t - 1, s.betas), moments.variance[s.t - 1])
    late = below(chain.marginal_log_density(s.x_t, s.x0, s.t, s.betas), moments.variance[s.t])
    variances = (s.betas[s.t - 1], moments.variance[s.t - 1], moments.variance[s.t])
    peaks = s.d * float(np.sum(np.abs(np.log(variances))) + 6)
    yield Value(0, s.point(), step + early - late, plus=peaks, because="three peaks are subtracted")
    yield Value(1, s.point(), 1 / chain.posterior(s.x0, s.x_t, s.t, s.betas).variance)


@measured("ddpm.posterior.mean", method="conditioning of the joint Gaussian of the whole chain", cases=Steps(least_t=2))
def _(s: Step) -> Iterator[Shape]:
    yield Value(0, s.point(), chain.posterior(s.x0, s.x_t, s.t, s.betas).mean)


@measured(
    "ddpm.posterior.variance",
    method="Schur complement of the joint covariance of the whole chain",
    cases=Steps(least_t=2),
)
def _(s: Step) -> Iterator[Shape]:
    variance = chain.posterior(s.x0, s.x_t, s.t, s.betas).variance
    yield Value(0, s.point(), variance)
    yield Inequality(1, s.point(), variance, s.betas[s.t - 1])


@measured(
    "ddpm.posterior.law", method="log-density of the conditional of the joint Gaussian", cases=Steps(least_t=2, share=2)
)
def _(s: Step) -> Iterator[Shape]:
    near = s.near_posterior
    point = s.point(x={s.t - 1: near})
    found = chain.posterior_log_density(near, s.x0, s.x_t, s.t, s.betas)
    plus = abs(chain.marginal_log_density(s.x_t, s.x0, s.t, s.betas))
    yield Value(0, point, found, rounding=8.0, plus=plus, because="the marginal log-density of x_t is subtracted")


@measured("ddpm.posterior.t1", method="conditioning at t = 1, where x_0 is known", cases=Steps(first=True))
def _(s: Step) -> Iterator[Shape]:
    truth = chain.posterior(s.x0, s.x_t, 1, s.betas)
    yield Value(0, s.point(), truth.mean)
    yield Value(1, s.point(), truth.variance)


@measured(
    "ddpm.posterior.marginal_consistency",
    method="posterior density averaged over q(x_t | x_0) on a grid, coordinate by coordinate",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    moments = chain.forward_moments(s.betas)
    deviation = np.sqrt(moments.variance[s.t - 1])
    near = moments.gain[s.t - 1] * s.x0 + deviation * np.clip(s.noise, -3, 3)
    pairs = zip(near.tolist(), s.x0.tolist(), strict=True)
    averaged = [chain.averaged_posterior_density(y, x, s.t, s.betas) for y, x in pairs]
    yield Value(0, s.point(x={s.t - 1: near}), float(np.prod(averaged)))
