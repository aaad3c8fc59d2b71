"""The schedule, the forward jump and the posterior that `torch_impl` trains and samples with, against the claims."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from derivations.library import find
from threefold.witnesses.chains import Step, draw_betas, steps
from threefold.witnesses.oracle import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases, Comparison, torch_witness
from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.distributions.gaussian import gaussian_log_prob

F64 = torch.float64


def _tensor(values: object, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64), dtype=F64, requires_grad=grad)


def _diffusion(s: Step) -> GaussianDiffusion:
    return GaussianDiffusion(NoiseSchedule.from_betas(_tensor(s.betas)), prediction="x0")


def _point(s: Step, **x: object) -> Point:
    members = {"x0": (0, s.x0), "x_t": (s.t, s.x_t), "x_prev": (s.t - 1, s.x_prev)}
    return Point(s.d, {"t": s.t}, s.betas, x={members[name][0]: members[name][1] for name in x})


@torch_witness("ddpm.forward.kernel", method="q_sample of a chain of one step; NoiseSchedule.beta and alpha")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        one = GaussianDiffusion(NoiseSchedule.from_betas(_tensor(s.betas[s.t - 1 : s.t])), prediction="x0")
        start = _tensor(s.x_prev, grad=True)
        drawn = one.q_sample(start[None], 1, _tensor(s.noise)[None])[0]
        (slope,) = torch.autograd.grad(drawn.sum(), start)
        beta = float(one.schedule.beta(1))
        value = gaussian_log_prob(drawn, start * np.sqrt(1 - beta), _tensor(np.log(beta))).sum()
        at = Point(s.d, {"t": s.t}, s.betas, x={s.t - 1: s.x_prev, s.t: drawn.detach().numpy()})
        stated = at.rhs("ddpm.forward.kernel")
        # The drawn x_t is rounded once; dividing x_t - sqrt(alpha) x_{t-1} by sqrt(beta) magnifies that.
        scale = max(1.0, abs(stated), float(np.abs(s.x_prev).max() ** 2 / np.sqrt(beta)))
        yield Comparison("log q(x_t | x_{t-1})", value, stated, scale=scale)
        yield Comparison("d x_t / d x_{t-1}", slope, np.full(s.d, np.sqrt(1 - s.betas[s.t - 1])), gradient=True)


@torch_witness("ddpm.forward.marginal", method="q_sample; its mean and variance read off with noise 0 and 1")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        diffusion = _diffusion(s)
        start = _tensor(s.x0, grad=True)
        drawn = diffusion.q_sample(start[None], s.t, _tensor(s.noise)[None])[0]
        point = _point(s, x0=True)
        law = _forward_law(point)
        stated = law[0] + np.sqrt(law[1]) * s.noise
        yield Comparison("x_t", drawn, stated, scale=float(np.abs(stated).max() + 1))
        (slope,) = torch.autograd.grad(drawn.sum(), start)
        yield Comparison("d x_t / d x_0", slope, np.full(s.d, np.sqrt(np.prod(1 - s.betas[: s.t]))), gradient=True)


def _forward_law(point: Point) -> tuple[Array, float]:
    """Mean and variance of the proved law q(x_t | x_0)."""
    law = find("ddpm.forward.marginal").says[0].rhs.args[0]
    return np.asarray(point.value(law.args[1])), float(point.value(law.args[2]))


@torch_witness(
    "ddpm.forward.covariance", method="q_sample is linear in x_0 and noise: its matrices give the covariance"
)
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, most_d=2):
        diffusion, unit = _diffusion(s), torch.eye(s.d, dtype=F64)
        root = case.rng.standard_normal((s.d, s.d)) + np.eye(s.d)
        start = unit.clone().requires_grad_()
        moved = diffusion.q_sample(start, s.t, torch.zeros_like(unit))
        (slope,) = torch.autograd.grad(moved.diagonal().sum(), start)
        noise = diffusion.q_sample(torch.zeros_like(unit), s.t, unit)
        covariance = moved.detach() @ _tensor(root @ root.T) @ moved.detach().T + noise @ noise.T
        point = Point(
            s.d,
            {"t": s.t},
            s.betas,
            vectors={"u": s.x_prev, "v": s.x_t},
            tables={"q": GaussianLaw({("x", 0): s.d}, s.x0, root @ root.T)},
        )
        stated = point.rhs("ddpm.forward.covariance", 1)
        scale = float(np.linalg.norm(s.x_prev) * np.linalg.norm(s.x_t)) * max(1.0, float(np.linalg.norm(root)) ** 2)
        yield Comparison("u^T Sigma_t v", _tensor(s.x_prev) @ covariance @ _tensor(s.x_t), stated, scale=scale)
        gain = np.sqrt(np.prod(1 - s.betas[: s.t]))
        yield Comparison("d x_t / d x_0", slope, gain * np.eye(s.d), gradient=True)


@torch_witness(
    "ddpm.forward.snr_monotone",
    method="NoiseSchedule.snr and alpha_bar",
    no_gradient="the schedule is data, not a function of parameters",
)
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        schedule, point = NoiseSchedule.from_betas(_tensor(s.betas)), Point(1, {"t": s.t}, s.betas)
        yield Comparison("abar_t", schedule.alpha_bar(s.t), point.lhs("ddpm.forward.snr_monotone"))
        stated = point.lhs("ddpm.forward.snr_monotone", 1)
        yield Comparison("SNR_t", schedule.snr(s.t), stated)
        rise = float(schedule.snr(s.t) - schedule.snr(s.t - 1))
        yield Comparison("it falls", max(rise, 0.0), 0.0, scale=1.0)


@torch_witness(
    "ddpm.schedule.linear",
    method="NoiseSchedule.linear",
    no_gradient="the schedule is data, not a function of parameters",
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        T, (low, high) = n % 9 + 2, np.sort(case.rng.uniform(1e-5, 0.9, 2))
        t = int(case.rng.integers(1, T + 1))
        schedule = NoiseSchedule.linear(T, low, high)
        point = Point(1, {"t": t, "T": T, "beta_1": low.item(), "beta_T": high.item()})
        yield Comparison("beta_t", schedule.beta(t), point.rhs("ddpm.schedule.linear"))


@torch_witness(
    "ddpm.schedule.abar_values",
    method="NoiseSchedule.linear().alpha_bar",
    no_gradient="the schedule is data, not a function of parameters",
)
def _(case: Cases) -> Iterator[Comparison]:
    schedule = NoiseSchedule.linear()
    for part, t in ((0, 100), (2, 500), (4, 1000)):
        stated = Point(1).lhs("ddpm.schedule.abar_values", part)
        yield Comparison(f"abar_{t}", schedule.alpha_bar(t), stated)


# --- the posterior ----------------------------------------------------------------------------------------------------


def _mean_and_slopes(s: Step) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    start, noisy = _tensor(s.x0, grad=True), _tensor(s.x_t, grad=True)
    mean, variance = _diffusion(s).posterior(start[None], noisy[None], s.t)
    slopes = torch.autograd.grad(mean.sum(), (start, noisy))
    return mean[0].detach(), variance.reshape(()), *slopes


def _coefficients(s: Step) -> tuple[float, float]:
    """The two coefficients of the proved mean, read off with unit vectors."""

    def mean_at(x0: float, x_t: float) -> float:
        return float(Point(1, {"t": s.t}, s.betas, x={0: x0, s.t: x_t}).rhs("ddpm.posterior.mean")[0])

    return mean_at(1, 0), mean_at(0, 1)


@torch_witness("ddpm.posterior.mean", method="GaussianDiffusion.posterior")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        mean, _, by_x0, by_xt = _mean_and_slopes(s)
        scale = float(max(np.abs(s.x0).max(), np.abs(s.x_t).max()))
        yield Comparison("mean", mean, _point(s, x0=True, x_t=True).rhs("ddpm.posterior.mean"), scale=scale)
        a, b = _coefficients(s)
        yield Comparison("d/d x_0", by_x0, np.full(s.d, a), gradient=True)
        yield Comparison("d/d x_t", by_xt, np.full(s.d, b), gradient=True)


@torch_witness(
    "ddpm.posterior.variance", method="GaussianDiffusion.posterior", no_gradient="the variance depends on no input"
)
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        yield Comparison("variance", _mean_and_slopes(s)[1], _point(s).rhs("ddpm.posterior.variance"))


@torch_witness("ddpm.posterior.law", method="Gaussian log-density at GaussianDiffusion.posterior")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        mean, variance, *_ = _mean_and_slopes(s)
        near = (mean + variance.sqrt() * _tensor(s.noise)).requires_grad_()
        value = gaussian_log_prob(near, mean, variance.log()).sum()
        (slope,) = torch.autograd.grad(value, near)
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0, s.t: s.x_t, s.t - 1: near.detach().numpy()})
        stated = point.rhs("ddpm.posterior.law")
        # x_{t-1} is rounded to float64 before it is compared with the mean: that over sqrt(variance) is the error.
        magnified = max(1.0, float(np.abs(s.x0).max() + np.abs(s.x_t).max()) / float(variance.sqrt()))
        yield Comparison("log-density", value, stated, scale=max(1.0, abs(stated)) * magnified)
        score = -s.noise / float(variance.sqrt())
        yield Comparison("score", slope, score, scale=float(np.abs(score).max()) * magnified + 1, gradient=True)


@torch_witness("ddpm.posterior.square_completion", method="GaussianDiffusion.posterior put into the right side")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        mean, variance, *_ = _mean_and_slopes(s)
        at = _tensor(s.x_prev, grad=True)
        value = ((at - mean).square() / variance).sum()
        (slope,) = torch.autograd.grad(value, at)
        stated = _point(s, x0=True, x_t=True, x_prev=True).lhs("ddpm.posterior.square_completion")
        yield Comparison("square", value, stated, scale=max(1.0, abs(stated)))
        exact = 2 * (s.x_prev - _point(s, x0=True, x_t=True).rhs("ddpm.posterior.mean")) / float(variance)
        yield Comparison("slope", slope, exact, scale=float(np.abs(exact).max() + 1), gradient=True)


@torch_witness("ddpm.posterior.t1", method="GaussianDiffusion.posterior at t = 1")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        betas = draw_betas(case, ("ordinary", "tiny betas", "huge betas", "one step")[n % 4])
        s = Step(betas, 1, *case.rng.standard_normal((4, n % 3 + 1)))
        mean, variance, by_x0, by_xt = _mean_and_slopes(s)
        point = Point(s.d, {}, betas, x={0: s.x0, 1: s.x_t})
        yield Comparison("mean is x_0", mean, point.rhs("ddpm.posterior.t1"))
        yield Comparison("variance is 0", variance, point.rhs("ddpm.posterior.t1", 1), scale=1.0)
        yield Comparison("d/d x_0", by_x0, np.ones(s.d), gradient=True)
        yield Comparison("d/d x_1", by_xt, np.zeros(s.d), scale=1.0, gradient=True)


@torch_witness("ddpm.posterior.marginal_consistency", method="posterior after q_sample against q_sample at t - 1")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        diffusion, start = _diffusion(s), _tensor(s.x0, grad=True)
        zero, one = torch.zeros(1, s.d, dtype=F64), torch.ones(1, s.d, dtype=F64)
        centre = diffusion.q_sample(start[None], s.t, zero)
        mean, variance = diffusion.posterior(start[None], centre, s.t)
        by_noise = (
            diffusion.posterior(start[None], centre + diffusion.q_sample(0 * start[None], s.t, one), s.t)[0] - mean
        )
        total = (by_noise.square() + variance).reshape(-1)
        law = find("ddpm.posterior.marginal_consistency").says[0].rhs.args[0].args[0]
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0})
        yield Comparison("mean", mean[0], point.value(law.args[1]), scale=float(np.abs(s.x0).max()))
        stated = float(point.value(law.args[2]))
        # The mean is subtracted to see the noise's share: its rounding, over that share, is the error.
        noisy = max(stated, float(np.abs(s.x0).max()) * np.sqrt(stated))
        yield Comparison("variance", total.detach(), np.full(s.d, stated), scale=noisy)
        (slope,) = torch.autograd.grad(mean.sum(), start)
        yield Comparison("d mean / d x_0", slope, np.full(s.d, np.sqrt(np.prod(1 - s.betas[: s.t - 1]))), gradient=True)
