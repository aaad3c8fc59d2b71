"""Exercises on the evidence and its bounds."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import absolute_continuity, common_support, integrable, obs, p, z
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    Chain,
    Expect,
    Statement,
    bayes,
    by_claim,
    definition,
    importance,
    linearity,
)
from derivations.vae.evidence import ELBO, encoded, encoder, log_encoder, log_evidence, log_joint, log_posterior

posterior = p(z, obs)
weight = sp.exp(log_joint - log_encoder)


def everywhere_positive(rng: Random, n: int) -> World:
    """Two images, two codes, and two laws under which all four pairs happen, so that one may average over either."""
    bits: list[tuple[Any, ...]] = [(Fraction(b),) for b in (0, 1)]
    pairs: list[tuple[Any, ...]] = [(x, code) for x in bits for code in bits]
    names = ("x_obs",), ("z",)

    cell = Fraction(1, 8) if n % 2 else Fraction(1)  # densities above 1 occur, so that logarithms have either sign

    def drawn() -> FiniteJoint:
        counts = [rng.randint(1, 9) for _ in pairs]
        shares = {pair: Fraction(count, sum(counts)) for pair, count in zip(pairs, counts, strict=True)}
        return FiniteJoint(names, shares, cell)

    return World(laws={"p": drawn(), "q": drawn()}, finite=frozenset({"x_obs", "z"}))


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
    line(log_evidence + KL(posterior, encoder), by=definition, why="a divergence, read the other way: never negative")


# --- between the two --------------------------------------------------------------------------------------------------

both_sides = exercise(
    "evidence.both_sides",
    "The two bounds are apart by both divergences",
    Statement(
        Expect(posterior, log_joint - log_encoder) - ELBO(obs), "=", KL(posterior, encoder) + KL(encoder, posterior)
    ),
    hypotheses=(integrable, absolute_continuity),
    worlds=(everywhere_positive,),
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
    line(
        log_evidence + KL(posterior, encoder) - ELBO(obs),
        by=definition,
        why="the mean of log p(z | x) - log q(z | x) under p is their divergence",
    )
    line(
        KL(posterior, encoder) + KL(encoder, posterior),
        by=by_claim("vae.elbo.decomposition"),
        why="the evidence is above the bound by the other",
    )
