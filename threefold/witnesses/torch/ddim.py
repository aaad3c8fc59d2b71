"""The DDIM family as the samplers walk it: `ddim_step`, and the chain that q_sample draws."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.point import Place
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.distributions.gaussian import gaussian_log_prob
from torch_impl.samplers.ddim import ddim_sigma, ddim_step

By = dict[Place, torch.Tensor]


def _denoiser(betas: object, prediction: str = "eps") -> Denoiser:
    return Denoiser(lambda x, _: x, diffusion(betas, prediction))


def _fresh(denoiser: Denoiser, s: StepBack) -> float:
    """sigma = sqrt(rho) times the deviation of x_s."""
    return math.sqrt(s.rho) * denoiser.level(s.s).sigma


@trained(
    "ddim.update",
    method="ddim_step with fresh noise of std sigma",
    cases=Strides(),
    excused={
        2: "a number under a root, which ddim_step computes on the way to statement 1",
    },
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    denoiser, x_t, output = _denoiser(s.betas), on(s.x_t), on(s.answer)
    sigma = _fresh(denoiser, s)
    landed = ddim_step(denoiser, x_t[None], output[None], s.t, s.s, sigma)[0]
    point = s.point(answers={"eps_theta": s.answer})
    yield Computed(0, point, landed, {("answers", "eps_theta"): output, ("x", s.t): x_t})
    x0, noise = on(s.x0), on(s.noise)
    drawn = denoiser.diffusion.q_sample(x0[None], s.t, noise[None])
    landed = ddim_step(denoiser, drawn, noise[None], s.t, s.s, sigma)[0]
    yield Computed(1, s.point(), landed, {("x", 0): x0, ("vectors", "eps"): noise})


@trained("ddim.deterministic", method="q_sample, then ddim_step without noise", cases=Strides())
def _(s: StepBack, on: On) -> Iterator[Shape]:
    denoiser, x0, noise = _denoiser(s.betas), on(s.x0), on(s.noise)
    drawn = denoiser.diffusion.q_sample(x0[None], s.t, noise[None])
    by: By = {("x", 0): x0, ("vectors", "eps"): noise}
    yield Computed(0, s.point(), ddim_step(denoiser, drawn, noise[None], s.t, s.s)[0], by, side="lhs")
    x_t, output = on(s.x_t), on(s.answer)
    landed = ddim_step(denoiser, x_t[None], output[None], s.t, s.s)[0]
    by = {("answers", "eps_theta"): output, ("x", s.t): x_t}
    yield Computed(1, s.point(answers={"eps_theta": s.answer}), landed, by)


@trained(
    "ddim.ddpm_recovery",
    method="ddim_step of a data predictor with ddim_sigma at eta = 1; the variance of GaussianDiffusion.posterior",
    cases=Strides(),
    excused={2: "a difference of two numbers of the schedule: no code computes it"},
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    if s.s < s.t - 1:
        return
    denoiser, x0, x_t = _denoiser(s.betas, "x0"), on(s.x0), on(s.x_t)
    variance = denoiser.diffusion.posterior(x0[None], x_t[None], s.t)[1]
    yield Computed(0, s.point(), variance.reshape(-1)[0])
    sigma = ddim_sigma(denoiser, s.t, s.s, 1.0)
    landed = ddim_step(denoiser, x_t[None], x0[None], s.t, s.s, sigma)[0]
    yield Computed(1, s.point(), landed, {("x", 0): x0, ("x", s.t): x_t})


@trained(
    "ddim.ode_limit",
    method="ddim_step without noise, in units of the signal",
    cases=Strides(),
    excused={
        1: "the square of the time that statement 1 walks along",
    },
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    denoiser, x_t, output = _denoiser(s.betas), on(s.x_t), on(s.answer)
    landed = ddim_step(denoiser, x_t[None], output[None], s.t, s.s)[0]
    units = [on.computed(denoiser.level(t).signal) for t in (s.s, s.t)]
    by: By = {("answers", "eps_theta"): output}
    yield Computed(0, s.point(answers={"eps_theta": s.answer}), landed / units[0] - x_t / units[1], by)


@trained(
    "ddim.marginal_preservation",
    method="ddim_step after q_sample: mean, spread by both noises, and the density of the two",
    cases=Strides(share=2),
)
def _(s: StepBack, on: On) -> Iterator[Shape]:
    denoiser, x0, x_s = _denoiser(s.betas, "x0"), on(s.x0), on(s.x_s)
    zero, one = on.fixed([[0.0] * s.d]), on.fixed([[1.0] * s.d])
    process, sigma = denoiser.diffusion, _fresh(denoiser, s)
    mean = ddim_step(denoiser, process.q_sample(x0[None], s.t, zero), x0[None], s.t, s.s, sigma)[0]
    spread = ddim_step(denoiser, process.q_sample(zero, s.t, one), zero, s.t, s.s, sigma)[0]
    variance = spread.square() + on.computed(sigma).square()
    log_density = gaussian_log_prob(x_s, mean, variance.log()).sum()
    if abs(float(log_density.detach())) < 80:  # elsewhere the density leaves the range of the dtypes
        for part in (0, 1):
            yield Computed(part, s.point(), log_density.exp(), {("x", 0): x0, ("x", s.s): x_s})


not_applicable(
    "ddim.no_retraining",
    "no code trains with a member's own divergence: every member uses the network that was trained for DDPM",
    witness="torch",
)
