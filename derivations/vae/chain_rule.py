"""The chain rule of divergences, and what it says of a data set: information that is paid for, and the mean code."""

from __future__ import annotations

from derivations.notation import absolute_continuity, integrable, obs, p, q, z
from derivations.rules import (
    KL,
    Chain,
    Claim,
    Expect,
    Statement,
    above,
    bayes,
    define,
    definition,
    gibbs,
    linearity,
    log_p,
    tower,
)

joint = q([obs, z])
log_q_x, log_q_z, log_q_code = log_p("q", obs), log_p("q", z), log_p("q", z, obs)
log_p_x, log_p_z, log_p_code = log_p("p", obs), log_p("p", z), log_p("p", z, obs)

chain_rule = Claim(
    id="kl.chain_rule",
    title="Divergences add along a factorisation",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            KL(joint, p([obs, z])),
            "=",
            KL(q(obs), p(obs)) + Expect(q(obs), KL(q(z, obs), p(z, obs))),
            words="of the first part, and on average of the second given the first",
        ),
        Statement(
            KL(q(obs), p(obs)),
            "<=",
            KL(joint, p([obs, z])),
            words="so what is forgotten cannot tell two laws further apart",
        ),
    ),
    hypotheses=(integrable, absolute_continuity),
    scope="any two joint densities p and q of x and z",
    sources=("Cover and Thomas 2006, Theorem 2.5.3",),
    words="How far two laws of a pair are apart is how far the laws of its first part are, plus how far the laws of "
    "the second part are once the first is known.",
)


@chain_rule.proves()
def _(line: Chain) -> None:
    line(KL(joint, p([obs, z])))
    line(
        Expect(joint, log_p("q", [obs, z]) - log_p("p", [obs, z])),
        by=definition,
        why="the divergence is the mean of log q - log p under q",
    )
    line(
        Expect(joint, log_q_x + log_q_code - log_p_x - log_p_code),
        by=bayes,
        why="each joint density is a marginal times a conditional",
    )
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_x - log_p_x + log_q_code - log_p_code)),
        by=tower,
        why="first draw x, then z given x",
    )
    line(
        Expect(q(obs), log_q_x - log_p_x + Expect(q(z, obs), log_q_code - log_p_code)),
        by=linearity,
        why="the first difference does not depend on z",
    )
    line(Expect(q(obs), log_q_x - log_p_x) + Expect(q(obs), Expect(q(z, obs), log_q_code - log_p_code)), by=linearity)
    line(
        KL(q(obs), p(obs)) + Expect(q(obs), KL(q(z, obs), p(z, obs))),
        by=definition,
        why="each mean of log q - log p under q is a divergence",
    )


@chain_rule.proves(1)
def _(line: Chain) -> None:
    line(KL(q(obs), p(obs)))
    line.le(
        KL(q(obs), p(obs)) + Expect(q(obs), KL(q(z, obs), p(z, obs))),
        by=gibbs,
        why="a divergence is never negative, nor is a mean of them",
    )
    line(KL(joint, p([obs, z])), by=above(0))


# --- the aggregated code ----------------------------------------------------------------------------------------------

Information = define("I_code", r"\mathrm I", lambda a, b: Expect(q(a), KL(q(b, a), q(b))), notation=False)

aggregate = Claim(
    id="vae.elbo.latent_term.aggregate",
    title="The latent term pays for information and for the aggregated code",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            Expect(q(obs), KL(q(z, obs), p(z))),
            "=",
            Information(obs, z) + KL(q(z), p(z)),
            words="q(z) is the encoder averaged over the data",
        ),
        Statement(
            Information(obs, z),
            "<=",
            Expect(q(obs), KL(q(z, obs), p(z))),
            words="so the latent term is a budget for what the code may say about x",
        ),
    ),
    hypotheses=(integrable,),
    scope="any data law q(x), any encoder q(z | x), any prior p(z)",
    sources=("Hoffman and Johnson 2016", "notes, Remark 1.4"),
    words="Averaged over the data, the divergence from the prior splits into the information that codes carry about "
    "the data and the distance of the mean encoder from the prior.",
)


@aggregate.proves()
def _(line: Chain) -> None:
    line(Expect(q(obs), KL(q(z, obs), p(z))))
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_code - log_p_z)),
        by=definition,
        why="the divergence is the mean of log q(z | x) - log p(z) over z ~ q(z | x)",
    )
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_code - log_q_z) + Expect(q(z, obs), log_q_z - log_p_z)),
        by=linearity,
        why="multiply and divide by q(z) inside the logarithm",
    )
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_code - log_q_z)) + Expect(q(obs), Expect(q(z, obs), log_q_z - log_p_z)),
        by=linearity,
    )
    line(
        Expect(q(obs), Expect(q(z, obs), log_q_code - log_q_z)) + Expect(q(z), log_q_z - log_p_z),
        by=tower,
        why="the second bracket knows z only: averaged over x, z has the law q(z)",
    )
    line(Information(obs, z) + KL(q(z), p(z)), by=definition)


@aggregate.proves(1)
def _(line: Chain) -> None:
    line(Information(obs, z))
    line.le(Information(obs, z) + KL(q(z), p(z)), by=gibbs)
    line(Expect(q(obs), KL(q(z, obs), p(z))), by=above(0))
