"""The losses that train a diffusion, their weights, and the worked examples, as `torch_impl` computes them.

All networks here are affine and look at t, so a loss is quadratic in (x_0, noise) and its mean over sign choices is
exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from derivations.library import find
from threefold.witnesses.built import diffusion, from_levels
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.pixels import Pixel, Pixels
from threefold.witnesses.cases.runs import Run, Runs, Shared, Shareds
from threefold.witnesses.cases.schedules import Once
from threefold.witnesses.point import Point
from threefold.witnesses.training import Computed, Misprinted, On, Shape, trained
from torch_impl import GaussianDiffusion, sample

# --- the bound as a sum of squared errors -----------------------------------------------------------------------------


def _weighted(claim: str, name: str, prediction: str) -> None:
    """C minus the summed losses of weighting="vlb" is the claim's right side."""

    @trained(
        claim,
        method='GaussianDiffusion.loss(weighting="vlb") at every t, noise at +1 and -1, taken from the constant C',
        cases=Runs(affine=True, posterior_like=True, most=3),
    )
    def _(s: Run, on: On) -> Iterator[Shape]:
        process = diffusion(s.betas, prediction, variance="beta", reconstruction_variance=s.betas[0])
        shift = on(s.network.shift)
        network, x0, noise = on.network(s.network, shift), on.fixed([s.x0, s.x0]), on.signs(1)
        point = s.root_point(name)
        total = on.computed(point.value(constant))
        for t in range(1, s.T + 1):
            loss = process.loss(network, x0, t=t, noise=noise, weighting="vlb", reduction="sum")
            total = total - loss / 2
        yield Computed(0, point, total, {("moved", s.by_shift(name)): shift})


constant = find("ddpm.elbo.gaussian_form").says[1].lhs
_weighted("ddpm.loss.x0_weighted", "x0_theta", "x0")
_weighted("ddpm.loss.eps_weighted", "eps_theta", "eps")


@trained(
    "ddpm.loss.weights_snr",
    method='GaussianDiffusion.weight("vlb")',
    no_gradient="weights are data, not functions of parameters",
    dtypes=("float64",),
    cases=Steps(least_t=2, share=2),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    def weight(prediction: str, variance: str) -> torch.Tensor:
        table: torch.Tensor = diffusion(s.betas, prediction, variance=variance).weight("vlb")
        return table[s.t]

    point = s.point(exact={"sigma": lambda _: s.exact_root_beta})
    yield Computed(0, point, weight("x0", "posterior"))
    for part, variance in ((1, "posterior"), (2, "posterior"), (3, "beta")):
        yield Computed(part, point, weight("eps", variance))
    yield Computed(4, point, weight("x0", "beta"), side="lhs")
    yield Computed(4, point, diffusion(s.betas).schedule.snr(s.t) * weight("eps", "beta"))


# --- the simplified loss ----------------------------------------------------------------------------------------------


def _mean_loss(process: GaussianDiffusion, network: object, spread: float, t: int, on: On, d: int = 1) -> torch.Tensor:
    """The simple loss at t, averaged exactly over data N(0, spread I) and noise: all sign choices of the two.

    The code's loss is a mean over the d coordinates, the claim's a sum.
    """
    signs = on.signs(2 * d)
    data = signs[:, :d] * on.computed(spread**0.5)
    found: torch.Tensor = process.loss(network, data, t=t, noise=signs[:, d:])
    return d * found


@trained(
    "ddpm.loss.simple",
    method="GaussianDiffusion.loss averaged over t, data and noise",
    cases=Shareds(share=8, most=2),
)
def _(s: Shared, on: On) -> Iterator[Shape]:
    process, shift = diffusion(s.betas, "eps"), on(s.network.shift)
    network = on.network(s.network, shift)
    losses = [_mean_loss(process, network, s.spread, t, on, s.d) for t in range(1, s.T + 1)]
    mean = torch.stack(losses).mean()
    yield Computed(0, s.point(), mean, {("moved", s.by_shift()): shift})
    yield Computed(1, s.point(), mean)
    yield Computed(2, s.point(), losses[s.t - 1])


@trained(
    "ddpm.loss.shared_coefficient",
    method="GaussianDiffusion.loss of the predictor c x_t, step by step and summed with weights",
    cases=Shareds(share=4, least=2),
)
def _(s: Shared, on: On) -> Iterator[Shape]:
    process, c = diffusion(s.betas, "eps"), on(s.c)
    losses = [_mean_loss(process, lambda x_t, _: c * x_t, 1.0, t, on) for t in range(1, s.T + 1)]
    by = {("numbers", "c"): c}
    of_a_vector = _mean_loss(process, lambda x_t, _: c * x_t, 1.0, s.t, on, s.d)
    yield Computed(0, s.point(), of_a_vector, by)
    weights = on.fixed(s.weights)[1:]
    for part, w in ((1, weights), (2, torch.ones_like(weights))):
        yield Computed(part, s.point(), (w * torch.stack(losses[1:])).sum() * w.sum(), by)


@trained(
    "ddpm.loss.simple_is_elbo",
    method="stationary c of each loss by autograd, linear schedule, T = 1000",
    no_gradient="the best coefficient is itself found by autograd",
    dtypes=("float64",),
    cases=Once(),
)
def _(_: Once, on: On) -> Iterator[Shape]:
    betas = Once.linear_betas()
    process = diffusion(betas, "eps")
    point = Point(1, {"T": 1000, "t": 1000}, betas)
    times, signs = torch.arange(2, 1001).repeat_interleave(4), on.signs(2).repeat(999, 1)

    def best(weights: torch.Tensor) -> torch.Tensor:
        def slope(at: float) -> torch.Tensor:
            shared = on(at)
            losses = process.loss(
                lambda x_t, _: shared * x_t, signs[:, :1], t=times, noise=signs[:, 1:], reduction="none"
            )
            total = (weights.repeat_interleave(4) * losses).sum()
            return torch.autograd.grad(total, shared)[0]

        at_zero = slope(0.0)
        return -at_zero / (slope(1.0) - at_zero)

    yield Misprinted(0, point, best(process.weight("vlb")[2:]), gap=0.2)
    yield Computed(0, point, best(on.fixed([1.0] * 999)))


# --- worked examples --------------------------------------------------------------------------------------------------


@trained("ddpm.example.one_pixel", method="q_sample, loss and to_x0 of a diffusion with abar = 0.5", cases=Pixels())
def _(s: Pixel, on: On) -> Iterator[Shape]:
    half, x0, zero = from_levels([0.5]), on.fixed([[1.0]]), on.fixed([[0.0]])
    noise, output = on.computed([[0.3]]), on.fixed([[0.25]])
    x_t = half.q_sample(x0, 1, noise)
    data = half.to_x0(output, x_t, 1)
    values = {0: x_t, 1: x_t, 2: half.q_sample(x0, 1, zero), 3: half.q_sample(zero, 1, noise), 5: data, 7: data - x0}
    for part, value in values.items():
        yield Computed(part, s.point(), value.reshape(()), side="lhs")
    yield Computed(4, s.point(), half.loss(lambda *_: output, x0, t=1, noise=noise))

    process, guess = from_levels([float(s.level)]), on(float(s.guess))
    pixel, drawn = on.fixed([[float(s.pixel)]]), on.fixed([[float(s.noise)]])
    error = process.to_x0(guess.reshape(1, 1), process.q_sample(pixel, 1, drawn), 1) - pixel
    yield Computed(6, s.point(), error.reshape(()), {("numbers", "g"): guess})


@trained(
    "ddim.example.stride",
    method="sample(method='ddim') over one stride from abar = 0.5 to 0.8; its two parts by q_sample",
    no_gradient="fixed numbers",
    cases=Once(),
)
def _(_: Once, on: On) -> Iterator[Shape]:
    process = from_levels([0.8, 0.5])
    noise, guess = on.computed([[0.3]]), on.fixed([[0.25]])
    x_t = process.q_sample(on.fixed([[1.0]]), 2, noise)
    moved = sample(lambda *_: guess, process, x_t, method="ddim", timesteps=[2, 1])
    data, zero = process.to_x0(guess, x_t, 2), on.fixed([[0.0]])
    perfect = sample(lambda *_: noise, process, x_t, method="ddim", timesteps=[2, 1])
    values = (moved, moved, process.q_sample(data, 1, zero), process.q_sample(zero, 1, guess), perfect)
    for part, value in enumerate(values):
        yield Computed(part, Point(1), value.reshape(()), side="lhs")
