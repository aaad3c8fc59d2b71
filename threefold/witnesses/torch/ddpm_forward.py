"""The schedule, the forward jump and the posterior that `torch_impl` trains and samples with, against the claims."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from threefold.witnesses.built import diffusion, schedule
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.schedules import Once, Ramp, Ramps
from threefold.witnesses.point import Place, Point
from threefold.witnesses.training import Computed, Holds, On, Sampled, Shape, trained
from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.distributions.gaussian import gaussian_log_prob

DRAWS = 4096
DATA = "the schedule is data, not a function of parameters"
Law = tuple[torch.Tensor, torch.Tensor]


def _law(process: GaussianDiffusion, start: torch.Tensor, t: int, on: On) -> Law:
    """Mean and log variance of q_sample at t, read off with noise 0 and, from x_0 = 0, with noise 1."""
    zero, one = on.fixed([[0.0] * start.shape[-1]]), on.fixed([[1.0] * start.shape[-1]])
    mean = process.q_sample(start[None], t, zero)[0]
    return mean, 2 * process.q_sample(zero, t, one)[0].log()


def _jump(s: Step, on: On, process: GaussianDiffusion, x: torch.Tensor, place: Place, t: int) -> Iterator[Shape]:
    """Statements 1 and 2 of a jump: its log-density and the mean of any f, over exact and over drawn noises."""
    point = s.point(exact={"f": s.network.first})
    x_t, (mean, log_variance) = on(s.x_t), _law(process, x, t, on)
    by: dict[Place, torch.Tensor] = {place: x}
    yield Computed(0, point, gaussian_log_prob(x_t, mean, log_variance).sum(), by | {("x", s.t): x_t})
    f, signs = on.network(s.network), on.signs(s.d)  # f has degree 2: its mean over signs is exact
    yield Computed(1, point, f(process.q_sample(x.expand(len(signs), s.d), t, signs))[:, 0].mean(), by)
    if on.name == "float64" and s.n % 4 == 0:
        with _disable_current_modes():
            noise = torch.randn(DRAWS, s.d, dtype=x.dtype, generator=torch.Generator().manual_seed(_seed(s)))
        drawn = process.q_sample(x.expand(DRAWS, s.d), t, on.tracker.announce(noise))
        yield Sampled(1, point, f(drawn)[:, 0])


def _seed(s: Step) -> int:
    return int(s.rng.integers(2**31))


@trained(
    "ddpm.forward.kernel",
    method="q_sample of a chain of one step: its law read off, its mean of f over exact and drawn noises",
    cases=Steps(share=3),
    max_standard_error=0.5,
)
def _(s: Step, on: On) -> Iterator[Shape]:
    one, x_prev = diffusion(s.betas[s.t - 1 : s.t]), on(s.x_prev)
    place: Place = ("x", s.t - 1)
    yield from _jump(s, on, one, x_prev, place, 1)
    signs = on.signs(s.d)
    moved = one.q_sample(x_prev.expand(len(signs), s.d), 1, signs)
    yield Computed(2, s.point(), moved.square().sum(1).mean(), {place: x_prev})


@trained(
    "ddpm.forward.marginal",
    method="q_sample: its law read off, its mean of f over exact and drawn noises",
    cases=Steps(share=3),
    max_standard_error=0.5,
)
def _(s: Step, on: On) -> Iterator[Shape]:
    yield from _jump(s, on, diffusion(s.betas), on(s.x0), ("x", 0), s.t)


@trained(
    "ddpm.forward.covariance",
    method="q_sample is linear in x_0 and noise: its matrices give the covariance",
    cases=Steps(most_d=2, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    process, unit, zero = diffusion(s.betas), on.fixed(np.eye(s.d)), on.fixed(np.zeros((s.d, s.d)))
    root = on.fixed(s.root)
    moved, noise = process.q_sample(unit, s.t, zero), process.q_sample(zero, s.t, unit)
    u, v = on(s.x_prev), on(s.x_t)
    left, right = u @ moved @ root, v @ moved @ root
    value = left @ right + (u @ noise) @ (v @ noise)
    point = s.point(vectors={"u": s.x_prev, "v": s.x_t}, tables={"q": s.moving(np.sign(s.x0), s.root @ s.root.T)})
    by: dict[Place, torch.Tensor] = {("vectors", "u"): u}
    for part in (0, 1):
        yield Computed(part, point, value, by)
    yield Computed(2, point, value - u @ v, by)


@trained(
    "ddpm.forward.snr_monotone",
    method="NoiseSchedule.snr and alpha_bar",
    no_gradient=DATA,
    dtypes=("float64",),
    excused={2: "no code computes an information; the numeric witness counts it on finite chains"},
    cases=Steps(least_t=2, share=2),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    table = schedule(s.betas)
    for part, row in ((0, table.alpha_bar), (1, table.snr)):
        yield Computed(part, s.point(), row(s.t), side="lhs")
        yield Computed(part, s.point(), row(s.t - 1))
        yield Holds(part, s.point(), row(s.t), row(s.t - 1))


@trained("ddpm.schedule.linear", method="NoiseSchedule.linear", no_gradient=DATA, dtypes=("float64",), cases=Ramps())
def _(s: Ramp, on: On) -> Iterator[Shape]:
    with _disable_current_modes():
        table = NoiseSchedule.linear(s.T, float(s.first), float(s.last))
    for part, t in ((0, s.t), (1, 1), (2, s.T)):
        yield Computed(part, s.point(), table.beta(t))
    for part, limit in ((3, 0.0), (4, 1.0)):
        yield Computed(part, s.point(), table.beta(s.t), side="lhs")
        yield Holds(part, s.point(), table.beta(s.t), on.fixed(limit))


@trained(
    "ddpm.schedule.abar_values",
    method="NoiseSchedule.linear().alpha_bar",
    no_gradient=DATA,
    dtypes=("float64",),
    cases=Once(),
)
def _(_: Once, on: On) -> Iterator[Shape]:
    with _disable_current_modes():
        table = NoiseSchedule.linear()
    for part, t in enumerate((100, 100, 500, 500, 1000, 1000)):
        yield Computed(part, Point(1), table.alpha_bar(t), side="lhs")


# --- the posterior ----------------------------------------------------------------------------------------------------


def _posterior(s: Step, on: On) -> tuple[torch.Tensor, torch.Tensor, dict[Place, torch.Tensor]]:
    """Mean, variance, and the two vectors that the mean is differentiated by."""
    x0, x_t = on(s.x0), on(s.x_t)
    mean, variance = diffusion(s.betas).posterior(x0[None], x_t[None], s.t)
    return mean[0], variance.reshape(()), {("x", 0): x0, ("x", s.t): x_t}


@trained("ddpm.posterior.mean", method="GaussianDiffusion.posterior", cases=Steps(least_t=2, share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    mean, _, by = _posterior(s, on)
    yield Computed(0, s.point(), mean, by)


@trained(
    "ddpm.posterior.variance",
    method="GaussianDiffusion.posterior",
    no_gradient="the variance depends on no input",
    cases=Steps(least_t=2, share=2),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    variance = _posterior(s, on)[1]
    yield Computed(0, s.point(), variance)
    yield Computed(1, s.point(), variance, side="lhs")
    yield Computed(1, s.point(), schedule(s.betas).beta(s.t))
    yield Holds(1, s.point(), variance, schedule(s.betas).beta(s.t))


@trained(
    "ddpm.posterior.law",
    method="Gaussian log-density at GaussianDiffusion.posterior",
    cases=Steps(least_t=2, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    near = on(s.near_posterior)
    mean, variance, by = _posterior(s, on)
    value = gaussian_log_prob(near, mean, variance.log()).sum()
    yield Computed(0, s.point(x={s.t - 1: s.near_posterior}), value, by | {("x", s.t - 1): near})


@trained(
    "ddpm.posterior.square_completion",
    method="GaussianDiffusion.posterior put into the right side",
    cases=Steps(least_t=2, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    mean, variance, by = _posterior(s, on)
    x_prev = on(s.x_prev)
    value = ((x_prev - mean).square() / variance).sum()
    yield Computed(0, s.point(), value, by | {("x", s.t - 1): x_prev}, side="lhs")
    yield Computed(1, s.point(), 1 / variance, side="lhs")


@trained("ddpm.posterior.t1", method="GaussianDiffusion.posterior at t = 1", cases=Steps(first=True, share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    mean, variance, by = _posterior(s, on)
    yield Computed(0, s.point(), mean, by)
    yield Computed(1, s.point(), variance)


@trained(
    "ddpm.posterior.marginal_consistency",
    method="posterior after q_sample: mean, spread by the noise, and the density of the two",
    cases=Steps(least_t=2, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    process, x0, x_prev = diffusion(s.betas), on(s.x0), on(s.x_prev)
    zero, one = on.fixed([[0.0] * s.d]), on.fixed([[1.0] * s.d])
    mean, variance = process.posterior(x0[None], process.q_sample(x0[None], s.t, zero), s.t)
    share = process.posterior(zero, process.q_sample(zero, s.t, one), s.t)[0]
    log_density = gaussian_log_prob(x_prev, mean[0], (share.square() + variance)[0].log()).sum()
    shift = float(log_density.detach())
    if not abs(shift) >= 80:  # elsewhere the density leaves the range of the dtypes
        yield Computed(0, s.point(), log_density.exp(), {("x", 0): x0, ("x", s.t - 1): x_prev})
