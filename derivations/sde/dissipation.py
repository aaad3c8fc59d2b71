"""Two laws under one diffusion: at which rate they become one, and what is left of their difference afterwards."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.flow.continuity import moment, pace, residual
from derivations.notation import absolute_continuity, decay, integrable, interchange_hypothesis, obs, p, q, smooth, z
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    NONNEGATIVE,
    Chain,
    Claim,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Hypothesis,
    Inner,
    Jvp,
    Norm2,
    Statement,
    above,
    bayes,
    by_claim,
    by_parts,
    definition,
    gibbs,
    given,
    linearity,
    log_p,
    mean_derivative,
    scalar,
    tower,
    vector_calculus,
    vector_function,
)
from derivations.score.functions import noisy

# --- the rate ---------------------------------------------------------------------------------------------------------

drift = vector_function("common_drift", "f")(noisy, moment)
intake = scalar("noise_intake", "g")
law, other = Density("q", noisy, moment), Density("p", noisy, moment)
log_q, log_other = log_p("q", noisy, moment), log_p("p", noisy, moment)
lead = log_q - log_other
flow, other_flow = (drift - intake**2 / 2 * Grad(e, noisy) for e in (log_q, log_other))
left, other_left = residual(log_q, flow), residual(log_other, other_flow)

dissipation = Claim(
    id="sde.kl_dissipation",
    title="Two laws under one diffusion: the rate at which their divergence falls",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            Jvp(KL(law, other), moment, pace),
            "=",
            -(intake**2) / 2 * Expect(law, Norm2(Grad(lead, noisy))) + Expect(law, lead * left - other_left),
            words="half the noise times the Fisher divergence of the two is lost, and besides only what is left of "
            "their Fokker-Planck equations counts: nothing, if both move by dx = f dt + g dw",
        ),
    ),
    domain=Domain({"noise_intake": NONNEGATIVE}),
    hypotheses=(smooth, decay, integrable, interchange_hypothesis, absolute_continuity),
    scope="any dimension d, any smooth drift f(x, tau), any noise g >= 0 that is the same everywhere, any two smooth "
    "densities without flux at infinity; time is a parameter tau, and it moves along w",
    sources=("Song et al. 2021b (score SDE)", "derived here"),
    words="Only the noise makes two laws alike. The drift moves both, and under a common flow, g = 0, their divergence "
    "stays what it is.",
)


@dissipation.proves()
def _(line: Chain) -> None:
    moves, other_moves = Jvp(log_q, moment, pace), Jvp(log_other, moment, pace)
    score, apart = Grad(log_q, noisy), Grad(lead, noisy)
    rest = Expect(law, lead * left - other_left)
    line(Jvp(KL(law, other), moment, pace))
    line(Jvp(Expect(law, lead), moment, pace), by=definition, why="the divergence is the mean of log q - log p under q")
    line(
        Expect(law, (1 + lead) * moves - other_moves),
        by=(mean_derivative, vector_calculus),
        why="the law that is averaged over moves, and what is averaged",
    )
    line(
        Jvp(Expect(law, sp.S.One), moment, pace) + Expect(law, lead * moves - other_moves),
        by=(mean_derivative, vector_calculus, linearity),
    )
    line(
        Expect(law, lead * moves - other_moves),
        by=(linearity, vector_calculus),
        why="a density integrates to 1 at every time",
    )
    line(
        Expect(law, lead * left - other_left)
        + Expect(
            law,
            -lead * (Div(flow, noisy) + Inner(flow, score))
            + Div(other_flow, noisy)
            + Inner(other_flow, Grad(log_other, noisy)),
        ),
        by=linearity,
        why="what is left, and what the two flows do",
    )
    line(
        rest
        + Expect(
            law,
            -Div(lead * flow, noisy)
            - Inner(lead * flow, score)
            + Inner(flow, apart)
            + Div(other_flow, noisy)
            + Inner(other_flow, score)
            - Inner(other_flow, apart),
        ),
        by=vector_calculus,
    )
    line(
        rest + Expect(law, Inner(flow - other_flow, apart)),
        by=(vector_calculus, by_parts, vector_calculus, by_parts, linearity),
        why="a divergence and its field along the score are a flux at infinity: twice nothing",
    )
    line(
        rest + Expect(law, -(intake**2) / 2 * Norm2(apart)),
        by=vector_calculus,
        why="the drift is in both flows and cancels",
    )
    line(-(intake**2) / 2 * Expect(law, Norm2(apart)) + rest, by=linearity)


# --- what a common sampler forgets ------------------------------------------------------------------------------------

one_sampler = Hypothesis(
    "one sampler",
    "what is made from a noisy point does not depend on where that point came from",
    log_p("q", z, obs),
    log_p("p", z, obs),
)


def one_table(rng: Random, n: int) -> World:
    """Two laws of two noisy points, and one table of what is made from each: at times nearly a bijection."""

    def shares(low: int, high: int) -> list[Fraction]:
        weights = [rng.randint(low, high), 9]
        return [Fraction(w, sum(weights)) for w in weights]

    nearly = Fraction(1, 200)
    made = [[1 - nearly, nearly], [nearly, 1 - nearly]] if n % 2 == 0 else [shares(1, 9), shares(1, 9)]

    def law(first: list[Fraction]) -> FiniteJoint:
        table: dict[Any, Any] = {
            ((Fraction(i),), (Fraction(j),)): first[i] * made[i][j] for i in range(2) for j in range(2)
        }
        return FiniteJoint((("x_obs",), ("z",)), table)

    firsts = [shares(1, 2), shares(8, 12)]
    laws = dict(zip("qp" if n % 4 < 2 else "pq", map(law, firsts), strict=True))
    return World(1, seed=n, laws=laws, finite=frozenset({"x_obs", "z"}))


joint = q([obs, z])

processing = Claim(
    id="sdedit.data_processing",
    title="Editing by noise: the output is no farther from the data than the noised guide",
    chapter="SDE",
    kind="inequality",
    says=(
        Statement(
            KL(q(obs), p(obs)),
            "=",
            KL(q(z), p(z)) + Expect(q(z), KL(q(obs, z), p(obs, z))),
            name="kept",
            words="a sampler that is the same for both loses only what its output does not tell of its input: nothing, "
            "where it is a bijection, as the flow is",
        ),
        Statement(
            KL(q(z), p(z)),
            "<=",
            KL(q(obs), p(obs)),
            name="order",
            words="so the output is at most as far from the data's law as the noised guide is from the noised data",
        ),
    ),
    hypotheses=(one_sampler, integrable, absolute_continuity),
    worlds=(one_table,),
    scope="any laws q and p of a noisy point x, any sampler from x to z, random or not; the same with x the guide, z "
    "its noised copy and the noising as the sampler",
    sources=("Meng et al. 2022 (SDEdit)", "Cover and Thomas 2006, Theorem 2.8.1"),
    words="Noising brings guide and data together, sampling does not drive them apart again. More noise gives a more "
    "faithful picture, and one that has less to do with the guide.",
)


@processing.proves("kept")
def _(line: Chain) -> None:
    made, behind = log_p("q", z) - log_p("p", z), log_p("q", obs, z) - log_p("p", obs, z)
    again = Expect(q(obs), KL(q(z, obs), p(z, obs)))
    line(KL(q(obs), p(obs)))
    line(KL(q(obs), p(obs)) + Expect(q(obs), Expect(q(z, obs), log_p("q", z, obs) - log_p("q", z, obs))), by=linearity)
    line(
        KL(q(obs), p(obs)) + Expect(q(obs), Expect(q(z, obs), log_p("q", z, obs) - log_p("p", z, obs))),
        by=given(one_sampler),
    )
    line(
        KL(q(obs), p(obs)) + again,
        by=definition,
        why="the inner mean of log q - log p is the divergence of the two conditional laws",
    )
    line(KL(joint, p([obs, z])), by=by_claim("kl.chain_rule"))
    line(
        Expect(joint, log_p("q", [obs, z]) - log_p("p", [obs, z])),
        by=definition,
        why="the divergence of the pairs is the mean of log q - log p under q",
    )
    line(Expect(joint, made + behind), by=bayes, why="now split the other way: the output first")
    line(Expect(q(z), Expect(q(obs, z), made + behind)), by=tower)
    line(Expect(q(z), made + Expect(q(obs, z), behind)), by=linearity)
    line(Expect(q(z), made) + Expect(q(z), Expect(q(obs, z), behind)), by=linearity)
    line(
        KL(q(z), p(z)) + Expect(q(z), KL(q(obs, z), p(obs, z))),
        by=definition,
        why="both means of log q - log p under q are divergences",
    )


@processing.proves("order")
def _(line: Chain) -> None:
    line(KL(q(z), p(z)))
    line.le(KL(q(z), p(z)) + Expect(q(z), KL(q(obs, z), p(obs, z))), by=gibbs)
    line(KL(q(obs), p(obs)), by=above("kept"))
