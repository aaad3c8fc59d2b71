"""The objectives of the Gaussian VAE and of the one-step model as `torch_impl` trains them, against the claims."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from derivations.library import find
from threefold.witnesses.oracle import Array, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, torch_witness
from torch_impl import GaussianDiffusion, GaussianLikelihood, NoiseSchedule, elbo, reparameterize
from torch_impl.distributions.gaussian import gaussian_log_prob, standard_normal_kl
from torch_impl.objectives.bound import bound_term, prior_kl

F64 = torch.float64


def _tensor(values: object, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64), dtype=F64, requires_grad=grad)


# --- the Gaussian VAE: with an affine decoder the bound is quadratic in the noise, and sign vectors average it exactly


@torch_witness(
    "vae.elbo.gaussian", method="elbo() with GaussianLikelihood, noise at all sign vectors (exact for quadratics)"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 2):
        d, k = n % 3 + 1, n % 2 + 1
        x, bias, weight = case.rng.standard_normal(d), case.rng.standard_normal(d), case.rng.standard_normal((d, k))
        mean, logvar = case.rng.standard_normal(k), case.rng.uniform(-3, 1, k)
        sigma = float(np.exp(case.rng.uniform(-1, 1)))
        point = Point(
            d,
            {"k": k, "sigma_x": sigma},
            vectors={"x_obs": x},
            networks={
                "mu_phi": lambda _, m=mean: m,
                "std_phi": lambda _, v=logvar: np.exp(v / 2),
                "mu_theta": lambda z, w=weight, b=bias: w @ z + b,
            },
        )
        centre, matrix, offset = _tensor(mean, grad=True), _tensor(weight), _tensor(bias)
        signs = _tensor(list(itertools.product((-1.0, 1.0), repeat=k))).reshape(-1, 1, k)
        value = elbo(
            _tensor(x)[None],
            centre[None],
            _tensor(logvar)[None],
            lambda z, w=matrix, b=offset: z @ w.T + b,
            GaussianLikelihood(sigma),
            samples=len(signs),
            noise=signs,
        ).value.sum()
        (slope,) = torch.autograd.grad(value, centre)
        stated = point.rhs("vae.elbo.gaussian")
        yield Comparison("ELBO", value, stated, scale=max(1.0, abs(stated)))
        exact = weight.T @ (x - weight @ mean - bias) / sigma**2 - mean
        yield Comparison("d/d mean", slope, exact, scale=max(1.0, float(np.abs(exact).max())), gradient=True)


@torch_witness(
    "vae.elbo.gaussian_reparam.notes_display", method="minus standard_normal_kl: the latent term that trains"
)
def _(case: Cases) -> Iterator[Comparison | Differs]:
    claim = "vae.elbo.gaussian_reparam.notes_display"
    for n in range(case.n // 2):
        k = n % 2 + 1
        mean, logvar = (
            (np.zeros(k), np.zeros(k)) if n == 1 else (case.rng.standard_normal(k), case.rng.uniform(-2, 1, k))
        )
        point = Point(numbers={"k": k}, vectors={"mu": mean, "std": np.exp(logvar / 2)})
        centre = _tensor(mean, grad=True)
        value = -standard_normal_kl(centre[None], _tensor(logvar)[None]).sum()
        (slope,) = torch.autograd.grad(value, centre)
        yield Comparison("the latent term", value, point.lhs(claim), scale=max(1.0, abs(float(value.detach()))))
        if abs(point.rhs(claim) - float(value.detach())) > 0.01:
            yield Differs("as printed, exponentials of the two", value.detach().exp(), np.exp(point.rhs(claim)))
        yield Comparison("d/d mean", slope, -mean, scale=1.0, gradient=True)


# --- reparameterisation -----------------------------------------------------------------------------------------------


def _latents(case: Cases) -> Iterator[tuple[Array, Array, Array]]:
    """Mean, log variance and noise of k = 1..3 latents."""
    for n in range(case.n // 2):
        k = n % 3 + 1
        yield case.rng.standard_normal(k), case.rng.uniform(-4, 1, k), case.rng.standard_normal(k)


@torch_witness("vae.reparameterization.location_scale", method="reparameterize(); log-density of the sample it returns")
def _(case: Cases) -> Iterator[Comparison]:
    for mean, logvar, noise in _latents(case):
        k = len(mean)
        centre = _tensor(mean, grad=True)
        z = reparameterize(centre[None], _tensor(logvar)[None], noise=_tensor(noise)[None])[0]
        (slope,) = torch.autograd.grad(z.sum(), centre)
        value = gaussian_log_prob(z.detach(), _tensor(mean), _tensor(logvar)).sum()
        point = Point(k, {"k": k}, vectors={"mu": mean, "std": np.exp(logvar / 2), "z": z.detach().numpy()})
        stated = point.lhs("vae.reparameterization.location_scale")
        # z is rounded once; divided by the deviation, that rounding is what the two densities may differ by.
        magnified = max(1.0, float(np.max((1 + np.abs(mean)) * np.exp(-logvar / 2) * (1 + np.abs(noise)))))
        yield Comparison("log-density of z", value, stated, scale=max(1.0, abs(stated)) * magnified)
        yield Comparison("dz/d mean", slope, np.ones(k), gradient=True)


@torch_witness("vae.reparameterization.expectation", method="reparameterize() at Gauss-Hermite noises; f a polynomial")
def _(case: Cases) -> Iterator[Comparison]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    for mean, logvar, noise in _latents(case):
        a, b = float(noise[0]), float(mean[-1])
        centre = _tensor(mean[:1], grad=True)
        draws = reparameterize(centre.expand(6, 1), _tensor(logvar[:1]).expand(6, 1), noise=_tensor(nodes)[:, None])[
            :, 0
        ]
        value = _tensor(weights) @ (a * draws**3 + b * draws**2)
        (slope,) = torch.autograd.grad(value, centre)
        deviation = np.exp(logvar[:1] / 2)
        point = Point(
            1,
            {"k": 1},
            vectors={"mu": mean[:1], "std": deviation},
            exact={"f": lambda z, a=a, b=b: a * z[0] ** 3 + b * z[0] ** 2},
        )
        stated = point.lhs("vae.reparameterization.expectation")
        yield Comparison("E f(z)", value, stated, scale=max(1.0, abs(stated)))
        exact = 3 * a * (mean[0] ** 2 + deviation[0] ** 2) + 2 * b * mean[0]
        yield Comparison("d/d mean", slope, [exact], scale=max(1.0, abs(exact)), gradient=True)


@torch_witness("vae.reparameterization.gradient", method="autograd through reparameterize(), noise at all sign vectors")
def _(case: Cases) -> Iterator[Comparison]:
    for mean, logvar, noise in _latents(case):
        k, phi = len(mean), float(case.rng.uniform(0.5, 1.5))
        drift, a, b = noise, *case.rng.standard_normal((2, k))
        parameter = _tensor(phi, grad=True)
        centre, log_variance = _tensor(mean) + _tensor(drift) * parameter, _tensor(logvar) + 2 * parameter.log()
        signs = _tensor(list(itertools.product((-1.0, 1.0), repeat=k)))
        z = reparameterize(centre.expand(len(signs), k), log_variance.expand(len(signs), k), noise=signs)
        (slope,) = torch.autograd.grad((z @ _tensor(a) + z.square() @ _tensor(b)).mean(), parameter)

        deviation = np.exp(logvar / 2)

        def location(p: Any, _: Any, m: Array = mean, c: Array = drift) -> tuple[Any, ...]:
            return tuple(u + v * p for u, v in zip(m.tolist(), c.tolist(), strict=True))

        def scale(p: Any, _: Any, s: Array = deviation) -> tuple[Any, ...]:
            return tuple(u * p for u in s.tolist())

        def f(y: Any, u: Array = a, v: Array = b) -> Any:
            return sum((p * c + q * c * c for p, q, c in zip(u.tolist(), v.tolist(), y, strict=True)), 0 * y[0])

        point = Point(
            k, {"k": k, "phi": phi}, vectors={"x_obs": np.zeros(k)}, exact={"mu_of": location, "std_of": scale, "f": f}
        )
        stated = point.rhs("vae.reparameterization.gradient")
        yield Comparison("d/d phi", slope, stated, scale=max(1.0, abs(stated)))
        yield Comparison("d/d phi", slope, stated, scale=max(1.0, abs(stated)), gradient=True)


# --- one step: a diffusion of T = 1 -----------------------------------------------------------------------------------


@torch_witness("onestep.elbo", method="prior_kl and bound_term of a diffusion of one step, noise at +1 and -1")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 2):
        alpha = float(case.rng.choice([0.02, 0.98]) if n % 4 == 3 else case.rng.uniform(0.1, 0.9))
        gain, shift, x = case.rng.standard_normal(3)
        sigma = float(np.exp(case.rng.uniform(-1, 1)))
        diffusion = GaussianDiffusion(
            NoiseSchedule.from_alpha_bars(_tensor([alpha])), prediction="x0", reconstruction_variance=sigma**2
        )
        x0 = _tensor([[x], [x]])
        x_1 = diffusion.q_sample(x0, 1, _tensor([[1.0], [-1.0]]))
        output = (gain * x_1 + shift).requires_grad_()
        decoded = -bound_term(diffusion, output, x0, x_1, 1).mean()
        (slope,) = torch.autograd.grad(decoded, output)
        point = Point(
            1,
            {"alpha_one": alpha, "sigma_x": sigma},
            x={0: [x]},
            networks={"x0_theta": lambda y, g=gain, s=shift: g * y + s},
        )
        latent = point.rhs("onestep.elbo", 2)
        yield Comparison("the latent term", prior_kl(diffusion, x0)[0], latent, scale=max(1.0, latent))
        stated = point.rhs("onestep.elbo", 3)
        value = decoded.detach() - prior_kl(diffusion, x0)[0]
        yield Comparison("the bound", value, stated, scale=max(1.0, abs(stated)))
        exact = (x0 - output.detach()) / sigma**2 / 2
        yield Comparison("d/d prediction", slope, exact, scale=max(1.0, float(exact.abs().max())), gradient=True)


@torch_witness(
    "onestep.loss.equivalence", method="the simple loss and the likelihood of one and the same noise network"
)
def _(case: Cases) -> Iterator[Comparison]:
    statement = find("onestep.loss.equivalence").says[0]
    for n in range(case.n // 2):
        d = n % 3 + 1
        alpha = float(case.rng.choice([0.02, 0.98]) if n % 4 == 3 else case.rng.uniform(0.1, 0.9))
        x, noise, guess = case.rng.standard_normal((3, d))
        sigma = float(np.exp(case.rng.uniform(-1, 1)))
        diffusion = GaussianDiffusion(NoiseSchedule.from_alpha_bars(_tensor([alpha])), prediction="eps")
        x0 = _tensor(x)[None]
        x_1 = diffusion.q_sample(x0, 1, _tensor(noise)[None])
        output = _tensor(guess, grad=True)
        decoded = diffusion.to_x0(output[None], x_1, 1)
        value = GaussianLikelihood(sigma).log_prob(x0, decoded).sum()
        (slope,) = torch.autograd.grad(value, output)
        point = Point(
            d,
            {"alpha_one": alpha, "sigma_x": sigma},
            x={0: x},
            vectors={"eps": noise},
            networks={"eps_theta": lambda _, g=guess: g},
        )
        stated = point.value(statement.rhs)
        yield Comparison("log-likelihood", value, stated, scale=max(1.0, abs(stated)))
        loss = diffusion.loss(
            lambda *_, g=guess: _tensor(g)[None], x0, t=1, noise=_tensor(noise)[None], reduction="sum"
        )
        factor = point.rhs("onestep.loss.equivalence", 2)
        constant = -d * np.log(np.sqrt(2 * np.pi) * sigma)
        yield Comparison("constant - factor * loss", constant - factor * loss, stated, scale=max(1.0, abs(stated)))
        exact = 2 * factor * (noise - guess)
        yield Comparison("d/d prediction", slope, exact, scale=max(1.0, float(np.abs(exact).max())), gradient=True)
