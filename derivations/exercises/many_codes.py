"""Exercises on many draws of the code."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import common_support, integrable
from derivations.rules import Chain, Statement, bayes, importance, linearity
from derivations.vae.evidence import encoded, log_encoder, log_evidence, log_joint, log_posterior

weight, evidence = sp.exp(log_joint - log_encoder), sp.exp(log_evidence)

# --- draws that all say the same --------------------------------------------------------------------------------------

same_weight = exercise(
    "many_codes.same_weight",
    "Draws from the model's own posterior all have one weight",
    Statement(sp.exp(log_joint - log_posterior), "=", evidence),
)


@same_weight.proves()
def _(line: Chain) -> None:
    line(sp.exp(log_joint - log_posterior))
    line(evidence, by=bayes, why="the joint density over the posterior's is the evidence, whatever the code")


# --- how much they scatter --------------------------------------------------------------------------------------------

scatter = exercise(
    "many_codes.scatter",
    "How much the weights scatter",
    Statement(encoded((weight - evidence) ** 2), "=", encoded(weight**2) - evidence**2),
    hypotheses=(integrable, common_support),
)


@scatter.proves()
def _(line: Chain) -> None:
    line(encoded((weight - evidence) ** 2))
    line(
        encoded(weight**2) - 2 * evidence * encoded(weight) + evidence**2,
        by=linearity,
        why="the evidence does not depend on the code",
    )
    line(encoded(weight**2) - evidence**2, by=importance, why="the mean weight is the evidence")
