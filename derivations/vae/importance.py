"""Many draws of the code: the importance-weighted bounds lie between the ELBO and the evidence."""

from __future__ import annotations

import sympy as sp

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.notation import common_support, integrable, obs, q, z
from derivations.rules import (
    Block,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    Statement,
    SumTo,
    bayes,
    definition,
    draws,
    importance,
    jensen,
    linearity,
    log_p,
    log_tangent,
    monotone,
    one_draw,
    tower,
)
from derivations.vae.evidence import ELBO, log_evidence

K, k, j = (sp.Symbol(name, integer=True, positive=True) for name in ("K", "n", "n_other"))
codes = draws("code_draw", z, "z")
alike = Hypothesis(
    "alike draws",
    ASSUMPTIONS["alike draws"],
    needed_because="codes that are drawn from other laws are weighted by another encoder's density",
)
DRAWS = Domain(indices={K: (sp.Integer(1), sp.oo)})


def log_weight(code: sp.Expr) -> sp.Expr:
    """log of p(x, z) / q(z | x)."""
    return log_p("p", [obs, code]) - log_p("q", code, obs)


def over_draws(body: sp.Expr) -> sp.Expr:
    """Average over K codes, all drawn from the encoder."""
    return Expect(q(Block(codes, 1, K), obs), body)


mean_weight = SumTo(sp.exp(log_weight(codes(k))), k, 1, K) / K
bound = over_draws(sp.log(mean_weight))

code, log_prior = q(z, obs), log_p("p", z)
one = Expect(code, log_weight(z))


def to_one_draw(line: Chain) -> None:
    """The ELBO as the mean logarithm of one weight."""
    log_decoder, log_encoder = log_p("p", obs, z), log_p("q", z, obs)
    line(ELBO(obs))
    line(Expect(code, log_decoder) - Expect(code, log_encoder - log_prior), by=definition)
    line(Expect(code, log_decoder + log_prior - log_encoder), by=linearity)
    line(one, by=bayes)


iwae = Claim(
    id="iwae.bounds",
    title="Importance-weighted bounds lie between the ELBO and the evidence",
    chapter="Evidence lower bound",
    kind="inequality",
    says=(
        Statement(bound, "<=", log_evidence, name="above", words="however many draws, it stays a lower bound"),
        Statement(ELBO(obs), "<=", bound, name="below", words="and it is never worse than the bound of one draw"),
        Statement(
            ELBO(obs),
            "=",
            Expect(q(codes(1), obs), sp.log(SumTo(sp.exp(log_weight(codes(k))), k, 1, 1))),
            name="one",
            words="which is what it is with one draw",
        ),
        Statement(
            over_draws(mean_weight),
            "=",
            sp.exp(log_evidence),
            name="unbiased",
            words="the mean weight itself estimates the evidence without bias: only the logarithm makes it a bound",
        ),
    ),
    domain=DRAWS,
    hypotheses=(integrable, common_support, alike),
    scope="any densities of the model, any encoder that covers them, any number K of draws, independent or not",
    sources=("Burda et al. 2016 (IWAE), theorem 1",),
    words="Averaging weights inside the logarithm forgives codes that miss: one good code among K is enough. That the "
    "bound grows with every further draw needs the draws to be interchangeable, and is not stated here.",
)


@iwae.proves("above")
def _(line: Chain) -> None:
    line(bound)
    line.le(sp.log(over_draws(mean_weight)), by=jensen, why="the logarithm is concave")
    line(sp.log(SumTo(over_draws(sp.exp(log_weight(codes(k)))), k, 1, K) / K), by=linearity)
    line(
        sp.log(SumTo(Expect(q(codes(k), obs), sp.exp(log_weight(codes(k)))), k, 1, K) / K),
        by=tower,
        why="each weight knows its own code only",
    )
    line(sp.log(SumTo(sp.exp(log_evidence), k, 1, K) / K), by=importance, why="q cancels")
    line(log_evidence, why="the mean of K equal numbers")


@iwae.proves("below")
def _(line: Chain) -> None:
    relative = sp.exp(log_weight(codes(k))) / (SumTo(sp.exp(log_weight(codes(j))), j, 1, K) / K)
    mean = SumTo(sp.exp(log_weight(codes(j))), j, 1, K) / K
    to_one_draw(line)
    line(SumTo(one, k, 1, K) / K, why="the mean of K equal numbers")
    line(SumTo(Expect(q(codes(k), obs), log_weight(codes(k))), k, 1, K) / K, by=one_draw)
    line(SumTo(over_draws(log_weight(codes(k))), k, 1, K) / K, by=tower)
    line(over_draws(SumTo(log_weight(codes(k)), k, 1, K) / K), by=linearity)
    line(
        over_draws(SumTo(sp.log(mean) + sp.log(relative), k, 1, K) / K),
        why="each weight, relative to the mean of all",
    )
    line.le(
        over_draws(SumTo(sp.log(mean) + relative - 1, k, 1, K) / K),
        by=monotone(log_tangent),
        why="log u <= u - 1",
    )
    line(bound, why="relative weights have mean 1")


@iwae.proves("one")
def _(line: Chain) -> None:
    to_one_draw(line)
    line(Expect(q(codes(1), obs), log_weight(codes(1))), by=one_draw)
    line(
        Expect(q(codes(1), obs), sp.log(SumTo(sp.exp(log_weight(codes(k))), k, 1, 1))),
        why="with one draw the sum has one term",
    )


@iwae.proves("unbiased")
def _(line: Chain) -> None:
    line(over_draws(mean_weight))
    line(SumTo(over_draws(sp.exp(log_weight(codes(k)))), k, 1, K) / K, by=linearity)
    line(SumTo(Expect(q(codes(k), obs), sp.exp(log_weight(codes(k)))), k, 1, K) / K, by=tower)
    line(SumTo(sp.exp(log_evidence), k, 1, K) / K, by=importance)
    line(sp.exp(log_evidence), why="K equal terms, divided by K")
