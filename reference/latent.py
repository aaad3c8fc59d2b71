"""Latent-variable models whose evidence, bound and posterior can be counted out.

`FiniteVAE` has finitely many latents and observations: every expectation is a sum over all of them. The functions
below it hold for a normal encoder and any decoder network: expectations are sums over a fine grid of latents.
"""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference.decoders import gaussian_log_densities
from reference.finite import (
    DIGITS,
    Draw,
    JointLaw,
    Table,
    finite_kl,
    probability_table,
    random_simplex,
    state_of,
)
from reference.gaussians import Gaussian
from reference.quadrature import LOG_ROUNDING, hermite_rule, normal_expectation_nd
from reference.validation import Array, integer, positive_array, positive_number, real_array, same_shape

Decoder = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class FiniteVAE:
    """prior[z] = p(z), decoder[x, z] = p(x | z), encoder[z, x] = q(z | x); columns sum to 1."""

    prior: Table
    decoder: Table
    encoder: Table

    def __post_init__(self) -> None:
        for name in ("prior", "decoder", "encoder"):
            object.__setattr__(self, name, probability_table(name, getattr(self, name), (0,)))
        nx, nz = self.decoder.shape
        if self.prior.shape != (nz,) or self.encoder.shape != (nz, nx):
            raise ValueError(
                f"prior {self.prior.shape}, decoder {self.decoder.shape}, encoder {self.encoder.shape}: "
                "need (nz,), (nx, nz), (nz, nx); transpose or resize"
            )

    def joint(self) -> JointLaw:
        """Return p(x, z)."""
        return JointLaw(("x", "z"), self.decoder * self.prior)

    def code_law(self, x: int) -> JointLaw:
        """Return q(z | x) at one x."""
        return JointLaw(("z",), self.encoder[:, state_of("x", x, self.decoder.shape[0])])

    def log_evidence(self, x: int) -> float:
        """Return log p(x) in nats, the log of a sum over all latents."""
        return self.joint().marginal("x").log_prob(("x",), (x,))

    def posterior(self, x: int) -> Table:
        """Return p(z | x), shape (nz,)."""
        row = self.joint().table[state_of("x", x, self.decoder.shape[0])]
        return np.asarray(row / row.sum())

    def reconstruction(self, x: int) -> float:
        """Return E_{q(z|x)} log p(x | z) in nats."""
        return self.code_law(x).expect(self.joint().log_table(("x",), ("z",))[x])

    def latent_kl(self, x: int) -> float:
        """Return KL(q(z|x) || p(z)) in nats."""
        return finite_kl(self.code_law(x).table, self.prior)

    def elbo(self, x: int) -> float:
        """Return E_{q(z|x)}[log p(x, z) - log q(z|x)] in nats, one sum over latents. Claim: vae.elbo.joint_form."""
        law = self.code_law(x)
        with decimal.localcontext() as context:
            context.prec = DIGITS
            return law.expect(self.joint().log_table(("x", "z"))[x] - law.log_table(("z",)))

    def gap(self, x: int) -> float:
        """Return KL(q(z|x) || p(z|x)) in nats. Claim: vae.elbo.decomposition."""
        return finite_kl(self.code_law(x).table, self.posterior(x))

    def importance_bound(self, x: int, samples: int) -> float:
        """Return E log of the mean importance weight over `samples` latents, by enumerating all tuples of them."""
        nz = self.prior.size
        count = integer("samples", samples, 1)
        if nz**count > 300_000:
            raise ValueError(
                f"{nz} latents and {count} samples make {nz**count} tuples, limit 300000; use fewer samples"
            )
        law = self.code_law(x).table.astype(np.float64)
        live = [z for z in range(nz) if law[z] > 0]
        weights = {z: float(self.decoder[x, z]) * float(self.prior[z]) / law[z] for z in live}
        terms = (
            np.prod([law[z] for z in codes]) * np.log(np.mean([weights[z] for z in codes]))
            for codes in itertools.product(live, repeat=count)
        )
        return float(np.sum(np.fromiter(terms, dtype=np.float64)))

    def aggregate(self, data: ArrayLike | Table) -> Table:
        """Return q(z) = sum over x of data(x) q(z | x), shape (nz,)."""
        return np.asarray((self.encoder * probability_table("data", data, (0,))).sum(axis=1))

    def code_information(self, data: ArrayLike | Table) -> float:
        """Return I(x; z) under data(x) q(z | x), in nats."""
        joint = JointLaw(("z", "x"), self.encoder * probability_table("data", data, (0,)))
        return joint.mutual_information(("x",), ("z",))


def random_vae(rng: np.random.Generator, nx: int, nz: int, draw: Draw = random_simplex) -> FiniteVAE:
    """Return a model with random prior, decoder and encoder."""
    nx, nz = integer("nx", nx, 1), integer("nz", nz, 1)
    decoder = np.stack([draw(rng, nx) for _ in range(nz)], axis=1)
    return FiniteVAE(draw(rng, nz), decoder, np.stack([draw(rng, nz) for _ in range(nx)], axis=1))


def gaussian_elbo(x: ArrayLike, mean: ArrayLike, variance: ArrayLike, decoder: Decoder, sigma: float) -> float:
    """Return E_q[log N(x; decoder(z), sigma^2 I) + log N(z; 0, I) - log q(z)] in nats, q = N(mean, diag variance).

    x (d,), mean and variance (k,) with k <= 3; decoder maps (n, k) to (n, d) and may be any smooth network. One sum
    over a grid of latents; no divergence is split off. Claim: vae.elbo.gaussian.
    """
    target, code = real_array("x", x, ndim=1), _code(mean, variance)
    prior = Gaussian.standard(code.n)

    def log_ratio(z: Array) -> Array:
        return _likelihood(target, z, decoder, sigma) + prior.log_prob(z) - code.log_prob(z)

    return normal_expectation_nd(log_ratio, code.mean, code.factor, floor=LOG_ROUNDING)


def gaussian_reconstruction(
    x: ArrayLike, mean: ArrayLike, variance: ArrayLike, decoder: Decoder, sigma: float
) -> float:
    """Return E_q log N(x; decoder(z), sigma^2 I) in nats, by the same sum."""
    target, code = real_array("x", x, ndim=1), _code(mean, variance)
    return normal_expectation_nd(
        lambda z: _likelihood(target, z, decoder, sigma), code.mean, code.factor, floor=LOG_ROUNDING
    )


def gaussian_log_evidence(x: ArrayLike, k: int, decoder: Decoder, sigma: float) -> float:
    """Return log of the integral of N(x; decoder(z), sigma^2 I) N(z; 0, I) over z in R^k, k <= 3, in nats.

    A sum over the grid of the prior, refused where the likelihood is too narrow in z to be resolved on it.
    """
    target, k = real_array("x", x, ndim=1), integer("k", k, 1, 3)
    top = float(np.max(_likelihood(target, hermite_rule(k, 16).nodes, decoder, sigma)))
    scaled = normal_expectation_nd(
        lambda z: np.exp(_likelihood(target, z, decoder, sigma) - top), np.zeros(k), np.eye(k)
    )
    return top + float(np.log(scaled))


def _code(mean: ArrayLike, variance: ArrayLike) -> Gaussian:
    center, spread = real_array("mean", mean, ndim=1), positive_array("variance", variance, ndim=1)
    same_shape(mean=center, variance=spread)
    if not 1 <= center.size <= 3:
        raise ValueError(f"mean has {center.size} entries, but 1..3 latents can be summed over; shrink the code")
    return Gaussian(center, np.diag(np.sqrt(spread)))


def _likelihood(x: Array, z: Array, decoder: Decoder, sigma: float) -> Array:
    outputs = real_array("decoder(z)", decoder(z), ndim=2)
    if outputs.shape != (z.shape[0], x.size):
        raise ValueError(f"decoder returned shape {outputs.shape}, but {(z.shape[0], x.size)} is needed; match x")
    return gaussian_log_densities(np.broadcast_to(x, outputs.shape), outputs, positive_number("sigma", sigma))
