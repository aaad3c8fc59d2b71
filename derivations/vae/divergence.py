"""The Kullback-Leibler divergence: never negative, zero only between equal laws, and what maximum likelihood minimises.

Any two laws of any variable, discrete or with densities; nothing here is Gaussian.
"""

from __future__ import annotations

import sympy as sp

from derivations.kernel.terms import LATEX
from derivations.notation import absolute_continuity, integrable, obs, p, q
from derivations.rules import (
    KL,
    AtMost,
    Chain,
    Claim,
    Density,
    Entropy,
    Equal,
    Expect,
    SameLaw,
    Statement,
    definition,
    linearity,
    log_p,
    mass,
    rearrange,
    scaled,
    tangent,
    vanishing_mean,
)

first, second = p(obs), q(obs)
log_weight = log_p("q", obs) - log_p("p", obs)  # log u, with u = q/p
weight = sp.exp(log_weight)

nonnegative = Claim(
    id="gaussian.kl.nonnegative",
    title="Nonnegativity of KL",
    chapter="Divergence",
    kind="inequality",
    says=(
        Statement(KL(first, second), ">=", 0),
        Statement(Equal(KL(first, second), 0), "iff", SameLaw(first, second), words="zero only between equal laws"),
    ),
    hypotheses=(integrable, absolute_continuity),
    scope="any two laws p and q, p absolutely continuous with respect to q (otherwise the divergence is infinite)",
    sources=("notes, Prop 1.2 (used)",),
    words="The logarithm lies below its tangent at 1. Average that over p, with the ratio u = q/p inside: the mean of "
    "u is at most 1, so the mean of -log u cannot be negative; and it is 0 only if u = 1 wherever p is not 0.",
)


@nonnegative.proves()
def _(line: Chain) -> None:
    line(KL(first, second))
    line(Expect(first, -log_weight), by=definition, why="the divergence is the mean of -log u under p")
    line.ge(Expect(first, 1 - weight), by=tangent, why="log u lies below its tangent u - 1 at u = 1")
    line(1 - Expect(first, weight), by=linearity, why="1 does not depend on x")
    line.ge(0, by=mass, why="p u = q where p > 0, so the mean of u is the part of q's mass that lies there")


@nonnegative.proves(1)
def _(line: Chain) -> None:
    line(Equal(KL(first, second), 0))
    line.iff(
        Equal(Expect(first, -log_weight), 0), by=definition, why="the divergence is the mean of log p - log q under p"
    )
    line.iff(
        Equal(Expect(first, weight - 1 - log_weight) + (1 - Expect(first, weight)), 0),
        by=[linearity, rearrange],
        why="add and subtract the mean of u - 1: now neither term can be negative",
    )
    line.iff(
        SameLaw(first, second),
        by=vanishing_mean,
        why="both terms must vanish; u - 1 - log u is 0 only at u = 1, so q = p wherever p > 0, and no mass is left",
    )


LATEX.update({"p_data": r"p_{\mathrm{data}}", "p_theta": r"p_\theta", "p_theta_prime": r"p_{\theta'}"})
data = Density("p_data", obs)
model, other = Density("p_theta", obs), Density("p_theta_prime", obs)
log_likelihood = Expect(data, log_p("p_theta", obs))
other_log_likelihood = Expect(data, log_p("p_theta_prime", obs))

maximum_likelihood = Claim(
    id="vae.mle.kl_equivalence",
    title="Minimising KL to the data law is maximum likelihood",
    chapter="Divergence",
    kind="identity",
    says=(
        Statement(KL(data, model), "=", -Entropy(data) - log_likelihood),
        Statement(
            KL(data, model) - KL(data, other),
            "=",
            other_log_likelihood - log_likelihood,
            words="two models: what one gains in divergence it loses in log-likelihood",
        ),
        Statement(
            AtMost(KL(data, model), KL(data, other)),
            "iff",
            AtMost(other_log_likelihood, log_likelihood),
            words="a model is at least as close to the data as another exactly when its log-likelihood is no smaller",
        ),
    ),
    hypotheses=(integrable, absolute_continuity),
    scope="any data law of finite entropy, any two models theta and theta'; 'same minimiser as maximiser' is the last "
    "statement for every pair of parameters: the order of the two objectives is reversed, by the factor -1",
    sources=("notes, 1.2.1",),
    words="The divergence from the data to a model is the data's entropy, which no parameter moves, short of the mean "
    "log-likelihood. To come closer to the data is to make them likelier.",
)


@maximum_likelihood.proves()
def _(line: Chain) -> None:
    line(KL(data, model))
    line(
        Expect(data, log_p("p_data", obs) - log_p("p_theta", obs)),
        by=definition,
        why="the divergence is the mean of log p_data - log p_theta under the data",
    )
    line(Expect(data, log_p("p_data", obs)) - log_likelihood, by=linearity, why="both means are finite")
    line(-Entropy(data) - log_likelihood, by=definition, why="the entropy is minus the mean of log p_data")


@maximum_likelihood.proves(1)
def _(line: Chain) -> None:
    line(KL(data, model) - KL(data, other))
    line(
        other_log_likelihood - log_likelihood,
        by=[definition, linearity],
        why="the first statement, for each of the two models: the entropy of the data cancels",
    )


@maximum_likelihood.proves(2)
def _(line: Chain) -> None:
    line(AtMost(KL(data, model), KL(data, other)))
    line.iff(
        AtMost(-Entropy(data) - log_likelihood, -Entropy(data) - other_log_likelihood),
        by=[definition, linearity],
        why="the first statement, on both sides",
    )
    line.iff(
        AtMost(other_log_likelihood, log_likelihood),
        by=scaled(sp.S.One),
        why="both right sides exceed their left sides by the same amount",
    )
