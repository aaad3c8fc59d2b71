"""Exercises on the evidence and its bounds."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import absolute_continuity, common_support, integrable, obs, p, z
from derivations.rules import (
    KL,
    Chain,
    Expect,
    Statement,
    above,
    bayes,
    by_claim,
    definition,
    gibbs,
    importance,
    linearity,
)
from derivations.vae.evidence import ELBO, encoded, encoder, log_encoder, log_evidence, log_joint, log_posterior

posterior = p(z, obs)
weight = sp.exp(log_joint - log_encoder)

# --- an estimate that is right on average -----------------------------------------------------------------------------

unbiased = exercise(
    "evidence.unbiased",
    "The weight of a code is the evidence on average",
    Statement(encoded(weight), "=", sp.exp(log_evidence)),
    hypotheses=(integrable, common_support),
)


@unbiased.proves()
def _(line: Chain) -> None:
    line(encoded(weight))
    line(
        sp.exp(log_evidence),
        by=importance,
        why="q cancels under the integral, and p(x, z) integrated over z is p(x)",
    )


# --- the other side ---------------------------------------------------------------------------------------------------

from_above = exercise(
    "evidence.from_above",
    "The same average under the model's posterior bounds from above",
    Statement(Expect(posterior, log_joint - log_encoder), "=", log_evidence + KL(posterior, encoder)),
    Statement(Expect(posterior, log_joint - log_encoder), ">=", log_evidence, words="so it is an upper bound"),
    kind="inequality",
    hypotheses=(integrable, absolute_continuity),
)


@from_above.proves()
def _(line: Chain) -> None:
    line(Expect(posterior, log_joint - log_encoder))
    line(
        Expect(posterior, log_evidence + log_posterior - log_encoder),
        by=bayes,
        why="the joint density is the evidence times the posterior's density",
    )
    line(
        log_evidence + Expect(posterior, log_posterior - log_encoder),
        by=linearity,
        why="the evidence does not depend on z",
    )
    line(log_evidence + KL(posterior, encoder), by=definition, why="what is left is a divergence, read the other way")


@from_above.proves(1)
def _(line: Chain) -> None:
    line(Expect(posterior, log_joint - log_encoder))
    line(log_evidence + KL(posterior, encoder), by=above())
    line.ge(log_evidence, by=gibbs, why="a divergence is never negative")


# --- between the two --------------------------------------------------------------------------------------------------

both_sides = exercise(
    "evidence.both_sides",
    "The two bounds are apart by both divergences",
    Statement(
        Expect(posterior, log_joint - log_encoder) - ELBO(obs), "=", KL(posterior, encoder) + KL(encoder, posterior)
    ),
    hypotheses=(integrable, absolute_continuity),
)


@both_sides.proves()
def _(line: Chain) -> None:
    line(Expect(posterior, log_joint - log_encoder) - ELBO(obs))
    line(Expect(posterior, log_evidence + log_posterior - log_encoder) - ELBO(obs), by=bayes)
    line(
        log_evidence + Expect(posterior, log_posterior - log_encoder) - ELBO(obs),
        by=linearity,
        why="the evidence does not depend on z",
    )
    line(log_evidence + KL(posterior, encoder) - ELBO(obs), by=definition)
    line(
        KL(posterior, encoder) + KL(encoder, posterior),
        by=by_claim("vae.elbo.decomposition"),
        why="the evidence is above the bound by the other",
    )
