"""The losses that train a diffusion, their weights, and the worked examples, as `torch_impl` computes them.

All networks here are affine, so a loss is quadratic in (x_0, noise) and its mean over sign choices is exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch

from derivations.library import find
from derivations.refutation.laws import mp
from threefold.witnesses.chains import EDGES, draw_betas, steps
from threefold.witnesses.oracle import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, torch_witness
from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.process.parameterization import Prediction

F64 = torch.float64
Model = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _tensor(values: object, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64), dtype=F64, requires_grad=grad)


def _diffusion(betas: Array, prediction: Prediction) -> GaussianDiffusion:
    """Reverse variances beta_t at every t, t = 1 included."""
    schedule = NoiseSchedule.from_betas(_tensor(betas))
    return GaussianDiffusion(schedule, prediction, variance="beta", reconstruction_variance=float(betas[0]))


# --- the bound as a sum of squared errors -----------------------------------------------------------------------------


def _weighted(claim: str, name: str, prediction: Prediction) -> None:
    """C minus the summed losses of weighting="vlb" is the claim's right side; C is that side at a perfect network."""

    @torch_witness(
        claim, method='GaussianDiffusion.loss(weighting="vlb") at every t, noise at +1 and -1, against C - ELBO'
    )
    def _(case: Cases) -> Iterator[Comparison]:
        for n in range(case.n // 4):
            betas = draw_betas(case, ("ordinary", "one step", "huge betas", "ordinary")[n % 4])
            T, diffusion = len(betas), _diffusion(betas, prediction)
            gain, start = float(case.rng.normal()), float(case.rng.normal())
            shift = _tensor(case.rng.normal(), grad=True)

            def network(x_t: torch.Tensor, _: torch.Tensor, g: float = gain, s: torch.Tensor = shift) -> torch.Tensor:
                return g * x_t + s

            losses = [
                diffusion.loss(network, _tensor([[start]]), t=n, noise=_tensor([[e]]), weighting="vlb", reduction="sum")
                / 2
                for n in range(1, T + 1)
                for e in (1.0, -1.0)
            ]
            total = torch.stack(losses).sum()
            (slope,) = torch.autograd.grad(total, shift)
            offset = float(shift.detach())
            point = Point(
                1,
                {"T": T, "t": T},
                betas,
                x={0: [start]},
                families={"sigma": lambda t, b=betas: np.sqrt(b[int(t) - 1])},
                exact={name: lambda x_t, _, g=gain, s=offset: (mp.mpf(g) * x_t[0] + mp.mpf(s),)},
            )
            constant = point.value(constant_of_bound)
            stated = constant - point.rhs(claim)
            yield Comparison("weighted errors", total, stated, scale=max(1.0, stated, abs(constant)))
            weights = diffusion.weight("vlb")[1:]
            bars = np.cumprod(1 - betas)
            miss = gain * np.sqrt(bars) * start + offset  # mean error: the target's mean is x_0, or 0
            exact = float(2 * (weights.numpy() * (miss - (start if prediction == "x0" else 0.0))).sum())
            size = max(1.0, float((weights * 2).sum()) * (abs(offset) + abs(start) + 1))
            yield Comparison("d/d shift", slope, exact, scale=size, gradient=True)


constant_of_bound = find("ddpm.elbo.gaussian_form").says[1].lhs
_weighted("ddpm.loss.x0_weighted", "x0_theta", "x0")
_weighted("ddpm.loss.eps_weighted", "eps_theta", "eps")


@torch_witness(
    "ddpm.loss.weights_snr",
    method='GaussianDiffusion.weight("vlb")',
    no_gradient="weights are data, not functions of parameters",
)
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.loss.weights_snr"
    for s in steps(case, least_t=2):
        schedule, point = NoiseSchedule.from_betas(_tensor(s.betas)), Point(1, {"t": s.t}, s.betas)
        kinds = (("x0", "posterior", 0), ("eps", "posterior", 1), ("eps", "posterior", 2), ("eps", "beta", 3))
        for prediction, variance, part in kinds:
            diffusion = GaussianDiffusion(schedule, prediction, variance=variance)
            yield Comparison(f"weight {part + 1}", diffusion.weight("vlb")[s.t], point.rhs(claim, part))


# --- the simplified loss ----------------------------------------------------------------------------------------------


def _corners(spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """x_0 = +-sqrt(spread) and noise = +-1 in all four ways: exact averages of quadratics."""
    signs = _tensor(list(itertools.product((-1.0, 1.0), repeat=2)))
    return float(np.sqrt(spread)) * signs[:, :1], signs[:, 1:]


def _step_losses(betas: Array, c: torch.Tensor, spread: float) -> torch.Tensor:
    """The simple loss of the noise predictor c x_t at t = 1..T, averaged exactly over data and noise, shape (T,)."""
    diffusion = _diffusion(betas, "eps")
    x0, noise = _corners(spread)
    return torch.stack([diffusion.loss(lambda x_t, _: c * x_t, x0, t=n, noise=noise) for n in range(1, len(betas) + 1)])


def _shared(case: Cases) -> Iterator[tuple[Array, float, float]]:
    for n in range(case.n // 2):
        betas = draw_betas(case, EDGES[n % len(EDGES)])
        yield betas, float(case.rng.normal()), float(np.exp(case.rng.uniform(-1, 1)))


@torch_witness("ddpm.loss.simple", method="GaussianDiffusion.loss averaged over t, data and noise")
def _(case: Cases) -> Iterator[Comparison]:
    for betas, c, spread in _shared(case):
        T, slope_of_network = len(betas), _tensor(c, grad=True)
        value = _step_losses(betas, slope_of_network, spread).mean()
        (slope,) = torch.autograd.grad(value, slope_of_network)
        point = Point(
            1,
            {"T": T, "t": T},
            betas,
            networks={"eps_theta": lambda x_t, _, c=c: c * x_t},
            tables={"q": GaussianLaw({("x", 0): 1}, [0.0], [[spread]])},
        )
        stated = point.rhs("ddpm.loss.simple")
        yield Comparison("L_simple", value, stated, scale=max(1.0, stated))
        bars = np.cumprod(1 - betas)
        exact = float(np.mean(2 * c * (bars * spread + 1 - bars) - 2 * np.sqrt(1 - bars)))
        yield Comparison("d/dc", slope, exact, scale=max(1.0, abs(exact)), gradient=True)


@torch_witness("ddpm.loss.shared_coefficient", method="GaussianDiffusion.loss of the predictor c x_t, step by step")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.loss.shared_coefficient"
    for betas, c, _ in _shared(case):
        T, at = len(betas), int(case.rng.integers(1, len(betas) + 1))
        slope_of_network = _tensor(c, grad=True)
        losses = _step_losses(betas, slope_of_network, 1.0)
        (slope,) = torch.autograd.grad(losses[at - 1], slope_of_network)
        point = Point(1, {"T": T, "t": at, "c": c}, betas)
        yield Comparison("one step", losses[at - 1], point.rhs(claim), scale=max(1.0, point.rhs(claim)))
        exact = 2 * c - 2 * np.sqrt(1 - np.prod(1 - betas[:at]))
        yield Comparison("d/dc", slope, exact, scale=max(1.0, abs(exact)), gradient=True)


@torch_witness("ddpm.loss.simple_is_elbo", method="stationary c of each loss by autograd, linear schedule, T = 1000")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    claim = "ddpm.loss.simple_is_elbo"
    diffusion = GaussianDiffusion(NoiseSchedule.linear(), "eps")
    point = Point(1, {"T": 1000, "t": 1000}, diffusion.schedule.betas.numpy())
    losses = diffusion.weight("vlb")[2:], torch.ones(999, dtype=F64)
    times = torch.arange(2, 1001).repeat_interleave(4)
    x0, noise = (v.repeat(999, 1) for v in _corners(1.0))

    def slope(c: float, weights: torch.Tensor) -> float:
        shared = _tensor(c, grad=True)
        per_example = diffusion.loss(lambda x_t, _: shared * x_t, x0, t=times, noise=noise, reduction="none")
        total = (weights.repeat_interleave(4) * per_example).sum() / 4
        return float(torch.autograd.grad(total, shared)[0])

    best = [-slope(0.0, w) / (slope(1.0, w) - slope(0.0, w)) for w in losses]
    for name, value, stated in (("bound", best[0], point.lhs(claim)), ("L_simple", best[1], point.rhs(claim))):
        yield Comparison(f"best c of the {name}", value, stated)
        yield Comparison(
            f"slope there, {name}", slope(stated, losses[name == "L_simple"]), 0.0, scale=1e3, gradient=True
        )
    yield Differs("the two optima", best[0], best[1], gap=0.1)


# --- worked examples --------------------------------------------------------------------------------------------------


@torch_witness("ddpm.example.one_pixel", method="q_sample, loss and to_x0 of a diffusion with abar = 0.5")
def _(case: Cases) -> Iterator[Comparison]:
    diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars(_tensor([0.5])), "eps")
    x0, noise, output = _tensor([[1.0]]), _tensor([[0.3]]), _tensor([[0.25]], grad=True)
    x_t = diffusion.q_sample(x0, 1, noise)
    loss = diffusion.loss(lambda *_: output, x0, t=1, noise=noise)
    (slope,) = torch.autograd.grad(loss, output)
    data = diffusion.to_x0(output.detach(), x_t, 1)
    values = {"x_t": x_t, "loss": loss.detach(), "x0_hat": data, "x0_error": data - x0}
    for name, part in (("x_t", 0), ("loss", 4), ("x0_hat", 5), ("x0_error", 7)):
        yield Comparison(name, values[name].reshape(()), Point(1).lhs("ddpm.example.one_pixel", part), scale=1.0)
    yield Comparison("d loss / d prediction", slope, [[-0.1]], gradient=True)


@torch_witness("ddim.example.stride", method="sample(method='ddim') over one stride from abar = 0.5 to 0.8")
def _(case: Cases) -> Iterator[Comparison]:
    diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars(_tensor([0.8, 0.5])), "eps")
    x_t = diffusion.q_sample(_tensor([[1.0]]), 2, _tensor([[0.3]]))
    guess = _tensor([[0.25]], grad=True)
    end = sample(lambda *_: guess.detach(), diffusion, x_t, method="ddim", timesteps=[2, 1])
    yield Comparison("x_s", end.reshape(()), Point(1).lhs("ddim.example.stride"))
    data = diffusion.to_x0(guess, x_t, 2)
    moved = diffusion.q_sample(data, 1, guess)
    yield Comparison("the same by q_sample", moved.reshape(()), Point(1).lhs("ddim.example.stride"))
    (slope,) = torch.autograd.grad(moved.sum(), guess)
    exact = np.sqrt(0.2) - np.sqrt(0.8)
    yield Comparison("d x_s / d prediction", slope, [[exact]], gradient=True)
