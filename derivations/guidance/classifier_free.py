"""Classifier-free guidance: one affine mixture, the same in every view, and the tilted law at one noise level."""

from __future__ import annotations

from derivations.notation import z
from derivations.rules import (
    REAL,
    Chain,
    Claim,
    Domain,
    Statement,
    bayes,
    define,
    definition,
    log_p,
    scalar,
    vector,
)

guidance = scalar("guidance", "w")
of_x, of_output = scalar("c_x", "c_x"), scalar("c_o", "c_o")
free, conditioned = vector("unconditioned", r"o_\varnothing"), vector("conditioned", "o_c")
condition = vector("condition", "c")

guided = define("guided", r"\tilde o", lambda w, o_u, o_c: o_u + w * (o_c - o_u), is_vector_valued=True)
view = define("affine_view", "F", lambda c_x, c_o, at, o: c_x * at + c_o * o, is_vector_valued=True)

cfg_views = Claim(
    id="guidance.cfg.views",
    title="Guidance is the same in every view",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            view(of_x, of_output, z, guided(guidance, free, conditioned)),
            "=",
            guided(guidance, view(of_x, of_output, z, free), view(of_x, of_output, z, conditioned)),
            words="to guide and to convert, or to convert and to guide",
        ),
        Statement(guided(1, free, conditioned), "=", conditioned, words="w = 1 is plain conditional sampling"),
        Statement(guided(0, free, conditioned), "=", free, words="w = 0 does not look at the condition"),
        Statement(
            guided(1 + guidance, free, conditioned),
            "=",
            (1 + guidance) * conditioned - guidance * free,
            words="the paper's scale is this w less 1",
        ),
    ),
    domain=Domain({"guidance": REAL}),
    scope="any dimension d, any two outputs, any affine view of an output, any w",
    sources=("Ho and Salimans 2022, eq. 6", "slides, Classifier-free guidance"),
    words="Data, noise, velocity and score are affine in one another, and guidance is an affine mixture whose weights "
    "sum to 1. So it does not matter in which of them one guides.",
)


@cfg_views.proves()
def _(line: Chain) -> None:
    line(view(of_x, of_output, z, guided(guidance, free, conditioned)))
    line(of_x * z + of_output * (free + guidance * (conditioned - free)), by=definition)
    line(
        of_x * z + of_output * free + guidance * (of_x * z + of_output * conditioned - (of_x * z + of_output * free)),
        why="the share of x cancels in the difference",
    )
    line(guided(guidance, view(of_x, of_output, z, free), view(of_x, of_output, z, conditioned)), by=definition)


@cfg_views.proves(1)
def _(line: Chain) -> None:
    line(guided(1, free, conditioned))
    line(conditioned, by=definition, why="all of the difference is added, and the answer without the condition cancels")


@cfg_views.proves(2)
def _(line: Chain) -> None:
    line(guided(0, free, conditioned))
    line(free, by=definition)


@cfg_views.proves(3)
def _(line: Chain) -> None:
    line(guided(1 + guidance, free, conditioned))
    line(free + (1 + guidance) * (conditioned - free), by=definition)
    line((1 + guidance) * conditioned - guidance * free, why="1 - (1 + w) = -w of the unconditional output is left")


# --- what is guided towards, at one noise level -----------------------------------------------------------------------

log_conditional, log_marginal, log_classifier = log_p("p", z, condition), log_p("p", z), log_p("p", condition, z)

tilted = Claim(
    id="guidance.classifier_free.tilted_density",
    title="The law that guidance points to, at one noise level",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            log_marginal + guidance * (log_conditional - log_marginal),
            "=",
            log_marginal + guidance * log_classifier - guidance * log_p("p", condition),
            words="up to a number that does not depend on x, p(x) p(c | x)^w",
        ),
    ),
    domain=Domain({"guidance": REAL}),
    scope="any joint density of x and the condition c, any w, at each noise level by itself",
    sources=("Ho and Salimans 2022, section 3.2", "slides, Classifier-free guidance"),
    words="By Bayes the guided combination of log-densities is the unconditional one tilted by the classifier p(c | "
    "x), w times. Their gradients in x are the guided score. This says nothing of another noise level: tilting "
    "and adding noise do not commute.",
)


@tilted.proves()
def _(line: Chain) -> None:
    line(log_marginal + guidance * (log_conditional - log_marginal))
    line(
        log_marginal + guidance * (log_classifier + log_marginal - log_p("p", condition) - log_marginal),
        by=bayes,
        why="p(x | c) = p(c | x) p(x) / p(c)",
    )
    line(log_marginal + guidance * log_classifier - guidance * log_p("p", condition), why="w goes into the bracket")
