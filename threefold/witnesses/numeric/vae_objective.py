"""The Gaussian VAE objective, reparameterised averages and the one-step model, against grids of latents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import reference
from reference import bounds, gaussians, gradients, latent, quadrature
from threefold.witnesses.chains import Network, bent
from threefold.witnesses.oracle import Array, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, numeric


def _codes(case: Cases, count: int) -> Iterator[tuple[Array, Array, Array, Network, float]]:
    """x, the encoder's mean and deviation, a decoder and its sigma; one or two latents, one to three pixels."""
    for n in range(count):
        d, k = n % 3 + 1, n % 2 + 1
        deviation = np.exp(case.rng.uniform(-2, 0.5, k))
        sigma = float(np.exp(case.rng.uniform(-1, 1)))
        yield case.rng.standard_normal(d), case.rng.standard_normal(k), deviation, bent(case, k, d), sigma


@numeric("vae.elbo.gaussian", method="log p(x, z)/q(z | x) summed over a grid of latents, nothing split off")
def _(case: Cases) -> Iterator[Comparison]:
    for x, mean, deviation, decoder, sigma in _codes(case, case.n // 4):
        point = Point(
            len(x),
            {"k": len(mean), "sigma_x": sigma},
            vectors={"x_obs": x},
            networks={"mu_phi": lambda _, m=mean: m, "std_phi": lambda _, s=deviation: s, "mu_theta": decoder},
        )
        measured = latent.gaussian_elbo(x, mean, deviation**2, decoder, sigma)
        for part in (0, 1):
            stated = point.rhs("vae.elbo.gaussian", part)
            yield Comparison(f"statement {part + 1}", stated, measured, scale=max(1.0, abs(measured)))


@numeric("vae.elbo.gaussian_reparam.notes_display", method="latent divergence integrated coordinate by coordinate")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    for n in range(case.n // 2):
        k = n % 2 + 1
        mean, deviation = (
            (np.zeros(k), np.ones(k)) if n == 1 else (case.rng.standard_normal(k), np.exp(case.rng.uniform(-2, 1, k)))
        )
        point = Point(numbers={"k": k}, vectors={"mu": mean, "std": deviation})
        measured = -float(reference.gaussian_kl_diag(mean, deviation**2, np.zeros(k), np.ones(k)))
        claim = "vae.elbo.gaussian_reparam.notes_display"
        yield Comparison("the latent term", point.lhs(claim), measured, scale=max(1.0, abs(measured)))
        if abs(point.rhs(claim) - measured) > 0.01:  # log(1 + k/s^2) crosses 1 at one s for each k
            yield Differs("as printed, exponentials of the two", np.exp(point.rhs(claim)), np.exp(measured))
        if n == 1:
            yield Comparison("the excess at mu = 0, sigma = 1, k = 2", point.rhs(claim) - measured, np.log(3) - 1)


# --- reparameterisation -----------------------------------------------------------------------------------------------


def _latents(case: Cases, most: int = 2) -> Iterator[tuple[Array, Array]]:
    for n in range(case.n // 2):
        k = n % most + 1
        yield case.rng.standard_normal(k), np.exp(case.rng.uniform(-3, 1, k))


@numeric("vae.reparameterization.location_scale", method="affine image of a standard normal law by linear algebra")
def _(case: Cases) -> Iterator[Comparison]:
    for mean, deviation in _latents(case, most=4):
        k = len(mean)
        z = mean + deviation * case.rng.standard_normal(k)
        point = Point(k, {"k": k}, vectors={"mu": mean, "std": deviation, "z": z})
        image = gaussians.Gaussian.standard(k).affine(np.diag(deviation), mean)
        measured = float(image.log_prob(z))
        for side in (point.lhs, point.rhs):
            stated = side("vae.reparameterization.location_scale")
            yield Comparison("log-density of z", stated, measured, scale=max(1.0, abs(measured)))


def _squared_times_density(network: Network, mean: Array, deviation: Array) -> Network:
    """network(z)^2 N(z; mean, deviation^2) as a function of scalar z."""

    def weighted(z: Array) -> Array:
        bell = np.exp(-0.5 * ((z - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        return np.asarray(np.square(network(z[:, None])[:, 0]) * bell)

    return weighted


@numeric("vae.reparameterization.expectation", method="density of z times f on a fixed grid of z")
def _(case: Cases) -> Iterator[Comparison]:
    for mean, deviation in _latents(case):
        k = len(mean)
        network = bent(case, k, 1)
        point = Point(
            k,
            {"k": k},
            vectors={"mu": mean, "std": deviation},
            families={"f": lambda z, g=network: float(g(z)[0] ** 2)},
        )
        rule = quadrature.normal_rule(k)
        grid = mean + rule.nodes * deviation
        measured = float(rule.weights @ np.square(network(grid)[:, 0]))
        if k == 1:
            weighted = _squared_times_density(network, mean, deviation)
            density = quadrature.integrate_line(weighted, float(mean[0]), float(deviation[0]))
            yield Comparison("E f(z) by the density of z", point.rhs("vae.reparameterization.expectation"), density)
        yield Comparison("E f(z)", point.lhs("vae.reparameterization.expectation"), measured)


@numeric(
    "vae.reparameterization.gradient", method="derivative of the density of z on a fixed grid (no path is followed)"
)
def _(case: Cases) -> Iterator[Comparison]:
    for mean, deviation in _latents(case):
        k, phi = len(mean), float(case.rng.uniform(0.5, 1.5))
        drift, growth = case.rng.standard_normal(k), case.rng.uniform(0.1, 1, k)
        a, b = case.rng.standard_normal((2, k))

        def location(p: Any, _: Any, drift: Array = drift, mean: Array = mean) -> tuple[Any, ...]:
            return tuple(m + c * p for m, c in zip(mean.tolist(), drift.tolist(), strict=True))

        def scale(p: Any, _: Any, growth: Array = growth, deviation: Array = deviation) -> tuple[Any, ...]:
            return tuple(s * (1 + g * p * p) for s, g in zip(deviation.tolist(), growth.tolist(), strict=True))

        def f(z: Any, a: Array = a, b: Array = b) -> Any:
            return sum((u * c + v * c * c for u, v, c in zip(a.tolist(), b.tolist(), z, strict=True)), 0 * z[0])

        point = Point(
            k, {"k": k, "phi": phi}, vectors={"x_obs": np.zeros(k)}, exact={"mu_of": location, "std_of": scale, "f": f}
        )

        def batched(z: Array, a: Array = a, b: Array = b) -> Array:
            return np.asarray(z @ a + np.square(z) @ b)

        slopes = gradients.expectation_gradient(batched, mean + drift * phi, deviation * (1 + growth * phi**2))
        measured = float(slopes.mean @ drift + slopes.sd @ (deviation * 2 * growth * phi))
        yield Comparison(
            "d/d phi", point.rhs("vae.reparameterization.gradient"), measured, scale=max(1.0, abs(measured))
        )


# --- one step ---------------------------------------------------------------------------------------------------------


def _one_step(case: Cases) -> Iterator[tuple[float, float, float, Network]]:
    """x_0, alpha in (0, 1), sigma, and a network of x_1 (one coordinate)."""
    for n in range(case.n // 2):
        alpha = float(case.rng.choice([0.02, 0.98]) if n % 4 == 3 else case.rng.uniform(0.1, 0.9))
        yield float(case.rng.standard_normal()), alpha, float(np.exp(case.rng.uniform(-1, 1))), bent(case, 1, 1)


def _batched(network: Network) -> bounds.Mean:
    return lambda x, _: network(x[:, None])[:, 0]


@numeric("onestep.elbo", method="reconstruction and divergence of a chain of one step, by quadrature")
def _(case: Cases) -> Iterator[Comparison]:
    for x0, alpha, sigma, network in _one_step(case):
        point = Point(1, {"alpha_one": alpha, "sigma_x": sigma}, x={0: [x0]}, networks={"x0_theta": network})
        measured = bounds.bound_terms(x0, [1 - alpha], _batched(network), [sigma**2])
        yield Comparison(
            "the latent term", point.rhs("onestep.elbo", 2), measured.prior, scale=max(1e-2, measured.prior)
        )
        yield Comparison("the bound", point.rhs("onestep.elbo", 3), measured.elbo, scale=max(1.0, abs(measured.elbo)))


@numeric("onestep.loss.equivalence", method="log-likelihood of the decoder by quadrature, noise by noise")
def _(case: Cases) -> Iterator[Comparison]:
    for x0, alpha, sigma, network in _one_step(case):
        noise = float(case.rng.standard_normal())
        known = {"alpha_one": alpha, "sigma_x": sigma}
        point = Point(1, known, x={0: [x0]}, vectors={"eps": [noise]}, networks={"eps_theta": network})
        x_1 = np.sqrt(alpha) * x0 + np.sqrt(1 - alpha) * noise
        decoded = (x_1 - np.sqrt(1 - alpha) * network(np.array([x_1]))) / np.sqrt(alpha)
        measured = reference.decoders.gaussian_log_likelihood(np.array([x0]), decoded, sigma)
        stated = point.rhs("onestep.loss.equivalence")
        yield Comparison("one noise", stated, measured, scale=max(1.0, abs(measured)))
        mean = bounds.path_of_prediction(_batched(network), [1 - alpha], "eps")
        averaged = bounds.bound_terms(x0, [1 - alpha], mean, [sigma**2]).reconstruction
        factor = point.rhs("onestep.loss.equivalence", 2)

        def miss(e: Array, a: float = alpha, g: Network = network, x: float = x0) -> Array:
            return np.asarray(np.square(e - g((np.sqrt(a) * x + np.sqrt(1 - a) * e)[:, None])[:, 0]))

        loss = quadrature.normal_expectation(miss, 0.0, 1.0)
        constant = -np.log(np.sqrt(2 * np.pi) * sigma)
        yield Comparison("on average", constant - factor * loss, averaged, scale=max(1.0, abs(averaged)))
