"""Codes in layers: the bound of a hierarchical VAE pays for each layer by itself, given the layers above."""

from __future__ import annotations

import itertools
from fractions import Fraction
from random import Random

import sympy as sp

from derivations.notation import absolute_continuity, integrable, obs, p, q
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    Block,
    Chain,
    Claim,
    Domain,
    Expect,
    Statement,
    SumTo,
    bayes,
    by_claim,
    define,
    definition,
    induction_hypothesis,
    last_term,
    linearity,
    log_p,
    tower,
    vector_function,
)

N, n = sp.Symbol("N", integer=True, positive=True), sp.Symbol("l", integer=True, positive=True)
layer = vector_function("layer", "z")
everything = Block(layer, 1, N)
LAYERS = Domain(indices={N: (sp.Integer(1), sp.oo)})


def upto(last: sp.Expr) -> Block:
    """The layers z_1, ..., z_last."""
    return Block(layer, 1, last)


def price_of(n: sp.Expr) -> sp.Expr:
    """What a layer costs, averaged over the layers above it."""
    return Expect(q(upto(n - 1), obs), KL(q(layer(n), [upto(n - 1), obs]), p(layer(n), upto(n - 1))))


log_decoder = log_p("p", obs, everything)
bound = define(
    "ELBO_layers",
    r"\mathrm{ELBO}",
    lambda last, x: Expect(q(upto(last), x), log_p("p", [x, upto(last)]) - log_p("q", upto(last), x)),
    notation=False,
)


def few_layers(rng: Random, number: int) -> World:
    """Bits in one to three layers below one observed bit, with any probabilities."""
    count = 1 + number % 3
    keys = (("x_obs",), *(("layer", m) for m in range(1, count + 1)))
    bits = list(itertools.product([(Fraction(0),), (Fraction(1),)], repeat=count + 1))

    def table() -> FiniteJoint:
        weights = [rng.randint(1, 9) for _ in bits]
        shares = {path: Fraction(w, sum(weights)) for path, w in zip(bits, weights, strict=True)}
        return FiniteJoint(keys, shares, Fraction(1, 8))  # densities above 1 occur, so a bound may have either sign

    laws = {name: table() for name in ("p", "q")}
    return World(seed=number, numbers={"N": count}, laws=laws, finite=frozenset({"x_obs", "layer"}))


factors = Claim(
    id="hvae.factors",
    title="The densities of layers, one after the other",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            log_p("q", everything, obs),
            "=",
            SumTo(log_p("q", layer(n), [upto(n - 1), obs]), n, 1, N),
            name="encoder",
        ),
        Statement(
            log_p("p", everything),
            "=",
            SumTo(log_p("p", layer(n), upto(n - 1)), n, 1, N),
            name="prior",
        ),
    ),
    domain=LAYERS,
    worlds=(few_layers,),
    scope="any densities, any number of layers",
    sources=("textbooks of probability",),
    words="The chain rule of densities: no assumption, each layer is conditioned on all that came before.",
)


def chained(base: Chain, step: Chain, name: str, given: list[sp.Expr]) -> None:
    def both(last: sp.Expr) -> sp.Expr:
        return SumTo(log_p(name, layer(n), [upto(n - 1), *given]), n, 1, last)

    base(log_p(name, layer(1), given))
    base(both(sp.S.One), why="nothing comes before the first layer")
    step(log_p(name, upto(N + 1), given))
    step(log_p(name, upto(N), given) + log_p(name, layer(N + 1), [upto(N), *given]), by=bayes)
    step(both(N) + log_p(name, layer(N + 1), [upto(N), *given]), by=induction_hypothesis)
    step(both(N + 1), by=last_term(N + 1), why="the next term of the sum")


@factors.proves("encoder", induction_on=N)
def _(base: Chain, step: Chain) -> None:
    chained(base, step, "q", [obs])


@factors.proves("prior", induction_on=N)
def _(base: Chain, step: Chain) -> None:
    chained(base, step, "p", [])


# --- the bound --------------------------------------------------------------------------------------------------------

hierarchical = Claim(
    id="hvae.elbo",
    title="The bound of a hierarchical VAE, layer by layer",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            bound(N, obs),
            "=",
            Expect(q(everything, obs), log_decoder) - SumTo(price_of(n), n, 1, N),
            name="layers",
            words="each layer is paid for given those above it, on average over what the encoder puts there",
        ),
        Statement(
            log_p("p", obs),
            "=",
            bound(N, obs) + KL(q(everything, obs), p(everything, obs)),
            name="gap",
            words="and what is missing is the divergence of all layers together",
        ),
    ),
    domain=LAYERS,
    hypotheses=(integrable, absolute_continuity),
    worlds=(few_layers,),
    scope="any densities, any number of layers, each conditioned on all those above it; diffusion is the case "
    "of a fixed encoder that walks layer by layer",
    sources=("Sønderby et al. 2016", "Vahdat and Kautz 2020 (NVAE), eq. 2"),
    words="Nothing is assumed of the layers. A layer that the decoder does not need costs nothing where the encoder "
    "copies the prior's conditional.",
)


@hierarchical.proves("layers")
def _(line: Chain) -> None:
    all_layers = q(everything, obs)
    later = log_p("q", layer(n), [upto(n - 1), obs]) - log_p("p", layer(n), upto(n - 1))
    line(bound(N, obs))
    line(Expect(all_layers, log_p("p", [obs, everything]) - log_p("q", everything, obs)), by=definition)
    line(Expect(all_layers, log_decoder + log_p("p", everything) - log_p("q", everything, obs)), by=bayes)
    line(
        Expect(all_layers, log_decoder - SumTo(later, n, 1, N)),
        by=(by_claim("hvae.factors", "prior"), by_claim("hvae.factors", "encoder")),
    )
    line(
        Expect(all_layers, log_decoder) - SumTo(Expect(all_layers, later), n, 1, N),
        by=linearity,
    )
    line(
        Expect(all_layers, log_decoder) - SumTo(Expect(q(upto(n), obs), later), n, 1, N),
        by=tower,
        why="what a term does not mention integrates to 1",
    )
    line(
        Expect(all_layers, log_decoder)
        - SumTo(Expect(q(upto(n - 1), obs), Expect(q(layer(n), [upto(n - 1), obs]), later)), n, 1, N),
        by=tower,
        why="first the layers above, then this one",
    )
    line(
        Expect(all_layers, log_decoder) - SumTo(price_of(n), n, 1, N),
        by=definition,
        why="the inner mean of log q - log p is the divergence of the two conditional laws",
    )


@hierarchical.proves("gap")
def _(line: Chain) -> None:
    all_layers = q(everything, obs)
    line(log_p("p", obs))
    line(Expect(all_layers, log_p("p", obs)), by=linearity, why="a number is its own mean")
    line(
        Expect(
            all_layers,
            log_p("p", [obs, everything])
            - log_p("q", everything, obs)
            + log_p("q", everything, obs)
            - log_p("p", everything, obs),
        ),
        by=bayes,
    )
    line(
        Expect(all_layers, log_p("p", [obs, everything]) - log_p("q", everything, obs))
        + Expect(all_layers, log_p("q", everything, obs) - log_p("p", everything, obs)),
        by=linearity,
    )
    line(bound(N, obs) + KL(all_layers, p(everything, obs)), by=definition)
