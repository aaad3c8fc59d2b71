"""The linear VAE, codes and data of any two sizes: its evidence, its posterior, and the best encoder that it can have.

Everything is a Gaussian, so every integral is known. Nats.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import d, i, k, obs, sigma_x, z
from derivations.rules import (
    KL,
    POSITIVE,
    Apply,
    Chain,
    Claim,
    Coord,
    DiagonalNormal,
    Domain,
    Entry,
    Expect,
    FullNormal,
    LogDensity,
    LogDet,
    Normal,
    Quadratic,
    Statement,
    SumTo,
    above,
    by_claim,
    constant_vector,
    definition,
    density,
    determinant_turned,
    gibbs,
    inverse_is,
    matrix,
    moments,
    through,
    trace_algebra,
    vector,
)

half = sp.Rational(1, 2)
W, V = matrix("W"), matrix("V_x", "V")
b, D = constant_vector("b_x", "b"), vector("D_q", "D")
s2 = sigma_x**2
M = W.T * W + s2
C = W * W.T + s2
SIZES = Domain({"sigma_x": POSITIVE}, {k: (1, sp.oo)}, sizes={"W": (d, k)})

prior, decoder = Normal(z, 0, 1, k), Normal(obs, Apply(W, z) + b, s2)
evidence = FullNormal(obs, b, C, d)
best_mean = Apply(M**-1 * W.T, obs - b)
posterior = FullNormal(z, best_mean, s2 * M**-1, k)
joint = LogDensity(decoder) + LogDensity(prior)

# --- evidence ---------------------------------------------------------------------------------------------------------

linear_evidence = Claim(
    id="vae.linear.evidence",
    title="The evidence of a linear decoder",
    chapter="The linear VAE",
    kind="identity",
    says=(
        Statement(Expect(prior, sp.exp(LogDensity(decoder))), "=", sp.exp(LogDensity(evidence)), name="evidence"),
        Statement(
            LogDensity(evidence),
            "=",
            -(d * sp.log(2 * sp.pi) + (d - k) * sp.log(s2) + LogDet(M)) / 2
            - Quadratic(obs - b, 1 - W * M**-1 * W.T, obs - b) / (2 * s2),
            name="in the size of the code",
            words="only a k x k matrix is inverted, and its determinant taken, however many pixels there are",
        ),
    ),
    domain=SIZES,
    scope="any d and k, any matrix W of d rows and k columns (of whatever rank), any offset, any sigma > 0",
    sources=("Tipping and Bishop 1999, eq. 5 to 7",),
    words="What a linear decoder says of x is again a Gaussian: about the offset, wide along the columns of W, and as "
    "wide as the noise in all other directions.",
)


@linear_evidence.proves("evidence")
def _(line: Chain) -> None:
    line(Expect(prior, sp.exp(LogDensity(decoder))))
    line(
        sp.exp(LogDensity(evidence)),
        by=through,
        why="W z is a Gaussian of covariance W W^T, and the noise adds its own",
    )


woodbury = inverse_is(C, (1 - W * M**-1 * W.T) / s2)
sylvester = determinant_turned(W, W.T)


@linear_evidence.proves("in the size of the code")
def _(line: Chain) -> None:
    line(LogDensity(evidence))
    line(
        -(d * sp.log(2 * sp.pi) + LogDet(C)) / 2 - Quadratic(obs - b, C**-1, obs - b) / 2,
        by=[density, trace_algebra],
        why="the normal density, written out",
    )
    line(
        -(d * sp.log(2 * sp.pi) + LogDet(C)) / 2 - Quadratic(obs - b, 1 - W * M**-1 * W.T, obs - b) / (2 * s2),
        by=[woodbury, trace_algebra],
        why="multiplied with W W^T + sigma^2 I, this gives the identity",
    )
    line(
        -(d * sp.log(2 * sp.pi) + (d - k) * sp.log(s2) + LogDet(M)) / 2
        - Quadratic(obs - b, 1 - W * M**-1 * W.T, obs - b) / (2 * s2),
        by=[sylvester, trace_algebra],
        why="W W^T and W^T W have the same eigenvalues, but for d - k zeros",
    )


# --- posterior --------------------------------------------------------------------------------------------------------

linear_posterior = Claim(
    id="vae.linear.posterior",
    title="The posterior of a linear decoder",
    chapter="The linear VAE",
    kind="identity",
    says=(Statement(joint - LogDensity(evidence), "=", LogDensity(posterior), name="posterior", words="Bayes' rule"),),
    domain=SIZES,
    scope="any d and k, any matrix W of d rows and k columns (of whatever rank), any offset, any sigma > 0",
    sources=("Tipping and Bishop 1999, eq. 9", "Lucas et al. 2019, eq. 4"),
    words="The posterior's mean is a ridge regression of x - b on the columns of W, and its covariance is the same for "
    "every x.",
)


@linear_posterior.proves("posterior")
def _(line: Chain) -> None:
    residual = obs - b - Apply(W, z)
    line(joint - LogDensity(evidence))
    line(
        -k * sp.log(2 * sp.pi * s2) / 2
        + LogDet(M) / 2
        - (Quadratic(residual, 1, residual) + s2 * Quadratic(z, 1, z)) / (2 * s2)
        + Quadratic(obs - b, 1 - W * M**-1 * W.T, obs - b) / (2 * s2),
        by=[by_claim("vae.linear.evidence", "in the size of the code"), density, trace_algebra],
        why="the three densities; the noise's normalisers cancel but for k of them",
    )
    line(
        -k * sp.log(2 * sp.pi * s2) / 2 + LogDet(M) / 2 - Quadratic(z - best_mean, M, z - best_mean) / (2 * s2),
        by=trace_algebra,
        why="the square is completed in z; what stays of x cancels, since M M^-1 = I",
    )
    line(LogDensity(posterior), by=[density, trace_algebra], why="the normal density, read backwards")


# --- the best encoder -------------------------------------------------------------------------------------------------

volumes = SumTo(sp.log(Entry(M, i, i)), i, 1, k) - LogDet(M)
share = Entry(M, i, i) * Coord(D, i) / s2
encoder = DiagonalNormal(z, i, Coord(Apply(V, obs - b), i), Coord(D, i), k)
best_encoder = DiagonalNormal(z, i, Coord(best_mean, i), s2 / Entry(M, i, i), k)
miss = Apply(V, obs - b) - best_mean
price = half * SumTo(share - 1 - sp.log(share), i, 1, k) + Quadratic(miss, M, miss) / (2 * s2)

linear_encoder = Claim(
    id="vae.linear.ppca",
    title="Linear VAE: the best encoder and its gap",
    chapter="The linear VAE",
    kind="identity",
    says=(
        Statement(
            LogDensity(evidence) - Expect(encoder, joint - LogDensity(encoder)),
            "=",
            KL(encoder, posterior),
            name="gap",
            words="what the bound misses is the divergence from the posterior",
        ),
        Statement(KL(best_encoder, posterior), "=", half * volumes, name="best", words="what the best encoder misses"),
        Statement(
            KL(encoder, posterior) - KL(best_encoder, posterior),
            "=",
            price,
            name="price",
            words="what any other misses besides: r - 1 - log r is never negative, nor is a quadratic form of M",
        ),
        Statement(
            LogDet(M),
            "<=",
            SumTo(sp.log(Entry(M, i, i)), i, 1, k),
            name="Hadamard",
            words="so the gap is never negative; it is a divergence",
        ),
    ),
    domain=Domain({"sigma_x": POSITIVE, "D_q": POSITIVE}, {k: (1, sp.oo)}, sizes={"W": (d, k), "V_x": (k, d)}),
    scope="any d and k, any W, V, offset and sigma > 0, every x: so whatever the data are, with b for their mean",
    sources=("Lucas et al. 2019", "Tipping and Bishop 1999"),
    words="An encoder whose covariance is diagonal finds the posterior's mean, but only the reciprocals of its "
    "precisions: the gap is what the columns of W have in common.",
)

written = [definition, density, trace_algebra, moments, trace_algebra]


@linear_encoder.proves("gap")
def _(line: Chain) -> None:
    line(LogDensity(evidence) - Expect(encoder, joint - LogDensity(encoder)))
    line(
        price + half * volumes,
        by=[by_claim("vae.linear.evidence", "in the size of the code"), density, trace_algebra, moments, trace_algebra],
        why="all means are those of quadratics",
    )
    line(KL(encoder, posterior), by=written, why="the divergence comes to the same")


@linear_encoder.proves("best")
def _(line: Chain) -> None:
    line(KL(best_encoder, posterior))
    line(half * volumes, by=written, why="with these variances the trace is k, and the means agree")


@linear_encoder.proves("price")
def _(line: Chain) -> None:
    line(KL(encoder, posterior) - KL(best_encoder, posterior))
    line(KL(encoder, posterior) - half * volumes, by=above("best"), why="the best encoder's gap is known")
    line(price, by=written, why="the mean of a quadratic form needs two moments")


@linear_encoder.proves("Hadamard")
def _(line: Chain) -> None:
    line(LogDet(M))
    line(
        SumTo(sp.log(Entry(M, i, i)), i, 1, k) - 2 * KL(best_encoder, posterior),
        by=above("best"),
        why="the gap of the best encoder",
    )
    line.le(SumTo(sp.log(Entry(M, i, i)), i, 1, k), by=gibbs, why="a divergence is not negative")
