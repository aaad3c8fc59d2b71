"""Lists of rules to try on a line, ordered by what its terms contain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derivations import notation as N
from derivations import rules as R
from derivations.kernel.terms import DefinedFunction, is_vector
from derivations.rules import KL, BernoulliProduct, Density, Expect, FullNormal, Normal, SumTo
from threefold.check.goals import Goal


def strategies(goal: Goal) -> Iterator[list[Any]]:
    """Lists of rules, those that fit the terms first."""
    if goal.relation != "=":
        yield from _for_orders()
        return
    e = goal.both
    averages = bool(e.atoms(Expect) or e.atoms(KL) or e.atoms(DefinedFunction))
    laws = bool(e.atoms(Density))
    closed = bool(e.atoms(Normal) or e.atoms(R.DiagonalNormal) or e.atoms(FullNormal) or e.atoms(BernoulliProduct))
    sums = bool(e.atoms(SumTo))
    lists: list[list[Any]] = []
    for rule in _divergences(goal):
        lists += [[rule, R.linearity], [rule, R.algebra]]
    if averages and is_vector(goal.lhs) | is_vector(goal.rhs):
        lists += _vectors()
    if closed:
        lists += _gaussian(averages)
    if laws:
        lists += _probability(averages)
    if goal.chain and (laws or sums):
        lists += _chain(averages)
    if averages:
        lists += [
            [R.definition, R.algebra],
            [R.definition, R.linearity],
            [R.linearity],
            [R.composition, R.algebra],
        ]
    if goal.chain and (sums or e.atoms(R.ProductTo) or e.has(N.T)):
        lists += [[R.induction(N.T, 1)], [R.definition, R.induction(N.T, 1)]]
    if e.atoms(R.D):
        lists.append([R.differentiation, R.algebra])
    yield from lists


def _gaussian(averages: bool) -> list[list[Any]]:
    de, dn, mo, al, li, tr = (
        R.definition,
        R.density,
        R.moments,
        R.algebra,
        R.linearity,
        R.trace_algebra,
    )
    latent = R.reparameterize(N.eps, N.mu_phi(N.obs), N.std_phi(N.obs))
    lists: list[list[Any]] = [[dn, al]]
    if averages:
        lists += [
            [R.composition, al],
            [de, dn, al],
            [de, dn, li],
            [de, dn, mo, al],
            [de, dn, tr, mo, tr],
            [R.reparameterize(N.eps), al],
            [de, R.reparameterize(N.eps), li],
            [latent, al],
            [de, dn, li, latent, li],
            [de, dn, R.reparameterize(N.eps), li],
        ]
    return lists


def _vectors() -> list[list[Any]]:
    """Means of vectors: linear, Gaussian ones taken first, and what is averaged outside of them then."""
    vl, mo, al, to = R.vector_linearity, R.moments, R.algebra, R.tower
    return [[vl], [vl, mo], [vl, mo, vl], [to, vl, al], [to, vl, mo, vl]]


def _probability(averages: bool) -> list[list[Any]]:
    de, by, li, to, al = R.definition, R.bayes, R.linearity, R.tower, R.algebra
    lists: list[list[Any]] = [[by, al]]
    if averages:
        lists += [
            [de, al],
            [de, li],
            [de, by, al],
            [de, by, li],
            [de, to, li],
            [de, li, to, to],
            [de, by, li, to],
            [R.importance, al],
            [R.total_probability, al],
            [de, R.importance],
        ]
    return lists


def _chain(averages: bool) -> list[list[Any]]:
    de, by, li, to, al = R.definition, R.bayes, R.linearity, R.tower, R.algebra
    gf, gr, gm = (
        R.given(N.forward_factorisation),
        R.given(N.reverse_factorisation),
        R.given(N.forward_markov),
    )
    up = R.induction(N.T, 1)
    lists: list[list[Any]] = [
        [gm, al],
        [by, gm, al],
        [gm, by, al],
        [gf, gm, al],
        [gr, al],
        [gr, gf, gm, al],
    ]
    if averages:
        lists += [
            [de, gr, gf, al],
            [de, gr, gf, gm, al],
            [de, gf, gm, by, al],
            [de, gr, gf, li],
            [de, gr, gf, gm, li],
            [de, gr, gf, by, li, to],
            [de, gr, gf, by, up],
            [de, gr, gf, by, li, to, up],
            [de, by, gr, gf, gm, li, to],
        ]
    lists += [
        [gr, gf, gm, up],
        [gr, gf, by, up],
        [de, gr, by, up],
        [R.exponents, gf, by, up],
        [de, gr, gf, by, R.exponents, up],
    ]
    return lists


def _for_orders() -> Iterator[list[Any]]:
    de, by, li = R.definition, R.bayes, R.linearity
    yield from (
        [R.jensen],
        [R.mass],
        [R.gibbs],
        [de, li, R.gibbs],
        [de, by, li, R.gibbs],
        [R.positivity],
    )


def _divergences(goal: Goal) -> list[Any]:
    """The closed form of a divergence between two Gaussians, matched to the ones that stand there."""
    from derivations.vae.gaussian_kl import cov_p, cov_q, m_1, m_2, mu_p, mu_q, v_1, v_2

    found = []
    for divergence in goal.both.atoms(KL):
        p, q = divergence.args
        if isinstance(p, Normal) and isinstance(q, Normal):
            at = {
                N.z: p.args[0],
                m_1: p.args[1],
                v_1: p.args[2],
                m_2: q.args[1],
                v_2: q.args[2],
            }
            found.append(R.by_claim("gaussian.kl.isotropic", at=at))
        elif isinstance(p, FullNormal) and isinstance(q, FullNormal):
            at = {N.z: p.args[0], mu_p: p.args[1], cov_p: p.args[2], mu_q: q.args[1], cov_q: q.args[2]}
            found.append(R.by_claim("gaussian.kl.full_covariance", at=at))
    return found
