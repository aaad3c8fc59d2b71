"""What a network may predict, and the Gaussian terms of the bound: by 2x2 solves, conditioning and quadrature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import reference
from reference import bounds, chain, divergences, views
from reference.gaussians import Gaussian
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.runs import Run, Runs
from threefold.witnesses.cases.schedules import Level, Levels
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Refuted, Shape, Value, measured

# --- the terms of the bound -------------------------------------------------------------------------------------------


@measured(
    "ddpm.latent_term.closed_form", method="divergence integrated along the path of normal laws", cases=Steps(share=2)
)
def _(s: Step) -> Iterator[Shape]:
    moments, zero, one = chain.forward_moments(s.betas), np.zeros(s.d), np.ones(s.d)
    end, variance = moments.gain[-1] * s.x0, float(moments.variance[-1])
    yield Value(0, s.point(), float(reference.gaussian_kl_diag(end, variance * one, zero, one)))
    square = Gaussian(end, np.sqrt(variance) * np.eye(s.d)).expect_quadratic(lambda x: np.sum(x**2, axis=1))
    yield Value(1, s.point(), square)


@measured(
    "ddpm.consistency.kl",
    method="divergence of the conditioned joint Gaussian, integrated along a path of laws",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    truth = chain.posterior(s.x0, s.x_t, s.t, s.betas)
    guess = truth.mean + np.sqrt(truth.variance) * s.noise
    spread = float(np.exp(s.network.shift[0, 0])) * truth.variance
    point = s.point(answers={"mu_theta": guess}, families={"sigma": lambda t: np.sqrt(spread) * 2.0 ** (int(t) - s.t)})
    for part, variance in ((0, np.sqrt(spread) ** 2), (1, np.sqrt(spread) ** 2), (2, truth.variance)):
        found = divergences.gaussian_kl_diag(truth.mean, truth.variance, guess, np.full(s.d, variance))
        sides = ("lhs", "rhs") if s.d < 3 else ("rhs",)  # the left side is a mean over 3^d points
        yield Value(part, point, float(found), sides=sides)


@measured(
    "ddpm.reconstruction.gaussian",
    method="log-density of the last kernel averaged by quadrature over x_1",
    cases=Runs(share=2, most_d=2),
)
def _(s: Run) -> Iterator[Shape]:
    terms = (
        bounds.bound_terms(float(s.x0[c]), s.betas, s.network.coordinate(c).scalar, s.sigmas**2) for c in range(s.d)
    )
    yield Value(0, s.point("mu_theta"), sum(term.reconstruction for term in terms))


@measured(
    "ddpm.elbo.gaussian_form",
    method="every term of the bound by quadrature over x_t, no square completed; the constant at a perfect network",
    cases=Runs(most=4, most_d=2),
)
def _(s: Run) -> Iterator[Shape]:
    def elbo(network: bounds.Mean, c: int) -> float:
        return bounds.bound_terms(float(s.x0[c]), s.betas, network, s.sigmas**2).elbo

    def perfect(c: int) -> bounds.Mean:
        return lambda x, t: chain.posterior(np.full_like(x, s.x0[c]), x, t, s.betas).mean

    point, coordinates = s.point("mu_theta", reverse=True), range(s.d)
    short = s.T * s.d < 4  # the left side sums over 3^(T d) paths
    found = sum(elbo(s.network.coordinate(c).scalar, c) for c in coordinates)
    yield Value(0, point, found, sides=("lhs", "rhs") if short else ("rhs",))
    yield Value(1, point, sum(elbo(perfect(c), c) for c in coordinates))


# --- means ------------------------------------------------------------------------------------------------------------


@measured(
    "ddpm.mean.x0_form",
    method="conditioning of the joint Gaussian at the predicted x_0",
    cases=Steps(least_t=1, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    predicted, x_1 = s.noise, s.x_prev
    mean = chain.posterior(predicted, s.x_t, s.t, s.betas).mean
    point = s.point(answers={"x0_theta": predicted, "mu_theta": mean})
    # mu_theta stands for what the network's mean is, by the hypothesis of the claim: the right side is measured.
    yield Value(0, point, mean, sides=("rhs",))
    first = s.point(
        x={1: x_1}, answers={"x0_theta": predicted, "mu_theta": chain.posterior(predicted, x_1, 1, s.betas).mean}
    )
    yield Value(1, first, chain.posterior(predicted, x_1, 1, s.betas).mean)
    if s.t > 1:
        yield Value(2, point, mean - chain.posterior(s.x0, s.x_t, s.t, s.betas).mean)


@measured(
    "ddpm.mean.eps_form",
    method="conditioning of the joint Gaussian on x_t and on the noise that made it",
    cases=Steps(share=2),
)
def _(s: Step) -> Iterator[Shape]:
    point = s.point(answers={"eps_theta": s.x_prev})
    yield Value(0, point, chain.posterior_from_noise(s.x_prev, s.x_t, s.t, s.betas).mean)
    yield Value(1, point, chain.posterior(s.x0, _noised(s), s.t, s.betas).mean)


@measured(
    "ddpm.mean.eps_form.notes_display",
    method="conditioning of the joint Gaussian on x_0 and x_t",
    cases=Steps(least_t=2, printed=True),
)
def _(s: Step) -> Iterator[Shape]:
    mean = chain.posterior(s.x0, _noised(s), s.t, s.betas).mean
    for part in (0, 1):
        if s.n == 0:  # the numbers of the erratum: 1.0435 for the printed 0.8157 and 1.4000
            yield Refuted(part, s.point(), mean)
        else:
            yield Value(part, s.point(), mean, sides=("lhs",))


# --- predictions ------------------------------------------------------------------------------------------------------


def _level(s: Step) -> tuple[float, float]:
    """abar_t and 1 - abar_t, each with its digits."""
    moments = chain.forward_moments(s.betas)
    return float(moments.gain[s.t] ** 2), float(moments.variance[s.t])


def _noised(s: Step) -> Array:
    level, rest = _level(s)
    return np.asarray(np.sqrt(level) * s.x0 + np.sqrt(rest) * s.noise)


@measured(
    "ddpm.parameterization.bijection",
    method="2x2 linear solve for (x_0, eps) given x_t and the prediction",
    cases=Steps(),
)
def _(s: Step) -> Iterator[Shape]:
    level = _level(s)
    from_eps, from_x0 = (view(s.noise, s.x_t, *level) for view in (views.from_eps, views.from_x0))
    by_eps, by_x0 = (s.point(answers={name: s.noise}) for name in ("eps_theta", "x0_theta"))
    yield Value(0, by_eps, from_eps.x0)
    yield Value(1, by_x0, from_x0.eps)
    yield Value(2, by_x0, views.from_eps(from_x0.eps, s.x_t, *level).x0)
    yield Value(3, by_eps, views.from_x0(from_eps.x0, s.x_t, *level).eps)


@measured("ddpm.loss.eps_x0_equivalence", method="both errors measured after a 2x2 solve", cases=Steps())
def _(s: Step) -> Iterator[Shape]:
    level, x_t, guess = _level(s), _noised(s), s.x_prev
    data = np.sum((views.from_eps(guess, x_t, *level).x0 - s.x0) ** 2)
    for part in (0, 1):
        yield Value(part, s.point(answers={"eps_theta": guess}), float(data))
    noise = np.sum((views.from_x0(guess, x_t, *level).eps - s.noise) ** 2)
    yield Value(2, s.point(answers={"x0_theta": guess}), float(noise))


@measured(
    "ddpm.parameterization.v",
    method="speed along the arc from x_0 to eps by a complex step; 2x2 solve for (x_0, eps) given x_t and v",
    cases=Levels(),
)
def _(s: Level) -> Iterator[Shape]:
    v = views.velocity(s.x0, s.noise, s.level)
    x_t = np.sqrt(s.level) * s.x0 + np.sqrt(1 - s.level) * s.noise
    solved = views.from_v(v, x_t, s.level)
    turn, because = float(np.abs(s.noise).max()), "the angle is rounded: the cosine of pi/2 is not 0, and takes eps in"
    yield Value(0, s.point(), v, plus=turn, because=because)
    yield Value(1, s.point(), solved.x0)
    yield Value(2, s.point(), solved.eps)
    yield Value(3, s.point(), views.velocity(s.x0, s.noise, 1.0))
    yield Value(4, s.point(), views.velocity(s.x0, s.noise, 0.0), plus=turn, because=because)
    yield Value(5, s.point(), float(x_t @ x_t + v @ v))


@measured(
    "ddpm.parameterization.v_loss",
    method="speed along the arc from x_0 to eps by a complex step; both errors measured after a 2x2 solve",
    cases=Steps(),
)
def _(s: Step) -> Iterator[Shape]:
    level, guess = _level(s), s.x_prev
    found = float(np.sum((guess - views.velocity(s.x0, s.noise, *level)) ** 2))
    implied = views.from_v(guess, _noised(s), *level)
    point = s.point(answers={"v_theta": guess})
    for part in (0, 1, 2):
        yield Value(part, point, found)
    for part, error in ((0, (implied.x0 - s.x0) / np.sqrt(level[1])), (2, (implied.eps - s.noise) / np.sqrt(level[0]))):
        yield Value(part, point, float(np.sum(error**2)), sides=("rhs",))
