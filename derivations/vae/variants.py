"""Other objectives of the VAE family: a heavier price for the code, and a code that nobody reads."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.notation import integrable, obs, p, q, z
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    Interval,
    Statement,
    above,
    by_claim,
    define,
    definition,
    gibbs,
    given,
    linearity,
    log_p,
    scalar,
)
from derivations.vae.evidence import ANY_DENSITIES, ELBO, LATENT_MODEL, encoded, encoder, log_decoder, log_evidence

weight = scalar("beta_vae", r"\beta")
price = KL(encoder, p(z))
AT_LEAST_ONE = Interval(sp.S.One, sp.oo, open_lo=False)

weighted = define(
    "ELBO_beta",
    r"\mathrm{ELBO}_\beta",
    lambda b, x: Expect(q(z, x), log_p("p", x, z)) - b * KL(q(z, x), p(z)),
    notation=False,
)

beta_bound = Claim(
    id="vae.beta.bound",
    title="A beta of 1 or more keeps a lower bound",
    chapter="Evidence lower bound",
    kind="inequality",
    says=(
        Statement(weighted(weight, obs), "=", ELBO(obs) - (weight - 1) * price, words="what the weight takes away"),
        Statement(weighted(weight, obs), "<=", ELBO(obs)),
        Statement(weighted(weight, obs), "<=", log_evidence),
    ),
    domain=Domain({"beta_vae": AT_LEAST_ONE}),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES + "; any beta >= 1",
    sources=("Higgins et al. 2017", "article, beta-VAE", "slides, beta-VAE"),
    words="A heavier price for the code lowers the objective by beta - 1 times the divergence. It stays a bound, a "
    "looser one; below 1 nothing of the kind holds.",
)


@beta_bound.proves()
def _(line: Chain) -> None:
    line(weighted(weight, obs))
    line(encoded(log_decoder) - weight * price, by=definition)
    line(encoded(log_decoder) - price - (weight - 1) * price, why="one price, and what is above it")
    line(ELBO(obs) - (weight - 1) * price, by=definition)


@beta_bound.proves(1)
def _(line: Chain) -> None:
    line(weighted(weight, obs))
    line(ELBO(obs) - (weight - 1) * price, by=above(0))
    line.le(ELBO(obs), by=gibbs, why="beta - 1 and the divergence are not negative")


@beta_bound.proves(2)
def _(line: Chain) -> None:
    line(weighted(weight, obs))
    line(ELBO(obs) - (weight - 1) * price, by=above(0))
    line(log_evidence - KL(encoder, p(z, obs)) - (weight - 1) * price, by=by_claim("vae.elbo.decomposition"))
    line.le(log_evidence, by=gibbs, why="two divergences, neither negative")


# --- collapse ---------------------------------------------------------------------------------------------------------


Table = dict[tuple[tuple[Any, ...], ...], Any]


def _shares(rng: Random, count: int) -> list[Fraction]:
    drawn = [rng.randint(1, 9) for _ in range(count)]
    return [Fraction(n, sum(drawn)) for n in drawn]


def deaf_decoder(rng: Random, n: int) -> World | None:
    """Two observations, two codes, independent under the model; any encoder."""
    if n % 2:  # others are drawn as for any claim, among them some in which the code is read
        return None
    x, code = _shares(rng, 2), _shares(rng, 2)
    bits: list[tuple[Any, ...]] = [(Fraction(b),) for b in (0, 1)]
    model: Table = {(a, b): x[i] * code[j] for i, a in enumerate(bits) for j, b in enumerate(bits)}
    rows = [_shares(rng, 2) for _ in bits]
    coded: Table = {(b, a): rows[i][j] / 2 for i, a in enumerate(bits) for j, b in enumerate(bits)}
    names = ("x_obs",), ("z",)
    cell = Fraction(1, 8)  # densities above 1 occur, so that a bound may have either sign
    laws = {"p": FiniteJoint(names, model, cell), "q": FiniteJoint(names[::-1], coded, cell)}
    return World(laws=laws, finite=frozenset({"x_obs", "z"}))


ignored = Hypothesis(
    "decoder ignores the code",
    "p(x | z) = p(x) for every z",
    log_p("p", obs, z),
    log_p("p", obs),
)

collapse = Claim(
    id="vae.posterior_collapse",
    title="Where the decoder ignores the code, the best encoder is the prior",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            ELBO(obs), "=", log_evidence - price, words="at most the log-evidence, and just that where q(z | x) = p(z)"
        ),
    ),
    hypotheses=(integrable, ignored),
    scope="any densities of the model whose decoder does not look at z, any encoder q(z | x)",
    sources=("notes, Remark 1.5", "article, Posterior collapse"),
    worlds=(deaf_decoder,),
    words="A code that is not read is only paid for. Then every divergence from the prior is a loss, and the encoder "
    "that costs nothing is the prior itself, for every x.",
)


@collapse.proves()
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(encoded(log_decoder) - price, by=definition)
    line(encoded(log_evidence) - price, by=given(ignored))
    line(log_evidence - price, by=linearity, why="log p(x) does not depend on z")
