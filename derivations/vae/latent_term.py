"""The latent term of a Gaussian VAE: the divergence of a diagonal Gaussian from N(0, I), and its gradients.

Nats, summed over the k coordinates.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import diagonal_normal, i, j, k, log_variance, mu, standard_normal, std, z
from derivations.rules import (
    KL,
    POSITIVE,
    Chain,
    Claim,
    Coord,
    D,
    DiagonalNormal,
    Domain,
    Expect,
    LogDensity,
    Statement,
    SumTo,
    algebra,
    by_claim,
    definition,
    density,
    differentiation,
    moments,
)

half = sp.Rational(1, 2)
ANY_K = Domain(indices={k: (sp.Integer(1), sp.oo)})

# --- diagonal, against the standard normal ----------------------------------------------------------------------------

DIAGONAL = Domain({"std": POSITIVE}, ANY_K.indices)
prior = standard_normal(z, k)
encoder = diagonal_normal(z, mu, std, k)
log_encoder = DiagonalNormal(z, i, Coord(mu, i), sp.exp(Coord(log_variance, i)), k)
m, s, ell = Coord(mu, i), Coord(std, i), Coord(log_variance, i)
latent_term = half * SumTo(s**2 + m**2 - 1 - sp.log(s**2), i, 1, k)
log_latent_term = half * SumTo(sp.exp(ell) + m**2 - 1 - ell, i, 1, k)

diagonal_to_standard = Claim(
    id="gaussian.kl.diagonal_to_standard",
    title="KL of a diagonal Gaussian to the standard normal",
    chapter="Gaussian divergences",
    kind="identity",
    says=(
        Statement(KL(encoder, prior), "=", latent_term),
        Statement(
            KL(log_encoder, prior),
            "=",
            log_latent_term,
            words="the same for an encoder that puts out l_i = log sigma_i^2, as networks do",
        ),
    ),
    domain=DIAGONAL,
    scope="any k, every sigma_i > 0; nats, summed over the k coordinates (not averaged)",
    sources=("notes, eq 1.2", "article, KL term"),
    words="The latent term of a Gaussian VAE. Each coordinate pays for its mean and for a spread other than 1, and "
    "pays nothing only at mean 0 and spread 1.",
)


def coordinate_by_coordinate(line: Chain, law: DiagonalNormal, variance: sp.Expr, result: sp.Expr) -> None:
    value = Coord(z, i)
    line(KL(law, prior))
    line(
        Expect(law, LogDensity(law) - LogDensity(prior)),
        by=definition,
        why="the divergence is the mean of the first log-density less the second, under the first law",
    )
    line(
        Expect(law, SumTo(half * value**2 - (value - m) ** 2 / (2 * variance) - half * sp.log(variance), i, 1, k)),
        by=density,
        why="coordinates are independent, so log-densities add; the log of 2 pi cancels",
    )
    line(
        SumTo(half * (m**2 + variance) - variance / (2 * variance) - half * sp.log(variance), i, 1, k),
        by=moments,
        why="E z_i^2 = mu_i^2 + sigma_i^2 and E (z_i - mu_i)^2 = sigma_i^2",
    )
    line(result, by=algebra, why="each term has the factor 1/2: it comes out of the sum")


@diagonal_to_standard.proves()
def _(line: Chain) -> None:
    coordinate_by_coordinate(line, encoder, s**2, latent_term)


@diagonal_to_standard.proves(1)
def _(line: Chain) -> None:
    coordinate_by_coordinate(line, log_encoder, sp.exp(ell), log_latent_term)


# --- gradients --------------------------------------------------------------------------------------------------------

m_j, s_j, ell_j = Coord(mu, j), Coord(std, j), Coord(log_variance, j)
ONE_COORDINATE = Domain(DIAGONAL.intervals, {**ANY_K.indices, j: (sp.Integer(1), k)})

gradients = Claim(
    id="gaussian.kl.gradients",
    title="Gradients of the latent term",
    chapter="Gaussian divergences",
    kind="gradient",
    says=(
        Statement(D(KL(encoder, prior), m_j), "=", m_j),
        Statement(D(KL(log_encoder, prior), ell_j), "=", half * (sp.exp(ell_j) - 1), words="l_j = log sigma_j^2"),
        Statement(D(KL(encoder, prior), s_j), "=", s_j - 1 / s_j),
    ),
    domain=ONE_COORDINATE,
    scope="any k, each coordinate j, every sigma_j > 0",
    sources=("notes, after eq 1.2",),
    words="Means are pulled towards 0, spreads towards 1: the only stationary point of the latent term is the prior.",
)


@gradients.proves()
def _(line: Chain) -> None:
    line(D(KL(encoder, prior), m_j))
    line(D(latent_term, m_j), by=by_claim("gaussian.kl.diagonal_to_standard"))
    line(m_j, by=differentiation, why="only the term i = j depends on mu_j, through mu_j^2 / 2")


@gradients.proves(1)
def _(line: Chain) -> None:
    line(D(KL(log_encoder, prior), ell_j))
    line(D(log_latent_term, ell_j), by=by_claim("gaussian.kl.diagonal_to_standard", 1))
    line(half * (sp.exp(ell_j) - 1), by=differentiation, why="the term i = j is (exp(l_j) - l_j) / 2 and constants")


@gradients.proves(2)
def _(line: Chain) -> None:
    line(D(KL(encoder, prior), s_j))
    line(D(latent_term, s_j), by=by_claim("gaussian.kl.diagonal_to_standard"))
    line(
        s_j - 1 / s_j,
        by=differentiation,
        why="the term i = j: sigma_j^2 gives 2 sigma_j, log sigma_j^2 gives 2 / sigma_j",
    )
