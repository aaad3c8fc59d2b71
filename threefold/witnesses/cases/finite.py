"""Models with finitely many states and rational probabilities: laws, VAEs, diffusions whose paths can be counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from derivations.refutation.laws import FiniteJoint
from reference import finite, finite_diffusion, latent
from threefold.witnesses.cases.numbers import edges
from threefold.witnesses.point import Point, finite_law
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Simplexes:
    """Three laws p, q, r over 1 to 6 values: q sometimes p, nearly p, or with a probability near 0."""

    share: int = 1
    must: frozenset[str] = frozenset({"one value", "the same law", "nearly the same law", "probability near 0"})

    def draw(self, case: Cases) -> Iterator[Laws]:
        for n in range(case.n // self.share):
            size = n % 6 + 1
            p, q, r = (finite.random_rational_simplex(case.rng, size) for _ in range(3))
            if n % 5 == 1:
                q = p + (q - p) / 1024
            if n % 5 == 2:
                p = np.array([v / 10**12 if i == 0 and size > 1 else v for i, v in enumerate(p)])
                p = p / p.sum()
            if n % 5 == 3:
                q = p
            yield Laws(p, q, r)


@dataclass(frozen=True)
class Laws:
    """Probabilities as fractions, shape (n,)."""

    p: finite.Table
    q: finite.Table
    r: finite.Table

    @property
    def edges(self) -> frozenset[str]:
        size, apart = len(self.p), float(max(abs(a - b) for a, b in zip(self.p, self.q, strict=True)))
        return edges(
            {
                "one value": size == 1,
                "the same law": apart == 0.0,
                "nearly the same law": 0.0 < apart < 1e-2,
                "probability near 0": min(self.p) < Fraction(1, 10**10),
            }
        )

    def point(self, **names: finite.Table) -> Point:
        """A point at which these laws of x go by these names."""
        return Point(tables={name: finite_law([("x_obs",)], table) for name, table in names.items()})


@dataclass(frozen=True)
class FiniteVAEs:
    """Models with 1 to 4 latents and observations; every fourth with the exact posterior for its encoder."""

    share: int = 1
    must: frozenset[str] = frozenset({"one latent", "one observation", "exact posterior"})

    def draw(self, case: Cases) -> Iterator[Coded]:
        for n in range(case.n // self.share):
            nx, nz = n % 4 + 1, (n // 4) % 4 + 1
            model = latent.random_vae(case.rng, nx, nz, finite.random_rational_simplex)
            observed = int(case.rng.integers(nx))
            if n % 4 == 2:
                encoder = np.array(model.encoder, dtype=object)
                encoder[:, observed] = model.posterior(observed)
                model = latent.FiniteVAE(model.prior, model.decoder, encoder)
            if n % 8 == 5 and nz > 1:  # nearly the exact posterior
                encoder = np.array(model.encoder, dtype=object)
                encoder[:, observed] += (model.posterior(observed) - encoder[:, observed]) * Fraction(1023, 1024)
                model = latent.FiniteVAE(model.prior, model.decoder, encoder)
            yield Coded(model, observed)


@dataclass(frozen=True)
class Coded:
    """A finite VAE and the x that is observed."""

    model: latent.FiniteVAE
    observed: int

    @property
    def exact_posterior(self) -> bool:
        return bool((self.model.posterior(self.observed) == self.model.encoder[:, self.observed]).all())

    @property
    def edges(self) -> frozenset[str]:
        nx, nz = self.model.decoder.shape
        return edges({"one latent": nz == 1, "one observation": nx == 1, "exact posterior": self.exact_posterior})

    @cached_property
    def point(self) -> Point:
        encoder = self.model.encoder
        joint = finite_law([("x_obs",), ("z",)], self.model.joint().table)
        weighted = finite_law([("z",), ("x_obs",)], encoder / encoder.shape[1])  # q(z | x) with any law of x
        return Point(vectors={"x_obs": [self.observed]}, tables={"p": joint, "q": weighted})


@dataclass(frozen=True)
class FiniteChains:
    """Diffusions of T = 1..longest steps over two or three states, encoders Markov only once x_0 is given."""

    share: int = 2
    longest: int = 3

    @property
    def must(self) -> frozenset[str]:
        return frozenset({"T = 1", "exact reversal"} | ({"T = 3"} if self.longest > 2 else set()))

    def draw(self, case: Cases) -> Iterator[FinitePaths]:
        for n in range(case.n // self.share):
            T = n % self.longest + 1
            sizes = [int(case.rng.integers(2, 4)) if T < 3 else 2 for _ in range(T + 1)]
            draw = finite.random_rational_simplex
            encoder = finite_diffusion.random_conditional_encoder(case.rng, sizes, draw)
            model = finite_diffusion.random_diffusion(case.rng, encoder, draw)
            start = int(case.rng.integers(sizes[0]))
            if n % 6 == 3:  # the encoder of this x_0 is the model run backwards: the bound is tight
                encoder = np.array(encoder, dtype=object)
                slab = model.model_joint().table[start]
                encoder[start] = slab / slab.sum()
                model = finite_diffusion.FiniteDiffusion(encoder, model.prior, model.kernels)
            path = tuple(int(case.rng.integers(size)) for size in sizes[1:])
            yield FinitePaths(model, start, path)


@dataclass(frozen=True)
class FinitePaths:
    """A finite diffusion, a start x_0 and a path x_1..x_T."""

    model: finite_diffusion.FiniteDiffusion
    start: int
    path: tuple[int, ...]

    @property
    def edges(self) -> frozenset[str]:
        T = self.model.T
        return edges({"T = 1": T == 1, "T = 3": T == 3, "exact reversal": self.model.gap(self.start) == 0.0})

    @property
    def tables(self) -> dict[str, FiniteJoint]:
        model, names = self.model, [("x", t) for t in range(self.model.T + 1)]
        states = model.encoder.shape[0]
        data = np.array([Fraction(1, states)] * states, dtype=object)
        return {
            "q": finite_law(names, model.encoder_joint(data).table),
            "p": finite_law(names, model.model_joint().table),
        }

    def point(self, t: int | None = None) -> Point:
        x = {0: [self.start]} | {n: [state] for n, state in enumerate(self.path, 1)}
        return Point(1, {"T": self.model.T, "t": t or self.model.T}, x=x, tables=self.tables)


@dataclass(frozen=True)
class Channels:
    """Markov chains x_0, x_1, x_2 over a few states, one of them through a channel that loses nothing."""

    share: int = 4
    must: frozenset[str] = frozenset({"nothing lost"})

    def draw(self, case: Cases) -> Iterator[Channel]:
        for n in range(case.n // self.share):
            sizes = (2, 3, 3 if n % 4 == 1 else 2)
            start = finite.random_rational_simplex(case.rng, sizes[0])
            rows = [
                np.array([finite.random_rational_simplex(case.rng, b) for _ in range(a)], dtype=object)
                for a, b in itertools.pairwise(sizes)
            ]
            if n % 4 == 1:
                rows[1] = np.array([[Fraction(int(i == j)) for j in range(3)] for i in range(3)], dtype=object)
            yield Channel(start[:, None, None] * rows[0][:, :, None] * rows[1][None, :, :])


@dataclass(frozen=True)
class Channel:
    """The joint law of (x_0, x_1, x_2) as a table of fractions."""

    table: finite.Table

    @property
    def edges(self) -> frozenset[str]:
        return edges({"nothing lost": self.table.shape[2] == 3})

    def point(self) -> Point:
        return Point(1, {"t": 2, "T": 2}, tables={"q": finite_law([("x", 0), ("x", 1), ("x", 2)], self.table)})
