"""Exercises on guidance."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.guidance.classifier_free import conditioned, free, guidance, guided
from derivations.rules import NONZERO, REAL, Chain, Domain, Norm2, Statement, definition

ANY_WEIGHT = Domain({"guidance": REAL})

# --- backwards --------------------------------------------------------------------------------------------------------

undone = exercise(
    "guidance.undone",
    "The conditional output from the guided one",
    Statement(free + (guided(guidance, free, conditioned) - free) / guidance, "=", conditioned),
    domain=Domain({"guidance": NONZERO}),
)


@undone.proves()
def _(line: Chain) -> None:
    line(free + (guided(guidance, free, conditioned) - free) / guidance)
    line(conditioned, by=definition, why="the difference was multiplied by w and is divided by it, which is not 0")


# --- guide what is guided ---------------------------------------------------------------------------------------------

weights = exercise(
    "guidance.twice",
    "To guide a guided output multiplies the weights",
    Statement(guided(guidance, free, guided(guidance, free, conditioned)), "=", guided(guidance**2, free, conditioned)),
    domain=ANY_WEIGHT,
)


@weights.proves()
def _(line: Chain) -> None:
    line(guided(guidance, free, guided(guidance, free, conditioned)))
    line(
        free + guidance * (free + guidance * (conditioned - free) - free),
        by=definition,
        why="put the inner output for the conditional one",
    )
    line(guided(guidance**2, free, conditioned), by=definition)


# --- how far beyond ---------------------------------------------------------------------------------------------------

beyond = exercise(
    "guidance.beyond",
    "How far guidance goes beyond the conditional output",
    Statement(
        Norm2(guided(guidance, free, conditioned) - conditioned),
        "=",
        (guidance - 1) ** 2 * Norm2(conditioned - free),
    ),
    domain=ANY_WEIGHT,
)


@beyond.proves()
def _(line: Chain) -> None:
    line(Norm2(guided(guidance, free, conditioned) - conditioned))
    line(Norm2((guidance - 1) * (conditioned - free)), by=definition, why="both outputs lie on one line")
    line((guidance - 1) ** 2 * Norm2(conditioned - free), why="a number leaves a squared length as its square")
