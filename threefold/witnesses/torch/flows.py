"""The reverse SDE, the probability flow and the trace of a Jacobian, as samplers and likelihoods compute them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from derivations.refutation.laws import mp
from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.moving import Moving, MovingData, exactly
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.point import Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.process.conversion import velocity
from torch_impl.process.paths import LinearRate
from torch_impl.samplers.likelihood import noise_and_trace
from torch_impl.samplers.noise import Noise
from torch_impl.samplers.sde import euler_maruyama

DENSITIES = "the code holds no density that moves: it draws from it, and follows points"
NODES, WEIGHTS = (-(3.0**0.5), 0.0, 3.0**0.5), (1 / 6, 2 / 3, 1 / 6)  # exact for N(0, 1) up to degree five


def bell(centre: list[Any], level: Any) -> Callable[..., Any]:
    """A Gaussian density around the centre, up to its factor, for the oracle."""
    width = 2 * level**2
    return lambda x, t: mp.exp(-mp.fsum((v - c) ** 2 for v, c in zip(x, centre, strict=True)) / width)


@trained(
    "sde.reverse",
    method="euler_maruyama without its noise, a step divided by its width",
    cases=Strides(share=2),
    excused={0: DENSITIES, 2: DENSITIES},
    no_gradient="the prediction stands still in the code's step, and moves with x in the statement",
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    x_t, output = on(s.x_t), on(s.answer)
    denoiser = Denoiser(lambda x, _: output[None], diffusion(s.betas, "eps"))
    here, there = (mp.fsum(mp.log1p(-exactly(b)) for b in s.betas[:n]) for n in (s.t, s.s))  # log abar
    level, width = mp.sqrt(-mp.expm1(here)), float(there - here)
    if not (2.0**-6 < width < 8 and 2.0**-20 < float(abs(s.x_t).max()) < 2.0**20):
        return  # a step that cannot be told from none, or from the noise
    landed = euler_maruyama(denoiser, x_t[None], [s.t, s.s], Noise(lambda shape, _: torch.zeros(shape)))[0]
    centre = [exactly(x) - level * exactly(e) for x, e in zip(s.x_t, s.answer, strict=True)]
    families: dict[str, Any] = {"density_at": bell(centre, level), "vp_rate": lambda t: mp.mpf(1)}
    point = Point(s.d, {"time": 1.0, "level": fraction(level)}, vectors={"state": s.x_t}, exact=families)
    yield Computed(1, point, (x_t - landed) / on.computed(width))


@trained(
    "ode.probability_flow",
    method="the velocity of a VP path from its data and its noise",
    cases=MovingData(),
    excused={0: DENSITIES},
    no_gradient="data and noise are put in, and x of the statement is made of both: path.velocity_views differentiates",
)
def _(s: Moving, on: On) -> Iterator[Shape]:
    time, least = s.time / 2, 0.25
    at = LinearRate(least, least + s.grow).path("vp").at(torch.tensor(time, dtype=torch.float64))
    moved = velocity(at, on(s.data[:1]), on(s.offset[None]))[0]
    rate = exactly(least) + exactly(s.grow) * exactly(time)
    gone = exactly(least) * exactly(time) + exactly(s.grow) * exactly(time) ** 2 / 2  # the rate summed up to now
    signal, level = mp.exp(-gone / 2), mp.sqrt(-mp.expm1(-gone))
    centre = [signal * exactly(y) for y in s.data[0]]
    x = [fraction(c + level * exactly(e)) for c, e in zip(centre, s.offset, strict=True)]
    families: dict[str, Any] = {"density_at": bell(centre, level), "vp_rate": lambda t: rate}
    yield Computed(
        1, Point(s.d, {"time": s.time, "level": fraction(level)}, vectors={"state": x}, exact=families), moved
    )


def fraction(number: Any) -> Fraction:
    """A number of 30 digits as a fraction, exactly."""
    mantissa, exponent = abs(number).man_exp
    size: Fraction = Fraction(int(mantissa)) * Fraction(2) ** exponent
    return -size if number < 0 else size


def bent(s: Moving, on: On) -> Denoiser:
    """A network that answers M x + b + x_i^2 x_1 / 4, asked under some diffusion."""
    matrix, offset = on.fixed(s.matrix), on.fixed(s.offset)

    def answer(x: Tensor, _: Tensor) -> Tensor:
        return (x[:, None, :] * matrix).sum(2) + offset + x * x * x[:, :1] * 0.25

    return Denoiser(answer, diffusion([0.25, 0.5], "eps"))


@trained(
    "hutchinson.variance",
    method="noise_and_trace along the nodes of a Gauss-Hermite rule",
    cases=MovingData(),
    no_gradient="noise_and_trace detaches what it returns",
)
def _(s: Moving, on: On) -> Iterator[Shape]:
    denoiser, x = bent(s, on), on.fixed(s.x[None])
    rule = list(itertools.product(zip(NODES, WEIGHTS, strict=True), repeat=s.d))
    probes = on.computed([[[node for node, _ in one]] for one in rule])
    weights = on.computed([math.prod(weight for _, weight in one) for one in rule])
    sigma = denoiser.level(2).sigma
    estimates = noise_and_trace(denoiser, x, 2, probes)[1][:, 0] / sigma
    trace = noise_and_trace(denoiser, x, 2, None)[1][0, 0] / sigma
    point = s.point(probe=s.offset)
    yield Computed(0, point, (weights * estimates).sum())
    yield Computed(1, point, (weights * (estimates - trace).square()).sum())


@trained(
    "ode.log_density",
    method="the exact trace of noise_and_trace",
    cases=MovingData(),
    excused={1: "likelihoods follow the flow itself", 2: DENSITIES},
    no_gradient="noise_and_trace detaches what it returns",
)
def _(s: Moving, on: On) -> Iterator[Shape]:
    matrix, offset = on.fixed(s.matrix), on.fixed(s.offset)
    denoiser = Denoiser(lambda x, _: (x[:, None, :] * matrix).sum(2) + offset, diffusion([0.25, 0.5], "eps"))
    trace = noise_and_trace(denoiser, on.fixed(s.x[None]), 2, None)[1][0, 0] / denoiser.level(2).sigma
    yield Computed(0, s.point(), -trace)


not_applicable(
    "sde.discrete_limit.remainder",
    "Rate.discretized takes the chain that has the SDE's own levels, so nothing is left out",
    witness="torch",
)
not_applicable(
    "sde.time_change", "matched_time reads one path at the noise level of another, and takes no rates", witness="torch"
)
for _claim in ("sde.fokker_planck", "sde.noise_family", "sde.family"):
    not_applicable(_claim, DENSITIES, witness="torch")
