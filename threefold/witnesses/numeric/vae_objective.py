"""The Gaussian VAE objective, reparameterised averages, the one-step model: by grids of latents and counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import reference
from reference import bounds, decoders, gaussians, gradients, latent, montecarlo, quadrature
from threefold.witnesses.cases.finite import FiniteChains, FinitePaths
from threefold.witnesses.cases.gaussians import Code, Codes, Decoded, Decoders
from threefold.witnesses.cases.networks import Network
from threefold.witnesses.cases.onestep import OneStep, OneSteps, Pathwise, Pathwises
from threefold.witnesses.point import GaussianLaw
from threefold.witnesses.shapes import Inequality, Law, Refuted, Shape, Truth, Value, measured, measurement

DRAWS = 16384


@measured(
    "vae.elbo.gaussian",
    method="log p(x, z)/q(z | x) summed over a grid of latents, nothing split off",
    cases=Decoders(share=4),
)
def _(s: Decoded) -> Iterator[Shape]:
    found = latent.gaussian_elbo(s.x, s.code.mean, s.code.deviation**2, s.network, s.sigma)
    for part in (0, 1):
        yield Value(part, s.point(), found)


@measured(
    "vae.elbo.gaussian_reparam.notes_display",
    method="latent divergence integrated coordinate by coordinate",
    cases=Codes(share=2, most=2),
)
def _(s: Code) -> Iterator[Shape]:
    zero, one = np.zeros(s.k), np.ones(s.k)
    kl = float(reference.gaussian_kl_diag(s.mean, s.deviation**2, zero, one))
    excess = np.sum(np.log(s.k / s.deviation**2 + 1) - 1) / 2  # of the printed form over the true one
    if abs(excess) > 0.05 * max(1.0, kl):
        yield Refuted(0, s.point(), -kl, gap=1e-2)
    else:  # log(1 + k/s^2) crosses 1 at one s for each k
        yield Value(0, s.point(), -kl, sides=("lhs",))


# --- reparameterisation -----------------------------------------------------------------------------------------------


@measured(
    "vae.reparameterization.location_scale",
    method="affine image of a standard normal law by linear algebra",
    cases=Codes(share=2),
)
def _(s: Code) -> Iterator[Shape]:
    z = s.mean + s.deviation * s.noise
    image = gaussians.Gaussian.standard(s.k).affine(np.diag(s.deviation), s.mean)
    yield Value(0, s.point(z=z), float(image.log_prob(z)))


@measured(
    "vae.reparameterization.expectation",
    method="density of z times f on a grid of z; averages over draws of z",
    cases=Pathwises(share=2),
    max_standard_error=0.3,
)
def _(s: Pathwise) -> Iterator[Shape]:
    code, f = s.code, s.network
    grids = [quadrature.line_grid(float(m), float(v)) for m, v in zip(code.mean, code.deviation, strict=True)]
    points = np.stack([g.ravel() for g in np.meshgrid(*(g for g, _ in grids), indexing="ij")], axis=1)
    density = np.exp(gaussians.Gaussian(code.mean, np.diag(code.deviation)).log_prob(points))
    found = float(np.sum(density * f(points)[:, 0]) * np.prod([spacing for _, spacing in grids]))
    draws = montecarlo.estimate(
        lambda z: f(z)[:, 0], lambda rng, n: rng.normal(code.mean, code.deviation, (n, code.k)), DRAWS, s.rng
    )
    for part in (0, 1):
        yield Value(part, s.point(), found)
        yield Law(part, s.point(), draws.mean, draws.standard_error)


@measured(
    "vae.reparameterization.gradient",
    method="derivative of the density of z on a fixed grid (no path is followed)",
    cases=Pathwises(share=2),
)
def _(s: Pathwise) -> Iterator[Shape]:
    def f(z: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return s.network(z)[:, 0]

    slopes = gradients.expectation_gradient(f, s.location(s.phi), s.spread(s.phi))
    found = float(slopes.mean @ s.drift + slopes.sd @ s.spread_slope)
    # The density's own derivative is as large as 1/deviation; f is of degree two.
    size = float((1 + np.abs(s.location(s.phi)).max() ** 2) / s.spread(s.phi).min() * (1 + np.abs(s.drift).max()))
    yield Value(0, s.point(), found, size=10 * size, because="ten terms of f times the derivative of the density")


# --- one step ---------------------------------------------------------------------------------------------------------

onestep_elbo = measurement(
    "onestep.elbo", method="reconstruction and divergence of a chain of one step, by quadrature; finite models counted"
)


@onestep_elbo.over(FiniteChains(longest=1))
def _(s: FinitePaths) -> Iterator[Shape]:
    bound = s.model.elbo(s.start)
    yield Value(0, s.point(), bound)
    yield Inequality(1, s.point(), bound, s.model.log_evidence(s.start))


@onestep_elbo.over(OneSteps(share=2))
def _(s: OneStep) -> Iterator[Shape]:
    d = s.d
    kl = reference.gaussian_kl_diag(np.sqrt(s.alpha) * s.x0, np.full(d, 1 - s.alpha), np.zeros(d), np.ones(d))
    yield Value(2, s.point("x0_theta"), float(kl))
    found = sum(
        bounds.bound_terms(float(s.x0[c]), [1 - s.alpha], s.network.coordinate(c).scalar, [s.sigma**2]).elbo
        for c in range(d)
    )
    yield Value(3, s.point("x0_theta"), found, sides=("lhs", "rhs") if d < 3 else ("rhs",))


@measured(
    "onestep.loss.equivalence",
    method="log-likelihood of the decoder, its normaliser integrated, averaged over data and noise by quadrature",
    cases=OneSteps(share=10, most_d=2),
)
def _(s: OneStep) -> Iterator[Shape]:
    root, rest = np.sqrt(s.alpha), np.sqrt(1 - s.alpha)

    def decoded(x0: Any, noise: Any, guess: Any) -> Any:
        """log p(x_0 | x_1) of each row, one coordinate, when the network answers `guess`."""
        x_1 = root * x0 + rest * noise
        return decoders.gaussian_log_densities(x0, (x_1 - rest * guess(x_1)) / root, s.sigma)

    def loss(x0: Any, noise: Any, guess: Any) -> Any:
        return np.sum((noise - guess(root * x0 + rest * noise)) ** 2, axis=1)

    def average(network: Network, f: Any) -> float:
        """Over data and noise, coordinate by coordinate: they do not see one another."""
        law = gaussians.Gaussian(np.array([s.data_mean, 0.0]), np.diag([s.data_spread, 1.0]))

        def mean(one: Network) -> float:
            return quadrature.normal_expectation_nd(
                lambda pair: f(pair[:, :1], pair[:, 1:], one), law.mean, law.factor, floor=1e-12
            )

        return sum(mean(network.coordinate(c)) for c in range(s.d))

    law = GaussianLaw({("x", 0): s.d}, [s.data_mean] * s.d, (s.data_spread**2 * np.eye(s.d)).tolist())
    point = s.point("eps_theta", tables={"p_data": law}, more={"eps_theta_prime": s.other})
    columns = ((s.x0[c : c + 1, None], s.noise[c : c + 1, None], s.network.coordinate(c)) for c in range(s.d))
    yield Value(0, point, float(sum(decoded(*column)[0] for column in columns)))
    here, there = average(s.network, decoded), average(s.other, decoded)
    yield Value(1, point, here)
    zero = np.zeros((1, 1))
    unit = decoded(zero, zero, lambda _: zero) - decoded(zero, zero, lambda _: zero + 1)
    yield Inequality(2, point, 0.0, float(unit[0]))
    yield Value(3, point, here - there, sides=("rhs",) if s.alpha > 0.5 else ("lhs",))  # each a mean of 81 points
    yield Truth(4, point, average(s.network, loss) <= average(s.other, loss))
