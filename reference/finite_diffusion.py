"""A diffusion model with finite states: every term of its variational bound by enumerating all paths.

The encoder is a table q(x_1..x_T | x_0); the model is p(x_T) and kernels p(x_{t-1} | x_t). Encoders come in three
kinds: Markov; Markov only given x_0 (what the per-step decomposition needs); and general (where it fails).
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference.finite import DIGITS, Draw, JointLaw, Table, finite_kl, probability_table, random_simplex, state_of
from reference.validation import integer


@dataclass(frozen=True, eq=False)
class FiniteDiffusion:
    """encoder[x_0, x_1, ..., x_T]; prior[x_T]; kernels[t-1][x_{t-1}, x_t] = p(x_{t-1} | x_t), t = 1..T."""

    encoder: Table
    prior: Table
    kernels: tuple[Table, ...]

    def __post_init__(self) -> None:
        encoder = np.asarray(self.encoder)
        if encoder.ndim < 2:
            raise ValueError(f"encoder has shape {encoder.shape}, but needs axes x_0..x_T with T >= 1; add the steps")
        object.__setattr__(self, "encoder", probability_table("encoder", encoder, tuple(range(1, encoder.ndim))))
        object.__setattr__(self, "prior", probability_table("prior", self.prior, (0,)))
        if len(self.kernels) != self.T:
            raise ValueError(f"{len(self.kernels)} kernels for T = {self.T} steps; give one a step, t = 1 first")
        checked = tuple(probability_table(f"kernels[{t}]", kernel, (0,)) for t, kernel in enumerate(self.kernels))
        object.__setattr__(self, "kernels", checked)
        shapes = [(encoder.shape[t], encoder.shape[t + 1]) for t in range(self.T)]
        if [kernel.shape for kernel in checked] != shapes or self.prior.shape != (encoder.shape[-1],):
            raise ValueError(
                f"kernels need shapes {shapes} and the prior {(encoder.shape[-1],)}; match them to the encoder"
            )

    @property
    def T(self) -> int:
        """Number of steps."""
        return np.asarray(self.encoder).ndim - 1

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names x0..xT, the axes of both joint laws."""
        return tuple(f"x{t}" for t in range(self.T + 1))

    def encoder_law(self, x0: int) -> JointLaw:
        """Return q(x_1..x_T | x_0) at one x_0."""
        return JointLaw(self.names[1:], self.encoder[state_of("x0", x0, self.encoder.shape[0])])

    def encoder_joint(self, data: ArrayLike | Table) -> JointLaw:
        """Return q(x_0) q(x_1..x_T | x_0) for a data law over x_0."""
        weights = probability_table("data", data, (0,))
        return JointLaw(self.names, weights.reshape((-1,) + (1,) * self.T) * self.encoder)

    def model_joint(self) -> JointLaw:
        """Return p(x_0..x_T) = p(x_T) times the product of the kernels."""
        table = self.prior.reshape((1,) * self.T + (-1,))
        for t, kernel in enumerate(self.kernels):
            shape = [1] * (self.T + 1)
            shape[t], shape[t + 1] = kernel.shape
            table = table * kernel.reshape(shape)
        return JointLaw(self.names, table)

    def log_evidence(self, x0: int) -> float:
        """Return log p(x_0) in nats."""
        model = self.model_joint().marginal("x0")
        return model.log_prob(("x0",), (state_of("x0", x0, self.encoder.shape[0]),))

    def elbo(self, x0: int) -> float:
        """Return E_q[log p(x_0..x_T) - log q(x_1..x_T | x_0)] in nats. Claim: ddpm.elbo.definition."""
        with decimal.localcontext() as context:
            context.prec = DIGITS
            law = self.encoder_law(x0)
            model = self.model_joint()
            return law.expect(_at(model.log_table(self.names), x0) - law.log_table(self.names[1:]))

    def gap(self, x0: int) -> float:
        """Return KL(q(x_1..x_T | x_0) || p(x_1..x_T | x_0)) in nats. Claim: ddpm.elbo.gap."""
        slab = self.model_joint().table[state_of("x0", x0, self.encoder.shape[0])]
        return finite_kl(self.encoder_law(x0).table, slab / slab.sum())

    def reconstruction(self, x0: int) -> float:
        """Return E_{q(x_1|x_0)} log p(x_0 | x_1) in nats."""
        law, model = self.encoder_law(x0), self.model_joint()
        return law.expect(_at(model.log_table(("x0",), ("x1",)), x0))

    def latent_kl(self, x0: int) -> float:
        """Return KL(q(x_T | x_0) || p(x_T)) in nats."""
        return finite_kl(self.encoder_law(x0).marginal(self.names[-1]).table, self.prior)

    def consistency(self, x0: int) -> list[float]:
        """Return E_{q(x_t|x_0)} KL(q(x_{t-1}|x_t,x_0) || p(x_{t-1}|x_t)) for t = 2..T, in nats."""
        law, model = self.encoder_law(x0), self.model_joint()
        terms = []
        for t in range(2, self.T + 1):
            target, given = (f"x{t - 1}",), (f"x{t}",)
            with decimal.localcontext() as context:
                context.prec = DIGITS
                ratio = law.log_table(target, given) - _at(model.log_table(target, given), x0, keep=True)
            terms.append(law.expect(ratio))
        return terms

    def path_log_ratio(self, x0: int, path: Sequence[int]) -> float:
        """Return log q(x_1..x_T|x_0) - log q(x_T|x_0) - sum over t >= 2 of log q(x_{t-1}|x_t, x_0) on one path.

        Zero for encoders that are Markov given x_0. Claim: ddpm.elbo.telescoping.
        """
        law = self.encoder_law(x0)
        value = law.log_prob(law.names, path) - law.log_prob((law.names[-1],), path)
        for t in range(2, self.T + 1):
            value -= law.log_prob((f"x{t - 1}",), path, (f"x{t}",))
        return value


def random_markov_encoder(rng: np.random.Generator, sizes: Sequence[int], draw: Draw = random_simplex) -> Table:
    """Return q(x_1..x_T | x_0) with random Markov transitions; sizes are the numbers of states of x_0..x_T."""
    shape = _sizes(sizes)
    table = np.ones((shape[0],) + (1,) * (len(shape) - 1), dtype=object)
    for t in range(1, len(shape)):
        kernel = np.stack([draw(rng, shape[t]) for _ in range(shape[t - 1])])
        axes = [1] * len(shape)
        axes[t - 1], axes[t] = kernel.shape
        table = table * kernel.reshape(axes)
    return _typed(table)


def random_conditional_encoder(rng: np.random.Generator, sizes: Sequence[int], draw: Draw = random_simplex) -> Table:
    """Return q(x_1..x_T | x_0) with random transitions q(x_t | x_{t-1}, x_0): Markov only once x_0 is given."""
    shape = _sizes(sizes)
    table = np.ones((shape[0],) + (1,) * (len(shape) - 1), dtype=object)
    first = np.stack([draw(rng, shape[1]) for _ in range(shape[0])])
    table = table * first.reshape((shape[0], shape[1]) + (1,) * (len(shape) - 2))
    for t in range(2, len(shape)):
        kernel = np.stack([[draw(rng, shape[t]) for _ in range(shape[t - 1])] for _ in range(shape[0])])
        axes = [1] * len(shape)
        axes[0], axes[t - 1], axes[t] = kernel.shape
        table = table * kernel.reshape(axes)
    return _typed(table)


def random_general_encoder(rng: np.random.Generator, sizes: Sequence[int], draw: Draw = random_simplex) -> Table:
    """Return q(x_1..x_T | x_0) with no independence at all: a random law over whole paths for each x_0."""
    shape = _sizes(sizes)
    paths = int(np.prod(shape[1:]))
    return np.stack([draw(rng, paths).reshape(shape[1:]) for _ in range(shape[0])])


def random_diffusion(rng: np.random.Generator, encoder: Table, draw: Draw = random_simplex) -> FiniteDiffusion:
    """Return a model with random prior and kernels for a given encoder table."""
    shape = np.asarray(encoder).shape
    kernels = tuple(np.stack([draw(rng, shape[t - 1]) for _ in range(shape[t])], axis=1) for t in range(1, len(shape)))
    return FiniteDiffusion(encoder, draw(rng, shape[-1]), kernels)


def _at(table: Table, x0: int, keep: bool = False) -> Table:
    """Return the slab of a broadcastable table at one x_0."""
    return np.asarray(table[0] if keep or table.shape[0] == 1 else table[x0])


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(integer("size", size, 1) for size in sizes)
    if len(shape) < 2 or np.prod(shape, dtype=float) > 2e6:
        raise ValueError(f"sizes {shape}: need x_0..x_T with T >= 1 and at most 2000000 paths; shrink the model")
    return shape


def _typed(table: Table) -> Table:
    return table.astype(np.float64) if isinstance(table.flat[0], float) else table
