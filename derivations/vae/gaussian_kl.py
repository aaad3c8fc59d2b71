"""The divergence between two Gaussians in closed form: full covariance, and isotropic.

Everything follows from the first two moments. Nats.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.notation import d, i, j, k, z
from derivations.rules import (
    KL,
    POSITIVE,
    Chain,
    Claim,
    Coord,
    Domain,
    Entry,
    Expect,
    FullNormal,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    Quadratic,
    Statement,
    SumTo,
    Trace,
    algebra,
    cofactors,
    covariance,
    definition,
    density,
    entries,
    moments,
    scalar,
    trace_algebra,
    vector,
)

half = sp.Rational(1, 2)
ANY_K = Domain(indices={k: (sp.Integer(1), sp.oo)})

# --- full covariance --------------------------------------------------------------------------------------------------

mu_p, mu_q = vector("mu_p", r"\mu_p"), vector("mu_q", r"\mu_q")
cov_p, cov_q = covariance("Sigma_p", r"\Sigma_p"), covariance("Sigma_q", r"\Sigma_q")
log_volumes = half * (LogDet(cov_q) - LogDet(cov_p))


def gaussians(size: Any) -> tuple[FullNormal, FullNormal]:
    return FullNormal(z, mu_p, cov_p, size), FullNormal(z, mu_q, cov_q, size)


def closed_form(size: Any) -> sp.Expr:
    """(tr(S_q^-1 S_p) - k + (mu_q - mu_p)^T S_q^-1 (mu_q - mu_p) + log |S_q| - log |S_p|) / 2."""
    distance = Quadratic(mu_q - mu_p, cov_q**-1, mu_q - mu_p)
    return half * (Trace(cov_q**-1 * cov_p, size) - size + distance + LogDet(cov_q) - LogDet(cov_p))


def at_size(size: int) -> Statement:
    return Statement(
        KL(*gaussians(size)),
        "=",
        closed_form(size),
        words=f"a second route at k = {size}, entry by entry",
        domain=Domain(sizes={"Sigma_p": size, "Sigma_q": size}),
    )


full_covariance = Claim(
    id="gaussian.kl.full_covariance",
    title="KL between two Gaussians",
    chapter="Gaussian divergences",
    kind="identity",
    says=(
        Statement(KL(*gaussians(k)), "=", closed_form(k)),
        Statement(
            Expect(gaussians(k)[0], Quadratic(z - mu_q, cov_q**-1, z - mu_q)),
            "=",
            Trace(cov_q**-1 * cov_p, k) + Quadratic(mu_p - mu_q, cov_q**-1, mu_p - mu_q),
            words="the one moment it needs: the mean of a quadratic form",
        ),
        at_size(1),
        at_size(2),
        at_size(3),
    ),
    domain=ANY_K,
    scope="any k, any two symmetric positive definite covariances; at k = 1, 2, 3 once more with explicit entries",
    sources=("notes, Prop 1.5",),
    words="Four parts: how the spreads compare (a trace), minus what they would give if equal (k), how far the means "
    "are apart, measured by the second law, and the log-ratio of the volumes.",
)


@full_covariance.proves()
def _(line: Chain) -> None:
    first, second = gaussians(k)
    own = Quadratic(z - mu_p, cov_p**-1, z - mu_p)
    foreign = Quadratic(z - mu_q, cov_q**-1, z - mu_q)
    line(KL(first, second))
    line(
        Expect(first, LogDensity(first) - LogDensity(second)),
        by=definition,
        why="the divergence is the mean of the first log-density less the second, under the first law",
    )
    line(
        Expect(first, log_volumes + half * foreign - half * own),
        by=density,
        why="both normalisers carry (2 pi)^(k/2), which cancels; their determinants stay",
    )
    line(
        log_volumes
        + half * (Trace(cov_q**-1 * cov_p, k) + Quadratic(mu_p - mu_q, cov_q**-1, mu_p - mu_q))
        - half * Trace(cov_p**-1 * cov_p, k),
        by=[moments, trace_algebra],
        why="E (z - a)^T A (z - a) = tr(A S) + (m - a)^T A (m - a), for z ~ N(m, S); once with a = mu_q, once with m",
    )
    line(closed_form(k), by=trace_algebra, why="the trace of the identity is k; a quadratic form is even")


@full_covariance.proves(1)
def _(line: Chain) -> None:
    first, _ = gaussians(k)
    precision = cov_q**-1
    line(Expect(first, Quadratic(z - mu_q, precision, z - mu_q)))
    line(
        Expect(first, Quadratic(z, precision, z))
        - 2 * Quadratic(mu_p, precision, mu_q)
        + Quadratic(mu_q, precision, mu_q),
        by=[moments, trace_algebra],
        why="multiply out; the middle term is linear in z, so its mean puts mu_p for z",
    )
    line(
        Trace(precision * cov_p, k)
        + Quadratic(mu_p, precision, mu_p)
        - 2 * Quadratic(mu_p, precision, mu_q)
        + Quadratic(mu_q, precision, mu_q),
        by=[moments, trace_algebra],
        why="E z z^T = S_p + mu_p mu_p^T, and z^T A z = tr(A z z^T)",
    )
    line(
        Trace(precision * cov_p, k) + Quadratic(mu_p - mu_q, precision, mu_p - mu_q),
        by=trace_algebra,
        why="the last three terms are one square",
    )


def entry_by_entry(line: Chain, size: int) -> None:
    """The closed form from the entries of the matrices: no trace rule, only rows, columns and cofactors."""
    first, second = gaussians(size)

    def over_entries(body: sp.Expr) -> sp.Expr:
        return SumTo(SumTo(body, j, 1, size), i, 1, size)

    def form(word: sp.Expr, v: Any) -> sp.Expr:
        return over_entries(Entry(word, i, j) * Coord(v, i) * Coord(v, j))

    spread = over_entries(Entry(cov_q**-1, i, j) * Entry(cov_p, i, j)) + form(cov_q**-1, mu_p - mu_q)
    own = over_entries(Entry(cov_p**-1, i, j) * Entry(cov_p, i, j))
    line(KL(first, second))
    line(
        Expect(first, LogDensity(first) - LogDensity(second)),
        by=definition,
        why="the divergence is the mean of the first log-density less the second, under the first law",
    )
    line(
        Expect(first, log_volumes + half * form(cov_q**-1, z - mu_q) - half * form(cov_p**-1, z - mu_p)),
        by=[density, entries],
        why="the two exponents as sums over rows i and columns j",
    )
    line(
        log_volumes + half * spread - half * own,
        by=moments,
        why="the mean of (z - a)_i (z - a)_j is the entry (i, j) of S_p plus (mu_p - a)_i (mu_p - a)_j",
    )
    line(
        log_volumes + half * spread - half * size,
        by=[entries, cofactors(cov_p)],
        why="a row of S_p against its own cofactors gives the determinant, so each row contributes 1",
    )
    line(closed_form(size), by=entries, why="the diagonal of S_q^-1 S_p, and the quadratic form of the shift")


@full_covariance.proves(2)
def _(line: Chain) -> None:
    entry_by_entry(line, 1)


@full_covariance.proves(3)
def _(line: Chain) -> None:
    entry_by_entry(line, 2)


@full_covariance.proves(4)
def _(line: Chain) -> None:
    entry_by_entry(line, 3)


# --- isotropic --------------------------------------------------------------------------------------------------------

m_1, m_2 = vector("m_1"), vector("m_2")
v_1, v_2 = scalar("v_1", positive=True), scalar("v_2", positive=True)
narrow, wide = Normal(z, m_1, v_1), Normal(z, m_2, v_2)

isotropic = Claim(
    id="gaussian.kl.isotropic",
    title="KL between isotropic Gaussians",
    chapter="Gaussian divergences",
    kind="identity",
    says=(
        Statement(KL(narrow, wide), "=", Norm2(m_1 - m_2) / (2 * v_2) + d / 2 * (v_1 / v_2 - 1 - sp.log(v_1 / v_2))),
    ),
    domain=Domain({"v_1": POSITIVE, "v_2": POSITIVE}),
    scope="any dimension d, any two variances > 0",
    sources=("notes, 2.3.2", "journey, 2.2"),
    words="The distance of the means in units of the second law's spread, plus a penalty for unequal spreads that "
    "vanishes when they agree. Every term of the diffusion bound is of this kind.",
)


@isotropic.proves()
def _(line: Chain) -> None:
    line(KL(narrow, wide))
    line(
        Expect(narrow, LogDensity(narrow) - LogDensity(wide)),
        by=definition,
        why="the divergence is the mean of the first log-density less the second, under the first law",
    )
    line(
        Expect(narrow, Norm2(z - m_2) / (2 * v_2) - Norm2(z - m_1) / (2 * v_1) - d / 2 * sp.log(v_1 / v_2)),
        by=density,
        why="the normalisers differ by the power d/2 of v_1 / v_2",
    )
    line(
        (Norm2(m_1 - m_2) + d * v_1) / (2 * v_2) - d * v_1 / (2 * v_1) - d / 2 * sp.log(v_1 / v_2),
        by=moments,
        why="E |z - a|^2 = |m_1 - a|^2 + d v_1, with a = m_2 and with a = m_1",
    )
    line(
        Norm2(m_1 - m_2) / (2 * v_2) + d / 2 * (v_1 / v_2 - 1 - sp.log(v_1 / v_2)),
        by=algebra,
        why="collect what is multiplied by d/2",
    )
