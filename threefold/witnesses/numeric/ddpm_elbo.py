"""The diffusion bound: the claims' statements against finite chains, every path enumerated, to 50 digits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import finite_diffusion, linear_gaussian
from threefold.witnesses.oracle import Point, finite_law
from threefold.witnesses.registry import Cases, Comparison, numeric


def _chains(case: Cases) -> Iterator[tuple[finite_diffusion.FiniteDiffusion, int, Point]]:
    """Models of T = 1..3 steps over two or three states, encoders Markov only once x_0 is given, and a start."""
    for n in range(case.n // 2):
        T = n % 3 + 1
        sizes = [int(case.rng.integers(2, 4)) if T < 3 else 2 for _ in range(T + 1)]
        encoder = finite_diffusion.random_conditional_encoder(case.rng, sizes)
        model = finite_diffusion.random_diffusion(case.rng, encoder)
        start = int(case.rng.integers(sizes[0]))
        names = [("x", t) for t in range(T + 1)]
        data = np.full(sizes[0], 1 / sizes[0])
        tables = {
            "q": finite_law(names, np.asarray(model.encoder_joint(data).table, dtype=float)),
            "p": finite_law(names, np.asarray(model.model_joint().table, dtype=float)),
        }
        yield model, start, Point(1, {"T": T}, x={0: [start]}, tables=tables)


@numeric("ddpm.elbo.definition", method="every path x_1..x_T enumerated")
def _(case: Cases) -> Iterator[Comparison]:
    for model, start, point in _chains(case):
        yield Comparison("ELBO", point.rhs("ddpm.elbo.definition"), model.elbo(start), scale=1.0)


@numeric("ddpm.elbo.lower_bound", method="log p(x_0) as the log of a sum over all paths")
def _(case: Cases) -> Iterator[Comparison]:
    for model, start, point in _chains(case):
        evidence, bound = model.log_evidence(start), point.rhs("ddpm.elbo.lower_bound")
        yield Comparison("evidence", point.lhs("ddpm.elbo.lower_bound"), evidence, scale=1.0)
        yield Comparison("bound <= evidence", max(bound - evidence, 0.0), 0.0, scale=1.0)


@numeric("ddpm.elbo.gap", method="divergence between two laws of whole paths, enumerated")
def _(case: Cases) -> Iterator[Comparison]:
    for model, start, point in _chains(case):
        stated = point.rhs("ddpm.elbo.gap")
        yield Comparison("ELBO + gap", stated, model.elbo(start) + model.gap(start), scale=1.0)
        yield Comparison("evidence", stated, model.log_evidence(start), scale=1.0)


@numeric("ddpm.elbo.telescoping", method="log-ratios along every path of a random encoder")
def _(case: Cases) -> Iterator[Comparison]:
    for model, start, point in _chains(case):
        states = [int(case.rng.integers(size)) for size in np.shape(model.encoder)[1:]]
        path = {0: [start]} | {t: [state] for t, state in enumerate(states, 1)}
        at = Point(1, point.numbers, x=path, tables=point.tables)
        law = model.encoder_law(start)
        direct = float(np.exp(law.log_prob(law.names, states)))
        yield Comparison("the encoder backwards in time", at.rhs("ddpm.elbo.telescoping"), direct)
        yield Comparison("log-ratio", model.path_log_ratio(start, states), 0.0, scale=1.0)


@numeric("ddpm.elbo.decomposition", method="every term enumerated; the whole checked against the sum over paths")
def _(case: Cases) -> Iterator[Comparison]:
    for model, start, point in _chains(case):
        terms = model.reconstruction(start) - model.latent_kl(start) - sum(model.consistency(start))
        yield Comparison("the terms", point.rhs("ddpm.elbo.decomposition"), terms, scale=1.0)
        yield Comparison("the sum over paths", point.rhs("ddpm.elbo.decomposition"), model.elbo(start), scale=1.0)
    yield from _gaussian_chains(case)


def _gaussian_chains(case: Cases) -> Iterator[Comparison]:
    """The same split on linear-Gaussian models, where both sides are closed by linear algebra."""
    for n in range(8):
        d, T = n % 2 + 1, n % 4 + 1
        betas = case.rng.uniform(0.05, 0.7, T)
        matrices, offsets = case.rng.uniform(-1, 1, (T, d, d)), case.rng.standard_normal((T, d))
        variances, x0 = case.rng.uniform(0.2, 2, T), case.rng.standard_normal(d)
        split = linear_gaussian.vlb_terms(x0, betas, matrices, offsets, variances)
        whole = linear_gaussian.path_elbo(x0, betas, matrices, offsets, variances)
        yield Comparison("linear-Gaussian chain", split.elbo, whole, scale=max(1.0, abs(whole)))
