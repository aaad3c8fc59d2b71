"""Losses and their weights, and the worked examples: by quadrature, differences of divergences and exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

import numpy as np

from reference import bounds, chain, pixels, quadrature, schedules
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.pixels import Pixel, Pixels
from threefold.witnesses.cases.runs import Run, Runs, Shared, Shareds
from threefold.witnesses.cases.schedules import Once
from threefold.witnesses.point import Array, Point
from threefold.witnesses.shapes import Refuted, Shape, Value, measured

# --- the bound as a sum of squared errors -----------------------------------------------------------------------------


DIAGONAL = Runs(most=3, most_d=2)


def _weighted(claim: str, name: str, prediction: bounds.Prediction) -> None:
    """The bound of a chain whose network predicts x_0 or eps, with the constant that belongs to it."""

    @measured(
        claim,
        method="every term of the bound by quadrature over x_t, no square completed",
        cases=Runs(most=3, most_d=2),
    )
    def _(s: Run) -> Iterator[Shape]:
        elbo, size = 0.0, 0.0
        for c in range(s.d):
            mean = bounds.path_of_prediction(s.network.coordinate(c).scalar, s.betas, prediction)
            terms = bounds.bound_terms(float(s.x0[c]), s.betas, mean, s.sigmas**2)
            elbo, size = (
                elbo + terms.elbo,
                size + abs(terms.reconstruction) + terms.prior + float(np.sum(terms.transitions)),
            )
        # The left side is the bound of ddpm.elbo.gaussian_form, measured there; here the prediction makes its means.
        yield Value(0, s.point(name), elbo, plus=size, because="the terms of the bound", sides=("rhs",))


_weighted("ddpm.loss.x0_weighted", "x0_theta", "x0")
_weighted("ddpm.loss.eps_weighted", "eps_theta", "eps")


def _weight(s: Step, variance: float, prediction: bounds.Prediction) -> tuple[float, float]:
    """The divergence that an error of the prediction adds, by its square, and the roundings of it.

    The error is as large as makes the divergence about 1: two divergences are subtracted.
    """
    first = bounds.bound_weight(s.t, s.betas, variance, prediction)
    miss = float(np.sqrt(1 / first)) if first > 0 else 2.0**20
    found = bounds.bound_weight(s.t, s.betas, variance, prediction, miss)
    moments = chain.forward_moments(s.betas)
    truth = chain.posterior_coefficients(s.t, s.betas)[2]
    spread = truth / variance + abs(np.log(truth / variance)) if s.t > 1 else 1.0
    size = 1 + (1 + miss * float(moments.gain[s.t - 1])) / np.sqrt(variance)
    left = float(s.betas[s.t - 1] / moments.variance[s.t])  # of the gain at t - 1, when conditioning on x_t is done
    return found, found * float(size + spread + 2 / left)  # squared: twice the digits that the subtraction cost


@measured(
    "ddpm.loss.weights_snr",
    method="divergence that a known prediction error adds, divided by its square",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step) -> Iterator[Shape]:
    tilde, beta = chain.posterior_coefficients(s.t, s.betas)[2], float(s.betas[s.t - 1])
    sigma = float(np.exp(s.network.shift[0, 0])) * np.sqrt(beta)
    point = s.point(families={"sigma": lambda t: sigma * 2.0 ** (int(t) - s.t)})
    kinds = ((0, "x0", tilde), (1, "eps", tilde), (2, "eps", tilde), (3, "eps", beta), (4, "x0", sigma**2))
    for part, prediction, variance in kinds:
        found, size = _weight(s, variance, prediction)  # type: ignore[arg-type]
        because = "two divergences are subtracted, of nearly equal means, each what conditioning leaves of a gain"
        yield Value(part, point, found, plus=size, because=because)


# --- the simplified loss ----------------------------------------------------------------------------------------------


def _squared_error(s: Shared, t: int) -> float:
    """E |eps - network(x_t, t)|^2 over x_0 ~ N(0, spread I) and eps, by a grid of both in each coordinate."""
    moments = chain.forward_moments(s.betas)
    gain, noise = float(moments.gain[t]), float(np.sqrt(moments.variance[t]))

    def miss(pair: Array, c: int) -> Array:
        x_t = gain * np.sqrt(s.spread) * pair[:, 0] + noise * pair[:, 1]
        return np.asarray((pair[:, 1] - s.network.coordinate(c).scalar(x_t, t)) ** 2)

    grids = (partial(miss, c=c) for c in range(s.d))
    return sum(quadrature.normal_expectation_nd(f, np.zeros(2), np.eye(2), floor=1e-12) for f in grids)


@measured(
    "ddpm.loss.simple", method="mean over t, x_0 and noise by a sum over a grid of both", cases=Shareds(share=8, most=2)
)
def _(s: Shared) -> Iterator[Shape]:
    point = s.point()
    errors = [_squared_error(s, t) for t in range(1, s.T + 1)]
    sides = ("lhs", "rhs") if s.T == 1 else ("rhs",)  # the left side is a mean over T grids of 81 points
    for part in (0, 1):
        yield Value(part, point, float(np.mean(errors)), sides=sides)
    yield Value(2, point, errors[s.t - 1])


@measured(
    "ddpm.loss.shared_coefficient",
    method="mean over data and noise by cubature; vertex of a parabola",
    cases=Shareds(share=4, least=2),
)
def _(s: Shared) -> Iterator[Shape]:
    weights, ones = (np.concatenate([[0.0], w]) for w in (s.weights[1:], np.ones(s.T - 1)))
    one = bounds.linear_loss(s.c, s.betas, np.eye(s.T)[s.t - 1], "eps")
    yield Value(0, s.point(), s.d * one)  # |.|^2 is the sum over the coordinates
    for part, w in ((1, weights), (2, ones)):
        yield Value(part, s.point(), bounds.linear_loss(s.c, s.betas, w, "eps") * float(w.sum()))
    best = bounds.linear_optimum(s.betas, weights, "eps")
    least = bounds.linear_loss(best, s.betas, weights, "eps") * float(weights.sum())
    yield Value(1, s.point(c=best), least)


@measured(
    "ddpm.loss.simple_is_elbo", method="vertex of each loss as a parabola in the shared coefficient", cases=Once()
)
def _(_: Once) -> Iterator[Shape]:
    betas = schedules.as_floats(schedules.linear_betas(1000))
    point = Point(1, {"T": 1000, "t": 1000}, betas)
    moments = chain.forward_moments(betas)
    weights = betas[1:] / (2 * (1 - betas[1:]) * moments.variance[1:-1])
    best = bounds.linear_optimum(betas, np.concatenate([[0.0], weights]), "eps")
    yield Refuted(0, point, best, gap=0.2)  # 0.571 against 0.807, as printed beside it


# --- worked examples --------------------------------------------------------------------------------------------------


@measured("ddpm.example.one_pixel", method="interval arithmetic in exact fractions", cases=Pixels())
def _(s: Pixel) -> Iterator[Shape]:
    e = pixels.one_pixel()
    for part, value in enumerate((e.x_t, e.x_t, e.signal, e.noise, e.loss, e.x0_hat)):
        yield Value(part, s.point(), float(value))
    drawn = pixels.one_pixel(s.pixel, s.level, s.noise, s.guess)
    yield Value(6, s.point(), float(drawn.x0_error))
    yield Value(7, s.point(), float(e.x0_error))


@measured("ddim.example.stride", method="interval arithmetic in exact fractions", cases=Once())
def _(_: Once) -> Iterator[Shape]:
    e, true = pixels.ddim_stride(), pixels.ddim_stride(eps_hat=Fraction(3, 10))
    for part, value in enumerate((e.x_s, e.x_s, e.signal, e.noise, true.x_s)):
        yield Value(part, Point(1), float(value))
