"""The evidence lower bound of a latent-variable model: what it is, bounds and misses, and when it misses nothing.

Any densities: p is the model's joint law of an observation x and its latent z (with its marginals and conditionals),
q(z | x) any encoder. Parameters are not written: every statement holds for each value of them.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import absolute_continuity, integrable, obs, p, q, z
from derivations.rules import (
    KL,
    Chain,
    Claim,
    Entropy,
    Equal,
    Expect,
    SameLaw,
    Statement,
    above,
    bayes,
    by_claim,
    define,
    definition,
    gibbs,
    jensen,
    linearity,
    log_p,
    mass,
    rearrange,
    zero_divergence,
)

encoder = q(z, obs)
log_encoder = log_p("q", z, obs)
log_joint = log_p("p", [obs, z])
log_decoder = log_p("p", obs, z)
log_prior = log_p("p", z)
log_posterior = log_p("p", z, obs)
log_evidence = log_p("p", obs)


def encoded(body: sp.Expr) -> sp.Expr:
    """The mean over the encoder's law of z given x."""
    return Expect(encoder, body)


def evidence_bound(x: sp.Expr) -> sp.Expr:
    return Expect(q(z, x), log_p("p", x, z)) - KL(q(z, x), p(z))


ELBO = define("ELBO_vae", r"\mathrm{ELBO}", evidence_bound, notation=False)
gap = KL(encoder, p(z, obs))
log_weight = log_joint - log_encoder  # log of the importance weight p(x, z) / q(z | x)

LATENT_MODEL = (integrable, absolute_continuity)
ANY_DENSITIES = "any densities of the model, any encoder q(z | x) that vanishes wherever the model's densities do"

elbo_definition = Claim(
    id="vae.elbo.definition",
    title="Evidence lower bound: reconstruction minus KL",
    chapter="Evidence lower bound",
    kind="definition",
    says=(
        Statement(ELBO(obs), "=", encoded(log_decoder) - KL(encoder, p(z))),
        Statement(
            ELBO(obs),
            "=",
            encoded(log_decoder + log_prior - log_encoder),
            words="the same, under one expectation",
        ),
    ),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES,
    sources=(
        "notes, Def 1.1",
        "journey, 1.2",
        "article, ELBO",
        "slides, VAE loss function (negated)",
        "staircase, The Anchor",
    ),
    words="How well x is reconstructed from its code, on average over the codes the encoder draws, minus the price of "
    "letting the code depend on x at all: the divergence of the encoder from the prior. In nats, summed over x and z.",
)


@elbo_definition.proves()
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(encoded(log_decoder) - KL(encoder, p(z)), by=definition)


@elbo_definition.proves(1)
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(encoded(log_decoder) - KL(encoder, p(z)), by=above())
    line(encoded(log_decoder) - encoded(log_encoder - log_prior), by=definition, why="spell out the divergence")
    line(encoded(log_decoder + log_prior - log_encoder), by=linearity, why="both expectations are over z ~ q(z | x)")


joint_form = Claim(
    id="vae.elbo.joint_form",
    title="Compact form of the ELBO",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(ELBO(obs), "=", encoded(log_joint - log_encoder)),
        Statement(
            ELBO(obs),
            "=",
            encoded(log_joint) + Entropy(encoder),
            words="the mean log-joint plus the entropy of the encoder",
        ),
    ),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES,
    sources=("notes, Remark 1.3",),
    words="Decoder times prior is the joint law, so the bound is the mean log of one ratio: the importance weight "
    "p(x, z) / q(z | x). This is the form that generalises to diffusion models.",
)


@joint_form.proves()
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(
        encoded(log_decoder + log_prior - log_encoder),
        by=by_claim("vae.elbo.definition", 1),
        why="the definition, under one expectation",
    )
    line(encoded(log_joint - log_encoder), by=bayes, why="p(x | z) p(z) = p(x, z)")


@joint_form.proves(1)
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(encoded(log_joint - log_encoder), by=above())
    line(encoded(log_joint) - encoded(log_encoder), by=linearity)
    line(
        encoded(log_joint) + Entropy(encoder),
        by=[linearity, definition],
        why="the entropy of q(z | x) is minus the mean of its logarithm",
    )


decomposition = Claim(
    id="vae.elbo.decomposition",
    title="Log-evidence = ELBO + KL to the model posterior",
    chapter="Evidence lower bound",
    kind="identity",
    says=(Statement(log_evidence, "=", ELBO(obs) + gap),),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES,
    sources=("notes, Prop 1.2", "notes, 1.2.4", "staircase, The Anchor ('multiply by 1, and split')"),
    words="The log-evidence does not depend on the encoder. It splits into the bound and a gap: how far the encoder is "
    "from the model's own posterior p(z | x). Raising the bound by q alone closes the gap and does nothing else.",
)


@decomposition.proves()
def _(line: Chain) -> None:
    line(log_evidence)
    line(encoded(log_evidence), by=linearity, why="log p(x) does not depend on z, and q(z | x) integrates to 1")
    line(encoded(log_joint - log_posterior), by=bayes, why="p(x) = p(x, z) / p(z | x), whatever z is")
    line(
        encoded(log_joint - log_encoder) + encoded(log_encoder - log_posterior),
        by=linearity,
        why="multiply and divide by q(z | x) inside the logarithm, and split",
    )
    line(ELBO(obs) + encoded(log_encoder - log_posterior), by=by_claim("vae.elbo.joint_form"))
    line(ELBO(obs) + gap, by=definition, why="the second mean is a divergence")


lower_bound = Claim(
    id="vae.elbo.lower_bound",
    title="ELBO is a lower bound",
    chapter="Evidence lower bound",
    kind="inequality",
    says=(
        Statement(ELBO(obs), "<=", log_evidence, words="because the gap is a divergence"),
        Statement(
            encoded(log_weight),
            "<=",
            log_evidence,
            words="a second route, by Jensen's inequality for the importance weight",
        ),
    ),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES,
    sources=("notes, Prop 1.2", "journey, 1.2", "article, ELBO"),
    words="Nothing that is maximised here can overshoot: whatever the encoder, the bound stays below the log-evidence.",
)


@lower_bound.proves()
def _(line: Chain) -> None:
    line(ELBO(obs))
    line(log_evidence - gap, by=by_claim("vae.elbo.decomposition"))
    line.le(log_evidence, by=gibbs, why="a divergence is never negative")


@lower_bound.proves(1)
def _(line: Chain) -> None:
    line(encoded(log_weight))
    line.le(
        sp.log(encoded(sp.exp(log_weight))), by=jensen, why="the logarithm of a mean is at least the mean logarithm"
    )
    line.le(
        log_evidence,
        by=mass,
        why="q cancels: the mean weight is the integral of p(x, z) over the z that q can draw, at most p(x)",
    )


tightness = Claim(
    id="vae.elbo.tightness",
    title="ELBO equals the log-evidence iff q is the model posterior",
    chapter="Evidence lower bound",
    kind="identity",
    says=(Statement(Equal(ELBO(obs), log_evidence), "iff", SameLaw(encoder, p(z, obs))),),
    hypotheses=LATENT_MODEL,
    scope=ANY_DENSITIES + "; equality of laws is equality almost everywhere, for the x at hand",
    sources=("notes, Prop 1.2 (the 'if' direction)",),
    words="The bound is tight in one case only: the encoder is the posterior of the model as it stands.",
)


@tightness.proves()
def _(line: Chain) -> None:
    line(Equal(ELBO(obs), log_evidence))
    line.iff(
        Equal(ELBO(obs), ELBO(obs) + gap),
        by=[by_claim("vae.elbo.decomposition"), rearrange],
        why="the log-evidence is the bound plus the gap",
    )
    line.iff(Equal(gap, 0), by=rearrange, why="subtract the bound from both sides")
    line.iff(SameLaw(encoder, p(z, obs)), by=zero_divergence, why="a divergence is zero only between equal laws")
