"""Exercises on divergences of pairs."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.notation import absolute_continuity, integrable, obs, p, q, z
from derivations.rules import KL, Chain, Expect, Statement, bayes, definition, linearity, log_p, tower
from derivations.vae.chain_rule import Information, joint, log_p_code, log_p_x, log_q_code, log_q_x, log_q_z

# --- the same divergence, taken apart the other way round -------------------------------------------------------------

by_code = KL(q(z), p(z)) + Expect(q(z), KL(q(obs, z), p(obs, z)))
by_image = KL(q(obs), p(obs)) + Expect(q(obs), KL(q(z, obs), p(z, obs)))

other_way = exercise(
    "price.other_way_round",
    "Image first or code first",
    Statement(by_code, "=", by_image),
    hypotheses=(integrable, absolute_continuity),
)


@other_way.proves()
def _(line: Chain) -> None:
    log_q_image, log_p_image = log_p("q", obs, z), log_p("p", obs, z)
    line(by_code)
    line(
        Expect(q(z), log_q_z - log_p("p", z)) + Expect(q(z), Expect(q(obs, z), log_q_image - log_p_image)),
        by=definition,
        why="each divergence is the mean of log q - log p under q, for the image inside that of the code",
    )
    line(
        Expect(joint, log_q_z - log_p("p", z) + log_q_image - log_p_image),
        by=[linearity, tower],
        why="first the code, then the image: averages over the pair",
    )
    line(
        Expect(joint, log_q_x - log_p_x + log_q_code - log_p_code),
        by=bayes,
        why="each joint density, taken apart the other way",
    )
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_x - log_p_x + log_q_code - log_p_code)),
        by=tower,
        why="first the image, then the code",
    )
    line(Expect(q(obs), log_q_x - log_p_x + Expect(q(z, obs), log_q_code - log_p_code)), by=linearity)
    line(Expect(q(obs), log_q_x - log_p_x) + Expect(q(obs), Expect(q(z, obs), log_q_code - log_p_code)), by=linearity)
    line(by_image, by=definition, why="each mean of log q - log p under q is a divergence")


# --- what each knows of the other -------------------------------------------------------------------------------------

symmetric = exercise(
    "price.symmetric",
    "The code knows as much of the image as the image of the code",
    Statement(Information(obs, z), "=", Information(z, obs)),
    hypotheses=(integrable,),
)


@symmetric.proves()
def _(line: Chain) -> None:
    line(Information(obs, z))
    line(Expect(q(obs), Expect(q(z, obs), log_q_code - log_q_z)), by=definition)
    line(Expect(joint, log_q_code - log_q_z), by=tower, why="an average over the pair")
    line(
        Expect(joint, log_p("q", obs, z) - log_q_x),
        by=bayes,
        why="both are the log of the joint density over the product of the two marginals",
    )
    line(Expect(q(z), Expect(q(obs, z), log_p("q", obs, z) - log_q_x)), by=tower)
    line(Information(z, obs), by=definition)
