"""The diffusion ELBO: what it bounds, what it loses, how it falls apart into one term a step. Any densities, any T."""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    T,
    absolute_continuity,
    forward_factorisation,
    integrable,
    p,
    path,
    q,
    reverse_factorisation,
    t,
    whole,
    x,
)
from derivations.rules import (
    KL,
    Block,
    Chain,
    Claim,
    Domain,
    Entropy,
    Expect,
    ProductTo,
    Statement,
    SumTo,
    bayes,
    define,
    definition,
    exponents,
    given,
    induction,
    jensen,
    linearity,
    log_p,
    mass,
    tower,
)

ELBO = define(
    "ELBO",
    r"\mathrm{ELBO}",
    lambda n, x_0: Expect(q(Block(x, 1, n), x_0), log_p("p", [x_0, Block(x, 1, n)]) - log_p("q", Block(x, 1, n), x_0)),
    notation=False,
)
ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})
STEPS = Domain(indices={T: (sp.Integer(2), sp.oo), t: (sp.Integer(2), T)})

bound = ELBO(T, x(0))
evidence = log_p("p", x(0))
log_model, log_encoder = log_p("p", whole), log_p("q", path, x(0))
gap = KL(q(path, x(0)), p(path, x(0)))


def over_path(body: sp.Expr) -> sp.Expr:
    """Average over the encoder's paths x_1..x_T."""
    return Expect(q(path, x(0)), body)


# --- what it is, what it bounds, what it misses -----------------------------------------------------------------------

elbo_definition = Claim(
    id="ddpm.elbo.definition",
    title="Diffusion ELBO",
    chapter="ELBO to loss",
    kind="definition",
    says=(
        Statement(bound, "=", over_path(log_model - log_encoder)),
        Statement(
            bound, "=", over_path(log_model) + Entropy(q(path, x(0))), words="energy of the model plus encoder entropy"
        ),
    ),
    domain=ANY_T,
    hypotheses=(integrable,),
    scope="any encoder and any model with densities, any T >= 1; nats, for one x_0",
    sources=("notes, Def 2.1", "staircase, The Reverse Process"),
    words="Draw a noisy path from the encoder and ask how much likelier the model finds data and path together than "
    "the encoder finds the path: the average of that log-ratio.",
)


@elbo_definition.proves()
def _(line: Chain) -> None:
    line(bound)
    line(over_path(log_model - log_encoder), by=definition)


@elbo_definition.proves(1)
def _(line: Chain) -> None:
    line(bound)
    line(over_path(log_model) - over_path(log_encoder), by=[definition, linearity], why="the mean of a difference")
    line(over_path(log_model) + Entropy(q(path, x(0))), by=definition, why="entropy is minus the mean log-density")


lower_bound = Claim(
    id="ddpm.elbo.lower_bound",
    title="Diffusion ELBO bounds the evidence",
    chapter="ELBO to loss",
    kind="inequality",
    says=(Statement(evidence, ">=", bound),),
    domain=ANY_T,
    hypotheses=(integrable, absolute_continuity),
    scope="any encoder and any model with densities, any T >= 1",
    sources=("notes, Prop 2.2", "notes, Prop 2.2 proof"),
    words="A weight p/q averaged over the encoder's paths gives the model's density of x_0, or less of it where the "
    "encoder never goes. The logarithm of an average is at least the average logarithm.",
)


@lower_bound.proves()
def _(line: Chain) -> None:
    weight = sp.exp(log_model - log_encoder)
    line(evidence)
    line.ge(
        sp.log(over_path(weight)),
        by=mass,
        why="q cancels: what is left is the integral of p over the paths that the encoder can draw",
    )
    line.ge(over_path(log_model - log_encoder), by=jensen, why="the logarithm is concave")
    line(bound, by=definition)


elbo_gap = Claim(
    id="ddpm.elbo.gap",
    title="Gap of the diffusion ELBO",
    chapter="ELBO to loss",
    kind="identity",
    says=(Statement(evidence, "=", bound + gap),),
    domain=ANY_T,
    hypotheses=(integrable, absolute_continuity),
    scope="any encoder and any model with densities, any T >= 1",
    sources=("notes, Prop 2.2",),
    words="What the bound misses is the divergence from the encoder's paths to the model's own: a one-layer VAE with "
    "the whole path as its latent variable.",
)


@elbo_gap.proves()
def _(line: Chain) -> None:
    log_posterior = log_p("p", path, x(0))
    line(evidence)
    line(over_path(evidence), by=linearity, why="log p(x_0) does not depend on the path")
    line(over_path(log_model - log_posterior), by=bayes, why="p(x_0) = p(x_0..x_T) / p(x_1..x_T | x_0)")
    line(
        over_path(log_model - log_encoder) + over_path(log_encoder - log_posterior),
        by=linearity,
        why="multiply and divide by the encoder inside the logarithm, and split",
    )
    line(bound + gap, by=definition, why="the first mean is the bound, the second a divergence")


# --- one term a step --------------------------------------------------------------------------------------------------

forward_step, backward_step = log_p("q", x(t), [x(t - 1), x(0)]), log_p("q", x(t - 1), [x(t), x(0)])

telescoping = Claim(
    id="ddpm.elbo.telescoping",
    title="Bayes flip of the encoder and telescoping",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            sp.exp(log_encoder),
            "=",
            sp.exp(log_p("q", x(T), x(0))) * ProductTo(sp.exp(backward_step), t, 2, T),
            words="the encoder, written backwards in time",
        ),
        Statement(
            sp.exp(forward_step),
            "=",
            sp.exp(backward_step + log_p("q", x(t), x(0)) - log_p("q", x(t - 1), x(0))),
            words="one step, turned round",
            domain=STEPS,
        ),
    ),
    domain=ANY_T,
    hypotheses=(forward_factorisation,),
    scope="any encoder that is Markov once x_0 is given, Gaussian or not; any T >= 1 (T = 1: the product is empty)",
    sources=("notes, Prop 2.3 proof",),
    words="Turning every step round by Bayes' rule, given x_0, leaves a ratio of marginals at each step. They cancel "
    "between neighbours, and only the last one stays.",
)


@telescoping.proves()
def _(line: Chain) -> None:
    first, last = log_p("q", x(1), x(0)), log_p("q", x(T), x(0))
    flipped = backward_step + log_p("q", x(t), x(0)) - log_p("q", x(t - 1), x(0))
    line(sp.exp(log_encoder))
    line(sp.exp(SumTo(forward_step, t, 1, T)), by=given(forward_factorisation), why="the encoder is a chain, given x_0")
    line(sp.exp(first + SumTo(forward_step, t, 2, T)), by=induction(T, 1), why="split off t = 1")
    line(sp.exp(first + SumTo(flipped, t, 2, T)), by=bayes, why="turn every later step round, given x_0")
    line(sp.exp(last + SumTo(backward_step, t, 2, T)), by=induction(T, 1), why="neighbouring marginals cancel")
    line(sp.exp(last) * ProductTo(sp.exp(backward_step), t, 2, T), by=exponents, why="a sum of logs is a product")


@telescoping.proves(1)
def _(line: Chain) -> None:
    line(sp.exp(forward_step))
    line(
        sp.exp(log_p("q", [x(t - 1), x(t)], x(0)) - log_p("q", x(t - 1), x(0))),
        by=bayes,
        why="the conditional is the joint over the marginal, everything given x_0",
    )
    line(
        sp.exp(backward_step + log_p("q", x(t), x(0)) - log_p("q", x(t - 1), x(0))),
        by=bayes,
        why="the same joint, conditioned the other way",
    )


reconstruction = Expect(q(x(1), x(0)), log_p("p", x(0), x(1)))
latent = KL(q(x(T), x(0)), p(x(T)))
consistency = SumTo(Expect(q(x(t), x(0)), KL(q(x(t - 1), [x(t), x(0)]), p(x(t - 1), x(t)))), t, 2, T)

elbo_decomposition = Claim(
    id="ddpm.elbo.decomposition",
    title="Per-step decomposition",
    chapter="ELBO to loss",
    kind="identity",
    says=(Statement(bound, "=", reconstruction - latent - consistency),),
    domain=ANY_T,
    hypotheses=(integrable, forward_factorisation, reverse_factorisation),
    scope="any densities; any encoder that is Markov once x_0 is given; any T >= 1 (T = 1: the sum is empty)",
    sources=("notes, Prop 2.3", "journey, 3.3", "staircase, The Reverse Process"),
    words="The bound splits into a reconstruction term, a KL at the noisy end, and one KL for every step between.",
)


@elbo_decomposition.proves()
def _(line: Chain) -> None:
    model_step = log_p("p", x(t - 1), x(t))
    ends, first, last = log_p("p", x(T)) + log_p("p", x(0), x(1)), log_p("q", x(1), x(0)), log_p("q", x(T), x(0))
    flipped = backward_step + log_p("q", x(t), x(0)) - log_p("q", x(t - 1), x(0))
    line(bound)
    line(over_path(log_model - log_encoder), by=definition)
    line(
        over_path(log_p("p", x(T)) + SumTo(model_step, t, 1, T) - SumTo(forward_step, t, 1, T)),
        by=[given(reverse_factorisation), given(forward_factorisation)],
        why="both chains factorise",
    )
    line(
        over_path(ends - first + SumTo(model_step - forward_step, t, 2, T)),
        by=induction(T, 1),
        why="split off t = 1 of both sums",
    )
    line(
        over_path(ends - first + SumTo(model_step - flipped, t, 2, T)),
        by=bayes,
        why="turn the encoder round, given x_0",
    )
    line(
        over_path(ends - last + SumTo(model_step - backward_step, t, 2, T)),
        by=induction(T, 1),
        why="the marginals telescope",
    )
    line(
        reconstruction - latent - consistency,
        by=[definition, linearity, tower],
        why="each term needs only the variables it mentions; name the KLs",
    )
