"""What a network may predict, and the Gaussian terms of the bound, as `GaussianDiffusion` computes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sympy as sp
import torch

from derivations.notation import abar, alpha, beta_tilde, t
from threefold.witnesses.chains import EDGES, Step, draw_betas, steps
from threefold.witnesses.oracle import Array, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, torch_witness
from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.objectives.bound import bound_term, prior_kl, transition_kl
from torch_impl.process.parameterization import Prediction

F64 = torch.float64


def _tensor(values: object, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64), dtype=F64, requires_grad=grad)


def _diffusion(s: Step, prediction: Prediction) -> GaussianDiffusion:
    return GaussianDiffusion(NoiseSchedule.from_betas(_tensor(s.betas)), prediction=prediction)


def _predicting(s: Step, name: str, guess: Array, **families: object) -> Point:
    """x_0, x_t and eps of the step, and a network that answers `guess`."""
    return Point(
        s.d,
        {"t": s.t},
        s.betas,
        x={0: s.x0, s.t: s.x_t},
        vectors={"eps": s.noise},
        networks={name: lambda *_: guess},
        families=families,  # type: ignore[arg-type]
    )


def _largest(*arrays: object) -> float:
    return float(max(np.abs(np.asarray(a)).max() for a in arrays))


# --- the terms of the bound -------------------------------------------------------------------------------------------


@torch_witness("ddpm.latent_term.closed_form", method="bound.prior_kl")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        start = _tensor(s.x0, grad=True)
        value = prior_kl(_diffusion(s, "x0"), start[None]).sum()
        (slope,) = torch.autograd.grad(value, start)
        stated = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0}).rhs("ddpm.latent_term.closed_form")
        yield Comparison("KL", value, stated, scale=max(1.0, stated))
        yield Comparison("d/d x_0", slope, np.prod(1 - s.betas) * s.x0, scale=_largest(s.x0), gradient=True)


@torch_witness("ddpm.consistency.kl", method="bound.transition_kl, the reverse variance being the posterior's")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        diffusion = _diffusion(s, "x0")
        output = _tensor(s.x_prev, grad=True)
        value = transition_kl(diffusion, output[None], _tensor(s.x0)[None], _tensor(s.x_t)[None], s.t).sum()
        (slope,) = torch.autograd.grad(value, output)
        spread = float(diffusion.posterior(_tensor(s.x0)[None], _tensor(s.x_t)[None], s.t)[1])
        exact_mean = _predicting(s, "x0_theta", s.x_prev).rhs("ddpm.mean.x0_form")
        point = _predicting(s, "mu_theta", exact_mean, sigma=lambda _, v=spread: np.sqrt(v))
        stated = point.rhs("ddpm.consistency.kl")
        # The point is given the mean rounded to float64; over a small deviation that rounding is what may differ.
        rounding = 1e-4 * _largest(s.x0, s.x_t, s.x_prev) / np.sqrt(spread)
        yield Comparison("KL", value, stated, scale=max(1.0, stated) * max(1.0, rounding))
        weight = point.value(_weight_of_x0())
        exact = 2 * weight * (s.x_prev - s.x0)
        yield Comparison("d/d prediction", slope, exact, scale=max(1.0, _largest(exact)), gradient=True)


def _weight_of_x0() -> object:
    """abar_{t-1} beta_t^2 / (2 beta_tilde_t (1 - abar_t)^2)."""
    return abar(t - 1) * (1 - alpha(t)) ** 2 / (2 * beta_tilde(t) * (1 - abar(t)) ** 2)


@torch_witness(
    "ddpm.reconstruction.gaussian", method="bound.bound_term at t = 1, noise at +1 and -1 (exact for quadratics)"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 2):
        betas = draw_betas(case, EDGES[n % len(EDGES)])
        gain, shift, x = case.rng.standard_normal(3)
        sigma = float(np.exp(case.rng.uniform(-2, 1)))
        schedule = NoiseSchedule.from_betas(_tensor(betas))
        diffusion = GaussianDiffusion(schedule, prediction="x0", reconstruction_variance=sigma**2)
        x0 = _tensor([[x], [x]])
        x_1 = diffusion.q_sample(x0, 1, _tensor([[1.0], [-1.0]]))
        output = (gain * x_1 + shift).requires_grad_()
        value = -bound_term(diffusion, output, x0, x_1, 1).mean()
        (slope,) = torch.autograd.grad(value, output)
        point = Point(
            1,
            {},
            betas,
            x={0: [x]},
            families={"sigma": lambda _, v=sigma: v},
            networks={"mu_theta": lambda y, _, g=gain, s=shift: g * y + s},
        )
        stated = point.rhs("ddpm.reconstruction.gaussian")
        yield Comparison("E log p(x_0 | x_1)", value, stated, scale=max(1.0, abs(stated)))
        exact = (x0 - output.detach()) / sigma**2 / 2
        yield Comparison("d/d prediction", slope, exact, scale=max(1.0, _largest(exact)), gradient=True)


@torch_witness("ddpm.elbo.gaussian_form", method="GaussianDiffusion.vlb of an affine network, noise at +1 and -1")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 4):
        betas = draw_betas(case, ("ordinary", "one step", "huge betas")[n % 3])
        slopes, shifts = case.rng.standard_normal((2, len(betas)))
        x = float(case.rng.standard_normal())
        schedule = NoiseSchedule.from_betas(_tensor(betas))
        diffusion = GaussianDiffusion(
            schedule, prediction="x0", variance="beta", reconstruction_variance=float(betas[0])
        )

        def network(x_t: torch.Tensor, t: torch.Tensor, slopes: Array = slopes, shifts: Array = shifts) -> torch.Tensor:
            return _tensor(slopes)[t - 1][:, None] * x_t + _tensor(shifts)[t - 1][:, None]

        both = [
            diffusion.vlb(network, _tensor([[x]]), noise_fn=lambda shape, _, e=e: torch.full(shape, e, dtype=F64)).elbo
            for e in (1.0, -1.0)
        ]

        def mean(
            x_t: Array, t: float, d: GaussianDiffusion = diffusion, slopes: Array = slopes, shifts: Array = shifts
        ) -> Array:
            at = _tensor(np.atleast_2d(x_t))
            return np.asarray(d.posterior(slopes[int(t) - 1] * at + shifts[int(t) - 1], at, int(t))[0].numpy()[0])

        point = Point(
            1,
            {"T": len(betas), "t": len(betas)},
            betas,
            x={0: [x]},
            families={"sigma": lambda t, b=betas: np.sqrt(b[int(t) - 1])},
            networks={"mu_theta": mean},
        )
        stated = point.rhs("ddpm.elbo.gaussian_form")
        yield Comparison("ELBO", sum(both) / 2, [stated], scale=max(1.0, abs(stated)))
        output = _tensor([[shifts[0]]], grad=True)
        term = bound_term(diffusion, output, _tensor([[x]]), _tensor([[0.0]]), 1).sum()
        (slope,) = torch.autograd.grad(term, output)
        exact = (shifts[0] - x) / betas[0]
        yield Comparison("d term / d prediction", slope, [[exact]], scale=max(1.0, abs(exact)), gradient=True)


# --- means ------------------------------------------------------------------------------------------------------------


@torch_witness("ddpm.mean.x0_form", method="GaussianDiffusion.reverse of a data predictor")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        output = _tensor(s.x_prev, grad=True)
        mean = _diffusion(s, "x0").reverse(output[None], _tensor(s.x_t)[None], s.t)[0][0]
        (slope,) = torch.autograd.grad(mean.sum(), output)
        point = _predicting(s, "x0_theta", s.x_prev)
        yield Comparison("mean", mean, point.rhs("ddpm.mean.x0_form"), scale=_largest(s.x_prev, s.x_t))
        factor = point.value(sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)))
        yield Comparison("d mean / d prediction", slope, np.full(s.d, factor), gradient=True)


@torch_witness("ddpm.mean.eps_form", method="GaussianDiffusion.reverse of a noise predictor")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        output = _tensor(s.x_prev, grad=True)
        mean = _diffusion(s, "eps").reverse(output[None], _tensor(s.x_t)[None], s.t)[0][0]
        (slope,) = torch.autograd.grad(mean.sum(), output)
        point = _predicting(s, "eps_theta", s.x_prev)
        stated = point.rhs("ddpm.mean.eps_form")
        implied = _largest(s.x_t, s.x_prev) / point.value(sp.sqrt(abar(t)))  # size of the x_0 that the noise implies
        yield Comparison("mean", mean, stated, scale=implied)
        factor = point.value(-(1 - alpha(t)) / sp.sqrt(1 - abar(t)) / sp.sqrt(alpha(t)))
        yield Comparison("d mean / d prediction", slope, np.full(s.d, factor), scale=implied, gradient=True)


@torch_witness("ddpm.mean.eps_form.notes_display", method="GaussianDiffusion.reverse given the noise that was drawn")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    claim = "ddpm.mean.eps_form.notes_display"
    printed = Step(np.array([4 / 9, 0.1]), 2, *np.array([[1.0], [0.0], [0.0], [0.5]]))
    for n, s in enumerate([printed, *steps(case, least_t=2)]):
        diffusion, output = _diffusion(s, "eps"), _tensor(s.noise, grad=True)
        x_t = diffusion.q_sample(_tensor(s.x0)[None], s.t, _tensor(s.noise)[None])
        mean = diffusion.reverse(output[None], x_t, s.t)[0][0]
        (slope,) = torch.autograd.grad(mean.sum(), output)
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0}, vectors={"eps": s.noise})
        implied = _largest(s.x0, s.noise) / point.value(sp.sqrt(abar(t)))
        yield Comparison("the mean", mean, point.lhs(claim), scale=implied)
        factor = point.value(-(1 - alpha(t)) / sp.sqrt(1 - abar(t)) / sp.sqrt(alpha(t)))
        yield Comparison("d mean / d prediction", slope, np.full(s.d, factor), scale=implied, gradient=True)
        if n == 0:
            yield Differs("first line (0.8157)", point.rhs(claim), mean)
            yield Differs("second line (1.4000)", point.rhs(claim, 1), mean)


# --- predictions ------------------------------------------------------------------------------------------------------


@torch_witness("ddpm.parameterization.bijection", method="GaussianDiffusion.to_x0 and to_eps")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.parameterization.bijection"
    for s in steps(case):
        x_t, output = _tensor(s.x_t)[None], _tensor(s.noise, grad=True)
        data = _diffusion(s, "eps").to_x0(output[None], x_t, s.t)[0]
        noise = _diffusion(s, "x0").to_eps(output[None], x_t, s.t)[0]
        by_eps, by_x0 = _predicting(s, "eps_theta", s.noise), _predicting(s, "x0_theta", s.noise)
        signal, sigma = by_eps.value(sp.sqrt(abar(t))), by_eps.value(sp.sqrt(1 - abar(t)))
        size = _largest(s.x_t, s.noise)
        yield Comparison("x_0 from eps", data, by_eps.rhs(claim), scale=size / signal)
        yield Comparison("eps from x_0", noise, by_x0.rhs(claim, 1), scale=size / sigma)
        (slope,) = torch.autograd.grad(data.sum(), output)
        yield Comparison("d x_0 / d eps", slope, np.full(s.d, -sigma / signal), gradient=True)


def _errors(s: Step, prediction: Prediction) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Squared errors in data, noise and v of one answer, x_{t-1}, to the noised x_0; and d data error / d answer."""
    diffusion = _diffusion(s, prediction)
    x0, noise, output = _tensor(s.x0)[None], _tensor(s.noise)[None], _tensor(s.x_prev, grad=True)
    x_t = diffusion.q_sample(x0, s.t, noise)
    views = (diffusion.to_x0, diffusion.to_eps, diffusion.to_v)
    targets = (x0, noise, GaussianDiffusion(diffusion.schedule, prediction="v").target(x0, noise, s.t))
    errors = [(view(output[None], x_t, s.t) - y).square().sum() for view, y in zip(views, targets, strict=True)]
    (slope,) = torch.autograd.grad(errors[0], output)
    return errors[0].detach(), errors[1].detach(), errors[2].detach(), slope


@torch_witness("ddpm.loss.eps_x0_equivalence", method="errors of to_x0 and to_eps for one output")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        data, noise, _, slope = _errors(s, "eps")
        point = _predicting(s, "eps_theta", s.x_prev)
        ratio = point.value((1 - abar(t)) / abar(t))
        # x_t is rounded before x_0 is taken from it: a relative error of its size over the size of the difference.
        rounding = max(1.0, _largest(s.x0, s.noise, s.x_prev) ** 2 * (1 + 1 / point.value(abar(t))))
        stated = point.rhs("ddpm.loss.eps_x0_equivalence")
        yield Comparison("data error", data, stated, scale=max(stated, 1e-6) * rounding)
        yield Comparison("factor times noise error", ratio * noise, stated, scale=max(stated, 1e-6) * rounding)
        exact = 2 * ratio * (s.x_prev - s.noise)
        yield Comparison("d/d output", slope, exact, scale=max(1e-3, _largest(exact)) * rounding, gradient=True)


@torch_witness("ddpm.parameterization.v", method="target, to_x0 and to_eps of a velocity predictor, abar from 0 to 1")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.parameterization.v"
    for n in range(case.n):
        level = 0.0 if n == 0 else float(case.rng.uniform(0, 1))
        x0, eps = case.rng.standard_normal((2, n % 3 + 1))
        diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars(_tensor([level])), prediction="v")
        data, noise = _tensor(x0)[None], _tensor(eps)[None]
        x_t = diffusion.q_sample(data, 1, noise)
        v = diffusion.target(data, noise, 1)
        output = v.clone().requires_grad_()
        back = diffusion.to_x0(output, x_t, 1)
        point = Point(len(x0), {"alpha_bar": level}, x={0: x0}, vectors={"eps": eps})
        yield Comparison("v", v[0], point.rhs(claim), scale=1.0)
        yield Comparison("x_0 from v", back[0], point.lhs(claim, 1), scale=1.0)
        yield Comparison("eps from v", diffusion.to_eps(v, x_t, 1)[0], point.lhs(claim, 2), scale=1.0)
        (slope,) = torch.autograd.grad(back.sum(), output)
        yield Comparison("d x_0 / d v", slope[0], np.full(len(x0), -np.sqrt(1 - level)), scale=1.0, gradient=True)


@torch_witness("ddpm.parameterization.v_loss", method="errors of to_x0, to_eps and to_v for one output")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        data, noise, velocity, slope = _errors(s, "v")
        point = _predicting(s, "v_theta", s.x_prev)
        bar = point.value(abar(t))
        rest = point.value(1 - abar(t))
        stated = point.rhs("ddpm.parameterization.v_loss")
        size = _largest(s.x0, s.noise, s.x_prev) ** 2
        yield Comparison("v error", velocity, stated, scale=max(1.0, stated))
        # Dividing by 1 - abar or abar magnifies the rounding of x_t by as much.
        yield Comparison("data error / (1 - abar)", data / rest, stated, scale=max(1.0, stated, size / rest))
        yield Comparison("noise error / abar", noise / bar, stated, scale=max(1.0, stated, size / bar))
        target = np.sqrt(bar) * s.noise - np.sqrt(rest) * s.x0
        exact = 2 * rest * (s.x_prev - target)
        yield Comparison("d data error / d output", slope, exact, scale=max(1.0, _largest(exact)), gradient=True)
